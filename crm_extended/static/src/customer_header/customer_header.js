import {Component, onWillStart, onWillUpdateProps, useState} from "@odoo/owl";
import {deserializeDate, formatDate} from "@web/core/l10n/dates";
import {_t} from "@web/core/l10n/translation";
import {useService} from "@web/core/utils/hooks";
import {recomputeCustomers} from "../recompute/recompute";
import {isSearchedOnly, searchOnly} from "./search_only";

/**
 * Stands above the customers: the work of the week, each number a filter of the list, and as of
 * when the numbers are.
 */
export class CustomerHeader extends Component {
    static template = "crm_extended.CustomerHeader";
    // a list that was searched or loaded anew is another one: the header follows
    static props = {list: {type: Object}};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({header: null});
        onWillStart(() => this.load());
        onWillUpdateProps(() => {
            this.load();
        });
    }

    async load() {
        this.state.header = await this.orm.silent.call("crm.customer.profile", "customer_header");
    }

    get chips() {
        const {counts, is_mine} = this.state.header;
        const mine = is_mine ? ["my_customers"] : [];
        return [
            {name: "to_call", label: _t("To call"), filters: [...mine, "to_call"]},
            {
                name: "at_risk",
                label: _t("At risk"),
                filters: [...mine, "to_call", "at_risk"],
                color: "text-bg-warning",
            },
            {
                name: "win_back",
                label: _t("To win back"),
                filters: [...mine, "to_call", "win_back"],
                color: "text-bg-danger",
            },
            {
                name: "collect_first",
                label: _t("Collect first"),
                filters: [...mine, "collect_first"],
                color: "text-bg-danger",
                hidden: !counts.collect_first,
            },
            {
                name: "contacted",
                label: _t("Contacted this week"),
                filters: [...mine, "contacted"],
                color: "text-bg-success",
            },
            {
                name: "ownerless",
                label: _t("Without salesperson"),
                filters: ["to_call", "without_salesperson"],
                color: "text-bg-info",
                hidden: !is_mine && !counts.ownerless,
            },
        ].map((chip) => ({
            ...chip,
            count: counts[chip.name],
            isActive: this.isActive(chip.filters),
        }));
    }

    get scope() {
        return this.state.header.is_mine ? _t("My customers") : _t("All customers");
    }

    get asOf() {
        const {as_of} = this.state.header;
        return as_of
            ? _t("As of %s", formatDate(deserializeDate(as_of)))
            : _t("The customers were not computed yet.");
    }

    get staleText() {
        const {as_of, age_days, is_stale} = this.state.header;
        if (!as_of || !is_stale) {
            return "";
        }
        return age_days > 1
            ? _t("Numbers of %s days ago", age_days)
            : _t("Numbers of more than a day ago");
    }

    isActive(filters) {
        return isSearchedOnly(this.env.searchModel, filters);
    }

    search(filters) {
        searchOnly(this.env.searchModel, filters);
    }

    recompute() {
        return recomputeCustomers(this);
    }

    openProposals() {
        this.action.doAction("crm_extended.crm_customer_exclusion_action", {
            additionalContext: {search_default_proposed: 1},
        });
    }

    openRun(runId) {
        this.action.doAction({
            type: "ir.actions.act_window",
            name: _t("Refresh"),
            res_model: "crm.model.run",
            res_id: runId,
            views: [[false, "form"]],
        });
    }
}
