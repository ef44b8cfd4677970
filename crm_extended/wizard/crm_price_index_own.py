from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..analytics.price_chain import PriceChain, linked
from ..models.crm_price_index_own import month_day, month_number

YEAR = 12
# fewer products a month leave a year's inflation some points off
FEW_PRODUCTS = 20


class CrmPriceIndex(models.Model):
    _inherit = "crm.price.index"

    def action_take_from_own_sales(self):
        """Compute the index of the current company from its own sales and show it; nothing is
        written before it is taken."""
        self.env.user._check_customer_manager()
        wizard = self.env["crm.price.index.own"].create({"company_id": self.env.company.id})
        wizard._find()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Take from Own Sales"),
            "res_model": wizard._name,
            "res_id": wizard.id,
            "views": [[False, "form"]],
            "target": "new",
        }


class CrmPriceIndexOwn(models.TransientModel):
    """Shows the price index that a company's own sales give, and takes it when told so."""

    _name = "crm.price.index.own"
    _description = "Price Index from Own Sales"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, default=lambda self: self.env.company
    )
    line_ids = fields.One2many("crm.price.index.own.line", "own_id", "Months Found", readonly=True)
    month_count = fields.Integer("Months", readonly=True)
    product_count = fields.Integer(
        "Products", readonly=True, help="Products sold in all months that were looked at."
    )
    note = fields.Text("What Is Missing", readonly=True)
    kept_count = fields.Integer(
        "Months There Already",
        readonly=True,
        help="Months with an index that was typed, imported or taken from a currency.",
    )
    mode = fields.Selection(
        [
            ("continue", "Keep them, add the months before and after at their level"),
            ("replace", "Delete them, take all months from own sales"),
        ],
        "What Is There Already",
        required=True,
        default="continue",
    )

    def action_take(self):
        """Write the months that were found. What was typed or taken from a currency stays, unless
        the user chose to replace it; what was taken from own sales before is taken anew."""
        self.ensure_one()
        self.env.user._check_customer_manager()
        if not self.line_ids:
            self._find()
        indexes = self.env["crm.price.index"]
        known = indexes.search([("company_id", "=", self.company_id.id)])
        own = {month_number(line.month): line.index for line in self.line_ids}
        if self.mode == "continue" and known - self._own_lines(known):
            self._continue(known, own)
        else:
            # all of them anew: two bases in one index would look like a change of prices
            known.unlink()
            self._create_lines(own)
        return self.env["ir.actions.act_window"]._for_xml_id("crm_extended.crm_price_index_action")

    def _continue(self, known, own):
        """Months of own sales that these don't cover stay, so that no hole comes into being."""
        taken_before = self._own_lines(known).filtered(lambda line: month_number(line.month) in own)
        kept = {month_number(line.month): line.index for line in known - taken_before}
        index = linked(own, kept)
        if not index:
            raise UserError(
                self.env._(
                    "Own sales add no month to the index of %(company)s: they cover none beyond "
                    "it, or have no month in common with it. Replace the index, or leave it as it "
                    "is.",
                    company=self.company_id.name,
                )
            )
        for line in taken_before:
            line.index = index.pop(month_number(line.month))
        self._create_lines(index)

    def _create_lines(self, index: dict[int, float]):
        self.company_id._add_price_index(
            {month_day(month): level for month, level in index.items()}, "own"
        )

    @api.model
    def _own_lines(self, lines):
        return lines.filtered(lambda line: line.source == "own")

    # --------------------------------------------------------------------- finding

    def _find(self):
        """Compute the months and what is to be said of them."""
        company = self.company_id
        if company not in self.env.user.company_ids:
            raise AccessError(self.env._("This is not one of your companies."))
        chain = company._own_price_chain(company._customer_today())
        self._check_told(chain)
        known = self.env["crm.price.index"].search([("company_id", "=", company.id)])
        # sudo: nobody may write lines, their wizard does
        self.env["crm.price.index.own.line"].sudo().create(self._line_values(chain))
        self.write(
            {
                "month_count": len(chain.months_),
                "product_count": chain.products_,
                "kept_count": len(known - self._own_lines(known)),
                "note": "\n".join(self._missing(chain)),
            }
        )

    def _check_told(self, chain: PriceChain):
        if not chain.sold_:
            raise UserError(
                self.env._(
                    "%(company)s has sold no product yet in a month that has ended: post the "
                    "invoices first, or enter the index yourself.",
                    company=self.company_id.name,
                )
            )
        if len(chain.sold_) == 1:
            raise UserError(
                self.env._(
                    "%(company)s has sold products in one month only, and prices move between "
                    "months: wait for the next one, or enter the index yourself.",
                    company=self.company_id.name,
                )
            )
        if len(chain.months_) < 2:
            raise UserError(
                self.env._(
                    "%(company)s sold too few products in two months or more to tell how prices "
                    "move (%(least)s are needed): take the index from a currency, or enter it "
                    "yourself.",
                    company=self.company_id.name,
                    least=chain.least,
                )
            )

    def _line_values(self, chain: PriceChain) -> list[dict]:
        first = min(chain.months_)
        return [
            {
                "own_id": self.id,
                "month": month_day(month),
                "index": 100 * told.level,
                "state": "first" if month == first else "told" if told.is_told else "between",
                "has_year": month - YEAR in chain.months_,
                "inflation_12m": told.level / chain.months_[month - YEAR].level - 1
                if month - YEAR in chain.months_
                else 0,
                "matched": told.matched,
                "coverage": told.coverage,
            }
            for month, told in chain.months_.items()
        ]

    def _missing(self, chain: PriceChain) -> list[str]:
        """Whole sentences on what the index does not rest on."""
        months = list(chain.months_.values())
        between = sum(not month.is_told for month in months)
        told = [month.matched for month in months[1:] if month.is_told]
        outside = len(chain.sold_ - chain.months_.keys())
        notes = [
            (
                outside,
                self.env._(
                    "Months with sales that are not in it, because no products connect them with "
                    "the others: %(count)s.",
                    count=outside,
                ),
            ),
            (
                between,
                self.env._(
                    "Months that lie evenly between their neighbours, because too few of their "
                    "products were sold before: %(count)s.",
                    count=between,
                ),
            ),
            (
                chain.restless_,
                self.env._(
                    "Products left out, because their prices go up and down at will, as those of "
                    "freight and repairs do: %(count)s.",
                    count=chain.restless_,
                ),
            ),
            (
                sum(told) < FEW_PRODUCTS * len(told),
                self.env._(
                    "Only some %(count)s products a month tell: a year's inflation may be several "
                    "points off.",
                    count=round(sum(told) / len(told)),
                ),
            ),
            (
                not self._covers_two_years(chain),
                self.env._(
                    "It does not cover the last 24 months: until it does, years are compared in "
                    "the money of their time."
                ),
            ),
        ]
        return [note for applies, note in notes if applies]

    def _covers_two_years(self, chain: PriceChain) -> bool:
        """As the refresh asks for it: the last 24 months, or all of a younger company."""
        today = month_number(self.company_id._customer_today())
        return min(chain.months_) <= max(min(chain.sold_), today - 2 * YEAR)


class CrmPriceIndexOwnLine(models.TransientModel):
    _name = "crm.price.index.own.line"
    _description = "Month of a Price Index from Own Sales"
    _order = "month DESC"

    own_id = fields.Many2one("crm.price.index.own", required=True, ondelete="cascade")
    month = fields.Date(readonly=True)
    index = fields.Float("Price Level", digits=(16, 4), readonly=True)
    has_year = fields.Boolean("A Year Before Is Known", readonly=True)
    inflation_12m = fields.Float(
        "Inflation 12 Months",
        readonly=True,
        help="Price level of the month against the same month of the year before.",
    )
    matched = fields.Integer(
        "Products That Tell",
        readonly=True,
        help="Products sold in the month and in one of the 12 before at a price that counts.",
    )
    coverage = fields.Float(
        "Their Share of Sales", readonly=True, help="Share of the month's sales of products."
    )
    state = fields.Selection(
        [
            ("first", "First month"),
            ("told", "Told by products"),
            ("between", "In between"),
        ],
        "Basis",
        readonly=True,
    )
