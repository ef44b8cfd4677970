from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError

from .res_company import MAX_CALLS


class ResUsers(models.Model):
    """Users inherit the fields of their contact: the same checks guard them here."""

    _name = "res.users"
    _inherit = ["res.users", "crm.customer.mirror"]

    customer_calls_per_day = fields.Integer(
        "Calls a Day",
        help="How many customers he is to speak with on one day. 0: as the company has it.",
    )

    @api.constrains("customer_calls_per_day")
    def _check_customer_calls_per_day(self):
        for user in self:
            if not 0 <= user.customer_calls_per_day <= MAX_CALLS:
                raise ValidationError(
                    self.env._(
                        "%(user)s speaks with 1 to %(most)s customers a day: change “Calls a Day”, "
                        "or enter 0 for the number of the company.",
                        user=user.name,
                        most=MAX_CALLS,
                    )
                )

    def _calls_per_day(self) -> int:
        return self.customer_calls_per_day or self.env.company.customer_calls_per_day

    def _check_customer_manager(self):
        if not self.has_group("crm_extended.group_manager"):
            raise AccessError(self.env._("Only a customer intelligence manager can do this."))
