from datetime import timedelta
from math import sqrt
from statistics import NormalDist

from odoo import api, fields, models
from odoo.tools import SQL, format_amount, formatLang

from ..analytics.campaign import first_day, grouped, judge
from ..analytics.experiment import ALPHA
from .crm_customer_prediction import HORIZON_DAYS
from .crm_playbook_result import FINANCE, MARGIN

WIDE = NormalDist().inv_cdf(1 - ALPHA / 2)


class CrmCustomerReceipt(models.Model):
    """What was predicted in a month, what then happened, and what it earned.

    Customers who were called at risk in the month and whose 90 days since have passed: how many of
    them ordered nothing; the orders that were forecast on its last judged day, and those that came;
    what playbooks earned against their hold-outs with the customers assigned in it. Written every
    night, and final when all windows of the month are over.
    """

    _name = "crm.customer.receipt"
    _description = "Monthly Receipt"
    _log_access = False
    _order = "month DESC, id DESC"
    _rec_name = "month"

    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    currency_id = fields.Many2one(related="company_id.currency_id")
    month = fields.Date(required=True, readonly=True, help="First day of the month.")
    called_count = fields.Integer(
        "Called at Risk",
        readonly=True,
        help="Customers who became at risk in this month, 90 days or more ago.",
    )
    silent_count = fields.Integer(
        "Ordered Nothing", readonly=True, help="Of them, those without an order in 90 days."
    )
    orders_expected = fields.Float("Orders Forecast", readonly=True, digits=(16, 1))
    orders_actual = fields.Integer("Orders Came", readonly=True)
    revenue_earned = fields.Monetary(readonly=True, groups=FINANCE)
    revenue_low = fields.Monetary(readonly=True, groups=FINANCE)
    revenue_high = fields.Monetary(readonly=True, groups=FINANCE)
    margin_earned = fields.Monetary(readonly=True, groups=MARGIN)
    margin_low = fields.Monetary(readonly=True, groups=MARGIN)
    margin_high = fields.Monetary(readonly=True, groups=MARGIN)
    predicted = fields.Char("At Risk, Was It So?", compute="_compute_words")
    forecast = fields.Char(compute="_compute_words")
    earned = fields.Char("Earned Against the Hold-out", compute="_compute_words")

    _month_unique = models.UniqueIndex("(company_id, month)", "A month has one receipt.")

    @api.depends_context("uid", "lang")
    @api.depends("called_count", "silent_count", "orders_expected", "orders_actual")
    def _compute_words(self):
        for receipt in self:
            receipt.predicted = receipt._predicted()
            receipt.forecast = receipt._forecast()
            receipt.earned = receipt._earned()

    def _predicted(self) -> str:
        if not self.called_count:
            return ""
        return self.env._(
            "Of %(called)s called at risk, %(silent)s ordered nothing in %(days)s days.",
            called=self._number(self.called_count),
            silent=self._number(self.silent_count),
            days=self._number(HORIZON_DAYS),
        )

    def _forecast(self) -> str:
        if not self.orders_expected:
            return ""
        return self.env._(
            "%(expected)s orders forecast, %(actual)s came.",
            expected=self._number(self.orders_expected),
            actual=self._number(self.orders_actual),
        )

    def _earned(self) -> str:
        user = self.env.user
        for measure, group in (("margin", MARGIN), ("revenue", FINANCE)):
            if not user.has_groups(group) or self[f"{measure}_low"] == self[f"{measure}_high"]:
                continue
            values = {
                name: format_amount(
                    self.env,
                    round(self[f"{measure}_{part}"]),
                    self.currency_id,
                    trailing_zeroes=False,
                )
                for name, part in (("amount", "earned"), ("low", "low"), ("high", "high"))
            }
            if measure == "margin":
                return self.env._("%(amount)s (%(low)s to %(high)s)", **values)
            return self.env._("%(amount)s of revenue (%(low)s to %(high)s)", **values)
        return ""

    @api.model
    def _number(self, value) -> str:
        return formatLang(self.env, value, digits=0)

    # ---------------------------------------------------------------------- the night

    @api.model
    def _refresh_in(self, run, days):
        """Bring the receipts of a company up to date; what is as it was is not written.

        :param days: see ``crm.playbook.result._days``
        """
        months = {}
        for found in (self._called(run), self._forecasts(run), self._earnings(run, days)):
            for month, values in found.items():
                months.setdefault(month, {}).update(values)
        shown = self.search([("company_id", "=", run.company_id.id)]).grouped("month")
        names = [
            name
            for name, field in self._fields.items()
            if field.store and name not in ("id", "company_id", "month")
        ]
        for month, values in months.items():
            if month not in shown:
                self.create({"company_id": run.company_id.id, "month": month} | values)
                continue
            receipt = shown.pop(month)
            changed = {
                name: values.get(name, 0)
                for name in names
                if (receipt[name] or 0) != values.get(name, 0)
            }
            if changed:
                receipt.write(changed)
        self.env.flush_all()

    @api.model
    def _called(self, run) -> dict:
        """A customer who is called at risk twice in a month counts with the first time."""
        self.env["crm.customer.event"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT month, COUNT(*), COUNT(*) FILTER (WHERE NOT EXISTS (
                            SELECT FROM %(days)s AS day
                             WHERE day.partner_id = called.partner_id
                               AND day.purchase_date > called.date
                               AND day.purchase_date <= called.date + %(horizon)s
                        ))
                     FROM (
                        SELECT DATE_TRUNC('month', date)::date AS month, partner_id,
                               MIN(date) AS date
                          FROM crm_customer_event
                         WHERE company_id = %(company)s
                           AND kind = 'at_risk'
                           AND date <= %(last)s
                         GROUP BY DATE_TRUNC('month', date), partner_id
                     ) AS called
                    GROUP BY month""",
                days=run._staging("day"),
                horizon=HORIZON_DAYS,
                company=run.company_id.id,
                last=run.as_of - timedelta(days=HORIZON_DAYS),
            )
        )
        return {
            month: {"called_count": called, "silent_count": silent}
            for month, called, silent in rows
        }

    @api.model
    def _forecasts(self, run) -> dict:
        """Of the last day of each month that was judged, what was said then before what was
        reconstructed."""
        judged = self.env["crm.model.backtest"].search(
            [("company_id", "=", run.company_id.id)], order="kind, as_of"
        )
        return {
            first_day(backtest.as_of, "month"): {
                "orders_expected": round(backtest.orders_expected, 1),
                "orders_actual": backtest.orders_actual,
            }
            for backtest in judged
        }

    @api.model
    def _earnings(self, run, days) -> dict:
        """The sum over the playbooks: each is compared with its own hold-out."""
        results = self.env["crm.playbook.result"].search(
            [("company_id", "=", run.company_id.id), ("kind", "=", "playbook")]
        )
        by_playbook = {result.playbook_id.id: result for result in results}
        months = {}
        for measure in ("revenue", "margin"):
            sums = {}
            of_measure = {key: of_day[measure] for key, of_day in days.items()}
            for (playbook, month), wave in grouped(of_measure, "month").items():
                result = by_playbook.get(playbook)
                if not result or not result[f"{measure}_found"]:
                    continue
                net = judge([wave], result.contact_cost if measure == "margin" else 0).net
                if net.error:
                    total, variance = sums.get(month, (0, 0))
                    sums[month] = (
                        total + net.treated * net.difference,
                        variance + (net.treated * net.error) ** 2,
                    )
            for month, (total, variance) in sums.items():
                half = WIDE * sqrt(variance)
                ends = {"earned": total, "low": total - half, "high": total + half}
                months.setdefault(month, {}).update(
                    {
                        f"{measure}_{name}": run.company_id.currency_id.round(value)
                        for name, value in ends.items()
                    }
                )
        return months
