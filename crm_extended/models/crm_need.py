from odoo import api, fields, models
from odoo.exceptions import ValidationError


class CrmNeed(models.Model):
    """Something that matters to customers when they choose a supplier: credit days, price,
    delivery, … All companies share the list; benefits of tiers answer its entries."""

    _name = "crm.need"
    _description = "Need"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    description = fields.Text(
        translate=True, help="What customers mean by it, and how to ask about it."
    )
    sequence = fields.Integer(default=10)
    color = fields.Integer()
    active = fields.Boolean(default=True)

    @api.constrains("name")
    def _check_name(self):
        for need in self:
            name = (need.name or "").strip()
            if not name:
                raise ValidationError(
                    self.env._("Give the need a name, as customers would say it: “Credit days”.")
                )
            others = self.with_context(active_test=False).search_count(
                [("name", "=ilike", name.replace("\\", "\\\\").replace("%", r"\%")),
                 ("id", "!=", need.id)],
                limit=1,
            )  # fmt: skip
            if others:
                raise ValidationError(
                    self.env._(
                        "There is a need named %(name)s already: use it, or choose another name.",
                        name=name,
                    )
                )
