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
            {name: "today", label: _t("Today"), filters: ["today"], isKept: true},
            {name: "promised", label: _t("Promised"), color: "text-bg-warning"},
            {name: "at_risk", label: _t("At risk"), color: "text-bg-warning"},
            {name: "win_back", label: _t("To win back"), color: "text-bg-danger"},
            {name: "quotation", label: _t("Quotations"), color: "text-bg-info"},
            {name: "offer", label: _t("Offers"), color: "text-bg-info"},
            {name: "tier", label: _t("Near the next tier"), color: "text-bg-info"},
            {name: "new", label: _t("New"), color: "text-bg-info"},
            {name: "to_call", label: _t("All to call"), isKept: true},
            {name: "collect_first", label: _t("Collect first"), color: "text-bg-danger"},
            {
                name: "done",
                label: _t("Done today"),
                filters: ["done_today"],
                color: "text-bg-success",
                isKept: true,
            },
            {
                name: "ownerless",
                label: _t("Without salesperson"),
                filters: ["urgent", "without_salesperson"],
                color: "text-bg-info",
                isKept: is_mine,
            },
        ].map((chip) => {
            const filters = chip.filters || [
                ...(chip.name === "promised" ? [] : mine),
                chip.name === "to_call" ? "to_call" : `step_${chip.name}`,
            ];
            const isActive = this.isActive(filters);
            const count = counts[chip.name];
            return {...chip, filters, count, isActive, hidden: !chip.isKept && !count && !isActive};
        });
    }

    get scope() {
        const {counts} = this.state.header;
        return _t("%(todo)s to call, %(done)s done", {todo: counts.today, done: counts.done});
    }

    get capacityText() {
        const {capacity, is_mine} = this.state.header;
        const text = _t("As many as fit a day: %s.", capacity);
        return is_mine
            ? text
            : `${text} ${_t("You have no customers of your own: all are shown.")}`;
    }

    get monthText() {
        // desks have no month
        const {contacted, ordered, won_back} = this.state.header.month || {};
        return contacted
            ? _t("This month: %(contacted)s spoken with, %(ordered)s ordered, %(back)s came back", {
                  contacted,
                  ordered,
                  back: won_back,
              })
            : "";
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
