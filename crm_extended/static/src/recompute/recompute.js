import {Component} from "@odoo/owl";
import {DropdownItem} from "@web/core/dropdown/dropdown_item";
import {registry} from "@web/core/registry";
import {user} from "@web/core/user";
import {ACTIONS_GROUP_NUMBER} from "@web/search/action_menus/action_menus";

/** Queue a refresh of the current company, and follow it. */
export async function recomputeCustomers({orm, action}) {
    await action.doAction(await orm.call("crm.customer.profile", "action_recompute", []));
}

/** "Recompute Now" in the cog menu of the customers. */
export class RecomputeCustomers extends Component {
    static template = "crm_extended.RecomputeCustomers";
    static components = {DropdownItem};
    static props = {};

    recompute() {
        // the menu closes at once: its own services would never answer
        return recomputeCustomers(this.env.services);
    }
}

registry.category("cogMenu").add(
    "crm_extended_recompute",
    {
        Component: RecomputeCustomers,
        groupNumber: ACTIONS_GROUP_NUMBER,
        isDisplayed: async ({config, searchModel}) =>
            searchModel?.resModel === "crm.customer.profile" &&
            config.viewType !== "form" &&
            (await user.hasGroup("crm_extended.group_manager")),
    },
    {sequence: 5}
);
