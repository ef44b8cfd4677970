from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .crm_segment_rule import RuleError

PROFILE = "crm.customer.profile"
SHOWN_GROUPS = {
    "crm_extended.group_amount": "shows_amounts",
    "crm_extended.group_margin": "shows_margins",
}


class CrmCustomerSegmentRule(models.Model):
    """The rule of a segment: what it may name, whose rights it is read with, and what is wrong
    with it, in one sentence that says what to do.

    A segment tells of its members what its rule asks: one that asks for amounts or margins is for
    who may see these, one that asks for what other groups guard is its owner's alone.
    """

    _inherit = "crm.customer.segment"

    _rule_model = PROFILE
    _found_fields = frozenset(
        {
            "refreshed_on", "error_kind", "error_args", "error_company_id", "shows_amounts",
            "shows_margins", "is_private",
        }
    )  # fmt: skip

    shows_amounts = fields.Boolean(compute="_compute_shows", store=True)
    shows_margins = fields.Boolean(compute="_compute_shows", store=True)
    is_private = fields.Boolean(
        "Only for Its Owner",
        compute="_compute_shows",
        store=True,
        help="The rule asks for something that others may not see.",
    )

    @api.depends("domain", "kind")
    def _compute_shows(self):
        for segment in self:
            shown = dict.fromkeys((*SHOWN_GROUPS.values(), "is_private"), False)
            try:
                # sudo: which groups the fields carry, not what they hold
                conditions = list(segment.sudo()._conditions()) if segment.kind != "static" else []
            except RuleError:
                conditions = []
            for field in {field for condition in conditions for field in condition.fields}:
                groups = segment._guarding_groups(field)
                if not groups:
                    continue
                names = {SHOWN_GROUPS[group] for group in groups & SHOWN_GROUPS.keys()}
                shown |= dict.fromkeys(names or {"is_private"}, True)
            segment.update(shown)

    @api.constrains("domain", "kind", "user_id", "company_id")
    def _check_rule(self):
        # what the app brings is checked when it is first used: its owner may have no rights yet
        if self.env.context.get("install_mode"):
            return
        for segment in self:
            try:
                segment._check_owner()
                if segment.kind == "dynamic":
                    segment._check_conditions()
            except RuleError as error:
                raise ValidationError(segment._rule_sentence(error.kind, error.names)) from error

    @api.model
    def _check_field(self, model, field):
        if model._name == PROFILE and field.name == "segment_ids":
            raise RuleError("segments")
        return super()._check_field(model, field)
