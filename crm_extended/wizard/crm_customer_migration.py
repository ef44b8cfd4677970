from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_amount, formatLang

MIGRATION_KINDS = [("tiers", "Loyalty tiers"), ("segments", "Segments")]
# what of a matrix can be read at a glance
MOST_STATES = 20


class CrmCustomerMigration(models.TransientModel):
    """Where customers were on one day, and where they are on another: how many, and what they
    bought in the last 12 months.

    Of tiers it shows those that were earned; a lock is not what a customer moved by. Of segments,
    who is in several counts in each of them. Only customers whom the reader may see, and who
    still have figures, are counted.
    """

    _name = "crm.customer.migration"
    _description = "Migration of Customers"

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    kind = fields.Selection(MIGRATION_KINDS, "Between", required=True, default="tiers")
    segment_ids = fields.Many2many(
        "crm.customer.segment",
        string="Segments",
        domain="[('company_id', 'in', [company_id, False])]",
        help="Those that are compared; the first twenty where none is chosen.",
    )
    date_from = fields.Date(
        "From",
        required=True,
        default=lambda self: self._last_day() - relativedelta(months=3),
        help="Rows: where customers were on this day.",
    )
    date_to = fields.Date(
        "To",
        required=True,
        default=lambda self: self._last_day(),
        help="Columns: where they were on this day.",
    )
    page = fields.Html(compute="_compute_page", sanitize=False)

    def _compute_display_name(self):
        self.display_name = self.env._("Migration of Customers")

    @api.model
    def _last_day(self):
        return self.env.company.sudo().customer_latest_as_of or fields.Date.context_today(self)

    @api.onchange("date_from", "date_to")
    def _onchange_dates(self):
        if self.date_from and self.date_to:
            self._check_days()

    @api.constrains("date_from", "date_to")
    def _check_days(self):
        for migration in self:
            if migration.date_from >= migration.date_to:
                raise UserError(
                    self.env._("The second day must be after the first: choose a later one.")
                )

    @api.depends_context("uid", "lang")
    @api.depends("company_id", "kind", "segment_ids", "date_from", "date_to")
    def _compute_page(self):
        for migration in self:
            is_whole = migration.company_id and migration.date_from and migration.date_to
            migration.page = is_whole and self.env["ir.qweb"]._render(
                "crm_extended.crm_customer_migration_page", migration._matrix()
            )

    def action_open_moved(self):
        """The customers who are not where they were."""
        self.ensure_one()
        query = SQL(
            "SELECT id FROM (%s) AS moves GROUP BY id"
            " HAVING array_agg(DISTINCT was) IS DISTINCT FROM array_agg(DISTINCT becomes)",
            self._sql_moves(),
        )
        rows = [row for [row] in self.env.execute_query(query)]
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "crm_extended.crm_customer_profile_action"
        )
        title = self.env._("Customers Who Moved")
        return action | {"domain": [("id", "in", rows)], "context": {}, "display_name": title}

    # ---------------------------------------------------------------------- the matrix

    def _matrix(self) -> dict:
        """What the page shows: ``states`` in order, and ``cells`` by where from and where to."""
        sees_amounts = self.env.user.has_group("crm_extended.group_amount")
        currency = self.company_id.sudo().currency_id
        cells = {}
        for was, becomes, count, revenue in self.env.execute_query(
            SQL(
                "SELECT was, becomes, COUNT(*), SUM(revenue_12m) FROM (%s) AS moves GROUP BY 1, 2",
                self._sql_moves(),
            )
        ):
            amount = sees_amounts and format_amount(
                self.env, round(revenue or 0), currency, trailing_zeroes=False
            )
            cells[was or 0, becomes or 0] = {
                "count": formatLang(self.env, count, digits=0),
                "amount": amount,
            }
        # sudo: names of tiers that are archived by now are no secret
        found = self._states().sudo()
        nowhere = (
            self.env._("In none of them") if self.kind == "segments" else self.env._("No tier")
        )
        states = [(state.id, state.name) for state in found] + [(0, nowhere)]
        return {
            "states": states,
            "cells": cells,
            "sees_amounts": sees_amounts,
            "is_recorded": any(was for was, _becomes in cells),
            "kind": self.kind,
        }

    def _states(self):
        if self.kind == "tiers":
            tiers = self.env["crm.loyalty.tier"].with_context(active_test=False)
            return tiers.search([("company_id", "=", self.company_id.id)], order="threshold, id")
        segments = self.segment_ids._origin or self.env["crm.customer.segment"].search(
            [("company_id", "in", [self.company_id.id, False])], limit=MOST_STATES
        )
        segments.check_access("read")
        return segments[:MOST_STATES]

    def _sql_moves(self) -> SQL:
        """``(id, revenue_12m, was, becomes)`` of the rows that the user may see."""
        for model in ("crm.customer.profile", "crm.loyalty.tier.history",
                      "crm.customer.segment.member"):  # fmt: skip
            self.env[model].flush_model()
        rows = self.env["crm.customer.profile"].with_context(
            allowed_company_ids=self.company_id.ids
        )
        domain = [("company_id", "=", self.company_id.id)]
        if self.kind == "tiers":
            # who never bought has none
            domain.append(("purchase_count", ">", 0))
        rows = rows._search(domain)
        return SQL(
            """SELECT customer.id, customer.revenue_12m, before.state AS was,
                      after.state AS becomes
                 FROM crm_customer_profile AS customer
                 LEFT JOIN (%(before)s) AS before ON before.partner_id = customer.partner_id
                 LEFT JOIN (%(after)s) AS after ON after.partner_id = customer.partner_id
                WHERE customer.id IN %(rows)s""",
            before=self._sql_states(self.date_from),
            after=self._sql_states(self.date_to),
            rows=rows.subselect(),
        )

    def _sql_states(self, day) -> SQL:
        """``(partner_id, state)`` on a day."""
        if self.kind == "tiers":
            return SQL(
                """SELECT DISTINCT ON (partner_id) partner_id, tier_id AS state
                     FROM crm_loyalty_tier_history
                    WHERE company_id = %s AND date <= %s
                    ORDER BY partner_id, date DESC""",
                self.company_id.id,
                day,
            )
        members = self.env["crm.customer.segment.member"]
        members = members.with_context(allowed_company_ids=self.company_id.ids)._search(
            [
                ("company_id", "=", self.company_id.id),
                ("segment_id", "in", self._states().ids),
                ("date_from", "<=", day),
                "|",
                ("date_to", "=", False),
                ("date_to", ">", day),
            ]
        )
        partner, segment = (
            SQL.identifier(members.table, name) for name in ("partner_id", "segment_id")
        )
        return members.select(partner, SQL("%s AS state", segment))
