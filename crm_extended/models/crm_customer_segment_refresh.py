import logging

from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from .crm_customer_steps import RefreshStep
from .crm_model_run import RETRY_ON
from .crm_segment_rule import RuleError

_logger = logging.getLogger(__name__)


class CrmCustomerSegmentRefresh(models.Model):
    """Finds who is in a segment, in one statement a segment and company.

    What is found depends on the members before the as-of day and on the figures of that day
    alone: found again on the same day, it is the same, however often. Who entered on the day and
    no longer fits was never in; who left on the day and fits again never left.
    """

    _inherit = "crm.customer.segment"

    def _refresh_now(self):
        """Find the members in the published figures: of who just wrote the rule."""
        # sudo: members have no write right for anyone; each rule is read as its owner
        for segment in self.sudo().filtered("active"):
            # who may not enter a company gets nobody of it
            allowed = segment.user_id._get_company_ids()
            companies = segment.company_id or self.env["res.company"].sudo().browse(allowed)
            for company in companies.filtered("customer_run_id"):
                # restated figures of an earlier day are no news
                if not company.customer_run_id._is_look_back():
                    segment._find_members(company, company.customer_latest_as_of)
        self.invalidate_recordset()

    def _refresh_in(self, run):
        """In a refresh: a rule that can't be read spoils nothing else."""
        self.ensure_one()
        try:
            with self.env.cr.savepoint():
                self._find_members(run.company_id, run.as_of, run)
        except RETRY_ON:
            raise
        except Exception as error:
            _logger.exception("Segment %s could not be refreshed", self.id)
            self._note_error(run.company_id, RuleError("failed", message=str(error).strip()))

    def _find_members(self, company, as_of, run=None):
        """Bring the members of a company up to date; who may not be asked any more stays."""
        try:
            found = self._sql_found(company, as_of)
        except RuleError as error:
            self._note_error(company, error)
            return
        except UserError as error:
            self._note_error(company, RuleError("failed", message=str(error)))
            return
        is_told = bool(run) and self._is_known_in(company)
        entered, left = self._move_members(company, as_of, found, is_told)
        if is_told and (entered or left):
            self._members_changed(run, entered, left)
        values = {"refreshed_on": as_of}
        if self.error_company_id == company:
            values |= {"error_kind": False, "error_args": False, "error_company_id": False}
        if any(self[name] != value for name, value in values.items()):
            self.write(values)

    def _is_known_in(self, company) -> bool:
        """Whether who enters is news: not when everybody does, because it was never found."""
        if self.kind == "static" or not self.refreshed_on:
            return False
        lines = [("segment_id", "=", self.id), ("company_id", "=", company.id)]
        # one for all companies may have been found in others alone
        is_own = bool(self.company_id)
        return is_own or bool(self.env["crm.customer.segment.member"].search(lines, limit=1))

    def _note_error(self, company, error):
        if error.kind == "company" and not self.company_id and not self._has_members(company):
            # one for all companies finds nobody where its owner may not look
            return
        self.write(
            {
                "error_kind": error.kind,
                "error_args": error.names,
                "error_company_id": company.id,
            }
        )

    def _has_members(self, company) -> bool:
        open_ones = Domain("segment_id", "=", self.id) & Domain("company_id", "=", company.id)
        open_ones &= Domain("date_to", "=", False)
        return bool(self.env["crm.customer.segment.member"].search_count(open_ones, limit=1))

    def _members_changed(self, run, entered: list[int], left: list[int]):
        """Hook: customers moved in a refresh, in its transaction.

        Called as superuser, once for each segment and company with moves, when they are written.
        Not called when the segment is found for the first time, after its rule was changed, when
        an earlier day is restated, nor for lists kept by hand. A refresh that is done again on
        the same day tells of what it changed itself.

        :param run: the ``crm.model.run``; its company and as-of date are those of the moves
        :param entered: ids of customers who are in it now and were not before
        :param left: ids of customers who were in it and are not now
        """

    # ---------------------------------------------------------------------- in SQL

    def _sql_found(self, company, as_of) -> SQL:
        """``(partner_id, is_found)`` of the rows of a company: who is not found may stay where a
        segment only adds; who has no row leaves."""
        if self.kind == "static":
            return SQL(
                "SELECT partner_id, FALSE AS is_found FROM crm_customer_profile"
                " WHERE company_id = %s",
                company.id,
            )
        # what the rule asks of is in the database
        self.env.flush_all()
        query = self._search_as_owner(company, as_of)
        rows = self.env["crm.customer.profile"]
        if self.mode == "sync":
            return SQL(
                "SELECT %s AS partner_id, TRUE AS is_found FROM %s WHERE %s",
                SQL.identifier(query.table, "partner_id"),
                query.from_clause,
                query.where_clause or SQL("TRUE"),
            )
        return SQL(
            """SELECT partner_id, matched.id IS NOT NULL AS is_found
                 FROM %s AS customer
                 LEFT JOIN %s AS matched ON matched.id = customer.id
                WHERE company_id = %s""",
            SQL.identifier(rows._table),
            query.subselect(),
            company.id,
        )

    def _move_members(self, company, as_of, found: SQL, is_told: bool) -> tuple[list, list]:
        """Write who entered and left; the ids of both where it ``is_told``."""
        members = self.env["crm.customer.segment.member"]
        members.flush_model()
        ids = SQL("array_agg(partner_id ORDER BY partner_id)")
        [[entered, left]] = self.env.execute_query(
            SQL(
                """WITH found AS MATERIALIZED (%(found)s),
                shown AS MATERIALIZED (
                    SELECT id, partner_id, date_from, date_to
                      FROM crm_customer_segment_member
                     WHERE segment_id = %(segment)s
                       AND company_id = %(company)s
                       AND (date_to IS NULL OR date_to = %(as_of)s)
                ),
                -- a full join is never done row by row, whatever the planner knows of either
                moves AS MATERIALIZED (
                    SELECT partner_id, id, date_from,
                           CASE WHEN id IS NULL AND is_found THEN 'added'
                                WHEN date_to = %(as_of)s AND is_found THEN 'reopened'
                                WHEN date_to IS NULL AND id IS NOT NULL AND is_found IS NULL
                                THEN 'gone'
                           END AS move
                      FROM found
                      FULL JOIN shown USING (partner_id)
                ),
                gone AS (
                    SELECT partner_id, id, date_from FROM moves WHERE move = 'gone'
                ),
                withdrawn AS (
                    DELETE FROM crm_customer_segment_member AS member
                     USING gone
                     WHERE member.id = gone.id AND gone.date_from >= %(as_of)s
                ),
                closed AS (
                    UPDATE crm_customer_segment_member AS member
                       SET date_to = %(as_of)s
                      FROM gone
                     WHERE member.id = gone.id AND gone.date_from < %(as_of)s
                ),
                reopened AS (
                    UPDATE crm_customer_segment_member AS member
                       SET date_to = NULL
                      FROM moves
                     WHERE member.id = moves.id AND move = 'reopened'
                    RETURNING member.partner_id
                ),
                added AS (
                    INSERT INTO crm_customer_segment_member
                           (segment_id, company_id, partner_id, date_from)
                    SELECT %(segment)s, %(company)s, partner_id, %(as_of)s
                      FROM moves
                     WHERE move = 'added'
                     ORDER BY partner_id
                    -- somebody saved the rule meanwhile
                    ON CONFLICT (segment_id, partner_id, company_id) WHERE date_to IS NULL
                    DO NOTHING
                    RETURNING partner_id
                ),
                entered AS (
                    SELECT partner_id FROM reopened UNION ALL SELECT partner_id FROM added
                )
                SELECT %(entered)s, %(left)s""",
                found=found,
                segment=self.id,
                company=company.id,
                as_of=as_of,
                entered=SQL("(SELECT %s FROM entered)", ids) if is_told else SQL("NULL"),
                left=SQL("(SELECT %s FROM gone)", ids) if is_told else SQL("NULL"),
            )
        )
        members.invalidate_model()
        return entered or [], left or []

    # ---------------------------------------------------------------------- by hand

    def _enter(self, rows):
        """Put the customers of these rows into a list, as of the last refresh of each company."""
        self.ensure_one()
        members = self.env["crm.customer.segment.member"].sudo()
        for company, of_company in rows.sudo().grouped("company_id").items():
            day = company.customer_latest_as_of or company._customer_today()
            known = members.search(
                [
                    ("segment_id", "=", self.id),
                    ("company_id", "=", company.id),
                    ("partner_id", "in", of_company.partner_id.ids),
                ]
            )
            # who was taken out on the same day never left
            known.filtered(lambda member, day=day: member.date_to == day).date_to = False
            inside = known.filtered(lambda member: not member.date_to).partner_id
            members.create(
                [
                    {
                        "segment_id": self.id,
                        "company_id": company.id,
                        "partner_id": partner.id,
                        "date_from": day,
                    }
                    for partner in of_company.partner_id - inside
                ]
            )
        self.invalidate_recordset()

    def _leave(self, company, members):
        day = company.sudo().customer_latest_as_of or company._customer_today()
        new = members.filtered(lambda member: member.date_from >= day)
        new.unlink()
        (members - new).date_to = day
        self.invalidate_recordset()


class CrmCustomerSegmentStep(models.Model):
    """Refreshes the segments of a company after its numbers are published."""

    _inherit = "crm.customer.profile"

    @api.model
    def _refresh_steps(self):
        finding = RefreshStep("segments", self.env._("Finding segments"), "_refresh_segments")
        return [*super()._refresh_steps(), finding]

    @api.model
    def _refresh_segments(self, run) -> float:
        """One segment a slice. Restated figures of an earlier day change nothing."""
        if run._is_look_back():
            return 1
        self._refresh_limits()
        after = (run.position or {}).get("after", 0)
        segments = self.env["crm.customer.segment"].search(
            [("company_id", "in", [run.company_id.id, False])], order="id"
        )
        ahead = segments.filtered(lambda segment: segment.id > after)
        if ahead:
            ahead[0]._refresh_in(run)
            run.position = {"after": ahead[0].id}
        return 1 if len(ahead) <= 1 else 1 - (len(ahead) - 1) / len(segments)
