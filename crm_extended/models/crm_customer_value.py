from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..sql import sql_columns
from .res_company import COST_DRIVERS

LOSS_MAKER_COVERAGE = 0.8
LOSS_MAKER_DAYS = 183


class CrmCustomerValue(models.Model):
    """What a customer brings: revenue, margin, cost to serve and contribution.

    A loss maker loses money twice in a row: in the twelve months up to the as-of date and in
    the twelve months up to half a year before, with margins known for at least 80 % of the
    revenue of both, and never in his first six months.
    """

    _inherit = "crm.customer.profile"

    first_purchase_date = fields.Date("First Purchase", readonly=True)
    last_purchase_date = fields.Date("Last Purchase", readonly=True)
    purchase_count = fields.Integer(
        "Purchases",
        readonly=True,
        help="Distinct days with a purchase, up to the as-of date. Partial deliveries and down "
        "payments count with their order.",
    )
    revenue_total = fields.Monetary(
        "Revenue",
        readonly=True,
        groups="crm_extended.group_amount",
        help="Untaxed, credit notes deducted, up to the as-of date.",
    )
    revenue_12m = fields.Monetary(
        "Revenue 12 Months",
        readonly=True,
        groups="crm_extended.group_amount",
        help="Untaxed, credit notes deducted, of the 12 months up to the as-of date.",
    )
    revenue_prev_12m = fields.Monetary(
        "Revenue Previous 12 Months",
        readonly=True,
        groups="crm_extended.group_amount",
        help="Untaxed, credit notes deducted, of the 12 months before the last 12.",
    )
    revenue_best_year = fields.Monetary(
        readonly=True,
        groups="crm_extended.group_amount",
        help="The best of the twelve-month periods that end on the as-of date and its "
        "anniversaries.",
    )
    margin_12m = fields.Monetary(
        "Margin 12 Months",
        readonly=True,
        groups="crm_extended.group_margin",
        help="Net amount less cost of the lines whose cost is known, of the 12 months up to the "
        "as-of date. See the margin coverage.",
    )
    margin_coverage = fields.Float(
        readonly=True,
        aggregator="avg",
        groups="crm_extended.group_margin",
        help="Share of the last 12 months' amounts whose cost is known, 0 to 1.",
    )
    margin_state = fields.Selection(
        [("known", "Known"), ("partial", "Partly known"), ("unknown", "Not known")],
        "Margin Is",
        readonly=True,
        groups="crm_extended.group_margin",
        help="Whether the costs behind the last 12 months are recorded. Without the Margins app "
        "they are not.",
    )
    return_rate_12m = fields.Float(
        "Return Rate 12 Months",
        readonly=True,
        aggregator="avg",
        groups="crm_extended.group_amount",
        help="Returned amount over purchased amount of the 12 months up to the as-of date.",
    )
    cost_to_serve_12m = fields.Monetary(
        "Cost to Serve 12 Months",
        readonly=True,
        groups="crm_extended.group_margin",
        help="Orders, deliveries, returns, calls, meetings and late payments of 12 months at the "
        "company's unit costs (see the settings).",
    )
    contribution_12m = fields.Monetary(
        "Contribution 12 Months",
        readonly=True,
        groups="crm_extended.group_margin",
        help="Margin less cost to serve of the 12 months up to the as-of date.",
    )
    avg_purchase_value = fields.Monetary(
        "Average Purchase",
        readonly=True,
        aggregator="avg",
        groups="crm_extended.group_amount",
        help="Revenue over purchases.",
    )
    loss_maker_flag = fields.Boolean(
        "Loss Maker",
        readonly=True,
        groups="crm_extended.group_margin",
        help="Contribution below zero in the last 12 months and in the 12 months up to half a "
        "year ago.",
    )
    loss_maker_args = fields.Json(
        "Loss Maker Reason", readonly=True, groups="crm_extended.group_margin"
    )

    @api.model
    def _margin_is_recorded(self, company) -> bool:
        """Whether costs are frozen on the sales of a company; the margin addon says so."""
        return False

    @api.model
    def _customer_aggregates(self, run):
        return super()._customer_aggregates(run) | {
            "value": self._sql_value(run),
            "best_year": self._sql_best_year(run),
            "orders": SQL(
                "SELECT partner_id, %s FROM %s GROUP BY partner_id",
                sql_columns(
                    {
                        f"order_{name}": SQL("COUNT(*) FILTER (WHERE %s)", window)
                        for name, window in run._windows("purchase_date").items()
                    }
                ),
                run._staging("day"),
            ),
        }

    @api.model
    def _sql_value(self, run) -> SQL:
        return SQL(
            "SELECT partner_id, %s FROM %s GROUP BY partner_id",
            sql_columns(self._sql_value_columns(run)),
            run._staging("document"),
        )

    @api.model
    def _sql_value_columns(self, run) -> dict[str, SQL]:
        """Sums over the documents of one customer."""
        windows = run._windows("date")
        no_sales = SQL("0" if self._margin_is_recorded(run.company_id) else "NULL::numeric")
        columns = {"revenue_total": SQL("SUM(purchases + returns)")} | {
            f"revenue_{name}": SQL(
                "COALESCE(SUM(purchases + returns) FILTER (WHERE %s), 0)", windows[name]
            )
            for name in ("12m", "prev")
        }
        for name in ("12m", "early"):
            window = windows[name]
            columns |= {
                f"gross_{name}": SQL("SUM(gross) FILTER (WHERE %s)", window),
                f"known_{name}": SQL("SUM(known) FILTER (WHERE %s)", window),
                f"margin_{name}": SQL(
                    "CASE WHEN COUNT(*) FILTER (WHERE %(window)s) = 0 THEN %(no_sales)s"
                    " ELSE SUM(margin) FILTER (WHERE %(window)s) END",
                    window=window,
                    no_sales=no_sales,
                ),
                f"purchases_{name}": SQL("SUM(purchases) FILTER (WHERE %s)", window),
                f"returns_{name}": SQL("SUM(returns) FILTER (WHERE %s)", window),
                # an invoice over several orders counts once for each of their days
                f"delivery_{name}": SQL(
                    "COUNT(*) FILTER (WHERE purchase_date IS NOT NULL AND %s)", window
                ),
                f"return_{name}": SQL("COUNT(*) FILTER (WHERE returns <> 0 AND %s)", window),
            }
        return columns

    @api.model
    def _sql_best_year(self, run) -> SQL:
        """The best twelve months that end on an anniversary of the as-of date."""
        anniversaries = [run.as_of - relativedelta(years=years) for years in range(30, -1, -1)]
        return SQL(
            """SELECT partner_id, MAX(revenue) AS revenue_best_year
                 FROM (
                    SELECT partner_id, SUM(purchases + returns) AS revenue
                      FROM %s
                     GROUP BY partner_id, width_bucket(date - 1, %s::date[])
                 ) AS years
                GROUP BY partner_id""",
            run._staging("document"),
            anniversaries,
        )

    @api.model
    def _customer_columns(self, run):
        sources = {
            "value": ("gross", "known", "margin", "purchases", "returns", "delivery", "return"),
            "orders": ("order",),
        }
        return super()._customer_columns(run) | {
            "revenue_total": SQL("value.revenue_total"),
            "revenue_12m": SQL("value.revenue_12m"),
            "revenue_prev_12m": SQL("value.revenue_prev"),
            "revenue_best_year": SQL("best_year.revenue_best_year"),
            "order_prev": SQL("orders.order_prev"),
            **{
                f"{measure}_{window}": SQL.identifier(source, f"{measure}_{window}")
                for source, measures in sources.items()
                for measure in measures
                for window in ("12m", "early")
            },
        }

    @api.model
    def _customer_layers(self, run):
        digits = run.company_id.currency_id.decimal_places
        return super()._customer_layers(run) + [
            {
                "margin_coverage": SQL("(known_12m / NULLIF(gross_12m, 0))::float8"),
                "coverage_early": SQL("(known_early / NULLIF(gross_early, 0))::float8"),
                "return_rate_12m": SQL("(-returns_12m / NULLIF(purchases_12m, 0))::float8"),
                "avg_purchase_value": SQL(
                    "ROUND(revenue_total / NULLIF(purchase_count, 0), %s)", digits
                ),
                "cost_to_serve_12m": self._sql_cost_to_serve(run, "12m"),
                "cost_to_serve_early": self._sql_cost_to_serve(run, "early"),
            },
            {
                "margin_state": SQL(
                    """CASE WHEN margin_12m IS NULL THEN 'unknown'
                            WHEN margin_coverage < 1 THEN 'partial'
                            ELSE 'known'
                       END"""
                ),
                "contribution_12m": SQL("margin_12m - cost_to_serve_12m"),
                "loss_maker_flag": SQL(
                    """COALESCE(
                        margin_12m < cost_to_serve_12m
                        AND margin_early < cost_to_serve_early
                        AND margin_coverage >= %(coverage)s
                        AND coverage_early >= %(coverage)s
                        AND first_purchase_date <= %(as_of)s::date - %(days)s,
                        FALSE
                    )""",
                    coverage=LOSS_MAKER_COVERAGE,
                    as_of=run.as_of,
                    days=LOSS_MAKER_DAYS,
                ),
            },
            {
                "loss_maker_args": SQL(
                    """CASE WHEN loss_maker_flag THEN jsonb_strip_nulls(jsonb_build_object(
                        'cause', %s,
                        'deliveries', delivery_12m,
                        'returns', return_12m,
                        'contacts', call_12m + meeting_12m,
                        'payment_days', ROUND(payment_days_12m)
                    )) END""",
                    self._sql_loss_cause(run),
                ),
            },
        ]

    @api.model
    def _sql_cost_to_serve(self, run, window: str) -> SQL:
        """Units of each driver in a window, times its unit cost."""
        costs = [self._sql_driver_cost(run, driver, window) for driver in COST_DRIVERS]
        digits = run.company_id.currency_id.decimal_places
        return SQL("ROUND(%s, %s)", SQL(" + ").join(costs), digits)

    @api.model
    def _sql_driver_cost(self, run, driver: str, window: str) -> SQL:
        return SQL(
            "COALESCE(%s, 0) * %s::numeric",
            SQL.identifier(f"{driver}_{window}"),
            run.settings["unit_costs"][driver],
        )

    @api.model
    def _sql_loss_cause(self, run) -> SQL:
        """What the loss comes from: ``below_cost``, many returns, or the dearest driver."""
        costs = {
            driver: self._sql_driver_cost(run, driver, "12m") for driver in sorted(COST_DRIVERS)
        }
        highest = SQL("GREATEST(%s)", SQL(", ").join(costs.values()))
        return SQL(
            "CASE WHEN margin_12m < 0 THEN 'below_cost'"
            " WHEN return_12m * 3 > delivery_12m THEN 'return' %s END",
            SQL(" ").join(
                SQL("WHEN %s = %s THEN %s", cost, highest, driver) for driver, cost in costs.items()
            ),
        )
