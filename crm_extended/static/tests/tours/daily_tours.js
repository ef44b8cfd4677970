import {registry} from "@web/core/registry";
import {openCustomers} from "./customer_menus";

const outcomeOf = (name) => `.o_data_row:contains(${name}) .o_customer_outcome`;

registry.category("web_tour.tours").add("crm_extended_daily_list", {
    url: "/odoo",
    steps: () => [
        ...openCustomers("crm_customer_profile_to_call_menu"),
        {
            content: "The list of the day is open, and says how much there is to do",
            trigger: ".o_customer_header .o_customer_scope:contains(/^2 to call, 0 done$/)",
        },
        {trigger: ".o_customer_header button.active[data-name=today] .badge:contains(/^2$/)"},
        {
            content: "What was promised stands first",
            trigger: ".o_data_row:first:contains(Promised Customer):contains(Promised for today)",
        },
        {
            content: "First tap: what did they say?",
            trigger: outcomeOf("Silent Customer"),
            run: "click",
        },
        {
            content: "Second tap",
            trigger: ".o_customer_outcome_popover [data-kind=price]",
            run: "click",
        },
        {
            content: "The customer left the list, the counter moved",
            trigger: ".o_customer_header .o_customer_scope:contains(/^1 to call, 1 done$/)",
        },
        {trigger: ".o_list_view:not(:contains(Silent Customer))"},
        {
            content: "It was a mistake",
            trigger: ".o_notification button:contains(Undo)",
            run: "click",
        },
        {trigger: ".o_customer_header .o_customer_scope:contains(/^2 to call, 0 done$/)"},
        {
            content: "He wants to be called again",
            trigger: outcomeOf("Promised Customer"),
            run: "click",
        },
        {
            trigger: ".o_customer_outcome_popover .o_outcome_note",
            run: "edit After the fair",
        },
        {
            trigger: ".o_customer_outcome_popover [data-kind=call_back]",
            run: "click",
        },
        {
            content: "Tomorrow",
            trigger: ".o_customer_outcome_popover [data-day='0']",
            run: "click",
        },
        {trigger: ".o_customer_header .o_customer_scope:contains(/^1 to call, 1 done$/)"},
        {
            content: "What was done today is one click away, with what was said",
            trigger: ".o_customer_header [data-name=done]",
            run: "click",
        },
        {trigger: `${outcomeOf("Promised Customer")}:contains(Call back)`},
    ],
});

registry.category("web_tour.tours").add("crm_extended_team_today", {
    url: "/odoo",
    steps: () => [
        ...openCustomers("crm_customer_team_menu"),
        {
            content: "Somebody is late with what he promised",
            trigger:
                ".o_customer_team [data-name=team] tr:contains(tour_daily) [data-figure=late]:contains(1)",
        },
        {
            content: "The customer of nobody is the first of those at risk: choose him",
            trigger: "[data-name=at_risk] li:first:contains(Ownerless Customer) input",
            run: "click",
        },
        {trigger: ".o_team_assign:enabled", run: "click"},
        {trigger: ".modal [name=user_id] input", run: "edit tour_daily"},
        {
            trigger: ".modal .o-autocomplete--dropdown-item:contains(tour_daily)",
            run: "click",
        },
        {trigger: ".modal button[name=action_reassign]", run: "click"},
        {
            content: "He is somebody's now",
            trigger:
                "body:not(:has(.modal)) [data-name=at_risk] li:contains(Ownerless Customer):contains(tour_daily)",
        },
    ],
});
