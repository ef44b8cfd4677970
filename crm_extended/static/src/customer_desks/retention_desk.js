import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {kanbanView} from "@web/views/kanban/kanban_view";
import {listView} from "@web/views/list/list_view";
import {CustomerHeader} from "../customer_header/customer_header";
import {CustomerKanbanRenderer, CustomerListRenderer} from "../customer_header/customer_views";

/** Stands above the retention desk: whom nobody looks after, with whom nothing is planned. */
export class RetentionHeader extends CustomerHeader {
    static template = "crm_extended.RetentionHeader";

    async load() {
        this.state.header = await this.orm.silent.call("crm.customer.profile", "retention_header");
    }

    get chips() {
        const {counts, is_mine} = this.state.header;
        const mine = is_mine ? ["my_customers", "at_risk"] : ["at_risk"];
        return [
            {name: "at_risk", label: _t("At risk"), filters: mine, color: "text-bg-warning"},
            {
                name: "ownerless",
                label: _t("Without salesperson"),
                filters: ["at_risk", "ownerless"],
                color: "text-bg-danger",
            },
            {
                name: "without_step",
                label: _t("Without next step"),
                filters: [...mine, "without_step"],
                color: "text-bg-info",
            },
            {
                name: "late",
                label: _t("Call overdue"),
                filters: [...mine, "late"],
                color: "text-bg-danger",
            },
            {
                name: "step_late",
                label: _t("Next step late"),
                filters: [...mine, "step_late"],
                color: "text-bg-danger",
                hidden: !counts.step_late,
            },
        ].map((chip) => ({
            ...chip,
            count: counts[chip.name],
            isActive: this.isActive(chip.filters),
        }));
    }

    get stakeText() {
        const {stake} = this.state.header;
        return stake ? _t("At stake: %s", stake) : "";
    }
}

class RetentionListRenderer extends CustomerListRenderer {
    static components = {...CustomerListRenderer.components, CustomerHeader: RetentionHeader};
}

class RetentionKanbanRenderer extends CustomerKanbanRenderer {
    static components = {...CustomerKanbanRenderer.components, CustomerHeader: RetentionHeader};
}

registry.category("views").add("retention_list", {...listView, Renderer: RetentionListRenderer});
registry
    .category("views")
    .add("retention_kanban", {...kanbanView, Renderer: RetentionKanbanRenderer});
