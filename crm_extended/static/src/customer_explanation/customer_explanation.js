import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

/** A page made by the server whose buttons open what is behind a figure. */
export class CustomerExplanation extends Component {
    static template = "crm_extended.CustomerExplanation";
    static props = standardFieldProps;

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
    }

    get page() {
        return this.props.record.data[this.props.name] || "";
    }

    async onClick(ev) {
        const button = ev.target.closest("[data-figure]");
        if (!button) {
            return;
        }
        const {figure, day} = button.dataset;
        const {resModel, resId} = this.props.record;
        const args = [[resId], figure, day || false];
        await this.action.doAction(await this.orm.call(resModel, "action_open_behind", args));
    }
}

registry.category("fields").add("customer_explanation", {
    component: CustomerExplanation,
    displayName: _t("Explanation of a Customer"),
    supportedTypes: ["html"],
});
