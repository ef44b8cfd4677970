from odoo import api, fields, models


class ResPartner(models.Model):
    """The price list of a contact may come from the tier of his customer."""

    _inherit = "res.partner"

    pricelist_origin = fields.Char(
        "Price List Comes From",
        compute="_compute_pricelist_origin",
        groups="crm_extended.group_user",
        help="Whether the price list was chosen for this contact, or is that of his tier.",
    )

    @api.depends("property_product_pricelist", "specific_property_product_pricelist")
    @api.depends_context("company", "lang")
    def _compute_pricelist_origin(self):
        tiers = self._tiers_with_pricelist()
        for partner in self:
            if partner.specific_property_product_pricelist:
                partner.pricelist_origin = self.env._("Chosen for this contact")
            elif partner in tiers and tiers[partner].pricelist_id == (
                partner.property_product_pricelist
            ):
                partner.pricelist_origin = self.env._(
                    "From the tier %(tier)s", tier=tiers[partner].name
                )
            else:
                partner.pricelist_origin = False

    def _customer_tiers(self) -> dict:
        """``{contact: tier}`` in the current company, whoever asks: prices don't depend on what
        a user may see."""
        # sudo: see above
        rows = (
            self.env["crm.customer.profile"]
            .sudo()
            .search_fetch(
                [
                    ("partner_id", "in", self.commercial_partner_id.ids),
                    ("company_id", "=", self.env.company.id),
                    ("tier_id", "!=", False),
                ],
                ["partner_id", "tier_id"],
            )
        )
        by_customer = {row.partner_id.id: row.tier_id for row in rows}
        return {
            partner: by_customer[partner.commercial_partner_id.id]
            for partner in self
            if partner.commercial_partner_id.id in by_customer
        }

    def _tiers_with_pricelist(self) -> dict:
        """``{contact: tier}`` of those whose tier has a price list that is in use."""
        # sudo: prices don't depend on what a user may see
        tiers = self.env["crm.loyalty.tier"].sudo()
        tiers = tiers.browse(tiers._with_pricelist(self.env.company.id))
        if not tiers:
            return {}
        usable = tiers.filtered(
            lambda tier: (
                tier.pricelist_id._get_partner_pricelist_multi_filter_hook()
                and tier.pricelist_id.company_id in (self.env.company, self.env["res.company"])
            )
        )
        return {partner: tier for partner, tier in self._customer_tiers().items() if tier in usable}

    def _inverse_product_pricelist(self):
        """Choosing the tier's list stores nothing: it applies by itself. Choosing another one,
        the country's included, stores it, because otherwise the tier's would win."""
        tiers = self._tiers_with_pricelist()
        others = self.browse()
        for partner in self:
            chosen = partner.property_product_pricelist
            if partner not in tiers:
                others |= partner
            elif not chosen or chosen == tiers[partner].pricelist_id:
                partner.specific_property_product_pricelist = False
            else:
                partner.specific_property_product_pricelist = chosen
        return super(ResPartner, others)._inverse_product_pricelist()
