from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain

AMOUNT = "crm_extended.group_amount"
MARGIN = "crm_extended.group_margin"
PRIORITIES = [("0", "Low"), ("1", "Normal"), ("2", "High"), ("3", "Very high")]
# what people say of a case; all else is found
SAID = {
    "user_id", "stage_id", "priority", "leaving_reason_id", "leaving_note", "offered", "discount",
    "offered_on",
}  # fmt: skip
MARGIN_STATES = [("known", "Known"), ("partial", "Partly known"), ("unknown", "Not known")]


class CrmWinbackCase(models.Model):
    """The attempt to win one lost customer back, from the day it begins to the day it ends.

    A customer has one open case in a company at most. It ends when he buys, which a refresh finds,
    or when somebody gives him up, for a reason. Who was won back and is lost later, is lost again,
    and may get another case: how often he has left before is counted.

    Cases are opened at night, or by somebody for a customer who is lost; never for who is to pay
    first, nor for who wants no profile.
    """

    _name = "crm.winback.case"
    _description = "Win-Back Case"
    _inherit = ["mail.tracking.duration.mixin", "mail.activity.mixin"]
    _order = "opened_on DESC, id DESC"
    _rec_name = "partner_id"
    _track_duration_field = "stage_id"

    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    currency_id = fields.Many2one(related="company_id.currency_id")
    active = fields.Boolean(
        default=True, readonly=True, help="Off while the contact of the customer is archived."
    )
    user_id = fields.Many2one(
        "res.users",
        "Salesperson",
        index="btree_not_null",
        ondelete="set null",
        tracking=True,
        domain="[('share', '=', False), ('company_ids', 'in', company_id)]",
        help="Who wins this customer back: at first his salesperson.",
    )
    stage_id = fields.Many2one(
        "crm.winback.stage",
        required=True,
        index=True,
        ondelete="restrict",
        tracking=True,
        group_expand="_read_group_stage_ids",
        default=lambda self: self.env["crm.winback.stage"]._of_kind("to_contact"),
    )
    outcome = fields.Selection(related="stage_id.outcome", store=True, help="How the case ended.")
    date_last_stage_update = fields.Datetime(
        "Last Stage Update", readonly=True, default=lambda self: self.env.cr.now()
    )
    priority = fields.Selection(PRIORITIES, default="0")

    opened_on = fields.Date(required=True, readonly=True, help="Day on which the case began.")
    closed_on = fields.Date(readonly=True, help="Day on which the case ended.")
    left_after = fields.Date(
        "Last Order Before",
        required=True,
        readonly=True,
        help="Day of the last order before he left. A later one wins him back.",
    )
    lost_since = fields.Date(
        readonly=True, help="Day from which his silence was that of a lost customer."
    )
    won_back_on = fields.Date(
        readonly=True, help="Day of the first purchase, or confirmed order, after he had left."
    )
    lost_again_on = fields.Date(readonly=True, help="Day on which his second life ended.")
    give_up_proposed_on = fields.Date(
        "Proposed to Give Up",
        readonly=True,
        help="Day on which a refresh found that nobody had been in touch for too long (settings).",
    )
    days_to_return = fields.Integer(
        compute="_compute_result",
        store=True,
        aggregator="avg",
        help="Days from the opening of the case to his first purchase.",
    )
    won_back_rate = fields.Float(
        "Won Back (Rate)",
        compute="_compute_result",
        store=True,
        aggregator="avg",
        help="1 for who came back, also if he was lost again later; 0 for who did not. On average: "
        "the share that came back. For cases that ended.",
    )

    leaving_reason_id = fields.Many2one(
        "crm.leaving.reason",
        "Reason of Leaving",
        index=True,
        ondelete="restrict",
        tracking=True,
        help="Why he left, as he said. It decides what to offer.",
    )
    leaving_note = fields.Text("In His Own Words", help="What he said about it.")
    say = fields.Text(related="leaving_reason_id.offer", string="What to Say")
    is_discount_sensible = fields.Boolean(related="leaving_reason_id.is_discount_sensible")
    is_final = fields.Boolean(
        related="leaving_reason_id.is_final", string="Nothing Brings Him Back", store=True
    )
    offered = fields.Text("What Was Offered", help="So that nobody offers it twice, or less.")
    discount = fields.Float(
        "Discount Offered", aggregator="avg", help="Share off the price; the last thing to offer."
    )
    offered_on = fields.Date(help="Day of the last offer.")

    _open_unique = models.UniqueIndex(
        "(partner_id, company_id) WHERE outcome IS NULL",
        "This customer has an open win-back case already.",
    )
    # the night looks up the cases of a company that have ended, and those of a customer
    _company_outcome_idx = models.Index("(company_id, outcome)")

    @api.model
    def _read_group_stage_ids(self, stages, domain):
        return stages.search([])

    @api.depends("outcome", "won_back_on", "opened_on")
    def _compute_result(self):
        for case in self:
            days = (case.won_back_on - case.opened_on).days if case.won_back_on else 0
            case.days_to_return = max(days, 0)
            case.won_back_rate = float(case.outcome in ("won_back", "lost_again"))

    @api.constrains("discount")
    def _check_discount(self):
        for case in self:
            if not 0 <= case.discount < 1:
                raise ValidationError(
                    self.env._("A discount is a share of the price: enter 0 % to 99 %.")
                )

    # ------------------------------------------------------------------------ rotting

    def _get_rotting_depends_fields(self):
        return [*super()._get_rotting_depends_fields(), "outcome"]

    def _get_rotting_domain(self):
        return super()._get_rotting_domain() & Domain("outcome", "=", False)

    # ------------------------------------------------------------------------ writing

    def write(self, vals):
        self._check_said(vals)
        if "stage_id" in vals:
            stage = self.env["crm.winback.stage"].browse(vals["stage_id"])
            self._check_move(stage, vals)
            vals = vals | self._moved_values(stage, vals)
        if vals.get("offered") and "offered_on" not in vals:
            vals = vals | {"offered_on": fields.Date.context_today(self)}
        result = super().write(vals)
        if "leaving_reason_id" in vals:
            self._update_chances()
        return result

    def _check_said(self, vals):
        if self.env.su:
            return
        found = sorted(
            name
            for name in vals.keys() - SAID
            if name in self._fields and not name.startswith(("activity_", "message_"))
        )
        if found:
            labels = [self._fields[name]._description_string(self.env) for name in found]
            raise AccessError(
                self.env._(
                    "%(fields)s: found by the refresh, and not to be written.",
                    fields=", ".join(labels),
                )
            )

    def _moved_values(self, stage, vals) -> dict:
        # sudo: stages are read by everyone who reads cases
        is_closed = bool(stage.sudo().outcome)
        today = fields.Date.context_today(self)
        values = {
            "date_last_stage_update": self.env.cr.now(),
            "closed_on": today if is_closed else False,
            "give_up_proposed_on": False,
        }
        return {name: value for name, value in values.items() if name not in vals}

    def _check_move(self, stage, vals):
        """People may give up, with a reason, and begin again what was given up; that somebody came
        back or was lost again is found."""
        if self.env.su:
            return
        if stage.outcome in ("won_back", "lost_again"):
            raise UserError(
                self.env._(
                    "A purchase tells that a customer came back: the next refresh sees it, and "
                    "moves his case by itself."
                )
            )
        for case in self.filtered(lambda case: case.stage_id != stage):
            if stage.outcome and not vals.get("leaving_reason_id", case.leaving_reason_id):
                raise UserError(
                    self.env._(
                        "Say first why %(customer)s left: it teaches what brings others back.",
                        customer=case.partner_id.display_name,
                    )
                )
            if case.outcome and not stage.outcome:
                case._check_reopening()

    def _check_reopening(self):
        if self.outcome != "given_up":
            raise UserError(
                self.env._(
                    "%(customer)s came back after this case: when he is lost again, he gets "
                    "another one.",
                    customer=self.partner_id.display_name,
                )
            )
        # sudo: one that the user may not see would still be in the way
        if self.sudo()._open_case_of(self.partner_id, self.company_id):
            raise UserError(
                self.env._(
                    "%(customer)s has an open win-back case already: go on there.",
                    customer=self.partner_id.display_name,
                )
            )

    @api.model
    def _open_case_of(self, partner, company):
        return self.with_context(active_test=False).search(
            [
                ("partner_id", "=", partner.id),
                ("company_id", "=", company.id),
                ("outcome", "=", False),
            ],
            limit=1,
        )

    def _move_to(self, kind: str, **values):
        """Move these to the stage of a kind, as the night or an answer tells."""
        stage = self.env["crm.winback.stage"].sudo()._of_kind(kind)
        self.write({"stage_id": stage.id} | values)
