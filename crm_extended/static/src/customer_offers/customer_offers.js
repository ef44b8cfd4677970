import {Component, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";
import {useRecordObserver} from "@web/model/relational_model/utils";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";

const MODEL = "crm.customer.recommendation";

/**
 * The best products to offer to the customer of a contact, an opportunity or a quotation, each with
 * its reason, a button that puts it into a quotation, and one that notes a refusal. Read when it is
 * shown, not with the form.
 */
export class CustomerOffers extends Component {
    static template = "crm_extended.CustomerOffers";
    static props = {...standardWidgetProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({offers: [], count: 0});
        useRecordObserver((record) => {
            const [partner, company] = this.customer(record);
            if (partner !== this.partner || company !== this.company) {
                [this.partner, this.company] = [partner, company];
                return this.load();
            }
        });
    }

    /** The contact and the company whose offers are shown. */
    customer({resModel, resId, data}) {
        const company = data.company_id?.id || false;
        if (resModel === "res.partner") {
            return [resId, false];
        }
        return [data.partner_id?.id, company];
    }

    get allOfThem() {
        return _t("All %s", this.state.count);
    }

    get isOrder() {
        return this.props.record.resModel === "sale.order";
    }

    async load() {
        if (!this.partner) {
            Object.assign(this.state, {offers: [], count: 0});
            return;
        }
        const found = await this.orm.call(MODEL, "customer_offers", [this.partner, this.company]);
        Object.assign(this.state, found);
    }

    async add(offer) {
        const {record} = this.props;
        if (!(await record.save())) {
            return;
        }
        const target = {
            "sale.order": {order_id: record.resId},
            "crm.lead": {lead_id: record.resId},
        }[record.resModel];
        const action = await this.orm.call(MODEL, "action_add_to_quotation", [[offer.id]], target);
        if (this.isOrder) {
            await record.load();
            await this.load();
        } else {
            await this.action.doAction(action);
        }
    }

    async refuse(offer) {
        await this.orm.call(MODEL, "action_refuse", [[offer.id]]);
        await this.load();
    }

    async openAll() {
        const action = await this.action.loadAction(
            "crm_extended.crm_customer_recommendation_action"
        );
        // the action's own filters would win: it shows the best one of each customer
        const context = {search_default_partner_id: this.state.customer_id, search_default_open: 1};
        await this.action.doAction({...action, context});
    }
}

registry.category("view_widgets").add("customer_offers", {component: CustomerOffers});
