from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    customer_margin_since = fields.Datetime(
        "Costs Frozen Since",
        default=fields.Datetime.now,
        help="Orders entered and confirmed before this moment have no cost of their day: Odoo "
        "filled in the cost of the day on which Margins was installed. Their margin counts as not "
        "known. Set it earlier, or empty it, if the costs on older orders are right.",
    )
