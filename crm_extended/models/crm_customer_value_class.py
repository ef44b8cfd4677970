from odoo import api, fields, models
from odoo.tools import SQL

# shares of the company's contribution at which classes end, as ABC analysis has it
CLASS_SHARES = {"a": 0.8, "b": 0.95, "c": 1}
# the chance of staying where it can't be predicted: half of those at risk, none of the lost
STAYING = {"at_risk": 0.5, "lost": 0}


class CrmCustomerValueClass(models.Model):
    """What a customer is worth to the company, internally: contribution times the chance that he
    stays, that is, orders within a year. Customers are ranked by it (ABC analysis): those who bring
    the first 80 % are A, the next 15 % B, the rest C, and who brings nothing or costs money is D.
    Not to be confused with the tier, which a customer may be told.
    """

    _inherit = "crm.customer.profile"

    value_class = fields.Selection(
        [("a", "A"), ("b", "B"), ("c", "C"), ("d", "D")],
        readonly=True,
        groups="crm_extended.group_margin",
        help="A brings the first 80 % of what is expected to stay of the contribution of 12 "
        "months, B the next 15 %, C the rest, D nothing. Empty where costs are not recorded.",
    )

    @api.model
    def _customer_layers(self, run):
        staying = SQL(
            "CASE lifecycle_stage %s ELSE 1 END",
            SQL(" ").join(SQL("WHEN %s THEN %s", *item) for item in STAYING.items()),
        )
        return super()._customer_layers(run) + [
            {
                "staying_value": SQL(
                    "contribution_12m * COALESCE(p_order_365d::numeric, %s)", staying
                ),
            },
            {
                "value_share": SQL(
                    # what those who are worth more bring: equal customers share a class; a frame
                    # that excludes them would be added up anew for every row
                    """CASE WHEN staying_value > 0 THEN
                        (SUM(GREATEST(staying_value, 0)) OVER (ORDER BY staying_value DESC
                             NULLS LAST)
                         - SUM(staying_value) OVER (PARTITION BY staying_value))
                        / SUM(GREATEST(staying_value, 0)) OVER ()
                    END"""
                ),
            },
            {
                "value_class": SQL(
                    "CASE WHEN staying_value IS NULL THEN NULL WHEN staying_value <= 0 THEN 'd'"
                    " %s END",
                    SQL(" ").join(
                        SQL("WHEN COALESCE(value_share, 0) < %s THEN %s", share, name)
                        for name, share in CLASS_SHARES.items()
                    ),
                ),
            },
        ]
