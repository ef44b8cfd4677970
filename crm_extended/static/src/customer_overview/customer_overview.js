import {CustomerWhale} from "@crm_extended/customer_whale/customer_whale";
import {registry} from "@web/core/registry";

/** What an owner asks first: one block a company, every number leads to its customers. */
export class CustomerOverview extends CustomerWhale {
    static template = "crm_extended.CustomerOverview";
    static model = "crm.customer.overview";

    async openWhale() {
        await this.action.doAction("crm_extended.crm_customer_whale_action");
    }
}

registry.category("actions").add("crm_extended.customer_overview", CustomerOverview);
