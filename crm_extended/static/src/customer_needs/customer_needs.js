import {Component, onWillStart, onWillUpdateProps, useState} from "@odoo/owl";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";

const TAGS = {need_ids: {fields: {display_name: {}, color: {}}}};

/**
 * What matters to the customer of a contact or of a lead, and the question for it.
 *
 * It is read when it is shown, not with the form: a contact that nobody looks at as a customer
 * costs nothing for it.
 */
export class CustomerNeeds extends Component {
    static template = "crm_extended.CustomerNeeds";
    static props = {...standardWidgetProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({needs: []});
        onWillStart(() => this.load(this.props.record));
        onWillUpdateProps(({record}) => {
            if (this.partnerId(record) !== this.loadedId) {
                return this.load(record);
            }
        });
    }

    partnerId(record) {
        return record.resModel === "res.partner" ? record.resId : record.data.partner_id?.id;
    }

    async load(record) {
        this.loadedId = this.partnerId(record);
        if (!this.loadedId) {
            this.state.needs = [];
            return;
        }
        const [partner] = await this.orm.webRead("res.partner", [this.loadedId], {
            specification: TAGS,
        });
        this.state.needs = partner?.need_ids || [];
    }

    async ask() {
        const {record} = this.props;
        if (await record.save()) {
            const action = await this.orm.call(record.resModel, "action_note_needs", [
                record.resId,
            ]);
            await this.action.doAction(action, {onClose: () => this.load(this.props.record)});
        }
    }
}

registry.category("view_widgets").add("customer_needs", {
    component: CustomerNeeds,
});
