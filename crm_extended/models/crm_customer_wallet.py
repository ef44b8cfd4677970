from dateutil.relativedelta import relativedelta

from odoo import api, fields, models

from ..analytics.wallet import wallet_share

# in the order of trust; the row names one of them
WALLET_SOURCES = [
    ("declared", "Told by the customer"),
    ("rank", "Rank among suppliers"),
    ("benchmark", "External benchmark"),
    ("peers", "Similar customers"),
    ("white_space", "Categories not bought"),
]
# what people enter; the others are worked out
SAID_SOURCES = ("declared", "rank")
# what changes nothing that the row says
SILENT_FIELDS = {"note", "user_id", "reviewed_on", "competitor_ids"}


class CrmCustomerWallet(models.Model):
    """What somebody knows of what a customer spends in our field in a year, with all suppliers
    together: as a whole, or in one product category.

    The customer told an amount (declared), or that we are on place r of N suppliers (rank); other
    sources are worked out and never entered. Of what has not expired, the most trusted source
    decides, and of one source the latest. What has expired fades: the next source decides then,
    and the salesperson is asked once to ask again. What is wrong is archived rather than deleted:
    it is the history.

    It shows on the customer's row at once, and every refresh reads it anew.
    """

    _name = "crm.customer.wallet"
    _description = "Customer Wallet"
    _order = "date DESC, id DESC"
    _rec_name = "partner_id"
    _rec_names_search = ["partner_id"]

    def _default_expires_on(self):
        months = self.env.company.customer_wallet_months
        return fields.Date.context_today(self) + relativedelta(months=months)

    partner_id = fields.Many2one(
        "res.partner",
        "Customer",
        required=True,
        index=True,
        ondelete="cascade",
        help="A contact of a customer stands for the customer.",
    )
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        ondelete="cascade",
        default=lambda self: self.env.company,
    )
    category_id = fields.Many2one(
        "product.category",
        "Product Category",
        index="btree_not_null",
        ondelete="cascade",
        help="What is spent in this category alone. Empty: all that the customer could buy here.",
    )
    source = fields.Selection(
        WALLET_SOURCES,
        "What Is Known",
        required=True,
        default="declared",
        help="Told by the customer: an amount. Rank: which place among his suppliers we have. The "
        "other sources are worked out and can't be entered.",
    )
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        ondelete="restrict",
        default=lambda self: self.env.company.currency_id,
    )
    amount = fields.Monetary(
        "Spends a Year",
        aggregator=None,
        help="Untaxed, a year, with all suppliers together, in the money of the date.",
    )
    amount_low = fields.Monetary(
        "At Least", aggregator=None, help="Low end of what he said, a year. Empty: not said."
    )
    amount_high = fields.Monetary(
        "At Most", aggregator=None, help="High end of what he said, a year. Empty: not said."
    )
    rank = fields.Integer("Our Place", aggregator=None, help="1: he buys most from us.")
    supplier_count = fields.Integer(
        "Suppliers", aggregator=None, help="From how many he buys such goods, ourselves included."
    )
    rank_share = fields.Float(
        "Share by Rank",
        compute="_compute_rank_share",
        store=True,
        aggregator="avg",
        help="Our share of what he spends, 0 to 1, by our place among his suppliers (Wallet "
        "Allocation Rule).",
    )
    rank_share_low = fields.Float(
        "Least Share by Rank",
        compute="_compute_rank_share",
        store=True,
        aggregator=None,
        help="The share of half a place further down, 0 to 1.",
    )
    rank_share_high = fields.Float(
        "Greatest Share by Rank",
        compute="_compute_rank_share",
        store=True,
        aggregator=None,
        help="The share of half a place further up, 0 to 1.",
    )
    date = fields.Date(
        "Known On", required=True, default=fields.Date.context_today, help="When it was said."
    )
    expires_on = fields.Date(
        default=lambda self: self._default_expires_on(),
        help="Last day on which it counts. Empty: it never expires.",
    )
    is_expired = fields.Boolean("Expired", compute="_compute_is_expired")
    user_id = fields.Many2one(
        "res.users",
        "Author",
        default=lambda self: self.env.user,
        ondelete="set null",
        help="Who heard it.",
    )
    note = fields.Char("Who Said It", help="Who said it, and where.")
    competitor_ids = fields.One2many(
        "crm.customer.wallet.competitor", "wallet_id", "Other Suppliers"
    )
    active = fields.Boolean(default=True)
    reviewed_on = fields.Date(
        "Review Asked On",
        readonly=True,
        copy=False,
        help="When the salesperson was asked to ask again, after it had expired.",
    )

    _partner_date_idx = models.Index("(company_id, partner_id, date DESC)")

    @api.depends("source", "rank", "supplier_count")
    def _compute_rank_share(self):
        for wallet in self:
            shares = (0, 0, 0)
            # a place that there is not is refused when it is saved
            if wallet.source == "rank" and 1 <= wallet.rank <= wallet.supplier_count:
                shares = wallet_share(wallet.rank, wallet.supplier_count)
            wallet.rank_share, wallet.rank_share_low, wallet.rank_share_high = shares

    @api.depends("expires_on")
    def _compute_is_expired(self):
        today = fields.Date.context_today(self)
        for wallet in self:
            wallet.is_expired = bool(wallet.expires_on and wallet.expires_on < today)

    @api.depends("partner_id", "category_id", "date")
    def _compute_display_name(self):
        for wallet in self:
            names = [wallet.partner_id.display_name, wallet.category_id.name]
            wallet.display_name = ", ".join(filter(None, names))

    @api.onchange("date", "company_id")
    def _onchange_date(self):
        if self.date:
            months = self.company_id.customer_wallet_months
            self.expires_on = self.date + relativedelta(months=months)

    # ----------------------------------------------------------------------- changes

    @api.model_create_multi
    def create(self, vals_list):
        wallets = super().create([self._completed(vals) for vals in vals_list])
        wallets._show()
        return wallets

    def write(self, vals):
        if vals.get("partner_id"):
            vals = vals | {"partner_id": self._customer_of(vals["partner_id"])}
        if "expires_on" in vals:
            # it expires anew
            vals = {"reviewed_on": False} | vals
        if vals.keys() <= SILENT_FIELDS:
            return super().write(vals)
        before = self._customers()
        result = super().write(vals)
        if vals.keys() & {"partner_id", "company_id"}:
            # nobody hands it to a customer of others
            self.check_access("write")
        self._show(before)
        return result

    def unlink(self):
        before = self._customers()
        result = super().unlink()
        self.browse()._show(before)
        return result

    @api.model
    def _completed(self, vals) -> dict:
        """The customer for a contact, and what follows from the date and the company."""
        vals = dict(vals)
        if vals.get("partner_id"):
            vals["partner_id"] = self._customer_of(vals["partner_id"])
        company = self.env["res.company"].browse(vals.get("company_id")) or self.env.company
        if not vals.get("currency_id"):
            vals["currency_id"] = company.currency_id.id
        if "expires_on" not in vals:
            day = fields.Date.to_date(vals.get("date")) or fields.Date.context_today(self)
            vals["expires_on"] = day + relativedelta(months=company.customer_wallet_months)
        return vals

    @api.model
    def _customer_of(self, partner_id) -> int:
        return self.env["res.partner"].browse(partner_id).commercial_partner_id.id

    # ------------------------------------------------------------------ showing at once

    def _customers(self) -> set:
        """``{(customer, company)}`` of these."""
        # sudo: whose it is doesn't depend on what the user sees of contacts
        return {
            (wallet.partner_id.commercial_partner_id, wallet.company_id) for wallet in self.sudo()
        }

    def _show(self, others=()):
        """Bring the rows of these customers, and of other ``(customer, company)``, up to date."""
        partners = self.env["res.partner"]
        by_company = {}
        for partner, company in self._customers() | set(others):
            by_company[company] = by_company.get(company, partners) | partner
        # sudo: rows have no write right for anyone, what is known of a wallet has
        profiles = self.env["crm.customer.profile"].sudo()
        for company, customers in by_company.items():
            profiles._apply_wallets(company.sudo(), customers)
