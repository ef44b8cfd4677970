import {Component, onWillStart, onWillUpdateProps, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";
import {listView} from "@web/views/list/list_view";

const MODEL = "crm.customer.category";

/**
 * The customers of a list as rows, product categories as columns: what they buy, what they bought
 * before, and what similar customers buy and they don't. Search, filters and pages are the list's.
 */
export class WhiteSpaceRenderer extends Component {
    static template = "crm_extended.WhiteSpaceRenderer";
    // whatever a list hands to its renderer
    static props = ["*"];

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({categories: [], cells: {}});
        this.kinds = {
            white: {icon: "fa-plus-circle", style: "table-warning", label: _t("White space")},
            lapsed: {icon: "fa-history", style: "table-danger", label: _t("Bought before")},
            bought: {icon: "fa-check", style: "text-muted", label: _t("Buys")},
        };
        onWillStart(() => this.load(this.props.list));
        onWillUpdateProps(({list}) => this.load(list));
    }

    get records() {
        return this.props.list.records;
    }

    async load(list) {
        const ids = list.records.map((record) => record.resId);
        if (String(ids) === this.loaded) {
            return;
        }
        this.loaded = String(ids);
        const matrix = ids.length
            ? await this.orm.call(MODEL, "white_space", [ids])
            : {categories: [], cells: {}};
        Object.assign(this.state, matrix);
    }

    cell(record, category) {
        return this.state.cells[record.resId]?.[category.id];
    }

    async openCell(cell) {
        if (!cell) {
            return;
        }
        await this.action.doAction({
            type: "ir.actions.act_window",
            name: _t("Product Category of a Customer"),
            res_model: MODEL,
            res_id: cell.id,
            views: [[false, "form"]],
            target: "new",
        });
    }

    async openCustomer(record) {
        await this.props.openRecord(record);
    }
}

registry.category("views").add("customer_white_space", {
    ...listView,
    Renderer: WhiteSpaceRenderer,
    searchMenuTypes: ["filter", "favorite"],
});
