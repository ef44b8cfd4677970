from odoo import models

from .crm_customer_explanation import AMOUNT, MANAGER, MARGIN, Item, Link, Section, Table, Told
from .crm_customer_value import LOSS_MAKER_COVERAGE
from .res_company import COST_DRIVERS


class CrmCustomerExplanationMoney(models.Model):
    """Explains what a customer brought and cost."""

    _inherit = "crm.customer.profile"

    def _explanation_sections(self, told):
        sections = super()._explanation_sections(told)
        if self.purchase_count:
            if self._sees(AMOUNT):
                sections.append(self._explain_revenue(told))
            if self._sees(MARGIN):
                sections.append(self._explain_margin(told))
        return sections

    # -------------------------------------------------------------------------- revenue

    def _explain_revenue(self, told: Told) -> Section:
        names = ["revenue_12m", "revenue_prev_12m", "revenue_total", "revenue_best_year"]
        items = [
            self._explain_window_revenue(told, "revenue_12m", "12m"),
            self._explain_window_revenue(told, "revenue_prev_12m", "prev"),
            self._item(
                told,
                "revenue_total",
                says=[
                    self.env._("All lines up to %(day)s.", day=self._say_day(self.as_of)),
                    self.env._("The best twelve months that end on an anniversary of that day: "
                               "%(amount)s.", amount=self._say_money(self.revenue_best_year)),
                ],
                links=[Link(self.env._("Lines"), "total")],
            ),
            self._explain_average(told),
            self._explain_returns(told),
            *self._explain_real_revenue(told),
        ]  # fmt: skip
        names += ["avg_purchase_value", "return_rate_12m", "revenue_real_12m",
                  "revenue_real_prev_12m", "real_change_12m"]  # fmt: skip
        return Section(self.env._("Revenue"), AMOUNT, {"items": items}, names)

    def _explain_window_revenue(self, told: Told, name: str, window: str) -> Item:
        after, until = told.run._window_days()[window]
        return self._item(
            told,
            name,
            says=[
                self.env._(
                    "Lines after %(after)s up to %(until)s, untaxed, credit notes deducted.",
                    after=self._say_day(after),
                    until=self._say_day(until),
                )
            ],
            links=[Link(self.env._("Lines"), window)],
        )

    def _explain_average(self, told: Told) -> Item:
        figures = told.figures
        formula = (
            f"{self._plain_money(figures['revenue_total'])} / {figures['purchase_count']}"
            f" = {self._plain_money(figures['avg_purchase_value'])}"
        )
        return self._item(
            told,
            "avg_purchase_value",
            says=[self.env._("Revenue over purchases.")],
            formulas=[formula],
        )

    def _plain_money(self, amount) -> str:
        digits = self.currency_id.decimal_places
        return f"{amount or 0:,.{digits}f}".replace("-", "−")

    def _explain_returns(self, told: Told) -> Item:
        figures = told.figures
        if figures["return_rate_12m"] is None:
            says = [self.env._("Nothing was bought in 12 months.")]
            return self._item(told, "return_rate_12m", says=says)
        says = [
            self.env._(
                "Of %(bought)s bought in 12 months, %(returned)s was returned (documents: "
                "%(count)s).",
                bought=self._say_money(figures["purchases_12m"]),
                returned=self._say_money(-(figures["returns_12m"] or 0)),
                count=figures["return_12m"] or 0,
            )
        ]
        links = [Link(self.env._("Returns"), "returns")] if figures["return_12m"] else []
        return self._item(told, "return_rate_12m", says=says, links=links)

    def _explain_real_revenue(self, told: Told) -> list[Item]:
        """Years in the prices of today. The index is read by all users of the addon."""
        run = told.run
        if run.price_basis == "real":
            after, _until = run._window_days()["12m"]
            ratio = self._real_ratio(run, after)
            basis = self.env._(
                "Each document in the prices of %(month)s, by the price index: an amount of "
                "%(day)s counts %(ratio)s times.",
                month=f"{run.as_of.year}-{run.as_of.month:02}",
                day=self._say_day(after),
                ratio=self._say_number(float(ratio), 3),
            )
        else:
            basis = self.env._(
                "No price index covers these months: each year in the money of its time."
            )
        figures, formulas = told.figures, []
        if figures["real_change_12m"] is None:
            change = self.env._("Nothing was bought in the 12 months before.")
        else:
            change = self.env._("Price rises removed.") if run.price_basis == "real" else basis
            now, before = figures["revenue_real_12m"], figures["revenue_real_prev_12m"]
            formulas = [
                f"{self._plain_money(now)} / {self._plain_money(before)} − 1"
                f" = {self._plain(figures['real_change_12m'])}"
            ]
        return [
            self._item(told, "revenue_real_12m", says=[basis]),
            self._item(told, "revenue_real_prev_12m"),
            self._item(told, "real_change_12m", says=[change], formulas=formulas),
        ]

    # --------------------------------------------------------------------------- margin

    def _explain_margin(self, told: Told) -> Section:
        items = [self._explain_margin_12m(told), self._explain_cost_to_serve(told)]
        names = ["margin_12m", "margin_coverage", "margin_state", "cost_to_serve_12m"]
        if told.figures["margin_12m"] is not None:
            items += self._explain_contribution(told)
            names += ["contribution_12m", "margin_real_12m", "loss_maker_flag"]
        return Section(self.env._("Margin and Costs"), MARGIN, {"items": items}, names)

    def _explain_margin_12m(self, told: Told) -> Item:
        figures = told.figures
        if figures["margin_12m"] is None:
            says = [self.env._("The costs behind his purchases are not recorded.")]
            return self._item(told, "margin_12m", says=says)
        says = [
            self.env._(
                "Net amount less cost, of the lines whose cost was recorded: %(share)s of the "
                "amounts of 12 months.",
                share=self._say_percent(figures["margin_coverage"]),
            )
        ]
        links = []
        if self._sees(AMOUNT):
            links.append(Link(self.env._("Lines"), "12m"))
            if self.margin_state == "partial":
                links.append(Link(self.env._("Lines without a cost"), "costless"))
        return self._item(told, "margin_12m", says=says, links=links)

    def _explain_cost_to_serve(self, told: Told) -> Item:
        """By driver. What one costs is for managers, as in the settings; how much was paid late
        is an amount."""
        figures, unit_costs = told.figures, told.run.settings["unit_costs"]
        shows_costs = self._sees(MANAGER)
        head = [self.env._("In 12 months"), self.env._("Number")]
        if shows_costs:
            head += [self.env._("Cost of one"), self.env._("Cost")]
        rows = []
        for driver in COST_DRIVERS:
            cost, units = unit_costs[driver], figures[f"{driver}_12m"] or 0
            if not cost or (driver == "delay" and not self._sees(AMOUNT)):
                continue
            row = [self._driver_label(driver)]
            if driver == "delay":
                row.append(self._say_money(units))
            else:
                row.append(self._say_number(units))
            if shows_costs:
                one = self._say_percent(cost) if driver == "delay" else self._say_money(cost)
                row += [one, self._say_money(float(units) * cost)]
            rows.append(row)
        if not any(unit_costs.values()):
            says = [self.env._("The settings give no cost to any of the drivers.")]
            return self._item(told, "cost_to_serve_12m", says=says)
        says = [self.env._("What was done for him, at the company's unit costs.")]
        return self._item(told, "cost_to_serve_12m", says=says, table=Table(head, rows))

    def _driver_label(self, driver: str) -> str:
        return {
            "order": self.env._("Days with an order"),
            "delivery": self.env._("Deliveries"),
            "return": self.env._("Documents with a return"),
            "call": self.env._("Calls"),
            "meeting": self.env._("Meetings"),
            "delay": self.env._("Paid late, as an amount for a year"),
        }[driver]

    def _explain_contribution(self, told: Told) -> list[Item]:
        figures = told.figures
        margin, cost = figures["margin_12m"], figures["cost_to_serve_12m"]
        formula = (
            f"{self._plain_money(margin)} − {self._plain_money(cost)}"
            f" = {self._plain_money(figures['contribution_12m'])}"
        )
        says = [self.env._("Margin less cost to serve.")]
        if self.loss_maker_flag:
            says.append(
                self.env._(
                    "Below zero in the last 12 months and in the 12 months up to half a year "
                    "before, with %(share)s or more of the costs known: a loss maker.",
                    share=self._say_percent(LOSS_MAKER_COVERAGE),
                )
            )
        staying = figures["p_order_365d"]
        ranked = [
            self.env._(
                "Customers are ranked by the contribution that is expected to stay: A brings the "
                "first 80 % of it, B the next 15 %, C the rest, D nothing."
            )
        ]
        formulas = []
        if staying is not None:
            ranked.append(
                self.env._(
                    "His is the contribution of 12 months times the chance that he orders within "
                    "a year."
                )
            )
            formulas = [
                f"{self._plain_money(figures['contribution_12m'])} · {self._plain(staying)}"
                f" = {self._plain_money(figures['staying_value'])}"
            ]
        return [
            self._item(told, "contribution_12m", says=says, formulas=[formula]),
            self._item(told, "value_class", says=ranked, formulas=formulas),
        ]
