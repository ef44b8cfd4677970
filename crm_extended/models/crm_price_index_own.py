import logging
from datetime import date

from dateutil.relativedelta import relativedelta

from odoo import fields, models

from ..analytics.price_chain import PriceChain, Sold, linked
from .crm_model_run import RETRY_ON

_logger = logging.getLogger(__name__)

# the last invoices of a month are written some days after it
CLOSING_DAYS = 5
# months before the last one that its continuation looks at
LOOK_BACK = 24


def month_number(day) -> int:
    return day.year * 12 + day.month - 1


def month_day(number: int):
    return fields.Date.to_date(f"{number // 12:04}-{number % 12 + 1:02}-01")


class ResCompany(models.Model):
    _inherit = "res.company"

    def _own_price_chain(self, day, since=date.min) -> PriceChain:
        """What the company's own sales say of prices by a day."""
        # sudo: prices are read for the company, whoever asks
        facts = self.env["crm.customer.fact"].sudo()
        sales = facts._monthly_sales(self, day, since, self._first_open_month(day))
        return PriceChain().fit(
            Sold((product, unit), month, amount, quantity)
            for product, unit, month, amount, quantity in sales
        )

    def _first_open_month(self, day):
        """The first month that is not taken from own sales on a day: it isn't over, or was over
        only some days ago."""
        return (day - relativedelta(days=CLOSING_DAYS)).replace(day=1)

    def _continue_own_prices(self, day):
        """Add the months that have ended since to an index that was last taken from own sales.
        What is there stays as it is: past months were published with it."""
        self.ensure_one()
        # sudo: a refresh may be asked for by who writes no prices
        lines = self.env["crm.price.index"].sudo().search([("company_id", "=", self.id)])
        ended = self._first_open_month(day) - relativedelta(months=1)
        if not lines or lines[0].source != "own" or lines[0].month >= ended:
            return
        last = lines[0].month
        chain = self._own_price_chain(day, last - relativedelta(months=LOOK_BACK))
        levels = {month: told.level for month, told in chain.months_.items()}
        added = linked(levels, {month_number(last): lines[0].index})
        # sudo: as above
        self.sudo()._add_price_index(
            {
                month_day(month): index
                for month, index in added.items()
                if month > month_number(last)
            },
            "own",
        )


class CrmModelRun(models.Model):
    _inherit = "crm.model.run"

    def _start(self):
        """Bring the price index up to date before the run freezes it. A run as of a chosen day
        changes nothing; and customers are refreshed although their prices can't be."""
        if self.kind != "explicit":
            try:
                with self.env.cr.savepoint():
                    self.company_id._continue_own_prices(self.as_of)
            except RETRY_ON:
                raise
            except Exception:  # noqa: BLE001 - the index holds for some months as it is
                _logger.exception(
                    "The price index of company %s could not be continued", self.company_id.id
                )
        return super()._start()
