from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL, format_amount, formatLang

from ..analytics.whale import cumulate, gini, share_of_best, whale
from ..wording import percent

AMOUNT, MARGIN = "crm_extended.group_amount", "crm_extended.group_margin"
# groups of customers of the same rank: with the one that the peak splits, and the beginning of the
# curve, 200 points at most
RANKS = 198
# below it the curve says more about what is not recorded
FEW_COSTS = 0.5


class Figure(NamedTuple):
    """One line of a card: ``value`` is None where it is not known, ``says`` why, or what it means;
    ``action`` leads to the customers behind it."""

    label: str
    value: str | None
    says: str = ""
    action: dict | None = None
    name: str = ""


class CrmCustomerWhale(models.AbstractModel):
    """The whale curve of each company: what its customers bring, from the best to the worst, added
    up; without recorded costs, how its revenue is spread.

    It is worked out of the published rows when it is asked for, of the customers that the reader
    may see. Customers whose margin is not known are no part of it, and are counted beside it.
    """

    _name = "crm.customer.whale"
    _description = "Whale Curve"

    @api.model
    def report(self) -> list[dict]:
        """Of each of the current companies: ``{"company", "company_id", "currency_id", "as_of",
        "measure", "figures", "says", "points": [{"share", "amount", "lowest"}, …]}``; ``share`` of
        the customers, ``amount`` as a share of what all who bring something bring.

        :raise AccessError: the user sees neither amounts nor margins
        """
        if not self.env.user.has_groups(f"{AMOUNT},{MARGIN}"):
            raise AccessError(self.env._("Only who may see amounts can see how they are spread."))
        return [self._company_report(company) for company in self.env.companies]

    @api.model
    def _company_report(self, company) -> dict:
        # sudo: the day of the published refresh, which the rows show as well
        as_of = company.sudo().customer_as_of
        report = {
            "company": company.name,
            "company_id": company.id,
            "currency_id": company.currency_id.id,
            "as_of": fields.Date.to_string(as_of) or False,
            "measure": False,
            "points": [],
            "figures": [],
            "says": [],
        }
        if not as_of:
            return report | {"says": [self.env._("Known after the first refresh.")]}
        coverage = self._cost_coverage(company) if self._sees(MARGIN) else None
        if coverage:
            return report | self._contribution_report(company, coverage)
        if self._sees(MARGIN):
            report["says"].append(self.env["crm.customer.profile"]._costs_unknown())
        if self._sees(AMOUNT):
            says = report["says"]
            report |= self._revenue_report(company)
            report["says"] = says + report["says"]
        return report

    # ---------------------------------------------------------------------------- curves

    @api.model
    def _curve(self, company, measure: str, domain: Domain) -> list:
        """The points of a measure over the customers of a company that a domain finds."""
        rows = self.env["crm.customer.profile"]
        query = rows._search(Domain("company_id", "=", company.id) & domain)
        alias = query.table
        values = query.select(
            SQL.identifier(alias, "id"), SQL("%s AS amount", SQL.identifier(alias, measure))
        )
        parts = self.env.execute_query(
            SQL(
                """SELECT COUNT(*), SUM(amount)::float8, MIN(amount)::float8
                     FROM (
                        SELECT amount,
                               ROW_NUMBER() OVER (ORDER BY amount DESC, id) AS rank,
                               COUNT(*) OVER () AS total
                          FROM (%(values)s) AS known
                         WHERE amount IS NOT NULL
                     ) AS ranked
                    GROUP BY (rank - 1) * %(ranks)s / total, amount > 0
                    ORDER BY MIN(rank)""",
                values=values,
                ranks=RANKS,
            )
        )
        return cumulate(parts)

    @api.model
    def _shown_points(self, points, peak: float) -> list[dict]:
        """As shares of the customers, and of the peak."""
        customers = points[-1].customers
        if not customers or peak <= 0:
            return []
        return [
            {
                "share": point.customers / customers,
                "amount": point.amount / peak,
                "customers": point.customers,
                "lowest": point.lowest,
            }
            for point in points
        ]

    @api.model
    def _cost_coverage(self, company) -> float | None:
        """The share of the last 12 months' revenue whose costs are known; None where nothing is."""
        query = self._customers(company)
        alias = query.table
        revenue = SQL("GREATEST(%s::float8, 0)", SQL.identifier(alias, "revenue_12m"))
        [[known, total]] = self.env.execute_query(
            query.select(
                SQL("SUM(%s * %s)", revenue, SQL.identifier(alias, "margin_coverage")),
                SQL("SUM(%s)", revenue),
            )
        )
        return known / total if known and total else None

    @api.model
    def _customers(self, company, domain=Domain.TRUE):
        rows = self.env["crm.customer.profile"]
        return rows._search(Domain("company_id", "=", company.id) & domain)

    @api.model
    def _contribution_report(self, company, coverage: float) -> dict:
        known = Domain("margin_state", "in", ("known", "partial"))
        points = self._curve(company, "contribution_12m", known)
        found = whale(points)
        loses = known & Domain("contribution_12m", "<", 0)
        losers = self._count(company, loses)
        says = [
            self.env._(
                "Costs are known for %(share)s of the revenue of 12 months.",
                share=self._percent(coverage),
            )
        ]
        if coverage < FEW_COSTS:
            says.append(self.env._("That is too little to rely on the curve."))
        unknown = Domain("margin_state", "=", "unknown") & Domain("purchase_count", ">", 0)
        if count := self._count(company, unknown):
            says.append(
                self.env._(
                    "Left out, because their margin is not known: %(count)s customers.",
                    count=self._number(count),
                )
            )
        return {
            "measure": "contribution_12m",
            "points": self._shown_points(points, found.peak),
            "figures": [
                figure._asdict()
                for figure in self._contribution_figures(company, points, known, loses, losers)
            ],
            "says": says,
        }

    @api.model
    def _contribution_figures(self, company, points, known, loses, losers) -> list[Figure]:
        found = whale(points)
        brings = known & Domain("contribution_12m", ">", 0)
        figures = [
            Figure(
                self.env._("Contribution of 12 months"),
                self._money(company, found.total),
                self.env._("Margin less cost to serve, of all customers."),
                self._customers_action(company, known),
                "total",
            ),
            Figure(
                self.env._("Earned by who brings something"),
                self._money(company, found.peak),
                self.env._("The peak: %(share)s of the total.", share=self._percent(found.height))
                if found.height
                else self.env._("The peak of the curve."),
                self._customers_action(company, brings),
                "peak",
            ),
            Figure(
                self.env._("Lost again to who costs money"),
                None if found.lost is None else self._percent(found.lost),
                self.env._(
                    "%(amount)s, by %(count)s customers.",
                    amount=self._money(company, found.peak - found.total),
                    count=self._number(losers),
                ),
                self._customers_action(company, loses),
                "lost",
            ),
        ]
        return figures + self._best_figures(company, points, "contribution_12m", known)

    @api.model
    def _revenue_report(self, company) -> dict:
        buys = Domain("revenue_12m", ">", 0)
        points = self._curve(company, "revenue_12m", buys)
        total = points[-1].amount
        figures = [
            Figure(
                self.env._("Revenue of 12 months"),
                self._money(company, total),
                self.env._("Of %(count)s customers.", count=self._number(points[-1].customers)),
                self._customers_action(company, buys),
                "total",
            ),
            *self._best_figures(company, points, "revenue_12m", buys),
        ]
        coefficient = gini(points)
        if coefficient is not None:
            figures.append(
                Figure(
                    self.env._("Concentration (Gini)"),
                    formatLang(self.env, coefficient, digits=2),
                    self.env._("0: all buy the same; near 1: one buys all."),
                    name="gini",
                )
            )
        return {
            "measure": "revenue_12m",
            "points": self._shown_points(points, total),
            "figures": [figure._asdict() for figure in figures],
            "says": [self.env._("This is how revenue is spread, not profit.")],
        }

    @api.model
    def _best_figures(self, company, points, measure: str, domain) -> list[Figure]:
        """What the best tenth and fifth bring."""
        figures = []
        for share in (0.1, 0.2):
            brought = share_of_best(points, share)
            best = share * points[-1].customers
            lowest = next((point.lowest for point in points if point.customers >= best), None)
            figures.append(
                Figure(
                    self.env._("The best %(share)s bring", share=self._percent(share)),
                    None if brought is None else self._percent(brought),
                    self.env._("Of the total."),
                    self._customers_action(company, domain & Domain(measure, ">=", lowest))
                    if lowest is not None
                    else None,
                    f"best_{round(share * 100)}",
                )
            )
        return figures

    # ------------------------------------------------------------------------ wording

    @api.model
    def _sees(self, group: str) -> bool:
        return self.env.user.has_group(group)

    @api.model
    def _count(self, company, domain) -> int:
        rows = self.env["crm.customer.profile"]
        return rows.search_count(Domain("company_id", "=", company.id) & domain)

    @api.model
    def _customers_action(self, company, domain, **context) -> dict:
        """Opens customers of a company."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Customers"),
            "res_model": "crm.customer.profile",
            "views": [[False, "list"], [False, "kanban"], [False, "form"]],
            "domain": list(Domain("company_id", "=", company.id) & domain),
            "context": context,
        }

    @api.model
    def _money(self, company, amount) -> str:
        """In whole units: a screen is read, not audited."""
        return format_amount(
            self.env, round(amount or 0), company.currency_id, trailing_zeroes=False
        )

    @api.model
    def _number(self, value) -> str:
        return formatLang(self.env, value, digits=0)

    @api.model
    def _percent(self, share) -> str:
        return percent(self.env, share)
