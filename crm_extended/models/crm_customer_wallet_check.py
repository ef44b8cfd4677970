from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL, format_amount, format_date

from ..wording import percent
from .crm_customer_wallet import SAID_SOURCES

# of amounts and shares that people round
TOLERANCE = 0.01
AMOUNT = "crm_extended.group_amount"


def has_rate(currency, company, day) -> bool:
    """Whether an amount can be converted into the company's currency. One currency of all needs no
    rate: the one that the others are told in."""
    own, root = company.currency_id, company.root_id
    # sudo: rates are the company's
    rates = currency.sudo().rate_ids
    return (
        currency == own
        or bool(rates.filtered(lambda rate: not rate.company_id or rate.company_id == root))
        or own._get_rates(company, day)[own.id] != 1
    )


class CrmCustomerWalletCheck(models.Model):
    """What can't be true of a wallet is refused, with what to do.

    A sentence names our own revenue to those alone who may see amounts.
    """

    _inherit = "crm.customer.wallet"

    @api.constrains("source", "rank", "supplier_count", "amount")
    def _check_source(self):
        for wallet in self:
            if wallet.source not in SAID_SOURCES:
                raise ValidationError(
                    self.env._(
                        "“%(known)s” is worked out and can't be entered: enter an amount that the "
                        "customer told, or our rank among his suppliers.",
                        known=wallet._source_label(),
                    )
                )
            if wallet.source == "rank":
                wallet._check_rank()
            elif wallet.amount <= 0:
                raise ValidationError(
                    self.env._(
                        "Enter what %(customer)s spends in a year, more than 0. If only our place "
                        "among the suppliers is known, choose “Rank among suppliers”.",
                        customer=wallet.partner_id.display_name,
                    )
                )

    def _source_label(self) -> str:
        return dict(self._fields["source"]._description_selection(self.env))[self.source]

    def _check_rank(self):
        if self.supplier_count < 1:
            raise ValidationError(
                self.env._(
                    "Enter from how many suppliers %(customer)s buys, ourselves included: 1 or "
                    "more.",
                    customer=self.partner_id.display_name,
                )
            )
        if not 1 <= self.rank <= self.supplier_count:
            raise ValidationError(
                self.env._(
                    "There is no place %(rank)s among %(count)s suppliers: enter a place from 1 "
                    "to %(count)s.",
                    rank=self.rank,
                    count=self.supplier_count,
                )
            )
        if self.amount:
            raise ValidationError(
                self.env._(
                    "By rank the amount is worked out: leave it empty, or choose “Told by the "
                    "customer” if he told it."
                )
            )

    @api.constrains("amount", "amount_low", "amount_high", "source")
    def _check_range(self):
        for wallet in self:
            low, high = wallet.amount_low, wallet.amount_high
            if low < 0 or high < 0 or (low and high and low > high):
                raise ValidationError(
                    self.env._(
                        "“At Least” is above 0 and no more than “At Most”: correct them, or leave "
                        "them empty."
                    )
                )
            if (low and wallet.amount < low) or (high and wallet.amount > high):
                raise ValidationError(
                    self.env._(
                        "The amount a year lies outside of “At Least” and “At Most”: correct them, "
                        "or leave them empty."
                    )
                )

    @api.constrains("date", "expires_on")
    def _check_dates(self):
        for wallet in self:
            today = max(fields.Date.context_today(self), wallet.company_id._customer_today())
            if wallet.date > today:
                raise ValidationError(
                    self.env._(
                        "%(day)s has not come yet: enter the day on which it was said.",
                        day=format_date(self.env, wallet.date),
                    )
                )
            if wallet.expires_on and wallet.expires_on < wallet.date:
                raise ValidationError(
                    self.env._(
                        "It would expire before it was said: enter %(day)s or a later day, or "
                        "none.",
                        day=format_date(self.env, wallet.date),
                    )
                )

    @api.constrains("partner_id")
    def _check_partner(self):
        for wallet in self:
            # sudo: a refusal of profiling is said to everybody
            if wallet.partner_id.sudo().profiling_optout:
                raise ValidationError(
                    self.env._(
                        "%(customer)s refused profiling: nothing of the kind may be kept of this "
                        "customer.",
                        customer=wallet.partner_id.display_name,
                    )
                )

    @api.constrains("currency_id", "company_id")
    def _check_currency(self):
        for wallet in self:
            if not has_rate(wallet.currency_id, wallet.company_id, wallet.date):
                raise ValidationError(
                    self.env._(
                        "There is no exchange rate from %(currency)s to %(own)s: enter one, or "
                        "the amount in %(own)s.",
                        currency=wallet.currency_id.name,
                        own=wallet.company_id.currency_id.name,
                    )
                )

    # ------------------------------------------------------------------- our own sales

    @api.constrains("amount", "currency_id", "date", "partner_id", "company_id", "category_id")
    def _check_own_sales(self):
        # who may not see our revenue could find it by trying amounts: his is taken as it is, and
        # the share shows as all
        if not self.env.user.has_group(AMOUNT):
            return
        # no amount at all is refused elsewhere, in better words
        declared = self._known_to_user().filtered(
            lambda wallet: wallet.source == "declared" and wallet.amount > 0
        )
        sales = declared._own_sales()
        for wallet in declared:
            if sales[wallet] * (1 - TOLERANCE) <= wallet._company_amount():
                continue
            raise ValidationError(
                self.env._(
                    "They already bought more than that from you: %(amount)s in the 12 months up "
                    "to %(day)s. Ask what they spend with all suppliers together, in a year.",
                    amount=format_amount(self.env, sales[wallet], wallet.company_id.currency_id),
                    day=format_date(self.env, wallet.date),
                )
            )

    def _known_to_user(self):
        """Those that the user may write. Constraints run with sudo, and before Odoo refuses what a
        user may not create: a sentence of ours must not tell him about others' customers."""
        return self.sudo(False)._filtered_access("write").sudo()

    def _company_amount(self) -> float:
        """In the company's currency, at the rate of the date."""
        own = self.company_id.currency_id
        return self.currency_id._convert(self.amount, own, self.company_id, self.date)

    def _own_sales(self) -> dict:
        """``{wallet: net sales of the 12 months up to its date}``, in the category if it has one;
        0 where nothing was sold. One query a company."""
        sales = dict.fromkeys(self, 0.0)
        for company, wallets in self.grouped("company_id").items():
            # sudo: what the company sold is compared, and said to who may see it
            rows = wallets.sudo()._read_own_sales(company.sudo())
            sales |= {self.browse(wallet): float(amount) for wallet, amount in rows}
        return sales

    def _read_own_sales(self, company) -> list:
        self.flush_recordset()
        for model in ("product.category", "product.template"):
            self.env[model].flush_model()
        lines = self.env["crm.customer.fact"]._fact_sources(None, company)
        return self.env.execute_query(
            SQL(
                """SELECT wallet.id, SUM(fact.amount)
                     FROM (
                        SELECT partner_id, product_id, date, amount
                          FROM (%(lines)s) AS line
                         WHERE line.partner_id = ANY(%(partners)s)
                     ) AS fact
                     JOIN crm_customer_wallet AS wallet
                       ON wallet.partner_id = fact.partner_id
                      AND fact.date <= wallet.date
                      AND fact.date > wallet.date - INTERVAL '12 months'
                     LEFT JOIN product_category AS wanted ON wanted.id = wallet.category_id
                     LEFT JOIN product_product AS product ON product.id = fact.product_id
                     LEFT JOIN product_template AS template ON template.id = product.product_tmpl_id
                     LEFT JOIN product_category AS bought ON bought.id = template.categ_id
                    WHERE wallet.id = ANY(%(wallets)s)
                      AND (wanted.id IS NULL
                           OR starts_with(bought.parent_path, wanted.parent_path))
                    GROUP BY wallet.id""",
                lines=SQL(" UNION ALL ").join(lines),
                partners=self.partner_id.ids,
                wallets=self.ids,
            )
        )

    @api.constrains("amount", "source", "rank", "supplier_count", "competitor_ids")
    def _check_competitors(self):
        wallets = self._known_to_user().filtered("competitor_ids")
        sales = wallets.filtered(lambda wallet: wallet.source == "declared")._own_sales()
        may_see = self.env.user.has_group(AMOUNT)
        for wallet in wallets:
            theirs = sum(wallet.competitor_ids.mapped("share"))
            if wallet.source != "declared":
                # a rank tells no more than a range
                ours = wallet.rank_share_low
            elif may_see:
                # what was returned is no negative share
                ours = max(sales[wallet], 0) / (wallet._company_amount() or 1)
            else:
                # as with our own sales above
                ours = 0
            left = max(1 - ours, 0)
            if theirs <= left + TOLERANCE:
                continue
            raise ValidationError(
                self.env._(
                    "The other suppliers would have %(theirs)s of what the customer spends, and "
                    "%(left)s is left beside you: lower their shares.",
                    theirs=percent(self.env, theirs),
                    left=percent(self.env, left),
                )
            )
