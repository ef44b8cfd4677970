from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import format_amount, formatLang

from ..wording import percent

KEEP_MONTHS = 24
# a share of fewer customers says nothing
FEWEST_BUYERS = 5
SMALL_CHANCE = 0.01


class CrmCustomerRecommendation(models.Model):
    """A product to offer to a customer, with the reason, and what he answered.

    Open ones are written by the refresh alone. Putting one into a quotation or noting a refusal
    keeps it: a refused product is not offered again for half a year, an accepted one shows what it
    brought.
    """

    _name = "crm.customer.recommendation"
    _description = "Product to Offer"
    _log_access = False
    _order = "state, kind, rank, id"
    _rec_name = "product_id"

    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    currency_id = fields.Many2one("res.currency", required=True, readonly=True, ondelete="restrict")
    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, readonly=True, index=True, ondelete="cascade"
    )
    user_id = fields.Many2one(related="partner_id.user_id", string="Salesperson")
    product_id = fields.Many2one(
        "product.product", required=True, readonly=True, index=True, ondelete="cascade"
    )
    product_categ_id = fields.Many2one(related="product_id.categ_id", string="Product Category")
    kind = fields.Selection(
        [("cross_sell", "New to Him"), ("up_sell", "Better or Larger")],
        required=True,
        readonly=True,
    )
    rank = fields.Integer(
        readonly=True,
        aggregator=None,
        help="Among the customer's offers of this kind, by chance × margin of a usual purchase "
        "(× its amount where no costs are recorded).",
    )
    chance = fields.Float(
        readonly=True,
        aggregator="avg",
        help="How likely he buys it within 90 days, as offers with such a score were bought in "
        "the past. Empty where that is not known.",
    )
    because_id = fields.Many2one(
        "product.product",
        "Because He Bought",
        readonly=True,
        ondelete="set null",
        help="The product he has that speaks most for this one.",
    )
    both_count = fields.Integer(
        "Bought Both",
        readonly=True,
        aggregator=None,
        help="Customers who bought that product and this one.",
    )
    buyer_count = fields.Integer(
        "Bought the Other", readonly=True, aggregator=None, help="Customers who bought that one."
    )
    usual_amount = fields.Monetary(
        "Usual Purchase",
        readonly=True,
        groups="crm_extended.group_amount",
        help="Median net amount of a purchase of this product in 24 months, in prices of the as-of "
        "month.",
    )
    usual_margin = fields.Monetary(
        readonly=True,
        groups="crm_extended.group_margin",
        help="Margin of a usual purchase at the product's recorded costs, else at the rate of all "
        "products.",
    )
    date = fields.Date("Offered Since", readonly=True, help="Day since which it is an offer.")
    state = fields.Selection(
        [
            ("open", "Open"),
            ("offered", "In a Quotation"),
            ("accepted", "Accepted"),
            ("refused", "Refused"),
        ],
        "Status",
        required=True,
        readonly=True,
        index=True,
    )
    answered_on = fields.Date(readonly=True, help="Day of the last change of its status.")
    answered_by_id = fields.Many2one(
        "res.users", "Answer Noted By", readonly=True, ondelete="set null"
    )
    sale_line_id = fields.Many2one(
        "sale.order.line", "Quotation Line", readonly=True, index="btree_not_null",
        ondelete="set null",
    )  # fmt: skip
    order_id = fields.Many2one(related="sale_line_id.order_id", string="Quotation")
    result_amount = fields.Monetary(
        "Ordered For",
        readonly=True,
        groups="crm_extended.group_amount",
        help="Net amount of the confirmed order line.",
    )
    reason = fields.Char(compute="_compute_reason")

    # a constraint, not a unique index: the merge of contacts drops rows that violate one
    _offer_unique = models.Constraint(
        "UNIQUE (partner_id, company_id, product_id)", "A product is offered once to a customer."
    )

    @api.depends_context("lang")
    @api.depends("because_id", "both_count", "buyer_count", "kind")
    def _compute_reason(self):
        for offer in self:
            offer.reason = offer._reason()

    def _reason(self) -> str:
        # sudo: a product's name, whatever else the reader may see of products; a code in brackets
        # would be reordered in a right-to-left sentence
        product = self.sudo().because_id.with_context(display_default_code=False).display_name
        if not product:
            return self.env._("Often bought with what he buys.")
        if self.buyer_count < FEWEST_BUYERS:
            return self.env._("Bought together with %(product)s.", product=product)
        values = {
            "both": formatLang(self.env, self.both_count, digits=0),
            "buyers": formatLang(self.env, self.buyer_count, digits=0),
            "share": percent(self.env, self.both_count / self.buyer_count, 0),
            "product": product,
        }
        if self.kind == "up_sell":
            return self.env._("Taken next by %(both)s of %(buyers)s who had %(product)s.", **values)
        return self.env._("Bought by %(share)s of those who buy %(product)s.", **values)

    # ------------------------------------------------------------------------ reading

    @api.model
    def customer_offers(self, partner_id: int, company_id: int | None = None, limit: int = 5):
        """The best open offers of a customer, as the widget shows them, and since when they count.

        :param partner_id: any contact of the customer
        :return: ``{"offers": [{"id", "product", "reason", "chance", "kind", "amount"}], "count",
            "customer_id"}``; chance and amount as text, empty where not known or not for this
            reader
        """
        self.check_access("read")
        partner = self.env["res.partner"].browse(partner_id).exists()
        partner.check_access("read")
        company = self.env["res.company"].browse(company_id or self.env.company.id)
        domain = Domain(
            [
                ("partner_id", "=", partner.commercial_partner_id.id),
                ("company_id", "=", company.id),
                ("state", "=", "open"),
                # what was archived or barred since the refresh
                ("product_id.active", "=", True),
                ("product_id.sale_ok", "=", True),
                ("product_id.never_offered", "=", False),
            ]
        )
        found = self.search(domain)
        # the better kind of what he has first, then one and the other in turn by rank
        shown = found.sorted(lambda offer: (offer.rank, offer.kind != "up_sell"))[:limit]
        may_see_amounts = self.env.user.has_group("crm_extended.group_amount")
        return {
            "count": len(found),
            "customer_id": partner.commercial_partner_id.id,
            "offers": [
                {
                    "id": offer.id,
                    "product": offer.product_id.display_name,
                    "kind": offer.kind,
                    "reason": offer.reason,
                    "chance": offer._format_chance(),
                    "amount": format_amount(self.env, offer.usual_amount, offer.currency_id)
                    if may_see_amounts and offer.usual_amount
                    else "",
                }
                for offer in shown
            ],
        }

    def _format_chance(self) -> str:
        if not self.chance:
            return ""
        if self.chance < SMALL_CHANCE:
            return self.env._("under %(chance)s", chance=percent(self.env, SMALL_CHANCE, 0))
        return percent(self.env, self.chance, 0)

    # ------------------------------------------------------------------------ answers

    def action_refuse(self):
        """Note that the customers don't want these products: not offered again for half a year."""
        self._answer("refused")

    def action_add_to_quotation(self, order_id: int | None = None, lead_id: int | None = None):
        """Put these products into a quotation of their customer, and open it.

        :param order_id: the quotation; default: the user's own newest draft of the customer, else
            a new one
        :param lead_id: the opportunity that the quotation belongs to: its newest draft, else a new
            one
        """
        partner, company = self.partner_id, self.company_id
        if len(partner) != 1 or len(company) != 1:
            raise UserError(self.env._("Choose the offers of one customer in one company."))
        order = self._quotation(order_id, lead_id)
        if order.state not in ("draft", "sent"):
            raise UserError(
                self.env._("This order is confirmed: make a new quotation for what you offer.")
            )
        if order.partner_id.commercial_partner_id != partner or order.company_id != company:
            raise UserError(self.env._("This quotation is for another customer or company."))
        for offer in self:
            line = order.order_line.filtered(
                lambda line, of=offer: line.product_id == of.product_id
            )
            offer._answer(
                "offered",
                line[:1]
                or self.env["sale.order.line"].create(
                    {"order_id": order.id, "product_id": offer.product_id.id, "product_uom_qty": 1}
                ),
            )
        return order._get_records_action(name=self.env._("Quotation"))

    def _quotation(self, order_id, lead_id):
        orders = self.env["sale.order"].with_company(self.company_id)
        if order_id:
            order = orders.browse(order_id)
            order.check_access("write")
            return order
        if lead_id:
            return self._quotation_of_lead(self.env["crm.lead"].browse(lead_id), orders)
        values = {"partner_id": self.partner_id.id, "company_id": self.company_id.id}
        mine = orders.search(
            [
                ("partner_id.commercial_partner_id", "=", self.partner_id.id),
                ("company_id", "=", self.company_id.id),
                ("state", "=", "draft"),
                "|",
                ("user_id", "=", self.env.uid),
                ("create_uid", "=", self.env.uid),
            ],
            limit=1,
        )
        return mine or orders.create(values)

    def _quotation_of_lead(self, lead, orders):
        lead.check_access("read")
        if lead.partner_id.commercial_partner_id != self.partner_id:
            raise UserError(self.env._("This opportunity is for another customer."))
        draft = orders.search(
            [
                ("opportunity_id", "=", lead.id),
                ("company_id", "=", self.company_id.id),
                ("state", "=", "draft"),
            ],
            limit=1,
        )
        context = lead._prepare_opportunity_quotation_context()
        return draft or orders.with_context(**context).create(
            {"partner_id": lead.partner_id.id, "company_id": self.company_id.id}
        )

    def _answer(self, state: str, line=None):
        self.check_access("read")
        if answered := self.filtered(lambda offer: offer.state not in ("open", state)):
            raise UserError(
                self.env._(
                    "%(product)s has been answered already: reload the page.",
                    product=answered[:1].product_id.display_name,
                )
            )
        # nobody may write offers: an answer is noted by whoever may read them
        self.sudo().write(
            {
                "state": state,
                "answered_on": fields.Date.context_today(self),
                "answered_by_id": self.env.uid,
                "sale_line_id": line.id if line else False,
            }
        )

    @api.autovacuum
    def _gc_answers(self):
        """Drop answers older than 24 months."""
        horizon = fields.Date.today() - relativedelta(months=KEEP_MONTHS)
        old = self.search([("state", "=", "accepted"), ("answered_on", "<", horizon)], limit=1000)
        count = len(old)
        old.unlink()
        return count, count == 1000
