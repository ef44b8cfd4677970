import {Component, onWillStart, useRef, useState} from "@odoo/owl";
import {serializeDate} from "@web/core/l10n/dates";
import {_t} from "@web/core/l10n/translation";
import {usePopover} from "@web/core/popover/popover_hook";
import {registry} from "@web/core/registry";
import {user} from "@web/core/user";
import {useService} from "@web/core/utils/hooks";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

const {DateTime} = luxon;

/**
 * What was heard, in one tap; to call back asks for the day, a competitor for his name. What the
 * user noted today can be taken back.
 */
export class CustomerOutcomePopover extends Component {
    static template = "crm_extended.CustomerOutcomePopover";
    static props = {
        profileId: Number,
        partnerId: Number,
        onNoted: Function,
        close: {type: Function, optional: true},
    };

    setup() {
        // the popover closes at once: its own services would never answer
        this.orm = this.env.services.orm;
        this.notification = useService("notification");
        this.state = useState({panel: "kinds", note: "", competitor: "", day: "", noted: []});
        this.kinds = [
            {name: "ordered", label: _t("Ordered"), icon: "fa-shopping-cart"},
            {name: "call_back", label: _t("Call back"), icon: "fa-clock-o", panel: "days"},
            {name: "price", label: _t("Price"), icon: "fa-tag"},
            {name: "stock", label: _t("Not in stock"), icon: "fa-cube"},
            {
                name: "competitor",
                label: _t("Competitor"),
                icon: "fa-users",
                panel: "competitor",
            },
            {name: "credit", label: _t("Credit"), icon: "fa-credit-card"},
            {name: "closed", label: _t("Business closed"), icon: "fa-lock"},
            {name: "other", label: _t("Other"), icon: "fa-ellipsis-h"},
        ];
        const today = DateTime.local().startOf("day");
        this.today = serializeDate(today);
        this.days = [
            {label: _t("Tomorrow"), day: serializeDate(today.plus({days: 1}))},
            {label: _t("In 3 days"), day: serializeDate(today.plus({days: 3}))},
            {label: _t("Next week"), day: serializeDate(today.plus({days: 7}))},
        ];
        onWillStart(() => this.load());
    }

    /** What the user noted of this customer today. */
    async load() {
        this.state.noted = await this.orm.silent.searchRead(
            "crm.customer.outcome",
            [
                ["partner_id", "=", this.props.partnerId],
                ["user_id", "=", user.userId],
                ["date", "=", this.today],
            ],
            ["display_name"]
        );
    }

    async choose(kind) {
        if (kind.panel) {
            this.state.panel = kind.panel;
            return;
        }
        await this.note(kind.name);
    }

    async note(kind, values = {}) {
        const ids = await this.orm.call(
            "crm.customer.profile",
            "action_note_outcome",
            [[this.props.profileId], kind],
            {note: this.state.note.trim() || false, ...values}
        );
        const {label} = this.kinds.find(({name}) => name === kind);
        const close = this.notification.add(_t("Noted: %s", label), {
            type: "success",
            buttons: [
                {
                    name: _t("Undo"),
                    onClick: () => {
                        close();
                        return this.undo(ids);
                    },
                },
            ],
        });
        this.done();
    }

    done() {
        this.props.close?.();
        this.props.onNoted();
    }

    callBack(day) {
        return day && this.note("call_back", {call_back_on: day});
    }

    noteCompetitor() {
        return this.note("competitor", {competitor_name: this.state.competitor.trim() || false});
    }

    async undo(ids) {
        await this.orm.call("crm.customer.outcome", "action_undo", [ids]);
        this.done();
    }
}

/** The button of a customer that asks what was heard; what was noted today stands on it. */
export class CustomerOutcome extends Component {
    static template = "crm_extended.CustomerOutcome";
    static props = standardFieldProps;

    setup() {
        this.popover = usePopover(CustomerOutcomePopover, {position: "bottom-end"});
        this.buttonRef = useRef("button");
    }

    get label() {
        const {[this.props.name]: outcome, last_outcome_date} = this.props.record.data;
        const isOfToday = last_outcome_date && last_outcome_date.hasSame(DateTime.local(), "day");
        return isOfToday ? outcome.display_name : "";
    }

    open() {
        if (this.popover.isOpen) {
            this.popover.close();
            return;
        }
        const {record} = this.props;
        this.popover.open(this.buttonRef.el, {
            profileId: record.resId,
            partnerId: record.data.partner_id.id,
            // who was called leaves the list of the day, and its header counts him
            onNoted: () => record.model.load(),
        });
    }
}

registry.category("fields").add("customer_outcome", {
    component: CustomerOutcome,
    displayName: _t("Outcome of a Contact"),
    supportedTypes: ["many2one"],
    fieldDependencies: [
        {name: "partner_id", type: "many2one", relation: "res.partner"},
        {name: "last_outcome_date", type: "date"},
    ],
});
