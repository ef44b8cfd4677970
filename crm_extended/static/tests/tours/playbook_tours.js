import {registry} from "@web/core/registry";
import {stepUtils} from "@web_tour/tour_utils";
import {openCustomers} from "./customer_menus";

registry.category("web_tour.tours").add("crm_extended_playbook", {
    url: "/odoo",
    steps: () => [
        ...openCustomers("crm_playbook_menu", "crm_extended.crm_playbook_root_menu", "Playbooks"),
        {
            content: "Write a playbook",
            trigger: ".o_control_panel .o-kanban-button-new",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=name] input",
            run: "edit Call Who Fell Silent",
        },
        {
            content: "It starts when a segment is entered",
            trigger: ".o_field_widget[name=trigger] input[data-value=segment]",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=segment_id] input",
            run: "edit Fell Silent",
        },
        {
            trigger: ".o_field_widget[name=segment_id] .dropdown-item:contains(Fell Silent)",
            run: "click",
        },
        {
            content: "The salesperson calls",
            trigger: ".o_field_widget[name=activity_type_id] input",
            run: "edit Call",
        },
        {
            trigger: ".o_field_widget[name=activity_type_id] .dropdown-item:contains(/^Call$/)",
            run: "click",
        },
        ...stepUtils.saveForm(),
        {
            content: "Switch it on",
            trigger: ".o_statusbar_buttons button[name=action_switch_on]",
            run: "click",
        },
        {
            content: "Two customers are in the segment already: start with them",
            trigger: ".alert button[name=action_start_existing]:not([disabled])",
            run: "click",
        },
        {
            trigger: ".modal-footer .btn-primary",
            run: "click",
        },
        {
            content: "Both have a case",
            trigger: ".o_stat_text:contains(Open Cases)",
        },
        {
            trigger: ".oe_stat_button[name=action_open_cases]:contains(2)",
            run: "click",
        },
        {
            content: "Open one of them",
            trigger: ".o_list_view .o_data_row:contains(Silent Customer) td[name=playbook_id]",
            run: "click",
        },
        {
            content: "It says why",
            trigger: ".o_form_view .oe_title:contains(Silent Customer):contains(silent for 71)",
        },
    ],
});

registry.category("web_tour.tours").add("crm_extended_playbook_case", {
    url: "/odoo",
    steps: () => [
        ...openCustomers("crm_playbook_case_menu", "crm_extended.crm_playbook_root_menu", "Cases"),
        {
            content: "His case is in the list",
            trigger: ".o_list_view .o_data_row:contains(Silent Customer) td[name=playbook_id]",
            run: "click",
        },
        {
            content: "He has called",
            trigger: ".o_statusbar_buttons button[name=action_done]",
            run: "click",
        },
        {
            content: "The case is closed",
            trigger: ".o_arrow_button_current[data-value=closed]",
        },
    ],
});

registry.category("web_tour.tours").add("crm_extended_playbook_approve", {
    url: "/odoo",
    steps: () => [
        ...openCustomers(
            "crm_playbook_case_approve_menu",
            "crm_extended.crm_playbook_root_menu",
            "Emails to Approve"
        ),
        {
            content: "Only what waits for an approval",
            trigger: ".o_searchview_facet:contains(To Approve)",
        },
        {
            content: "Mark all",
            trigger: ".o_list_view thead .o_list_record_selector input",
            run: "click",
        },
        {
            content: "Approve them",
            trigger: ".o_control_panel button[name=action_approve]",
            run: "click",
        },
        {
            trigger: ".modal-footer .btn-primary",
            run: "click",
        },
        {
            content: "Nothing waits any more",
            trigger: ".o_list_view:not(:has(.o_data_row)), .o_view_nocontent",
        },
    ],
});
