import {registry} from "@web/core/registry";
import {openCustomers} from "./customer_menus";

const recompute = [
    {
        content: "Open the cog menu",
        trigger: ".o_control_panel .o_cp_action_menus button",
        run: "click",
    },
    {
        content: "Recompute",
        trigger: ".o_customer_recompute",
        run: "click",
    },
];

registry.category("web_tour.tours").add("crm_extended_customer_at_risk", {
    url: "/odoo",
    steps: () => [
        ...openCustomers("crm_customer_profile_to_call_menu"),
        {
            content: "The header counts one call of his own, and one customer of nobody",
            trigger: ".o_customer_header button.active[data-name=today] .badge:contains(/^1$/)",
        },
        {trigger: ".o_customer_header [data-name=ownerless] .badge:contains(/^1$/)"},
        {
            content: "As of when the numbers are stands above them",
            trigger: ".o_customer_as_of:contains(As of)",
        },
        {
            content: "The customer at risk stands there with his reason",
            trigger:
                ".o_data_row:contains(Silent Customer) td[name=daily_reason]:contains(/^Orders every 30 days; silent for 71. Call within \\d+ days. .* a year at stake.$/)",
            run: "click",
        },
        {
            content: "His card says it again",
            trigger: ".o_form_view .oe_title:contains(Silent Customer):contains(At risk)",
        },
        {trigger: ".o_form_view .oe_title:contains(silent for 71)"},
        {
            content: "See the documents behind",
            trigger: "button[name=action_open_documents]",
            run: "click",
        },
        {
            content: "Four purchases stand there: open the latest one",
            trigger: ".o_list_view .o_data_row:eq(3)",
        },
        {
            trigger: ".o_list_view .o_data_row:first td[name=document_name]",
            run: "click",
        },
        {
            content: "It is his invoice",
            trigger: ".o_form_view .o_field_widget[name=partner_id]:contains(Silent Customer)",
        },
        {
            content: "Back to the customer",
            trigger: ".o_breadcrumb .o_back_button, .breadcrumb-item.o_back_button a",
            run: "click",
        },
        {trigger: ".o_list_view .o_data_row:eq(3)"},
        {
            trigger: ".breadcrumb-item a:contains(Customers to Call)",
            run: "click",
        },
        {
            content: "Plan a call",
            trigger: ".o_data_row:contains(Silent Customer) .o-mail-ActivityButton",
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
            content: "It is done: he was called",
            trigger: ".modal-footer button[name=action_schedule_activities_done]",
            run: "click",
        },
        {
            content: "The list is empty and says so, the header counts him as done",
            trigger: ".o_customer_header [data-name=done] .badge:contains(/^1$/)",
        },
    ],
});

registry.category("web_tour.tours").add("crm_extended_recompute", {
    url: "/odoo",
    steps: () => [
        ...openCustomers("crm_customer_profile_menu"),
        {trigger: ".o_customer_header"},
        ...recompute,
        {
            content: "The refresh waits and shows itself",
            trigger: ".o_form_view .o_arrow_button_current:contains(Waiting)",
        },
        {
            content: "Leave the page",
            trigger: ".breadcrumb-item a:contains(All Customers)",
            run: "click",
        },
        {
            content: "The header says that it is under way",
            trigger: ".o_customer_header button:contains(Being recomputed)",
        },
        ...recompute,
        {
            content: "A second one is not begun",
            trigger: ".o_notification:contains(under way)",
        },
        {
            content: "Cancel it",
            trigger: ".o_form_view button[name=action_cancel]",
            run: "click",
        },
        {
            trigger: ".o_form_view .alert-info:contains(It stops before its next step)",
        },
    ],
});

registry.category("web_tour.tours").add("crm_extended_dry_run", {
    url: "/odoo/loyalty-tiers",
    steps: () => [
        {
            content: "The tiers stand there with their rules",
            trigger: ".o_data_row:contains(Gold) td[name=rule]:contains(1,000)",
        },
        {
            content: "Try other rules",
            trigger: ".o_control_panel button:contains(Try New Rules)",
            run: "click",
        },
        {
            content: "Gold shall begin earlier",
            trigger:
                ".o_field_one2many[name=line_ids] .o_data_row:contains(Gold) td[name=threshold]",
            run: "click",
        },
        {
            trigger: ".o_data_row:contains(Gold) td[name=threshold] input",
            run: "edit 600",
        },
        {content: "Try", trigger: "button[name=action_try]", run: "click"},
        {
            content: "One customer would move up, and stands there",
            trigger: ".o_field_widget[name=up_count]:contains(/^1$/)",
        },
        {
            trigger:
                ".o_field_widget[name=move_ids] .o_data_row:contains(Tier Customer):contains(Silver):contains(Gold)",
        },
        {content: "Apply", trigger: "button[name=action_apply]", run: "click"},
        {trigger: ".modal-footer .btn-primary:contains(Apply)", run: "click"},
        {content: "The refresh has been asked for", trigger: ".o_form_view:contains(Waiting)"},
    ],
});

