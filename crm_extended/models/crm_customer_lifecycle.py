import math

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
# who is silent stays so until a new order, although rhythm and model are learned anew each night:
# until this share of the pause that made him so
HYSTERESIS = 0.9
# chance of a pause at which it is time to call at last
LEAVE_CHANCE = 0.1
# trading days of silence that are no sign, whatever the rhythm: who buys daily closes at the end of
# the week, and is away for a while
SHORTEST_PAUSES = {"at_risk": 7, "lost": 28}
# no day further ahead is worth a date
FURTHEST_DAYS = 36_500
# a fall of real revenue counts from so many orders in the year before
FALL_ORDERS = 6


class CrmCustomerLifecycle(models.Model):
    """Where a customer stands, judged by his own rhythm.

    Silence runs from the last purchase, or from a confirmed order that waits to be invoiced, in
    trading days. A pause is unusual when few customers of this rhythm, who have not left, would
    pause so long: with the model of ``crm_customer_prediction``, ``S = ((α + t) / (α + T)) ^
    (r + x)`` for x repeated orders, the last at t, T after the first. At ``S`` ≤ 20 % (settings) he
    is at risk, at 2 % lost; who buys again after such a pause is won back.

    Who bought once has no rhythm of his own, and where too little was bought repeatedly there is
    no model. There a pause is long in usual intervals: the geometric mean of his intervals
    (intervals are skewed: it is the median of a log-normal), shrunk to the company's:
    ``(n · own + 3 · company) / (n + 3)`` for n intervals; the company's is the median of its
    customers' own. Beyond a multiple of it (settings) he is at risk, beyond a larger one lost.
    Without any repeated purchase in the company no rhythm is known and nobody is called silent.

    A customer whose real revenue fell by a third against a year with at least six orders is at
    risk too, whatever his rhythm.
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
        help="Day by which a customer who stays would have ordered with a chance of 90 %. Empty "
        "after one purchase, and where customers don't seem to leave at all.",
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
                          MIN(number) AS first_number,
                          MAX(number) AS last_number,
                          ROUND(EXP(SUM(gap_log) / 1e6 / NULLIF(COUNT(gap), 0))::numeric, 2)
                              AS own_interval,
                          MAX(gap) FILTER (WHERE %s) AS longest_gap_12m
                     FROM %s
                    GROUP BY partner_id""",
                run._windows("purchase_date")["12m"],
                run._staging("day"),
            ),
            "shown": self._sql_shown_stages(run),
            "waiting": self._sql_waiting_orders(run),
            "quotation": self._sql_quotations(run),
            "prospect": self._sql_prospects(run),
        }

    @api.model
    def _sql_shown_stages(self, run) -> SQL:
        return SQL(
            """SELECT partner_id, lifecycle_stage AS shown_stage, stage_since AS shown_since,
                      last_order_date AS shown_order_date,
                      reason_args ? 'silent' AS shown_silent
                 FROM crm_customer_profile
                WHERE company_id = %s""",
            run.company_id.id,
        )

    @api.model
    def _shown_stages_bind(self, run) -> bool:
        """Whether who is shown as silent stays so within the hysteresis. An earlier day that is
        restated, and changed rules, begin anew."""
        before = run.company_id.customer_run_id
        return bool(
            before and before.as_of <= run.as_of and not self._stage_rules() & run._changed_inputs()
        )

    @api.model
    def _stage_rules(self) -> set[str]:
        """The frozen settings that the stage depends on."""
        return {
            "source", "at_risk_factor", "lost_factor", "at_risk_chance", "lost_chance",
            "new_days", "prices", "calendar", "model", "season", "population",
        }  # fmt: skip

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
        shown = (
            ("shown_stage", "shown_since", "shown_order_date", "shown_silent")
            if self._shown_stages_bind(run)
            else ()
        )
        return super()._customer_columns(run) | {
            "purchase_count": SQL("COALESCE(rhythm.purchase_count, 0)"),
            "first_purchase_date": SQL("rhythm.first_purchase_date"),
            "last_purchase_date": SQL("rhythm.last_purchase_date"),
            "interval_count": SQL("COALESCE(rhythm.interval_count, 0)"),
            "purchase_interval_days": SQL("rhythm.own_interval::float8"),
            "longest_gap_12m": SQL("rhythm.longest_gap_12m"),
            "last_order_date": SQL("GREATEST(rhythm.last_purchase_date, waiting.ordered_on)"),
            "last_number": SQL("rhythm.last_number"),
            "shown_stage": SQL("NULL::text"),
            "shown_since": SQL("NULL::date"),
            "shown_order_date": SQL("NULL::date"),
            "shown_silent": SQL("NULL::boolean"),
            **{name: SQL.identifier("shown", name) for name in shown},
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
    def _sql_longest_pause(self, run, level: str, repeats: SQL, since: SQL, usual: SQL) -> SQL:
        """Trading days after an order from which silence is unusual.

        :param level: ``at_risk`` or ``lost``
        :param repeats: repeated orders up to then
        :param since: trading days from the first order to that one
        :param usual: the usual interval, for those whom the model does not judge
        """
        by_interval = SQL("FLOOR(%s::float8 * %s) + 1", run.settings[f"{level}_factor"], usual)
        if not self._is_predicting(run):
            return by_interval
        return SQL(
            "CASE WHEN %(repeats)s > 0 THEN GREATEST(%(by_model)s, %(shortest)s)"
            " ELSE %(by_interval)s END",
            repeats=repeats,
            shortest=SHORTEST_PAUSES[level],
            by_model=self._sql_pause(run, run.settings[f"{level}_chance"], repeats, since),
            by_interval=by_interval,
        )

    @api.model
    def _sql_pause(self, run, chance: float, repeats: SQL, since: SQL) -> SQL:
        """``MbgNbd.silence_time`` in SQL, from the last order."""
        return SQL(
            "(%(alpha)s + %(since)s) * (EXP(LEAST(20, %(log)s::float8 / (%(r)s + %(repeats)s)))"
            " - 1)",
            alpha=self._sql_parameter(run, "alpha"),
            r=self._sql_parameter(run, "r"),
            log=-math.log(chance),
            repeats=repeats,
            since=since,
        )

    @api.model
    def _sql_customer_days(self, run) -> SQL:
        """The purchase days of customers, with what parameters of the model depend on."""
        return run._staging("day")

    @api.model
    def _sql_return_dates(self, run) -> SQL:
        """``(partner_id, won_back_date, won_back_gap)``: the last purchase after a
        pause that had made the customer count as lost, by what was known of his rhythm before."""
        return SQL(
            """SELECT DISTINCT ON (partner_id)
                      partner_id, purchase_date AS won_back_date, gap AS won_back_gap
                 FROM %(days)s
                WHERE gap >= %(limit)s
                ORDER BY partner_id, purchase_date DESC""",
            days=self._sql_customer_days(run),
            limit=self._sql_longest_pause(
                run,
                "lost",
                SQL("prior_count"),
                SQL("(since - gap)"),
                self._sql_usual_interval(
                    run,
                    SQL("prior_count"),
                    # in hundredths of a day, as the interval itself: 7 days are not 6.999998
                    SQL(
                        "ROUND(EXP((prior_log / 1e6 / NULLIF(prior_count, 0))::float8) * 100) / 100"
                    ),
                ),
            ),
        )

    @api.model
    def _customer_layers(self, run):
        settings = run.settings
        as_of = SQL("%s::date", run.as_of)
        usual = SQL("usual_interval")
        pauses = {
            level: self._sql_longest_pause(
                run, level, SQL("order_repeats"), SQL("order_last"), usual
            )
            for level in ("at_risk", "lost")
        }
        waited = SQL("%s - last_number", run._sql_number(SQL("waiting_order_date")))
        lost_before_waiting = self._sql_longest_pause(
            run, "lost", SQL("interval_count"), SQL("(last_number - first_number)"), usual
        )
        return super()._customer_layers(run) + [
            {
                "usual_interval": self._sql_usual_interval(
                    run, SQL("interval_count"), SQL("purchase_interval_days")
                ),
                "order_number": SQL("first_number + order_last"),
                "silent_time": SQL("order_length - order_last"),
                "is_silent_still": SQL("shown_order_date = last_order_date"),
            },
            {
                **{f"{level}_pause": pause for level, pause in pauses.items()},
                "came_back_by_order": SQL("COALESCE(%s >= %s, FALSE)", waited, lost_before_waiting),
            },
            {
                **{
                    f"{level}_from": SQL(
                        "CASE WHEN %(pause)s < %(furthest)s THEN %(day)s END",
                        pause=SQL.identifier(f"{level}_pause"),
                        furthest=FURTHEST_DAYS,
                        day=run._sql_day(
                            SQL("order_number + %s", SQL.identifier(f"{level}_pause"))
                        ),
                    )
                    for level in pauses
                },
                "won_back_on": SQL(
                    "CASE WHEN came_back_by_order THEN waiting_order_date ELSE won_back_date END"
                ),
                "won_back_pause": SQL(
                    "CASE WHEN came_back_by_order THEN waiting_order_date - last_purchase_date"
                    " ELSE won_back_gap END"
                ),
                "fell": self._sql_fell(run),
            },
            {
                "is_lost": self._sql_is_silent("lost", as_of, SQL("shown_stage = 'lost'")),
                "is_silent": self._sql_is_silent("at_risk", as_of, SQL("shown_silent")),
            },
            {
                "lifecycle_stage": SQL(
                    """CASE
                        WHEN purchase_count = 0 THEN 'prospect'
                        WHEN is_lost THEN 'lost'
                        WHEN is_silent OR fell THEN 'at_risk'
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
                        WHEN 'lost' THEN CASE
                            WHEN lost_from <= %(as_of)s THEN lost_from
                            ELSE shown_since
                        END
                        WHEN 'at_risk' THEN CASE
                            WHEN at_risk_from <= %(as_of)s THEN at_risk_from
                            WHEN shown_stage = 'at_risk' THEN shown_since
                            ELSE %(as_of)s
                        END
                        WHEN 'won_back' THEN won_back_on
                        WHEN 'new' THEN first_purchase_date
                    END""",
                    as_of=as_of,
                ),
                "retention_flag": SQL("lifecycle_stage = 'at_risk'"),
                "winback_flag": SQL(
                    "lifecycle_stage = 'lost' AND interval_count > 0 AND revenue_total > 0"
                ),
                "expected_leave_date": self._sql_leave_date(run),
            },
        ]

    @api.model
    def _sql_is_silent(self, level: str, as_of: SQL, was_shown: SQL) -> SQL:
        """Whether the silence has reached a level, or had when the customer was last looked at."""
        return SQL(
            "COALESCE(%(as_of)s >= %(begin)s, FALSE) OR COALESCE(is_silent_still AND %(was_shown)s"
            " AND silent_time >= %(share)s * %(pause)s, FALSE)",
            as_of=as_of,
            begin=SQL.identifier(f"{level}_from"),
            was_shown=was_shown,
            share=HYSTERESIS,
            pause=SQL.identifier(f"{level}_pause"),
        )

    @api.model
    def _sql_fell(self, run) -> SQL:
        """Whether real revenue fell by a third, against a year with enough orders to tell."""
        return SQL(
            "COALESCE(order_prev >= %s AND revenue_real_12m < %s::numeric * revenue_real_prev_12m,"
            " FALSE)",
            FALL_ORDERS,
            LOYAL_REVENUE,
        )

    @api.model
    def _sql_leave_date(self, run) -> SQL:
        """The day to call before; NULL where it can't be told."""
        if not self._is_predicting(run):
            return SQL("CASE WHEN interval_count > 0 THEN lost_from END")
        if not run.leaving_is_seen:
            return SQL("NULL::date")
        pause = self._sql_pause(run, LEAVE_CHANCE, SQL("order_repeats"), SQL("order_last"))
        return SQL(
            "CASE WHEN interval_count > 0 AND %(pause)s < %(furthest)s THEN %(day)s END",
            pause=pause,
            furthest=FURTHEST_DAYS,
            day=run._sql_day(
                SQL("order_number + GREATEST(%s, %s)", pause, SHORTEST_PAUSES["at_risk"])
            ),
        )

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
