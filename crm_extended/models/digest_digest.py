from dateutil.relativedelta import relativedelta

from odoo import fields, models
from odoo.exceptions import AccessError

# two months are compared, and a refresh may have failed for some days
COMPARED_DAYS = 70


class DigestDigest(models.Model):
    """What changed about customers, in the digest e-mail: of the customers that its reader may
    see. Odoo leaves a figure out of the e-mail of who is refused it."""

    _inherit = "digest.digest"

    kpi_crm_customers_at_risk = fields.Boolean("Customers Newly at Risk")
    kpi_crm_customers_at_risk_value = fields.Integer(
        compute="_compute_kpi_crm_customers_at_risk_value"
    )
    kpi_crm_customers_won_back = fields.Boolean("Customers Won Back")
    kpi_crm_customers_won_back_value = fields.Integer(
        compute="_compute_kpi_crm_customers_won_back_value"
    )
    kpi_crm_tier_moves = fields.Boolean("Tier Moves")
    kpi_crm_tier_moves_value = fields.Integer(compute="_compute_kpi_crm_tier_moves_value")
    kpi_crm_value_at_risk = fields.Boolean("Value at Risk")
    kpi_crm_value_at_risk_value = fields.Monetary(compute="_compute_kpi_crm_value_at_risk_value")

    # each by itself: the digest asks for them one by one, of other days each time

    def _compute_kpi_crm_customers_at_risk_value(self):
        self._count_customer_events("kpi_crm_customers_at_risk_value", ["at_risk"])

    def _compute_kpi_crm_customers_won_back_value(self):
        self._count_customer_events("kpi_crm_customers_won_back_value", ["won_back"])

    def _compute_kpi_crm_tier_moves_value(self):
        self._count_customer_events("kpi_crm_tier_moves_value", ["tier_up", "tier_down"])

    def _count_customer_events(self, name: str, kinds: list[str]):
        start, end, companies = self._get_kpi_compute_parameters()
        # a night's refresh is of the day on which it ends
        counts = self.env["crm.customer.event"]._read_group(
            [
                ("company_id", "in", companies.ids),
                ("kind", "in", kinds),
                ("date", ">", fields.Date.to_date(start)),
                ("date", "<=", fields.Date.to_date(end)),
            ],
            ["company_id"],
            ["__count"],
        )
        by_company = dict(counts)
        for digest in self:
            digest[name] = by_company.get(digest.company_id or self.env.company, 0)

    def _compute_kpi_crm_value_at_risk_value(self):
        _start, end, _companies = self._get_kpi_compute_parameters()
        for digest in self:
            known = self._values_at_risk(digest.company_id or self.env.company)
            if not known:
                # what is not known is left out as what may not be read is: it is not zero
                raise AccessError(self.env._("The value at risk is not known."))
            # a day before the first one is compared with nothing
            days = [day for day in known if day <= fields.Date.to_date(end)]
            digest.kpi_crm_value_at_risk_value = known[max(days)] if days else 0

    def _values_at_risk(self, company) -> dict:
        """``{day: amount}`` of the days that the digest looks at and compares with."""
        oldest = fields.Date.today() - relativedelta(days=COMPARED_DAYS)
        lines = self.env["crm.customer.history"]._read_group(
            [("company_id", "=", company.id), ("date", ">=", oldest)],
            ["date:day"],
            ["value_at_risk:sum"],
        )
        # Odoo gives False for the sum of what is not known
        return {day: value for day, value in lines if value is not False}

    def _compute_kpis_actions(self, company, user):
        menu = self.env.ref("crm.crm_menu_root").id
        events = f"crm_extended.crm_customer_event_action?menu_id={menu}"
        history = f"crm_extended.crm_customer_history_action?menu_id={menu}"
        return super()._compute_kpis_actions(company, user) | {
            "kpi_crm_customers_at_risk": events,
            "kpi_crm_customers_won_back": events,
            "kpi_crm_tier_moves": events,
            "kpi_crm_value_at_risk": history,
        }
