import {Component} from "@odoo/owl";
import {formatDate} from "@web/core/l10n/dates";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

const {DateTime} = luxon;

/**
 * A date in days from today: "71 days ago", "in 9 days", with the date in the tooltip. With the
 * option `urgent_days`, a date that is no further ahead stands out.
 */
export class CustomerDays extends Component {
    static template = "crm_extended.CustomerDays";
    static props = {...standardFieldProps, urgentDays: {type: Number, optional: true}};

    get value() {
        return this.props.record.data[this.props.name];
    }

    get today() {
        return DateTime.local().startOf("day");
    }

    get text() {
        return this.value ? this.value.toRelativeCalendar({base: this.today, unit: "days"}) : "";
    }

    get date() {
        return this.value ? formatDate(this.value) : "";
    }

    get isUrgent() {
        const {urgentDays} = this.props;
        return (
            this.value &&
            urgentDays !== undefined &&
            this.value.diff(this.today, "days").days <= urgentDays
        );
    }
}

registry.category("fields").add("customer_days", {
    component: CustomerDays,
    displayName: _t("Days From Today"),
    supportedTypes: ["date"],
    supportedOptions: [{label: _t("Urgent Days"), name: "urgent_days", type: "number"}],
    extractProps: ({options}) => ({urgentDays: options.urgent_days}),
});
