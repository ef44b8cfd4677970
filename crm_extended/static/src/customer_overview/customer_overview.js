import {Component, onWillStart, useState} from "@odoo/owl";
import {deserializeDate, formatDate} from "@web/core/l10n/dates";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";
import {Layout} from "@web/search/layout";
import {standardActionServiceProps} from "@web/webclient/actions/action_service";
import {WhaleCurve} from "@crm_extended/customer_whale/whale_curve";

/** What an owner asks first: one block a company, every number leads to its customers. */
export class CustomerOverview extends Component {
    static template = "crm_extended.CustomerOverview";
    static components = {Layout, WhaleCurve};
    static props = {...standardActionServiceProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.display = {controlPanel: {}};
        this.state = useState({blocks: []});
        onWillStart(async () => {
            this.state.blocks = await this.orm.call("crm.customer.overview", "report", []);
        });
    }

    asOf({as_of}) {
        return _t("As of %s", formatDate(deserializeDate(as_of)));
    }

    async openWhale() {
        await this.action.doAction("crm_extended.crm_customer_whale_action");
    }
}

registry.category("actions").add("crm_extended.customer_overview", CustomerOverview);
