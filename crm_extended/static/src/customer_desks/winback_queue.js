import {Component, onWillStart, onWillUpdateProps, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";
import {listView} from "@web/views/list/list_view";
import {ListRenderer} from "@web/views/list/list_renderer";
import {rottingKanbanView} from "@mail/js/rotting_mixin/rotting_kanban_view";
import {RottingKanbanRenderer} from "@mail/js/rotting_mixin/rotting_kanban_renderer";
import {isSearchedOnly, searchOnly} from "../customer_header/search_only";

/** Stands above the win-back queue: where its cases stand, and whom a manager may begin with. */
export class WinbackHeader extends Component {
    static template = "crm_extended.WinbackHeader";
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
        this.state.header = await this.orm.silent.call("crm.customer.profile", "winback_header");
    }

    get chips() {
        const counts = this.state.header;
        return [
            {name: "open", label: _t("Open"), filters: ["open"]},
            {name: "mine", label: _t("Mine"), filters: ["open", "mine"]},
            {
                name: "to_contact",
                label: _t("To contact"),
                filters: ["open", "to_contact"],
                color: "text-bg-warning",
            },
            {
                name: "ownerless",
                label: _t("Without salesperson"),
                filters: ["open", "ownerless"],
                color: "text-bg-danger",
                hidden: !counts.ownerless,
            },
            {
                name: "proposed",
                label: _t("Give up or try again?"),
                filters: ["open", "proposed"],
                color: "text-bg-danger",
                hidden: !counts.proposed,
            },
        ].map((chip) => ({
            ...chip,
            count: counts[chip.name],
            isActive: isSearchedOnly(this.env.searchModel, chip.filters),
        }));
    }

    search(filters) {
        searchOnly(this.env.searchModel, filters);
    }

    get startText() {
        return _t("Start with those already lost (%s)", this.state.header.startable);
    }

    get startTitle() {
        return _t("%(waiting)s are lost and have no case. The best of them get one now.", {
            waiting: this.state.header.waiting,
        });
    }

    async start() {
        const action = await this.orm.call("crm.customer.profile", "action_start_winback");
        await this.action.doAction(action);
    }
}

class WinbackListRenderer extends ListRenderer {
    static template = "crm_extended.WinbackListRenderer";
    static components = {...ListRenderer.components, WinbackHeader};
}

class WinbackKanbanRenderer extends RottingKanbanRenderer {
    static template = "crm_extended.WinbackKanbanRenderer";
    static components = {...RottingKanbanRenderer.components, WinbackHeader};
}

registry.category("views").add("winback_list", {...listView, Renderer: WinbackListRenderer});
registry
    .category("views")
    .add("winback_kanban", {...rottingKanbanView, Renderer: WinbackKanbanRenderer});
