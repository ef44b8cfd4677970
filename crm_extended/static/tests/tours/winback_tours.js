import {registry} from "@web/core/registry";
import {openCustomers} from "./customer_menus";

registry.category("web_tour.tours").add("crm_extended_retention_desk", {
    url: "/odoo",
    steps: () => [
        ...openCustomers("crm_customer_profile_retention_menu"),
        {
            content: "The header counts who is at risk, and whom nobody looks after",
            trigger: ".o_customer_header [data-name=at_risk] .badge:contains(/^3$/)",
        },
        {trigger: ".o_customer_stake:contains(At stake)"},
        {
            content: "The one with most at stake stands first, with his reason",
            trigger:
                ".o_data_row:first:contains(Large Customer) td[name=reason]:contains(silent for 71)",
        },
        {
            content: "Without a salesperson: one",
            trigger: ".o_customer_header button[data-name=ownerless]",
            run: "click",
        },
        {
            content: "He alone is left",
            trigger: ".o_customer_header button.active[data-name=ownerless] .badge:contains(/^1$/)",
        },
        {
            trigger:
                ".o_list_table:not(:has(.o_data_row:contains(Large))) .o_data_row:contains(Ownerless Customer) .o_list_record_selector input",
            run: "click",
        },
        {
            content: "Give him to somebody",
            trigger: ".o_control_panel button[name=action_reassign]",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=user_id] input",
            run: "edit Desk Salesperson",
        },
        {
            trigger: ".modal .dropdown-item:contains(Desk Salesperson)",
            run: "click",
        },
        {
            trigger: ".modal-footer button[name=action_reassign]",
            run: "click",
        },
        {
            content: "Everybody has an owner now",
            trigger: ".o_customer_header [data-name=ownerless] .badge:contains(/^0$/)",
        },
        {
            content: "With whom is nothing planned?",
            trigger: ".o_customer_header button[data-name=without_step]",
            run: "click",
        },
        {
            content: "Plan a call with the largest",
            trigger: ".o_data_row:contains(Large Customer) .o-mail-ActivityButton",
            run: "click",
        },
        {
            trigger: ".o-mail-ActivityListPopover button:contains(Schedule an activity)",
            run: "click",
        },
        {
            trigger: ".modal .o_selection_badge:contains(Call)",
            run: "click",
        },
        {
            trigger: ".modal-footer button[name=action_schedule_activities]",
            run: "click",
        },
        {
            content: "He left the list, and the header counts one less",
            trigger: ".o_customer_header [data-name=without_step] .badge:contains(/^2$/)",
        },
    ],
});

registry.category("web_tour.tours").add("crm_extended_winback_queue", {
    url: "/odoo",
    steps: () => [
        ...openCustomers("crm_winback_case_menu"),
        {
            content: "Nobody is won back yet: begin with those already lost",
            trigger: ".o_winback_start:contains((2))",
            run: "click",
        },
        {
            content: "The one who was worth more stands first",
            trigger:
                ".o_kanban_group:first .o_kanban_record:not(.o_kanban_ghost):first:contains(Lost Large)",
        },
        {
            content: "Their cases wait",
            trigger: ".o_winback_header [data-name=to_contact] .badge:contains(/^2$/)",
        },
        {
            trigger: ".o_kanban_record:contains(Lost Large)",
            run: "click",
        },
        {
            content: "The queue says what it stands on",
            trigger: ".o_form_view .oe_title:contains(last good year)",
        },
        {
            content: "He was called: why did he leave?",
            trigger: ".o_statusbar_buttons button[name=action_note_reason]",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=leaving_reason_id] input",
            run: "edit Goods were",
        },
        {
            trigger: ".modal .dropdown-item:contains(Goods were missing)",
            run: "click",
        },
        {
            content: "What to say stands there",
            trigger: ".modal .o_field_widget[name=say]:contains(The goods are back)",
        },
        {
            trigger: ".modal-footer button[name=action_keep]:visible",
            run: "click",
        },
        {
            content: "The offer",
            trigger: ".o_statusbar_buttons button[name=action_make_offer]",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=offered] textarea",
            run: "edit The new lot is reserved until Thursday",
        },
        {
            trigger: ".modal .o_field_widget[name=discount] input",
            run: "edit 10 && click .modal-body",
        },
        {
            content: "A discount answers nothing here",
            trigger: ".modal .alert-warning:contains(The price was not why he left)",
        },
        {
            trigger: ".modal .o_field_widget[name=discount] input",
            run: "edit 0 && click .modal-body",
        },
        {
            trigger: ".modal-footer button[name=action_keep]:visible",
            run: "click",
        },
        {
            content: "The offer stands on the case",
            trigger: ".o_form_view .o_field_widget[name=offered] :value(The new lot)",
        },
        {
            trigger: ".o_breadcrumb .o_back_button, .breadcrumb-item.o_back_button a",
            run: "click",
        },
        {
            content: "The case has moved",
            trigger: ".o_kanban_group:contains(Offer Made) .o_kanban_record:contains(Lost Large)",
        },
        {
            content: "The other one is not worth another call",
            trigger: ".o_kanban_record:contains(Lost Small)",
            run: "click",
        },
        {
            trigger: ".o_statusbar_buttons button[name=action_give_up]",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=leaving_reason_id] input",
            run: "edit Closed",
        },
        {
            trigger: ".modal .dropdown-item:contains(Closed the business)",
            run: "click",
        },
        {
            trigger: ".modal-footer button[name=action_keep].btn-danger",
            run: "click",
        },
        {
            trigger: ".o_form_view .ribbon:contains(Given Up)",
        },
    ],
});
