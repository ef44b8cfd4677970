from markupsafe import Markup

from odoo import api, fields, models

EVENT_KINDS = [
    ("new", "Became a customer"),
    ("normal", "Buys normally"),
    ("loyal", "Became loyal"),
    ("at_risk", "At risk"),
    ("lost", "Lost"),
    ("won_back", "Came back"),
    ("prospect", "Prospect again"),
    ("at_risk_over", "No longer at risk"),
    ("to_win_back", "To win back"),
    ("to_win_back_over", "No longer to win back"),
    ("loss_maker", "Loss maker"),
    ("loss_maker_over", "No longer a loss maker"),
    ("tier_up", "Tier up"),
    ("tier_down", "Tier down"),
    ("collect_first", "Collect first"),
    ("collect_first_over", "Pays again"),
]


class CrmCustomerEvent(models.Model):
    """Something that changed about a customer: his stage, a flag, his tier.

    Events are made by the delivery of what a refresh found changed, one by one through the ORM,
    so that automation rules "on creation" fire, once. The first refresh of a company makes none.
    """

    _name = "crm.customer.event"
    _description = "Customer Event"
    _order = "date DESC, id DESC"
    _rec_name = "kind"

    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    user_id = fields.Many2one(related="partner_id.user_id", string="Salesperson")
    date = fields.Date(required=True, readonly=True, help="As-of date of the refresh that saw it.")
    kind = fields.Selection(EVENT_KINDS, "Event", required=True, readonly=True)
    old_stage = fields.Char("Stage Before", readonly=True)
    old_tier_id = fields.Many2one(
        "crm.loyalty.tier", "Tier Before", readonly=True, ondelete="set null"
    )
    tier_id = fields.Many2one("crm.loyalty.tier", readonly=True, ondelete="set null")
    run_id = fields.Many2one("crm.model.run", "Refresh", readonly=True, ondelete="set null")
    description = fields.Char(compute="_compute_description")

    # the timeline of a customer
    _partner_date_idx = models.Index("(partner_id, date DESC)")

    @api.depends_context("lang")
    @api.depends("kind", "old_stage", "tier_id", "old_tier_id")
    def _compute_description(self):
        stages = dict(
            self.env["crm.customer.profile"]
            ._fields["lifecycle_stage"]
            ._description_selection(self.env)
        )
        for event in self:
            if event.kind in ("tier_up", "tier_down"):
                event.description = self.env._(
                    "%(new)s instead of %(old)s.",
                    new=event.tier_id.name or "?",
                    old=event.old_tier_id.name or "?",
                )
            elif event.old_stage in stages:
                event.description = self.env._("Was: %(stage)s.", stage=stages[event.old_stage])
            else:
                event.description = ""

    @api.depends("kind", "partner_id")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for event in self:
            event.display_name = f"{event.partner_id.display_name}: {kinds.get(event.kind)}"

    def _post_tier_notes(self):
        """A note on the contact for each tier move: what the customer may be told."""
        several = self.env["res.company"].search_count([], limit=2) > 1
        notes = {}
        for event in self.filtered(lambda event: event.kind in ("tier_up", "tier_down")):
            event = event.with_context(lang=event.company_id.partner_id.lang)
            values = {"new": event.tier_id.name, "old": event.old_tier_id.name}
            note = (
                event.env._(
                    "Tier: %(new)s from now on, after %(old)s. Tell the customer.", **values
                )
                if event.kind == "tier_up"
                else event.env._("Tier: %(new)s from now on, after %(old)s.", **values)
            )
            if several:
                note = f"{event.company_id.name}: {note}"
            notes.setdefault(event.partner_id.id, []).append(note)
        if notes:
            self.env["res.partner"].browse(notes)._message_log_batch(
                {partner: Markup("<br/>").join(lines) for partner, lines in notes.items()}
            )
