from odoo import fields, models


class CrmLead(models.Model):
    """Why an opportunity was won, or to whom it was lost: beside Odoo's lost reasons."""

    _inherit = "crm.lead"

    won_reason_id = fields.Many2one(
        "crm.won.reason",
        index="btree_not_null",
        ondelete="restrict",
        tracking=True,
        copy=False,
        help="What decided for us, as far as you know.",
    )
    lost_to = fields.Char(
        tracking=True, copy=False, help="The supplier who got the order, if known."
    )

    def action_unarchive(self):
        restored = self.filtered(lambda lead: not lead.active and lead.lost_to)
        result = super().action_unarchive()
        restored.lost_to = False
        return result


class CrmLeadLost(models.TransientModel):
    """Asks to whom, beside why."""

    _inherit = "crm.lead.lost"

    lost_to = fields.Char(help="The supplier who got the order, if known.")

    def action_lost_reason_apply(self):
        result = super().action_lost_reason_apply()
        if self.lost_to:
            self.lead_ids.lost_to = self.lost_to.strip()
        return result
