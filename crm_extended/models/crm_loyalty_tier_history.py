from odoo import fields, models


class CrmLoyaltyTierHistory(models.Model):
    """The tier that a customer had earned, from a day on: one line when he got it, moved, or had
    its guarantee renewed. A refresh continues from the last line before its day, so that it finds
    the same when it is done again. Written by the refresh alone."""

    _name = "crm.loyalty.tier.history"
    _description = "Tier of a Customer Over Time"
    _log_access = False
    _order = "date DESC, id DESC"
    _rec_name = "tier_id"

    partner_id = fields.Many2one("res.partner", required=True, readonly=True, ondelete="cascade")
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True, ondelete="cascade"
    )
    date = fields.Date("From", required=True, readonly=True)
    tier_id = fields.Many2one(
        "crm.loyalty.tier", required=True, readonly=True, index=True, ondelete="cascade"
    )
    since = fields.Date(required=True, readonly=True, help="Day on which the tier was reached.")
    valid_until = fields.Date(
        readonly=True, help="Last day of the guarantee. Empty for the lowest tier."
    )

    # the refresh looks the last line of each customer up
    _partner_company_date_unique = models.Constraint(
        "UNIQUE (partner_id, company_id, date)", "A customer has one tier a day."
    )
