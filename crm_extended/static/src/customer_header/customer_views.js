import {registry} from "@web/core/registry";
import {kanbanView} from "@web/views/kanban/kanban_view";
import {KanbanRenderer} from "@web/views/kanban/kanban_renderer";
import {listView} from "@web/views/list/list_view";
import {ListRenderer} from "@web/views/list/list_renderer";
import {CustomerHeader} from "./customer_header";

export class CustomerListRenderer extends ListRenderer {
    static template = "crm_extended.CustomerListRenderer";
    static components = {...ListRenderer.components, CustomerHeader};
}

export class CustomerKanbanRenderer extends KanbanRenderer {
    static template = "crm_extended.CustomerKanbanRenderer";
    static components = {...KanbanRenderer.components, CustomerHeader};
}

registry.category("views").add("customer_list", {...listView, Renderer: CustomerListRenderer});
registry
    .category("views")
    .add("customer_kanban", {...kanbanView, Renderer: CustomerKanbanRenderer});
