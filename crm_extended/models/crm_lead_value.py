from odoo import api, fields, models

from ..analytics.likeness import smoothed_mean, smoothed_rate
from ..wording import percent

# customers of whom the first year is known, and closed leads, before a mean of them is told
FEWEST_CUSTOMERS = 20
FEWEST_CLOSED = 20


class CrmLead(models.Model):
    """What a lead is worth: its chance times the first year of customers like it.

    The chance is Odoo's, else that of its prospect segment; the first year is the mean of customers
    who came from its segment. Both are shrunk to those of the company, as few cases tell little.
    """

    _inherit = "crm.lead"

    lead_value = fields.Monetary(
        "Expected First-Year Revenue",
        compute="_compute_lead_value",
        currency_field="company_currency",
        groups="crm_extended.group_amount",
        help="Chance of winning the lead times the mean revenue of the first 365 days of customers "
        "from its prospect segment, as of the last refresh.",
    )
    lead_value_margin = fields.Monetary(
        "Expected First-Year Margin",
        compute="_compute_lead_value",
        currency_field="company_currency",
        groups="crm_extended.group_margin",
        help="Chance of winning the lead times the mean margin of the first 365 days of customers "
        "from its prospect segment, as of the last refresh.",
    )
    lead_value_is_known = fields.Boolean(
        compute="_compute_lead_value", groups="crm_extended.group_amount"
    )
    lead_value_margin_is_known = fields.Boolean(
        compute="_compute_lead_value", groups="crm_extended.group_margin"
    )
    lead_value_note = fields.Char(
        "Expected Value Is Made Of",
        compute="_compute_lead_value",
        groups="crm_extended.group_user",
        help="From what the expected value of this lead is worked out.",
    )

    @api.depends("probability", "won_status", "prospect_segment_id", "company_id", "user_id")
    @api.depends_context("lang", "company")
    def _compute_lead_value(self):
        names = {"lead_value": "first_year_revenue", "lead_value_margin": "first_year_margin"}
        # sudo: means of the customers of the company, which are not in the reader's own figures
        for shown, lead in zip(self, self.sudo(), strict=True):
            company = lead._band_company()
            run = company.customer_run_id
            is_open = lead.active and lead.won_status == "pending"
            chance = lead._win_chance(run) if is_open and run else None
            values = {"lead_value_note": False}
            for name, sums in names.items():
                mean = lead._first_year(run[sums] or {}) if chance is not None else None
                value = chance * mean if mean is not None else 0
                values[f"{name}_is_known"] = mean is not None
                values[name] = lead._in_own_currency(value, company, run)
            if values["lead_value_is_known"]:
                values["lead_value_note"] = lead._lead_value_note(chance, run)
            shown.update(values)

    def _win_chance(self, run) -> float | None:
        """Odoo's chance; where it has none, that of the segment; None where too few are closed."""
        if self.probability:
            return self.probability / 100
        rates = run.win_rates or {}
        if rates.get("closed", 0) < FEWEST_CLOSED:
            return None
        won, closed = rates["segments"].get(str(self.prospect_segment_id.id), (0, 0))
        return smoothed_rate(won, closed, rates["won"] / rates["closed"])

    def _first_year(self, sums: dict) -> float | None:
        customers = sums.get("customers", 0)
        if customers < FEWEST_CUSTOMERS:
            return None
        total, own = sums["segments"].get(str(self.prospect_segment_id.id), (0, 0))
        return smoothed_mean(total, own, sums["total"] / customers)

    def _in_own_currency(self, amount: float, company, run) -> float:
        """Leads without a company are shown in the currency of the reader's."""
        if not amount or company.currency_id == self.company_currency:
            return amount
        return company.currency_id._convert(amount, self.company_currency, company, run.as_of)

    def _lead_value_note(self, chance: float, run) -> str:
        _total, own = (run.first_year_revenue or {})["segments"].get(
            str(self.prospect_segment_id.id), (0, 0)
        )
        if own:
            return self.env._(
                "Chance %(chance)s, times the first year of %(count)s customers from "
                "“%(segment)s”.",
                chance=percent(self.env, chance),
                count=own,
                segment=self.prospect_segment_id.name,
            )
        return self.env._(
            "Chance %(chance)s, times the first year of %(count)s customers.",
            chance=percent(self.env, chance),
            count=run.first_year_revenue["customers"],
        )
