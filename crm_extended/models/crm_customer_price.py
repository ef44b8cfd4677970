from decimal import Decimal

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL

from .crm_price_index import CARRIED_MONTHS

FACTOR_DIGITS = 9


class CrmCustomerPrice(models.Model):
    """Revenue in the prices of the as-of month, so that rising prices are not taken for growth.

    Each document's amount is multiplied by ``index(as of) / index(its month)``. Where the index
    does not cover the last 24 months (or all documents of a younger company), everything stays
    nominal, and the run says so.
    """

    _inherit = "crm.customer.profile"

    revenue_real_12m = fields.Monetary(
        "Real Revenue 12 Months",
        readonly=True,
        groups="crm_extended.group_amount",
        help="Untaxed revenue of the 12 months up to the as-of date, in prices of the as-of month. "
        "Nominal while there is no price index.",
    )
    revenue_real_prev_12m = fields.Monetary(
        "Real Revenue Previous 12 Months",
        readonly=True,
        groups="crm_extended.group_amount",
        help="Untaxed revenue of the 12 months before the last 12, in prices of the as-of month. "
        "Nominal while there is no price index.",
    )
    margin_real_12m = fields.Monetary(
        "Real Margin 12 Months",
        readonly=True,
        groups="crm_extended.group_margin",
        help="Margin of the 12 months up to the as-of date, in prices of the as-of month. Nominal "
        "while there is no price index.",
    )
    real_change_12m = fields.Float(
        "Real Change 12 Months",
        readonly=True,
        aggregator="avg",
        groups="crm_extended.group_amount",
        help="Revenue of the last 12 months against the 12 before, price rises removed: −0.31 is "
        "31 % less. Empty without revenue in the 12 before. Nominal while there is no price index.",
    )
    price_basis = fields.Selection(related="company_id.customer_run_id.price_basis")

    @api.model
    def _freeze_prices(self, run):
        """Note on the run by what amounts of each month are multiplied, or that nothing is."""
        [[first]] = self.env.execute_query(
            SQL("SELECT MIN(date) FROM %s", run._staging("document"))
        )
        factors = self._price_factors(run, first or run.as_of)
        run._note(price_factors=factors)
        run.price_basis = "real" if factors else "nominal"

    @api.model
    def _price_factors(self, run, first_day) -> dict | None:
        """``{"first": first of month, "factors": [text, one a month]}``, None if the index does
        not cover the months that are compared."""
        prices = {month: Decimal(index) for month, index in run.settings["prices"].items()}
        # later months are no facts of the day, but thresholds may be in their prices
        months = sorted(prices)
        known = [month for month in months if month <= str(run.as_of)]
        if not known:
            return None
        needed = max(first_day, run.as_of - relativedelta(months=24)).replace(day=1)
        last = fields.Date.to_date(known[-1]) + relativedelta(months=CARRIED_MONTHS)
        if known[0] > str(needed) or last < run.as_of.replace(day=1):
            return None
        today = prices[known[-1]]
        return {
            "first": months[0],
            "factors": [str(round(today / prices[month], FACTOR_DIGITS)) for month in months],
        }

    @api.model
    def _sql_real(self, run, amount: SQL, day: SQL) -> SQL:
        """An amount of a day in the prices of the as-of month. Before the first month of the
        index its first value holds, after the last its last."""
        prices = (run.statistics or {}).get("price_factors")
        if not prices:
            return amount
        first = fields.Date.to_date(prices["first"])
        return SQL(
            """(%(amount)s * (%(factors)s::numeric[])[LEAST(GREATEST(
                EXTRACT(YEAR FROM %(day)s)::integer * 12 + EXTRACT(MONTH FROM %(day)s)::integer
                - %(first)s, 1), %(count)s)])""",
            amount=amount,
            factors=prices["factors"],
            day=day,
            first=first.year * 12 + first.month - 1,
            count=len(prices["factors"]),
        )

    @api.model
    def _real_ratio(self, run, day) -> Decimal:
        """What amounts of a day are multiplied by to be in prices of the as-of month."""
        prices = (run.statistics or {}).get("price_factors")
        if not prices:
            return Decimal(1)
        first = fields.Date.to_date(prices["first"])
        position = (day.year - first.year) * 12 + day.month - first.month
        factors = prices["factors"]
        return Decimal(factors[min(max(position, 0), len(factors) - 1)])

    @api.model
    def _sql_value_columns(self, run):
        columns = super()._sql_value_columns(run)
        if run.price_basis != "real":
            return columns
        windows = run._windows("date")
        amount = self._sql_real(run, SQL("(purchases + returns)"), SQL("date"))
        margin = self._sql_real(run, SQL("margin"), SQL("date"))
        return columns | {
            "revenue_real_total": SQL("SUM(%s)", amount),
            "revenue_real_12m": SQL("SUM(%s) FILTER (WHERE %s)", amount, windows["12m"]),
            "revenue_real_prev": SQL("SUM(%s) FILTER (WHERE %s)", amount, windows["prev"]),
            "margin_real_12m": SQL("SUM(%s) FILTER (WHERE %s)", margin, windows["12m"]),
        }

    @api.model
    def _customer_columns(self, run):
        digits = run.company_id.currency_id.decimal_places
        real = "real_" if run.price_basis == "real" else ""
        sums = {
            "revenue_real_total": f"revenue_{real}total",
            "revenue_real_12m": f"revenue_{real}12m",
            "revenue_real_prev_12m": f"revenue_{real}prev",
        }
        # who has rows but no sales in a window sold 0 in it; prospects have no number
        return (
            super()._customer_columns(run)
            | {
                name: SQL(
                    "CASE WHEN value.partner_id IS NOT NULL THEN ROUND(COALESCE(%s, 0), %s) END",
                    SQL.identifier("value", source),
                    digits,
                )
                for name, source in sums.items()
            }
            | {
                "margin_real_12m": SQL(
                    "CASE WHEN value.margin_12m IS NOT NULL THEN ROUND(COALESCE(%s, 0), %s) END",
                    SQL.identifier("value", f"margin_{real}12m"),
                    digits,
                ),
            }
        )

    @api.model
    def _customer_layers(self, run):
        return super()._customer_layers(run) + [
            {
                "real_change_12m": SQL(
                    """CASE WHEN revenue_real_prev_12m > 0
                            THEN ROUND(revenue_real_12m / revenue_real_prev_12m - 1, 6)::float8
                       END"""
                ),
            },
        ]
