from dateutil.relativedelta import relativedelta

from odoo import fields, models
from odoo.exceptions import UserError

SAMPLED_DAYS = (1, 8, 15, 22, 28)


class CrmPriceIndexCurrency(models.TransientModel):
    """Takes the price index from what a foreign currency costs, month by month: where prices
    follow the dollar, its rate is the best index there is."""

    _name = "crm.price.index.currency"
    _description = "Price Index from a Currency"

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        help="What one unit of it costs in the company's currency is the price level.",
    )
    month_from = fields.Date(
        "From Month",
        required=True,
        default=lambda self: fields.Date.context_today(self) - relativedelta(months=24),
    )

    def action_take(self):
        """Write the index of every month from the first one to the present, replacing what was
        taken before. What was typed stays."""
        self.ensure_one()
        indexes = self.env["crm.price.index"]
        known = indexes.search([("company_id", "=", self.company_id.id)])
        typed = known.filtered(lambda line: line.source == "typed")
        if typed:
            raise UserError(
                self.env._(
                    "%(company)s has an index that was typed or imported, and an exchange rate "
                    "continues none: delete those %(count)s months first, or go on typing.",
                    company=self.company_id.name,
                    count=len(typed),
                )
            )
        levels = self._monthly_levels()
        # all of them anew: a base of 100 in another month would look like a fall in prices
        known.unlink()
        self.company_id._add_price_index(levels, "currency")
        return self.env["ir.actions.act_window"]._for_xml_id("crm_extended.crm_price_index_action")

    def _monthly_levels(self) -> dict:
        """``{first of month: what the currency cost in it}``, 100 in the first: the mean of the
        rate on some days of the month, as Odoo converts on them."""
        company, currency = self.company_id, self.currency_id
        if currency == company.currency_id:
            raise UserError(
                self.env._(
                    "%(currency)s is the currency of the company itself: choose the one that your "
                    "prices follow.",
                    currency=currency.name,
                )
            )
        first = self.month_from.replace(day=1)
        self._check_rates(first + relativedelta(months=1, days=-1))
        today = fields.Date.context_today(self)
        levels, month = {}, first
        while month <= today:
            days = [month.replace(day=day) for day in SAMPLED_DAYS]
            rates = [
                currency._get_conversion_rate(currency, company.currency_id, company, day)
                for day in days
                if day <= today
            ]
            levels[month] = sum(rates) / len(rates)
            month += relativedelta(months=1)
        return {month: round(100 * level / levels[first], 4) for month, level in levels.items()}

    def _check_rates(self, day):
        """One of the two currencies has a rate by then: the other may be the base of all."""
        rates = self.env["res.currency.rate"].search_count(
            [
                ("currency_id", "in", (self.currency_id | self.company_id.currency_id).ids),
                ("company_id", "in", [self.company_id.root_id.id, False]),
                ("name", "<=", day),
            ],
            limit=1,
        )
        if not rates:
            raise UserError(
                self.env._(
                    "%(currency)s has no rate of %(month)s or before: enter its rates, or begin "
                    "later.",
                    currency=self.currency_id.name,
                    month=day.replace(day=1),
                )
            )
