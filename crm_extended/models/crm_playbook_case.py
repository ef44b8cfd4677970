from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

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
        "crm.playbook", required=True, readonly=True, index=True, ondelete="restrict"
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
    mail_id = fields.Many2one(
        "mail.mail", readonly=True, index="btree_not_null", ondelete="set null"
    )
    sent_on = fields.Datetime("Email Sent", readonly=True)
    approved_by_id = fields.Many2one("res.users", readonly=True, ondelete="set null")
    planned_ids = fields.One2many(
        "mail.activity", "playbook_case_id", readonly=True, help="Not done yet."
    )
    date_due = fields.Date(
        "Due", compute="_compute_date_due", help="Day of the next activity that is planned."
    )
    customer_reason = fields.Char(
        "Why",
        compute="_compute_customer_reason",
        help="Why the customer stands where he stands, and what to do, as of the last refresh.",
    )
    mail_subject = fields.Char(
        "Subject", compute="_compute_mail", groups="crm_extended.group_manager"
    )
    mail_body = fields.Html("Message", compute="_compute_mail", groups="crm_extended.group_manager")
    may_end = fields.Boolean(compute="_compute_may_end")
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

    @api.depends("planned_ids.date_deadline")
    def _compute_date_due(self):
        for case in self:
            case.date_due = min(case.planned_ids.mapped("date_deadline"), default=False)

    @api.depends("partner_id", "company_id")
    @api.depends_context("uid", "lang", "allowed_company_ids")
    def _compute_customer_reason(self):
        # the reader's own rights: he reads the reason of customers that he may see
        rows = self.env["crm.customer.profile"].sudo(False)
        found = rows.has_access("read") and rows.search(
            Domain("partner_id", "in", self.partner_id.ids)
            & Domain("company_id", "in", self.company_id.ids)
        )
        reasons = {(row.partner_id, row.company_id): row.reason for row in found or ()}
        for case in self:
            case.customer_reason = reasons.get((case.partner_id, case.company_id), False)

    @api.depends("playbook_id.mail_template_id", "partner_id", "state")
    def _compute_mail(self):
        """What would be sent, where it waits for an approval."""
        for case in self:
            case.mail_subject = case.mail_body = False
            # sudo: a template is for its editors to read, what it says for who approves it
            template = case.sudo().playbook_id.mail_template_id
            if template and case.state == "approval":
                partner = case.partner_id.id
                mail = template._generate_template([partner], ("subject", "body_html"))[partner]
                case.mail_subject, case.mail_body = mail["subject"], mail["body_html"]

    @api.depends_context("uid")
    @api.depends("user_id", "state")
    def _compute_may_end(self):
        is_manager = self.env.user.has_group("crm_extended.group_manager")
        for case in self:
            is_own = is_manager or case.user_id == self.env.user
            case.may_end = is_own and case.state != "closed"

    # ------------------------------------------------------------------------ actions

    def action_approve(self):
        """Let the e-mails to these customers go out."""
        waiting = self._manageable().filtered(lambda case: case.state == "approval")
        if not waiting:
            raise UserError(self.env._("None of these waits for an approval."))
        waiting.write({"approved_by_id": self.env.uid, "attempts": 0, "error": False})
        waiting._trigger_work()

    def action_reject(self):
        """Send nothing to these customers."""
        self._manageable().filtered(lambda case: case.state == "approval")._close("cancelled")

    def action_retry(self):
        """Try once more what failed."""
        failed = self._manageable().filtered("is_failed")
        failed.write({"attempts": 0, "error": False})
        failed._trigger_work()

    def action_done(self):
        """Nothing more is to be done."""
        self._own()._close("done")

    def action_cancel(self):
        """Do nothing, or nothing more."""
        self._own()._close("cancelled")

    def action_open_customer(self):
        """The figures of the customer, or the contact where there are none."""
        self.ensure_one()
        self.check_access("read")
        return (self._row() or self.partner_id)._get_records_action()

    def action_open_lead(self):
        self.ensure_one()
        self.check_access("read")
        self.lead_id.check_access("read")
        return self.lead_id._get_records_action()

    def _manageable(self):
        """These, to be written by a manager."""
        self.env.user._check_customer_manager()
        self.check_access("read")
        # sudo: cases have no write right for anyone; who may manage them was checked
        return self.sudo()

    def _own(self):
        """These, which the user may end: his own, and a manager all."""
        self.check_access("read")
        foreign = self.filtered(lambda case: case.user_id != self.env.user)
        if foreign and not self.env.user.has_group("crm_extended.group_manager"):
            raise AccessError(
                self.env._(
                    "“%(case)s” belongs to somebody else: ask him, or a manager.",
                    case=foreign[0].display_name,
                )
            )
        return self

    def _close_done(self):
        """End those of which nothing is left to do."""
        is_done = self.filtered(
            lambda case: case.state == "open" and not case.planned_ids and not case._has_open_lead()
        )
        is_done._close("done")

    def _has_open_lead(self) -> bool:
        return bool(self.lead_id.active and self.lead_id.won_status == "pending")
