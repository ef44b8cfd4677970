from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

RECORDED = "recorded"
RECORDABLE = ("playbook_id", "partner_id", "arm", "date_assigned", "date_end")


class CrmPlaybookRecorded(models.Model):
    """A mailing or a campaign that was sent elsewhere: nothing starts it here, its customers are
    recorded by hand or imported, with the group that each was drawn into."""

    _inherit = "crm.playbook"

    trigger = fields.Selection(
        selection_add=[(RECORDED, "Sent elsewhere, customers are recorded here")],
        ondelete={RECORDED: "cascade"},
    )
    result_ids = fields.One2many("crm.playbook.result", "playbook_id", "Results")
    result_page = fields.Html(
        compute="_compute_result_page", sanitize=False, help="What it earned, as of the last night."
    )

    @api.depends("trigger", "event_kind")
    def _compute_has_state(self):
        recorded = self.filtered(lambda playbook: playbook.trigger == RECORDED)
        recorded.has_state = False
        return super(CrmPlaybookRecorded, self - recorded)._compute_has_state()

    @api.depends_context("uid", "lang")
    @api.depends("result_ids.page")
    def _compute_result_page(self):
        for playbook in self:
            playbook.result_page = playbook.result_ids[:1].page

    def action_sample_size(self):
        """How many customers the result takes, before it starts."""
        self.ensure_one()
        self.env.user._check_customer_manager()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "crm_extended.crm_playbook_sample_size_action"
        )
        return action | {"context": {"default_playbook_id": self.id}}

    def _trigger_error(self):
        return "" if self.trigger == RECORDED else super()._trigger_error()

    def _check_complete(self):
        if self.trigger == RECORDED:
            raise UserError(
                self.env._(
                    "“%(playbook)s” is sent elsewhere and can't be switched on here: record or "
                    "import its customers.",
                    playbook=self.name,
                )
            )
        return super()._check_complete()

    def action_record_cases(self):
        """The customers of what was sent elsewhere, to be recorded or imported."""
        self.ensure_one()
        self.env.user._check_customer_manager()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "crm_extended.crm_playbook_case_action_recorded"
        )
        return action | {
            "domain": [("playbook_id", "=", self.id)],
            "context": {"default_playbook_id": self.id},
        }


class CrmPlaybookCaseRecorded(models.Model):
    """Managers record the cases of what was sent elsewhere; all others are the night's alone.

    Recorded cases are closed from the beginning: they are there to be compared.
    """

    _inherit = "crm.playbook.case"

    playbook_id = fields.Many2one(readonly=False)
    partner_id = fields.Many2one(readonly=False)
    arm = fields.Selection(readonly=False)
    date_assigned = fields.Date(readonly=False)
    date_end = fields.Date(
        readonly=False,
        help="Last day of the result window. When customers are recorded, empty is the window of "
        "the playbook after the day of assignment.",
    )

    @api.constrains("date_assigned", "date_end")
    def _check_window(self):
        for case in self:
            if case.playbook_id.trigger == RECORDED and case.date_end <= case.date_assigned:
                raise ValidationError(
                    self.env._(
                        "%(customer)s: the result window must end after the day of assignment, "
                        "%(day)s.",
                        customer=case.partner_id.display_name,
                        day=case.date_assigned,
                    )
                )

    @api.constrains("playbook_id", "partner_id", "date_assigned")
    def _check_recorded_once(self):
        recorded = self.filtered(lambda case: case.playbook_id.trigger == RECORDED)
        twice = self._read_group(
            [
                ("playbook_id", "in", recorded.playbook_id.ids),
                ("partner_id", "in", recorded.partner_id.ids),
            ],
            ["partner_id", "playbook_id", "date_assigned:day"],
            having=[("__count", ">", 1)],
            limit=1,
        )
        for partner, playbook, _day in twice:
            raise ValidationError(
                self.env._(
                    "%(customer)s is recorded twice for one day of %(playbook)s: a customer is in "
                    "one group.",
                    customer=partner.display_name,
                    playbook=playbook.name,
                )
            )

    @api.model_create_multi
    def create(self, vals_list):
        if self.env.su:
            return super().create(vals_list)
        self._check_are_recorded(
            self.env["crm.playbook"].browse({vals.get("playbook_id") or 0 for vals in vals_list})
        )
        # thousands may be imported, and nobody reads that each was created
        quiet = self.with_context(
            tracking_disable=True, mail_create_nolog=True, mail_create_nosubscribe=True
        )
        # sudo: a contact's commercial partner may be one that the user does not see
        partners = self.env["res.partner"].sudo()
        partners = partners.browse({vals.get("partner_id") or 0 for vals in vals_list} - {0})
        customers = {partner.id: partner.commercial_partner_id.id for partner in partners}
        cases = super(CrmPlaybookCaseRecorded, quiet).create(
            [self._recorded_values(vals, customers) for vals in vals_list]
        )
        return cases.with_env(self.env)

    def write(self, vals):
        if self and not self.env.su:
            self._check_are_recorded(self.playbook_id)
            vals = {name: value for name, value in vals.items() if name in RECORDABLE}
            if "playbook_id" in vals:
                self._check_are_recorded(self.env["crm.playbook"].browse(vals["playbook_id"]))
                vals |= self._values_of_playbook(vals["playbook_id"])
            # found again by the next night
            vals |= {"outcome_state": False}
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_recorded(self):
        if not self.env.su:
            self._check_are_recorded(self.playbook_id)

    @api.model
    def _check_are_recorded(self, playbooks):
        playbooks = playbooks.exists()
        if not playbooks or any(playbook.trigger != RECORDED for playbook in playbooks):
            raise AccessError(
                self.env._(
                    "The cases of this playbook are opened by the night: only those of what was "
                    "sent elsewhere can be recorded, changed or deleted by hand."
                )
            )

    @api.model
    def _values_of_playbook(self, playbook_id) -> dict:
        playbook = self.env["crm.playbook"].browse(playbook_id)
        return {"company_id": playbook.company_id.id, "reason": playbook.reason}

    @api.model
    def _recorded_values(self, vals, customers) -> dict:
        """The values of a case that was over before it came here."""
        vals = {name: value for name, value in vals.items() if name in RECORDABLE}
        if not vals.get("playbook_id"):
            raise UserError(self.env._("Say which playbook each customer belongs to."))
        day = fields.Date.to_date(vals.get("date_assigned"))
        if vals.get("partner_id"):
            vals["partner_id"] = customers[vals["partner_id"]]
        if day and not vals.get("date_end"):
            playbook = self.env["crm.playbook"].browse(vals["playbook_id"])
            vals["date_end"] = day + timedelta(days=playbook.window_days)
        return (
            vals
            | self._values_of_playbook(vals["playbook_id"])
            | {
                "date_start": day,
                "date_closed": day,
                "state": "closed",
                "close_reason": "done",
            }
        )