registry.category("web_tour.tours").add("crm_extended_own_prices", {
    url: "/odoo/price-index",
    steps: () => [
        {
            content: "Take the index from own sales",
            trigger: ".o_control_panel button:contains(Take from Own Sales)",
            run: "click",
        },
        {
            content: "What was found stands there, and what is missing",
            trigger: ".modal .o_field_widget[name=month_count]:contains(/^3$/)",
        },
        {trigger: ".modal .o_field_widget[name=note]:contains(some 5 products a month)"},
        {trigger: ".modal .o_data_row:contains(Told by products):contains(100%)"},
        {content: "Take it", trigger: ".modal button[name=action_take]", run: "click"},
        {
            content: "The months are in the index",
            trigger: "body:not(:has(.modal)) .o_data_row:contains(Own sales)",
        },
    ],
});

registry.category("web_tour.tours").add("crm_extended_lock_tier", {
    url: "/odoo/all-customers",
    steps: () => [
        {
            content: "Open the customer",
            trigger: ".o_data_row:contains(Tier Customer) td[name=partner_id]",
            run: "click",
        },
        {
            content: "He has the tier that he earned",
            trigger: ".o_form_view .oe_title .badge:contains(Silver)",
        },
        {content: "Lock another one", trigger: "button[name=action_lock_tier]", run: "click"},
        {trigger: ".modal [name=tier_id] input", run: "edit Gold"},
        {trigger: ".modal .o-autocomplete--dropdown-item:contains(Gold)", run: "click"},
        {trigger: ".modal [name=reason] input", run: "edit Agreed with the owner"},
        {trigger: ".modal-footer button:contains(Save)", run: "click"},
        {
            content: "It shows at once",
            trigger: ".o_form_view .oe_title .badge:contains(Gold)",
        },
    ],
});

registry.category("web_tour.tours").add("crm_extended_tier_pricelist", {
    url: "/odoo/sales/new",
    steps: () => [
        {
            content: "A quotation for a customer of the tier",
            trigger: ".o_field_widget[name=partner_id] input",
            run: "edit Tier Customer",
        },
        {trigger: ".o-autocomplete--dropdown-item:contains(Tier Customer)", run: "click"},
        {trigger: ".o_field_widget[name=loyalty_tier_id]:contains(Silver)"},
        {
            content: "has the price list of the tier",
            trigger: ".o_field_widget[name=pricelist_id] input:value(/^Silver Prices/)",
        },
        {
            content: "One for a customer of another tier",
            trigger: ".o_field_widget[name=partner_id] input",
            run: "edit Other Customer",
        },
        {trigger: ".o-autocomplete--dropdown-item:contains(Other Customer)", run: "click"},
        {trigger: ".o_field_widget[name=loyalty_tier_id]:contains(Bronze)"},
        {
            content: "has not",
            trigger: ".o_field_widget[name=pricelist_id] input:value(/^Usual Prices/)",
        },
        {trigger: ".o_form_button_cancel", run: "click"},
    ],
});

registry.category("web_tour.tours").add("crm_extended_readiness", {
    url: "/odoo",
    steps: () => [
        ...openCustomers("crm_customer_readiness_menu"),
        {
            content: "One customer is too few to tell who leaves",
            trigger: ".o_customer_readiness [data-name=leaving] .badge:contains(Not yet)",
        },
        {trigger: "[data-name=leaving] [data-level=missing]:contains(it takes 20)"},
        {
            content: "Nobody has entered quiet periods: go there",
            trigger: "[data-name=leaving] button:contains(Quiet Periods)",
            run: "click",
        },
        {
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            trigger: "[name=name] input",
            run: "edit Summer break",
        },
        {
            trigger:
                ".o_field_widget[name=date_from] input, .o_field_widget[name=date_from] button",
            run: "click",
        },
        {
            trigger: ".o_date_picker .o_today, .o_date_item_cell.o_today",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=date_to] input, .o_field_widget[name=date_to] button",
            run: "click",
        },
        {
            trigger: ".o_date_picker .o_today, .o_date_item_cell.o_today",
            run: "click",
        },
        {
            trigger: ".o_list_button_save",
            run: "click",
        },
        {trigger: ".o_list_button_add"},
        {
            content: "Back: the page has looked again",
            trigger: ".breadcrumb-item a:contains(Data Readiness)",
            run: "click",
        },
        {trigger: "[data-name=leaving] [data-level=enough]:contains(quiet periods 1)"},
    ],
});

