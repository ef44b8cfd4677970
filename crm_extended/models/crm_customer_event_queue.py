import logging

from odoo import api, fields, models
from odoo.tools import SQL

from .crm_model_run import RETRY_ON, retried

_logger = logging.getLogger(__name__)

BATCH = 500
ATTEMPTS = 3
FAILED_MESSAGE = 500


class CrmCustomerEventQueue(models.Model):
    """What a refresh found changed and has not been told yet.

    The publishing transaction writes it in SQL. Delivery creates the events and deletes the lines
    in one transaction, so that each is told once, also when the process dies in between. An event
    whose automation rule fails is rolled back alone and tried three times; then it stays here with
    its error, until somebody mends the rule and tries again.
    """

    _name = "crm.customer.event.queue"
    _description = "Event Not Delivered"
    _log_access = False
    _order = "id"
    _rec_name = "kind"

    partner_id = fields.Many2one("res.partner", "Customer", readonly=True, ondelete="cascade")
    company_id = fields.Many2one("res.company", readonly=True, ondelete="cascade")
    run_id = fields.Many2one("crm.model.run", "Refresh", readonly=True, ondelete="set null")
    date = fields.Date(readonly=True)
    kind = fields.Selection(
        lambda self: (
            self.env["crm.customer.event"]._fields["kind"]._description_selection(self.env)
        ),
        "Event",
        readonly=True,
    )
    old_stage = fields.Char("Stage Before", readonly=True)
    old_tier_id = fields.Many2one(
        "crm.loyalty.tier", "Tier Before", readonly=True, ondelete="set null"
    )
    tier_id = fields.Many2one("crm.loyalty.tier", readonly=True, ondelete="set null")
    attempts = fields.Integer(readonly=True, help="How often delivery failed.")
    error = fields.Char(readonly=True, help="Why the last attempt failed.")

    # delivery takes the oldest of those that have not failed for good
    _waiting_idx = models.Index(f"(id) WHERE attempts < {ATTEMPTS}")

    def action_retry(self):
        """Try to deliver these once more, now."""
        self.env.user._check_customer_manager()
        self.check_access("read")
        # sudo: nobody may write the queue or wake the job; the group was checked above
        sudo = self.sudo()
        sudo.write({"attempts": 0, "error": False})
        sudo._trigger_delivery()

    @api.model
    def _trigger_delivery(self):
        self.env.ref("crm_extended.ir_cron_customer_events").sudo()._trigger()

    @api.model
    def _cron_deliver(self):
        """Deliver what waits, batch by batch, each committed."""
        self = self.sudo().with_context(lang=None)
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=self._count_waiting())
        while count := retried(self.env, self._deliver_batch):
            if not cron._commit_progress(count, remaining=self._count_waiting()):
                # time is over: go on at once rather than in the next minute
                self._trigger_delivery()
                cron._commit_progress()
                return

    @api.model
    def _count_waiting(self) -> int:
        return self.search_count([("attempts", "<", ATTEMPTS)])

    @api.model
    def _deliver_batch(self, limit=BATCH) -> int:
        """Deliver up to so many, in the current transaction; how many were taken."""
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT id FROM crm_customer_event_queue
                    WHERE attempts < %s
                    ORDER BY attempts, id
                    LIMIT %s
                      FOR UPDATE SKIP LOCKED""",
                ATTEMPTS,
                limit,
            )
        )
        lines = self.browse(row for [row] in rows)
        if not lines:
            return 0
        try:
            lines._deliver()
        except RETRY_ON:
            raise
        except Exception:  # noqa: BLE001 - one of them fails: each on its own
            for line in lines:
                line._deliver_alone()
        return len(lines)

    def _deliver_alone(self):
        try:
            self._deliver()
        except RETRY_ON:
            raise
        except Exception as error:  # noqa: BLE001 - recorded with the event; others go on
            _logger.warning("Event %s was not delivered: %s", self.id, error)
            self.write(
                {"attempts": self.attempts + 1, "error": str(error).strip()[:FAILED_MESSAGE]}
            )

    def _deliver(self):
        """Create the events of these lines and delete the lines, or neither."""
        with self.env.cr.savepoint():
            names = ("date", "kind", "old_stage")
            links = ("partner_id", "company_id", "run_id", "old_tier_id", "tier_id")
            events = self.env["crm.customer.event"].create(
                [
                    {name: line[name] for name in names} | {name: line[name].id for name in links}
                    for line in self
                ]
            )
            events._post_tier_notes()
            self.unlink()
            self.env.flush_all()
