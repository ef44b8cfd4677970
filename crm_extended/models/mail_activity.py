from odoo import fields, models
from odoo.tools.sql import column_exists, create_column


class MailActivity(models.Model):
    """Remembers for when an activity was first planned: Odoo keeps the last due date only, and
    what is put off every day would never be late. Written with the activity itself, by no query
    of its own."""

    _inherit = "mail.activity"

    date_planned = fields.Date(
        "Planned For",
        compute="_compute_date_planned",
        store=True,
        precompute=True,
        copy=False,
        help="The due date that the activity had when it was planned.",
    )

    def _auto_init(self):
        # unknown for activities that are there already: they may have been put off
        if not column_exists(self.env.cr, self._table, "date_planned"):
            create_column(self.env.cr, self._table, "date_planned", "date")
        return super()._auto_init()

    def _compute_date_planned(self):
        for activity in self:
            activity.date_planned = activity.date_planned or activity.date_deadline
