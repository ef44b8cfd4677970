from odoo import fields, models


class ProductTemplate(models.Model):
    _inherit = "product.template"

    never_offered = fields.Boolean(
        "Never Suggest",
        help="This product is not suggested to customers: freight, fees, what is being sold off.",
    )
