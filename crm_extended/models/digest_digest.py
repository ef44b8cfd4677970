from odoo import fields, models
from odoo.exceptions import AccessError

EVENTS = {
    "kpi_crm_customers_at_risk_value": ["at_risk"],
    "kpi_crm_customers_won_back_value": ["won_back"],
    "kpi_crm_tier_moves_value": ["tier_up", "tier_down"],
}


class DigestDigest(models.Model):
    """What changed about customers, in the digest e-mail: of the customers that its reader may
    see. Odoo leaves a figure out of the e-mail of who is refused it."""

    _inherit = "digest.digest"

    kpi_crm_customers_at_risk = fields.Boolean("Customers Newly at Risk")
    kpi_crm_customers_at_risk_value = fields.Integer(compute="_compute_kpi_crm_customer_events")
    kpi_crm_customers_won_back = fields.Boolean("Customers Won Back")
    kpi_crm_customers_won_back_value = fields.Integer(compute="_compute_kpi_crm_customer_events")
    kpi_crm_tier_moves = fields.Boolean("Tier Moves")
    kpi_crm_tier_moves_value = fields.Integer(compute="_compute_kpi_crm_customer_events")
    kpi_crm_value_at_risk = fields.Boolean("Value at Risk")
    kpi_crm_value_at_risk_value = fields.Monetary(compute="_compute_kpi_crm_value_at_risk_value")

    def _compute_kpi_crm_customer_events(self):
        start, end, companies = self._get_kpi_compute_parameters()
        # the night's refresh is of the day on which it ends
        first, last = (fields.Date.to_date(moment) for moment in (start, end))
        counts = self.env["crm.customer.event"]._read_group(
            [("company_id", "in", companies.ids), ("date", ">", first), ("date", "<=", last)],
            ["company_id", "kind"],
            ["__count"],
        )
        by_key = {(company, kind): count for company, kind, count in counts}
        for digest in self:
            company = digest.company_id or self.env.company
            for name, kinds in EVENTS.items():
                digest[name] = sum(by_key.get((company, kind), 0) for kind in kinds)

    def _compute_kpi_crm_value_at_risk_value(self):
        _start, end, _companies = self._get_kpi_compute_parameters()
        history = self.env["crm.customer.history"]
        for digest in self:
            company = digest.company_id or self.env.company
            lines = history._read_group(
                [("company_id", "=", company.id), ("date", "<=", fields.Date.to_date(end))],
                ["date:day"],
                ["value_at_risk:sum"],
                order="date:day DESC",
                limit=1,
            )
            if not lines or lines[0][1] is None:
                # what is not known is left out as what may not be read is: it is not zero
                raise AccessError(self.env._("The value at risk is not known."))
            digest.kpi_crm_value_at_risk_value = lines[0][1]

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
