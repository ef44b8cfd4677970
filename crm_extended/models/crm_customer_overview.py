from datetime import timedelta
from typing import NamedTuple

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..analytics.silence import called_silent
from .crm_customer_whale import MARGIN, Figure

PERIODS = (30, 90, 365)
LARGEST = 10
EARNED_SHOWN = 3
LOSS_MAKERS = Domain("loss_maker_flag", "=", True)


class Card(NamedTuple):
    """What belongs together: single figures, or a table of them with a head (periods)."""

    name: str
    title: str
    figures: list[Figure] = []
    head: list[str] = []
    rows: list[tuple[str, list[Figure]]] = []
    says: str = ""

    def told(self) -> dict:
        """As a client reads it."""
        return self._asdict() | {
            "figures": [figure._asdict() for figure in self.figures],
            "rows": [
                {"label": label, "figures": [figure._asdict() for figure in figures]}
                for label, figures in self.rows
            ],
        }


class CrmCustomerOverview(models.AbstractModel):
    """What an owner asks first, company by company: do sales grow when price rises are taken out,
    who came and who left, how much hangs on how few, what is at stake, was it right what we said.

    Everything is worked out of the published rows when the page opens, and leads to the customers
    behind it. Amounts of companies are never added up. An addon adds cards in ``_overview_cards``.
    """

    _name = "crm.customer.overview"
    _description = "Company at a Glance"
    _inherit = "crm.customer.whale"

    @api.model
    def report(self) -> list[dict]:
        """Of each of the current companies: ``{"company", "company_id", "as_of", "is_stale",
        "cards", "whale"}``; ``whale`` for who sees margins, see ``crm.customer.whale``.

        :raise AccessError: the user is no customer intelligence manager
        """
        self.env.user._check_customer_manager()
        return [self._company_overview(company) for company in self.env.companies]

    @api.model
    def _company_overview(self, company) -> dict:
        # sudo: what a refresh decided tells of no customer
        run = company.sudo().customer_run_id
        block = {
            "company": company.name,
            "company_id": company.id,
            "as_of": fields.Date.to_string(run.as_of) or False,
            "is_stale": company.sudo()._customers_are_stale(),
            "cards": [],
            "whale": False,
        }
        if not run:
            return block
        if self._sees(MARGIN):
            block["whale"] = self.env["crm.customer.whale"]._company_report(company)
        figures = self._overview_figures(company, run)
        cards = self._overview_cards(company, run, figures)
        return block | {"cards": [card.told() for card in cards if card]}

    @api.model
    def _overview_cards(self, company, run, figures: dict) -> list[Card | None]:
        """The cards in their order; None is left out."""
        return [
            self._sales_card(company, run, figures),
            self._movement_card(company, figures),
            self._stake_card(company, figures),
            self._letting_go_card(company) if self._sees(MARGIN) else None,
            self._silence_card(company),
            self._earned_card(company),
        ]

    @api.model
    def _earned_against_control(self, company) -> list[Figure] | None:
        """What playbooks and campaigns earned against their hold-out, the latest first. None:
        nothing can be told."""
        results = self.env["crm.playbook.result"].search(
            Domain("company_id", "=", company.id)
            & Domain("verdict", "in", ("works", "harms", "cannot_tell")),
            limit=EARNED_SHOWN,
        )
        verdicts = dict(results._fields["verdict"]._description_selection(self.env))
        return [
            Figure(
                result.display_name,
                verdicts[result.verdict],
                result.summary,
                result._get_records_action(),
                f"result_{result.id}",
            )
            for result in results
        ] or None

    # ------------------------------------------------------------------------- figures

    @api.model
    def _overview_domains(self, run) -> dict[str, Domain]:
        """What is counted, and opened: one domain for both."""
        domains = {
            "buying": Domain("revenue_12m", "!=", 0),
            "bought_before": Domain("revenue_prev_12m", "!=", 0),
            "at_risk": Domain("retention_flag", "=", True),
            "overdue": Domain("overdue_amount", ">", 0),
        }
        for days in PERIODS:
            after = run.as_of - timedelta(days=days)
            domains |= {
                f"new_{days}": Domain("first_purchase_date", ">", after),
                f"lost_{days}": Domain("lifecycle_stage", "=", "lost")
                & Domain("stage_since", ">", after),
                f"won_back_{days}": Domain("won_back_on", ">", after)
                & Domain("lifecycle_stage", "!=", "lost"),
            }
        return domains

    @api.model
    def _overview_figures(self, company, run) -> dict:
        """Counts (by the names of the domains) and sums over the customers of a company that the
        reader may see: one query."""
        rows, query = self.env["crm.customer.profile"], self._customers(company)
        where = {
            name: domain.optimize_full(rows)._to_sql(rows, query.table, query)
            for name, domain in self._overview_domains(run).items()
        }
        columns = {
            name: SQL("COUNT(*) FILTER (WHERE %s)", condition) for name, condition in where.items()
        } | {
            name: SQL("SUM(%s)", SQL.identifier(query.table, name))
            for name in ("revenue_12m", "revenue_prev_12m", "revenue_real_12m",
                         "revenue_real_prev_12m", "overdue_amount")
        }  # fmt: skip
        at_risk, value = where["at_risk"], SQL.identifier(query.table, "value_at_risk")
        columns |= {
            "revenue_at_stake": SQL(
                "SUM(GREATEST(%s, 0)) FILTER (WHERE %s)",
                SQL.identifier(query.table, "revenue_12m"),
                at_risk,
            ),
            "value_at_risk": SQL("SUM(%s) FILTER (WHERE %s)", value, at_risk),
            "value_unknown": SQL("COUNT(*) FILTER (WHERE %s AND %s IS NULL)", at_risk, value),
        }
        [found] = self.env.execute_query(query.select(*columns.values()))
        # as a client gets them; sums of nothing are not known
        return {
            name: value if value is None or isinstance(value, int) else float(value)
            for name, value in zip(columns, found, strict=True)
        } | {"domains": self._overview_domains(run)}

    # --------------------------------------------------------------------------- cards

    @api.model
    def _sales_card(self, company, run, figures) -> Card:
        buying, before = figures["domains"]["buying"], figures["domains"]["bought_before"]
        found = [
            self._amount_figure(
                company,
                "revenue_12m",
                self.env._("Sales of 12 months"),
                figures["revenue_12m"],
                buying,
                self._change(figures["revenue_12m"], figures["revenue_prev_12m"]),
            ),
            self._amount_figure(
                company,
                "revenue_prev_12m",
                self.env._("The 12 months before"),
                figures["revenue_prev_12m"],
                before,
            ),
            self._largest_figure(company, figures),
        ]
        if run.price_basis != "real":
            says = self.env._(
                "In the money of its time: no price index covers these months, so that price rises "
                "look like growth."
            )
            return Card("sales", self.env._("Sales"), found, says=says)
        real, real_before = figures["revenue_real_12m"], figures["revenue_real_prev_12m"]
        change = real / real_before - 1 if real is not None and (real_before or 0) > 0 else None
        found.insert(
            0,
            Figure(
                self.env._("Real change"),
                None if change is None else self._signed_percent(change),
                self.env._("Price rises taken out, against the 12 months before."),
                self._customers_action(company, buying | before),
                "real_change",
            ),
        )
        return Card("sales", self.env._("Sales"), found)

    @api.model
    def _amount_figure(self, company, name, label, amount, domain, says="") -> Figure:
        return Figure(
            label,
            None if amount is None else self._money(company, amount),
            says,
            self._customers_action(company, domain),
            name,
        )

    @api.model
    def _change(self, now, before) -> str:
        if now is None or not before or before <= 0:
            return self.env._("There is nothing to compare with.")
        return self.env._(
            "%(change)s against the 12 months before, not adjusted for prices.",
            change=self._signed_percent(now / before - 1),
        )

    @api.model
    def _signed_percent(self, change: float) -> str:
        return f"+{self._percent(change)}" if change > 0 else self._percent(change)

    @api.model
    def _movement_card(self, company, figures) -> Card:
        labels = {
            "new": self.env._("New"),
            "lost": self.env._("Lost, and still away"),
            "won_back": self.env._("Came back, and still here"),
        }
        return Card(
            "movement",
            self.env._("Customers"),
            head=[self.env._("%(count)s days", count=self._number(days)) for days in PERIODS],
            rows=[
                (
                    label,
                    [
                        self._count_figure(company, figures, f"{name}_{days}", label)
                        for days in PERIODS
                    ],
                )
                for name, label in labels.items()
            ],
        )

    @api.model
    def _count_figure(self, company, figures, name: str, label: str, says="") -> Figure:
        action = self._customers_action(company, figures["domains"][name])
        return Figure(label, self._number(figures[name]), says, action | {"name": label}, name)

    @api.model
    def _largest_figure(self, company, figures) -> Figure:
        rows = self.env["crm.customer.profile"]
        largest = rows.search(
            Domain("company_id", "=", company.id) & Domain("revenue_12m", ">", 0),
            order="revenue_12m DESC, id",
            limit=LARGEST,
        )
        total = figures["revenue_12m"]
        share = sum(largest.mapped("revenue_12m")) / total if largest and total > 0 else None
        return Figure(
            self.env._("The ten largest buy"),
            None if share is None else self._percent(share),
            self.env._("Of the sales of 12 months."),
            self._customers_action(company, Domain("id", "in", largest.ids)),
            "largest",
        )

    @api.model
    def _stake_card(self, company, figures) -> Card:
        domains = figures["domains"]
        found = [
            self._count_figure(company, figures, "at_risk", self.env._("Customers at risk")),
            self._amount_figure(
                company,
                "revenue_at_stake",
                self.env._("Their sales of 12 months"),
                figures["revenue_at_stake"] or 0,
                domains["at_risk"],
            ),
        ]
        if self._sees(MARGIN):
            found.append(self._value_at_risk(company, figures))
        found.append(
            self._amount_figure(
                company,
                "overdue_amount",
                self.env._("Overdue"),
                figures["overdue_amount"] or 0,
                domains["overdue"],
                self.env._(
                    "Of %(count)s customers, taxes included.",
                    count=self._number(figures["overdue"]),
                ),
            )
        )
        return Card("stake", self.env._("At Stake"), found)

    @api.model
    def _value_at_risk(self, company, figures) -> Figure:
        says = self.env._("What they brought in a year, less what is still expected of them.")
        if figures["value_at_risk"] is None:
            says = self.env._("It takes recorded costs and a forecast.")
        elif figures["value_unknown"]:
            says = self.env._(
                "Not known for %(count)s of them.", count=self._number(figures["value_unknown"])
            )
        return self._amount_figure(
            company,
            "value_at_risk",
            self.env._("Contribution at risk"),
            figures["value_at_risk"],
            figures["domains"]["at_risk"],
            says,
        )

    @api.model
    def _letting_go_card(self, company) -> Card:
        undecided = LOSS_MAKERS & Domain("decision_id", "=", False)
        decisions = self.env["crm.customer.decision"]
        own = Domain("company_id", "=", company.id)
        due = own & Domain("is_due", "=", True)
        is_open = own & Domain("state", "in", ("proposed", "decided"))
        desk = {"list_view_ref": "crm_extended.crm_customer_profile_view_list_letting_go"}

        def loss_makers(name, label, domain):
            action = self._customers_action(company, domain, **desk)
            return Figure(label, self._number(self._count(company, domain)), "", action, name)

        def decided(name, label, domain):
            action = self._decisions_action(domain)
            return Figure(label, self._number(decisions.search_count(domain)), "", action, name)

        return Card(
            "letting_go",
            self.env._("Loss Makers and Decisions"),
            [
                loss_makers("loss_makers", self.env._("Loss makers"), LOSS_MAKERS),
                loss_makers("undecided", self.env._("Without a decision"), undecided),
                decided("open_decisions", self.env._("Open decisions"), is_open),
                decided("due", self.env._("Reviews due"), due),
            ],
        )

    @api.model
    def _decisions_action(self, domain) -> dict:
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Decisions"),
            "res_model": "crm.customer.decision",
            "views": [[False, "list"], [False, "form"]],
            "domain": list(domain),
        }

    @api.model
    def _silence_card(self, company) -> Card:
        backtest = self.env["crm.model.backtest"].search([("company_id", "=", company.id)], limit=1)
        title, label = self.env._("Were We Right?"), self.env._("Of 100 we called silent, silent")
        found = None
        if backtest.grade:
            found = called_silent(
                (bar["customers"], bar["predicted"], bar["actual"]) for bar in backtest.bars
            )
        if not found:
            says = self.env._(
                "Not known yet: forecasts are judged after 90 days, from 200 customers on."
            )
            return Card("silence", title, [Figure(label, None, says, None, "silence")])
        low, high = found.interval
        says = self.env._(
            "Judged on %(count)s customers whose chance of an order in 90 days was below half, as "
            "said on %(day)s; %(low)s to %(high)s of 100.",
            count=self._number(found.called),
            day=self._day(backtest.as_of),
            low=self._number(round(low * 100)),
            high=self._number(round(high * 100)),
        )
        action = {
            "type": "ir.actions.act_window",
            "name": self.env._("Forecast Quality"),
            "res_model": "crm.model.backtest",
            "res_id": backtest.id,
            "views": [[False, "form"]],
        }
        silent = self._number(round(found.share * 100))
        return Card("silence", title, [Figure(label, silent, says, action, "silence")])

    @api.model
    def _day(self, day) -> str:
        return self.env["crm.customer.profile"]._say_day(day)

    @api.model
    def _earned_card(self, company) -> Card:
        title = self.env._("Earned Against Control")
        figures = self._earned_against_control(company)
        if figures is not None:
            return Card("earned", title, figures)
        says = self.env._("Not known yet: it takes customers who are left alone to compare with.")
        return Card(
            "earned",
            title,
            [Figure(self.env._("Earned by what we did"), None, says, None, "earned")],
        )
