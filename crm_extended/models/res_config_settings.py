from odoo import api, fields, models
from odoo.exceptions import UserError


class ResConfigSettings(models.TransientModel):
    """Settings of the customer refresh: what is counted (per company), who sees amounts and when
    the job runs (both for the whole database)."""

    _inherit = "res.config.settings"

    group_crm_extended_salesperson_amounts = fields.Boolean(
        "Salespeople See Amounts",
        group="sales_team.group_sale_salesman",
        implied_group="crm_extended.group_amount",
        help="Salespeople see the revenue of the customers that they may see. Margins never.",
    )
    customer_purchase_source = fields.Selection(
        related="company_id.customer_purchase_source", readonly=False
    )
    customer_at_risk_factor = fields.Float(
        related="company_id.customer_at_risk_factor", readonly=False
    )
    customer_lost_factor = fields.Float(related="company_id.customer_lost_factor", readonly=False)
    customer_at_risk_chance = fields.Float(
        related="company_id.customer_at_risk_chance", readonly=False
    )
    customer_lost_chance = fields.Float(related="company_id.customer_lost_chance", readonly=False)
    customer_clv_years = fields.Integer(related="company_id.customer_clv_years", readonly=False)
    customer_discount_rate = fields.Float(
        related="company_id.customer_discount_rate", readonly=False
    )
    customer_new_days = fields.Integer(related="company_id.customer_new_days", readonly=False)
    customer_suspect_documents = fields.Integer(
        related="company_id.customer_suspect_documents", readonly=False
    )
    customer_cost_currency_id = fields.Many2one(
        related="company_id.currency_id", string="Currency of the Costs"
    )
    customer_cost_order = fields.Monetary(
        related="company_id.customer_cost_order",
        readonly=False,
        currency_field="customer_cost_currency_id",
    )
    customer_cost_delivery = fields.Monetary(
        related="company_id.customer_cost_delivery",
        readonly=False,
        currency_field="customer_cost_currency_id",
    )
    customer_cost_return = fields.Monetary(
        related="company_id.customer_cost_return",
        readonly=False,
        currency_field="customer_cost_currency_id",
    )
    customer_cost_call = fields.Monetary(
        related="company_id.customer_cost_call",
        readonly=False,
        currency_field="customer_cost_currency_id",
    )
    customer_cost_meeting = fields.Monetary(
        related="company_id.customer_cost_meeting",
        readonly=False,
        currency_field="customer_cost_currency_id",
    )

    customer_cost_delay = fields.Float(related="company_id.customer_cost_delay", readonly=False)
    customer_calls_per_day = fields.Integer(
        related="company_id.customer_calls_per_day", readonly=False
    )
    customer_wallet_months = fields.Integer(
        related="company_id.customer_wallet_months", readonly=False
    )
    customer_tier_measure = fields.Selection(
        related="company_id.customer_tier_measure", readonly=False
    )
    customer_tier_basis = fields.Selection(related="company_id.customer_tier_basis", readonly=False)
    customer_tier_guarantee = fields.Integer(
        related="company_id.customer_tier_guarantee", readonly=False
    )
    customer_tier_keep = fields.Float(related="company_id.customer_tier_keep", readonly=False)
    customer_watch_days = fields.Integer(related="company_id.customer_watch_days", readonly=False)
    customer_blocked_days = fields.Integer(
        related="company_id.customer_blocked_days", readonly=False
    )
    customer_overdue_minimum = fields.Monetary(
        related="company_id.customer_overdue_minimum",
        readonly=False,
        currency_field="customer_cost_currency_id",
    )

    customer_refresh_active = fields.Boolean(
        "Refresh Customers Regularly",
        compute="_compute_customer_refresh",
        store=True,
        readonly=False,
    )
    customer_refresh_interval_number = fields.Integer(
        "Refresh Customers Every",
        compute="_compute_customer_refresh",
        store=True,
        readonly=False,
    )
    customer_refresh_interval_type = fields.Selection(
        [("hours", "Hours"), ("days", "Days"), ("weeks", "Weeks")],
        "Unit of the Refresh Interval",
        compute="_compute_customer_refresh",
        store=True,
        readonly=False,
    )
    customer_refresh_next_call = fields.Datetime(
        "Next Refresh of Customers",
        compute="_compute_customer_refresh",
        store=True,
        readonly=False,
    )
    customer_refresh_as_of = fields.Date(
        related="company_id.customer_as_of",
        string="Customers Are As Of",
        help="The last day whose orders and invoices are in the customers' numbers.",
    )
    customer_refresh_published_at = fields.Datetime(
        related="company_id.customer_published_at", string="Customers Refreshed On"
    )
    customer_last_run_id = fields.Many2one(
        "crm.model.run", "Last Refresh", compute="_compute_customer_last_run_id"
    )
    customer_last_run_state = fields.Selection(
        related="customer_last_run_id.state", string="State of the Last Refresh"
    )
    customer_last_run_message = fields.Text(
        related="customer_last_run_id.message", string="Message of the Last Refresh"
    )

    @api.depends("company_id")
    def _compute_customer_refresh(self):
        cron = self._customer_cron()
        for settings in self:
            settings.customer_refresh_active = cron.active
            settings.customer_refresh_interval_number = cron.interval_number or 1
            # an interval of minutes or months was chosen on the scheduled action, and stays
            settings.customer_refresh_interval_type = (
                cron.interval_type if cron.interval_type in self._customer_intervals() else False
            )
            settings.customer_refresh_next_call = cron.nextcall

    @api.depends("company_id")
    def _compute_customer_last_run_id(self):
        for settings in self:
            # sudo: who may change the settings need not be in a group of ours
            runs = self.env["crm.model.run"].sudo()
            settings.customer_last_run_id = runs.search(
                [("company_id", "=", settings.company_id.id)], limit=1
            )

    def set_values(self):
        super().set_values()
        cron = self._customer_cron()
        if not cron:
            return
        if self.customer_refresh_interval_number < 1:
            raise UserError(
                self.env._("Customers can be refreshed every 1 day or more: enter 1 at least.")
            )
        values = {
            "active": self.customer_refresh_active,
            "interval_number": self.customer_refresh_interval_number,
            "interval_type": self.customer_refresh_interval_type or cron.interval_type,
            "nextcall": self.customer_refresh_next_call or cron.nextcall,
        }
        changed = {name: value for name, value in values.items() if cron[name] != value}
        # writing waits for the job to end: only where something changes
        if changed:
            cron.write(changed)

    def action_customer_refresh(self):
        """Recompute the customers of the current company now."""
        return self.env["crm.customer.profile"].action_recompute()

    @api.model
    def _customer_cron(self):
        # sudo: settings are for administrators, scheduled actions for technical ones
        cron = self.env.ref("crm_extended.ir_cron_customer_refresh", raise_if_not_found=False)
        return (cron or self.env["ir.cron"]).sudo()

    @api.model
    def _customer_intervals(self) -> list[str]:
        return self._fields["customer_refresh_interval_type"].get_values(self.env)
