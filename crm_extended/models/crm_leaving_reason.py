from odoo import api, fields, models
from odoo.exceptions import ValidationError


class CrmLeavingReason(models.Model):
    """Why customers leave, and what may bring them back.

    Kept apart from the reasons for losing a deal: who loses a deal loses an order, who loses a
    customer loses all that come. What is said depends on the reason; a discount comes last, since
    who left over a shortage asks for none, and who got one asks for the next.
    """

    _name = "crm.leaving.reason"
    _description = "Reason of Leaving"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(
        copy=False,
        help="What other parts of the app call this reason, as the outcome of a call does.",
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    offer = fields.Text(
        "What to Say", translate=True, help="What answers this reason, in words for a call."
    )
    is_discount_sensible = fields.Boolean(
        "Discount May Help",
        help="Off where the price was not the matter: a discount would cost money and answer "
        "nothing. Even where it is on, it comes last.",
    )
    is_final = fields.Boolean(
        "Nothing Brings Them Back",
        help="Who left for this reason stands last in the queue, as one who closed his business.",
    )

    _code_unique = models.Constraint("UNIQUE (code)", "There is a reason with this code already.")

    @api.constrains("name")
    def _check_name(self):
        for reason in self:
            if not (reason.name or "").strip():
                raise ValidationError(
                    self.env._("Give the reason a name, as the customer would say it: “Price”.")
                )

    @api.model
    def _with_code(self, code):
        return self.with_context(active_test=False).search([("code", "=", code)], limit=1)
