from odoo import api, fields, models
from odoo.tools import SQL

from .crm_customer_steps import RefreshStep

# months of a period
UNITS = {"month": 1, "quarter": 3, "year": 12}
WRITTEN = ("customers", "buyers", "purchases", "revenue", "revenue_real", "margin")
# of a heat map: a screen has no room for more
MOST_PERIODS = 36
MOST_COHORTS = 60


class CrmCustomerCohort(models.Model):
    """What customers bought in each period after their first purchase, by the month of it.

    The first period begins on the day of the first purchase, and only those count in a period for
    whom it is over: the last customers of a cohort neither lower nor raise its last figures, and a
    period that is over for nobody has no line. Customers who are archived today still count:
    who left must not be left out. Contacts that are left out of the customers do not count.

    Written by the refresh alone; figures of a whole company.
    """

    _name = "crm.customer.cohort"
    _description = "Customers by First Purchase"
    _log_access = False
    _order = "cohort_month DESC, unit, period"
    _rec_name = "cohort_month"

    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    currency_id = fields.Many2one("res.currency", required=True, readonly=True, ondelete="restrict")
    cohort_month = fields.Date(
        "First Purchase In", required=True, readonly=True, help="First day of the month."
    )
    unit = fields.Selection(
        [("month", "Months"), ("quarter", "Quarters"), ("year", "Years")],
        "Periods Of",
        required=True,
        readonly=True,
    )
    period = fields.Integer(
        required=True,
        readonly=True,
        aggregator=None,
        help="How many whole periods after the first purchase it began: 0 begins with it.",
    )
    customers = fields.Integer(readonly=True, help="Customers for whom the period is over.")
    buyers = fields.Integer(readonly=True, help="Those of them who bought in it.")
    purchases = fields.Integer(readonly=True, help="Their days with a purchase in it.")
    revenue = fields.Monetary(
        readonly=True,
        groups="crm_extended.group_amount",
        help="Their untaxed revenue of the period, credit notes deducted.",
    )
    revenue_real = fields.Monetary(
        "Real Revenue",
        readonly=True,
        groups="crm_extended.group_amount",
        help="The same in prices of the as-of month. Nominal while there is no price index.",
    )
    margin = fields.Monetary(
        readonly=True,
        groups="crm_extended.group_margin",
        help="Their margin of the period, of the lines whose cost is known. Empty where costs are "
        "not recorded.",
    )

    _cell_unique = models.Constraint(
        "UNIQUE (company_id, cohort_month, unit, period)", "A cohort has one line per period."
    )

    @api.model
    def heat_map(self, cohort="quarter", unit="month"):
        """The cohorts of the current company, latest first, and what they bought in each period;
        None for a period that is not over yet for anybody."""
        cohort, unit = (name if name in UNITS else "month" for name in (cohort, unit))
        company = self.env.company
        shows_margin = self._has_field_access(self._fields["margin"], "read")
        names = ["customers", "buyers", "purchases", "revenue", "revenue_real"]
        names += ["margin"] if shows_margin else []
        lines = self._read_group(
            [("company_id", "=", company.id), ("unit", "=", unit), ("period", "<", MOST_PERIODS)],
            [f"cohort_month:{cohort}", "period"],
            [f"{name}:sum" for name in names],
            order=f"cohort_month:{cohort} DESC, period",
        )
        cohorts = {}
        for first, period, *figures in lines:
            cells = cohorts.setdefault(first, [])
            cells += [None] * (period - len(cells))
            cells.append(dict(zip(names, figures, strict=True)))
        shown = list(cohorts.items())[:MOST_COHORTS]
        run = company.sudo().customer_run_id
        return {
            "cohorts": [
                {"first": fields.Date.to_string(first), "cells": cells} for first, cells in shown
            ],
            "periods": max((len(cells) for _first, cells in shown), default=0),
            "currency_id": company.currency_id.id,
            "as_of": fields.Date.to_string(company.sudo().customer_latest_as_of) or False,
            "is_real": run.price_basis == "real",
            "shows_margin": shows_margin
            and any(
                cell["margin"] is not False for _first, cells in shown for cell in cells if cell
            ),
        }


