from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL

from .crm_customer_steps import RefreshStep

YEAR_DAYS = 365
MARGIN_COVERAGE = 0.8
# leads that were made in so many months tell how many are won
WIN_MONTHS = 24
ORIGINS = [
    ("lead", "His lead"),
    ("order", "His first order"),
    ("unknown", "Not known"),
]
CHANNEL = ("source_id", "medium_id", "campaign_id", "team_id")


class CrmCustomerAcquisition(models.Model):
    """Where a customer came from, and what he brought in his first year.

    He came through a lead that was made up to the day of his first purchase: of several, one that
    was won, else the earliest. Without a lead the source of his first order counts; without that,
    it is not known.
    """

    _inherit = "crm.customer.profile"

    acquisition_origin = fields.Selection(
        ORIGINS,
        "Source Known From",
        readonly=True,
        help="The lead won up to his first purchase, else the earliest one made by then; without a "
        "lead, his first order.",
    )
    acquisition_source_id = fields.Many2one(
        "utm.source",
        "Came by Source",
        readonly=True,
        ondelete="set null",
        help="Source of the lead through which he came, else of his first order.",
    )
    acquisition_medium_id = fields.Many2one(
        "utm.medium",
        "Came by Medium",
        readonly=True,
        ondelete="set null",
        help="Medium of the lead through which he came, else of his first order.",
    )
    acquisition_campaign_id = fields.Many2one(
        "utm.campaign",
        "Came by Campaign",
        readonly=True,
        ondelete="set null",
        help="Campaign of the lead through which he came, else of his first order.",
    )
    acquisition_team_id = fields.Many2one(
        "crm.team",
        "Won by Team",
        readonly=True,
        ondelete="set null",
        help="Sales team of the lead through which he came, else of his first order.",
    )
    acquisition_segment_id = fields.Many2one(
        "crm.prospect.segment",
        "Came from Prospect Segment",
        readonly=True,
        ondelete="set null",
        help="Prospect segment of the lead through which he came.",
    )
    second_purchase_date = fields.Date(
        "Second Purchase", readonly=True, help="Day of his second purchase, up to the as-of date."
    )
    first_year_revenue = fields.Monetary(
        readonly=True,
        aggregator="avg",
        groups="crm_extended.group_amount",
        help="Untaxed, credit notes deducted, of the 365 days from the first purchase. Not known "
        "before they are over.",
    )
    first_year_margin = fields.Monetary(
        readonly=True,
        aggregator="avg",
        groups="crm_extended.group_margin",
        help="Net amount less cost of the 365 days from the first purchase. Not known before they "
        "are over, nor where costs are known for less than 80 %.",
    )

    # ------------------------------------------------------------------- of each customer

    @api.model
    def _customer_aggregates(self, run):
        return super()._customer_aggregates(run) | {
            "came": self._sql_came(run),
            "channel": self._sql_channels(run),
            "first_order": self._sql_first_orders(run),
        }

    @api.model
    def _sql_came(self, run) -> SQL:
        """The first two purchase days of each customer, and the sums of his first year."""
        return SQL(
            """SELECT partner_id, first_day, second_day,
                      SUM(purchases + returns) AS revenue, SUM(margin) AS margin,
                      SUM(known) / NULLIF(SUM(gross), 0) AS coverage
                 FROM (
                    SELECT partner_id, MIN(purchase_date) AS first_day,
                           MIN(purchase_date) FILTER (WHERE gap IS NOT NULL) AS second_day
                      FROM %(days)s
                     GROUP BY partner_id
                 ) AS first
                 JOIN %(documents)s AS document USING (partner_id)
                WHERE document.date < first_day + %(year)s
                GROUP BY partner_id, first_day, second_day""",
            days=run._staging("day"),
            documents=run._staging("document"),
            year=YEAR_DAYS,
        )

    @api.model
    def _sql_channels(self, run) -> SQL:
        """The lead through which each customer came."""
        self.env["crm.lead"].flush_model()
        return SQL(
            """SELECT DISTINCT ON (first.partner_id) first.partner_id, lead.id AS lead_id,
                      lead.prospect_segment_id, %(channel)s
                 FROM crm_lead AS lead
                 JOIN res_partner AS contact ON contact.id = lead.partner_id
                 JOIN %(came)s AS first ON first.partner_id = contact.commercial_partner_id
                 LEFT JOIN res_users AS salesperson ON salesperson.id = lead.user_id
                 LEFT JOIN res_users AS creator ON creator.id = lead.create_uid
                WHERE COALESCE(lead.company_id, salesperson.company_id, creator.company_id)
                      = %(company)s
                  AND (lead.create_date AT TIME ZONE 'UTC' AT TIME ZONE %(tz)s)::date
                      <= first.first_day
                  AND (lead.active OR lead.won_status = 'lost')
                  AND %(whom)s
                ORDER BY first.partner_id, lead.won_status = 'won' DESC, lead.create_date,
                         lead.id""",
            channel=SQL(", ").join(SQL.identifier("lead", name) for name in CHANNEL),
            came=run._staging("came"),
            company=run.company_id.id,
            tz=run.company_id._customer_timezone(),
            whom=run._of_whom(SQL("lead.partner_id")),
        )

    @api.model
    def _sql_first_orders(self, run) -> SQL:
        self.env["sale.order"].flush_model()
        return SQL(
            """SELECT DISTINCT ON (first.partner_id) first.partner_id, %(channel)s
                 FROM sale_order AS sale
                 JOIN res_partner AS contact ON contact.id = sale.partner_id
                 JOIN %(came)s AS first ON first.partner_id = contact.commercial_partner_id
                WHERE sale.state = 'sale'
                  AND sale.company_id = %(company)s
                  AND (sale.date_order AT TIME ZONE 'UTC' AT TIME ZONE %(tz)s)::date
                      <= %(as_of)s
                  AND %(whom)s
                ORDER BY first.partner_id, sale.date_order, sale.id""",
            channel=SQL(", ").join(SQL.identifier("sale", name) for name in CHANNEL),
            came=run._staging("came"),
            company=run.company_id.id,
            tz=run.company_id._customer_timezone(),
            as_of=run.as_of,
            whom=run._of_whom(SQL("sale.partner_id")),
        )

    @api.model
    def _customer_columns(self, run):
        is_over = SQL("came.first_day <= %s::date - %s", run.as_of, YEAR_DAYS)
        digits = run.company_id.currency_id.decimal_places
        return super()._customer_columns(run) | {
            "acquisition_origin": SQL(
                """CASE WHEN came.first_day IS NULL THEN NULL
                        WHEN channel.lead_id IS NOT NULL THEN 'lead'
                        WHEN COALESCE(first_order.source_id, first_order.medium_id,
                                      first_order.campaign_id) IS NOT NULL THEN 'order'
                        ELSE 'unknown'
                   END"""
            ),
            "acquisition_segment_id": SQL("channel.prospect_segment_id"),
            "second_purchase_date": SQL("came.second_day"),
            "first_year_revenue": SQL("CASE WHEN %s THEN came.revenue END", is_over),
            "first_year_margin": SQL(
                "CASE WHEN %s AND came.coverage >= %s THEN ROUND(came.margin, %s) END",
                is_over,
                MARGIN_COVERAGE,
                digits,
            ),
            **{
                f"acquisition_{name}": SQL(
                    "CASE WHEN channel.lead_id IS NULL THEN %s ELSE %s END",
                    SQL.identifier("first_order", name),
                    SQL.identifier("channel", name),
                )
                for name in CHANNEL
            },
        }

    # ------------------------------------------------------------------ of all of them

    @api.model
    def _refresh_steps(self):
        steps = super()._refresh_steps()
        learning = RefreshStep(
            "acquisition", self.env._("Comparing customers by how they came"), "_learn_acquisition"
        )
        sorting = RefreshStep("prospects", self.env._("Sorting leads"), "_refresh_prospects")
        publishing = [step.name for step in steps].index("publish")
        return [*steps[:publishing], learning, *steps[publishing:], sorting]

    @api.model
    def _learn_acquisition(self, run) -> float:
        """What leads are compared with, before the customers that it is learned from are shown."""
        self._refresh_limits()
        run.write(
            {
                "likeness": self.env["crm.lead"]._learn_likeness(run),
                "win_rates": self._count_wins(run),
                "first_year_revenue": self._add_first_years(run, "first_year_revenue"),
                "first_year_margin": self._add_first_years(run, "first_year_margin"),
            }
        )
        return 1

    @api.model
    def _count_wins(self, run) -> dict:
        """``{"won", "closed", "segments": {id: [won, closed]}}``"""
        self.env["crm.lead"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT lead.prospect_segment_id,
                          COUNT(*) FILTER (WHERE lead.won_status = 'won'), COUNT(*)
                     FROM crm_lead AS lead
                     LEFT JOIN res_users AS salesperson ON salesperson.id = lead.user_id
                     LEFT JOIN res_users AS creator ON creator.id = lead.create_uid
                    WHERE COALESCE(lead.company_id, salesperson.company_id, creator.company_id)
                          = %(company)s
                      AND lead.won_status IN ('won', 'lost')
                      AND lead.create_date >= %(since)s
                      AND lead.create_date < %(until)s::date + 1
                    GROUP BY lead.prospect_segment_id""",
                company=run.company_id.id,
                since=run.as_of - relativedelta(months=WIN_MONTHS),
                until=run.as_of,
            )
        )
        return {
            "won": sum(won for _segment, won, _closed in rows),
            "closed": sum(closed for _segment, _won, closed in rows),
            "segments": {str(segment): [won, closed] for segment, won, closed in rows if segment},
        }

    @api.model
    def _add_first_years(self, run, name: str) -> dict:
        """``{"total", "customers", "segments": {id: [total, customers]}}`` of those of whom it is
        known."""
        rows = self.env.execute_query(
            SQL(
                """SELECT acquisition_segment_id, SUM(%(amount)s)::float8, COUNT(%(amount)s)
                     FROM %(results)s
                    WHERE %(amount)s IS NOT NULL
                    GROUP BY acquisition_segment_id""",
                amount=SQL.identifier(name),
                results=run._staging("result"),
            )
        )
        return {
            "total": sum(total for _segment, total, _customers in rows),
            "customers": sum(customers for _segment, _total, customers in rows),
            "segments": {str(key): [total, customers] for key, total, customers in rows if key},
        }

    @api.model
    def _refresh_prospects(self, run) -> float:
        """Sort one batch of open leads. Restated figures of an earlier day change nothing."""
        if run._is_look_back():
            return 1
        self._refresh_limits()
        return self.env["crm.lead"]._refresh_prospect_bands(run)


class CrmModelRun(models.Model):
    _inherit = "crm.model.run"

    likeness = fields.Json(
        readonly=True,
        groups="crm_extended.group_manager",
        help="What tells the best customers from the others, and whether it held for customers who "
        "came later.",
    )
    win_rates = fields.Json(
        readonly=True,
        groups="crm_extended.group_manager",
        help="Won and closed leads of 24 months, by prospect segment.",
    )
    first_year_revenue = fields.Json(
        readonly=True,
        groups="crm_extended.group_finance",
        help="What customers brought in their first year, by the prospect segment they came from.",
    )
    first_year_margin = fields.Json(
        readonly=True,
        groups="crm_extended.group_margin",
        help="Margin of customers in their first year, by the prospect segment they came from.",
    )
