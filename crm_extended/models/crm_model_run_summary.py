from datetime import date

from babel.dates import format_date

from odoo import api, fields, models
from odoo.tools.misc import babel_locale_parse

from ..analytics.readiness import FEWEST_CUSTOMERS, FEWEST_REPEATERS, SHORTEST_DAYS


class CrmModelRunSummary(models.Model):
    """What a run used and found, in sentences."""

    _inherit = "crm.model.run"

    settings_text = fields.Text(
        "Settings Used", compute="_compute_settings_text", groups="crm_extended.group_manager"
    )
    statistics_text = fields.Text(
        "Found", compute="_compute_statistics_text", groups="crm_extended.group_manager"
    )
    model_text = fields.Text(
        "Learned", compute="_compute_model_text", groups="crm_extended.group_manager"
    )
    cut_points_text = fields.Text(
        "Scores", compute="_compute_cut_points_text", groups="crm_extended.group_manager"
    )

    def action_recompute(self):
        return self.env["crm.customer.profile"].action_recompute()

    @api.depends_context("lang")
    @api.depends("settings")
    def _compute_settings_text(self):
        company = self.env["res.company"]
        sources = dict(company._fields["customer_purchase_source"]._description_selection(self.env))
        for run in self:
            used = run.settings or {}
            lines = []
            if used:
                lines = [
                    self.env._(
                        "Purchases counted from: %(origin)s.",
                        origin=sources.get(used.get("source"), ""),
                    ),
                    self.env._(
                        "At risk when %(at_risk)s of customers of his rhythm would be silent for "
                        "so long, lost at %(lost)s.",
                        at_risk=f"{used.get('at_risk_chance', 0):.1%}",
                        lost=f"{used.get('lost_chance', 0):.1%}",
                    ),
                    self.env._(
                        "Who bought once, and everybody while few bought repeatedly: at risk after "
                        "%(at_risk)s usual intervals without an order, lost after %(lost)s.",
                        at_risk=used.get("at_risk_factor"),
                        lost=used.get("lost_factor"),
                    ),
                    self.env._("New, or won back, for %(days)s days.", days=used.get("new_days")),
                    self.env._(
                        "Proposed as a walk-in account from %(count)s documents a year.",
                        count=used.get("suspect_documents"),
                    ),
                ]
                lines += [
                    self.env._(
                        "%(label)s: %(cost)s.",
                        label=company._fields[f"customer_cost_{driver}"]._description_string(
                            self.env
                        ),
                        cost=cost,
                    )
                    for driver, cost in used.get("unit_costs", {}).items()
                    if cost
                ]
            run.settings_text = "\n".join(lines)

    @api.depends_context("lang")
    @api.depends("statistics", "price_basis", "offers")
    def _compute_statistics_text(self):
        reasons = dict(
            self.env["crm.customer.exclusion"]._fields["reason"]._description_selection(self.env)
        ) | {"opt_out": self.env._("No profiling")}
        for run in self:
            found = run.statistics or {}
            lines = []
            if documents := found.get("staged_documents"):
                lines.append(self.env._("Documents read: %(count)s.", count=documents))
            if interval := found.get("company_interval"):
                lines.append(
                    self.env._(
                        "Half of the customers order at least every %(days)s days.",
                        days=round(interval),
                    )
                )
            if run.price_basis == "real":
                lines.append(self.env._("Years are compared in the prices of the as-of month."))
            elif run.price_basis:
                lines.append(
                    self.env._(
                        "Years are compared in the money of their time: no price index covers them."
                    )
                )
            if run.price_basis and not found.get("paying_customers"):
                lines.append(
                    self.env._(
                        "No payment in 12 months: nobody is sent to accounting before sales."
                    )
                )
            lines += run._offer_lines(found)
            lines += [
                self.env._(
                    "Left out, %(reason)s: %(count)s.",
                    reason=reasons.get(reason, reason),
                    count=count,
                )
                for reason, count in (found.get("excluded") or {}).items()
            ]
            run.statistics_text = "\n".join(lines)

    def _offer_lines(self, found: dict) -> list[str]:
        """What became of the products to offer."""
        if error := found.get("offers_error"):
            return [self.env._("The products to offer could not be found: %(error)s", error=error)]
        if found.get("reads_products") is False:
            return [self.env._("Products are read once a week: offers are those of the last time.")]
        if not self.offers:
            return []
        if self.offers["method"] == "ease":
            return [self.env._("Products to offer: compared by EASE, with numpy.")]
        return [
            self.env._(
                "Products to offer: compared by cosine in the database. With the Python library "
                "numpy on the server they would be better."
            )
        ]

    @api.depends_context("lang")
    @api.depends("model", "season", "population", "leaving_is_seen")
    def _compute_model_text(self):
        for run in self:
            learned = run.model or {}
            lines = []
            if learned:
                lines.append(
                    self.env._(
                        "Customers since %(first)s: %(customers)s, of whom %(repeaters)s bought "
                        "again.",
                        first=learned.get("first_day") or "–",
                        customers=learned["customers"],
                        repeaters=learned["repeaters"],
                    )
                )
            if learned.get("state") == "insufficient":
                lines.append(
                    self.env._(
                        "Not enough to predict: it takes %(customers)s customers, %(repeaters)s of "
                        "them with repeated purchases, and %(days)s days.",
                        customers=FEWEST_CUSTOMERS,
                        repeaters=FEWEST_REPEATERS,
                        days=SHORTEST_DAYS,
                    )
                )
            elif learned:
                lines += [
                    self.env._(
                        "MBG/NBD: r %(r)s, α %(alpha)s trading days, a %(a)s, b %(b)s; "
                        "log-likelihood %(fit)s, from %(sample)s customers in %(seconds)s s.",
                        r=learned["r"],
                        alpha=learned["alpha"],
                        a=learned["a"],
                        b=learned["b"],
                        fit=learned["log_likelihood"],
                        sample=learned["sample"],
                        seconds=learned["seconds"],
                    ),
                    self.env._("Customers leave for good: seen in the purchases.")
                    if run.leaving_is_seen
                    else self.env._(
                        "That customers leave for good is not seen in the purchases: silences end "
                        "sooner or later, and no date of leaving is told."
                    ),
                ]
            if learned and run.season:
                lines.append(run._season_sentence())
            if learned and run.population:
                lines.append(run._population_sentence())
            run.model_text = "\n".join(lines)

    def _population_sentence(self) -> str:
        labels = {
            "team": self.env._("sales team"),
            "industry": self.env._("industry"),
            "category": self.env._("tag"),
            "country": self.env._("country"),
            "company": self.env._("companies and persons"),
        }
        dimension = self.population.get("dimension")
        if dimension:
            return self.env._(
                "Learned apart by %(grouping)s, because forecasts gain from it: %(count)s groups.",
                grouping=labels[dimension],
                count=len(self.model.get("apart") or {}),
            )
        return self.env._("All customers are learned together: no grouping forecasts better.")

    def _season_sentence(self) -> str:
        match self.season["verdict"]:
            case "confirmed":
                locale = babel_locale_parse(self.env.lang)
                months = [
                    f"{format_date(date(2000, month, 1), 'LLLL', locale)} {share:.2f}"
                    for month, share in enumerate(self.season["shares"], 1)
                ]
                return self.env._(
                    "Forecasts follow a season, because they gain from it: %(months)s of an "
                    "average month.",
                    months=", ".join(months),
                )
            case "rejected":
                return self.env._("No season: forecasts were no better for one.")
        return self.env._(
            "Whether there is a season is not known: it takes two years of purchases, and 200 "
            "customers."
        )

    @api.depends_context("lang")
    @api.depends("cut_points", "cut_on")
    def _compute_cut_points_text(self):
        for run in self:
            cuts = run.cut_points or {}
            lines = []
            if cuts.get("recency"):
                lines = [
                    self.env._(
                        "Scores compare with the %(count)s customers of %(day)s.",
                        count=cuts.get("customers"),
                        day=run.cut_on,
                    ),
                    self.env._(
                        "Recency, days since the last purchase: %(values)s.",
                        values=" · ".join(map(str, cuts["recency"])),
                    ),
                    self.env._(
                        "Frequency, purchases: %(values)s.",
                        values=" · ".join(map(str, cuts.get("frequency", []))),
                    ),
                    self.env._(
                        "Money, revenue: %(values)s.",
                        values=" · ".join(map(str, cuts.get("money", []))),
                    ),
                ]
            elif cuts:
                lines = [
                    self.env._(
                        "Not scored: %(count)s customers are too few, 20 are needed.",
                        count=cuts.get("customers"),
                    )
                ]
            run.cut_points_text = "\n".join(lines)
