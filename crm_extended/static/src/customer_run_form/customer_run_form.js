import {onMounted, onWillUnmount} from "@odoo/owl";
import {registry} from "@web/core/registry";
import {FormController} from "@web/views/form/form_controller";
import {formView} from "@web/views/form/form_view";

const POLL_MILLISECONDS = 2000;

/** Follows a refresh while it waits or runs; the page may be left at any time. */
export class CustomerRunFormController extends FormController {
    setup() {
        super.setup();
        this.timer = null;
        onMounted(() => this.poll());
        onWillUnmount(() => clearTimeout(this.timer));
    }

    get isPending() {
        return ["queued", "running"].includes(this.model.root.data.state);
    }

    poll() {
        clearTimeout(this.timer);
        this.timer = setTimeout(async () => {
            if (this.isPending && !document.hidden) {
                await this.model.root.load();
            }
            if (this.isPending) {
                this.poll();
            }
        }, POLL_MILLISECONDS);
    }

    async afterExecuteActionButton(clickParams) {
        await super.afterExecuteActionButton(clickParams);
        this.poll();
    }
}

registry.category("views").add("customer_run_form", {
    ...formView,
    Controller: CustomerRunFormController,
});
