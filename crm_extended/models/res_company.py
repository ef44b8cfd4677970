from datetime import datetime, timedelta

import pytz

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..report.crm_customer_fact import INVOICE_SOURCE, ORDER_SOURCE

# who sets them: the manager, and the administrator in the settings
COST_GROUPS = "crm_extended.group_manager,base.group_system"
COST_DRIVERS = ("order", "delivery", "return", "call", "meeting", "delay")
# beyond them dates leave the calendar
MAX_FACTOR = 100
MAX_NEW_DAYS = 3650
MAX_CLV_YEARS = 5
MAX_WALLET_MONTHS = 120
MAX_CALLS = 500
STALE_HOURS = 26
# chances of a silence that can be told from data
LOWEST_CHANCE, HIGHEST_CHANCE = 0.001, 0.5


class ResCompany(models.Model):
    _inherit = "res.company"

    customer_purchase_source = fields.Selection(
        [("invoice", "Posted invoices and credit notes"), ("order", "Confirmed sales orders")],
        string="Purchases Counted From",
        default="invoice",
        required=True,
        help="What counts as a purchase. One source only, so that no sale counts twice.",
    )
    customer_at_risk_factor = fields.Float(
        "At Risk After", default=2.0, help="In usual intervals of the customer, without an order."
    )
    customer_lost_factor = fields.Float(
        "Lost After", default=4.0, help="In usual intervals of the customer, without an order."
    )
    customer_at_risk_chance = fields.Float(
        "Unusual Silence",
        default=0.2,
        help="At risk is who is silent for so long that no more than this share of customers of "
        "his rhythm would be.",
    )
    customer_lost_chance = fields.Float(
        "Silence of the Lost",
        default=0.02,
        help="Lost is who is silent for so long that no more than this share of customers of his "
        "rhythm would be.",
    )
    customer_new_days = fields.Integer(
        "New For",
        default=90,
        help="Days after the first purchase, or after coming back, in which a customer counts as "
        "new, or as won back.",
    )
    customer_clv_years = fields.Integer(
        "Lifetime Horizon", default=3, help="Years whose expected orders make the lifetime value."
    )
    customer_discount_rate = fields.Float(
        "Discount Rate",
        default=0.1,
        help="What a year's delay takes off the lifetime value, price rises left aside.",
    )
    customer_suspect_documents = fields.Integer(
        "Propose As Walk-in From",
        default=1000,
        help="Purchase documents of 12 months from which a contact is proposed for exclusion as a "
        "walk-in account.",
    )
    customer_cost_order = fields.Monetary("Cost of an Order", default=0.0, groups=COST_GROUPS)
    customer_cost_delivery = fields.Monetary("Cost of a Delivery", default=0.0, groups=COST_GROUPS)
    customer_cost_return = fields.Monetary("Cost of a Return", default=0.0, groups=COST_GROUPS)
    customer_cost_call = fields.Monetary("Cost of a Call", default=0.0, groups=COST_GROUPS)
    customer_cost_meeting = fields.Monetary("Cost of a Meeting", default=0.0, groups=COST_GROUPS)
    customer_cost_delay = fields.Float(
        "Cost of Late Payment",
        default=0.0,
        groups=COST_GROUPS,
        help="Per cent a year of what is paid late, from the due date to the payment.",
    )
    customer_watch_days = fields.Integer(
        "Watch From",
        default=1,
        help="Days after the due date from which a customer is watched.",
    )
    customer_blocked_days = fields.Integer(
        "Collect First From",
        default=21,
        help="Days after the due date from which accounting comes before sales.",
    )
    customer_overdue_minimum = fields.Monetary(
        "Overdue Amounts Ignored Up To",
        default=0.0,
        help="A customer who owes no more than this counts as paying well.",
    )
    customer_calls_per_day = fields.Integer(
        "Calls a Day",
        default=12,
        help="How many customers a salesperson is to speak with on one day: so long is his list. A "
        "user may have a number of his own.",
    )
    customer_wallet_months = fields.Integer(
        "Wallets Expire After",
        default=12,
        help="Months for which what a customer spends is believed after he told it.",
    )
    customer_run_id = fields.Many2one(
        "crm.model.run",
        "Published Refresh",
        readonly=True,
        copy=False,
        ondelete="set null",
        help="The refresh whose numbers are shown.",
    )

    customer_latest_as_of = fields.Date(
        "Latest Day of the Customers",
        readonly=True,
        copy=False,
        help="The latest day that was ever published; a look back at an earlier one leaves it.",
    )
    # stored: every list of customers reads them, and has read the company anyway
    customer_as_of = fields.Date(
        "Customers As Of",
        related="customer_run_id.as_of",
        store=True,
        help="The last day whose orders and invoices are in the customers' numbers.",
    )
    customer_published_at = fields.Datetime(
        "Customers Refreshed On", related="customer_run_id.published_at", store=True
    )

    @api.constrains("customer_at_risk_factor", "customer_lost_factor")
    def _check_customer_factors(self):
        for company in self:
            if company.customer_at_risk_factor < 1:
                raise ValidationError(
                    self.env._(
                        "A customer can be at risk after one usual interval at the earliest: "
                        "set “At Risk After” to 1 or more."
                    )
                )
            if company.customer_lost_factor <= company.customer_at_risk_factor:
                raise ValidationError(
                    self.env._(
                        "A customer is lost later than he is at risk: set “Lost After” above "
                        "“At Risk After” (%(factor)s).",
                        factor=company.customer_at_risk_factor,
                    )
                )
            if company.customer_lost_factor > MAX_FACTOR:
                raise ValidationError(
                    self.env._(
                        "Nobody would ever be lost: set “Lost After” to %(factor)s or less.",
                        factor=MAX_FACTOR,
                    )
                )

    @api.constrains("customer_at_risk_chance", "customer_lost_chance")
    def _check_customer_chances(self):
        for company in self:
            lost, at_risk = company.customer_lost_chance, company.customer_at_risk_chance
            if not LOWEST_CHANCE <= lost < at_risk <= HIGHEST_CHANCE:
                raise ValidationError(
                    self.env._(
                        "A lost customer's silence is more unusual than that of one at risk: set "
                        "“Silence of the Lost” (%(lost)s) below “Unusual Silence” (%(at_risk)s), "
                        "both between 0.1 %% and 50 %%.",
                        lost=f"{lost:.1%}",
                        at_risk=f"{at_risk:.1%}",
                    )
                )

    @api.constrains("customer_clv_years", "customer_discount_rate")
    def _check_customer_horizon(self):
        for company in self:
            if not 1 <= company.customer_clv_years <= MAX_CLV_YEARS:
                raise ValidationError(
                    self.env._(
                        "Nobody knows what customers do in %(years)s years: set “Lifetime Horizon” "
                        "to 1 to %(most)s.",
                        years=company.customer_clv_years,
                        most=MAX_CLV_YEARS,
                    )
                )
            if not 0 <= company.customer_discount_rate <= 1:
                raise ValidationError(
                    self.env._("Set “Discount Rate” to 0 % or more, and 100 % at most.")
                )

    @api.constrains("customer_new_days", "customer_suspect_documents")
    def _check_customer_windows(self):
        for company in self:
            if company.customer_new_days < 1:
                raise ValidationError(
                    self.env._("“New For” needs at least one day: set it to 1 or more.")
                )
            if company.customer_new_days > MAX_NEW_DAYS:
                raise ValidationError(
                    self.env._(
                        "Everybody would be new: set “New For” to %(days)s days or less.",
                        days=MAX_NEW_DAYS,
                    )
                )
            if company.customer_suspect_documents < 1:
                raise ValidationError(
                    self.env._("“Propose As Walk-in From” needs at least one document.")
                )

    @api.constrains("customer_calls_per_day")
    def _check_customer_calls_per_day(self):
        for company in self:
            if not 1 <= company.customer_calls_per_day <= MAX_CALLS:
                raise ValidationError(
                    self.env._(
                        "A salesperson speaks with 1 to %(most)s customers a day: change “Calls a "
                        "Day”.",
                        most=MAX_CALLS,
                    )
                )

    @api.constrains("customer_wallet_months")
    def _check_customer_wallets(self):
        for company in self:
            if not 1 <= company.customer_wallet_months <= MAX_WALLET_MONTHS:
                raise ValidationError(
                    self.env._(
                        "What customers spend is believed for 1 to %(most)s months: change "
                        "“Wallets Expire After”.",
                        most=MAX_WALLET_MONTHS,
                    )
                )

    @api.constrains(*(f"customer_cost_{driver}" for driver in COST_DRIVERS))
    def _check_customer_costs(self):
        for company in self:
            for driver in COST_DRIVERS:
                field = self._fields[f"customer_cost_{driver}"]
                # sudo: who makes a company need not read its costs
                if company.sudo()[field.name] < 0:
                    raise ValidationError(
                        self.env._(
                            "“%(cost)s” can't be negative: enter what one costs you, or 0 where "
                            "you don't know.",
                            cost=field._description_string(self.env),
                        )
                    )

    @api.constrains("customer_watch_days", "customer_blocked_days", "customer_overdue_minimum")
    def _check_customer_credit(self):
        for company in self:
            if company.customer_watch_days < 1:
                raise ValidationError(
                    self.env._("Nothing is late before it is due: set “Watch From” to 1 or more.")
                )
            if company.customer_blocked_days < company.customer_watch_days:
                raise ValidationError(
                    self.env._(
                        "A customer is watched before he is sent to accounting: set “Collect First "
                        "From” to the %(days)s days of “Watch From”, or more.",
                        days=company.customer_watch_days,
                    )
                )
            if company.customer_overdue_minimum < 0:
                raise ValidationError(
                    self.env._(
                        "“Overdue Amounts Ignored Up To” can't be negative: enter 0 or more."
                    )
                )

    def _fact_source(self) -> int:
        return ORDER_SOURCE if self.customer_purchase_source == "order" else INVOICE_SOURCE

    def _customer_timezone(self) -> str:
        return self.resource_calendar_id.tz or "UTC"

    def _customer_today(self):
        """Today in the time zone of the company."""
        now = pytz.utc.localize(datetime.utcnow())
        return now.astimezone(pytz.timezone(self._customer_timezone())).date()

    def _customers_are_stale(self) -> bool:
        """Whether the numbers of one of these are older than 26 hours, or there are none."""
        fresh_from = fields.Datetime.now() - timedelta(hours=STALE_HOURS)
        return any(
            not company.customer_published_at or company.customer_published_at < fresh_from
            for company in self
        )

    def _customer_settings(self) -> dict:
        """What a refresh depends on beside the facts, as the run freezes it."""
        self.ensure_one()
        return {
            "source": self.customer_purchase_source,
            "at_risk_factor": self.customer_at_risk_factor,
            "lost_factor": self.customer_lost_factor,
            "at_risk_chance": self.customer_at_risk_chance,
            "lost_chance": self.customer_lost_chance,
            "clv_years": self.customer_clv_years,
            "discount_rate": self.customer_discount_rate,
            "new_days": self.customer_new_days,
            "suspect_documents": self.customer_suspect_documents,
            # a late payment costs its share of a year at a rate in per cent
            "unit_costs": {driver: self[f"customer_cost_{driver}"] for driver in COST_DRIVERS}
            | {"delay": self.customer_cost_delay / 100},
            "credit": {
                "watch_days": self.customer_watch_days,
                "blocked_days": self.customer_blocked_days,
                "minimum": self.customer_overdue_minimum,
            },
        }
