from odoo import api, fields, models
from odoo.exceptions import ValidationError


class CrmCustomerWalletCompetitor(models.Model):
    """What another supplier has of a customer's wallet, as somebody said."""

    _name = "crm.customer.wallet.competitor"
    _description = "Supplier of a Customer"
    _order = "share DESC, id"

    wallet_id = fields.Many2one(
        "crm.customer.wallet", required=True, index=True, ondelete="cascade"
    )
    name = fields.Char("Supplier", required=True)
    partner_id = fields.Many2one(
        "res.partner",
        "Contact of the Supplier",
        ondelete="set null",
        index="btree_not_null",
        help="If the other supplier is among your contacts.",
    )
    share = fields.Float(
        "Share of Wallet",
        aggregator="avg",
        help="What this supplier has of all that the customer spends, 0 to 1. Empty: not known.",
    )
    source = fields.Char("Who Told It", help="Where this is known from.")

    def write(self, vals):
        result = super().write(vals)
        if "wallet_id" in vals:
            # nobody hands them to a customer of others
            self.check_access("write")
        return result

    @api.onchange("partner_id")
    def _onchange_partner_id(self):
        if self.partner_id and not self.name:
            self.name = self.partner_id.name

    @api.constrains("share", "wallet_id")
    def _check_share(self):
        for competitor in self:
            if not 0 <= competitor.share <= 1:
                raise ValidationError(
                    self.env._(
                        "A share is a part of all that the customer spends: enter 0 %% to 100 %% "
                        "for %(supplier)s.",
                        supplier=competitor.name,
                    )
                )
        self.wallet_id._check_competitors()
