from odoo import api, fields, models

USER = "crm_extended.group_user"


class SaleOrder(models.Model):
    """A quotation shows the tier of its customer in its own company, and whether to collect
    first."""

    _inherit = "sale.order"

    loyalty_tier_id = fields.Many2one(
        "crm.loyalty.tier", "Customer Tier", compute="_compute_customer", groups=USER
    )
    collect_first = fields.Boolean(
        "Customer Owes for Too Long", compute="_compute_customer", groups=USER
    )
    customer_reason = fields.Char(compute="_compute_customer", groups=USER)

    @api.depends("partner_id", "company_id")
    @api.depends_context("uid", "lang")
    def _compute_customer(self):
        # the reader's own rights: he sees it of the customers that he may see
        rows = self.env["crm.customer.profile"].search(
            [
                ("partner_id", "in", self.partner_id.commercial_partner_id.ids),
                ("company_id", "in", self.company_id.ids),
            ]
        )
        by_key = {(row.partner_id, row.company_id): row for row in rows}
        for order in self:
            row = by_key.get((order.partner_id.commercial_partner_id, order.company_id), rows[:0])
            order.loyalty_tier_id = row.tier_id
            order.collect_first = row.collect_first
            order.customer_reason = row.reason
