from odoo import api, fields, models

from .crm_playbook import CASE_REASONS

CASE_ARMS = [
    ("treated", "Contacted"),
    ("held_out", "Hold-out"),
    ("exempt", "Always contacted"),
]
CASE_STATES = [
    ("waiting", "Being prepared"),
    ("approval", "To approve"),
    ("open", "Open"),
    ("closed", "Closed"),
]
CLOSE_REASONS = [
    ("bought", "Bought"),
    ("done", "Done"),
    ("opted_out", "Opted out"),
    ("blacklisted", "Blacklisted"),
    ("expired", "Window over"),
    ("cancelled", "Cancelled"),
]


class CrmPlaybookCase(models.Model):
    """One customer for whom a playbook was started, and how it went.

    Cases are written by the night and by their own actions, nobody edits them. A customer has at
    most one case that is not closed for a reason. Who is held out has a case as well, and is left
    alone by the playbook until it ends. Every case ends.
    """

    _name = "crm.playbook.case"
    _description = "Case of a Playbook"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "date_assigned DESC, id DESC"
    _rec_name = "partner_id"

    playbook_id = fields.Many2one(
        "crm.playbook", required=True, readonly=True, index=True, ondelete="cascade"
    )
    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    currency_id = fields.Many2one(related="company_id.currency_id")
    user_id = fields.Many2one(
        "res.users", "Owner", readonly=True, index="btree_not_null", ondelete="set null"
    )
    reason = fields.Selection(CASE_REASONS, required=True, readonly=True)
    arm = fields.Selection(
        CASE_ARMS,
        "Group",
        required=True,
        readonly=True,
        help="Contacted and hold-out are compared; who is always contacted is not.",
    )
    date_assigned = fields.Date(
        "Since", required=True, readonly=True, help="As-of date of the night that opened it."
    )
    date_start = fields.Date("Start", required=True, readonly=True, help="Not before this day.")
    date_end = fields.Date(
        "Until", required=True, readonly=True, help="Last day of the result window."
    )
    date_closed = fields.Date("Closed On", readonly=True)
    state = fields.Selection(
        CASE_STATES, "Status", required=True, readonly=True, default="waiting", index=True
    )
    close_reason = fields.Selection(CLOSE_REASONS, "Ended Because", readonly=True)
    last_purchase_before = fields.Date(
        readonly=True, help="Last purchase that was known when the case was opened."
    )
    lead_id = fields.Many2one(
        "crm.lead", "Opportunity", readonly=True, index="btree_not_null", ondelete="set null"
    )
    mail_id = fields.Many2one("mail.mail", readonly=True, index="btree_not_null", ondelete="set null")
    sent_on = fields.Datetime("Email Sent", readonly=True)
    approved_by_id = fields.Many2one("res.users", "Approved By", readonly=True, ondelete="set null")
    attempts = fields.Integer(readonly=True, default=0, help="How often its work failed.")
    error = fields.Char(readonly=True, help="Why the last attempt failed.")

    # one case that is not closed; also what a night looks up
    _open_unique = models.UniqueIndex(
        "(partner_id, company_id, reason) WHERE state != 'closed'",
        "This customer has an open case for this reason already.",
    )

    @api.depends("playbook_id", "partner_id")
    def _compute_display_name(self):
        for case in self:
            case.display_name = f"{case.partner_id.display_name}: {case.playbook_id.name}"
