from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import format_amount, format_date, formatLang

from ..analytics.campaign import two_digits
from ..analytics.experiment import ALPHA
from ..wording import percent
from .crm_playbook_result import FINANCE, MARGIN, MEASURES, VERDICTS

# more customers than so many times those there are is never
HOPELESS = 100


class CrmPlaybookResultWords(models.Model):
    """A result in words: the best measure that the reader may see, and what it rests on.

    No bare per cent: amounts of all contacted customers with their interval of 95 %, and where that
    reaches over zero, "cannot tell yet" with how many customers it would take.
    """

    _inherit = "crm.playbook.result"

    measure = fields.Selection(
        [("margin", "Margin"), ("revenue", "Revenue"), ("orders", "Orders")],
        "Measured In",
        compute="_compute_verdict",
        help="Margin where costs are recorded and you may see margins, else revenue, else orders.",
    )
    verdict = fields.Selection(
        VERDICTS,
        compute="_compute_verdict",
        search="_search_verdict",
        help="By the interval of 95 % of the difference to the hold-out.",
    )
    summary = fields.Char("Result", compute="_compute_verdict")

    @api.model
    def _seen_measures(self) -> list[str]:
        """Those that the reader may see, the one that says most first."""
        user = self.env.user
        needed = {"margin": MARGIN, "revenue": FINANCE}
        return [
            name
            for name in reversed(MEASURES)
            if name not in needed or self.env.su or user.has_groups(needed[name])
        ]

    @api.depends_context("uid", "lang")
    @api.depends("orders_found", "orders_verdict", "next_end")
    def _compute_verdict(self):
        seen = self._seen_measures()
        for result in self:
            result.measure = next(
                name for name in seen if result[f"{name}_verdict"] or name == seen[-1]
            )
            result.verdict = result[f"{result.measure}_verdict"]
            result.summary = result._headline(result.measure)

    @api.model
    def _search_verdict(self, operator, value):
        if operator != "in":
            return NotImplemented
        # a measure speaks where no better one does
        domain = Domain.FALSE
        silent = Domain.TRUE
        for name in self._seen_measures():
            domain |= silent & Domain(f"{name}_verdict", "in", value)
            silent &= Domain(f"{name}_verdict", "=", False)
        return domain

    # ----------------------------------------------------------------------- in words

    def _headline(self, measure: str) -> str:
        """What a manager wants to know first, in one sentence."""
        verdict, found = self[f"{measure}_verdict"], self[f"{measure}_found"]
        if verdict == "no_holdout":
            return self.env._("Nobody was held out, so nobody can say what it earned.")
        if verdict == "too_early":
            if not self.next_end:
                return self.env._("Too early to tell.")
            return self.env._(
                "Too early: the first result window ends on %(day)s.",
                day=format_date(self.env, self.next_end),
            )
        if not found or found["net_low"] is None:
            if found and found["difference"] == 0:
                return self.env._("Cannot tell yet: all of both groups bought the same.")
            return self.env._("Cannot tell yet: too few customers.")
        values = self._of_all(measure, found)
        if verdict == "cannot_tell":
            return self._open_headline(measure, values)
        return self._told_headline(measure, verdict, values)

    def _of_all(self, measure, found) -> dict[str, str]:
        """The effect on all contacted customers together: amount and interval, without sign where
        both ends are below zero."""
        ends = [found["customers"] * found[name] for name in ("net", "net_low", "net_high")]
        if ends[2] < 0:
            ends = [-ends[0], -ends[2], -ends[1]]
        return dict(
            zip(("amount", "low", "high"), (self._said(measure, end) for end in ends), strict=True)
        )

    def _open_headline(self, measure, values) -> str:
        match measure:
            case "margin":
                return self.env._("Cannot tell yet: earned between %(low)s and %(high)s.", **values)
            case "revenue":
                return self.env._(
                    "Cannot tell yet: between %(low)s and %(high)s of revenue.", **values
                )
        return self.env._("Cannot tell yet: between %(low)s and %(high)s orders.", **values)

    def _told_headline(self, measure, verdict, values) -> str:
        match measure, verdict:
            case "margin", "works":
                return self.env._(
                    "Earned %(amount)s against the hold-out (%(low)s to %(high)s).", **values
                )
            case "margin", "harms":
                return self.env._(
                    "Lost %(amount)s against the hold-out (%(low)s to %(high)s).", **values
                )
            case "revenue", "works":
                return self.env._(
                    "Brought %(amount)s of revenue beyond the hold-out (%(low)s to %(high)s).",
                    **values,
                )
            case "revenue", "harms":
                return self.env._(
                    "Cost %(amount)s of revenue against the hold-out (%(low)s to %(high)s).",
                    **values,
                )
            case "orders", "works":
                return self.env._(
                    "Brought %(amount)s orders beyond the hold-out (%(low)s to %(high)s).", **values
                )
        return self.env._(
            "Cost %(amount)s orders against the hold-out (%(low)s to %(high)s).", **values
        )

    def _more_sentence(self, measure) -> str:
        """How many customers more would tell."""
        found = self[f"{measure}_found"]
        if self[f"{measure}_verdict"] != "cannot_tell" or not found or not found["missing"]:
            return ""
        if found["missing"] > HOPELESS * (self.treated_count + self.held_out_count):
            return self.env._(
                "If it has an effect, it is so small that no reachable number of customers would "
                "show it."
            )
        return self.env._(
            "An effect as large as it looks now would show with about %(number)s more customers, "
            "as many of them held out as now.",
            number=self._number(two_digits(found["missing"])),
        )

    def _naive_sentence(self, measure) -> str:
        """What a count of everything would claim."""
        found = self[f"{measure}_found"]
        if not found or self[f"{measure}_verdict"] not in ("works", "harms", "cannot_tell"):
            return ""
        values = {
            "claimed": self._said(measure, found["claimed"]),
            "caused": self._said(measure, found["caused"]),
        }
        if not found["overstatement"] or self[f"{measure}_verdict"] != "works":
            return self.env._(
                "Counting all that the contacted bought would claim %(claimed)s; most or all of it "
                "would have come anyway.",
                **values,
            )
        return self.env._(
            "Counting all that the contacted bought would claim %(claimed)s, %(times)s times what "
            "was caused: %(caused)s.",
            times=self._number(found["overstatement"], 2),
            **values,
        )

    def _notes(self, measure) -> list[str]:
        """What it rests on, and what is not in it."""
        notes = [
            self._naive_sentence(measure),
            self._margin_note(measure),
            self._cost_note(measure),
        ]
        if self.running_count and self.next_end:
            notes.append(
                self.env._(
                    "%(number)s cases are still running and not counted; the next window ends on "
                    "%(day)s.",
                    number=self._number(self.running_count),
                    day=format_date(self.env, self.next_end),
                )
            )
        if self.exempt_count:
            notes.append(
                self.env._(
                    "%(number)s customers are always contacted, and so not compared.",
                    number=self._number(self.exempt_count),
                )
            )
        found = self[f"{measure}_found"] or {}
        if found.get("chance") is not None and found["chance"] < ALPHA:
            notes.append(
                self.env._(
                    "The effect differs from time to time by more than chance: look at the times "
                    "below."
                )
            )
        if found.get("left_out"):
            notes.append(
                self.env._(
                    "%(number)s times with fewer than two customers in a group are left out.",
                    number=self._number(found["left_out"]),
                )
            )
        return [note for note in notes if note]

    def _margin_note(self, measure) -> str:
        """Why it is not margin, where the reader would see margins."""
        if measure == "orders" or "margin" not in self._seen_measures():
            return ""
        # sudo: what apps the company has
        profiles = self.env["crm.customer.profile"]
        if not profiles._margin_is_recorded(self.company_id.sudo()):
            return self.env._(
                "Costs are not recorded, so this is revenue, not earnings: install Margins."
            )
        if measure == "revenue":
            return self.env._(
                "Costs are known for %(share)s of the amounts only, so this is revenue, not "
                "earnings.",
                share=percent(self.env, self.margin_coverage),
            )
        if self.margin_coverage < 1:
            return self.env._(
                "Costs are known for %(share)s of the amounts; the rest counts at the same rate.",
                share=percent(self.env, self.margin_coverage),
            )
        return ""

    def _cost_note(self, measure) -> str:
        if not self.contact_cost or not self.treated_count or measure == "orders":
            return ""
        values = {
            "total": self._money(self.contact_cost * self.treated_count),
            "cost": self._money(self.contact_cost, whole=False),
        }
        if measure == "margin":
            return self.env._(
                "Contacting cost %(total)s (%(cost)s each), which is taken off.", **values
            )
        return self.env._(
            "Contacting cost %(total)s (%(cost)s each), which is not taken off revenue.", **values
        )

    def _said(self, measure, value) -> str:
        return self._number(value) if measure == "orders" else self._money(value)

    def _money(self, amount, whole=True) -> str:
        amount = round(amount) if whole else amount
        return format_amount(self.env, amount, self.currency_id, trailing_zeroes=not whole)

    @api.model
    def _number(self, value, digits=0) -> str:
        return formatLang(self.env, value, digits=digits)
