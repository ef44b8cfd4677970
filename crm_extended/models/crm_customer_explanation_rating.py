from decimal import Decimal

from odoo import models
from odoo.tools import SQL

from .crm_customer_explanation import AMOUNT, MANAGER, MARGIN, Item, Link, Section, Table, Told
from .crm_loyalty_tier import MARGIN_MEASURES

# due dates that are listed one by one
SHOWN_DUE = 12


class CrmCustomerExplanationRating(models.Model):
    """Explains how a customer was rated: tier, credit, scores."""

    _inherit = "crm.customer.profile"

    def _explanation_sections(self, told):
        sections = super()._explanation_sections(told)
        if self.tier_id:
            sections.append(self._explain_tier(told))
        sections.append(self._explain_credit(told))
        if self.purchase_count:
            sections.append(self._explain_scores(told))
        return sections

    # ----------------------------------------------------------------------------- tier

    def _explain_tier(self, told: Told) -> Section:
        rules = told.run.settings["tiers"]
        is_margin = rules["measure"] in MARGIN_MEASURES
        items = [self._explain_tier_itself(rules)]
        if self._sees(MARGIN if is_margin else AMOUNT):
            items.append(self._explain_tier_measure(told, rules))
            gap = "next_tier_margin_gap" if is_margin else "next_tier_gap"
            if self.next_tier_id:
                items.append(self._explain_next_tier(told, gap))
            if not is_margin and self.tier_keep_gap:
                items.append(self._explain_tier_keep(told, rules))
        return Section(self.env._("Tier"), "", {"items": items})

    def _explain_tier_itself(self, rules) -> Item:
        says = [self.env._("Since %(day)s.", day=self._say_day(self.tier_since))]
        if self.tier_valid_until and not self.tier_locked:
            says.append(
                self.env._(
                    "Guaranteed until %(day)s, whatever is bought.",
                    day=self._say_day(self.tier_valid_until),
                )
            )
        if self.tier_locked:
            lock = self.env["crm.loyalty.tier.lock"].search(
                [("partner_id", "=", self.partner_id.id), ("company_id", "=", self.company_id.id)]
            )
            says.append(
                self.env._(
                    "Decided by %(who)s: %(reason)s",
                    who=lock.write_uid.name or "–",
                    reason=lock.reason or "–",
                )
            )
            says.append(
                self.env._("Without that decision: %(tier)s.", tier=self.earned_tier_id.name or "–")
            )
        else:
            says.append(
                self.env._(
                    "Up by one tier a night as soon as the next threshold is reached; down by one "
                    "when the guarantee has ended and less than %(share)s of the threshold is "
                    "there.",
                    share=self._say_percent(float(rules["keep"])),
                )
            )
        return Item(self.env._("Tier"), self.tier_id.name, says)

    def _explain_tier_measure(self, told: Told, rules) -> Item:
        company = self.env["res.company"]
        measures = dict(company._fields["customer_tier_measure"]._description_selection(self.env))
        figures = told.figures
        measure = figures["tier_measure"]
        formulas, says = [], []
        match rules["measure"]:
            case "purchases" if self._records_payments(told.run):
                parts = (figures["revenue_real_12m"], figures["overdue_amount"] or 0, measure)
                formulas = ["{} − {} = {}".format(*map(self._plain_money, parts))]
            case "contribution" if measure is not None:
                parts = (figures["margin_real_12m"], figures["cost_to_serve_12m"], measure)
                formulas = ["{} − {} = {}".format(*map(self._plain_money, parts))]
        if told.run.price_basis == "real":
            says.append(self.env._("In prices of the as-of month."))
        value = self.env._("Not known") if measure is None else self._say_money(measure)
        return Item(measures[rules["measure"]], value, says, formulas)

    def _tier_threshold(self, told: Told, tier) -> Decimal | None:
        """Where a tier began in the run, where the reader may know it: a place among the
        customers is the measure of one of them."""
        rules = told.run.settings["tiers"]
        ids = [rule["id"] for rule in rules["tiers"]]
        if not (rules["basis"] == "amount" or self._sees(MARGIN)) or tier.id not in ids:
            return None
        threshold = (told.run.tier_thresholds or [None] * len(ids))[ids.index(tier.id)]
        return None if threshold is None else Decimal(threshold)

    def _explain_next_tier(self, told: Told, gap: str) -> Item:
        tier, measure = self.next_tier_id, told.figures["tier_measure"]
        says, formulas = [self.env._("Missing for %(tier)s.", tier=tier.name)], []
        threshold = self._tier_threshold(told, tier)
        if threshold is not None and measure is not None and self[gap]:
            says.append(
                self.env._(
                    "%(tier)s begins at %(threshold)s.",
                    tier=tier.name,
                    threshold=self._say_money(float(threshold)),
                )
            )
            formulas = [
                f"{self._plain_money(float(threshold))} − {self._plain_money(measure)}"
                f" = {self._plain_money(max(float(threshold) - float(measure), 0))}"
            ]
        days = gap == "next_tier_gap" and self.next_tier_days
        if days:
            says.append(
                self.env._(
                    "Usual orders at the usual interval fill it in %(days)s.",
                    days=self._format_days(days),
                )
            )
        value = self._say_money(self[gap]) if self[gap] else "–"
        return Item(self.env._("Next tier"), value, says, formulas)

    def _explain_tier_keep(self, told: Told, rules) -> Item:
        says, formulas = [], []
        threshold = self._tier_threshold(told, self.tier_id)
        if threshold is not None:
            kept = float(threshold * Decimal(rules["keep"]))
            measure = float(told.figures["tier_measure"])
            says.append(
                self.env._(
                    "%(share)s of the threshold of %(tier)s keeps it.",
                    share=self._say_percent(float(rules["keep"])),
                    tier=self.tier_id.name,
                )
            )
            formulas = [
                f"{self._plain_money(kept)} − {self._plain_money(measure)}"
                f" = {self._plain_money(kept - measure)}"
            ]
        return self._item(told, "tier_keep_gap", says=says, formulas=formulas)

    # --------------------------------------------------------------------------- credit

    def _explain_credit(self, told: Told) -> Section:
        items, names = [self._explain_credit_state(told)], []
        if self._sees(AMOUNT):
            items += self._explain_open_amounts(told)
            # they lean on amounts
            names = ["credit_state", "collect_first", "open_amount", "overdue_amount",
                     "overdue_since", "payment_days_12m"]  # fmt: skip
        if self.payment_is_known:
            says = [
                self.env._(
                    "From invoice to payment, of all that was paid in 12 months, large amounts "
                    "weighing more."
                )
            ]
            items.append(self._item(told, "payment_days_12m", says=says))
        return Section(self.env._("Credit"), "", {"items": items}, names)

    def _explain_credit_state(self, told: Told) -> Item:
        limits = told.run.settings["credit"]
        says = []
        if self.overdue_since:
            says = [
                self.env._(
                    "Overdue since %(day)s: %(days)s.",
                    day=self._say_day(self.overdue_since),
                    days=self._format_days((self.as_of - self.overdue_since).days),
                )
            ]
        says.append(
            self.env._(
                "Watched from %(watch)s, accounting comes first from %(blocked)s.",
                watch=self._format_days(limits["watch_days"]),
                blocked=self._format_days(limits["blocked_days"]),
            )
        )
        if not self._records_payments(told.run):
            says.append(
                self.env._("No payment was recorded in 12 months: nobody is sent to accounting.")
            )
        return self._item(told, "credit_state", says=says)

    def _explain_open_amounts(self, told: Told) -> list[Item]:
        rows = self._open_by_due_date(told.run)
        overdue = [(due, amount) for due, amount in rows if due < self.as_of]
        sees_items = self._sees_receivables()
        table, says = None, [self.env._("Nothing is overdue.")]
        if self.overdue_amount:
            says = [
                self.env._(
                    "What is past its due date, taxes included; payments and credit notes that "
                    "are matched with nothing are deducted by their own date, and pay what was "
                    "due first."
                )
            ]
            table = Table(
                [self.env._("Due"), self.env._("Days"), self.env._("Open")],
                [
                    [
                        self._say_day(due),
                        self._say_number((self.as_of - due).days),
                        self._say_money(amount),
                    ]
                    for due, amount in overdue[:SHOWN_DUE]
                ],
            )
            if rest := overdue[SHOWN_DUE:]:
                says.append(
                    self.env._(
                        "And %(amount)s due on %(count)s later days.",
                        amount=self._say_money(sum(amount for _due, amount in rest)),
                        count=len(rest),
                    )
                )
        links = {
            figure: [Link(self.env._("Journal items"), figure)] if sees_items and found else []
            for figure, found in (("overdue", overdue), ("open", rows))
        }
        says_open = [self.env._("All that is open, due or not.")]
        return [
            self._item(told, "overdue_amount", says=says, table=table, links=links["overdue"]),
            self._item(told, "open_amount", says=says_open, links=links["open"]),
        ]

    def _open_by_due_date(self, run) -> list[tuple]:
        """``[(due on, amount)]`` of what was open on the as-of date, from all sources."""
        # sudo: sums that the reader sees on the row
        sudo = self.sudo()
        return self.env.execute_query(
            SQL(
                """SELECT due_on, SUM(amount)
                     FROM (%s) AS item
                     JOIN res_partner AS partner ON partner.id = item.partner_id
                    WHERE partner.commercial_partner_id = %s AND settled_on IS NULL
                    GROUP BY due_on
                   HAVING SUM(amount) <> 0
                    ORDER BY due_on""",
                SQL(" UNION ALL ").join(sudo._credit_sources(run)),
                self.partner_id.id,
            )
        )

    # --------------------------------------------------------------------------- scores

    def _explain_scores(self, told: Told) -> Section:
        cuts = told.run.cut_points
        title = self.env._("Scores")
        if not cuts["recency"]:
            says = [
                self.env._(
                    "Not scored: %(count)s customers are too few, 20 are needed.",
                    count=cuts["customers"],
                )
            ]
            return Section(title, "", {"items": [Item(title, self.env._("Not known"), says)]})
        silence = (self.as_of - self.last_purchase_date).days
        items = [
            self._explain_score(
                "r_score",
                self.env._("%(days)s since the last purchase.", days=self._format_days(silence)),
                cuts["recency"],
            ),
            self._explain_score(
                "f_score",
                self.env._("Days with a purchase: %(count)s.", count=self.purchase_count),
                cuts["frequency"],
            ),
            self._explain_money_score(told),
            self._item(
                told,
                "rfm_segment",
                says=[
                    self.env._(
                        "A name for the scores in the light of the stage: recency, and the mean of "
                        "frequency and money."
                    )
                ],
            ),
        ]
        names = ["r_score", "f_score"]
        if self._sees(AMOUNT):
            # they lean on revenue
            names += ["m_score", "rfm_segment"]
        return Section(title, "", {"items": items}, names)

    def _explain_score(self, name: str, measured: str, cuts: list) -> Item:
        says = [measured] if measured else []
        if self._sees(MANAGER):
            run = self.company_id.sudo().customer_run_id
            says.append(
                self.env._(
                    "Cut at %(values)s, as the customers of %(day)s were.",
                    values=" · ".join(map(str, cuts)),
                    day=self._say_day(run.cut_on),
                )
            )
        else:
            says.append(
                self.env._("1 is the lowest fifth of the customers, 5 the highest; thirds are 1, "
                           "3 and 5.")
            )  # fmt: skip
        return Item(self._label(name), self._shown(name, self[name]), says)

    def _explain_money_score(self, told: Told) -> Item:
        run = told.run
        ratio = self._real_ratio(run, run.cut_on)
        # in the prices of the as-of month, as they are compared
        cuts = [self._say_money(float(Decimal(cut) * ratio)) for cut in run.cut_points["money"]]
        measured = ""
        if self._sees(AMOUNT):
            measured = self.env._(
                "Revenue in prices of the as-of month: %(amount)s.",
                amount=self._say_money(told.figures["revenue_real_total"]),
            )
        return self._explain_score("m_score", measured, cuts)
