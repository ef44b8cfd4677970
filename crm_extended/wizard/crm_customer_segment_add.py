from odoo import api, fields, models
from odoo.exceptions import UserError


class CrmCustomerSegmentAdd(models.TransientModel):
    """Puts customers into a list that is kept by hand, or begins one with them."""

    _name = "crm.customer.segment.add"
    _description = "Add Customers to a Segment"

    profile_ids = fields.Many2many("crm.customer.profile", string="Customers")
    list_ids = fields.Many2many("crm.customer.segment", string="Lists", compute="_compute_list_ids")
    segment_id = fields.Many2one(
        "crm.customer.segment",
        domain="[('id', 'in', list_ids)]",
        help="Lists kept by hand that you may change.",
    )
    name = fields.Char("Or a New One", help="Begins a list of your own with these customers.")

    @api.depends_context("uid")
    def _compute_list_ids(self):
        lists = self.env["crm.customer.segment"].search([("kind", "=", "static")])
        self.list_ids = lists.filtered("may_edit")

    def action_add(self):
        self.ensure_one()
        name = (self.name or "").strip()
        if not self.segment_id and not name:
            raise UserError(self.env._("Choose a segment, or name a new one."))
        if not self.profile_ids:
            raise UserError(self.env._("Choose the customers who are to be in the segment."))
        # the user must see them now: the ids came from him
        self.profile_ids.check_access("read")
        segment = self.segment_id or self._make_list(name)
        segment._check_by_hand()
        foreign = segment.company_id and self.profile_ids.company_id - segment.company_id
        if foreign:
            raise UserError(
                self.env._(
                    "“%(segment)s” is a segment of %(company)s: leave the customers of "
                    "%(others)s out.",
                    segment=segment.name,
                    company=segment.company_id.name,
                    others=", ".join(foreign.mapped("name")),
                )
            )
        segment._enter(self.profile_ids)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._(
                    "“%(segment)s” has %(count)s customers now.",
                    segment=segment.name,
                    count=segment.member_count,
                ),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def _make_list(self, name):
        company = self.profile_ids.company_id
        return self.env["crm.customer.segment"].create(
            {
                "name": name,
                "kind": "static",
                "company_id": company.id if len(company) == 1 else False,
            }
        )
