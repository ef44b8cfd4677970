from odoo import api, fields, models
from odoo.tools import SQL

from ..analytics import rfm

RFM_SEGMENTS = [
    ("champions", "Champions"),
    ("loyal", "Loyal"),
    ("active", "Active"),
    ("promising", "Promising"),
    ("new", "New"),
    ("needs_attention", "Needs attention"),
    ("at_risk", "At risk"),
    ("almost_lost", "Almost lost"),
    ("previously_loyal", "Previously loyal"),
    ("dormant", "Dormant"),
    ("prospects", "Prospects"),
]


class CrmCustomerRfm(models.Model):
    """Recency, frequency and money, each scored 1 to 5 against frozen cut-points.

    Money is compared in the prices of one month. Cut-points are taken at the first day of the
    quarter (of the as-of date itself while fewer than 50 customers had bought by then) and kept
    until the next quarter: with cut-points that move every night a third of the quiet customers
    would change their name within a month.
    """

    _inherit = "crm.customer.profile"

    r_score = fields.Integer(
        "Recency Score",
        readonly=True,
        aggregator="avg",
        help="1 to 5 by days since the last purchase; 5 is the most recent fifth. 0 means not "
        "scored: fewer than 20 customers.",
    )
    f_score = fields.Integer(
        "Frequency Score",
        readonly=True,
        aggregator="avg",
        help="1 to 5 by the number of purchases. 0 means not scored: fewer than 20 customers.",
    )
    m_score = fields.Integer(
        "Money Score",
        readonly=True,
        aggregator="avg",
        help="1 to 5 by revenue, in prices of the as-of month. 0 means not scored: fewer than 20 "
        "customers.",
    )
    rfm_segment = fields.Selection(
        RFM_SEGMENTS,
        "RFM Segment",
        readonly=True,
        help="Name for the three scores, in the light of the stage. Empty below 20 customers.",
    )

    @api.model
    def _freeze_cut_points(self, run):
        """Take the cut-points of the quarter, or measure them and write them on the run:
        ``{"customers", "recency", "frequency", "money"}``, lists empty where too few bought."""
        cut_on = rfm.cut_date(run.as_of)
        customers = self._count_buyers(run, cut_on)
        if customers < rfm.QUINTILES_FROM:
            cut_on = run.as_of
            customers = self._count_buyers(run, cut_on)
        run.write(
            {
                "cut_on": cut_on,
                "cut_points": run._frozen_cut_points(cut_on, customers)
                or self._measure_cut_points(run, cut_on, customers),
            }
        )

    @api.model
    def _count_buyers(self, run, day) -> int:
        [[count]] = self.env.execute_query(
            SQL("SELECT COUNT(*) FROM %s WHERE first_purchase_date <= %s", run._staging("row"), day)
        )
        return count

    @api.model
    def _measure_cut_points(self, run, cut_on, customers: int) -> dict:
        measured = {"customers": customers, "recency": [], "frequency": [], "money": []}
        quantiles = list(rfm.quantiles_for(customers))
        if not quantiles:
            return measured
        [row] = self.env.execute_query(
            SQL(
                """SELECT percentile_disc(%(q)s::float8[])
                              WITHIN GROUP (ORDER BY %(cut_on)s::date - day.last_date),
                          percentile_disc(%(q)s::float8[]) WITHIN GROUP (ORDER BY day.purchases),
                          (percentile_disc(%(q)s::float8[])
                              WITHIN GROUP (ORDER BY document.revenue))::text[]
                     FROM (SELECT partner_id, MAX(purchase_date) AS last_date,
                                  COUNT(*) AS purchases
                             FROM %(days)s WHERE purchase_date <= %(cut_on)s
                            GROUP BY partner_id) AS day
                     JOIN (SELECT partner_id,
                                  ROUND(SUM(%(amount)s) / %(ratio)s, %(digits)s) AS revenue
                             FROM %(documents)s WHERE date <= %(cut_on)s
                            GROUP BY partner_id) AS document USING (partner_id)
                     JOIN %(rows)s AS row USING (partner_id)""",
                q=quantiles,
                cut_on=cut_on,
                days=run._staging("day"),
                documents=run._staging("document"),
                amount=self._sql_real(run, SQL("(purchases + returns)"), SQL("date")),
                ratio=self._real_ratio(run, cut_on),
                digits=run.company_id.currency_id.decimal_places,
                rows=run._staging("row"),
            )
        )
        # money as text: a JSON number is a float, and a float is not the amount
        return measured | dict(zip(("recency", "frequency", "money"), row, strict=True))

    @api.model
    def _sql_score(self, value: SQL, cut_points: list[SQL]) -> SQL:
        """``analytics.rfm.score`` in SQL; NULL without cut-points."""
        if not cut_points:
            return SQL("NULL::integer")
        exceeded = SQL(" + ").join(SQL("(%s > %s)::integer", value, cut) for cut in cut_points)
        return SQL("1 + (%s) * 4 / %s", exceeded, len(cut_points))

    @api.model
    def _customer_layers(self, run):
        cuts = {
            name: [SQL("%s::numeric", cut) for cut in run.cut_points[name]]
            for name in ("recency", "frequency", "money")
        }
        # in the prices of their day
        digits, ratio = run.company_id.currency_id.decimal_places, self._real_ratio(run, run.cut_on)
        cuts["money"] = [SQL("ROUND(%s * %s, %s)", cut, ratio, digits) for cut in cuts["money"]]
        bought = SQL("purchase_count > 0")
        strength = SQL("(f_score + m_score + 1) / 2")
        return super()._customer_layers(run) + [
            {
                name: SQL("CASE WHEN %s THEN %s END", bought, score)
                for name, score in {
                    "r_score": SQL(
                        "6 - (%s)",
                        self._sql_score(
                            SQL("(%s::date - last_purchase_date)", run.as_of), cuts["recency"]
                        ),
                    ),
                    "f_score": self._sql_score(SQL("purchase_count"), cuts["frequency"]),
                    "m_score": self._sql_score(SQL("revenue_real_total"), cuts["money"]),
                }.items()
            },
            {
                "rfm_segment": SQL(
                    "CASE %s END",
                    SQL(" ").join(
                        SQL(
                            "WHEN lifecycle_stage IN %s AND %s THEN %s",
                            stages,
                            SQL("r_score >= %s AND %s >= %s", recency_from, strength, strength_from)
                            if name != "prospects"
                            else SQL("TRUE"),
                            name,
                        )
                        for stages, recency_from, strength_from, name in rfm.SEGMENTS
                    ),
                ),
            },
        ]
