from odoo import api, fields, models
from odoo.tools import SQL

LIFECYCLE_STAGES = [
    ("prospect", "Prospect"),
    ("new", "New"),
    ("normal", "Normal"),
    ("loyal", "Loyal"),
    ("at_risk", "At risk"),
    ("lost", "Lost"),
    ("won_back", "Won back"),
]
# weight of the company's usual interval, in intervals, beside the customer's own
SHRINKAGE = 3
LOYAL_INTERVALS = 3
# a loyal customer keeps at least this share of last year's revenue
LOYAL_REVENUE = 2 / 3


class CrmCustomerLifecycle(models.Model):
    """Where a customer stands, judged by his own rhythm.

    The usual interval is the geometric mean of his intervals between purchases (intervals are
    skewed: it is the median of a log-normal, and one long pause does not hide the rhythm),
    shrunk to the company's: ``(n · own + 3 · company) / (n + 3)`` for n intervals; the company's
    is the median of its customers' own. Silence runs from the last purchase, or from a confirmed
    order that waits to be invoiced. Beyond a multiple of the interval (settings) a customer is at
    risk, beyond a larger one lost; who buys again after such a pause is won back. Without any
    repeated purchase in the company no rhythm is known and nobody is called silent.
    """

    _inherit = "crm.customer.profile"

    purchase_interval_days = fields.Float(
        "Purchase Interval",
        readonly=True,
        digits=(16, 1),
        aggregator="avg",
        help="Days between two purchases, usually: the geometric mean of the customer's "
        "intervals. Empty after one purchase.",
    )
    last_order_date = fields.Date(
        "Last Order",
        readonly=True,
        help="Day of the last purchase, or of a later confirmed order that waits to be invoiced.",
    )
    lifecycle_stage = fields.Selection(
        LIFECYCLE_STAGES,
        "Stage",
        readonly=True,
        help="One word for where the customer stands, as of the last refresh. Silence is judged "
        "by the customer's own rhythm, not by one number of days for all.",
    )
    stage_since = fields.Date(
        "In Stage Since",
        readonly=True,
        help="Day on which the customer became new, at risk, lost or won back.",
    )
    retention_flag = fields.Boolean(
        "At Risk", readonly=True, help="Silent for unusually long, by his own rhythm, not yet lost."
    )
    winback_flag = fields.Boolean(
        "To Win Back", readonly=True, help="Lost, and had bought regularly before."
    )
    expected_leave_date = fields.Date(
        "Call Before",
        readonly=True,
        help="Day on which the silence makes the customer count as lost. Empty after one purchase.",
    )

    @api.model
    def _customer_aggregates(self, run):
        self.env["crm.lead"].flush_model()
        return super()._customer_aggregates(run) | {
            "rhythm": SQL(
                """SELECT partner_id,
                          COUNT(*) AS purchase_count,
                          MIN(purchase_date) AS first_purchase_date,
                          MAX(purchase_date) AS last_purchase_date,
                          COUNT(gap) AS interval_count,
                          ROUND(EXP(SUM(gap_log) / 1e6 / NULLIF(COUNT(gap), 0))::numeric, 2)
                              AS own_interval,
                          MAX(gap) FILTER (WHERE %s) AS longest_gap_12m
                     FROM %s
                    GROUP BY partner_id""",
                run._windows("purchase_date")["12m"],
                run._staging("day"),
            ),
            "waiting": self._sql_waiting_orders(run),
            "quotation": self._sql_quotations(run),
            "prospect": self._sql_prospects(run),
        }

    @api.model
    def _sql_waiting_orders(self, run) -> SQL:
        """The first and the last confirmed order, later than the last purchase, that no posted
        invoice of up to the as-of date bills."""
        day = SQL(
            "(sale.date_order AT TIME ZONE 'UTC' AT TIME ZONE %s)::date",
            run.company_id._customer_timezone(),
        )
        return SQL(
            """WITH later AS MATERIALIZED (
                SELECT sale.id, rhythm.partner_id, %(day)s AS ordered_on
                  FROM sale_order AS sale
                  JOIN res_partner AS partner ON partner.id = sale.partner_id
                  JOIN %(rhythm)s AS rhythm ON rhythm.partner_id = partner.commercial_partner_id
                 WHERE sale.state = 'sale'
                   AND sale.company_id = %(company)s
                   AND %(day)s > rhythm.last_purchase_date
                   AND %(day)s <= %(as_of)s
               )
               SELECT partner_id, MIN(ordered_on) AS first_ordered_on, MAX(ordered_on) AS ordered_on
                 FROM later
                WHERE NOT EXISTS (
                    SELECT FROM sale_order_line AS line
                      JOIN sale_order_line_invoice_rel AS rel ON rel.order_line_id = line.id
                      JOIN account_move_line AS bill ON bill.id = rel.invoice_line_id
                      JOIN account_move AS move ON move.id = bill.move_id
                     WHERE line.order_id = later.id
                       AND move.state = 'posted'
                       AND move.invoice_date <= %(as_of)s
                       AND bill.is_downpayment IS NOT TRUE
                  )
                GROUP BY partner_id""",
            day=day,
            rhythm=run._staging("rhythm"),
            company=run.company_id.id,
            as_of=run.as_of,
        )

    @api.model
    def _sql_quotations(self, run) -> SQL:
        """The latest unanswered quotation of each customer."""
        return SQL(
            """SELECT DISTINCT ON (partner.commercial_partner_id)
                      partner.commercial_partner_id AS partner_id,
                      sale.name AS quotation,
                      (sale.date_order AT TIME ZONE 'UTC' AT TIME ZONE %(tz)s)::date AS quoted_on
                 FROM sale_order AS sale
                 JOIN res_partner AS partner ON partner.id = sale.partner_id
                WHERE sale.state = 'sent'
                  AND sale.company_id = %(company)s
                  AND (sale.date_order AT TIME ZONE 'UTC' AT TIME ZONE %(tz)s)::date <= %(as_of)s
                ORDER BY partner.commercial_partner_id, sale.date_order DESC, sale.id DESC""",
            tz=run.company_id._customer_timezone(),
            company=run.company_id.id,
            as_of=run.as_of,
        )

    @api.model
    def _sql_prospects(self, run) -> SQL:
        """Commercial partners with an open lead or opportunity."""
        return SQL(
            """SELECT partner.commercial_partner_id AS partner_id, MIN(lead.create_date) AS since
                 FROM crm_lead AS lead
                 JOIN res_partner AS partner ON partner.id = lead.partner_id
                WHERE lead.active
                  AND lead.won_status = 'pending'
                  AND (lead.company_id IS NULL OR lead.company_id = %s)
                  AND (lead.create_date AT TIME ZONE 'UTC' AT TIME ZONE %s)::date <= %s
                GROUP BY partner.commercial_partner_id""",
            run.company_id.id,
            run.company_id._customer_timezone(),
            run.as_of,
        )

    @api.model
    def _customer_columns(self, run):
        return super()._customer_columns(run) | {
            "purchase_count": SQL("COALESCE(rhythm.purchase_count, 0)"),
            "first_purchase_date": SQL("rhythm.first_purchase_date"),
            "last_purchase_date": SQL("rhythm.last_purchase_date"),
            "interval_count": SQL("COALESCE(rhythm.interval_count, 0)"),
            "purchase_interval_days": SQL("rhythm.own_interval::float8"),
            "longest_gap_12m": SQL("rhythm.longest_gap_12m"),
            "last_order_date": SQL("GREATEST(rhythm.last_purchase_date, waiting.ordered_on)"),
            "waiting_order_date": SQL("waiting.first_ordered_on"),
            "quotation": SQL("quotation.quotation"),
            "quoted_on": SQL("quotation.quoted_on"),
        }

    @api.model
    def _sql_usual_interval(self, run, count: SQL, own: SQL) -> SQL:
        """Own interval, shrunk to the company's; NULL where neither is known."""
        return SQL(
            "(%(count)s * COALESCE(%(own)s, 0) + %(weight)s * %(company)s::float8)"
            " / (%(count)s + %(weight)s)",
            count=count,
            own=own,
            weight=SHRINKAGE,
            company=(run.statistics or {}).get("company_interval"),
        )

    @api.model
    def _sql_return_dates(self, run) -> SQL:
        """``(partner_id, won_back_date, won_back_gap)``: the last purchase after a
        pause that had made the customer count as lost, by what was known of his rhythm before."""
        return SQL(
            """SELECT DISTINCT ON (partner_id)
                      partner_id, purchase_date AS won_back_date, gap AS won_back_gap
                 FROM %(days)s
                WHERE gap > FLOOR(%(factor)s * %(usual)s)
                ORDER BY partner_id, purchase_date DESC""",
            days=run._staging("day"),
            factor=run.settings["lost_factor"],
            usual=self._sql_usual_interval(
                run,
                SQL("prior_count"),
                # in hundredths of a day, as the interval itself: 7 days are not 6.999998
                SQL("ROUND(EXP((prior_log / 1e6 / NULLIF(prior_count, 0))::float8) * 100) / 100"),
            ),
        )

    @api.model
    def _customer_layers(self, run):
        settings = run.settings
        as_of = SQL("%s::date", run.as_of)
        lost_after = SQL("FLOOR(%s::float8 * usual_interval)::integer", settings["lost_factor"])
        return super()._customer_layers(run) + [
            {
                "usual_interval": self._sql_usual_interval(
                    run, SQL("interval_count"), SQL("purchase_interval_days")
                ),
            },
            {
                "at_risk_from": SQL(
                    "last_order_date + FLOOR(%s::float8 * usual_interval)::integer + 1",
                    settings["at_risk_factor"],
                ),
                "lost_from": SQL("last_order_date + %s + 1", lost_after),
                "came_back_by_order": SQL(
                    "COALESCE(waiting_order_date - last_purchase_date > %s, FALSE)", lost_after
                ),
            },
            {
                "won_back_on": SQL(
                    "CASE WHEN came_back_by_order THEN waiting_order_date ELSE won_back_date END"
                ),
                "won_back_pause": SQL(
                    "CASE WHEN came_back_by_order THEN waiting_order_date - last_purchase_date"
                    " ELSE won_back_gap END"
                ),
            },
            {
                "lifecycle_stage": SQL(
                    """CASE
                        WHEN purchase_count = 0 THEN 'prospect'
                        WHEN %(as_of)s >= lost_from THEN 'lost'
                        WHEN %(as_of)s >= at_risk_from THEN 'at_risk'
                        WHEN won_back_on > %(as_of)s - %(new_days)s THEN 'won_back'
                        WHEN first_purchase_date > %(as_of)s - %(new_days)s THEN 'new'
                        WHEN %(loyal)s THEN 'loyal'
                        ELSE 'normal'
                    END""",
                    as_of=as_of,
                    new_days=settings["new_days"],
                    loyal=self._sql_is_loyal(run),
                ),
            },
            {
                "stage_since": SQL(
                    """CASE lifecycle_stage
                        WHEN 'lost' THEN lost_from
                        WHEN 'at_risk' THEN at_risk_from
                        WHEN 'won_back' THEN won_back_on
                        WHEN 'new' THEN first_purchase_date
                    END"""
                ),
                "retention_flag": SQL("lifecycle_stage = 'at_risk'"),
                "winback_flag": SQL(
                    "lifecycle_stage = 'lost' AND interval_count > 0 AND revenue_total > 0"
                ),
                "expected_leave_date": SQL("CASE WHEN interval_count > 0 THEN lost_from END"),
            },
        ]

    @api.model
    def _sql_is_loyal(self, run) -> SQL:
        """Regular over several usual intervals, without a long pause, and not shrinking."""
        return SQL(
            """interval_count >= %(intervals)s
               AND COALESCE(longest_gap_12m, 0) <= %(factor)s * usual_interval
               AND revenue_real_12m >= %(revenue)s::numeric * revenue_real_prev_12m""",
            intervals=LOYAL_INTERVALS,
            factor=run.settings["at_risk_factor"],
            revenue=LOYAL_REVENUE,
        )
