import {Component, onMounted, onWillStart, useState} from "@odoo/owl";
import {deserializeDate, formatDate} from "@web/core/l10n/dates";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";
import {Layout} from "@web/search/layout";
import {standardActionServiceProps} from "@web/webclient/actions/action_service";

/**
 * Which questions the data of the company answer, what is missing for the others, and buttons to
 * where it is mended. Computed anew whenever the page is opened or come back to.
 */
export class CustomerReadiness extends Component {
    static template = "crm_extended.CustomerReadiness";
    static components = {Layout};
    static props = {...standardActionServiceProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.display = {controlPanel: {}};
        this.state = useState({report: null});
        this.icons = {
            enough: {icon: "fa-check-circle text-success", title: _t("Enough")},
            thin: {icon: "fa-exclamation-circle text-warning", title: _t("Not quite enough")},
            missing: {icon: "fa-times-circle text-danger", title: _t("Missing")},
        };
        this.answers = {
            answered: {color: "text-bg-success", label: _t("Answered")},
            partly: {color: "text-bg-warning", label: _t("In part")},
            not_yet: {color: "text-bg-danger", label: _t("Not yet")},
        };
        onWillStart(() => this.load(false));
        onMounted(() => {
            if (this.state.report.questions.some((question) => question.is_pending)) {
                this.load(true);
            }
        });
    }

    /** What takes long comes when the page is open. */
    async load(complete) {
        this.state.report = await this.orm.call("crm.customer.readiness", "report", [], {complete});
    }

    get asOf() {
        const {as_of} = this.state.report;
        return as_of && _t("As of %s", formatDate(deserializeDate(as_of)));
    }

    async mend({action, model, method}) {
        await this.action.doAction(action || (await this.orm.call(model, method)));
    }
}

registry.category("actions").add("crm_extended.customer_readiness", CustomerReadiness);
