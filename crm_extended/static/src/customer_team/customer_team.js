import {Component, onWillStart, useState} from "@odoo/owl";
import {deserializeDate, formatDate} from "@web/core/l10n/dates";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";
import {Layout} from "@web/search/layout";
import {standardActionServiceProps} from "@web/webclient/actions/action_service";

/**
 * What the salespeople have done today and what is late, who is most at risk, what changed and what
 * was heard. Every number opens its list; chosen customers get another salesperson. Computed anew
 * whenever the page is opened or come back to.
 */
export class CustomerTeam extends Component {
    static template = "crm_extended.CustomerTeam";
    static components = {Layout};
    static props = {...standardActionServiceProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.display = {controlPanel: {}};
        this.state = useState({page: null, chosen: []});
        onWillStart(() => this.load());
    }

    async load() {
        this.state.page = await this.orm.call("crm.customer.team", "today");
        this.state.chosen = [];
    }

    get asOf() {
        const {as_of} = this.state.page;
        return as_of
            ? _t("As of %s", formatDate(deserializeDate(as_of)))
            : _t("The customers were not computed yet.");
    }

    get gapText() {
        const {gaps} = this.state.page;
        return gaps === 1
            ? _t("1 question that your data don't fully answer")
            : _t("%s questions that your data don't fully answer", gaps);
    }

    formatDay(day) {
        return day ? formatDate(deserializeDate(day)) : _t("never");
    }

    openList(model, name, domain) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            name,
            res_model: model,
            domain,
            views: [
                [false, "list"],
                [false, "kanban"],
                [false, "form"],
            ],
        });
    }

    /** The customers behind a number of a salesperson; without a name, all of them. */
    openCustomers(label, line, name) {
        const domain = name ? this.state.page.domains[name] : [];
        return this.openList("crm.customer.profile", label, [
            ...domain,
            ...(line ? [["user_id", "=", line.user_id]] : []),
        ]);
    }

    openConflicts() {
        return this.openCustomers(_t("Sell or collect?"), false, "conflicts");
    }

    openCustomer(id) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "crm.customer.profile",
            res_id: id,
            views: [[false, "form"]],
        });
    }

    toggle(id) {
        const {chosen} = this.state;
        this.state.chosen = chosen.includes(id)
            ? chosen.filter((other) => other !== id)
            : [...chosen, id];
    }

    async assign() {
        const action = await this.orm.call("crm.customer.profile", "action_reassign", [
            this.state.chosen,
        ]);
        await this.action.doAction(action, {onClose: () => this.load()});
    }
}

registry.category("actions").add("crm_extended.customer_team", CustomerTeam);
