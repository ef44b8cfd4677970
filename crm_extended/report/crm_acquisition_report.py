from odoo import api, fields, models
from odoo.tools import SQL

from ..sql import sql_columns

KEYS = ("company_id", "month", "source_id", "medium_id", "campaign_id", "team_id")
SECOND_DAYS = (90, 180)
# a ratio of sums: what is divided by what. Both are NULL where nothing is known
RATIOS = {
    "conversion": ("won_count", "closed_count"),
    "cost_per_customer": ("cost", "covered_count"),
    "second_rate_90": ("second_90", "judged_90"),
    "second_rate_180": ("second_180", "judged_180"),
    "first_year_revenue": ("first_year_revenue_sum", "first_year_count"),
    "first_year_margin": ("first_year_margin_sum", "first_year_margin_count"),
    "clv": ("clv_sum", "clv_count"),
}
# in per cent
RATES = {"conversion", "second_rate_90", "second_rate_180"}


class CrmAcquisitionReport(models.Model):
    """What it costs to win customers, and what they are then worth, by where they came from.

    One line for each month, source, medium, campaign and team. Customers count in the month of
    their first purchase, leads in the month in which they were made, if they were of somebody who
    had not bought by then. Means and rates are those of all customers of a group, never means of
    means; where nothing is known they are empty. A cost is for all customers of its month whom its
    source, medium and campaign fit; others have no cost that is known.
    """

    _name = "crm.acquisition.report"
    _description = "Acquisition"
    _auto = False
    _log_access = False
    _order = "month DESC, id"
    _rec_name = "month"

    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    month = fields.Date(
        readonly=True,
        help="Of a customer's first purchase, of a lead's creation, of a cost.",
    )
    source_id = fields.Many2one(
        "utm.source",
        readonly=True,
        help="Of the lead through which a customer came (the one won, else the earliest, up to his "
        "first purchase), else of his first order. Empty: not known.",
    )
    medium_id = fields.Many2one("utm.medium", readonly=True)
    campaign_id = fields.Many2one("utm.campaign", readonly=True)
    team_id = fields.Many2one("crm.team", "Sales Team", readonly=True)
    customer_count = fields.Integer(
        "New Customers", readonly=True, help="Whose first purchase was in the month."
    )
    lead_count = fields.Integer(
        "Leads", readonly=True, help="Made in the month, of who had not bought by then."
    )
    closed_count = fields.Integer("Closed Leads", readonly=True, help="Won or lost by now.")
    won_count = fields.Integer("Won Leads", readonly=True)
    covered_count = fields.Integer(
        "Customers with a Cost",
        readonly=True,
        help="New customers of a month, source, medium and campaign that a cost was entered for.",
    )
    judged_90 = fields.Integer(
        "Customers after 90 Days",
        readonly=True,
        help="New customers whose first purchase is 90 days ago or more.",
    )
    second_90 = fields.Integer("Bought Again in 90 Days", readonly=True)
    judged_180 = fields.Integer(
        "Customers after 180 Days",
        readonly=True,
        help="New customers whose first purchase is 180 days ago or more.",
    )
    second_180 = fields.Integer("Bought Again in 180 Days", readonly=True)
    first_year_count = fields.Integer(
        "Customers after a Year",
        readonly=True,
        help="New customers whose first purchase is 365 days ago or more.",
    )
    conversion = fields.Float(
        "Conversion (%)",
        readonly=True,
        aggregator="avg",
        digits=(16, 1),
        help="Won leads over closed ones, in per cent. Empty while none is closed.",
    )
    second_rate_90 = fields.Float(
        "Second Order in 90 Days (%)",
        readonly=True,
        aggregator="avg",
        digits=(16, 1),
        help="Per cent of new customers who bought again within 90 days, of those whose first "
        "purchase is so long ago.",
    )
    second_rate_180 = fields.Float(
        "Second Order in 180 Days (%)",
        readonly=True,
        aggregator="avg",
        digits=(16, 1),
        help="Per cent of new customers who bought again within 180 days, of those whose first "
        "purchase is so long ago.",
    )
    cost = fields.Monetary(
        readonly=True,
        groups="crm_extended.group_amount",
        help="Entered under Acquisition Costs, in the company's currency.",
    )
    cost_is_known = fields.Boolean(readonly=True, groups="crm_extended.group_amount")
    cost_per_customer = fields.Monetary(
        "Cost per New Customer",
        readonly=True,
        aggregator="avg",
        groups="crm_extended.group_amount",
        help="Costs over the new customers that they were entered for. Empty without a cost.",
    )
    first_year_revenue = fields.Monetary(
        "First-Year Revenue per Customer",
        readonly=True,
        aggregator="avg",
        groups="crm_extended.group_amount",
        help="Mean revenue of the 365 days from the first purchase, of those who bought first a "
        "year ago or more.",
    )
    first_year_margin = fields.Monetary(
        "First-Year Margin per Customer",
        readonly=True,
        aggregator="avg",
        groups="crm_extended.group_margin",
        help="Mean margin of the 365 days from the first purchase, of those of whom it is known.",
    )
    clv = fields.Monetary(
        "Lifetime Value per Customer",
        readonly=True,
        aggregator="avg",
        groups="crm_extended.group_margin",
        help="Mean lifetime value in margin, as of the last refresh, of those of whom it is known.",
    )
    payback_months = fields.Float(
        readonly=True,
        aggregator="avg",
        digits=(16, 1),
        groups="crm_extended.group_margin",
        help="Months of first-year margin that pay for the cost per new customer. Empty where "
        "either is not known, and where there is no margin.",
    )

    # what the ratios are made of
    first_year_revenue_sum = fields.Monetary(
        readonly=True, aggregator=None, groups="crm_extended.group_amount"
    )
    first_year_margin_sum = fields.Monetary(
        readonly=True, aggregator=None, groups="crm_extended.group_margin"
    )
    first_year_margin_count = fields.Integer(
        readonly=True, aggregator=None, groups="crm_extended.group_margin"
    )
    clv_sum = fields.Monetary(readonly=True, aggregator=None, groups="crm_extended.group_margin")
    clv_count = fields.Integer(readonly=True, aggregator=None, groups="crm_extended.group_margin")

    # ---------------------------------------------------------------------- in groups

    def _read_group_select(self, aggregate_spec, query):
        name, _colon, func = aggregate_spec.partition(":")
        if func != "avg" or name not in (*RATIOS, "payback_months"):
            return super()._read_group_select(aggregate_spec, query)
        self._check_field_access(self._fields[name], "read")
        ratio = self._sql_group_ratio(name, query)
        if name in RATES:
            return ratio
        # amounts of several currencies have no mean
        currency = self._field_to_sql(self._table, "currency_id", query)
        return SQL("CASE WHEN MIN(%s) = MAX(%s) THEN %s END", currency, currency, ratio)

    @api.model
    def _sql_group_ratio(self, name: str, query) -> SQL:
        if name == "payback_months":
            return SQL(
                "CASE WHEN %(margin)s > 0 THEN (%(cost)s / %(margin)s * 12)::float8 END",
                cost=self._sql_group_ratio("cost_per_customer", query),
                margin=self._sql_group_ratio("first_year_margin", query),
            )
        part, whole = RATIOS[name]
        return SQL(
            "(%s * SUM(%s)::numeric / NULLIF(SUM(%s), 0))",
            100 if name in RATES else 1,
            self._field_to_sql(self._table, part, query),
            self._field_to_sql(self._table, whole, query),
        )

    # ------------------------------------------------------------------------- in SQL

    @property
    def _table_query(self) -> SQL:
        for model in ("crm.lead", "crm.acquisition.cost", "res.users", "res.partner"):
            self.env[model].flush_model()
        measures = {
            name: SQL("SUM(%s)", SQL.identifier(name))
            for name in dict.fromkeys((*self._sql_customer_columns(), *self._sql_lead_columns()))
        }
        return SQL(
            """SELECT ROW_NUMBER() OVER (ORDER BY %(keys)s) AS id, part.*, %(ratios)s,
                      CASE WHEN first_year_margin_sum > 0
                           THEN (cost / NULLIF(covered_count, 0)
                                 / (first_year_margin_sum / first_year_margin_count) * 12)::float8
                      END AS payback_months
                 FROM (
                    SELECT %(keys)s, MIN(currency_id) AS currency_id, %(measures)s,
                           SUM(cost) AS cost, BOOL_OR(cost IS NOT NULL) AS cost_is_known
                      FROM (%(rows)s) AS rows
                     GROUP BY %(keys)s
                 ) AS part""",
            keys=SQL(", ").join(map(SQL.identifier, KEYS)),
            measures=sql_columns(measures),
            ratios=sql_columns(
                {
                    name: SQL(
                        "%s * %s::numeric / NULLIF(%s, 0)",
                        100 if name in RATES else 1,
                        *map(SQL.identifier, ratio),
                    )
                    for name, ratio in RATIOS.items()
                }
            ),
            rows=SQL(" UNION ALL ").join(
                SQL("SELECT %s FROM %s", sql_columns(self._row_columns(columns)), table)
                for table, columns in self._row_sources()
            ),
        )

    @api.model
    def _row_columns(self, columns: dict[str, SQL]) -> dict[str, SQL]:
        """The same columns for all kinds of rows."""
        names = (*self._sql_customer_columns(), *self._sql_lead_columns())
        empty = dict.fromkeys(names, SQL("0")) | {
            # an empty sum is not known, where an empty count is none
            name: SQL("NULL::numeric")
            for name in ("first_year_revenue_sum", "first_year_margin_sum", "clv_sum", "cost")
        }
        return {name: columns.get(name, empty.get(name)) for name in (*KEYS, "currency_id", *empty)}

    @api.model
    def _row_sources(self) -> list[tuple[SQL, dict[str, SQL]]]:
        customers = {
            name: SQL("customer.acquisition_%s", SQL(name)) for name in KEYS if name not in KEYS[:2]
        } | {
            "company_id": SQL("customer.company_id"),
            "month": SQL("date_trunc('month', customer.first_purchase_date)::date"),
        }
        leads = {name: SQL.identifier("lead", name) for name in KEYS[2:]} | {
            "company_id": SQL("lead.company_id"),
            "month": SQL("date_trunc('month', lead.create_date)::date"),
        }
        costs = {name: SQL.identifier("spent", name) for name in KEYS if name != "team_id"} | {
            "team_id": SQL("NULL::integer"),
            "cost": SQL("spent.amount_company"),
        }
        currency = {"currency_id": SQL("company.currency_id")}
        return [
            (self._sql_customers(), customers | self._sql_customer_columns() | currency),
            (self._sql_leads(), leads | self._sql_lead_columns() | currency),
            (
                SQL(
                    "crm_acquisition_cost AS spent"
                    " JOIN res_company AS company ON company.id = spent.company_id"
                ),
                costs | currency,
            ),
        ]

    @api.model
    def _sql_customers(self) -> SQL:
        return SQL(
            """(SELECT * FROM crm_customer_profile WHERE first_purchase_date IS NOT NULL)
                 AS customer
               JOIN res_company AS company ON company.id = customer.company_id
               LEFT JOIN LATERAL (
                SELECT TRUE AS covered
                  FROM crm_acquisition_cost AS spent
                 WHERE spent.company_id = customer.company_id
                   AND spent.month = date_trunc('month', customer.first_purchase_date)::date
                   AND %s
                 LIMIT 1
               ) AS coverage ON TRUE""",
            SQL(" AND ").join(
                SQL(
                    "(%(cost)s IS NULL OR %(cost)s = %(own)s)",
                    cost=SQL.identifier("spent", name),
                    own=SQL.identifier("customer", f"acquisition_{name}"),
                )
                for name in ("source_id", "medium_id", "campaign_id")
            ),
        )

    @api.model
    def _sql_customer_columns(self) -> dict[str, SQL]:
        columns = {
            "customer_count": SQL("1"),
            "covered_count": SQL("CASE WHEN coverage.covered THEN 1 ELSE 0 END"),
        }
        for days in SECOND_DAYS:
            is_old = SQL("customer.first_purchase_date <= company.customer_as_of - %s", days)
            again = SQL("customer.second_purchase_date - customer.first_purchase_date <= %s", days)
            columns |= {
                f"judged_{days}": SQL("CASE WHEN %s THEN 1 ELSE 0 END", is_old),
                f"second_{days}": SQL("CASE WHEN %s AND %s THEN 1 ELSE 0 END", is_old, again),
            }
        for name, count, total in (
            ("first_year_revenue", "first_year_count", "first_year_revenue_sum"),
            ("first_year_margin", "first_year_margin_count", "first_year_margin_sum"),
            ("clv", "clv_count", "clv_sum"),
        ):
            amount = SQL.identifier("customer", name)
            columns |= {
                total: amount,
                count: SQL("CASE WHEN %s IS NULL THEN 0 ELSE 1 END", amount),
            }
        return columns

    @api.model
    def _sql_leads(self) -> SQL:
        """Leads of who had not bought by then, with the company that they are of."""
        return SQL(
            """(SELECT *
                  FROM (
                    SELECT lead.create_date, lead.won_status, lead.source_id, lead.medium_id,
                           lead.campaign_id, lead.team_id, contact.commercial_partner_id,
                           COALESCE(lead.company_id, salesperson.company_id, creator.company_id)
                               AS company_id
                      FROM crm_lead AS lead
                      LEFT JOIN res_partner AS contact ON contact.id = lead.partner_id
                      LEFT JOIN res_users AS salesperson ON salesperson.id = lead.user_id
                      LEFT JOIN res_users AS creator ON creator.id = lead.create_uid
                     WHERE lead.active OR lead.won_status = 'lost'
                  ) AS made
                 WHERE NOT EXISTS (
                    SELECT FROM crm_customer_profile AS customer
                     WHERE customer.partner_id = made.commercial_partner_id
                       AND customer.company_id = made.company_id
                       AND customer.first_purchase_date < made.create_date::date
                 )
               ) AS lead
               JOIN res_company AS company ON company.id = lead.company_id"""
        )

    @api.model
    def _sql_lead_columns(self) -> dict[str, SQL]:
        return {
            "lead_count": SQL("1"),
            "closed_count": SQL("CASE WHEN lead.won_status IN ('won', 'lost') THEN 1 ELSE 0 END"),
            "won_count": SQL("CASE WHEN lead.won_status = 'won' THEN 1 ELSE 0 END"),
        }
