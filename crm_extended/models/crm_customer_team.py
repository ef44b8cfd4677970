from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..wording import whole_amount

UNTOUCHED_DAYS = 60
CHANGED_DAYS = 7
MOST_AT_RISK = 20
# what a salesperson is to call for, whoever looks
URGENT = ("at_risk", "win_back", "quotation")
# moves that follow from others
SIDE_EVENTS = ("at_risk_over", "to_win_back", "to_win_back_over")


class CrmCustomerTeam(models.AbstractModel):
    """The first screen of a manager: who has done what today, and what needs him.

    Nothing is stored: a few aggregates of the current company are read when the page opens. Where
    it opens a list, it names the domain of what it counted.
    """

    _name = "crm.customer.team"
    _description = "Team Today"

    @api.model
    def today(self) -> dict:
        """Of the current company: ``{"as_of", …, "gaps", "team": […], "at_risk": […],
        "conflicts": {"count", "customers"}, "changes": […], "heard": […], "approvals": […],
        "domains": {name: domain}}``.

        :raise AccessError: the user is no customer intelligence manager
        """
        self.env.user._check_customer_manager()
        # one company: amounts of several are not added up
        self = self.with_context(allowed_company_ids=self.env.company.ids)
        return {
            **self.env["crm.customer.profile"]._header_of_runs(),
            "company": self.env.company.name,
            "gaps": self._gap_count(),
            "team": self._team(),
            "at_risk": self._most_at_risk(),
            "conflicts": self._conflicts(),
            "changes": self._changes(),
            "heard": self._heard(),
            "approvals": self._approvals(),
            "domains": {name: list(domain) for name, domain in self._domains().items()},
        }

    @api.model
    def _approvals(self) -> list[dict]:
        """What waits for the manager's decision: ``[{"label", "count", "action"}]``."""
        waiting = [
            (
                "crm_extended.crm_playbook_case_action_approve",
                self.env._("Emails to approve"),
                Domain("state", "=", "approval"),
            ),
            (
                "crm_extended.crm_winback_case_action",
                self.env._("Cases to give up"),
                Domain("outcome", "=", False) & Domain("give_up_proposed_on", "!=", False),
            ),
        ]
        if self.env.user.has_group("crm_extended.group_margin"):
            waiting.append(
                (
                    "crm_extended.crm_customer_decision_action",
                    self.env._("Decisions to review"),
                    Domain("is_due", "=", True),
                )
            )
        approvals = []
        for name, label, domain in waiting:
            action = self.env["ir.actions.act_window"]._for_xml_id(name)
            count = self.env[action["res_model"]].search_count(domain)
            action |= {"domain": list(domain), "context": {}}
            approvals += [{"label": label, "count": count, "action": action}] * bool(count)
        return approvals

    @api.model
    def _gap_count(self) -> int:
        """Questions that the data don't answer, or in part, as far as an instant tells."""
        questions = self.env["crm.customer.readiness"].report(complete=False)["questions"]
        return sum(
            not question["is_pending"] and question["answer"] != "answered"
            for question in questions
        )

    @api.model
    def _domains(self) -> dict[str, Domain]:
        untouched = fields.Date.context_today(self) - timedelta(days=UNTOUCHED_DAYS)
        untouched = Domain("last_contact_date", "=", False) | Domain(
            "last_contact_date", "<=", fields.Date.to_string(untouched)
        )
        at_risk = Domain("retention_flag", "=", True)
        return {
            "to_call": Domain("daily_action", "in", URGENT),
            "untouched": untouched & Domain("lifecycle_stage", "!=", "prospect"),
            "at_risk": at_risk,
            "conflicts": at_risk & Domain("collect_first", "=", True),
        }

    # ------------------------------------------------------------------------ the team

    @api.model
    def _team(self) -> list[dict]:
        """A line per salesperson with customers, those of nobody first, then by what is late."""
        profiles = self.env["crm.customer.profile"]
        domains = self._domains()
        counts = {
            name: dict(profiles._read_group(domain, ["user_id"], ["__count"]))
            for name, domain in (domains | {"customers": Domain.TRUE}).items()
        }
        at_stake = self._at_stake()
        done, late = self._done_today(), self._late_promises()
        currency = self.env.company.currency_id
        lines = []
        for user, customers in counts["customers"].items():
            figures = {
                name: counts[name].get(user, 0) for name in ("to_call", "untouched", "at_risk")
            }
            lines.append(
                figures
                | {
                    "user_id": user.id,
                    "name": user.name or self.env._("Without salesperson"),
                    "customers": customers,
                    "capacity": user._calls_per_day() if user else 0,
                    "done": done.get(user.partner_id.id, 0) if user else 0,
                    "late": late.get(user.id, 0),
                    "at_stake": self._format(at_stake.get(user), currency),
                }
            )
        return sorted(lines, key=lambda line: (bool(line["user_id"]), -line["late"], line["name"]))

    @api.model
    def _stake_field(self) -> str | None:
        """What tells how much is at stake, to this reader."""
        if self.env.user.has_group("crm_extended.group_margin"):
            return "value_at_risk"
        if self.env.user.has_group("crm_extended.group_amount"):
            return "revenue_12m"
        return None

    @api.model
    def _at_stake(self) -> dict:
        name = self._stake_field()
        if not name:
            return {}
        return dict(
            self.env["crm.customer.profile"]._read_group(
                self._domains()["at_risk"], ["user_id"], [f"{name}:sum"]
            )
        )

    @api.model
    def _done_today(self) -> dict[int, int]:
        """Customers with whom each author spoke today."""
        profiles = self.env["crm.customer.profile"]
        # sudo: that customers were spoken with, not what was said
        messages = self.env["mail.message"].sudo()
        customers = Domain("res_id", "in", profiles._search([]).subselect("partner_id"))
        return {
            author.id: count
            for author, count in messages._read_group(
                profiles._logged_today() & customers, ["author_id"], ["res_id:count_distinct"]
            )
        }

    @api.model
    def _late_promises(self) -> dict[int, int]:
        """Customers to whom each user is late with what he promised."""
        profiles = self.env["crm.customer.profile"]
        late = Domain("date_deadline", "<", fields.Date.context_today(self))
        # sudo: that something is late, not what
        activities = self.env["mail.activity"].sudo()._search(profiles._promises() & late)
        return dict(
            self.env.execute_query(
                SQL(
                    """SELECT promise.user_id, COUNT(DISTINCT promise.partner_id)
                         FROM (%s) AS promise
                        WHERE promise.partner_id IN (%s)
                        GROUP BY promise.user_id""",
                    profiles._sql_promises(activities),
                    profiles._search([]).subselect("partner_id"),
                )
            )
        )

    # -------------------------------------------------------------------- what needs him

    @api.model
    def _most_at_risk(self) -> list[dict]:
        """Those of nobody first, then by what is at stake, as far as the reader may know it."""
        profiles = self.env["crm.customer.profile"]
        stake = self._stake_field()
        order = f"{stake} DESC NULLS LAST, id" if stake else "call_rank, id"
        domain = self._domains()["at_risk"]
        found = profiles.search(
            domain & Domain("user_id", "=", False), order=order, limit=MOST_AT_RISK
        )
        if left := MOST_AT_RISK - len(found):
            found += profiles.search(
                domain & Domain("user_id", "!=", False), order=order, limit=left
            )
        return [self._customer_line(profile, stake) for profile in found]

    @api.model
    def _conflicts(self) -> dict:
        """Who is at risk and owes: to sell or to collect is to be decided."""
        profiles = self.env["crm.customer.profile"]
        may_see = self.env.user.has_group("crm_extended.group_amount")
        amount = "overdue_amount" if may_see else None
        domain = self._domains()["conflicts"]
        found = profiles.search(domain, order="overdue_since, id", limit=MOST_AT_RISK)
        return {
            "count": profiles.search_count(domain),
            "customers": [self._customer_line(profile, amount) for profile in found],
        }

    @api.model
    def _customer_line(self, profile, amount: str | None) -> dict:
        return {
            "id": profile.id,
            "name": profile.partner_id.display_name,
            "salesperson": profile.user_id.name or "",
            "reason": profile.reason,
            "contacted_on": fields.Date.to_string(profile.contacted_on) or False,
            "amount": self._format(amount and profile[amount], profile.currency_id),
            "amount_label": amount and profile._fields[amount]._description_string(self.env) or "",
        }

    @api.model
    def _format(self, amount, currency) -> str:
        """Empty for what is not known, or nothing."""
        return whole_amount(self.env, amount, currency) if amount else ""

    @api.model
    def _changes(self) -> list[dict]:
        """What happened to customers in the last days, kind by kind."""
        since = fields.Date.context_today(self) - timedelta(days=CHANGED_DAYS)
        domain = Domain("date", ">", fields.Date.to_string(since)) & Domain(
            "kind", "not in", SIDE_EVENTS
        )
        return self._counts_of("crm.customer.event", domain)

    @api.model
    def _heard(self) -> list[dict]:
        """What customers said this month, kind by kind."""
        first = fields.Date.context_today(self).replace(day=1)
        domain = Domain("date", ">=", fields.Date.to_string(first))
        return self._counts_of("crm.customer.outcome", domain)

    @api.model
    def _counts_of(self, model, domain: Domain) -> list[dict]:
        records = self.env[model]
        labels = dict(records._fields["kind"]._description_selection(self.env))
        found = records._read_group(domain, ["kind"], ["__count"], order="__count DESC, kind")
        return [
            {
                "kind": kind,
                "label": labels[kind],
                "count": count,
                "domain": list(domain & Domain("kind", "=", kind)),
            }
            for kind, count in found
        ]
