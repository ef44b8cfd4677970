from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.crm_customer_need import NEED_SOURCES


class CrmCustomerNeedNote(models.TransientModel):
    """ "What matters to them?", asked in a call and answered in a few taps.

    The answer is kept with its date and author, and noted on the contact, so that earlier answers
    can be read there. That note is no contact with the customer: the call is logged as a call.
    """

    _name = "crm.customer.need.note"
    _description = "What Matters to Them?"

    partner_id = fields.Many2one("res.partner", "Customer", required=True, readonly=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True)
    known_ids = fields.Many2many(
        "crm.need", string="So Far", compute="_compute_known_ids", help="What he said before."
    )
    need_ids = fields.Many2many(
        "crm.need",
        "crm_customer_need_note_said_rel",
        string="What Matters",
        help="What the customer says matters to him. What he said before is renewed.",
    )
    ended_ids = fields.Many2many(
        "crm.need",
        "crm_customer_need_note_ended_rel",
        string="No Longer",
        domain="[('id', 'in', known_ids)]",
        help="What he said before and does not matter to him any more.",
    )
    source = fields.Selection(NEED_SOURCES, "Learned By", required=True, default="call")
    date = fields.Date("Said On", required=True, default=fields.Date.context_today)
    note = fields.Text()

    @api.depends("partner_id", "company_id")
    def _compute_known_ids(self):
        for wizard in self:
            wizard.known_ids = wizard._needs().need_id

    def _needs(self):
        """What is on record and matters, of customers that the user may see."""
        return self.env["crm.customer.need"].search(
            [("partner_id", "=", self.partner_id.id), ("company_id", "=", self.company_id.id)]
        )

    def action_keep(self):
        self.ensure_one()
        self._check_answer()
        kept = self.env["crm.customer.need"].create(
            [
                {
                    "partner_id": self.partner_id.id,
                    "company_id": self.company_id.id,
                    "need_id": need.id,
                    "date": self.date,
                    "source": self.source,
                    **({"note": self.note} if self.note else {}),
                }
                for need in self.need_ids
            ]
        )
        ended = self._needs().filtered(lambda need: need.need_id in self.ended_ids)
        ended.active = False
        if kept or ended:
            self._note_answer()
        return {"type": "ir.actions.act_window_close"}

    def _check_answer(self):
        if not self.need_ids and not self.ended_ids:
            raise UserError(
                self.env._(
                    "Choose what matters to %(customer)s, or what no longer does.",
                    customer=self.partner_id.display_name,
                )
            )
        both = self.need_ids & self.ended_ids
        if both:
            raise UserError(
                self.env._(
                    "%(needs)s can't matter and no longer matter: take it out of one of the two.",
                    needs=", ".join(both.mapped("name")),
                )
            )

    def _note_answer(self):
        lines = []
        if self.need_ids:
            lines.append(
                self.env._(
                    "Matters to them: %(needs)s", needs=", ".join(self.need_ids.mapped("name"))
                )
            )
        if self.ended_ids:
            lines.append(
                self.env._(
                    "No longer matters: %(needs)s", needs=", ".join(self.ended_ids.mapped("name"))
                )
            )
        if self.note:
            lines.append(self.note)
        # sudo: who may see a customer may say what he said, also without editing contacts
        self.partner_id.sudo().message_post(
            body=Markup("<br/>").join(lines),
            author_id=self.env.user.partner_id.id,
            subtype_xmlid="mail.mt_note",
        )
