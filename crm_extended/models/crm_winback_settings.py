from odoo import api, fields, models
from odoo.exceptions import ValidationError

MOST_CASES = 10_000
MOST_IDLE_DAYS = 730


class ResCompany(models.Model):
    _inherit = "res.company"

    customer_winback_limit = fields.Integer(
        "Open Win-Back Cases",
        default=100,
        help="No more cases are opened by themselves than so many at a time. 0: none.",
    )
    customer_winback_each = fields.Integer(
        "Open Win-Back Cases of a Salesperson",
        default=30,
        help="No more cases are opened by themselves for one salesperson than so many at a time.",
    )
    customer_winback_idle_days = fields.Integer(
        "Propose to Give Up After",
        default=60,
        help="Days without a contact after which the salesperson is asked to try again or give up.",
    )
    customer_winback_since = fields.Date(
        "Win-Back Cases Since",
        readonly=True,
        copy=False,
        help="Who was lost after this day gets a case at night.",
    )

    @api.constrains("customer_winback_limit", "customer_winback_each", "customer_winback_idle_days")
    def _check_customer_winback(self):
        for company in self:
            limits = (company.customer_winback_limit, company.customer_winback_each)
            if not all(0 <= limit <= MOST_CASES for limit in limits):
                raise ValidationError(
                    self.env._(
                        "Set the number of open win-back cases to 0 (none) up to %(most)s.",
                        most=MOST_CASES,
                    )
                )
            if not 1 <= company.customer_winback_idle_days <= MOST_IDLE_DAYS:
                raise ValidationError(
                    self.env._(
                        "Set “Propose to Give Up After” to 1 up to %(most)s days.",
                        most=MOST_IDLE_DAYS,
                    )
                )


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    customer_winback_limit = fields.Integer(
        related="company_id.customer_winback_limit", readonly=False
    )
    customer_winback_each = fields.Integer(
        related="company_id.customer_winback_each", readonly=False
    )
    customer_winback_idle_days = fields.Integer(
        related="company_id.customer_winback_idle_days", readonly=False
    )
