from odoo import fields, models

USER = "crm_extended.group_user"


class SaleOrder(models.Model):
    """A quotation shows the tier of its customer, and whether to collect first."""

    _name = "sale.order"
    _inherit = ["sale.order", "crm.customer.mirror"]

    loyalty_tier_id = fields.Many2one(
        related="partner_id.loyalty_tier_id", string="Customer Tier", groups=USER
    )
    collect_first = fields.Boolean(
        related="partner_id.collect_first", string="Customer Owes for Too Long", groups=USER
    )
    customer_reason = fields.Char(
        related="partner_id.reason", string="Customer Reason", groups=USER
    )
    pricelist_origin = fields.Char(
        related="partner_id.pricelist_origin", string="The Contact's Price List", groups=USER
    )
