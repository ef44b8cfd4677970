from odoo import api, fields, models
from odoo.tools import SQL, format_date

from .crm_customer_steps import RefreshStep

# an old database has lost more customers than anybody can call: so many cases begin a night
NIGHTLY_CASES = 25
# tasks that ask whether to give up, a night
NIGHTLY_TASKS = 50
# who makes a case at night tells nobody by mail
SILENT = {
    "mail_create_nolog": True,
    "mail_create_nosubscribe": True,
    "mail_auto_subscribe_no_notify": True,
    "tracking_disable": True,
}


class CrmWinbackNight(models.Model):
    """What a refresh does with win-back cases, as of its day.

    It ends those of who bought, notes who is lost again and what second lives brought, opens cases
    for who was newly lost, as many as the limits leave room for, moves those whose customer was
    spoken with, asks whether to give up where nobody was in touch for long, and learns the chances
    of return. Done again on the same day it changes nothing; an earlier day that is restated
    changes nothing at all.
    """

    _inherit = "crm.winback.case"

    @api.model
    def _refresh_in(self, run):
        # who wins back is told by what he does, not by mail
        self = self.with_context(mail_auto_subscribe_no_notify=True)
        self._find_won_back(run)
        self._find_lost_again(run)
        self._measure_second_lives(run)
        self._open_newly_lost(run)
        self._note_contacts(run)
        self._ask_to_give_up(run)
        self._open_in(run.company_id)._update_chances()

    @api.model
    def _open_in(self, company):
        return self.search([("company_id", "=", company.id), ("outcome", "=", False)], order="id")

    # ------------------------------------------------------------------------ what ended

    @api.model
    def _find_won_back(self, run):
        self.flush_model()
        found = self.env.execute_query(
            SQL(
                """SELECT winback.id, COALESCE(MIN(day.purchase_date), shown.last_order_date)
                     FROM crm_winback_case AS winback
                     JOIN crm_customer_profile AS shown
                       ON shown.partner_id = winback.partner_id
                      AND shown.company_id = winback.company_id
                     LEFT JOIN %(days)s AS day
                       ON day.partner_id = winback.partner_id
                      AND day.purchase_date > winback.left_after
                    WHERE winback.company_id = %(company)s
                      AND winback.outcome IS NULL
                      AND shown.last_order_date > winback.left_after
                    GROUP BY winback.id, shown.last_order_date
                    ORDER BY winback.id""",
                days=run._staging("day"),
                company=run.company_id.id,
            )
        )
        for case, day in found:
            self.browse(case)._move_to("won_back", won_back_on=day, closed_on=run.as_of)

    @api.model
    def _find_lost_again(self, run):
        """A second life has ended. Whose only order was cancelled never came back: his case goes
        on, unless another one is open."""
        self.flush_model()
        found = self.env.execute_query(
            SQL(
                """SELECT winback.id, shown.stage_since,
                          shown.last_order_date >= winback.won_back_on
                     FROM crm_winback_case AS winback
                     JOIN crm_customer_profile AS shown
                       ON shown.partner_id = winback.partner_id
                      AND shown.company_id = winback.company_id
                    WHERE winback.company_id = %s
                      AND winback.outcome = 'won_back'
                      AND shown.lifecycle_stage = 'lost'
                    ORDER BY winback.id""",
                run.company_id.id,
            )
        )
        for case, since, has_bought in found:
            case = self.browse(case)
            if has_bought:
                case._move_to("lost_again", lost_again_on=since, closed_on=case.closed_on)
            elif not self._open_case_of(case.partner_id, case.company_id):
                case._move_to("negotiating", won_back_on=False)

    @api.model
    def _measure_second_lives(self, run):
        """What those who came back brought in the twelve months since, from the lines that the
        refresh has read."""
        self.flush_model()
        self.env.cr.execute(
            SQL(
                """UPDATE crm_winback_case AS winback
                      SET (second_orders, second_revenue, second_margin, second_margin_state)
                          = ROW(found.orders, found.revenue, found.margin, found.state)
                     FROM (
                        SELECT own.id,
                               COUNT(DISTINCT document.purchase_date)
                                   FILTER (WHERE document.purchases > 0) AS orders,
                               COALESCE(SUM(document.purchases + document.returns), 0) AS revenue,
                               SUM(document.margin) AS margin,
                               CASE WHEN SUM(document.margin) IS NULL THEN 'unknown'
                                    WHEN SUM(document.known) < SUM(document.gross) THEN 'partial'
                                    ELSE 'known'
                               END AS state
                          FROM crm_winback_case AS own
                          LEFT JOIN %(documents)s AS document
                            ON document.partner_id = own.partner_id
                           AND document.date >= own.won_back_on
                           AND document.date < own.won_back_on + INTERVAL '12 months'
                         WHERE own.company_id = %(company)s
                           AND own.won_back_on IS NOT NULL
                         GROUP BY own.id
                     ) AS found
                    WHERE found.id = winback.id
                      AND (second_orders, second_revenue, second_margin, second_margin_state)
                          IS DISTINCT FROM (found.orders, found.revenue, found.margin, found.state)
                """,
                documents=run._staging("document"),
                company=run.company_id.id,
            )
        )
        self.invalidate_model()

    # ------------------------------------------------------------------------ what begins

    @api.model
    def _open_newly_lost(self, run):
        """For who was lost since the app looks at this company: who was lost before gets a case
        when somebody says so."""
        company = run.company_id
        if not company.customer_winback_since:
            company.customer_winback_since = run.as_of
        opened_today = self.with_context(active_test=False).search_count(
            [("company_id", "=", company.id), ("opened_on", "=", run.as_of)]
        )
        newly = SQL("shown.stage_since > %s", company.customer_winback_since)
        rows = self._find_lost(company, newly, NIGHTLY_CASES - opened_today)
        self._open_for(rows, run.as_of)

    @api.model
    def _find_lost(self, company, condition: SQL, limit: int):
        """Rows of lost customers who may get a case, the best first: by monetary score, then by
        their best year. No more than the limits of the company leave room for.

        Never for who is to pay first, wants no profile, has an open case, or was given up in this
        very silence.
        """
        self.flush_model()
        room = company.customer_winback_limit - self.search_count(
            [("company_id", "=", company.id), ("outcome", "=", False)]
        )
        limit = min(limit, room)
        rows = self.env["crm.customer.profile"]
        if limit <= 0:
            return rows
        found = self.env.execute_query(
            SQL(
                """WITH busy AS (
                    SELECT user_id, COUNT(*) AS cases
                      FROM crm_winback_case
                     WHERE company_id = %(company)s AND outcome IS NULL
                     GROUP BY user_id
                ),
                numbered AS (
                    SELECT shown.id, shown.m_score, shown.revenue_best_year, partner.user_id,
                           ROW_NUMBER() OVER (PARTITION BY partner.user_id ORDER BY %(best)s)
                               AS number
                      FROM %(lost)s
                     WHERE %(may_get_one)s AND %(condition)s
                )
                SELECT shown.id
                  FROM numbered AS shown
                  LEFT JOIN busy ON busy.user_id IS NOT DISTINCT FROM shown.user_id
                 WHERE shown.number + COALESCE(busy.cases, 0) <= %(each)s
                 ORDER BY %(best)s
                 LIMIT %(limit)s""",
                company=company.id,
                best=SQL(
                    "shown.m_score DESC NULLS LAST,"
                    " shown.revenue_best_year DESC NULLS LAST, shown.id"
                ),
                lost=self._sql_lost(),
                may_get_one=self._sql_may_get_one(company),
                condition=condition,
                each=company.customer_winback_each,
                limit=limit,
            )
        )
        return rows.browse(row for [row] in found)

    @api.model
    def _count_lost(self, company) -> int:
        """How many may get a case, whatever the limits."""
        [[count]] = self.env.execute_query(
            SQL(
                "SELECT COUNT(*) FROM %s WHERE %s",
                self._sql_lost(),
                self._sql_may_get_one(company),
            )
        )
        return count

    @api.model
    def _sql_lost(self) -> SQL:
        return SQL(
            "crm_customer_profile AS shown"
            " JOIN res_partner AS partner ON partner.id = shown.partner_id"
        )

    @api.model
    def _sql_may_get_one(self, company) -> SQL:
        """Whether a row ``shown`` of a ``partner`` may get a case."""
        self.env["res.partner"].flush_model()
        return SQL(
            """shown.company_id = %s
               AND shown.winback_flag
               AND shown.collect_first IS NOT TRUE
               AND partner.active
               AND partner.profiling_optout IS NOT TRUE
               AND NOT EXISTS (
                SELECT FROM crm_winback_case AS other
                 WHERE other.partner_id = shown.partner_id
                   AND other.company_id = shown.company_id
                   AND (other.outcome IS NULL OR other.left_after >= shown.last_order_date)
               )""",
            company.id,
        )

    @api.model
    def _open_for(self, rows, day):
        """Open the cases of these customers as of a day, with what they are worth."""
        opened = self.with_context(**SILENT).create(
            [
                {
                    "partner_id": row.partner_id.id,
                    "company_id": row.company_id.id,
                    "user_id": self._owner_of(row).id,
                    "opened_on": day,
                    "left_after": row.last_order_date,
                    "lost_since": row.stage_since,
                    "tier_id": row.tier_id.id,
                    "purchase_count": row.purchase_count,
                }
                for row in rows
            ]
        )
        cases = self.browse(opened.ids)
        cases._find_good_years()
        cases._count_earlier()
        cases._update_chances()
        return cases

    @api.model
    def _owner_of(self, row):
        owner = row.partner_id.user_id
        is_able = owner.active and not owner.share and row.company_id in owner.company_ids
        return owner if is_able else owner.browse()

    # ------------------------------------------------------------------ what is under way

    @api.model
    def _note_contacts(self, run):
        """Who was spoken with is contacted, and no longer proposed to be given up."""
        for case in self._open_in(run.company_id):
            last = case.last_contact_date
            if not last:
                continue
            if case.stage_id.kind == "to_contact":
                case._move_to("contacted")
            elif case.give_up_proposed_on and last > case.give_up_proposed_on:
                case.give_up_proposed_on = False

    @api.model
    def _ask_to_give_up(self, run):
        """A task for who has not been in touch for long: try again, or give up. Once, until
        something happens; nothing is forgotten, nothing is given up by itself."""
        days = run.company_id.customer_winback_idle_days
        idle = self.browse()
        for case in self._open_in(run.company_id).filtered(
            lambda case: not case.give_up_proposed_on
        ):
            moved = fields.Datetime.context_timestamp(case, case.date_last_stage_update).date()
            last = max(filter(None, [case.opened_on, case.last_contact_date, moved]))
            if (run.as_of - last).days >= days:
                idle |= case
        for case in idle[:NIGHTLY_TASKS]:
            case.give_up_proposed_on = run.as_of
            if case.user_id:
                case._plan_decision()

    def _plan_decision(self):
        owner = self.user_id
        env = self.with_context(lang=owner.lang).env
        last = self.last_contact_date or self.opened_on
        self.with_context(lang=owner.lang, mail_activity_quick_update=True).activity_schedule(
            "mail.mail_activity_data_todo",
            summary=env._("Try once more, or give up?"),
            note=env._(
                "Nobody has been in touch since %(day)s. Call once more, or press “Give Up” and "
                "say why he left.",
                day=format_date(env, last),
            ),
            user_id=owner.id,
        )


class CrmWinbackStep(models.Model):
    """Brings the win-back cases of a company up to date after its numbers are published."""

    _inherit = "crm.customer.profile"

    @api.model
    def _refresh_steps(self):
        step = RefreshStep("winback", self.env._("Following win-back cases"), "_refresh_winback")
        return [*super()._refresh_steps(), step]

    @api.model
    def _refresh_winback(self, run) -> float:
        if not run._is_look_back():
            self._refresh_limits()
            self.env["crm.winback.case"]._refresh_in(run)
        return 1
