import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, plaintext2html

from .crm_model_run import RETRY_ON, retried

_logger = logging.getLogger(__name__)

BATCH = 100
ATTEMPTS = 3
FAILED_MESSAGE = 500


class CrmPlaybookWork(models.Model):
    """Does what a playbook says for the cases of the night, batch by batch.

    Each case in a savepoint of its own: one that fails is tried three times, then it shows its
    error until somebody mends the cause and tries again. Nothing is done twice: the work of a case
    and its new state are one transaction. An e-mail goes out only after a person approved it, and
    what ends a case is looked at once more before.
    """

    _inherit = "crm.playbook.case"

    is_failed = fields.Boolean(
        "Failed", compute="_compute_is_failed", store=True, help="Given up after three attempts."
    )

    # the work: oldest first
    _work_idx = models.Index(
        f"(attempts, id) WHERE state IN ('waiting', 'approval') AND attempts < {ATTEMPTS}"
    )

    @api.depends("attempts", "state")
    def _compute_is_failed(self):
        for case in self:
            case.is_failed = case.attempts >= ATTEMPTS and case.state != "closed"

    @api.model
    def _trigger_work(self):
        self.env.ref("crm_extended.ir_cron_playbook_work").sudo()._trigger()

    @api.model
    def _cron_work(self):
        """Do what waits, batch by batch, each committed."""
        self = self.sudo().with_context(lang=None)
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=self._count_work())
        for work in (self._drop_batch, self._work_batch):
            while count := retried(self.env, work):
                if not cron._commit_progress(count, remaining=self._count_work()):
                    # time is over: go on at once rather than in the next hour
                    self._trigger_work()
                    cron._commit_progress()
                    return

    @api.model
    def _to_work(self) -> Domain:
        approved = Domain("state", "=", "approval") & Domain("approved_by_id", "!=", False)
        return (Domain("state", "=", "waiting") | approved) & Domain("attempts", "<", ATTEMPTS)

    @api.model
    def _count_work(self) -> int:
        return self.search_count(self._to_work())

    @api.model
    def _work_batch(self, limit=BATCH) -> int:
        """Do the work of up to so many, in the current transaction; how many were taken."""
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT id FROM crm_playbook_case
                    WHERE attempts < %s
                      AND (state = 'waiting'
                           OR (state = 'approval' AND approved_by_id IS NOT NULL))
                    ORDER BY attempts, id
                    LIMIT %s
                      FOR UPDATE SKIP LOCKED""",
                ATTEMPTS,
                limit,
            )
        )
        cases = self.browse(case for [case] in rows)
        for case in cases:
            case._work_alone()
        return len(cases)

    @api.model
    def _drop_batch(self, limit=BATCH) -> int:
        """Drop what was planned for cases that the night has ended."""
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """SELECT ended.id
                     FROM mail_activity AS activity
                     JOIN crm_playbook_case AS ended ON ended.id = activity.playbook_case_id
                    WHERE activity.active AND ended.state = 'closed'
                    LIMIT %(limit)s
                      FOR UPDATE OF activity SKIP LOCKED""",
                limit=limit,
            )
        )
        rows += self.env.execute_query(
            SQL(
                """SELECT ended.id
                     FROM mail_mail AS mail
                     JOIN crm_playbook_case AS ended ON ended.mail_id = mail.id
                    WHERE mail.state = 'outgoing' AND ended.state = 'closed'
                    LIMIT %(limit)s
                      FOR UPDATE OF mail SKIP LOCKED""",
                limit=limit,
            )
        )
        self.browse({case for [case] in rows})._drop_work()
        return len(rows)

    def _work_alone(self):
        self.ensure_one()
        try:
            with self.env.cr.savepoint():
                self._work()
                self.env.flush_all()
        except RETRY_ON:
            raise
        except Exception as error:  # noqa: BLE001 - recorded with the case; others go on
            _logger.warning("Case %s of a playbook failed: %s", self.id, error)
            self.env.invalidate_all()
            message = str(error).strip()[:FAILED_MESSAGE]
            self.write({"attempts": self.attempts + 1, "error": message})

    def _work(self):
        """Do what the case waits for, or end it."""
        reason = self._end_reason()
        if reason:
            self._close(reason)
            return
        if self.arm == "held_out":
            raise UserError(self.env._("Who is held out is not contacted."))
        self = self.with_company(self.company_id)
        values = {"attempts": 0, "error": False}
        if self.state == "waiting":
            values |= self._prepare()
        else:
            mail = self._send()
            values |= {"state": "open", "mail_id": mail.id, "sent_on": fields.Datetime.now()}
        self.write(values)

    def _prepare(self) -> dict:
        """Give the case to somebody, and plan what he is to do."""
        playbook = self.playbook_id
        owner = self.user_id or playbook._owner_of(self)
        # in the words of who reads it
        self = self.with_context(lang=owner.lang)
        playbook = playbook.with_env(self.env)
        self.user_id = owner
        self._plan_activities()
        values = {"state": "approval" if playbook.mail_template_id else "open"}
        if playbook.creates_lead:
            values["lead_id"] = self._create_lead().id
        if playbook.category_id:
            self.partner_id.category_id |= playbook.category_id
        if playbook.server_action_id:
            context = {"active_model": self._name, "active_id": self.id, "active_ids": self.ids}
            playbook.server_action_id.with_context(**context).run()
        return values

    def _plan_activities(self):
        """On the contact, so that everybody who knows him sees them; what is not for everybody
        on the case."""
        playbook, owner = self.playbook_id, self.user_id
        record = self if playbook._is_guarded() else self.partner_id
        record = record.with_context(mail_activity_quick_update=True)
        if playbook.activity_type_id:
            record.activity_schedule(
                activity_type_id=playbook.activity_type_id.id,
                summary=playbook.activity_summary or playbook.name,
                date_deadline=self.date_assigned + timedelta(days=playbook.activity_days),
                user_id=owner.id,
                playbook_case_id=self.id,
            )
        for template in playbook.activity_plan_id.template_ids:
            found = template._determine_responsible(owner, record)
            if found["error"]:
                raise UserError(found["error"])
            record.activity_schedule(
                activity_type_id=template.activity_type_id.id,
                automated=False,
                summary=template.summary,
                note=template.note,
                date_deadline=template._get_date_deadline(self.date_assigned),
                user_id=found["responsible"].id,
                playbook_case_id=self.id,
            )

    def _create_lead(self):
        playbook, row = self.playbook_id, self._row()
        # without amounts: more people read an opportunity than may see those
        why = row._reason_sentence() if row else ""
        leads = self.env["crm.lead"].with_context(mail_auto_subscribe_no_notify=True)
        return leads.create(
            {
                "type": "opportunity",
                "name": self.env._(
                    "%(customer)s: %(playbook)s",
                    customer=self.partner_id.name,
                    playbook=playbook.name,
                ),
                "partner_id": self.partner_id.id,
                "company_id": self.company_id.id,
                "user_id": self.user_id.id,
                "team_id": playbook.team_id.id,
                "tag_ids": playbook.lead_tag_ids.ids,
                "opportunity_kind": playbook.opportunity_kind,
                "campaign_id": playbook.campaign_id.id,
                "description": why and plaintext2html(why),
            }
        )

    def _send(self):
        """Queue the e-mail to the customer, and to nobody else."""
        if not self.partner_id.email_normalized:
            raise UserError(
                self.env._(
                    "%(customer)s has no valid email address: enter one, then try again.",
                    customer=self.partner_id.name,
                )
            )
        addressee = {
            "recipient_ids": [(6, 0, self.partner_id.ids)],
            "email_to": False,
            "email_cc": False,
        }
        template = self.playbook_id.mail_template_id
        return template.send_mail_batch(self.partner_id.ids, email_values=addressee)

    def _row(self):
        """The figures of the customer, as the user sees them."""
        return self.env["crm.customer.profile"].search(
            [("partner_id", "=", self.partner_id.id), ("company_id", "=", self.company_id.id)]
        )


class MailActivity(models.Model):
    """Activities that a playbook planned; when the last is done, the case is."""

    _inherit = "mail.activity"

    playbook_case_id = fields.Many2one(
        "crm.playbook.case", index="btree_not_null", ondelete="set null", readonly=True
    )

    def _prepare_next_activity_values(self):
        return super()._prepare_next_activity_values() | {
            "playbook_case_id": self.sudo().playbook_case_id.id
        }

    def _action_done(self, feedback=False, attachment_ids=None):
        # sudo: who does the activity need not see the case
        cases = self.sudo().playbook_case_id
        result = super()._action_done(feedback=feedback, attachment_ids=attachment_ids)
        cases._close_done()
        return result
