from odoo import fields, models


class CrmWonReason(models.Model):
    """Why an opportunity was won, as the salesperson says; asked for on won ones, never
    demanded."""

    _name = "crm.won.reason"
    _description = "Won Reason"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
