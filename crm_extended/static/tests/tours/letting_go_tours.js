import {registry} from "@web/core/registry";
import {openCustomers} from "./customer_menus";

registry.category("web_tour.tours").add("crm_extended_letting_go", {
    url: "/odoo",
    steps: () => [
        ...openCustomers("crm_customer_overview_menu"),
        {
            content: "The owner sees a loss maker without a decision, and goes to him",
            trigger: ".o_customer_overview [data-name=undecided]:contains(/^1$/)",
            run: "click",
        },
        {
            content: "The desk says what makes him so",
            trigger:
                ".o_data_row:contains(Costly Customer) td[name=loss_cause]:contains(Deliveries)",
        },
        {
            content: "Try other terms",
            trigger: ".o_data_row:contains(Costly Customer) button[name=action_what_if]",
            run: "click",
        },
        {
            content: "Change the fee for each delivery",
            trigger: ".modal .o_data_row:contains(Delivery fee) td[name=value]",
            run: "click",
        },
        {
            trigger: ".modal .o_data_row:contains(Delivery fee) td[name=value] input",
            run: "edit 20 && press Tab",
        },
        {
            content: "What he would have brought follows",
            trigger:
                ".modal .o_data_row:contains(Delivery fee) td[name=contribution]:contains(40.00)",
        },
        {
            content: "Propose it",
            trigger: ".modal .o_data_row:contains(Delivery fee) button[name=action_propose]",
            run: "click",
        },
        {
            content: "The decision says the terms",
            trigger: ".o_form_view [name=terms]:contains(20)",
        },
        {
            content: "Decide",
            trigger: ".o_form_view button[name=action_decide]",
            run: "click",
        },
        {
            content: "It is decided, and a review is planned",
            trigger: ".o_form_view .o_arrow_button_current:contains(Decided)",
        },
        {trigger: ".o-mail-Activity:contains(Has it helped?)"},
        ...openCustomers("crm_customer_whale_menu"),
        {
            content: "The whale curve is drawn",
            trigger: ".o_customer_whale canvas",
        },
        {
            content: "Who costs money is opened",
            trigger: ".o_customer_whale [data-name=lost]",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row:contains(Costly Customer)",
        },
    ],
});
