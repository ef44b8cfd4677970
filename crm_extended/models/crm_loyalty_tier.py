from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import ormcache

# what a tier is earned by; issue by issue others join
TIER_MEASURES = [
    ("purchases", "Purchases of 12 months, overdue amounts deducted"),
    ("revenue", "Revenue of 12 months"),
    ("margin", "Margin of 12 months"),
    ("contribution", "Contribution of 12 months"),
]
MARGIN_MEASURES = ("margin", "contribution")
TIER_BASES = [
    ("amount", "An amount of money"),
    ("percentile", "A place among the customers"),
]
TIER_COLORS = [2, 0, 3]
MAX_GUARANTEE_DAYS = 3650
MAX_TENURE_DAYS = 36500


class CrmLoyaltyTier(models.Model):
    """A tier of the loyalty programme of a company, from a threshold on.

    Tiers follow one another without overlap or gap: the lowest begins at 0 and takes everybody
    who has bought, each other begins above the one before. By what they are earned, for how long
    a tier is guaranteed and below which share of its threshold it is lost is set per company (see
    the settings). Customers may be told their tier; ``value_class`` is the internal view.
    """

    _name = "crm.loyalty.tier"
    _description = "Loyalty Tier"
    _order = "company_id, threshold, id"

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        ondelete="cascade",
        default=lambda self: self.env.company,
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    color = fields.Integer()
    threshold = fields.Float(
        "From",
        digits=(16, 2),
        default=0.0,
        aggregator=False,
        help="The least that earns the tier: an amount in company currency, or a per cent of the "
        "customers who bought in the last 12 months that one must be above (90 is the best "
        "tenth), as set for the company. 0 for the lowest tier.",
    )
    priced_on = fields.Date(
        "In Prices Of",
        required=True,
        default=fields.Date.context_today,
        help="The threshold is an amount of that month. With a price index it rises with prices.",
    )
    tenure_days = fields.Integer(
        "Customer For",
        default=0,
        aggregator=False,
        help="Days since the first purchase before the tier can be reached.",
    )
    pricelist_id = fields.Many2one(
        "product.pricelist",
        "Price List",
        ondelete="restrict",
        help="Applies to customers of this tier who have none of their own. Nothing is written on "
        "contacts, so it ends with the tier. Existing quotations keep theirs.",
    )
    benefits = fields.Text(translate=True, help="What customers of this tier are told they get.")
    customer_count = fields.Integer("Customers", compute="_compute_customer_count")
    rule = fields.Char(compute="_compute_rule", help="When the tier is earned and lost.")

    _name_company_unique = models.Constraint(
        "UNIQUE (company_id, name)", "A company has one tier of a name: choose another name."
    )

    @api.depends_context("uid")
    def _compute_customer_count(self):
        counts = dict(
            self.env["crm.customer.profile"]._read_group(
                [("tier_id", "in", self.ids)], ["tier_id"], ["__count"]
            )
        )
        for tier in self:
            tier.customer_count = counts.get(tier, 0)

    @api.depends_context("lang")
    @api.depends("threshold", "company_id")
    def _compute_rule(self):
        for tier in self:
            company = tier.company_id
            measure = dict(
                company._fields["customer_tier_measure"]._description_selection(self.env)
            )
            if not tier.threshold:
                tier.rule = self.env._("Everybody who has bought.")
            elif company.customer_tier_basis == "percentile":
                tier.rule = self.env._(
                    "%(measure)s: the best %(share)s %% of those who bought.",
                    measure=measure[company.customer_tier_measure],
                    share=f"{100 - tier.threshold:g}",
                )
            else:
                tier.rule = self.env._(
                    "%(measure)s: %(amount)s or more.",
                    measure=measure[company.customer_tier_measure],
                    amount=tier.currency_id.format(tier.threshold),
                )

    @api.model_create_multi
    def create(self, vals_list):
        tiers = super().create(vals_list)
        for tier in tiers.filtered("threshold"):
            tier.company_id._check_may_set_thresholds()
        self.env.registry.clear_cache()
        return tiers

    def write(self, vals):
        if vals.keys() & {"threshold", "priced_on"}:
            for company in self.company_id:
                company._check_may_set_thresholds()
        if "company_id" in vals and self.company_id.ids not in ([], [vals["company_id"]]):
            raise UserError(
                self.env._(
                    "A tier stays in its company, whose customers have it: make one in the other "
                    "company."
                )
            )
        result = super().write(vals)
        if vals.keys() & {"pricelist_id", "active"}:
            self.env.registry.clear_cache()
        return result

    def unlink(self):
        result = super().unlink()
        self.env.registry.clear_cache()
        return result

    @api.model
    @ormcache("company_id")
    def _with_pricelist(self, company_id: int) -> tuple[int, ...]:
        """The tiers of a company that have a price list. Cached: every price asks, and most
        companies have none."""
        domain = [("company_id", "=", company_id), ("pricelist_id", "!=", False)]
        # whatever the first who asks has in his context
        return tuple(self.sudo().with_context(active_test=True).search(domain).ids)

    # -------------------------------------------------------------------- bad input

    @api.constrains("threshold", "company_id", "active")
    def _check_thresholds(self):
        for company in self.company_id:
            company._check_tiers()

    @api.constrains("tenure_days")
    def _check_tenure(self):
        for tier in self:
            if not 0 <= tier.tenure_days <= MAX_TENURE_DAYS:
                raise ValidationError(
                    self.env._(
                        "“Customer For” of %(tier)s is %(days)s days: enter the days since the "
                        "first purchase, from 0 to %(most)s.",
                        tier=tier.name,
                        days=tier.tenure_days,
                        most=MAX_TENURE_DAYS,
                    )
                )

    @api.constrains("pricelist_id", "company_id")
    def _check_pricelist(self):
        for tier in self.filtered("pricelist_id"):
            pricelist = tier.pricelist_id.sudo()  # of another company: the user may not read it
            if pricelist.company_id and pricelist.company_id != tier.company_id:
                raise ValidationError(
                    self.env._(
                        "The price list %(pricelist)s belongs to another company: choose one of "
                        "%(company)s, or one that all companies share.",
                        pricelist=pricelist.name,
                        company=tier.company_id.name,
                    )
                )
            if pricelist.currency_id != tier.currency_id:
                raise ValidationError(
                    self.env._(
                        "The price list %(pricelist)s is in %(other)s: a tier's list is in the "
                        "company's currency, %(currency)s. Customers who buy in %(other)s get "
                        "theirs on the contact.",
                        pricelist=pricelist.name,
                        other=pricelist.currency_id.name,
                        currency=tier.currency_id.name,
                    )
                )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        # sudo: also where the user sees none of them
        rows = self.env["crm.customer.profile"].sudo()
        locks = self.env["crm.loyalty.tier.lock"].sudo()
        for tier in self:
            has_it = ["|", ("tier_id", "=", tier.id), ("earned_tier_id", "=", tier.id)]
            if rows.search_count(has_it, limit=1) or locks.search_count(
                [("tier_id", "=", tier.id)], limit=1
            ):
                raise UserError(
                    self.env._(
                        "Customers are in %(tier)s: archive it instead, and they move in the next "
                        "refresh.",
                        tier=tier.name,
                    )
                )
        for company in self.company_id:
            company._check_tiers(without=self)

    def action_open_customers(self):
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "crm_extended.crm_customer_profile_action"
        )
        return action | {"domain": [("tier_id", "=", self.id)], "context": {}}


