from dateutil.relativedelta import relativedelta

from odoo import fields, models
from odoo.exceptions import UserError


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
        taken from a currency before. What was typed stays."""
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
        values = [
            {
                "company_id": self.company_id.id,
                "month": month,
                "index": level,
                "source": "currency",
            }
            for month, level in self._monthly_levels().items()
        ]
        by_month = {line.month: line for line in known}
        for line in values:
            if line["month"] in by_month:
                by_month[line["month"]].index = line["index"]
        indexes.create([line for line in values if line["month"] not in by_month])
        return self.env["ir.actions.act_window"]._for_xml_id("crm_extended.crm_price_index_action")

    def _monthly_levels(self) -> dict:
        """``{first of month: mean of the rates of the month, 100 in the first}``. A month without
        a rate of its own has the one before."""
        company, currency = self.company_id, self.currency_id
        if currency == company.currency_id:
            raise UserError(
                self.env._(
                    "%(currency)s is the currency of the company itself: choose the one that your "
                    "prices follow.",
                    currency=currency.name,
                )
            )
        rates = self.env["res.currency.rate"].search(
            [
                ("currency_id", "=", currency.id),
                ("company_id", "in", [company.root_id.id, False]),
                ("rate", ">", 0),
            ],
            order="name",
        )
        first = self.month_from.replace(day=1)
        by_month = {}
        for rate in rates:
            by_month.setdefault(rate.name.replace(day=1), []).append(1 / rate.rate)
        before = [month for month in by_month if month <= first]
        if not before:
            raise UserError(
                self.env._(
                    "%(currency)s has no rate of %(month)s or before: enter its rates, or begin "
                    "later.",
                    currency=currency.name,
                    month=first,
                )
            )
        levels, month, level = {}, first, by_month[max(before)][-1]
        today = fields.Date.context_today(self)
        while month <= today:
            values = by_month.get(month)
            levels[month] = sum(values) / len(values) if values else level
            level = values[-1] if values else level
            month += relativedelta(months=1)
        base = levels[first]
        return {month: round(100 * level / base, 4) for month, level in levels.items()}
