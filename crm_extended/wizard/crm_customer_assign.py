from odoo import fields, models
from odoo.exceptions import UserError


class CrmCustomerAssign(models.TransientModel):
    """Gives customers another salesperson: by a manager, with his own rights on the contacts."""

    _name = "crm.customer.assign"
    _description = "Assign a Salesperson"

    profile_ids = fields.Many2many("crm.customer.profile", string="Customers")
    user_id = fields.Many2one("res.users", "Salesperson", domain="[('share', '=', False)]")

    def action_assign(self):
        self.ensure_one()
        if not self.user_id:
            raise UserError(self.env._("Choose the salesperson who is to have these customers."))
        if not self.profile_ids:
            raise UserError(self.env._("Choose the customers who get another salesperson."))
        # the user must see them now: the ids came from him
        self.profile_ids.check_access("read")
        self.profile_ids.partner_id.user_id = self.user_id
        return {"type": "ir.actions.act_window_close"}


class CrmCustomerProfileAssign(models.Model):
    _inherit = "crm.customer.profile"

    def action_assign_salesperson(self):
        """The short dialog in which a manager gives these customers a salesperson."""
        self.check_access("read")
        self.env.user._check_customer_manager()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Assign a Salesperson"),
            "res_model": "crm.customer.assign",
            "views": [[False, "form"]],
            "target": "new",
            "context": {"default_profile_ids": self.ids},
        }
