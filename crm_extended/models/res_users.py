from odoo import models


class ResUsers(models.Model):
    """Users inherit the fields of their contact: the same checks guard them here."""

    _name = "res.users"
    _inherit = ["res.users", "crm.customer.mirror"]
