from odoo import Command, api, fields, models
from odoo.exceptions import UserError

from ..analytics.letting_go import LADDER, Year, first_rung, suggested_values, what_if
from ..models.crm_customer_decision import MEASURES, WITHOUT_VALUE


class CrmCustomerWhatIf(models.TransientModel):
    """What a customer would have brought in the last twelve months on other terms, measure by
    measure, had he bought the same. Nothing is kept but what is then proposed."""

    _name = "crm.customer.what.if"
    _description = "What If"

    profile_id = fields.Many2one(
        "crm.customer.profile", required=True, readonly=True, ondelete="cascade"
    )
    currency_id = fields.Many2one(related="profile_id.currency_id")
    partner_id = fields.Many2one(related="profile_id.partner_id")
    as_of = fields.Date(related="profile_id.as_of")
    loss_reason = fields.Char(related="profile_id.loss_reason")
    margin_coverage = fields.Float(related="profile_id.margin_coverage")
    margin_state = fields.Selection(related="profile_id.margin_state")
    decision_id = fields.Many2one(related="profile_id.decision_id")
    year = fields.Json(readonly=True, help="The twelve months, as the ladder asks them.")
    contribution = fields.Monetary(
        "Contribution 12 Months", readonly=True, help="As it was, on the terms of today."
    )
    is_changed = fields.Boolean(
        readonly=True, help="Documents have changed since the last refresh."
    )
    line_ids = fields.One2many("crm.customer.what.if.line", "what_if_id", "Measures")

    def _compute_display_name(self):
        for wizard in self:
            wizard.display_name = self.env._(
                "What if: %(customer)s", customer=wizard.partner_id.display_name
            )

    @api.model
    def _begin(self, row):
        """The ladder of a customer, with what to try first. A line whose button is pressed must
        have been saved: it is made before the form opens."""
        year = row._what_if_year()
        if not year:
            raise UserError(
                self.env._("This can be told after the next refresh: recompute, and try again.")
            )
        suggested = suggested_values(year)
        first = first_rung(year, suggested)
        return self.create(
            {
                "profile_id": row.id,
                "year": year._asdict(),
                "contribution": year.contribution,
                "is_changed": bool(
                    row.currency_id.compare_amounts(row.contribution_12m, year.contribution)
                ),
                "line_ids": [
                    Command.create(
                        {
                            "measure": measure,
                            "value": suggested[measure],
                            "is_first": measure == first,
                        }
                    )
                    for measure in LADDER
                ],
            }
        )


class CrmCustomerWhatIfLine(models.TransientModel):
    """One rung of the ladder."""

    _name = "crm.customer.what.if.line"
    _description = "Measure of a What If"

    what_if_id = fields.Many2one("crm.customer.what.if", required=True, ondelete="cascade")
    currency_id = fields.Many2one(related="what_if_id.currency_id")
    measure = fields.Selection(MEASURES, required=True, readonly=True)
    value = fields.Float("Terms", help="Per cent, or an amount: see the unit beside it.")
    unit = fields.Char(compute="_compute_unit")
    has_value = fields.Boolean(compute="_compute_unit")
    contribution = fields.Monetary(
        "Would Have Been",
        compute="_compute_outcome",
        help="Contribution of the last 12 months, had these terms held and had he bought the same.",
    )
    leeway = fields.Float(
        "May Buy Less",
        compute="_compute_outcome",
        help="So much less may he buy before it is worse than it was, if serving him costs as much "
        "as before.",
    )
    has_leeway = fields.Boolean(compute="_compute_outcome")
    is_first = fields.Boolean(
        "Begin Here",
        readonly=True,
        help="The first measure of the ladder that would have ended the loss alone; if none would "
        "have, the one that brings most.",
    )

    @api.depends_context("lang")
    @api.depends("measure", "currency_id")
    def _compute_unit(self):
        for line in self:
            line.has_value = line.measure not in WITHOUT_VALUE
            symbol = line.currency_id.symbol or ""
            line.unit = {
                "price": self.env._("% more on prices"),
                "minimum_order": self.env._("%(symbol)s an order, at least", symbol=symbol),
                "channel": self.env._("% of calls and meetings"),
                "delivery_fee": self.env._("%(symbol)s a delivery", symbol=symbol),
                "payment": self.env._("% of late payments"),
            }.get(line.measure, "")

    @api.depends("measure", "value", "what_if_id.year")
    def _compute_outcome(self):
        for line in self:
            outcome = None
            if line.what_if_id.year and line.measure:
                # what makes no sense is refused when it is proposed
                outcome = what_if(Year(**line.what_if_id.year), line.measure, max(line.value, 0))
            line.contribution = outcome.contribution if outcome else 0
            line.has_leeway = bool(outcome and outcome.leeway is not None)
            line.leeway = outcome.leeway if line.has_leeway else 0

    def action_propose(self):
        """Opens a decision on these terms."""
        self.ensure_one()
        self.check_access("read")
        wizard = self.what_if_id
        if wizard.decision_id:
            raise UserError(
                self.env._(
                    "%(customer)s has an open decision already: review it, or drop it.",
                    customer=wizard.partner_id.display_name,
                )
            )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Decision"),
            "res_model": "crm.customer.decision",
            "views": [[False, "form"]],
            "target": "current",
            "context": {
                "default_partner_id": wizard.partner_id.id,
                "default_company_id": wizard.profile_id.company_id.id,
                "default_measure": self.measure,
                "default_value": self.value if self.has_value else 0,
            },
        }
