from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

SEGMENT_KINDS = [("dynamic", "By a rule"), ("static", "By hand")]
SEGMENT_MODES = [("sync", "Add and remove"), ("add", "Only add")]
# who writes one of these is the one whose rights the rule is read with
RULE_FIELDS = {"kind", "mode", "domain", "company_id"}
CHANGE_DAYS = 30


class CrmCustomerSegment(models.Model):
    """A named group of customers, with the days on which each entered and left.

    A dynamic segment is found by a rule on the customers' figures: in each refresh, and when the
    rule is saved. The rule is read with the rights of its owner, never with more: he is who wrote
    it last. When he loses a right that it needs, the segment keeps its members and says so. A
    static one is kept by hand. Who has no row any more leaves both.
    """

    _name = "crm.customer.segment"
    _inherit = ["crm.segment.rule"]
    _description = "Customer Segment"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    description = fields.Text(
        translate=True, help="Who is in it, and what to do about these customers."
    )
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    color = fields.Integer()
    company_id = fields.Many2one(
        "res.company",
        index="btree_not_null",
        ondelete="cascade",
        default=lambda self: self.env.company,
        help="Whose customers are in it. Empty: those of each company.",
    )
    user_id = fields.Many2one(
        "res.users",
        "Owner",
        ondelete="set null",
        copy=False,
        default=lambda self: self._default_owner(),
        help="The rule is read with his rights: it finds the customers that he may see.",
    )
    kind = fields.Selection(SEGMENT_KINDS, "Members Are Found", required=True, default="dynamic")
    mode = fields.Selection(
        SEGMENT_MODES,
        "When Customers Change",
        required=True,
        default="sync",
        help="Add and remove: who no longer fits leaves. Only add: who was in once stays, until he "
        "has no figures any more.",
    )
    domain = fields.Char("Rule", default="[]", help="Which customers are in the segment.")
    refreshed_on = fields.Date(
        readonly=True, copy=False, help="As-of date of the last refresh that found its members."
    )
    member_ids = fields.One2many("crm.customer.segment.member", "segment_id", "Members")
    member_count = fields.Integer(
        "Customers", compute="_compute_counts", help="Customers in it now that you may see."
    )
    entered_count = fields.Integer(
        "Entered", compute="_compute_counts", help="Customers who entered in the last 30 days."
    )
    left_count = fields.Integer(
        "Left", compute="_compute_counts", help="Customers who left in the last 30 days."
    )
    may_edit = fields.Boolean(compute="_compute_may_edit")

    @api.depends_context("uid", "allowed_company_ids")
    @api.depends("member_ids")
    def _compute_counts(self):
        since = fields.Date.subtract(fields.Date.context_today(self), days=CHANGE_DAYS)
        members = self.env["crm.customer.segment.member"]
        counts = {}
        for name, domain in (
            ("member_count", Domain("date_to", "=", False)),
            ("entered_count", Domain("date_from", ">", since)),
            ("left_count", Domain("date_to", ">", since)),
        ):
            domain &= Domain("segment_id", "in", self.ids)
            counts[name] = dict(members._read_group(domain, ["segment_id"], ["__count"]))
        for segment in self:
            for name, found in counts.items():
                segment[name] = found.get(segment._origin, 0)

    @api.depends_context("uid")
    @api.depends("user_id")
    def _compute_may_edit(self):
        is_manager = self.env.user.has_group("crm_extended.group_manager")
        for segment in self:
            segment.may_edit = is_manager or segment.user_id == self.env.user

    # ------------------------------------------------------------------------ writing

    @api.model_create_multi
    def create(self, vals_list):
        segments = super().create([self._allowed_values(vals) for vals in vals_list])
        # no heavy work while the app is installed: the night finds them
        if not self.env.context.get("install_mode"):
            segments._refresh_now()
        return segments

    def write(self, vals):
        vals = self._allowed_values(vals)
        if not self.env.su and vals.keys() & RULE_FIELDS:
            vals = vals | {"user_id": self.env.uid}
        result = super().write(vals)
        if vals.keys() & (RULE_FIELDS | {"active", "user_id"}):
            self._refresh_now()
        return result

    # ------------------------------------------------------------------------ actions

    def action_take_over(self):
        """Make the user the owner: from now on the rules are read with his rights."""
        self.env.user._check_customer_manager()
        self.write({"user_id": self.env.uid})

    def action_refresh(self):
        """Find the members again, in the published figures."""
        self.check_access("write")
        self._refresh_now()

    def action_open_customers(self):
        """The figures of the customers who are in it now."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "crm_extended.crm_customer_profile_action"
        )
        return action | {
            "display_name": self.name,
            "domain": [("segment_ids", "in", self.ids)],
            "context": {},
        }

    def action_open_members(self):
        """Who entered and left, and when."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "crm_extended.crm_customer_segment_member_action"
        )
        return action | {"display_name": self.name, "domain": [("segment_id", "=", self.id)]}

    def action_add_customers(self):
        """Asks for customers to put into a list that is kept by hand."""
        self.ensure_one()
        self._check_by_hand()
        return self.env["crm.customer.profile"]._ask_for_segment({"default_segment_id": self.id})

    def _check_by_hand(self):
        """Whether the user may say who is in these."""
        self.check_access("write")
        for segment in self.filtered(lambda segment: segment.kind != "static"):
            raise UserError(
                self.env._(
                    "The customers of “%(segment)s” are found by its rule: change the rule, or "
                    "choose a segment that is kept by hand.",
                    segment=segment.name,
                )
            )
