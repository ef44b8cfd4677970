import {registry} from "@web/core/registry";
import {radioField, RadioField} from "@web/views/fields/radio/radio_field";

/** Radio buttons of some of the values, the others being worked out and never chosen. */
export class SomeRadio extends RadioField {
    static props = {...RadioField.props, values: {type: Array, optional: true}};

    get items() {
        const values = this.props.values;
        return super.items.filter(([value]) => !values || values.includes(value));
    }
}

registry.category("fields").add("some_radio", {
    ...radioField,
    component: SomeRadio,
    supportedTypes: ["selection"],
    extractProps: (fieldInfo, dynamicInfo) => ({
        ...radioField.extractProps(fieldInfo, dynamicInfo),
        values: fieldInfo.options.values,
    }),
});