class CrmCustomerCohortStep(models.Model):
    """Counts the cohorts of a company after its numbers are published."""

    _inherit = "crm.customer.profile"

    @api.model
    def _refresh_steps(self):
        counting = RefreshStep("cohorts", self.env._("Following cohorts"), "_refresh_cohorts")
        return [*super()._refresh_steps(), counting]

    @api.model
    def _refresh_cohorts(self, run) -> float:
        """One staged table, or the lines of one length of periods, a slice. Restated figures of
        an earlier day change nothing."""
        if run._is_look_back():
            return 1
        self._refresh_limits()
        done = (run.position or {}).get("done", 0)
        tasks = [self._stage_cohorts, *UNITS]
        task = tasks[done]
        if done:
            self._replace(
                "crm.customer.cohort",
                self._sql_cohort_cells(run, task),
                ("cohort_month", "unit", "period"),
                WRITTEN,
                SQL("shown.unit = %s", task),
                self._table_constants(run),
            )
        else:
            task(run)
        run.position = {"done": done + 1}
        return (done + 1) / len(tasks)

    @api.model
    def _stage_cohorts(self, run):
        """``first``: the first purchase of each customer, and the whole months since; ``habit``:
        what he bought in each of them."""
        run._stage("first", self._sql_first_purchases(run))
        run._stage("habit", self._sql_habits(run))

    @api.model
    def _sql_first_purchases(self, run) -> SQL:
        exclusions = self.env["crm.customer.exclusion"]._sql_exclusions(run.company_id)
        return SQL(
            """SELECT partner_id, first_day, date_trunc('month', first_day)::date AS cohort_month,
                      %(lived)s AS lived
                 FROM (
                    SELECT partner_id, MIN(purchase_date) AS first_day
                      FROM %(days)s
                     GROUP BY partner_id
                 ) AS first
                WHERE partner_id NOT IN (
                    SELECT partner_id FROM (%(exclusions)s) AS exclusion
                     WHERE partner_id IS NOT NULL
                )""",
            # the as-of day is over
            lived=self._sql_months_since(SQL("first_day"), SQL("(%s::date + 1)", run.as_of)),
            days=run._staging("day"),
            exclusions=exclusions,
        )

    @api.model
    def _sql_months_since(self, first: SQL, day: SQL) -> SQL:
        """Whole months from one day to another."""
        return SQL(
            """((EXTRACT(YEAR FROM %(day)s) - EXTRACT(YEAR FROM %(first)s)) * 12
                + EXTRACT(MONTH FROM %(day)s) - EXTRACT(MONTH FROM %(first)s)
                - (EXTRACT(DAY FROM %(day)s) < EXTRACT(DAY FROM %(first)s))::integer)::integer""",
            first=first,
            day=day,
        )

    @api.model
    def _sql_habits(self, run) -> SQL:
        """Money may count before the first purchase (a credit note of what is not known): it
        falls on its day."""
        return SQL(
            """SELECT partner_id, month, SUM(purchases) AS purchases, SUM(revenue) AS revenue,
                      SUM(revenue_real) AS revenue_real, SUM(margin) AS margin
                 FROM (
                    SELECT partner_id, %(month_of_day)s AS month, 1 AS purchases,
                           0 AS revenue, 0 AS revenue_real, NULL::numeric AS margin
                      FROM %(days)s AS day
                      JOIN %(first)s AS first USING (partner_id)
                    UNION ALL
                    SELECT partner_id, GREATEST(%(month_of_document)s, 0), 0,
                           purchases + returns, %(real)s, margin
                      FROM %(documents)s AS document
                      JOIN %(first)s AS first USING (partner_id)
                 ) AS event
                GROUP BY partner_id, month""",
            month_of_day=self._sql_months_since(SQL("first_day"), SQL("purchase_date")),
            month_of_document=self._sql_months_since(SQL("first_day"), SQL("date")),
            real=self._sql_real(run, SQL("(purchases + returns)"), SQL("date")),
            days=run._staging("day"),
            documents=run._staging("document"),
            first=run._staging("first"),
        )

    @api.model
    def _sql_cohort_cells(self, run, unit: str) -> SQL:
        no_sales = SQL("0" if self._margin_is_recorded(run.company_id) else "NULL::numeric")
        return SQL(
            """WITH lives AS (
                SELECT cohort_month, lived / %(months)s AS periods, COUNT(*) AS customers
                  FROM %(first)s
                 GROUP BY 1, 2
            ),
            cohorts AS (
                SELECT cohort_month, period, SUM(customers)::integer AS customers
                  FROM lives
                 CROSS JOIN generate_series(0, periods - 1) AS period
                 GROUP BY 1, 2
            ),
            bought AS (
                SELECT cohort_month, partner_id, month / %(months)s AS period,
                       SUM(purchases) AS purchases, SUM(revenue) AS revenue,
                       SUM(revenue_real) AS revenue_real, SUM(margin) AS margin
                  FROM %(habits)s AS habit
                  JOIN %(first)s AS first USING (partner_id)
                 WHERE (month / %(months)s + 1) * %(months)s <= lived
                 GROUP BY 1, 2, 3
            ),
            sums AS (
                SELECT cohort_month, period, COUNT(*) FILTER (WHERE purchases > 0) AS buyers,
                       SUM(purchases) AS purchases, SUM(revenue) AS revenue,
                       SUM(revenue_real) AS revenue_real, SUM(margin) AS margin
                  FROM bought
                 GROUP BY 1, 2
            )
            SELECT cohort_month, %(unit)s AS unit, period, customers,
                   COALESCE(buyers, 0)::integer AS buyers,
                   COALESCE(purchases, 0)::integer AS purchases,
                   ROUND(COALESCE(revenue, 0), %(digits)s) AS revenue,
                   ROUND(COALESCE(revenue_real, 0), %(digits)s) AS revenue_real,
                   ROUND(CASE WHEN buyers IS NULL THEN %(no_sales)s ELSE margin END,
                         %(digits)s) AS margin
              FROM cohorts
              LEFT JOIN sums USING (cohort_month, period)""",
            unit=unit,
            months=UNITS[unit],
            first=run._staging("first"),
            habits=run._staging("habit"),
            digits=run.company_id.currency_id.decimal_places,
            no_sales=no_sales,
        )
