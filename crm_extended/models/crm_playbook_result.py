from odoo import api, fields, models

FINANCE, MARGIN = "crm_extended.group_finance", "crm_extended.group_margin"
MEASURES = ("orders", "revenue", "margin")
VERDICTS = [
    ("works", "Works"),
    ("harms", "Harms"),
    ("cannot_tell", "Cannot tell yet"),
    ("too_early", "Too early"),
    ("no_holdout", "Nobody held out"),
]


class CrmPlaybookResult(models.Model):
    """What a playbook or a campaign earned: those who were contacted against those held out by
    chance.

    Written every night from the cases whose window has ended, as they were assigned: who was held
    out and called by somebody anyway counts as held out, who is always contacted counts not at all.
    Customers assigned in the same time are compared with each other, and the times pooled. A
    contact's cost is taken off margins alone: revenue is no earning.

    Amounts are of all customers, so finance and managers see them; margins who may see margins;
    everybody else sees what became of orders, and the verdict on these.
    """

    _name = "crm.playbook.result"
    _description = "Result of a Playbook or Campaign"
    _log_access = False
    _order = "date_to DESC, id DESC"

    playbook_id = fields.Many2one(
        "crm.playbook", readonly=True, index="btree_not_null", ondelete="cascade"
    )
    campaign_id = fields.Many2one(
        "utm.campaign", readonly=True, index="btree_not_null", ondelete="cascade"
    )
    kind = fields.Selection(
        [("playbook", "Playbook"), ("campaign", "Campaign")], required=True, readonly=True
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    currency_id = fields.Many2one(related="company_id.currency_id")
    as_of = fields.Date(related="company_id.customer_as_of", string="As Of")
    date_from = fields.Date("First Assigned", readonly=True)
    date_to = fields.Date("Last Assigned", readonly=True)
    next_end = fields.Date(
        readonly=True, help="Last day of the next result window that is not over."
    )
    treated_count = fields.Integer(
        "Contacted",
        readonly=True,
        help="Customers assigned to be contacted whose window has ended.",
    )
    held_out_count = fields.Integer(
        "Hold-out", readonly=True, help="Customers held out by chance whose window has ended."
    )
    exempt_count = fields.Integer(
        "Always Contacted", readonly=True, help="Not compared: they were not drawn by chance."
    )
    running_count = fields.Integer(
        "Still Running", readonly=True, help="Cases whose window is not over; they count later."
    )
    grain = fields.Selection(
        [("day", "By day"), ("week", "By week"), ("month", "By month")],
        "Compared",
        readonly=True,
        help="Customers assigned in the same time are compared with each other.",
    )
    contact_cost = fields.Monetary(
        "Cost per Contact", readonly=True, help="Mean, where a campaign has several playbooks."
    )
    margin_coverage = fields.Float(
        readonly=True,
        aggregator=None,
        groups=MARGIN,
        help="Share of the amounts whose cost is known, of the arm where it is smaller. Below 80 % "
        "margins are not compared; the rest counts at the rate of its arm.",
    )

    orders_verdict = fields.Selection(VERDICTS, "Orders", readonly=True)
    orders_found = fields.Json(readonly=True)
    orders_earned = fields.Float(
        "Orders Beyond the Hold-out", readonly=True, digits=(16, 1), help="Of all contacted."
    )
    revenue_verdict = fields.Selection(VERDICTS, "Revenue", readonly=True, groups=FINANCE)
    revenue_found = fields.Json(readonly=True, groups=FINANCE)
    revenue_earned = fields.Monetary(
        "Revenue Beyond the Hold-out", readonly=True, groups=FINANCE, help="Of all contacted."
    )
    margin_verdict = fields.Selection(VERDICTS, "Margin", readonly=True, groups=MARGIN)
    margin_found = fields.Json(readonly=True, groups=MARGIN)
    margin_earned = fields.Monetary(
        "Earned",
        readonly=True,
        groups=MARGIN,
        help="Margin of all contacted beyond the hold-out, less the cost of contacting them.",
    )

    _playbook_unique = models.UniqueIndex(
        "(playbook_id, company_id) WHERE playbook_id IS NOT NULL", "A playbook has one result."
    )
    _campaign_unique = models.UniqueIndex(
        "(campaign_id, company_id) WHERE campaign_id IS NOT NULL",
        "A campaign has one result in a company.",
    )

    @api.depends("playbook_id", "campaign_id")
    def _compute_display_name(self):
        for result in self:
            # sudo: a campaign's name, whatever else the reader may see of campaigns
            result.display_name = (result.playbook_id or result.sudo().campaign_id).display_name
