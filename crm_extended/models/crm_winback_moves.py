from odoo import api, models
from odoo.exceptions import UserError


class CrmWinbackMoves(models.Model):
    """Cases follow their customer when contacts become one."""

    _inherit = "crm.winback.case"

    @api.model
    def _keep_one_open(self, partners, partner):
        """Of contacts that become one, the cases become the one's. One stays open in each company:
        his own, else the oldest; what was said and planned on the others goes on there."""
        # sudo: who merges or moves contacts need not see their cases
        cases = self.sudo().with_context(active_test=False, tracking_disable=True)
        cases = cases.search(
            [("partner_id", "in", (partners | partner).ids)], order="opened_on, id"
        )
        for _company, of_company in cases.grouped("company_id").items():
            is_open = of_company.filtered(lambda case: not case.outcome)
            kept = (is_open.filtered(lambda case: case.partner_id == partner) or is_open)[:1]
            for other in is_open - kept:
                kept._take_over(other)
        left = cases.exists().filtered(lambda case: case.partner_id != partner)
        left.write({"partner_id": partner.id})
        self.env.flush_all()
        if left:
            cases.exists()._count_earlier()

    def _take_over(self, other):
        other.message_change_thread(self)
        other.activity_ids.write({"res_id": self.id})
        # the later order is the one after which he left
        self.left_after = max(self.left_after, other.left_after)
        names = (
            "leaving_reason_id",
            "leaving_note",
            "offered",
            "discount",
            "offered_on",
            "heard_on",
        )
        self.write({name: other[name] for name in names if other[name] and not self[name]})
        other.unlink()


class ResPartnerWinback(models.Model):
    _inherit = "res.partner"

    def _check_may_be_mailed(self):
        for partner in self:
            # sudo: that he refused e-mail is said to who would write to him
            if partner.sudo().is_blacklisted:
                raise UserError(
                    self.env._(
                        "%(customer)s refused e-mail: call instead.", customer=partner.display_name
                    )
                )

    def write(self, vals):
        result = super().write(vals)
        if "active" in vals:
            # sudo: the cases of an archived customer rest, whoever archives him
            cases = self.env["crm.winback.case"].sudo().with_context(active_test=False)
            cases.search([("partner_id", "in", self.ids)]).active = bool(vals["active"])
        return result

    def unlink(self):
        # the messages of a case go with it, which the database alone would leave
        self._unlink_of("crm.winback.case")
        return super().unlink()

    def _customers_moved(self):
        result = super()._customers_moved()
        # sudo: the cases follow the contacts, whoever moves them
        cases = self.env["crm.winback.case"].sudo().with_context(active_test=False)
        for partner in cases.search([("partner_id", "in", self.ids)]).partner_id:
            customer = partner.commercial_partner_id
            if customer != partner:
                cases._keep_one_open(partner, customer)
        return result
