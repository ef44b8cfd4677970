from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL


class CrmPlaybookCandidate(models.Model):
    """A customer for whom a playbook is to be started, in one of the next nights.

    Written when the event is told or the segment is entered, in the transaction of the refresh.
    """

    _name = "crm.playbook.candidate"
    _description = "Customer in Line for a Playbook"
    _log_access = False
    _rec_name = "partner_id"

    playbook_id = fields.Many2one("crm.playbook", required=True, readonly=True, ondelete="cascade")
    partner_id = fields.Many2one(
        "res.partner", required=True, readonly=True, index=True, ondelete="cascade"
    )
    date = fields.Date(required=True, readonly=True)
    is_later = fields.Boolean(readonly=True, help="Was held out, and is to be contacted now.")

    _playbook_partner_unique = models.UniqueIndex("(playbook_id, partner_id)")


class CrmPlaybookLine(models.Model):
    """Puts customers in line, set-based."""

    _inherit = "crm.playbook"

    candidate_ids = fields.One2many("crm.playbook.candidate", "playbook_id", "In Line")

    @api.model
    def _line_up_events(self, events: SQL):
        """Put customers in line of whom something is told.

        :param events: a condition on ``queue``, the events to be delivered
        """
        self.env["crm.customer.event.queue"].flush_model()
        self._line_up(
            SQL(
                """SELECT playbook.id AS playbook_id, queue.partner_id, MAX(queue.date) AS date,
                          FALSE AS is_later
                     FROM crm_customer_event_queue AS queue
                     JOIN crm_playbook AS playbook
                       ON playbook.company_id = queue.company_id
                      AND playbook.event_kind = queue.kind
                    WHERE playbook.trigger = 'event'
                      AND playbook.is_running
                      AND playbook.active
                      AND %s
                    GROUP BY playbook.id, queue.partner_id""",
                events,
            )
        )

    def _line_up_members(self, day, partners: list[int]):
        for playbook in self:
            self._line_up(
                SQL(
                    """SELECT %s AS playbook_id, id AS partner_id, %s::date AS date,
                              FALSE AS is_later
                         FROM res_partner
                        WHERE id = ANY(%s)""",
                    playbook.id,
                    day,
                    partners,
                )
            )

    @api.model
    def _line_up(self, select: SQL):
        self.flush_model()
        candidates = self.env["crm.playbook.candidate"]
        candidates.flush_model()
        self.env.cr.execute(
            SQL(
                """INSERT INTO crm_playbook_candidate AS known
                          (playbook_id, partner_id, date, is_later)
                   SELECT playbook_id, partner_id, date, is_later
                     FROM (%s) AS due
                    ORDER BY playbook_id, partner_id
                   ON CONFLICT (playbook_id, partner_id)
                   DO UPDATE SET date = EXCLUDED.date,
                                 is_later = known.is_later OR EXCLUDED.is_later""",
                select,
            )
        )
        candidates.invalidate_model()


class CrmPlaybookSegments(models.Model):
    """Who enters a segment is put in line for its playbooks."""

    _inherit = "crm.customer.segment"

    def _members_changed(self, run, entered, left):
        result = super()._members_changed(run, entered, left)
        self._line_up_entered(run.company_id, run.as_of, entered)
        return result

    def _enter(self, rows):
        before = self.member_ids.filtered(lambda member: not member.date_to)
        result = super()._enter(rows)
        new = self.member_ids.filtered(lambda member: not member.date_to) - before
        for company, members in new.grouped("company_id").items():
            self._line_up_entered(company, company._customer_today(), members.partner_id.ids)
        return result

    def _line_up_entered(self, company, day, partners):
        if not partners:
            return
        # sudo: who puts a customer into a list need not see the playbooks that wait for him
        playbooks = self.env["crm.playbook"].sudo()
        of_segment = Domain("trigger", "=", "segment") & Domain("segment_id", "in", self.ids)
        playbooks._running(company, of_segment)._line_up_members(day, partners)


class CrmCustomerEventQueuePlaybooks(models.Model):
    """An event that a person caused is one for the playbooks as well."""

    _inherit = "crm.customer.event.queue"

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        self.env["crm.playbook"]._line_up_events(SQL("queue.id = ANY(%s)", lines.ids))
        return lines
