from odoo import api, fields, models
from odoo.exceptions import ValidationError


class CrmLoyaltyTierLock(models.Model):
    """Somebody decided that a customer has this tier, whatever he buys, and says why.

    It shows at once, and every refresh leaves it alone. Meanwhile the earned tier goes its own
    way in the background: it is what the customer has again when the lock ends.
    """

    _name = "crm.loyalty.tier.lock"
    _description = "Locked Tier"
    _order = "date_until, id"
    _rec_name = "partner_id"

    partner_id = fields.Many2one(
        "res.partner",
        "Customer",
        required=True,
        ondelete="cascade",
        domain="[('commercial_partner_id', '=', id)]",
    )
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        ondelete="cascade",
        default=lambda self: self.env.company,
    )
    tier_id = fields.Many2one(
        "crm.loyalty.tier",
        required=True,
        ondelete="cascade",
        domain="[('company_id', '=', company_id)]",
    )
    reason = fields.Char(required=True, help="Why the customer has this tier.")
    date_from = fields.Date("Since", readonly=True, default=fields.Date.context_today)
    date_until = fields.Date(
        "Until", help="Last day of the lock. Empty: until somebody removes it."
    )
    write_uid = fields.Many2one(
        "res.users", "Locked By", readonly=True, help="Who decided last on this lock."
    )

    _partner_company_unique = models.Constraint(
        "UNIQUE (partner_id, company_id)",
        "This customer's tier is locked already: change that lock.",
    )

    @api.constrains("reason")
    def _check_reason(self):
        for lock in self:
            if not (lock.reason or "").strip():
                raise ValidationError(
                    self.env._(
                        "Say why the tier is locked: others will ask when you are not there."
                    )
                )

    @api.constrains("date_from", "date_until")
    def _check_dates(self):
        for lock in self:
            if lock.date_until and lock.date_until < lock.date_from:
                raise ValidationError(
                    self.env._(
                        "The lock of %(customer)s would end before it begins: enter a later day, "
                        "or none.",
                        customer=lock.partner_id.display_name,
                    )
                )

    @api.constrains("partner_id", "tier_id", "company_id")
    def _check_tier(self):
        for lock in self:
            if lock.tier_id.company_id != lock.company_id:
                raise ValidationError(
                    self.env._(
                        "%(tier)s is a tier of another company: choose one of %(company)s.",
                        tier=lock.tier_id.name,
                        company=lock.company_id.name,
                    )
                )
            if lock.partner_id.commercial_partner_id != lock.partner_id:
                raise ValidationError(
                    self.env._(
                        "%(contact)s belongs to %(customer)s: lock the tier of %(customer)s.",
                        contact=lock.partner_id.display_name,
                        customer=lock.partner_id.commercial_partner_id.display_name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        locks = super().create(vals_list)
        locks._show()
        return locks

    def write(self, vals):
        before = {(lock.partner_id, lock.company_id) for lock in self}
        today = fields.Date.context_today(self)
        # another tier, or one that had ended, is a new decision of this day
        anew = self.filtered(
            lambda lock: "tier_id" in vals or (lock.date_until and lock.date_until < today)
        )
        result = super().write(vals)
        if "date_from" not in vals:
            super(CrmLoyaltyTierLock, anew).write({"date_from": today})
        self._show(before)
        return result

    def unlink(self):
        before = {(lock.partner_id, lock.company_id) for lock in self}
        result = super().unlink()
        self.browse()._show(before)
        return result

    def _show(self, others=()):
        """Bring the rows of these locks, and of other ``(customer, company)``, up to date."""
        for partner, company in {(lock.partner_id, lock.company_id) for lock in self} | set(others):
            # sudo: rows have no write right for anyone, their locks have
            row = (
                self.env["crm.customer.profile"]
                .sudo()
                .search([("partner_id", "=", partner.id), ("company_id", "=", company.id)])
            )
            row._apply_lock()
