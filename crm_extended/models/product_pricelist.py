from odoo import api, models


class ProductPricelist(models.Model):
    _inherit = "product.pricelist"

    @api.model
    def _get_partner_pricelist_multi(self, partner_ids):
        """The list of the customer's tier comes after his own and before the country's. Nothing
        of it is stored: when he leaves the tier, the list is gone."""
        result = super()._get_partner_pricelist_multi(partner_ids)
        if not self.env["res.groups"]._is_feature_enabled("product.group_product_pricelist"):
            return result
        partners = self.env["res.partner"].with_context(active_test=False).browse(partner_ids)
        for partner, tier in partners._tiers_with_pricelist().items():
            own = partner.specific_property_product_pricelist
            if not own._get_partner_pricelist_multi_filter_hook():
                result[partner.id] = tier.pricelist_id.with_env(self.env)
        return result
