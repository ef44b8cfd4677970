from odoo import SUPERUSER_ID, api, models
from odoo.fields import Domain
from odoo.tools import SQL


class CrmPlaybookStop(models.Model):
    """Ends cases by themselves: the customer buys, opts out, is blacklisted or archived, owes too
    much to be sold anything, or the window is over. What was planned for them goes with them.

    The same ends hold for those held out: otherwise the groups could not be compared.
    """

    _inherit = "crm.playbook.case"

    @api.model
    def _sql_is_blacklisted(self) -> SQL:
        """Whether a ``partner`` wants no messages."""
        return SQL(
            """(EXISTS (
                SELECT FROM mail_blacklist AS listed
                 WHERE listed.active AND listed.email = partner.email_normalized
            ) OR EXISTS (
                SELECT FROM phone_blacklist AS listed
                 WHERE listed.active AND listed.number = partner.phone_sanitized
            ))"""
        )

    def _sql_end(self) -> SQL:
        """Why an ``open_case`` of a ``playbook`` ends, over the ``partner`` and his ``profile``;
        the window apart. NULL: it does not."""
        return SQL(
            """CASE
                WHEN partner.profiling_optout THEN 'opted_out'
                WHEN NOT partner.active THEN 'cancelled'
                WHEN %s THEN 'blacklisted'
                WHEN playbook.stops_on_purchase
                 AND profile.last_purchase_date >= open_case.date_assigned
                 AND profile.last_purchase_date
                     > COALESCE(open_case.last_purchase_before, '-infinity')
                    THEN 'bought'
                WHEN open_case.reason = 'collect_first' AND profile.collect_first IS FALSE
                    THEN 'done'
                WHEN open_case.reason != 'collect_first' AND profile.collect_first
                    THEN 'cancelled'
                WHEN profile.id IS NULL THEN 'cancelled'
            END""",
            self._sql_is_blacklisted(),
        )

    def _sql_open(self, end: SQL, scope: SQL) -> SQL:
        return SQL(
            """SELECT open_case.id, %s AS close_reason
                 FROM crm_playbook_case AS open_case
                 JOIN crm_playbook AS playbook ON playbook.id = open_case.playbook_id
                 JOIN res_partner AS partner ON partner.id = open_case.partner_id
                 LEFT JOIN crm_customer_profile AS profile
                   ON profile.partner_id = open_case.partner_id
                  AND profile.company_id = open_case.company_id
                WHERE open_case.state != 'closed'
                  AND %s""",
            end,
            scope,
        )

    @api.model
    def _stop_in(self, run):
        """End the cases of a company that are over as of a day. Who was held out until now and is
        to be contacted later is put in line."""
        self.env["crm.playbook"]._flush_what_is_read()
        over = SQL(
            "COALESCE(%s, CASE WHEN %s > open_case.date_end THEN 'expired' END)",
            self._sql_end(),
            run.as_of,
        )
        rows = self.env.execute_query(
            SQL(
                """UPDATE crm_playbook_case AS ended
                      SET state = 'closed', close_reason = found.close_reason,
                          date_closed = %(as_of)s, write_uid = %(root)s,
                          write_date = now() AT TIME ZONE 'UTC'
                     FROM (%(open)s) AS found
                    WHERE ended.id = found.id AND found.close_reason IS NOT NULL
                   RETURNING ended.id""",
                as_of=run.as_of,
                root=SUPERUSER_ID,
                open=self._sql_open(over, SQL("open_case.company_id = %s", run.company_id.id)),
            )
        )
        self.invalidate_model()
        if rows:
            self._line_up_later(run.as_of, [case for [case] in rows])
            self._trigger_work()

    @api.model
    def _line_up_later(self, as_of, ended: list[int]):
        self.env["crm.playbook"]._line_up(
            SQL(
                """SELECT ended.playbook_id, ended.partner_id, %s::date AS date, TRUE AS is_later
                     FROM crm_playbook_case AS ended
                     JOIN crm_playbook AS playbook ON playbook.id = ended.playbook_id
                    WHERE ended.id = ANY(%s)
                      AND ended.arm = 'held_out'
                      AND ended.close_reason = 'expired'
                      AND playbook.holdout_kind = 'later'
                      AND playbook.is_running
                      AND playbook.active""",
                as_of,
                ended,
            )
        )

    def _end_reason(self) -> str:
        """Why this case ends, as things are now; nothing: it does not."""
        self.ensure_one()
        self.env["crm.playbook"]._flush_what_is_read()
        scope = SQL("open_case.id = %s", self.id)
        [[_case, reason]] = self.env.execute_query(self._sql_open(self._sql_end(), scope))
        return reason or ""

    def _close(self, reason: str):
        """End these, and drop what was planned for them and not done."""
        # sudo: cases have no write right for anyone; each caller has asked who may end them
        for company, cases in self.sudo().grouped("company_id").items():
            is_open = cases.filtered(lambda case: case.state != "closed")
            is_open.write(
                {
                    "state": "closed",
                    "close_reason": reason,
                    "date_closed": company.customer_latest_as_of or company._customer_today(),
                }
            )
            is_open._drop_work()

    def _drop_work(self):
        """What somebody planned himself stays, and so do opportunities."""
        # sudo: activities and mails of others
        cases = self.sudo()
        activities = self.env["mail.activity"].sudo()
        activities.search([("playbook_case_id", "in", cases.ids)], order="id").unlink()
        cases.mail_id.filtered(lambda mail: mail.state == "outgoing").cancel()

    @api.model
    def _close_of(self, partners, reason: str):
        """At once, not in the night: whoever wants nothing more gets nothing more."""
        # sudo: who edits contacts need not see cases
        cases = self.sudo().search(
            Domain("partner_id", "in", partners.ids) & Domain("state", "!=", "closed"), order="id"
        )
        cases._close(reason)
        self.env["crm.playbook.candidate"].sudo().search(
            [("partner_id", "in", partners.ids)]
        ).unlink()


