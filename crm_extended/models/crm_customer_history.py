from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL

from .crm_customer_lifecycle import LIFECYCLE_STAGES
from .crm_customer_steps import RefreshStep

# every day is kept for so long, then one a week
DAILY_YEARS = 2
WRITTEN = ("tier_id", "customers", "revenue_12m", "contribution_12m", "value_at_risk")


class CrmCustomerHistory(models.Model):
    """How many customers stood in each stage and tier on a day, and what they brought.

    One line per stage, tier and refreshed day, those with nobody included. Grouped over several
    days, figures are the average of those days: customers of two days are not twice as many.
    After two years one day a week is kept. Written by the refresh alone; figures of a whole
    company.
    """

    _name = "crm.customer.history"
    _description = "Customers Over Time"
    _log_access = False
    _order = "date DESC, id"
    _rec_name = "date"

    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    currency_id = fields.Many2one("res.currency", required=True, readonly=True, ondelete="restrict")
    date = fields.Date(required=True, readonly=True, help="As-of date of the refresh.")
    lifecycle_stage = fields.Selection(LIFECYCLE_STAGES, "Stage", required=True, readonly=True)
    tier_id = fields.Many2one("crm.loyalty.tier", readonly=True, ondelete="set null")
    # what tells lines apart, where there is no tier and where it was deleted since
    tier_key = fields.Integer(required=True, readonly=True, aggregator=None)
    customers = fields.Integer(readonly=True, help="On average of the days in groups.")
    revenue_12m = fields.Monetary(
        "Revenue 12 Months",
        readonly=True,
        groups="crm_extended.group_amount",
        help="Their untaxed revenue of the 12 months up to the day, credit notes deducted.",
    )
    contribution_12m = fields.Monetary(
        "Contribution 12 Months",
        readonly=True,
        groups="crm_extended.group_margin",
        help="Their margin less cost to serve of the 12 months up to the day, where it is known.",
    )
    value_at_risk = fields.Monetary(
        readonly=True,
        groups="crm_extended.group_margin",
        help="What customers at risk are expected to bring less in the next year, where it is "
        "known.",
    )

    _line_unique = models.Constraint(
        "UNIQUE (company_id, date, lifecycle_stage, tier_key)",
        "A stage and tier has one line a day.",
    )

    def _read_group_select(self, aggregate_spec, query):
        aggregate = super()._read_group_select(aggregate_spec, query)
        name, _colon, function = aggregate_spec.partition(":")
        if function not in ("sum", "sum_currency"):
            return aggregate
        days = SQL("COUNT(DISTINCT %s)", self._field_to_sql(self._table, "date", query))
        digits = 0 if name == "customers" else 2
        return SQL("ROUND((%s / %s::numeric)::numeric, %s)", aggregate, days, digits)

    @api.autovacuum
    def _gc_days(self):
        """Keep the last day of each week of the past."""
        horizon = fields.Date.today() - relativedelta(years=DAILY_YEARS)
        self.env.cr.execute(
            SQL(
                """DELETE FROM crm_customer_history AS line
                    USING (
                        SELECT company_id, date,
                               MAX(date) OVER (PARTITION BY company_id, date_trunc('week', date))
                               AS last_day
                          FROM crm_customer_history
                         WHERE date < %s
                         GROUP BY company_id, date
                    ) AS day
                    WHERE line.company_id = day.company_id
                      AND line.date = day.date
                      AND day.date < day.last_day""",
                horizon,
            )
        )
        count = self.env.cr.rowcount
        self.invalidate_model()
        return count, 0


class CrmCustomerHistoryStep(models.Model):
    """Writes the day into the history after its numbers are published."""

    _inherit = "crm.customer.profile"

    @api.model
    def _refresh_steps(self):
        counting = RefreshStep("history", self.env._("Keeping the day"), "_refresh_history")
        return [*super()._refresh_steps(), counting]

    @api.model
    def _refresh_history(self, run) -> float:
        """Restated figures of an earlier day change nothing."""
        if run._is_look_back():
            return 1
        self._refresh_limits()
        self._replace(
            "crm.customer.history",
            self._sql_history(run),
            ("date", "lifecycle_stage", "tier_key"),
            WRITTEN,
            SQL("shown.date = %s", run.as_of),
            self._table_constants(run),
        )
        return 1

    @api.model
    def _sql_history(self, run) -> SQL:
        stages = [stage for stage, _label in LIFECYCLE_STAGES]
        tiers = [tier["id"] for tier in run.settings["tiers"]["tiers"]]
        return SQL(
            """SELECT %(as_of)s::date AS date, lifecycle_stage, tier_key,
                      NULLIF(tier_key, 0) AS tier_id,
                      COUNT(profile.id)::integer AS customers,
                      SUM(revenue_12m) AS revenue_12m,
                      SUM(contribution_12m) AS contribution_12m,
                      SUM(value_at_risk) AS value_at_risk
                 FROM unnest(%(stages)s) AS lifecycle_stage
                CROSS JOIN (
                    SELECT id AS tier_key FROM crm_loyalty_tier WHERE id = ANY(%(tiers)s)
                    UNION ALL SELECT 0
                ) AS tier
                 LEFT JOIN (
                    SELECT id, lifecycle_stage, COALESCE(tier_id, 0) AS tier_key,
                           revenue_12m, contribution_12m, value_at_risk
                      FROM crm_customer_profile
                     WHERE company_id = %(company)s
                 ) AS profile USING (lifecycle_stage, tier_key)
                GROUP BY lifecycle_stage, tier_key""",
            as_of=run.as_of,
            stages=stages,
            tiers=tiers,
            company=run.company_id.id,
        )
