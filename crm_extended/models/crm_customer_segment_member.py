from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..domains import having_lines, search_lines

USER = "crm_extended.group_user"


class CrmCustomerSegmentMember(models.Model):
    """A customer was in a segment from a day on, until a day on which he was not any more.

    Days are as-of dates: those of the figures by which he was found. Who enters again gets
    another line; at most one is open.
    """

    _name = "crm.customer.segment.member"
    _description = "Member of a Segment"
    _log_access = False
    _order = "date_from DESC, id DESC"
    _rec_name = "partner_id"

    segment_id = fields.Many2one(
        "crm.customer.segment", required=True, readonly=True, ondelete="cascade"
    )
    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    user_id = fields.Many2one(related="partner_id.user_id", string="Salesperson")
    date_from = fields.Date("Entered", required=True, readonly=True, help="First day in it.")
    date_to = fields.Date(
        "Left", readonly=True, help="First day on which he was not in it. Empty: he is in it."
    )

    # also what a refresh looks up
    _open_unique = models.UniqueIndex(
        "(segment_id, partner_id, company_id) WHERE date_to IS NULL",
        "A customer is in a segment once.",
    )
    # who left on the day that is refreshed again, and the past of a segment
    _left_idx = models.Index("(segment_id, date_to) WHERE date_to IS NOT NULL")
    # the segments of a customer
    _partner_idx = models.Index("(partner_id, company_id)")

    def action_remove(self):
        """Take these out of the lists that they were put into by hand."""
        self.check_access("read")
        self.segment_id._check_by_hand()
        # sudo: members have no write right for anyone; who may write the list was checked above
        members = self.sudo().filtered(lambda member: not member.date_to)
        for segment, of_segment in members.grouped("segment_id").items():
            for company, of_company in of_segment.grouped("company_id").items():
                segment._leave(company, of_company)

    @api.model
    def _keep_one_open(self, partners, partner):
        """Of contacts that become one, the one stays where any of them is, and has the past that
        he had himself."""
        self.flush_model()
        # sudo: who merges contacts need not see segments
        lines = self.sudo().search(
            [("partner_id", "in", (partners | partner).ids)], order="date_from, id"
        )
        for _key, group in lines.grouped(lambda line: (line.segment_id, line.company_id)).items():
            own = group.filtered(lambda line: line.partner_id == partner)
            is_open = group.filtered(lambda line: not line.date_to)
            kept = (is_open & own or is_open)[:1]
            (group - own - kept).unlink()
            last = max((own - kept).mapped("date_to"), default=None)
            if kept and last and kept.date_from < last:
                kept.date_from = last


class CrmCustomerProfileSegments(models.Model):
    """Shows the segments that a customer is in."""

    _inherit = "crm.customer.profile"

    segment_ids = fields.Many2many(
        "crm.customer.segment",
        string="Segments",
        compute="_compute_segment_ids",
        search="_search_segment_ids",
        groups=USER,
        help="Segments that the customer is in now.",
    )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_segment_ids(self):
        found = {}
        members = self._readable_members()
        if members.has_access("read"):
            lines = members.search_fetch(
                [("partner_id", "in", self.partner_id.ids), ("date_to", "=", False)],
                ["partner_id", "company_id", "segment_id"],
                order="segment_id",
            )
            for line in lines:
                key = (line.partner_id.id, line.company_id.id)
                found[key] = found.get(key, self.env["crm.customer.segment"]) | line.segment_id
        for row in self:
            row.segment_ids = found.get((row.partner_id.id, row.company_id.id), False)

    @api.model
    def _search_segment_ids(self, operator, value):
        return search_lines(operator, value, "segment_id", self._in_segments)

    @api.model
    def _in_segments(self, domain: Domain) -> Domain:
        """Rows of customers who are in a segment that the domain finds."""
        return having_lines(
            self._readable_members(),
            domain & Domain("date_to", "=", False),
            lambda model, alias, query: SQL(
                "(%s, %s)",
                model._field_to_sql(alias, "partner_id", query),
                model._field_to_sql(alias, "company_id", query),
            ),
            lambda row: (row.partner_id.id, row.company_id.id),
        )

    @api.model
    def _readable_members(self):
        """Those of the reader, also for what is done on his behalf with sudo."""
        return self.env["crm.customer.segment.member"].sudo(False)

    def action_add_to_segment(self):
        """Asks for the list that these customers are put into."""
        self.check_access("read")
        return self._ask_for_segment({"default_profile_ids": self.ids})

    @api.model
    def _ask_for_segment(self, defaults):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Add to a Segment"),
            "res_model": "crm.customer.segment.add",
            "views": [[False, "form"]],
            "target": "new",
            "context": defaults,
        }
