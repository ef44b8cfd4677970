import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {PhoneField, phoneField} from "@web/views/fields/phone/phone_field";

/** A telephone number as a button that calls it; with the option `number` it shows the number. */
export class CustomerCall extends PhoneField {
    static template = "crm_extended.CustomerCall";
    static props = {...PhoneField.props, withNumber: {type: Boolean, optional: true}};

    get title() {
        return _t("Call %s", this.props.record.data[this.props.name]);
    }
}

registry.category("fields").add("customer_call", {
    component: CustomerCall,
    displayName: _t("Call Button"),
    supportedTypes: phoneField.supportedTypes,
    supportedOptions: [{label: _t("Show the Number"), name: "number", type: "boolean"}],
    extractProps: ({options}) => ({withNumber: Boolean(options.number)}),
});
