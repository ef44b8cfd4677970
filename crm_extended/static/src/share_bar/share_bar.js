import {registry} from "@web/core/registry";
import {formatFloat} from "@web/views/fields/formatters";
import {
    progressBarField,
    ProgressBarField,
} from "@web/views/fields/progress_bar/progress_bar_field";

/** A share of one, 0 to 1, as a bar of per cent. */
export class ShareBar extends ProgressBarField {
    get currentValue() {
        return super.currentValue * 100;
    }

    formatCurrentValue() {
        return formatFloat(this.currentValue, {digits: [16, 0]});
    }
}

registry.category("fields").add("share_bar", {
    ...progressBarField,
    component: ShareBar,
    supportedTypes: ["float"],
});
