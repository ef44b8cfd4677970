import logging
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..sql import sql_draw
from .crm_customer_steps import RefreshStep
from .crm_model_run import RETRY_ON

_logger = logging.getLogger(__name__)

# who waits in line for longer is not news any more
LINE_DAYS = 60
# a message is kept as it is read
ERROR_SIZE = 500
# what a customer is in after the event, as a condition on his row; the other kinds are moments
STATES = {
    "to_win_back": SQL("profile.winback_flag"),
    "loss_maker": SQL("profile.loss_maker_flag"),
    "collect_first": SQL("profile.collect_first"),
} | {
    stage: SQL("profile.lifecycle_stage = %s", stage)
    for stage in ("new", "normal", "loyal", "at_risk", "lost", "won_back", "prospect")
}


class CrmPlaybookNight(models.Model):
    """Opens the cases of a night, and ends those that are over: set-based, in the transaction of
    a refresh.

    Who is beyond the limit of a night stays in line. Which of many come first is drawn by lot: an
    order by figures would tell these. Nothing is done when an earlier day is restated.
    """

    _inherit = "crm.playbook"

    includes_existing = fields.Boolean(
        "Starts With Those There Are",
        readonly=True,
        copy=False,
        help="Each night also takes customers who were in this state before, within its limit.",
    )
    has_state = fields.Boolean(compute="_compute_has_state")
    existing_count = fields.Integer(
        "In This State Already",
        compute="_compute_existing_count",
        compute_sudo=True,
        groups="crm_extended.group_manager",
        help="Customers who are in this state and had no case yet.",
    )
    error = fields.Char(
        readonly=True, copy=False, help="Why no cases were opened in the last night."
    )

    @api.depends("trigger", "event_kind")
    def _compute_has_state(self):
        for playbook in self:
            playbook.has_state = playbook.trigger == "segment" or playbook.event_kind in STATES

    @api.depends("trigger", "event_kind", "segment_id", "reason", "company_id")
    def _compute_existing_count(self):
        for playbook in self:
            count, saved = 0, playbook._origin
            if saved.has_state:
                saved._flush_what_is_read()
                existing = saved._sql_existing(saved._as_of())
                [[count]] = self.env.execute_query(
                    SQL("SELECT COUNT(*) FROM (%s) AS due", existing)
                )
            playbook.existing_count = count

    def action_start_existing(self):
        """Take those who are in this state already, so many a night, the first ones now."""
        self.check_access("write")
        for playbook in self:
            if not playbook.is_running:
                raise UserError(
                    self.env._("Switch “%(playbook)s” on first.", playbook=playbook.name)
                )
            if not playbook.has_state:
                raise UserError(
                    self.env._(
                        "“%(playbook)s” is started by a moment, which nobody is in: it takes who "
                        "comes from now on.",
                        playbook=playbook.name,
                    )
                )
            playbook.includes_existing = True
            if playbook.company_id.sudo().customer_run_id:
                # sudo: cases have no write right for anyone; the playbook's was checked above
                playbook.sudo()._assign(playbook._as_of())

    def action_stop_existing(self):
        """Take only who comes from now on."""
        self.check_access("write")
        self.write({"includes_existing": False})

    def _as_of(self):
        # sudo: as of when numbers are is no secret
        company = self.company_id.sudo()
        return company.customer_latest_as_of or company._customer_today()

    # ----------------------------------------------------------------------- assigning

    def _assign_in(self, run):
        """In a refresh: a playbook that can't be read spoils nothing else."""
        self.ensure_one()
        error = self._trigger_error()
        if not error:
            try:
                with self.env.cr.savepoint():
                    self._assign(run.as_of)
            except RETRY_ON:
                raise
            except Exception as failure:
                _logger.exception("Playbook %s could not be started", self.id)
                error = str(failure).strip()
        if (self.error or "") != error:
            self.error = error[:ERROR_SIZE]

    def _assign(self, as_of):
        """Open the cases of a night, no more than are left of its limit."""
        self.ensure_one()
        self._flush_what_is_read()
        cases = self.env["crm.playbook.case"]
        room = self.nightly_limit - cases.search_count(
            [("playbook_id", "=", self.id), ("date_assigned", "=", as_of)]
        )
        opened = 0
        if room > 0:
            self.env.cr.execute(self._sql_assign(as_of, room))
            opened = self.env.cr.rowcount
        self.env.cr.execute(
            SQL(
                """DELETE FROM crm_playbook_candidate AS candidate
                    WHERE playbook_id = %s
                      AND (date < %s
                           OR partner_id NOT IN (SELECT partner_id FROM (%s) AS due))""",
                self.id,
                as_of - timedelta(days=LINE_DAYS),
                self._sql_lined_up(as_of),
            )
        )
        self.env.invalidate_all()
        if room > 0 and opened < room:
            self.includes_existing = False
        if opened:
            cases._trigger_work()

    def _flush_what_is_read(self):
        self.flush_model()
        for model in (
            "crm.playbook.case", "crm.playbook.candidate", "crm.customer.segment.member",
            "res.partner", "mail.blacklist", "phone.blacklist",
        ):  # fmt: skip
            self.env[model].flush_model()

    def _sql_assign(self, as_of, room: int) -> SQL:
        sources = [self._sql_lined_up(as_of)]
        if self.includes_existing:
            sources.append(self._sql_existing(as_of))
        return SQL(
            """INSERT INTO crm_playbook_case
                      (playbook_id, partner_id, company_id, reason, arm, state, date_assigned,
                       date_start, date_end, last_purchase_before, attempts, create_uid,
                       create_date, write_uid, write_date)
               SELECT %(playbook)s, partner_id, %(company)s, %(reason)s, arm,
                      CASE arm WHEN 'held_out' THEN 'open' ELSE 'waiting' END,
                      %(as_of)s, %(as_of)s, %(until)s, last_purchase_date, 0, %(root)s,
                      now() AT TIME ZONE 'UTC', %(root)s, now() AT TIME ZONE 'UTC'
                 FROM (
                    SELECT due.partner_id, profile.last_purchase_date, %(arm)s AS arm
                      FROM (
                        SELECT partner_id, MIN(rank) AS rank, MIN(date) AS date,
                               BOOL_OR(is_later) AS is_later
                          FROM (%(sources)s) AS source
                         GROUP BY partner_id
                      ) AS due
                      JOIN crm_customer_profile AS profile
                        ON profile.partner_id = due.partner_id
                       AND profile.company_id = %(company)s
                     ORDER BY due.rank, due.date, %(lot)s
                     LIMIT %(room)s
                 ) AS drawn
                ORDER BY partner_id
               ON CONFLICT (partner_id, company_id, reason) WHERE state != 'closed'
               DO NOTHING""",
            playbook=self.id,
            company=self.company_id.id,
            reason=self.reason,
            as_of=as_of,
            until=as_of + timedelta(days=self.window_days),
            root=SUPERUSER_ID,
            arm=self._sql_arm(),
            sources=SQL(" UNION ALL ").join(sources),
            # another lot than that of the hold-out
            lot=sql_draw(f"order,{self.id}", SQL("due.partner_id")),
            room=room,
        )

    def _sql_arm(self) -> SQL:
        """Who is contacted, held out or always contacted, over ``due`` and ``profile``."""
        if not self.holdout_share:
            return SQL("CASE WHEN due.is_later THEN 'exempt' ELSE 'treated' END")
        exempt = [SQL("due.is_later")]
        tiers = self.company_id._loyalty_tiers()
        if self.exempt_top_tier and len(tiers) > 1:
            exempt.append(SQL("profile.tier_id = %s", tiers[-1].id))
        if self.exempt_m_score:
            exempt.append(SQL("profile.m_score >= %s", int(self.exempt_m_score)))
        return SQL(
            "CASE WHEN %s THEN 'exempt' WHEN %s < %s::float8 THEN 'held_out' ELSE 'treated' END",
            SQL(" OR ").join(exempt),
            sql_draw(self._draw_key(), SQL("due.partner_id")),
            self.holdout_share,
        )

    def _draw_key(self) -> str:
        return f"playbook,{self.id}"

    def _sql_lined_up(self, as_of) -> SQL:
        """Who is in line and still due."""
        paused = SQL(
            """EXISTS (
                SELECT FROM crm_playbook_case AS earlier
                 WHERE earlier.playbook_id = %s
                   AND earlier.partner_id = profile.partner_id
                   AND earlier.date_assigned > %s
            )""",
            self.id,
            as_of - timedelta(days=self.pause_days),
        )
        return SQL(
            """SELECT candidate.partner_id, 0 AS rank, candidate.date, candidate.is_later
                 FROM crm_playbook_candidate AS candidate
                 JOIN crm_customer_profile AS profile ON profile.partner_id = candidate.partner_id
                 JOIN res_partner AS partner ON partner.id = candidate.partner_id
                WHERE candidate.playbook_id = %s
                  AND %s
                  AND (candidate.is_later OR NOT %s)""",
            self.id,
            self._sql_is_due(),
            paused,
        )

    def _sql_existing(self, as_of) -> SQL:
        """Who is in the state and had no case of this playbook."""
        return SQL(
            """SELECT profile.partner_id, 1 AS rank, %s::date AS date, FALSE AS is_later
                 FROM crm_customer_profile AS profile
                 JOIN res_partner AS partner ON partner.id = profile.partner_id
                WHERE %s
                  AND NOT EXISTS (
                    SELECT FROM crm_playbook_case AS earlier
                     WHERE earlier.playbook_id = %s
                       AND earlier.partner_id = profile.partner_id
                  )""",
            as_of,
            self._sql_is_due(),
            self.id,
        )

    def _sql_is_due(self) -> SQL:
        """Whether a case may be opened for a ``partner`` with a ``profile``: he is in the state,
        may be contacted, and nothing is open with him for the reason."""
        conditions = [
            SQL("profile.company_id = %s", self.company_id.id),
            self._sql_in_state(),
            SQL("partner.active"),
            SQL("partner.profiling_optout IS NOT TRUE"),
            SQL("NOT %s", self.env["crm.playbook.case"]._sql_is_blacklisted()),
            SQL(
                """NOT EXISTS (
                    SELECT FROM crm_playbook_case AS other
                     WHERE other.partner_id = profile.partner_id
                       AND other.company_id = profile.company_id
                       AND other.reason = %s
                       AND other.state != 'closed'
                )""",
                self.reason,
            ),
        ]
        if self.reason != "collect_first":
            conditions.append(SQL("profile.collect_first IS NOT TRUE"))
        if self.mail_template_id:
            conditions.append(SQL("partner.email_normalized IS NOT NULL"))
        return SQL(" AND ").join(conditions)

    def _sql_in_state(self) -> SQL:
        if self.trigger == "event":
            return STATES.get(self.event_kind, SQL("TRUE"))
        return SQL(
            """EXISTS (
                SELECT FROM crm_customer_segment_member AS member
                 WHERE member.segment_id = %s
                   AND member.partner_id = profile.partner_id
                   AND member.company_id = profile.company_id
                   AND member.date_to IS NULL
            )""",
            self.segment_id.id,
        )


class CrmCustomerPlaybookStep(models.Model):
    """Puts those in line of whom a refresh tells something, then ends and opens cases."""

    _inherit = "crm.customer.profile"

    @api.model
    def _before_publishing(self, run):
        result = super()._before_publishing(run)
        self.env["crm.playbook"]._line_up_events(SQL("queue.run_id = %s", run.id))
        return result

    @api.model
    def _refresh_steps(self):
        starting = RefreshStep("playbooks", self.env._("Starting playbooks"), "_refresh_playbooks")
        return [*super()._refresh_steps(), starting]

    @api.model
    def _refresh_playbooks(self, run) -> float:
        """The cases that are over first, then one playbook a slice."""
        if run._is_look_back():
            return 1
        self._refresh_limits()
        playbooks = self.env["crm.playbook"]._running(run.company_id)
        if not run.position:
            self.env["crm.playbook.case"]._stop_in(run)
            run.position = {"after": 0}
            return 0 if playbooks else 1
        ahead = playbooks.filtered(lambda playbook: playbook.id > run.position["after"])
        if ahead:
            ahead[0]._assign_in(run)
            run.position = {"after": ahead[0].id}
        return 1 if len(ahead) <= 1 else 1 - (len(ahead) - 1) / len(playbooks)
