import {Component, onWillStart, useState} from "@odoo/owl";
import {deserializeDate, formatDate} from "@web/core/l10n/dates";
import {_t} from "@web/core/l10n/translation";
import {formatCurrency} from "@web/core/currency";
import {formatFloat} from "@web/views/fields/formatters";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";
import {Layout} from "@web/search/layout";
import {standardActionServiceProps} from "@web/webclient/actions/action_service";

const PERCENT = 100;
const MONTHS_OF_QUARTER = 3;
// a cell without colour says "nobody", so the least has some
const LEAST_COLOUR = 8;
const MOST_COLOUR = 75;

/**
 * Customers by their first purchase as rows, periods since then as columns: who bought again, and
 * what. A period that is not over yet is an empty cell; nobody who bought is 0.
 */
export class CustomerCohorts extends Component {
    static template = "crm_extended.CustomerCohorts";
    static components = {Layout};
    static props = {...standardActionServiceProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.display = {controlPanel: {}};
        this.units = [
            {name: "month", cohort: _t("Month"), period: _t("Months")},
            {name: "quarter", cohort: _t("Quarter"), period: _t("Quarters")},
            {name: "year", cohort: _t("Year"), period: _t("Years")},
        ];
        this.state = useState({cohort: "quarter", unit: "month", measure: "share", map: null});
        onWillStart(() => this.load());
    }

    async load() {
        const {cohort, unit} = this.state;
        const map = await this.orm.call("crm.customer.cohort", "heat_map", [], {cohort, unit});
        Object.assign(this.state, {map});
        if (!this.measures.some(({name}) => name === this.state.measure)) {
            this.state.measure = "share";
        }
    }

    async choose(values) {
        Object.assign(this.state, values);
        await this.load();
    }

    get measures() {
        const {is_real, shows_margin} = this.state.map;
        return [
            {name: "share", label: _t("Customers who bought")},
            {name: "purchases", label: _t("Purchases per customer")},
            {
                name: is_real ? "revenue_real" : "revenue",
                label: is_real
                    ? _t("Revenue per customer, in today's prices")
                    : _t("Revenue per customer"),
            },
            ...(shows_margin ? [{name: "margin", label: _t("Margin per customer")}] : []),
        ];
    }

    get periods() {
        return [...Array(this.state.map.periods).keys()];
    }

    get asOf() {
        const {as_of} = this.state.map;
        return as_of && _t("As of %s", formatDate(deserializeDate(as_of)));
    }

    /** The largest value outside the first period, which holds the first purchase itself. */
    get highest() {
        const values = this.state.map.cohorts.flatMap(({cells}) =>
            cells.slice(1).map((cell) => this.value(cell) || 0)
        );
        return this.state.measure === "share" ? 1 : Math.max(...values, 0);
    }

    name({first}) {
        const [year, month] = first.split("-");
        if (this.state.cohort === "year") {
            return year;
        }
        if (this.state.cohort === "month") {
            return `${year}-${month}`;
        }
        const quarter = Math.ceil(Number(month) / MONTHS_OF_QUARTER);
        return _t("%(year)s Q%(quarter)s", {year, quarter});
    }

    value(cell) {
        if (!cell) {
            return null;
        }
        const sum = this.state.measure === "share" ? cell.buyers : cell[this.state.measure];
        return sum === null || sum === false || sum === undefined ? null : sum / cell.customers;
    }

    text(cell) {
        const value = this.value(cell);
        if (value === null) {
            return "";
        }
        if (this.state.measure === "share") {
            return `${formatFloat(value * PERCENT, {digits: [16, 0]})}%`;
        }
        if (this.state.measure === "purchases") {
            return formatFloat(value, {digits: [16, 1]});
        }
        return formatCurrency(value, this.state.map.currency_id, {humanReadable: true});
    }

    style(cell) {
        const value = this.value(cell);
        if (!value || value < 0) {
            return "";
        }
        const share = Math.min(value / (this.highest || value), 1);
        const colour = LEAST_COLOUR + share * (MOST_COLOUR - LEAST_COLOUR);
        return `--o-cohort-colour: ${Math.round(colour)}%`;
    }

    /** Whether the period is over for some customers of the cohort only. */
    isPartial({cells}, period) {
        return cells[period] && cells[period].customers < cells[0].customers;
    }

    title(cell) {
        return cell
            ? _t("%(buyers)s of %(customers)s customers bought", {
                  buyers: cell.buyers,
                  customers: cell.customers,
              })
            : _t("Not over yet");
    }

    async openFigures() {
        await this.action.doAction("crm_extended.crm_customer_cohort_action_list");
    }
}

registry.category("actions").add("crm_extended.customer_cohorts", CustomerCohorts);
