from odoo import api, fields, models
from odoo.exceptions import UserError


class CrmWinbackNote(models.TransientModel):
    """Keeps what was said about a win-back case: why the customer left, what was offered, or that
    he is given up. A discount that answers nothing is warned of, not refused."""

    _name = "crm.winback.note"
    _description = "Note on a Win-Back Case"

    case_id = fields.Many2one("crm.winback.case", required=True, readonly=True, ondelete="cascade")
    mode = fields.Selection(
        [("reason", "Reason"), ("offer", "Offer"), ("give_up", "Give up")],
        required=True,
        readonly=True,
        default="reason",
    )
    leaving_reason_id = fields.Many2one("crm.leaving.reason", "Why Did He Leave?")
    say = fields.Text(related="leaving_reason_id.offer", string="What to Say")
    note = fields.Text("In His Own Words")
    offered = fields.Text("What Was Offered?")
    discount = fields.Float(help="The last thing to offer.")
    is_discount_doubtful = fields.Boolean(compute="_compute_is_discount_doubtful")

    @api.depends("discount", "leaving_reason_id")
    def _compute_is_discount_doubtful(self):
        for note in self:
            reason = note.leaving_reason_id
            note.is_discount_doubtful = bool(
                note.discount > 0 and reason and not reason.is_discount_sensible
            )

    def action_keep(self):
        self.ensure_one()
        # the id of the case came from the user
        case = self.case_id
        case.check_access("write")
        getattr(self, f"_keep_{self.mode}")(case)
        return {"type": "ir.actions.act_window_close"}

    def _said(self) -> dict:
        values = {}
        if self.leaving_reason_id:
            values["leaving_reason_id"] = self.leaving_reason_id.id
        if note := (self.note or "").strip():
            values["leaving_note"] = "\n".join(filter(None, [self.case_id.leaving_note, note]))
        return values

    def _keep_reason(self, case):
        if not self.leaving_reason_id:
            raise UserError(
                self.env._("Choose why he left; “Something else” where nothing else fits.")
            )
        case.write(self._said())
        if case.stage_id.kind == "to_contact":
            case._move_to("contacted")

    def _keep_offer(self, case):
        offered = (self.offered or "").strip()
        if not offered:
            raise UserError(
                self.env._("Write what was offered, so that nobody offers it twice, or less.")
            )
        values = {"offered": offered, "discount": self.discount}
        values["offered_on"] = fields.Date.context_today(self)
        case.write(self._said() | values)
        if case.stage_id.kind in ("to_contact", "contacted"):
            case._move_to("offered")

    def _keep_give_up(self, case):
        case.write(self._said())
        case._move_to("given_up")
