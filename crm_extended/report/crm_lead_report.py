from odoo import api, fields, models
from odoo.tools import SQL

from ..models.crm_customer_lifecycle import LIFECYCLE_STAGES
from ..models.crm_lead_kind import OPPORTUNITY_KINDS


class CrmLeadReport(models.AbstractModel):
    """What reports on opportunities group by, read live from the opportunities themselves, and
    medians.

    Who may read an opportunity may read its lines, by record rules of each report.
    """

    _name = "crm.lead.report"
    _description = "Report on Opportunities"
    _auto = False
    _log_access = False
    # fields that show a median in groups, and the fields they are the median of
    _medians = {}

    lead_id = fields.Many2one("crm.lead", "Opportunity", readonly=True)
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True)
    user_id = fields.Many2one(
        "res.users", "Salesperson", readonly=True, help="Who has the opportunity now."
    )
    team_id = fields.Many2one("crm.team", "Sales Team", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    opportunity_kind = fields.Selection(OPPORTUNITY_KINDS, "Kind of Opportunity", readonly=True)
    lifecycle_stage = fields.Selection(
        LIFECYCLE_STAGES,
        "Customer Stage",
        readonly=True,
        help="Where the customer stands; of closed opportunities: stood when they were closed.",
    )
    loyalty_tier_id = fields.Many2one("crm.loyalty.tier", "Customer Tier", readonly=True)
    source_id = fields.Many2one("utm.source", readonly=True)
    medium_id = fields.Many2one("utm.medium", readonly=True)
    campaign_id = fields.Many2one("utm.campaign", readonly=True)

    @api.model
    def _lead_columns(self) -> SQL:
        """Columns that every report has of its ``lead``."""
        self.env["crm.lead"].flush_model()
        names = (
            "partner_id",
            "user_id",
            "team_id",
            "company_id",
            "opportunity_kind",
            "lifecycle_stage",
            "loyalty_tier_id",
            "source_id",
            "medium_id",
            "campaign_id",
        )
        return SQL(
            "lead.id AS lead_id, %s",
            SQL(", ").join(SQL.identifier("lead", name) for name in names),
        )

    def _read_group_select(self, aggregate_spec, query):
        name, _colon, function = aggregate_spec.partition(":")
        aggregate = super()._read_group_select(aggregate_spec, query)
        if function != "avg" or name not in self._medians:
            return aggregate
        return SQL(
            "percentile_cont(0.5) WITHIN GROUP (ORDER BY %s)",
            self._field_to_sql(self._table, self._medians[name], query),
        )

    def _open_lead(self):
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": "crm.lead",
            "res_id": self.lead_id.id,
            "view_mode": "form",
            "views": [(False, "form")],
        }
