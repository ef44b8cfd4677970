from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import format_date

from .crm_customer_wallet_check import has_rate
from .res_partner import CUSTOMER_SIZES


class CrmWalletBenchmark(models.Model):
    """What customers of an industry and a size spend in our field in a year, as a study or an
    association says. Where several rules hold, the most specific one does: the one that names more
    of industry, size and country; of equal ones the latest."""

    _name = "crm.wallet.benchmark"
    _description = "Wallet Benchmark"
    _order = "industry_id, customer_size, country_id, date DESC, id"
    _rec_name = "source"

    industry_id = fields.Many2one(
        "res.partner.industry", index="btree_not_null", ondelete="cascade", help="Empty: any."
    )
    customer_size = fields.Selection(CUSTOMER_SIZES, "Company Size", help="Empty: any size.")
    country_id = fields.Many2one("res.country", ondelete="cascade", help="Empty: any country.")
    company_id = fields.Many2one(
        "res.company",
        index="btree_not_null",
        ondelete="cascade",
        help="The rule holds for customers of this company; empty: of all.",
    )
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        ondelete="restrict",
        default=lambda self: self.env.company.currency_id,
    )
    amount = fields.Monetary(
        "Spends a Year",
        required=True,
        aggregator=None,
        help="Untaxed, a year, with all suppliers together, in the money of the date.",
    )
    amount_low = fields.Monetary("At Least", aggregator=None, help="Low end, a year.")
    amount_high = fields.Monetary("At Most", aggregator=None, help="High end, a year.")
    source = fields.Char(required=True, help="Which study or association says so.")
    date = fields.Date(
        "As Of", required=True, default=fields.Date.context_today, help="Day of its money."
    )
    valid_until = fields.Date(help="Last day on which it counts. Empty: it never expires.")
    active = fields.Boolean(default=True)

    @api.constrains("amount", "amount_low", "amount_high")
    def _check_amounts(self):
        for rule in self:
            low, high = rule.amount_low or rule.amount, rule.amount_high or rule.amount
            if not 0 < low <= rule.amount <= high:
                raise ValidationError(
                    self.env._(
                        "Enter an amount above 0, between “At Least” and “At Most” where they are "
                        "known."
                    )
                )

    # the amount is always given, and so is it checked where none of the others is
    @api.constrains("amount", "industry_id", "customer_size", "country_id")
    def _check_whom(self):
        for rule in self:
            if not (rule.industry_id or rule.customer_size or rule.country_id):
                raise ValidationError(
                    self.env._(
                        "Customers of every kind don't spend the same: say for which industry, "
                        "size or country this holds."
                    )
                )

    @api.constrains("currency_id", "company_id", "date")
    def _check_currency(self):
        for rule in self:
            company = rule.company_id or self.env.company
            if not has_rate(rule.currency_id, company, rule.date):
                raise ValidationError(
                    self.env._(
                        "There is no exchange rate from %(currency)s to %(own)s: enter one, or "
                        "the amount in %(own)s.",
                        currency=rule.currency_id.name,
                        own=company.currency_id.name,
                    )
                )

    @api.constrains("source")
    def _check_source(self):
        for rule in self:
            if not (rule.source or "").strip():
                raise ValidationError(
                    self.env._("Say which study or association this amount is from.")
                )

    @api.constrains("date", "valid_until")
    def _check_dates(self):
        for rule in self:
            if rule.valid_until and rule.valid_until < rule.date:
                raise ValidationError(
                    self.env._(
                        "The rule would end before it begins: enter %(day)s or a later day, or "
                        "none.",
                        day=format_date(self.env, rule.date),
                    )
                )