registry.category("web_tour.tours").add("crm_extended_explanation", {
    url: "/odoo",
    steps: () => [
        ...openCustomers("crm_customer_profile_to_call_menu"),
        {
            content: "Open the customer at risk",
            trigger: ".o_data_row:contains(Silent Customer) td[name=daily_reason]",
            run: "click",
        },
        {
            content: "Read why he is in the list",
            trigger: ".o_form_view [name=reason]:contains(silent for)",
        },
        {
            content: "Ask how the numbers came about",
            trigger: "button[name=action_explain]",
            run: "click",
        },
        {
            content: "His days stand there, each with its document: open the latest one",
            trigger: ".o_customer_explanation tbody tr:first [data-figure=day]",
            run: "click",
        },
        {
            content: "The lines of that day alone",
            trigger: ".o_list_view .o_data_row:only-child td[name=document_name]",
        },
        {
            content: "Back to the page",
            trigger: ".o_breadcrumb .o_back_button",
            run: "click",
        },
        {
            content: "From the revenue to its lines",
            trigger: ".o_customer_explanation [data-figure='12m']",
            run: "click",
        },
        {trigger: ".o_list_view .o_data_row:eq(3)"},
        ...openCustomers("crm_model_backtest_menu", "crm.crm_menu_report"),
        {
            content: "See how right the forecasts were",
            trigger: ".o_data_row:contains(Said then) td[name=kind]",
            run: "click",
        },
        {
            content: "The grade and what it means",
            trigger: ".o_backtest:contains(What is said comes true)",
        },
        {trigger: ".o_backtest:contains(No order for 90 days)"},
    ],
});

registry.category("web_tour.tours").add("crm_extended_grow", {
    url: "/odoo",
    steps: () => [
        ...openCustomers("crm_customer_profile_menu"),
        {
            content: "Open a customer",
            trigger: ".o_data_row:contains(Tender) td[name=partner_id]",
            run: "click",
        },
        {
            content: "Note what he spends with all suppliers together",
            trigger: "button[name=action_ask_wallet]",
            run: "click",
        },
        {
            trigger: ".modal [name=amount] input",
            run: "edit 500",
        },
        {
            trigger: ".modal footer .btn-primary:contains(Save)",
            run: "click",
        },
        {
            content: "The share stands there at once",
            trigger: "body:not(:has(.modal)) [name=wallet_share]:contains(20)",
        },
        ...openCustomers("crm_customer_profile_white_space_menu"),
        {
            content: "What similar customers buy and he does not",
            trigger: ".o_white_space tr:contains(Tender) .o_white_space_white",
            run: "click",
        },
        {trigger: ".modal [name=reason]:contains(of 20 similar customers do)"},
        {
            content: "One click makes the opportunity",
            trigger: ".modal button[name=action_make_opportunity]",
            run: "click",
        },
        {trigger: ".o_form_view [name=opportunity_kind] :value(/cross_sell|Cross-sell/)"},
        {
            content: "It says what to offer, and puts it into a quotation",
            trigger: ".o_customer_offer:contains(Air Filter) .o_offer_add",
            run: "click",
        },
        {
            trigger: ".o_form_view [name=order_line] .o_data_row:contains(Air Filter)",
        },
        {
            content: "The next offer is one click away in the quotation",
            trigger: ".o_customer_offer:contains(Hose) .o_offer_add",
            run: "click",
        },
        {
            trigger: ".o_form_view [name=order_line] .o_data_row:contains(Hose)",
        },
        {
            content: "What he does not want is noted",
            trigger: ".o_customer_offer:contains(Lamp) .o_offer_refuse",
            run: "click",
        },
        {trigger: ".o_form_view:not(:has(.o_customer_offer))"},
    ],
});
