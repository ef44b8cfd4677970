from odoo import fields, models

from .crm_customer_explanation import AMOUNT, MANAGER, MARGIN, Item, Section, Table, Told
from .crm_customer_lifetime import RATE_SHRINKAGE
from .crm_customer_prediction import HORIZONS, WINDOW, YEAR


class CrmCustomerExplanationForecast(models.Model):
    """Explains what a customer will do, and what he will bring.

    Managers, who see what a run learned, read the arithmetic of the model; that of the value of
    orders is for who sees margins, as on the run.
    """

    _inherit = "crm.customer.profile"

    def _explanation_sections(self, told):
        sections = super()._explanation_sections(told)
        if self.purchase_count:
            sections.append(self._explain_chances(told))
            if told.model and self._sees(f"{AMOUNT},{MARGIN}"):
                sections.append(self._explain_lifetime(told))
        return sections

    # -------------------------------------------------------------------------- chances

    def _explain_chances(self, told: Told) -> Section:
        title = self.env._("Chances")
        if not told.model:
            says = [self.env._("Too little was bought repeatedly in the company to predict.")]
            return Section(title, "", {"items": [self._item(told, "prediction_state", says=says)]})
        items = [self._explain_staying(told)]
        items += [self._explain_p_order(told, days) for days in HORIZONS]
        items += [self._explain_expected_orders(told), self._explain_window(told)]
        names = [
            "prediction_state",
            *(f"p_order_{days}d" for days in HORIZONS),
            "expected_orders_365d",
            *WINDOW,
        ]
        return Section(title, "", {"items": items}, names)

    def _explain_staying(self, told: Told) -> Item:
        """By itself no chance of leaving soon: who bought once is nearly always alive."""
        figures = told.figures
        says = [
            self._say_history(told),
            self.env._(
                "From the rhythms of all customers together the refresh learned how much rates of "
                "ordering differ, and how often customers leave after an order."
            ),
        ]
        formulas = []
        if self._sees(MANAGER):
            a, b = self._plain(told.model.a_), self._plain(told.model.b_)
            x = figures["order_repeats"]
            formulas = [
                f"A = 1 / (1 + {a} / ({b} + {x}) · {self._pause_ratio(told)}"
                f" ^ ({self._plain(told.model.r_)} + {x})) = {self._plain(figures['p_alive'])}"
            ]
            says.append(self.env._("A is the chance that he has not left for good yet."))
        return self._item(told, "prediction_state", says=says, formulas=formulas)

    def _pause_ratio(self, told: Told) -> str:
        alpha = self._plain(told.model.alpha_)
        last, length = (told.figures[f"order_{name}"] for name in ("last", "length"))
        return f"(({alpha} + {self._plain(length)}) / ({alpha} + {self._plain(last)}))"

    def _explain_p_order(self, told: Told, days: int) -> Item:
        figures, model = told.figures, told.model
        ahead = self._trading_days_ahead(told.run, days)
        name = f"p_order_{days}d"
        formulas = []
        if self._sees(MANAGER):
            alpha, length = self._plain(model.alpha_), self._plain(figures["order_length"])
            formulas = [
                f"{self._plain(figures['p_alive'])} · (1 − (({alpha} + {length}) / ({alpha} +"
                f" {length} + {self._plain(ahead)})) ^ ({self._plain(model.r_)} +"
                f" {figures['order_repeats']})) = {self._plain(figures[name])}"
            ]
        says = [
            self.env._(
                "%(count)s trading days until %(day)s.",
                count=self._say_number(ahead, 1),
                day=self._say_day(fields.Date.add(self.as_of, days=days)),
            )
        ]
        return self._item(told, name, says=says, formulas=formulas)

    def _explain_expected_orders(self, told: Told) -> Item:
        ahead = self._trading_days_ahead(told.run, YEAR)
        says = [
            self.env._(
                "In %(count)s trading days, at his own rate; that he may leave after each order "
                "is counted in.",
                count=self._say_number(ahead, 1),
            )
        ]
        return self._item(told, "expected_orders_365d", says=says)

    def _explain_window(self, told: Told) -> Item:
        label = self.env._("Next order")
        if not (self.next_order_from and self.next_order_to):
            says = [self.env._("It may well never come, or not within two years: no dates.")]
            return Item(label, self.env._("Not known"), says)
        says = [self.env._("With a chance of 1 in 4 it comes earlier, with 1 in 4 later or never.")]
        dates = [self._say_day(day) for day in (self.next_order_from, self.next_order_to)]
        return Item(label, " – ".join(dates), says)

    # ------------------------------------------------------------------- lifetime value

    def _explain_lifetime(self, told: Told) -> Section:
        items, names = [], []
        if self._sees(AMOUNT):
            items.append(self._explain_order_value(told))
            names.append("expected_value_order")
        if self._sees(MARGIN):
            items += self._explain_clv(told)
            names += ["clv", "clv_low", "clv_high", "value_at_risk"]
        return Section(
            self.env._("What He Will Bring"), f"{AMOUNT},{MARGIN}", {"items": items}, names
        )

    def _explain_order_value(self, told: Told) -> Item:
        figures = told.figures
        count, revenue = figures["purchase_count"], figures["revenue_real_total"]
        says = [
            self.env._(
                "His own %(count)s purchases bring %(mean)s on average, in prices of today; that "
                "is drawn to the average of all customers, the more the fewer they are.",
                count=count,
                mean=self._say_money(float(revenue) / count),
            )
        ]
        formulas = []
        if self._sees(MARGIN) and (band := self._value_band(told)):
            p, q, v = (self._plain(band[name]) for name in "pqv")
            formulas = [
                f"{p} · ({v} + {self._plain_money(max(revenue, 0))})"
                f" / ({p} · {count} + {q} − 1)"
                f" = {self._plain_money(figures['expected_value_order'])}"
            ]
        return self._item(told, "expected_value_order", says=says, formulas=formulas)

    def _value_band(self, told: Told) -> dict | None:
        """What was learned of the value of orders of those who buy as often."""
        bands = (told.run.value_model or {}).get("bands") or []
        count = told.figures["purchase_count"]
        fitting = [band for band in bands if band["from"] <= count] or bands[:1]
        return fitting[-1] if fitting else None

    def _explain_clv(self, told: Told) -> list[Item]:
        figures = told.figures
        if figures["clv"] is None:
            says = [self.env._("The costs of the company's sales are not recorded.")]
            return [self._item(told, "clv", says=says)]
        says = [
            self.env._(
                "Orders expected of the next %(years)s years, those of later years discounted at "
                "%(rate)s a year, times the expected order value, times what he leaves of each "
                "unit of revenue.",
                years=told.run.settings["clv_years"],
                rate=self._say_percent(told.run.settings["discount_rate"]),
            ),
            self.env._(
                "Of revenue he leaves %(share)s: his margin and cost to serve of 12 months, drawn "
                "to the company's, which weigh as much as %(count)s average orders.",
                share=self._say_percent(figures["contribution_rate"]),
                count=RATE_SHRINKAGE,
            ),
        ]
        formulas = []
        if self._sees(AMOUNT):
            formulas = [
                f"{self._plain(figures['discounted_orders'])} · "
                f"{self._plain_money(figures['order_value'])} · "
                f"{self._plain(figures['contribution_rate'])}"
                f" = {self._plain_money(figures['clv'])}"
            ]
        span = " – ".join(self._say_money(self[name]) for name in ("clv_low", "clv_high"))
        items = [
            self._item(told, "clv", says=says, formulas=formulas, table=self._lifetime_table(told)),
            Item(
                self.env._("Range"),
                span,
                [
                    self.env._(
                        "With a chance of one in ten he brings less, with one in ten more: that "
                        "he orders at all (%(chance)s), how often, and for how much are all "
                        "uncertain.",
                        chance=self._say_percent(figures["p_lifetime"]),
                    )
                ],
            ),
        ]
        if self.retention_flag and figures["value_at_risk"] is not None:
            items.append(self._explain_value_at_risk(told))
        return items

    def _lifetime_table(self, told: Told) -> Table:
        """Expected orders year by year."""
        run, figures = told.run, told.figures
        history = [figures[f"order_{name}"] for name in ("repeats", "last", "length")]
        rows, before = [], 0.0
        for year in range(1, run.settings["clv_years"] + 1):
            ahead = self._trading_days_ahead(run, YEAR * year)
            orders = told.model.expected_orders(ahead, *history)
            factor = self._discount(run, year)
            amounts = (orders - before, factor, (orders - before) * factor)
            rows.append([str(year), *(self._say_number(amount, 3) for amount in amounts)])
            before = orders
        head = [
            self.env._("Year"),
            self.env._("Expected orders"),
            self.env._("Discounted by"),
            self.env._("Discounted orders"),
        ]
        return Table(head, rows)

    def _explain_value_at_risk(self, told: Told) -> Item:
        figures = told.figures
        rate = figures["rate_shape"] / (told.model.alpha_ + figures["order_last"])
        usual = rate * self._trading_days_ahead(told.run, YEAR)
        says = [
            self.env._(
                "At the rhythm he had, %(usual)s orders a year; %(expected)s are expected now. The "
                "difference, times the contribution of an order.",
                usual=self._say_number(usual),
                expected=self._say_number(figures["expected_orders_365d"]),
            )
        ]
        formula = (
            f"({self._plain(usual)} − {self._plain(figures['expected_orders_365d'])})"
            f" · {self._plain_money(max(figures['order_contribution'], 0))}"
            f" = {self._plain_money(figures['value_at_risk'])}"
        )
        return self._item(told, "value_at_risk", says=says, formulas=[formula])
