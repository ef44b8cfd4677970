from odoo import api, fields, models


class CrmLoyaltyBenefit(models.Model):
    """Something that customers of a tier get, as the salesperson may say it to them.

    A benefit may answer one need: it is then offered to those of the tier to whom that matters,
    so that the best customers have a programme of their own. Without a need it is for all of the
    tier.
    """

    _name = "crm.loyalty.benefit"
    _description = "Benefit of a Tier"
    _order = "sequence, id"

    tier_id = fields.Many2one("crm.loyalty.tier", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(
        related="tier_id.company_id", store=True, precompute=True, index=True
    )
    name = fields.Char(
        "What We Give", required=True, translate=True, help="As it is said to the customer."
    )
    need_id = fields.Many2one(
        "crm.need",
        "Answers",
        index=True,
        ondelete="restrict",
        help="Offered to customers of the tier to whom this matters. Empty: to all of the tier.",
    )
    color = fields.Integer(related="need_id.color", help="That of the need that it answers.")
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)


class CrmLoyaltyTier(models.Model):
    _inherit = "crm.loyalty.tier"

    benefit_ids = fields.One2many(
        "crm.loyalty.benefit",
        "tier_id",
        "What They Get",
        help="What salespeople may offer to customers of this tier, to all or to those to whom "
        "something matters.",
    )


class CrmCustomerProfile(models.Model):
    _inherit = "crm.customer.profile"

    benefit_ids = fields.Many2many(
        "crm.loyalty.benefit",
        string="What We Can Give",
        compute="_compute_benefit_ids",
        help="Benefits of the customer's tier: first those that answer what matters to him, then "
        "those for all of the tier.",
    )

    @api.depends("tier_id", "need_ids")
    @api.depends_context("uid", "company")
    def _compute_benefit_ids(self):
        benefits = self.env["crm.loyalty.benefit"].search([("tier_id", "in", self.tier_id.ids)])
        by_tier = benefits.grouped("tier_id")
        for row in self:
            of_tier = by_tier.get(row.tier_id, benefits.browse())
            answering = of_tier.filtered(
                lambda benefit, needs=row.need_ids: benefit.need_id & needs
            )
            row.benefit_ids = answering + of_tier.filtered(lambda benefit: not benefit.need_id)
