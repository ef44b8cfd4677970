from odoo import api, fields, models
from odoo.tools import format_amount, formatLang

from ..analytics.backtest import FEWEST_BUYERS, FEWEST_CUSTOMERS
from ..wording import percent
from .crm_customer_prediction import HORIZON_DAYS

GRADES = [("a", "A"), ("b", "B"), ("c", "C"), ("d", "D")]
BADGES = {
    "a": "text-bg-success",
    "b": "text-bg-success",
    "c": "text-bg-warning",
    "d": "text-bg-danger",
}


class CrmModelBacktest(models.Model):
    """How right the forecasts of one day were, judged when their 90 days had passed."""

    _name = "crm.model.backtest"
    _description = "Forecast Quality"
    _order = "as_of DESC, id DESC"
    _rec_name = "as_of"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True, ondelete="cascade"
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    run_id = fields.Many2one(
        "crm.model.run", "Judged By", readonly=True, index=True, ondelete="set null"
    )
    as_of = fields.Date("Forecast Of", required=True, readonly=True)
    until = fields.Date("Judged Until", compute="_compute_until", help="End of the 90 days.")
    kind = fields.Selection(
        [("stored", "Said then"), ("reconstructed", "Reconstructed")],
        required=True,
        readonly=True,
        help="Said then: kept on that day and judged later. Reconstructed: computed later, from "
        "the purchases until that day alone, as long as no kept forecast is old enough.",
    )
    customers = fields.Integer("Customers Judged", readonly=True)
    buyers = fields.Integer("Of Them Ordered", readonly=True)
    grade = fields.Selection(GRADES, readonly=True)
    auc = fields.Float(
        "Right Order",
        readonly=True,
        aggregator="avg",
        help="Of one customer who ordered and one who did not, how often the former had the higher "
        "chance (AUC): 50 % is guessing.",
    )
    auc_low = fields.Float("Right Order, Low", readonly=True, aggregator="avg")
    auc_high = fields.Float("Right Order, High", readonly=True, aggregator="avg")
    brier = fields.Float(
        "Brier Score",
        readonly=True,
        aggregator="avg",
        digits=(16, 4),
        help="Mean squared distance of the chance from what happened: less is better.",
    )
    base_brier = fields.Float(
        "Brier Score of One Chance for All", readonly=True, aggregator="avg", digits=(16, 4)
    )
    calibration_error = fields.Float(
        "Chances Off By",
        readonly=True,
        aggregator="avg",
        help="Mean distance between the chance that was said and the share that ordered.",
    )
    lift = fields.Float(
        "Best Tenth",
        readonly=True,
        aggregator="avg",
        help="How many times more often the tenth with the highest chances ordered than all.",
    )
    rule_days_auc = fields.Float("Right Order, 90-Day Rule", readonly=True, aggregator="avg")
    rule_days_brier = fields.Float(
        "Brier Score, 90-Day Rule", readonly=True, aggregator="avg", digits=(16, 4)
    )
    rule_interval_auc = fields.Float("Right Order, Two Intervals", readonly=True, aggregator="avg")
    rule_interval_brier = fields.Float(
        "Brier Score, Two Intervals", readonly=True, aggregator="avg", digits=(16, 4)
    )
    orders_expected = fields.Float(readonly=True, digits=(16, 1))
    orders_actual = fields.Integer("Orders Came", readonly=True)
    revenue_expected = fields.Monetary(readonly=True, groups="crm_extended.group_finance")
    revenue_actual = fields.Monetary(
        "Revenue Came", readonly=True, groups="crm_extended.group_finance"
    )
    bars = fields.Json(readonly=True, help="Customers by chance: what was said, what came.")
    page = fields.Html(compute="_compute_page", sanitize=False)

    _day_unique = models.Constraint(
        "UNIQUE (company_id, as_of, kind)", "The forecasts of a day are judged once."
    )

    @api.depends("as_of")
    def _compute_until(self):
        for backtest in self:
            backtest.until = fields.Date.add(backtest.as_of, days=HORIZON_DAYS)

    @api.model
    def _values_of(self, measures: dict) -> dict:
        """The values of what ``analytics.backtest.judge`` found."""
        low, high = measures["auc_interval"] or (0, 0)
        same = (
            "customers", "buyers", "auc", "brier", "base_brier", "calibration_error", "lift",
            "rule_days_auc", "rule_days_brier", "rule_interval_auc", "rule_interval_brier",
            "orders_expected", "orders_actual", "revenue_expected", "revenue_actual",
        )  # fmt: skip
        return {name: measures[name] for name in same} | {
            "auc_low": low,
            "auc_high": high,
            "grade": measures["grade"] and measures["grade"].lower(),
            "bars": [
                {
                    "customers": bar.customers,
                    "predicted": round(bar.predicted, 4),
                    "actual": round(bar.actual, 4),
                    "low": round(bar.interval.low, 4),
                    "high": round(bar.interval.high, 4),
                }
                for bar in measures["bars"]
            ],
        }

    @api.depends_context("uid", "lang")
    @api.depends("bars", "grade", "kind", "as_of")
    def _compute_page(self):
        for backtest in self:
            backtest.page = self.env["ir.qweb"]._render(
                "crm_extended.crm_model_backtest_page",
                {
                    "backtest": backtest,
                    "badge": BADGES.get(backtest.grade),
                    "grade": (backtest.grade or "").upper(),
                    "verdict": backtest._verdict(),
                    "sentences": backtest._sentences() if backtest.grade else [],
                    "number": self._format_number,
                    "percent": self._format_percent,
                },
            )

    def _verdict(self) -> str:
        """What the grade means, in one sentence."""
        match self.grade:
            case "a":
                return self.env._("What is said comes true: rely on the chances.")
            case "b":
                return self.env._(
                    "The order of the customers is right, the chances are about right."
                )
            case "c":
                return self.env._(
                    "Good for whom to call first; don't take the per cent at their word."
                )
            case "d":
                return self.env._(
                    "No better than the same chance for all: decide without these chances."
                )
        return self.env._(
            "Too few to judge: %(customers)s customers, %(buyers)s of them ordered. It takes "
            "%(fewest)s customers, %(fewest_buyers)s of them with an order.",
            customers=self._format_number(self.customers),
            buyers=self._format_number(self.buyers),
            fewest=self._format_number(FEWEST_CUSTOMERS),
            fewest_buyers=self._format_number(FEWEST_BUYERS),
        )

    def _sentences(self) -> list[str]:
        """What was found, in words."""
        sentences = [
            self.env._(
                "Of a customer who ordered and one who did not, the first had the higher chance in "
                "%(share)s of cases (%(low)s to %(high)s; %(guess)s is guessing).",
                share=self._format_percent(self.auc),
                low=self._format_percent(self.auc_low),
                high=self._format_percent(self.auc_high),
                guess=self._format_percent(0.5),
            ),
            self.env._(
                "The tenth with the highest chances ordered %(times)s times as often as all.",
                times=self._format_number(self.lift, 1),
            ),
            self.env._(
                "What was said was off by %(error)s on average.",
                error=self._format_percent(self.calibration_error, 1),
            ),
            self.env._(
                "Of %(customers)s customers %(buyers)s ordered; %(expected)s orders were expected, "
                "%(actual)s came.",
                customers=self._format_number(self.customers),
                buyers=self._format_number(self.buyers),
                expected=self._format_number(self.orders_expected),
                actual=self._format_number(self.orders_actual),
            ),
        ]
        # sudo: what a refresh decided tells of no customer
        run = self.sudo().run_id
        if run.season:
            sentences.append(run._season_sentence())
        if self.env.user.has_group("crm_extended.group_finance"):
            sentences.append(
                self.env._(
                    "Revenue: %(expected)s expected, %(actual)s came.",
                    expected=self._format_money(self.revenue_expected),
                    actual=self._format_money(self.revenue_actual),
                )
            )
        return sentences

    def _format_money(self, amount) -> str:
        return format_amount(self.env, round(amount), self.currency_id, trailing_zeroes=False)

    @api.model
    def _format_number(self, value, digits=0) -> str:
        return formatLang(self.env, value, digits=digits)

    @api.model
    def _format_percent(self, share, digits=0) -> str:
        return percent(self.env, share, digits)
