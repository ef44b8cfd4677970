from odoo import api, fields, models

from .crm_customer_event import EVENT_KINDS
from .crm_lead_kind import OPPORTUNITY_KINDS

CASE_REASONS = [
    ("at_risk", "At risk"),
    ("win_back", "Win-back"),
    ("loss_maker", "Loss maker"),
    ("collect_first", "Collect first"),
    ("tier", "Loyalty tier"),
    ("new", "New customer"),
    ("offer", "Offer"),
    ("segment", "Segment"),
]
KINDS_OF_REASONS = {
    "at_risk": "retention",
    "win_back": "win_back",
    "new": "up_sell",
    "tier": "up_sell",
    "offer": "cross_sell",
}
WINDOW_DAYS = 90
# those held out of personal calls wait for two to four weeks
LATER_DAYS = (14, 28)
COUNTS = ("case_count", "approval_count", "held_out_count", "error_count")


class CrmPlaybook(models.Model):
    """What is done when something happens to a customer: when, what, who, and whom to leave out.

    When an event happens or a segment is entered, a case is opened: at most one that is not closed
    for a customer and a reason, and at most so many a night. Its work is an activity, an
    opportunity, a tag, or an e-mail that a person approves. A part of the customers is held out, by
    a draw that is always the same, so that the result can be told. A playbook does nothing until it
    is switched on.
    """

    _name = "crm.playbook"
    _description = "Playbook"
    _order = "sequence, id"
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    description = fields.Text(translate=True, help="What it is for, in the words of the team.")
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    color = fields.Integer()
    is_running = fields.Boolean("Running", readonly=True, copy=False)
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        ondelete="cascade",
        default=lambda self: self.env.company,
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    user_id = fields.Many2one(
        "res.users",
        "Responsible",
        ondelete="restrict",
        copy=False,
        default=lambda self: self.env["crm.customer.segment"]._default_owner(),
        help="Who answers for the playbook, and gets what nobody else can be given. A segment is "
        "read with his rights.",
    )

    # when
    trigger = fields.Selection(
        [("event", "Something happens to a customer"), ("segment", "A segment is entered")],
        "When",
        required=True,
        default="event",
    )
    event_kind = fields.Selection(EVENT_KINDS, "Event", default="at_risk")
    segment_id = fields.Many2one(
        "crm.customer.segment", ondelete="restrict", index="btree_not_null", check_company=True
    )
    reason = fields.Selection(
        CASE_REASONS,
        required=True,
        default="at_risk",
        help="A customer has one open case for a reason, whichever playbooks there are.",
    )

    # what
    activity_plan_id = fields.Many2one(
        "mail.activity.plan",
        ondelete="restrict",
        check_company=True,
        domain="[('res_model', '=', 'res.partner')]",
        help="Activities that are planned on the contact.",
    )
    activity_type_id = fields.Many2one(
        "mail.activity.type",
        "Activity",
        ondelete="restrict",
        domain="[('res_model', 'in', [False, 'res.partner'])]",
        help="One activity that is planned on the contact.",
    )
    activity_summary = fields.Char(translate=True)
    activity_days = fields.Integer(
        "Due In", default=2, aggregator=False, help="Days from the night on which it is planned."
    )
    creates_lead = fields.Boolean("Opportunity", help="An opportunity is made of each case.")
    opportunity_kind = fields.Selection(
        OPPORTUNITY_KINDS,
        "Kind of Opportunity",
        compute="_compute_opportunity_kind",
        store=True,
        readonly=False,
    )
    lead_tag_ids = fields.Many2many("crm.tag", string="Tags of the Opportunity")
    category_id = fields.Many2one(
        "res.partner.category", "Contact Tag", ondelete="restrict", help="Put on the contact."
    )
    mail_template_id = fields.Many2one(
        "mail.template",
        "Email",
        ondelete="restrict",
        domain="[('model', '=', 'res.partner')]",
        help="Sent to the customer after a person has approved it, case by case or many at once.",
    )
    server_action_id = fields.Many2one(
        "ir.actions.server",
        ondelete="restrict",
        domain="[('model_id.model', '=', 'crm.playbook.case')]",
        groups="base.group_system",
        help="Run on each case, with all rights: administrators choose it.",
    )

    # who
    owner_kind = fields.Selection(
        [
            ("salesperson", "The customer's salesperson"),
            ("user", "One person"),
            ("leader", "The leader of a team"),
            ("turn", "The members of a team in turn"),
            ("rule", "By rules"),
        ],
        "Who",
        required=True,
        default="salesperson",
        help="Whom a case is given to. Who has left, or may not see what the case tells, gets "
        "none: then it is the one named for that, then the responsible.",
    )
    assignee_id = fields.Many2one(
        "res.users", "Person", ondelete="restrict", domain="[('share', '=', False)]"
    )
    fallback_id = fields.Many2one(
        "res.users",
        "Otherwise",
        ondelete="restrict",
        domain="[('share', '=', False)]",
        help="Who gets the case when nobody is found. Empty: the responsible.",
    )
    team_id = fields.Many2one(
        "crm.team",
        "Sales Team",
        ondelete="restrict",
        check_company=True,
        help="Whose leader or members get the cases, and the team of the opportunities.",
    )

    # held out
    holdout_share = fields.Float(
        "Held Out",
        default=0.0,
        aggregator=False,
        help="Part of the customers who are left alone, so that the result can be told: 20 % is a "
        "good start, up to 50 % for few customers. 0: nobody, and the result is not known.",
    )
    holdout_kind = fields.Selection(
        [("never", "Are not contacted"), ("later", "Are contacted after the window")],
        "Those Held Out",
        compute="_compute_holdout_kind",
        store=True,
        readonly=False,
        required=True,
        precompute=True,
        help="For messages and discounts: not contacted by this playbook. For personal calls: "
        "contacted two to four weeks later, when both groups have been compared.",
    )
    exempt_top_tier = fields.Boolean(
        "Never the Top Tier",
        default=True,
        help="Customers of the highest tier are always contacted, and not compared.",
    )
    exempt_m_score = fields.Selection(
        [("5", "Money score 5"), ("4", "Money score 4 or 5")],
        "Never the Largest",
        default="5",
        help="Customers of a high money score are always contacted, and not compared.",
    )
    window_days = fields.Integer(
        "Window",
        compute="_compute_window_days",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        aggregator=False,
        help="Days after which a case ends by itself. What is bought in them is the result.",
    )
    stops_on_purchase = fields.Boolean(
        "Ends With a Purchase", default=True, help="A case ends when the customer buys."
    )
    pause_days = fields.Integer(
        "Not Again Within",
        default=180,
        aggregator=False,
        help="Days from one case of a customer to the next one of this playbook.",
    )
    nightly_limit = fields.Integer(
        "At Most a Night",
        default=50,
        required=True,
        aggregator=False,
        help="Who is beyond waits for the next nights, as long as the reason holds.",
    )
    cost_per_contact = fields.Monetary(
        help="What contacting one customer costs: the call, the gift, the discount. Taken off the "
        "result."
    )
    campaign_id = fields.Many2one(
        "utm.campaign", ondelete="set null", help="Put on the opportunities."
    )
    case_ids = fields.One2many("crm.playbook.case", "playbook_id", "Cases")

    shows_amounts = fields.Boolean(compute="_compute_shows", store=True)
    shows_margins = fields.Boolean(compute="_compute_shows", store=True)
    is_private = fields.Boolean(
        compute="_compute_shows", store=True, help="Its segment is for its owner alone."
    )
    case_count = fields.Integer("Open Cases", compute="_compute_counts")
    approval_count = fields.Integer("To Approve", compute="_compute_counts")
    held_out_count = fields.Integer("Held Out Now", compute="_compute_counts")
    error_count = fields.Integer("Errors", compute="_compute_counts")

    @api.depends("reason")
    def _compute_opportunity_kind(self):
        for playbook in self:
            playbook.opportunity_kind = KINDS_OF_REASONS.get(playbook.reason, False)

    @api.depends("mail_template_id")
    def _compute_holdout_kind(self):
        for playbook in self:
            playbook.holdout_kind = "never" if playbook.mail_template_id else "later"

    @api.depends("holdout_kind", "holdout_share")
    def _compute_window_days(self):
        for playbook in self:
            days = playbook.window_days or WINDOW_DAYS
            playbook.window_days = min(days, LATER_DAYS[1]) if playbook._starts_later() else days

    @api.depends(
        "trigger",
        "event_kind",
        "reason",
        "segment_id.shows_amounts",
        "segment_id.shows_margins",
        "segment_id.is_private",
    )
    def _compute_shows(self):
        for playbook in self:
            # sudo: which rights the rule needs, whoever saves the playbook
            segment = playbook.sudo()._segment()
            playbook.shows_amounts = segment.shows_amounts
            playbook.shows_margins = segment.shows_margins or "loss_maker" in (
                playbook.reason,
                playbook.trigger == "event" and playbook.event_kind,
            )
            playbook.is_private = segment.is_private

    @api.depends_context("uid", "allowed_company_ids")
    @api.depends("case_ids.state")
    def _compute_counts(self):
        cases = self.env["crm.playbook.case"]
        domain = [("playbook_id", "in", self.ids), ("state", "!=", "closed")]
        counts = {}
        for playbook, state, arm, is_failed, count in cases._read_group(
            domain, ["playbook_id", "state", "arm", "is_failed"], ["__count"]
        ):
            found = counts.setdefault(playbook, dict.fromkeys(COUNTS, 0))
            found["held_out_count" if arm == "held_out" else "case_count"] += count
            found["approval_count"] += count * (state == "approval")
            found["error_count"] += count * is_failed
        for playbook in self:
            playbook.update(counts.get(playbook._origin, dict.fromkeys(COUNTS, 0)))

    def _segment(self):
        return self.segment_id if self.trigger == "segment" else self.segment_id.browse()

    def _starts_later(self) -> bool:
        """Whether those held out are contacted when the window is over."""
        return bool(self.holdout_share) and self.holdout_kind == "later"

    def copy_data(self, default=None):
        return [
            values | {"name": self.env._("%(name)s (copy)", name=playbook.name)}
            for playbook, values in zip(self, super().copy_data(default), strict=True)
        ]

    # ------------------------------------------------------------------------ actions

    def action_switch_on(self):
        """From the next night on, cases are opened."""
        self.check_access("write")
        for playbook in self:
            playbook._check_complete()
        self.write({"is_running": True, "error": False})

    def action_switch_off(self):
        """No more cases are opened; those there are go on to their end."""
        self.check_access("write")
        self.write({"is_running": False, "includes_existing": False})
        # sudo: the line has no delete right for anyone; who may write the playbook switches it off
        self.sudo().candidate_ids.unlink()

    def action_open_cases(self):
        """The cases of this playbook, those to approve first where there are any."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "crm_extended.crm_playbook_case_action"
        )
        shown = "approval" if self.approval_count else "open"
        return action | {
            "display_name": self.name,
            "domain": [("playbook_id", "=", self.id)],
            "context": {f"search_default_{shown}": 1},
        }
