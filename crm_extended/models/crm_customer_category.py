from collections import defaultdict

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_amount, format_date, formatLang

# categories that the matrix shows at most
MOST_COLUMNS = 50
# customers of whom it is asked at once
MOST_ROWS = 500


class CrmCustomerCategory(models.Model):
    """What a customer buys of one product category, beside what similar customers buy of it.

    White space is a category that he never bought and a quarter of his peers buy. What he could
    buy more is ``max(0, share of peers who buy it × their median − his own)``, of 12 months.
    Written by the refresh alone; categories are compared on one level of their tree.
    """

    _name = "crm.customer.category"
    _description = "Customer and Product Category"
    _log_access = False
    _order = "partner_id, category_id"
    _rec_name = "category_id"

    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    currency_id = fields.Many2one("res.currency", required=True, readonly=True, ondelete="restrict")
    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, readonly=True, ondelete="cascade"
    )
    user_id = fields.Many2one(related="partner_id.user_id", string="Salesperson")
    category_id = fields.Many2one(
        "product.category", required=True, readonly=True, index=True, ondelete="cascade"
    )
    state = fields.Selection(
        [("bought", "Buys"), ("lapsed", "Bought Before"), ("white", "White Space")],
        "Status",
        required=True,
        readonly=True,
        help="Buys: in the last 12 months. Bought before: not since. White space: never, and "
        "similar customers do.",
    )
    times = fields.Integer(
        "Purchase Days", readonly=True, help="Distinct days on which he bought of this category."
    )
    last_purchase_date = fields.Date("Last Purchase", readonly=True)
    need_score = fields.Float(
        "Likely Need",
        readonly=True,
        digits=(16, 3),
        aggregator="max",
        help="The higher, the likelier he soon needs it again: how often he bought it, and how "
        "often it is bought again, over the time since the first purchase. A hint, not a chance.",
    )
    amount_12m = fields.Monetary(
        "Revenue 12 Months",
        readonly=True,
        groups="crm_extended.group_amount",
        help="Net amount of the 12 months up to the as-of date, in prices of the as-of month.",
    )
    margin_12m = fields.Monetary(
        "Margin 12 Months",
        readonly=True,
        groups="crm_extended.group_margin",
        help="Margin of the lines whose cost is known, of 12 months, in prices of the as-of month.",
    )
    peer_count = fields.Integer(
        "Similar Customers", readonly=True, aggregator=None, help="Others in his group."
    )
    peer_buyers = fields.Integer(
        "Of Them Buy",
        readonly=True,
        aggregator=None,
        help="Similar customers who bought of this category in 12 months.",
    )
    peer_amount = fields.Monetary(
        "Similar Customers Buy",
        readonly=True,
        aggregator=None,
        groups="crm_extended.group_amount",
        help="Median of what those who buy it bought in 12 months.",
    )
    headroom = fields.Monetary(
        "Could Buy More",
        readonly=True,
        groups="crm_extended.group_amount",
        help="A year, compared with similar customers: share of them who buy it × their median, "
        "less his own purchases of 12 months.",
    )
    expected_margin = fields.Monetary(
        readonly=True,
        groups="crm_extended.group_margin",
        help="Margin of what he could buy more, at the rate of this category.",
    )
    reason = fields.Char(compute="_compute_reason")

    _customer_category_unique = models.Constraint(
        "UNIQUE (partner_id, company_id, category_id)", "A category stands once by customer."
    )

    @api.depends_context("uid", "lang")
    @api.depends("state", "peer_count", "peer_buyers", "category_id", "last_purchase_date")
    def _compute_reason(self):
        may_see_amounts = self.env.user.has_group("crm_extended.group_amount")
        for cell in self:
            sentences = [cell._reason_sentence()]
            if may_see_amounts and cell.headroom:
                sentences.append(
                    self.env._(
                        "About %(amount)s more a year, compared with similar customers.",
                        amount=format_amount(
                            self.env,
                            round(cell.headroom),
                            cell.currency_id,
                            trailing_zeroes=False,
                        ),
                    )
                )
            cell.reason = " ".join(filter(None, sentences))

    def _reason_sentence(self) -> str:
        if not self.peer_count:
            return ""
        values = {
            # sudo: the category's name, whatever else the reader may see of products
            "category": self.sudo().category_id.name,
            "buyers": formatLang(self.env, self.peer_buyers, digits=0),
            "peers": formatLang(self.env, self.peer_count, digits=0),
        }
        if self.state == "white":
            return self.env._(
                "Never bought %(category)s; %(buyers)s of %(peers)s similar customers do. Offer a "
                "sample.",
                **values,
            )
        if self.state == "lapsed":
            return self.env._(
                "Bought %(category)s last on %(day)s; %(buyers)s of %(peers)s similar customers "
                "buy it. Ask where he buys it now.",
                day=format_date(self.env, self.last_purchase_date, date_format="yyyy-MM-dd"),
                **values,
            )
        return self.env._(
            "Buys %(category)s, as %(buyers)s of %(peers)s similar customers do.", **values
        )

    # ------------------------------------------------------------------------ the matrix

    @api.model
    def white_space(self, profile_ids: list[int]) -> dict:
        """The matrix of some customers (rows of ``crm.customer.profile``) and the categories in
        which they and their peers differ most.

        :return: ``{"categories": [{"id", "name"}], "cells": {profile: {category: {"id", "state",
            "text", "reason"}}}}``; ``text`` is what he could buy more, or a sign of it for readers
            without amounts
        :raise UserError: more than 500 customers
        """
        if len(profile_ids) > MOST_ROWS:
            raise UserError(
                self.env._(
                    "The matrix shows at most %(count)s customers at once: filter the list.",
                    count=MOST_ROWS,
                )
            )
        profiles = self.env["crm.customer.profile"].search([("id", "in", profile_ids)])
        may_see_amounts = self.env.user.has_group("crm_extended.group_amount")
        found = self.search(
            [
                ("partner_id", "in", profiles.partner_id.ids),
                ("company_id", "in", profiles.company_id.ids),
            ],
            order="id",
        )
        weights = defaultdict(float)
        for cell in found:
            room = cell.headroom if may_see_amounts else cell.state != "bought"
            # what everybody buys stands behind
            weights[cell.category_id] += room or cell.times / 1e6
        columns = sorted(weights, key=lambda category: -weights[category])
        columns = self.env["product.category"].union(*columns[:MOST_COLUMNS])
        rows = {(row.partner_id.id, row.company_id.id): row.id for row in profiles}
        cells = {row.id: {} for row in profiles}
        for cell in found.filtered(lambda cell: cell.category_id in columns):
            row = rows.get((cell.partner_id.id, cell.company_id.id))
            if row:
                cells[row][cell.category_id.id] = cell._matrix_cell(may_see_amounts)
        return {
            "categories": [{"id": category.id, "name": category.name} for category in columns],
            "cells": cells,
        }

    def _matrix_cell(self, may_see_amounts: bool) -> dict:
        amount = self.headroom if may_see_amounts else 0
        return {
            "id": self.id,
            "state": self.state,
            "text": format_amount(self.env, round(amount), self.currency_id, trailing_zeroes=False)
            if amount
            else "",
            "reason": self.reason,
        }

    # ------------------------------------------------------------------------ actions

    def action_make_opportunity(self):
        """The opportunity to sell this category to this customer: the open one, or a new one."""
        self.ensure_one()
        self.check_access("read")
        leads = self.env["crm.lead"]
        open_one = leads.search(
            [
                ("partner_id.commercial_partner_id", "=", self.partner_id.id),
                ("offered_category_id", "=", self.category_id.id),
                ("company_id", "in", (False, self.company_id.id)),
                ("won_status", "=", "pending"),
            ],
            limit=1,
        )
        return (open_one or leads.create(self._opportunity_values()))._get_records_action(
            name=self.env._("Opportunity")
        )

    def _opportunity_values(self) -> dict:
        # sudo: names, whatever else the user may see of products and contacts
        category, partner = self.sudo().category_id, self.sudo().partner_id
        owner = partner.user_id or self.env.user
        # whoever makes it, its owner reads it
        with_amounts = all(
            user.has_group("crm_extended.group_amount") for user in owner | self.env.user
        )
        reason = self.reason if with_amounts else self._reason_sentence()
        values = {
            "type": "opportunity",
            "name": self.env._(
                "%(category)s for %(customer)s",
                category=category.name,
                customer=partner.display_name,
            ),
            "partner_id": partner.id,
            "company_id": self.company_id.id,
            "user_id": owner.id,
            "opportunity_kind": "cross_sell",
            "offered_category_id": category.id,
            "description": Markup("<p>%s</p>") % reason,
        }
        if with_amounts:
            values["expected_revenue"] = self.headroom or 0
        return values

    def action_open_customer(self):
        self.ensure_one()
        row = self.env["crm.customer.profile"].search(
            [("partner_id", "=", self.partner_id.id), ("company_id", "=", self.company_id.id)]
        )
        return row._get_records_action(name=self.env._("Customer"))
