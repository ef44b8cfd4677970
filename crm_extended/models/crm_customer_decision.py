from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import format_amount

from ..analytics.letting_go import SHARES, what_if
from ..wording import percent

MEASURES = [
    ("price", "Raise the price"),
    ("minimum_order", "Minimum order"),
    ("channel", "Cheaper channel"),
    ("delivery_fee", "Delivery fee"),
    ("payment", "Payment in time"),
    ("let_go", "Let go"),
    ("keep", "Keep on purpose"),
]
# measures without a number of their own
WITHOUT_VALUE = ("let_go", "keep")
OPEN_STATES = ("proposed", "decided")
REVIEW_MONTHS = 6
# what was agreed: it stays as it was decided
TERMS = {"partner_id", "company_id", "measure", "value"}
# what is changed by the buttons alone
STEPS = {
    "state", "proposed_by_id", "decided_by_id", "date", "reviewed_on", "contribution_then",
    "then_is_known", "was_loss_maker", "contribution_reviewed", "reviewed_is_known",
    "expected_contribution", "expected_is_known", "result",
}  # fmt: skip


class CrmCustomerDecision(models.Model):
    """What somebody decided about a customer who costs more than he brings.

    A decision has a name and a day of review, and changes nothing by itself: terms are agreed
    with the customer by people. Who sees margins proposes, a manager among them decides; then the
    terms stand, the contribution of that day is kept, and an activity asks whoever decided on the
    day of review. The review holds the contribution of that day against it. There is one open
    decision per company and customer; a contact of a customer stands for the customer.
    """

    _name = "crm.customer.decision"
    _description = "Decision About a Customer"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "date_review, id"
    _rec_name = "partner_id"
    _rec_names_search = ["partner_id"]

    def _default_date_review(self):
        return fields.Date.context_today(self) + relativedelta(months=REVIEW_MONTHS)

    partner_id = fields.Many2one(
        "res.partner",
        "Customer",
        required=True,
        index=True,
        ondelete="cascade",
        domain="[('commercial_partner_id', '=', id)]",
    )
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        ondelete="cascade",
        default=lambda self: self.env.company,
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    salesperson_id = fields.Many2one(related="partner_id.user_id", string="Salesperson")
    state = fields.Selection(
        [
            ("proposed", "Proposed"),
            ("decided", "Decided"),
            ("reviewed", "Reviewed"),
            ("dropped", "Dropped"),
        ],
        required=True,
        readonly=True,
        default="proposed",
        copy=False,
        tracking=True,
    )
    measure = fields.Selection(MEASURES, required=True, default="price", tracking=True)
    value = fields.Float(
        "Terms",
        aggregator=None,
        tracking=True,
        help="Raise the price: per cent more. Minimum order: amount of an order, untaxed. Cheaper "
        "channel: per cent of calls and meetings that self-service replaces. Delivery fee: amount "
        "of a delivery. Payment in time: per cent of late payments that come in time.",
    )
    terms = fields.Char("In Words", compute="_compute_terms")
    note = fields.Text(help="Why, and what to tell the customer.")
    proposed_by_id = fields.Many2one(
        "res.users", readonly=True, default=lambda self: self.env.user, copy=False
    )
    decided_by_id = fields.Many2one("res.users", readonly=True, copy=False)
    date = fields.Date("Decided On", readonly=True, copy=False)
    date_review = fields.Date(
        "Review On",
        required=True,
        default=lambda self: self._default_date_review(),
        copy=False,
        tracking=True,
        help="On this day whoever decided is asked whether it has helped. Contribution is that of "
        "twelve months: it takes half a year to show.",
    )
    is_due = fields.Boolean("Review Due", compute="_compute_is_due", search="_search_is_due")
    reviewed_on = fields.Date(readonly=True, copy=False)
    expected_contribution = fields.Monetary(
        "Would Have Been",
        compute="_compute_expected",
        store=True,
        copy=False,
        help="Contribution of the last 12 months, had these terms held and had he bought the same; "
        "as of the day of the proposal.",
    )
    expected_is_known = fields.Boolean(compute="_compute_expected", store=True, copy=False)
    contribution_then = fields.Monetary(
        readonly=True,
        copy=False,
        help="Of the 12 months up to the decision.",
    )
    then_is_known = fields.Boolean("Contribution Then Is Known", readonly=True, copy=False)
    was_loss_maker = fields.Boolean("Was a Loss Maker", readonly=True, copy=False)
    contribution_reviewed = fields.Monetary(
        "Contribution at Review",
        readonly=True,
        copy=False,
        help="Of the 12 months up to the review.",
    )
    reviewed_is_known = fields.Boolean("Contribution at Review Is Known", readonly=True, copy=False)
    contribution_now = fields.Monetary(
        compute="_compute_now",
        help="Of the 12 months up to the as-of date.",
    )
    now_is_known = fields.Boolean("Contribution Now Is Known", compute="_compute_now")
    is_loss_maker = fields.Boolean("Is a Loss Maker", compute="_compute_now")
    result = fields.Selection(
        [
            ("gone", "No loss maker any more"),
            ("better", "Brings more than then"),
            ("not", "Brings no more than then"),
            ("unknown", "Not known"),
        ],
        readonly=True,
        copy=False,
        tracking=True,
        help="What the review found.",
    )

    _open_unique = models.UniqueIndex(
        "(partner_id, company_id) WHERE state IN ('proposed', 'decided')",
        "This customer has an open decision already: review it, or drop it.",
    )

    # ------------------------------------------------------------------------- fields

    @api.depends_context("lang")
    @api.depends("measure", "value", "currency_id")
    def _compute_terms(self):
        for decision in self:
            decision.terms = self._terms_of(
                decision.measure,
                decision.value,
                decision.currency_id or self.env.company.currency_id,
            )

    @api.model
    def _terms_of(self, measure: str, value: float, currency) -> str:
        if measure in SHARES:
            shown = percent(self.env, value / 100, digits=0 if value == round(value) else 1)
        else:
            shown = format_amount(self.env, value, currency, trailing_zeroes=False)
        match measure:
            case "price":
                return self.env._("Prices %(share)s higher.", share=shown)
            case "minimum_order":
                return self.env._("Orders of %(amount)s or more.", amount=shown)
            case "channel":
                return self.env._("%(share)s of calls and meetings by self-service.", share=shown)
            case "delivery_fee":
                return self.env._("%(amount)s for each delivery.", amount=shown)
            case "payment":
                return self.env._("%(share)s of late payments in time.", share=shown)
            case "let_go":
                return self.env._("Served no more.")
            case "keep":
                return self.env._("Stays as he is.")
        return ""

    @api.depends("state", "date_review")
    def _compute_is_due(self):
        today = fields.Date.context_today(self)
        for decision in self:
            decision.is_due = decision.state == "decided" and decision.date_review <= today

    @api.model
    def _search_is_due(self, operator, value):
        if operator != "in":
            return NotImplemented
        due = fields.Domain("state", "=", "decided")
        due &= fields.Domain("date_review", "<=", fields.Date.context_today(self))
        return due if True in value else ~due

    @api.depends("partner_id", "company_id", "measure", "value")
    def _compute_expected(self):
        """Kept as it was told on that day: documents that come later change nothing."""
        for decision in self:
            year = decision._row()._what_if_year() if decision._row() else None
            decision.expected_is_known = bool(year and decision.measure)
            decision.expected_contribution = (
                what_if(year, decision.measure, decision.value).contribution
                if decision.expected_is_known
                else 0
            )

    @api.depends("state", "partner_id", "company_id", "contribution_reviewed")
    def _compute_now(self):
        rows = self._rows()
        for decision in self:
            row = rows.get((decision.partner_id.id, decision.company_id.id))
            if decision.state == "reviewed":
                decision.contribution_now = decision.contribution_reviewed
                decision.now_is_known = decision.reviewed_is_known
                decision.is_loss_maker = decision.result != "gone" and decision.was_loss_maker
            else:
                decision.now_is_known = bool(row and row.margin_state in ("known", "partial"))
                decision.contribution_now = row.contribution_12m if decision.now_is_known else 0
                decision.is_loss_maker = bool(row and row.loss_maker_flag)

    def _rows(self) -> dict:
        """``{(customer, company): row}``"""
        # sudo: who may read a decision may read the customer it is about
        rows = self.env["crm.customer.profile"].sudo()
        rows = rows.search(
            [
                ("partner_id", "in", self.partner_id.ids),
                ("company_id", "in", self.company_id.ids),
            ]
        )
        return {(row.partner_id.id, row.company_id.id): row for row in rows}

    def _row(self):
        return self._rows().get(
            (self.partner_id.id, self.company_id.id), self.env["crm.customer.profile"]
        )

    @api.depends("partner_id", "measure")
    def _compute_display_name(self):
        measures = dict(self._fields["measure"]._description_selection(self.env))
        for decision in self:
            decision.display_name = self.env._(
                "%(customer)s: %(measure)s",
                customer=decision.partner_id.display_name,
                measure=measures.get(decision.measure, ""),
            )

    # -------------------------------------------------------------------- constraints

    @api.constrains("date_review", "state")
    def _check_date_review(self):
        for decision in self:
            today = decision.company_id._customer_today()
            if decision.state in OPEN_STATES and decision.date_review <= today:
                raise ValidationError(
                    self.env._(
                        "A decision is reviewed later than today: set “Review On” to a day after "
                        "%(today)s.",
                        today=today,
                    )
                )

    @api.constrains("measure", "value")
    def _check_value(self):
        for decision in self:
            if decision.measure in SHARES and not 0 < decision.value <= 100:
                raise ValidationError(
                    self.env._(
                        "Per cent go up to 100: set “Terms” to more than 0, and 100 at most."
                    )
                )
            if decision.measure not in (*SHARES, *WITHOUT_VALUE) and decision.value <= 0:
                raise ValidationError(
                    self.env._("The amount is missing: set “Terms” to more than 0.")
                )

    @api.constrains("partner_id")
    def _check_optout(self):
        for decision in self:
            if decision.partner_id.profiling_optout:
                raise ValidationError(
                    self.env._(
                        "%(customer)s wants no profile: nothing is decided by one. “No Profiling” "
                        "on the contact says so.",
                        customer=decision.partner_id.display_name,
                    )
                )

    # --------------------------------------------------------------------------- CRUD

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._of_customer(vals) for vals in vals_list])

    def write(self, vals):
        vals = self._of_customer(vals)
        if vals.keys() & TERMS and any(decision.state != "proposed" for decision in self):
            raise UserError(
                self.env._("What was decided stands: drop this decision and propose another.")
            )
        result = super().write(vals)
        if vals.keys() & {"partner_id", "company_id"}:
            # nobody hands it to a customer of others
            self.check_access("write")
        if "date_review" in vals:
            self.activity_reschedule(
                ["mail.mail_activity_data_todo"],
                date_deadline=fields.Date.to_date(vals["date_review"]),
            )
        return result

    @api.model
    def _of_customer(self, vals) -> dict:
        """The values with the customer of a contact; what buttons do is not typed."""
        if not self.env.su and vals.keys() & STEPS:
            raise AccessError(self.env._("Only the buttons of a decision change where it stands."))
        if vals.get("partner_id"):
            partner = self.env["res.partner"].browse(vals["partner_id"])
            vals = vals | {"partner_id": partner.commercial_partner_id.id or partner.id}
        return vals

    def _mail_get_partner_fields(self, introspect_fields=False):
        """Nothing that is written here is for the customer."""
        return []
