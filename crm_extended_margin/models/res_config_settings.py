from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    customer_margin_since = fields.Datetime(
        related="company_id.customer_margin_since", readonly=False
    )
