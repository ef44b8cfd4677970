from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

CHANNEL = ("source_id", "medium_id", "campaign_id")


class CrmAcquisitionCost(models.Model):
    """What was spent in a month to win customers by a source, a medium or a campaign.

    What is left empty was not told apart: a cost of a source alone is for all of its media. It is
    converted to the company's currency at the rate of the last day of its month when it is entered,
    and stays as it is when rates are edited later.
    """

    _name = "crm.acquisition.cost"
    _description = "Acquisition Cost"
    _order = "month DESC, id DESC"
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    month = fields.Date(
        required=True, help="Any day of the month in which the money was spent; kept is its first."
    )
    source_id = fields.Many2one("utm.source", ondelete="restrict")
    medium_id = fields.Many2one("utm.medium", ondelete="restrict")
    campaign_id = fields.Many2one("utm.campaign", ondelete="restrict")
    amount = fields.Monetary(required=True, help="What was spent. 0: it is known to cost nothing.")
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        compute="_compute_currency_id",
        store=True,
        readonly=False,
        precompute=True,
    )
    company_currency_id = fields.Many2one(
        related="company_id.currency_id", string="Company Currency"
    )
    amount_company = fields.Monetary(
        "Cost",
        compute="_compute_amount_company",
        store=True,
        currency_field="company_currency_id",
        help="In the company's currency, at the rate of the last day of the month.",
    )
    note = fields.Char()

    _key_unique = models.UniqueIndex(
        "(company_id, month, COALESCE(source_id, 0), COALESCE(medium_id, 0),"
        " COALESCE(campaign_id, 0))",
        "This month has a cost of the same source, medium and campaign already: add to that one.",
    )

    @api.depends("company_id")
    def _compute_currency_id(self):
        for cost in self:
            cost.currency_id = cost.company_id.currency_id

    # not on the rates: what was entered is history
    @api.depends("amount", "currency_id", "company_id", "month")
    def _compute_amount_company(self):
        for cost in self:
            own = cost.company_id.currency_id
            cost.amount_company = (
                cost.currency_id._convert(
                    cost.amount, own, cost.company_id, fields.Date.end_of(cost.month, "month")
                )
                if cost.month and cost.currency_id and cost.company_id
                else cost.amount
            )

    @api.depends("month", "source_id", "medium_id", "campaign_id")
    def _compute_display_name(self):
        for cost in self:
            names = [cost[name].display_name for name in CHANNEL if cost[name]]
            month = fields.Date.to_string(cost.month)[:7] if cost.month else ""
            cost.display_name = ", ".join([*names, month])

    @api.constrains("amount")
    def _check_amount(self):
        if any(cost.amount < 0 for cost in self):
            raise ValidationError(
                self.env._("A cost can't be negative: enter what was spent, or 0.")
            )

    @api.constrains(*CHANNEL)
    def _check_channel(self):
        if any(not any(cost[name] for name in CHANNEL) for cost in self):
            raise ValidationError(
                self.env._(
                    "Say what the money was spent on: choose a source, a medium or a campaign."
                )
            )

    @api.constrains("currency_id", "company_id", "month")
    def _check_rate(self):
        """Without a rate Odoo converts one to one."""
        for cost in self.filtered(lambda cost: cost.currency_id != cost.company_currency_id):
            pair = cost.currency_id | cost.company_currency_id
            day = fields.Date.end_of(cost.month, "month")
            known = self.env["res.currency.rate"].search_count(
                [
                    ("currency_id", "in", pair.ids),
                    ("company_id", "in", [cost.company_id.root_id.id, False]),
                    ("name", "<=", day),
                ],
                limit=1,
            )
            if not known:
                raise ValidationError(
                    self.env._(
                        "No rate of %(currency)s is known for that month: enter one under "
                        "Currencies, or enter the cost in %(own)s.",
                        currency=cost.currency_id.name,
                        own=cost.company_currency_id.name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._whole_month(vals) for vals in vals_list])

    def write(self, vals):
        if "month" in vals:
            vals = self._whole_month(vals)
        return super().write(vals)

    @api.model
    def _whole_month(self, vals) -> dict:
        day = vals.get("month") or self.env.context.get("default_month")
        if not day:
            raise UserError(self.env._("Say when the money was spent: enter a day of that month."))
        return vals | {"month": fields.Date.start_of(fields.Date.to_date(day), "month")}

    def copy_data(self, default=None):
        """The same cost of the next month."""
        default = default or {}
        return [
            values | {"month": fields.Date.add(cost.month, months=1)} | default
            for cost, values in zip(self, super().copy_data(default), strict=True)
        ]
