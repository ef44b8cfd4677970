from odoo import models

from .crm_customer_explanation import AMOUNT, MANAGER, Item, Link, Section, Table, Told
from .crm_customer_lifecycle import FALL_ORDERS, LOYAL_INTERVALS, LOYAL_REVENUE, SHRINKAGE

# purchase days that are listed one by one, and intervals that a formula spells out
SHOWN_DAYS = 12


class CrmCustomerExplanationBehaviour(models.Model):
    """Explains when a customer buys, and where he stands."""

    _inherit = "crm.customer.profile"

    def _explanation_sections(self, told):
        sections = [*super()._explanation_sections(told), self._explain_purchases(told)]
        if self.purchase_count:
            sections.append(self._explain_stage(told))
        return sections

    # ------------------------------------------------------------------------ purchases

    def _explain_purchases(self, told: Told) -> Section:
        items = [self._explain_count(told)]
        names = ["purchase_count"]
        if self.purchase_count:
            items += [self._explain_silence(told), self._explain_interval(told)]
            names += [
                "first_purchase_date",
                "last_purchase_date",
                "last_order_date",
                "purchase_interval_days",
            ]
        return Section(self.env._("Purchases and Rhythm"), "", {"items": items}, names)

    def _explain_count(self, told: Told) -> Item:
        if not self.purchase_count:
            links = []
            if self.env["crm.lead"].has_access("read"):
                links = [Link(self.env._("Open opportunities"), "leads")]
            says = [self.env._("No purchase yet; an opportunity is open.")]
            return self._item(told, "purchase_count", says=says, links=links)
        sees_lines = self._sees(AMOUNT)
        return self._item(
            told,
            "purchase_count",
            says=[
                self.env._(
                    "Days with a purchase, from %(first)s to %(last)s; several documents of one "
                    "day are one purchase.",
                    first=self._say_day(self.first_purchase_date),
                    last=self._say_day(self.last_purchase_date),
                ),
                self.env._(
                    "What was ordered counts on the day of the order, however it was delivered and "
                    "invoiced. Credit notes, and what was wholly taken back, are no purchase."
                ),
                *self._say_days_left_out(told),
            ],
            table=self._days_table(told, sees_lines),
            links=[Link(self.env._("All lines"), "total")] if sees_lines else [],
        )

    def _say_days_left_out(self, told: Told) -> list[str]:
        if len(told.days) <= SHOWN_DAYS:
            return []
        return [
            self.env._(
                "The last %(shown)s of %(count)s days:", shown=SHOWN_DAYS, count=len(told.days)
            )
        ]

    def _days_table(self, told: Told, sees_lines: bool) -> Table:
        days = told.days[:SHOWN_DAYS]
        head = [self.env._("Day"), self.env._("Trading days since the one before")]
        names = {}
        if sees_lines:
            head.append(self.env._("Documents"))
            names = self._document_names(days)
        return Table(
            head,
            [
                [
                    self._say_day(day["purchase_date"]),
                    str(day["gap"] or "–"),
                    *([names.get(day["purchase_date"], [])] if sees_lines else []),
                ]
                for day in days
            ],
        )

    def _document_names(self, days: list[dict]) -> dict:
        """``{day: [link]}``"""
        names: dict = {}
        groups = self.env["crm.customer.fact"]._read_group(
            [
                ("partner_id", "=", self.partner_id.id),
                ("company_id", "=", self.company_id.id),
                ("date", "<=", self.as_of),
                ("purchase_date", "in", [day["purchase_date"] for day in days]),
            ],
            ["purchase_date:day", "document_name"],
            order="purchase_date:day, document_name",
        )
        for day, name in groups:
            names.setdefault(day, []).append(Link(name or "–", "day", str(day)))
        return names

    def _explain_silence(self, told: Told) -> Item:
        waits = self.last_order_date > self.last_purchase_date
        says, links = [], []
        if waits:
            says.append(
                self.env._("A confirmed order that waits to be invoiced: it ends the silence.")
            )
            if self.env["sale.order"].has_access("read"):
                links.append(Link(self.env._("Confirmed orders"), "waiting"))
        days, trading = (self.as_of - self.last_order_date).days, told.figures["silent_time"]
        values = {"days": self._format_days(days), "day": self._say_day(self.as_of)}
        if days == trading:
            says.append(self.env._("%(days)s without an order until %(day)s.", **values))
        else:
            says.append(
                self.env._(
                    "%(days)s without an order until %(day)s; as trading days %(trading)s.",
                    trading=self._say_number(trading, 1),
                    **values,
                )
            )
        says += self._say_trading_days(told.run)
        return self._item(told, "last_order_date", says=says, links=links)

    def _say_trading_days(self, run) -> list[str]:
        """What makes trading days of days: who sells knows the company's holidays."""
        calendar, says = run.settings["calendar"], []
        if calendar["holidays"] or calendar["quiet"]:
            says.append(
                self.env._(
                    "The company's holidays are no trading days, and a day of a quiet period is "
                    "the share of one that the settings give it."
                )
            )
        if (run.season or {}).get("shares"):
            says.append(
                self.env._(
                    "A day of a strong month is more than a trading day, of a weak one less."
                )
            )
        return says

    def _explain_interval(self, told: Told) -> Item:
        gaps = [day["gap"] for day in told.days if day["gap"]]
        if not gaps:
            says = [self.env._("It needs two purchases.")]
            return self._item(told, "purchase_interval_days", says=says)
        formulas = []
        if len(gaps) <= SHOWN_DAYS:
            product = " · ".join(map(str, reversed(gaps)))
            interval = self._plain(told.figures["purchase_interval_days"])
            formulas = [f"({product}) ^ (1 / {len(gaps)}) = {interval}"]
        return self._item(
            told,
            "purchase_interval_days",
            says=[
                self.env._(
                    "The geometric mean of his %(count)s intervals, in trading days: one long "
                    "pause hides no rhythm.",
                    count=len(gaps),
                )
            ],
            formulas=formulas,
        )

    # ---------------------------------------------------------------------------- stage

    def _explain_stage(self, told: Told) -> Section:
        by_model = told.model and told.figures["order_repeats"] > 0
        pause = self._explain_pause(told) if by_model else self._explain_intervals(told)
        items = [self._item(told, "lifecycle_stage", says=self._say_stage(told)), pause]
        if self.expected_leave_date:
            items.append(self._explain_leave_date(told, by_model))
        elif by_model and not told.run.leaving_is_seen:
            says = [
                self.env._(
                    "That customers leave for good is not seen in the purchases: silences end "
                    "sooner or later, and no date of leaving is told."
                )
            ]
            items.append(self._item(told, "expected_leave_date", says=says))
        names = ["expected_leave_date"]
        if self._sees(AMOUNT):
            # a fall of revenue makes a stage
            names += ["lifecycle_stage", "stage_since"]
        return Section(self.env._("Stage"), "", {"items": items}, names)

    def _say_stage(self, told: Told) -> list[str]:
        says = [getattr(self, f"_say_{self.lifecycle_stage}")(told)]
        if self.stage_since:
            says.append(self.env._("Since %(day)s.", day=self._say_day(self.stage_since)))
        return says

    def _say_lost(self, told):
        return self.env._("Silent for so long that he counts as lost: see below.")

    def _say_at_risk(self, told):
        if told.figures["is_silent"]:
            return self.env._("Silent for unusually long, by his own rhythm: see below.")
        return self._say_fall(told)

    def _say_fall(self, told):
        values = {"orders": FALL_ORDERS, "keep": self._say_percent(LOYAL_REVENUE)}
        if not self._sees(AMOUNT):
            return self.env._(
                "He orders, but the revenue of 12 months, price rises removed, is below %(keep)s "
                "of that of the 12 before, in which he had %(orders)s orders or more.",
                **values,
            )
        return self.env._(
            "He orders, but the revenue of 12 months, price rises removed, is %(share)s of that of "
            "the 12 before: %(now)s against %(before)s. Below %(keep)s, where there were "
            "%(orders)s orders or more in those, is a risk.",
            share=self._say_percent(1 + self.real_change_12m),
            now=self._say_money(self.revenue_real_12m),
            before=self._say_money(self.revenue_real_prev_12m),
            **values,
        )

    def _say_won_back(self, told):
        return self.env._(
            "He bought again on %(day)s, after a pause of %(pause)s trading days that had made him "
            "count as lost. Won back for %(days)s.",
            day=self._say_day(told.figures["won_back_on"] or self.stage_since),
            pause=told.figures["won_back_pause"] or "–",
            days=self._format_days(told.run.settings["new_days"]),
        )

    def _say_new(self, told):
        return self.env._(
            "First bought on %(day)s, and new for %(days)s.",
            day=self._say_day(self.first_purchase_date),
            days=self._format_days(told.run.settings["new_days"]),
        )

    def _say_loyal(self, told):
        return self.env._(
            "At least %(count)s intervals, none in 12 months longer than %(factor)s usual ones, "
            "and the revenue is at least %(keep)s of that of the 12 months before, price rises "
            "removed.",
            count=LOYAL_INTERVALS,
            factor=self._say_number(told.run.settings["at_risk_factor"], 1),
            keep=self._say_percent(LOYAL_REVENUE),
        )

    def _say_normal(self, told):
        return self.env._(
            "Not silent for too long, not new, and not loyal: that takes %(count)s intervals "
            "without a long pause, and a revenue that does not shrink.",
            count=LOYAL_INTERVALS,
        )

    def _explain_pause(self, told: Told) -> Item:
        """The chance of his silence. What makes a pause too long is read by everybody in the
        settings of the company; what was learned is for managers."""
        figures, settings = told.figures, told.run.settings
        x, last, length = (figures[f"order_{name}"] for name in ("repeats", "last", "length"))
        silence = told.model.silence(x, last, length)
        formulas = []
        if self._sees(MANAGER):
            r, alpha = self._plain(told.model.r_), self._plain(told.model.alpha_)
            formulas = [
                f"S = (({alpha} + {self._plain(last)}) / ({alpha} + {self._plain(length)}))"
                f" ^ ({r} + {x}) = {self._plain(silence)}"
            ]
        says = [
            self._say_history(told),
            self._say_silence(silence),
            self.env._(
                "At risk from 1 in %(at_risk)s on, that is from %(at_risk_day)s; lost from 1 in "
                "%(lost)s on, that is from %(lost_day)s.",
                at_risk=self._say_odds(settings["at_risk_chance"]),
                at_risk_day=self._say_day(figures["at_risk_from"]),
                lost=self._say_odds(settings["lost_chance"]),
                lost_day=self._say_day(figures["lost_from"]),
            ),
        ]
        says += self._say_kept_stage(told)
        return Item(self.env._("Pause"), self._say_percent(silence), says, formulas)

    def _say_silence(self, silence: float) -> str:
        if silence > 0.5:
            return self.env._("Most customers of this rhythm would be silent for so long.")
        return self.env._(
            "Of customers of this rhythm who have not left, 1 in %(odds)s would be silent for so "
            "long, or longer.",
            odds=self._say_odds(silence),
        )

    def _say_kept_stage(self, told: Told) -> list[str]:
        """For who is silent although his pause is not long enough, as it looks now."""
        begin = told.figures["at_risk_from"]
        if not told.figures["is_silent"] or (begin and begin <= self.as_of):
            return []
        return [
            self.env._(
                "The rhythm was learned anew since he was found silent: he stays so until he "
                "orders."
            )
        ]

    def _say_odds(self, chance: float) -> str:
        return self._say_number(round(1 / max(chance, 1e-6), 0 if chance < 0.4 else 1), 1)

    def _say_history(self, told: Told) -> str:
        figures = told.figures
        return self.env._(
            "%(count)s repeated orders, the last %(last)s trading days after the first one, seen "
            "for %(length)s.",
            count=figures["order_repeats"],
            last=self._say_number(figures["order_last"], 1),
            length=self._say_number(figures["order_length"], 1),
        )

    def _explain_intervals(self, told: Told) -> Item:
        """Silence in usual intervals, where the model does not judge."""
        figures, settings = told.figures, told.run.settings
        usual = figures["usual_interval"]
        label = self.env._("Usual interval")
        if usual is None:
            says = [
                self.env._(
                    "Nobody has bought twice yet: no rhythm is known, and nobody is silent for "
                    "too long."
                )
            ]
            return Item(label, self.env._("Not known"), says)
        formulas = []
        if self._sees(MANAGER):
            count, own = figures["interval_count"], figures["purchase_interval_days"] or 0
            company = told.run.statistics["company_interval"]
            formulas = [
                f"({count} · {self._plain(own)} + {SHRINKAGE} · {self._plain(company)})"
                f" / ({count} + {SHRINKAGE}) = {self._plain(usual)}"
            ]
        says = [
            self.env._(
                "His own intervals, drawn to the company's usual one, which weighs as much as "
                "%(count)s of them. Trading days.",
                count=SHRINKAGE,
            ),
            self.env._(
                "At risk beyond %(at_risk)s usual intervals without an order, that is from "
                "%(at_risk_day)s; lost beyond %(lost)s, that is from %(lost_day)s.",
                at_risk=self._say_number(settings["at_risk_factor"], 1),
                at_risk_day=self._say_day(figures["at_risk_from"]),
                lost=self._say_number(settings["lost_factor"], 1),
                lost_day=self._say_day(figures["lost_from"]),
            ),
            *self._say_kept_stage(told),
        ]
        return Item(label, self._say_number(usual, 1), says, formulas)

    def _explain_leave_date(self, told: Told, by_model: bool) -> Item:
        says = [
            self.env._(
                "The day by which 9 in 10 customers of this rhythm who stay would have ordered."
            )
            if by_model
            else self.env._("The day from which he counts as lost.")
        ]
        return self._item(told, "expected_leave_date", says=says)
