import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {ActivityButton} from "@mail/core/web/activity_button";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

/** The activity button of a record's contact: activities are planned there, not on the record. */
export class CustomerActivityButton extends ActivityButton {
    static props = {...ActivityButton.props, slots: {type: Object, optional: true}};

    onClick() {
        if (this.popover.isOpen) {
            this.popover.close();
            return;
        }
        const {record} = this.props;
        const selection = this.env?.model?.root?.selection ?? [];
        const records = selection.includes(record) && selection.length > 1 ? selection : [record];
        const partnerIds = records.map((selected) => selected.data.partner_id.id);
        this.popover.open(this.buttonRef.el, {
            activityIds: record.data.activity_ids.currentIds,
            onActivityChanged: () => {
                this.popover.close();
                // who was called leaves the list of calls, and its header counts him
                record.model.load();
            },
            resId: record.data.partner_id.id,
            resIds: partnerIds.length > 1 ? partnerIds : undefined,
            resModel: "res.partner",
        });
    }
}

export class CustomerListActivityButton extends CustomerActivityButton {
    static template = "mail.ListActivityButton";

    setup() {
        super.setup();
        this.defaultActivityStateClass = "";
        this.defaultActivityDecorationClass = "fa-clock-o";
    }
}

class CustomerActivity extends Component {
    static template = "mail.KanbanActivity";
    static components = {ActivityButton: CustomerActivityButton};
    static props = standardFieldProps;
}

class CustomerListActivity extends Component {
    static template = "mail.ListActivity";
    static components = {ActivityButton: CustomerListActivityButton};
    static props = standardFieldProps;

    get summaryText() {
        const {activity_exception_decoration, activity_summary, activity_type_id} =
            this.props.record.data;
        if (activity_exception_decoration) {
            return _t("Warning");
        }
        return activity_summary || activity_type_id?.display_name;
    }
}

const fieldDependencies = [
    {name: "partner_id", type: "many2one", relation: "res.partner"},
    {name: "activity_exception_decoration", type: "selection", selection: []},
    {name: "activity_exception_icon", type: "char"},
    {name: "activity_state", type: "selection", selection: []},
    {name: "activity_summary", type: "char"},
    {name: "activity_type_icon", type: "char"},
    {name: "activity_type_id", type: "many2one", relation: "mail.activity.type"},
];

registry.category("fields").add("customer_activity", {
    component: CustomerListActivity,
    displayName: _t("Activity of the Contact"),
    supportedTypes: ["one2many"],
    fieldDependencies,
});
registry.category("fields").add("kanban_customer_activity", {
    component: CustomerActivity,
    displayName: _t("Activity Button of the Contact"),
    supportedTypes: ["one2many"],
    fieldDependencies,
});
