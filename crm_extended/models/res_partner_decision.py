from odoo import api, models

from .crm_customer_decision import OPEN_STATES


class ResPartnerDecision(models.Model):
    """What was decided about a customer follows him: whoever is archived, or becomes part of
    another customer, leaves no open decision, and whoever is deleted none at all."""

    _inherit = "res.partner"

    def _drop_customers(self):
        result = super()._drop_customers()
        self._drop_decisions()
        return result

    def _customers_moved(self):
        result = super()._customers_moved()
        self.filtered(lambda partner: partner.commercial_partner_id != partner)._drop_decisions()
        return result

    def _drop_decisions(self):
        # sudo: who edits contacts need not see margins
        decisions = self.env["crm.customer.decision"].sudo()
        decisions = decisions.search(
            [("partner_id", "in", self.ids), ("state", "in", OPEN_STATES)], order="id"
        )
        if decisions:
            decisions._drop()

    @api.ondelete(at_uninstall=False)
    def _unlink_decisions(self):
        """With their messages and activities, which a cascade of the database would leave."""
        self._unlink_of("crm.customer.decision")
