from odoo import models
from odoo.exceptions import AccessError


class ResUsers(models.Model):
    """Users inherit the fields of their contact: the same checks guard them here."""

    _name = "res.users"
    _inherit = ["res.users", "crm.customer.mirror"]

    def _check_customer_manager(self):
        if not self.has_group("crm_extended.group_manager"):
            raise AccessError(self.env._("Only a customer intelligence manager can do this."))
