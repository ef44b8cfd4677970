import {Component, onWillStart, useState} from "@odoo/owl";
import {deserializeDate, formatDate} from "@web/core/l10n/dates";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";
import {Layout} from "@web/search/layout";
import {standardActionServiceProps} from "@web/webclient/actions/action_service";
import {WhaleCurve} from "./whale_curve";

/** What a model reports of the current companies: their whale curves. */
export class CustomerWhale extends Component {
    static template = "crm_extended.CustomerWhale";
    static model = "crm.customer.whale";
    static components = {Layout, WhaleCurve};
    static props = {...standardActionServiceProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.display = {controlPanel: {}};
        this.state = useState({reports: []});
        onWillStart(async () => {
            this.state.reports = await this.orm.call(this.constructor.model, "report", []);
        });
    }

    asOf({as_of}) {
        return _t("As of %s", formatDate(deserializeDate(as_of)));
    }
}

registry.category("actions").add("crm_extended.customer_whale", CustomerWhale);
