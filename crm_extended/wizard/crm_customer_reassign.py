from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain


class CrmCustomerReassign(models.TransientModel):
    """Gives customers to another salesperson, with what was planned and begun with them."""

    _name = "crm.customer.reassign"
    _description = "Reassign Customers"

    profile_ids = fields.Many2many("crm.customer.profile", string="Customers")
    user_id = fields.Many2one(
        "res.users", "Salesperson", domain="[('share', '=', False)]", help="Who looks after them."
    )
    with_activities = fields.Boolean(
        "Hand Over What Is Planned",
        default=True,
        help="Activities and open cases, of win-back and playbooks, of the salesperson before go "
        "to the new one.",
    )

    def action_reassign(self):
        self.ensure_one()
        self.env.user._check_customer_manager()
        # the ids came from the user: he must see them now
        self.profile_ids.check_access("read")
        if not self.profile_ids:
            raise UserError(self.env._("Choose the customers who are to be reassigned."))
        if not self.user_id:
            raise UserError(self.env._("Choose who is to look after these customers."))
        companies = self.profile_ids.company_id - self.user_id.sudo().company_ids
        if companies:
            raise UserError(
                self.env._(
                    "%(user)s may not enter %(companies)s: choose somebody else, or ask for the "
                    "access.",
                    user=self.user_id.name,
                    companies=", ".join(companies.mapped("name")),
                )
            )
        # sudo: a manager decides who looks after whom, also where he may not edit contacts
        partners = self.profile_ids.sudo().partner_id
        for owner, of_owner in partners.grouped("user_id").items():
            if owner == self.user_id:
                continue
            if self.with_activities and owner:
                self._hand_over(of_owner, owner)
            of_owner.user_id = self.user_id
        return {"type": "ir.actions.act_window_close"}

    def _hand_over(self, partners, owner):
        winback = partners.env["crm.winback.case"].search(
            self._of_owner(partners, owner) & Domain("outcome", "=", False)
        )
        playbook = partners.env["crm.playbook.case"].search(
            self._of_owner(partners, owner) & Domain("state", "!=", "closed")
        )
        for records in (partners, winback):
            records.activity_ids.filtered(
                lambda activity: activity.user_id == owner
            ).user_id = self.user_id
        for cases in (winback, playbook):
            cases.user_id = self.user_id

    def _of_owner(self, partners, owner) -> Domain:
        return (
            Domain("partner_id", "in", partners.ids)
            & Domain("company_id", "in", self.profile_ids.company_id.ids)
            & Domain("user_id", "=", owner.id)
        )