class ResPartnerPlaybooks(models.Model):
    """Who opts out or is archived ends all that is open with him."""

    _inherit = "res.partner"

    def _drop_customers(self):
        result = super()._drop_customers()
        cases = self.env["crm.playbook.case"]
        refusing = self.filtered("profiling_optout")
        cases._close_of(refusing, "opted_out")
        cases._close_of(self - refusing, "cancelled")
        return result


class MailBlacklist(models.Model):
    """Who is blacklisted ends all that is open with him, also what was approved and not sent."""

    _inherit = "mail.blacklist"

    @api.model_create_multi
    def create(self, vals_list):
        listed = super().create(vals_list)
        listed._end_cases()
        return listed

    def write(self, vals):
        result = super().write(vals)
        if vals.get("active") or vals.get("email"):
            self._end_cases()
        return result

    def _end_cases(self):
        emails = self.filtered("active").mapped("email")
        # sudo: who keeps the blacklist need not see contacts
        cases = self.env["crm.playbook.case"].sudo()
        is_open = Domain("state", "!=", "closed")
        partners = cases.search(
            is_open & Domain("partner_id.email_normalized", "in", emails)
        ).partner_id
        cases._close_of(partners, "blacklisted")


class BasePartnerMerge(models.TransientModel):
    """Of contacts that become one, the one keeps his own case for a reason, else the oldest."""

    _inherit = "base.partner.merge.automatic.wizard"

    def _update_foreign_keys(self, src_partners, dst_partner):
        # sudo: who merges contacts need not see cases
        cases = self.env["crm.playbook.case"].sudo()
        is_open = cases.search(
            Domain("partner_id", "in", (src_partners | dst_partner).ids)
            & Domain("state", "!=", "closed"),
            order="date_assigned, id",
        )
        for _key, group in is_open.grouped(lambda case: (case.company_id, case.reason)).items():
            own = group.filtered(lambda case: case.partner_id == dst_partner)
            (group - (own or group)[0])._close("cancelled")
        candidates = self.env["crm.playbook.candidate"].sudo()
        candidates.search([("partner_id", "in", src_partners.ids)]).unlink()
        self.env.flush_all()
        return super()._update_foreign_keys(src_partners, dst_partner)
