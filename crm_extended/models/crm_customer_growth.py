from decimal import Decimal

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..sql import sql_columns

LIFE_STAGES = [
    ("new", "New"),
    ("growing", "Growing"),
    ("stable", "Stable"),
    ("declining", "Declining"),
]
# months since the first purchase
NEW_MONTHS = 6
TWO_YEARS = 24
# real revenue that changed by less is stable
TREND = Decimal("0.2")


class CrmCustomerGrowth(models.Model):
    """Whether a customer buys more or less than he did, price rises removed, and who of those
    that buy less than half with us could buy more.

    The life stage ("buying trend") compares real revenue of two times of the same length:

    * ``new``: the first purchase was less than 6 months ago;
    * from 24 months on: the last 12 months against the 12 before;
    * between: the two halves of the time since the first purchase, so that a short first year is
      no growth. What he bought on that first day opens his time by definition: it counts against
      growth, and never for a decline;
    * more than 20 % up is ``growing``, more than 20 % down ``declining``, else ``stable``. Who
      bought nothing, net of credit notes, in the later time is declining, and so is who is lost.

    Prospects have none. Without a price index revenue is nominal, as everywhere.

    A customer could buy more (``upsell_flag``) when we know that we have less than half of what
    he buys in our field, he does not decline, is neither at risk nor lost, pays well, and has no
    open complaint.
    """

    _inherit = "crm.customer.profile"

    life_stage = fields.Selection(
        LIFE_STAGES,
        "Buying Trend",
        readonly=True,
        help="Real revenue of the 12 months up to the as-of date against the 12 before, 20 % up or "
        "down; for customers of less than 24 months the later half of their time against the "
        "earlier one. New in the first 6 months; lost customers decline.",
    )
    upsell_flag = fields.Boolean(
        "Could Buy More",
        readonly=True,
        groups="crm_extended.group_amount",
        help="As of the as-of date less than half of what he buys in our field is ours, as far as "
        "known, he does not decline, is not at risk or lost, pays well, and has no open complaint.",
    )

    @api.model
    def _customer_aggregates(self, run):
        return super()._customer_aggregates(run) | {"halves": self._sql_halves(run)}

    @api.model
    def _sql_halves(self, run) -> SQL:
        """Real revenue of the first purchase day, and of the two halves of the time since, of the
        customers for whom two times of 12 months are too long."""
        amount = self._sql_real(run, SQL("(purchases + returns)"), SQL("date"))
        is_first = SQL("COALESCE(purchase_date <= first_purchase_date, FALSE)")
        is_late = SQL(
            "date > first_purchase_date + (%s::date - first_purchase_date) / 2", run.as_of
        )
        sums = {
            "first": is_first,
            "early": SQL("NOT %s AND NOT %s", is_first, is_late),
            "late": SQL("NOT %s AND %s", is_first, is_late),
        }
        return SQL(
            """SELECT partner_id, %(sums)s
                 FROM %(documents)s AS document
                 JOIN %(rhythm)s AS rhythm USING (partner_id)
                WHERE first_purchase_date > %(old)s
                  AND first_purchase_date <= %(new)s
                GROUP BY partner_id""",
            sums=sql_columns(
                {
                    name: SQL("COALESCE(SUM(%s) FILTER (WHERE %s), 0)", amount, condition)
                    for name, condition in sums.items()
                }
            ),
            documents=run._staging("document"),
            rhythm=run._staging("rhythm"),
            old=run.as_of - relativedelta(months=TWO_YEARS),
            new=run.as_of - relativedelta(months=NEW_MONTHS),
        )

    @api.model
    def _customer_columns(self, run):
        digits = run.company_id.currency_id.decimal_places
        return super()._customer_columns(run) | {
            f"{name}_half": SQL("ROUND(%s, %s)", SQL.identifier("halves", name), digits)
            for name in ("first", "early", "late")
        }

    @api.model
    def _customer_layers(self, run):
        return super()._customer_layers(run) + [
            {
                "trend_opening": SQL("COALESCE(first_half, 0)"),
                "trend_before": SQL("COALESCE(early_half, revenue_real_prev_12m)"),
                "trend_after": SQL("COALESCE(late_half, revenue_real_12m)"),
            },
            {
                "life_stage": SQL(
                    """CASE
                        WHEN purchase_count = 0 THEN NULL
                        WHEN lifecycle_stage = 'lost' THEN 'declining'
                        WHEN first_purchase_date > %(new)s::date THEN 'new'
                        WHEN trend_after <= 0 THEN 'declining'
                        WHEN trend_after > %(up)s::numeric * (trend_opening + trend_before)
                            THEN 'growing'
                        WHEN trend_after < %(down)s::numeric * trend_before THEN 'declining'
                        ELSE 'stable'
                    END""",
                    new=run.as_of - relativedelta(months=NEW_MONTHS),
                    up=1 + TREND,
                    down=1 - TREND,
                ),
            },
            {"upsell_flag": self._sql_is_ready(run)},
        ]

    # ----------------------------------------------------------------- who could buy more

    @api.model
    def _sql_is_ready(self, run) -> SQL:
        return SQL(
            """COALESCE(
                %(below_half)s
                AND life_stage != 'declining'
                AND lifecycle_stage NOT IN ('prospect', 'at_risk', 'lost')
                AND %(pays_well)s
                AND NOT %(complains)s,
                FALSE
            )""",
            below_half=self._sql_below_half(run),
            pays_well=self._sql_pays_well(run),
            complains=self._sql_has_complaint(run),
        )

    @api.model
    def _sql_below_half(self, run) -> SQL:
        """Whether less than half of what the customer buys in our field is ours; NULL where
        nobody knows."""
        if not {"wallet_share", "wallet_headroom"} <= self._fields.keys():
            return SQL("NULL::boolean")
        return SQL(
            "(CASE WHEN wallet_share IS NOT NULL THEN wallet_share < 0.5"
            " ELSE revenue_real_12m < wallet_headroom END)"
        )

    @api.model
    def _sql_pays_well(self, run) -> SQL:
        # a company that records no payments knows nothing bad of anybody
        return SQL("credit_state = 'good'") if self._records_payments(run) else SQL("TRUE")

    @api.model
    def _sql_has_complaint(self, run) -> SQL:
        """Whether a complaint of the customer is open, over the columns of the staging row. Odoo
        has no complaints of its own: addons that have override this."""
        return SQL("FALSE")
