from typing import NamedTuple

from odoo import api, fields, models
from odoo.tools import SQL, formatLang

from ..analytics.readiness import MISSING, answer, level
from ..wording import percent


class Question(NamedTuple):
    """What a manager asks, and the checks (methods) of the data that the answer rests on."""

    label: str
    # without these there is no answer
    needs: list[str]
    # without these there is one in part
    helps: list[str]


class Finding(NamedTuple):
    """What a check found.

    ``level`` is one of ``analytics.readiness``: enough, thin, missing. ``mend`` leads to the place
    that mends it: ``{"label", "action"}``, an action or its external id; ``{"label", "model",
    "method"}``, a method that returns an action; ``{"note"}`` where the reader may not.
    """

    level: str
    text: str
    mend: dict | None = None


class CrmCustomerReadiness(models.AbstractModel):
    """Tells a manager which questions the data of a company answer, what is missing for the
    others, and where to mend it.

    Nothing is stored: the published refresh and a few aggregates are read when the page opens.
    An addon adds questions, or checks to a question, in ``_readiness_questions``; a check is a
    method that takes the facts (``_readiness_facts``) and returns findings.
    """

    _name = "crm.customer.readiness"
    _description = "Data Readiness"

    @api.model
    def report(self, complete: bool = True) -> dict:
        """Of the current company: ``{"company", "as_of", "questions": [{"name", "label",
        "answer", "is_pending", "findings": [{"level", "text", "mend"}, …]}, …]}``.

        :param complete: False leaves out what takes more than an instant (``_slow_checks``); the
            questions that wait for it are pending
        :raise AccessError: the user is no customer intelligence manager
        """
        self.env.user._check_customer_manager()
        # refused where it is none of the user's companies
        company = self.env.company
        facts = self._readiness_facts(company)
        return {
            "company": company.name,
            "as_of": fields.Date.to_string(facts["run"].as_of) or False,
            "questions": [
                {"name": name} | self._answer(question, facts, complete)
                for name, question in self._readiness_questions().items()
            ],
        }

    @api.model
    def _answer(self, question: Question, facts: dict, complete: bool = True) -> dict:
        skipped = set() if complete else self._slow_checks()
        if not facts["run"]:
            known = self._checks_without_a_run()
            skipped = {*question.needs, *question.helps} - known
        needed, helpful = (
            [
                finding
                for check in checks
                if check not in skipped
                for finding in getattr(self, check)(facts)
            ]
            for checks in (question.needs, question.helps)
        )
        if not facts["run"] and not needed:
            needed = [Finding(MISSING, self.env._("Known after the first refresh."))]
        return {
            "label": question.label,
            "answer": answer(
                [finding.level for finding in needed], [finding.level for finding in helpful]
            ),
            "is_pending": bool(facts["run"] and skipped & {*question.needs, *question.helps}),
            "findings": [finding._asdict() for finding in needed + helpful],
        }

    # ----------------------------------------------------------------------- seams

    @api.model
    def _readiness_questions(self) -> dict[str, Question]:
        """The questions by name, in the order of the page."""
        return {
            "numbers": Question(
                self.env._("Are the numbers right?"),
                ["_readiness_of_refresh"],
                [
                    "_readiness_of_dates",
                    "_readiness_of_duplicates",
                    "_readiness_of_walk_ins",
                    "_readiness_of_left_out",
                ],
            ),
            "calls": Question(
                self.env._("Whom to call, and who calls?"),
                [],
                [
                    "_readiness_of_prediction",
                    "_readiness_of_salespeople",
                    "_readiness_of_phones",
                ],
            ),
            "leaving": Question(
                self.env._("Who leaves, and when?"),
                [
                    "_readiness_of_history",
                    "_readiness_of_customers",
                    "_readiness_of_repeats",
                ],
                [
                    "_readiness_of_leaving",
                    "_readiness_of_forecasts",
                    "_readiness_of_calendar",
                ],
            ),
            "best": Question(
                self.env._("Who are the best customers?"), ["_readiness_of_scores"], []
            ),
            "worth": Question(
                self.env._("What is each customer worth?"),
                ["_readiness_of_prediction", "_readiness_of_costs"],
                [],
            ),
            "profit": Question(
                self.env._("Who is profitable?"),
                ["_readiness_of_costs"],
                ["_readiness_of_serving"],
            ),
            "growth": Question(
                self.env._("Who really grows?"),
                ["_readiness_of_years", "_readiness_of_prices"],
                [],
            ),
            "payment": Question(
                self.env._("Who pays late?"),
                ["_readiness_of_payments"],
                [],
            ),
        }

    @api.model
    def _checks_without_a_run(self) -> set[str]:
        """Those that have something to tell before the first refresh."""
        return {"_readiness_of_refresh", "_readiness_of_dates"}

    @api.model
    def _slow_checks(self) -> set[str]:
        """Those that come after the page is open, where there are many customers."""
        return {"_readiness_of_duplicates"}

    @api.model
    def _readiness_facts(self, company) -> dict:
        """What the checks read: ``company``, ``run`` (the published refresh), ``today``, and the
        figures of ``_customer_figures``."""
        run = company.customer_run_id
        facts = {"company": company, "run": run, "today": company._customer_today()}
        return facts | (self._customer_figures(run) if run else {})

    @api.model
    def _customer_figures(self, run) -> dict:
        """Counts and sums over the customers of a company: one query."""
        self.env["crm.customer.profile"].flush_model()
        self.env["res.partner"].flush_model(["user_id", "phone"])
        is_active = SQL("purchase_count > 0 AND lifecycle_stage <> 'lost'")
        figures = {
            "customers": SQL("COUNT(*) FILTER (WHERE purchase_count > 0)"),
            "first_day": SQL("MIN(first_purchase_date)"),
            "recent": SQL(
                "COUNT(*) FILTER (WHERE last_purchase_date > %s)", run._window_days()["12m"][0]
            ),
            "revenue": SQL("COALESCE(SUM(GREATEST(revenue_12m::float8, 0)), 0)"),
            # told to nobody but the margin group
            "revenue_known": SQL(
                "COALESCE(SUM(GREATEST(revenue_12m::float8, 0) * margin_coverage), 0)"
            ),
            "active": SQL("COUNT(*) FILTER (WHERE %s)", is_active),
            "ownerless": SQL("COUNT(*) FILTER (WHERE %s AND partner.user_id IS NULL)", is_active),
            "unreachable": SQL(
                "COUNT(*) FILTER (WHERE %s AND COALESCE(partner.phone, '') = '')", is_active
            ),
        }
        [row] = self.env.execute_query(
            SQL(
                """SELECT %s
                     FROM crm_customer_profile AS profile
                     JOIN res_partner AS partner ON partner.id = profile.partner_id
                    WHERE profile.company_id = %s""",
                SQL(", ").join(figures.values()),
                run.company_id.id,
            )
        )
        return dict(zip(figures, row, strict=True))

    # --------------------------------------------------------------------- wording

    @api.model
    def _mending(self, label: str, action, may: bool = True) -> dict:
        """The button of a finding, or, for who may not use it, whom to ask."""
        if may:
            return {"label": label, "action": action}
        return {"note": self.env._("Your administrator can help: %(action)s", action=label)}

    @api.model
    def _settings_mending(self, label: str) -> dict:
        return self._mending(
            label, "crm.crm_config_settings_action", self.env.user.has_group("base.group_system")
        )

    @api.model
    def _recompute_mending(self) -> dict:
        return {
            "label": self.env._("Recompute Now"),
            "model": "crm.customer.profile",
            "method": "action_recompute",
        }

    @api.model
    def _list_action(self, label: str, model: str, domain: list, **context) -> dict:
        return {
            "type": "ir.actions.act_window",
            "name": label,
            "res_model": model,
            "views": [[False, "list"], [False, "form"]],
            "domain": domain,
            "context": context,
        }

    @api.model
    def _number(self, value) -> str:
        return formatLang(self.env, value, digits=0)

    @api.model
    def _percent(self, share) -> str:
        return percent(self.env, share)

    @api.model
    def _held_against(self, name: str, value, least, enough) -> tuple[str, dict]:
        """The level of a value, and what is told of it: ``{name, "least", "enough"}``."""
        told = {name: value, "least": least, "enough": enough}
        return level(value, least, enough), {
            key: self._number(number) for key, number in told.items()
        }
