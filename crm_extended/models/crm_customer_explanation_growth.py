from odoo import models

from ..wording import percent
from .crm_customer_explanation import Item, Told
from .crm_customer_growth import NEW_MONTHS, TREND


class CrmCustomerExplanationGrowth(models.Model):
    """Explains whether a customer buys more or less than he did."""

    _inherit = "crm.customer.profile"

    def _explain_revenue(self, told):
        section = super()._explain_revenue(told)
        section.values["items"].append(self._explain_trend(told))
        return section._replace(names=[*section.names, "life_stage"])

    def _explain_trend(self, told: Told) -> Item:
        figures = told.figures
        after, before = figures["trend_after"], figures["trend_before"]
        says, formulas = [], []
        if figures["life_stage"] is None:
            # what he had bought is gone since
            pass
        elif figures["lifecycle_stage"] == "lost":
            says = [self.env._("Lost customers decline, whatever they bought before.")]
        elif figures["life_stage"] == "new":
            says = [
                self.env._(
                    "The first purchase was on %(day)s, less than %(months)s months ago.",
                    day=self._say_day(figures["first_purchase_date"]),
                    months=NEW_MONTHS,
                )
            ]
        else:
            says = [
                *self._say_times(told),
                self.env._(
                    "A change of more than %(share)s is growing or declining. Who bought nothing "
                    "in the later time is declining.",
                    share=percent(self.env, float(TREND)),
                ),
            ]
            if before > 0:
                change = self._plain(float(after / before - 1))
                formulas = [
                    f"{self._plain_money(after)} / {self._plain_money(before)} − 1 = {change}"
                ]
        return self._item(told, "life_stage", says=says, formulas=formulas)

    def _say_times(self, told: Told) -> list[str]:
        """Which two times are compared, and what was bought in them."""
        figures = told.figures
        amounts = {
            "after": self._say_money(figures["trend_after"]),
            "before": self._say_money(figures["trend_before"]),
        }
        if figures["late_half"] is None:
            return [
                self.env._(
                    "Real revenue of 12 months, %(after)s, against that of the 12 before, "
                    "%(before)s.",
                    **amounts,
                )
            ]
        return [
            self.env._(
                "A customer for less than 24 months: real revenue of the later half of his time, "
                "%(after)s, against that of the earlier half, %(before)s.",
                **amounts,
            ),
            self.env._(
                "%(amount)s of the first purchase day is left out, but counts against growth.",
                amount=self._say_money(figures["trend_opening"]),
            ),
        ]
