import {Component, onWillStart, useEffect, useRef} from "@odoo/owl";
import {loadBundle} from "@web/core/assets";
import {cookie} from "@web/core/browser/cookie";
import {getColor, hexToRGBA} from "@web/core/colors/colors";
import {localization} from "@web/core/l10n/localization";
import {_t} from "@web/core/l10n/translation";
import {useService} from "@web/core/utils/hooks";
import {formatCurrency} from "@web/core/currency";
import {formatPercentage} from "@web/views/fields/formatters";

const BLUE = 0;
const RED = 1;
// The diagonal of a curve of revenue
const EQUAL = [
    {x: 0, y: 0},
    {x: 1, y: 1},
];

const percent = (share) => formatPercentage(share, {digits: [16, 0]});

/**
 * What customers bring, from the best to the worst, added up. A click opens the customers: up to
 * there where the curve rises, those who cost money where it falls.
 */
export class WhaleCurve extends Component {
    static template = "crm_extended.WhaleCurve";
    static props = {report: Object};

    setup() {
        this.action = useService("action");
        this.canvas = useRef("canvas");
        onWillStart(() => loadBundle("web.chartjs_lib"));
        useEffect(
            () => {
                const chart = new window.Chart(this.canvas.el, this.config);
                return () => chart.destroy();
            },
            () => [this.props.report]
        );
    }

    get isProfit() {
        return this.props.report.measure === "contribution_12m";
    }

    get points() {
        return this.props.report.points.map((point) => ({
            x: point.share,
            y: point.amount,
            point,
        }));
    }

    /** Where nobody brings anything more. */
    get peak() {
        const {points} = this.props.report;
        return points.findIndex(({amount}) => amount === Math.max(...points.map((p) => p.amount)));
    }

    get title() {
        return this.isProfit
            ? _t("Contribution, from the best customer to the worst, added up")
            : _t("Revenue, from the largest customer to the smallest, added up");
    }

    get datasets() {
        const scheme = cookie.get("color_scheme");
        const [blue, red] = [BLUE, RED].map((index) => getColor(index, scheme, "sm"));
        const {peak} = this;
        const falls = ({p0DataIndex}) => p0DataIndex >= peak;
        const curve = {
            data: this.points,
            borderColor: blue,
            borderWidth: 2,
            backgroundColor: hexToRGBA(blue, 0.15),
            fill: "origin",
            pointRadius: 0,
            pointHitRadius: 12,
            pointHoverRadius: 5,
            pointHoverBackgroundColor: blue,
            segment: {
                borderColor: (segment) => (falls(segment) ? red : blue),
                backgroundColor: (segment) => hexToRGBA(falls(segment) ? red : blue, 0.15),
            },
        };
        const equal = {
            data: EQUAL,
            borderColor: this.gridColor,
            borderDash: [4, 4],
            borderWidth: 1,
            pointRadius: 0,
            pointHitRadius: 0,
            fill: false,
        };
        return this.isProfit ? [curve] : [curve, equal];
    }

    get gridColor() {
        return getComputedStyle(this.canvas.el).getPropertyValue("--border-color");
    }

    get config() {
        const {color, fontFamily} = getComputedStyle(this.canvas.el);
        const axis = (title) => ({
            type: "linear",
            title: {display: true, text: title, color, font: {family: fontFamily}},
            grid: {color: this.gridColor},
            ticks: {color, callback: percent, font: {family: fontFamily}},
        });
        return {
            type: "line",
            data: {datasets: this.datasets},
            options: {
                maintainAspectRatio: false,
                animation: false,
                interaction: {mode: "nearest", axis: "x", intersect: false},
                onClick: (_event, elements) => this.open(elements[0]?.index),
                onHover: ({native}, elements) => {
                    native.target.style.cursor = elements.length ? "pointer" : "default";
                },
                scales: {
                    x: {...axis(_t("Customers")), min: 0, max: 1},
                    y: axis(this.isProfit ? _t("Of what is earned") : _t("Of the revenue")),
                },
                plugins: {
                    legend: {display: false},
                    tooltip: {
                        rtl: localization.direction === "rtl",
                        textDirection: localization.direction,
                        displayColors: false,
                        filter: ({datasetIndex}) => datasetIndex === 0,
                        callbacks: {
                            title: () => "",
                            label: ({raw}) => this.tell(raw.point),
                        },
                    },
                },
            },
        };
    }

    /** The lines of a tooltip. */
    tell(point) {
        const lines = [
            _t("The best %(customers)s customers: %(share)s", {
                customers: point.customers,
                share: percent(point.amount),
            }),
        ];
        if (point.customers) {
            const amount = formatCurrency(point.lowest, this.props.report.currency_id);
            lines.push(_t("The last of them: %s", amount));
        }
        return lines;
    }

    async open(index) {
        const {points, measure, company_id} = this.props.report;
        if (!index) {
            return;
        }
        const falls = index > this.peak;
        await this.action.doAction({
            type: "ir.actions.act_window",
            name: falls
                ? _t("Customers Who Cost Money")
                : _t("The Best %s Customers", points[index].customers),
            res_model: "crm.customer.profile",
            views: [
                [false, "list"],
                [false, "kanban"],
                [false, "form"],
            ],
            domain: [
                ["company_id", "=", company_id],
                ...(this.isProfit ? [["margin_state", "in", ["known", "partial"]]] : []),
                falls ? [measure, "<=", 0] : [measure, ">=", points[index].lowest],
            ],
        });
    }
}
