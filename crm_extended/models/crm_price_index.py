from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

# an index may be published late: its last month holds for so many months after it
CARRIED_MONTHS = 3


class CrmPriceIndex(models.Model):
    """The price level of a company's sales by month; only ratios of two months matter.

    Money of a month is brought to the prices of another by ``amount · index(other) /
    index(month)``. The months of a company follow one another without a hole: a missing month
    would be guessed in silence.
    """

    _name = "crm.price.index"
    _description = "Price Index"
    _order = "company_id, month DESC"
    _rec_name = "month"

    company_id = fields.Many2one(
        "res.company", required=True, ondelete="cascade", default=lambda self: self.env.company
    )
    month = fields.Date(required=True, help="Any day of the month; the first is kept.")
    index = fields.Float(
        "Price Level",
        required=True,
        digits=(16, 4),
        aggregator="avg",
        help="Price level of the month against any base, as 100 for the first month.",
    )
    source = fields.Selection(
        [
            ("typed", "Typed or imported"),
            ("currency", "Exchange rate"),
            ("own", "Own sales"),
        ],
        required=True,
        readonly=True,
        default="typed",
    )

    # the refresh reads the months of one company
    _company_month_unique = models.Constraint(
        "UNIQUE (company_id, month)",
        "This month has an index already: change that one.",
    )

    @api.constrains("index")
    def _check_index(self):
        for line in self:
            if line.index <= 0:
                raise ValidationError(
                    self.env._(
                        "The price index of %(month)s is %(index)s: enter a number above 0, as 100 "
                        "for the first month.",
                        month=line.month,
                        index=line.index,
                    )
                )

    @api.constrains("month", "company_id")
    def _check_no_hole(self):
        for company in self.company_id:
            company._check_price_months()

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._first_of_month(vals) for vals in vals_list])

    def write(self, vals):
        if "company_id" in vals and self.company_id.ids not in ([], [vals["company_id"]]):
            raise UserError(
                self.env._("A month stays in its company: enter it in the other company too.")
            )
        return super().write(self._first_of_month(vals))

    def unlink(self):
        companies = self.company_id
        result = super().unlink()
        for company in companies:
            company._check_price_months()
        return result

    @api.model
    def _first_of_month(self, vals):
        day = fields.Date.to_date(vals.get("month"))
        return vals | {"month": day.replace(day=1)} if day else vals


class ResCompany(models.Model):
    _inherit = "res.company"

    def _check_price_months(self):
        """The months with an index follow one another."""
        months = self._price_index()
        for earlier, later in zip(months, list(months)[1:], strict=False):
            missing = earlier + relativedelta(months=1)
            if later != missing:
                raise ValidationError(
                    self.env._(
                        "The price index of %(company)s has no value for %(month)s: enter that "
                        "month too, so that nothing in between is guessed.",
                        company=self.name,
                        month=missing,
                    )
                )

    def _price_index(self) -> dict:
        """``{first of month: index}``, in order of months."""
        # sudo: prices are read for the company, whoever asks
        lines = self.env["crm.price.index"].sudo()
        return {
            line.month: line.index
            for line in lines.search([("company_id", "=", self.id)], order="month")
        }

    def _add_price_index(self, levels: dict, source: str):
        """Enter the index of months: ``{first of month: level}``."""
        self.env["crm.price.index"].create(
            [
                {"company_id": self.id, "month": month, "index": level, "source": source}
                for month, level in levels.items()
            ]
        )

    def _customer_settings(self):
        # text: what is frozen must read as it was written
        prices = {str(month): repr(index) for month, index in self._price_index().items()}
        return super()._customer_settings() | {"prices": prices}