class ResCompany(models.Model):
    """The rules of a company's loyalty programme that all its tiers share."""

    _inherit = "res.company"

    customer_tier_measure = fields.Selection(
        TIER_MEASURES,
        "Tiers Are Earned By",
        default="purchases",
        required=True,
        help="Up to the as-of date, in prices of its month where there is a price index.",
    )
    customer_tier_basis = fields.Selection(
        TIER_BASES, "Thresholds Are", default="percentile", required=True
    )
    customer_tier_guarantee = fields.Integer(
        "Tier Guaranteed For",
        default=365,
        help="Days for which a tier that was reached is kept, whatever is bought.",
    )
    customer_tier_keep = fields.Float(
        "Tier Kept From",
        default=80.0,
        help="Per cent of the threshold that keeps the tier when its guarantee ends. Below it the "
        "customer moves down by one.",
    )

    @api.constrains("customer_tier_guarantee", "customer_tier_keep")
    def _check_customer_tiers(self):
        for company in self:
            if not 0 <= company.customer_tier_guarantee <= MAX_GUARANTEE_DAYS:
                raise ValidationError(
                    self.env._(
                        "A tier is guaranteed for 0 to %(most)s days: change “Tier Guaranteed "
                        "For”.",
                        most=MAX_GUARANTEE_DAYS,
                    )
                )
            if not 0 < company.customer_tier_keep <= 100:
                raise ValidationError(
                    self.env._(
                        "“Tier Kept From” is a share of the threshold: enter a per cent above 0, "
                        "up to 100."
                    )
                )

    @api.constrains("customer_tier_basis")
    def _check_customer_tier_basis(self):
        for company in self:
            company._check_tiers()

    @api.model_create_multi
    def create(self, vals_list):
        companies = super().create(vals_list)
        companies.sudo()._create_default_tiers()
        return companies

    def _create_default_tiers(self):
        """Three tiers to begin with, for companies that have none."""
        tiers = self.env["crm.loyalty.tier"].with_context(active_test=False)
        having = tiers.search([("company_id", "in", self.ids)]).company_id
        for company in self - having:
            made = tiers.create(
                [
                    {"name": name, "company_id": company.id, "threshold": place, "color": color}
                    for (name, place), color in zip(
                        self._default_tiers().items(), TIER_COLORS, strict=True
                    )
                ]
            )
            for lang, _name in self.env["res.lang"].get_installed():
                names = self.with_context(lang=lang)._default_tiers()
                for tier, name in zip(made, names, strict=True):
                    tier.with_context(lang=lang).name = name

    @api.model
    def _default_tiers(self) -> dict:
        """Name and place among those who bought, in per cent: places fit every size and currency
        until somebody sets better thresholds."""
        return {self.env._("Bronze"): 0, self.env._("Silver"): 60, self.env._("Gold"): 90}

    @api.model
    def _create_missing_tiers(self):
        """For the companies that there are at installation."""
        self.with_context(active_test=False).search([])._create_default_tiers()

    def _check_may_set_thresholds(self, *measures):
        """Who moves a threshold of a margin sees who passes it: he must be allowed to see margins.

        :param measures: other measures than the company's that are concerned
        """
        if self.env.su or self.env.user.has_group("crm_extended.group_margin"):
            return
        # sudo: a rule of the company, whoever asks
        if {self.sudo().customer_tier_measure, *measures} & set(MARGIN_MEASURES):
            raise AccessError(
                self.env._(
                    "These tiers are earned by margin: only who may see margins can change what "
                    "they begin at."
                )
            )

    def _loyalty_tiers(self):
        """The tiers of a company, from the lowest up."""
        # sudo: rules of the company, whoever asks
        tiers = self.env["crm.loyalty.tier"].sudo()
        return tiers.search([("company_id", "=", self.id)], order="threshold, id")

    def _check_tiers(self, without=None):
        if self.env.su and self.env.context.get("customer_tiers_unchecked"):
            # several rules change at once, and are checked at the end; never from outside
            return
        tiers = self._loyalty_tiers() - (without or self.env["crm.loyalty.tier"])
        if not tiers:
            return
        lowest = tiers[0]
        if lowest.threshold != 0:
            raise ValidationError(
                self.env._(
                    "Customers below %(threshold)s would have no tier: let the lowest tier, "
                    "%(tier)s, begin at 0.",
                    threshold=f"{lowest.threshold:g}",
                    tier=lowest.name,
                )
            )
        for lower, higher in zip(tiers, tiers[1:], strict=False):
            if lower.threshold == higher.threshold:
                raise ValidationError(
                    self.env._(
                        "%(lower)s and %(higher)s both begin at %(threshold)s: give one of them "
                        "another threshold, so that a customer has one tier.",
                        lower=lower.name,
                        higher=higher.name,
                        threshold=f"{lower.threshold:g}",
                    )
                )
        if self.customer_tier_basis == "percentile" and tiers[-1].threshold >= 100:
            raise ValidationError(
                self.env._(
                    "Nobody is above %(threshold)s %% of the customers: let %(tier)s begin below "
                    "100.",
                    threshold=f"{tiers[-1].threshold:g}",
                    tier=tiers[-1].name,
                )
            )

    def _customer_settings(self):
        tiers = [
            {
                "id": tier.id,
                "threshold": tier.threshold,
                "priced_on": str(tier.priced_on),
                "tenure": tier.tenure_days,
            }
            for tier in self._loyalty_tiers()
        ]
        return super()._customer_settings() | {
            "tiers": {
                "measure": self.customer_tier_measure,
                "basis": self.customer_tier_basis,
                "guarantee": self.customer_tier_guarantee,
                "keep": str(Decimal(str(self.customer_tier_keep)) / 100),
                "tiers": tiers,
            }
        }
