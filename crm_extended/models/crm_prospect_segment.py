from psycopg2 import DataError, ProgrammingError

from odoo import api, fields, models, tools
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from .crm_segment_rule import RuleError

LEAD = "crm.lead"
# who writes one of these is the one whose rights the rule is read with
RULE_FIELDS = {"domain", "company_id", "active"}
NO_ERROR = {"error_kind": False, "error_args": False, "error_company_id": False}
# what is worked out from the segments themselves
BAND_FIELDS = ("prospect_segment_id", "lead_likeness")


class CrmProspectSegment(models.Model):
    """A named group of potential customers who share characteristics: a rule on leads.

    The segments of a company and those of all companies are one list: a lead is in the first one
    whose rule it fulfils. Everybody who sees leads sees their segment, so that a rule may ask only
    for what every user of the app may see. It is read with the rights of its owner, who wrote it
    last; where he loses a right that it needs, its leads stay as they are and the segment says so.
    """

    _name = "crm.prospect.segment"
    _inherit = ["crm.segment.rule"]
    _description = "Prospect Segment"
    _order = "sequence, id"

    _rule_model = LEAD

    name = fields.Char(required=True, translate=True)
    description = fields.Text(translate=True, help="Who they are, and how to win them.")
    active = fields.Boolean(default=True)
    sequence = fields.Integer(
        default=10, help="A lead that fulfils several rules is in the first of them."
    )
    color = fields.Integer()
    company_id = fields.Many2one(
        "res.company",
        index="btree_not_null",
        ondelete="cascade",
        default=lambda self: self.env.company,
        help="Whose leads are in it. Empty: those of each company.",
    )
    user_id = fields.Many2one(
        "res.users",
        "Owner",
        ondelete="set null",
        copy=False,
        default=lambda self: self._default_owner(),
        help="The rule is read with his rights: it finds the leads that he may see.",
    )
    domain = fields.Char("Rule", default="[]", help="Which leads are in the segment.")
    lead_count = fields.Integer(
        "Open Leads", compute="_compute_lead_count", help="Open leads in it that you may see."
    )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_lead_count(self):
        leads = self.env[LEAD]
        counts = {}
        if leads.has_access("read"):
            is_open = Domain("won_status", "=", "pending")
            own = Domain("prospect_segment_id", "in", self.ids)
            counts = dict(leads._read_group(is_open & own, ["prospect_segment_id"], ["__count"]))
        for segment in self:
            segment.lead_count = counts.get(segment._origin, 0)

    @api.constrains("domain", "user_id", "company_id")
    def _check_rule(self):
        for segment in self:
            try:
                segment._check_owner()
                segment._check_conditions()
            except RuleError as error:
                raise ValidationError(segment._rule_sentence(error.kind, error.names)) from error

    @api.model_create_multi
    def create(self, vals_list):
        segments = super().create([self._allowed_values(vals) for vals in vals_list])
        # what is kept of all rules
        self.env.registry.clear_cache()
        return segments

    def write(self, vals):
        vals = self._allowed_values(vals)
        if not self.env.su and vals.keys() & RULE_FIELDS:
            vals = vals | {"user_id": self.env.uid}
        if vals.keys() & (RULE_FIELDS | {"user_id"}):
            # somebody saw to it: the night looks again
            vals = vals | NO_ERROR
        result = super().write(vals)
        self.env.registry.clear_cache()
        return result

    def unlink(self):
        result = super().unlink()
        self.env.registry.clear_cache()
        return result

    # ------------------------------------------------------------------------ actions

    def action_take_over(self):
        """Make the user the owner: from now on the rule is read with his rights."""
        self.env.user._check_customer_manager()
        self.write({"user_id": self.env.uid})

    def action_sort_leads(self):
        """Look through the open leads again."""
        self.check_access("write")
        # sudo: bands of leads have no write right for anyone; each rule is read as its owner
        segments = self.sudo()
        companies = segments.company_id or segments.env["res.company"].search([])
        for company in companies & self.env.user.company_ids:
            segments.env[LEAD]._sort_open_leads(company)

    def action_open_leads(self):
        """Its open leads."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_extended.crm_lead_action_all")
        return action | {
            "display_name": self.name,
            "domain": [("prospect_segment_id", "=", self.id)],
        }

    # ----------------------------------------------------------------------- the rule

    @api.model
    def _check_field(self, model, field):
        """Everybody sees in which segment a lead is, and so what the rules ask."""
        if model._name == LEAD and field.name in BAND_FIELDS:
            raise RuleError("segments")
        is_to_leads = field.relational and field.comodel_name == LEAD
        if is_to_leads or self._guarding_groups(field) or not self._is_for_all(model._name):
            raise RuleError("guarded", field=self._label(model, field.name))
        return super()._check_field(model, field)

    @api.model
    @tools.ormcache("model_name")
    def _is_for_all(self, model_name: str) -> bool:
        """Whether who sees leads sees all records of a model: no rule keeps some from him."""
        if model_name in (LEAD, "crm.tag"):
            return True
        groups = self.env.ref("crm_extended.group_user").all_implied_ids
        # sudo: which rights there are is no secret
        rights = self.env["ir.model.access"].sudo()
        found = rights.search_count(
            [
                ("model_id.model", "=", model_name),
                ("perm_read", "=", True),
                ("group_id", "in", [False, *groups.ids]),
            ],
            limit=1,
        )
        return bool(found)

    def _rule_sentences(self):
        return super()._rule_sentences() | {
            "empty": self.env._(
                "Every lead would be in a segment without a condition: add one. Leads that fit no "
                "rule are in no segment."
            ),
            "guarded": self.env._(
                "Everybody who sees leads sees their segment, and “%(field)s” is not for "
                "everybody: choose another field."
            ),
            "nobody": self.env._(
                "No lead can be found by this rule, its conditions exclude each other: remove one, "
                "or let any of them do."
            ),
            "contradiction": self.env._(
                "No lead can be found by this rule, its conditions on “%(field)s” exclude each "
                "other: remove one, or let any of them do."
            ),
            "not_searchable": self.env._(
                "Leads can't be searched by “%(field)s”: choose another field."
            ),
            "failed": self.env._(
                "Leads can't be searched by this rule: change it. Odoo says: %(message)s"
            ),
        }

    # --------------------------------------------------------------- finding the leads

    @api.model
    def _of_company(self, company):
        """The segments that leads of a company are sorted into, in order."""
        own = Domain("company_id", "in", [company.id, False])
        return self.sudo().search(own, order="sequence, id")

    def _sql_leads(self, company, scope: Domain, as_of=None) -> SQL:
        """``(id, segment_id)`` of the leads in a scope that fulfil the rule.

        :raise RuleError: the owner or the rule is not what it was when it was saved
        """
        if self.error_kind and self.error_company_id in (company, company.browse()):
            raise RuleError(self.error_kind, **(self.error_args or {}))
        query = self._search_leads(company, scope, as_of)
        return query.select(
            SQL("%s AS id", SQL.identifier(query.table, "id")), SQL("%s AS segment_id", self.id)
        )

    def _search_leads(self, company, scope: Domain, as_of=None):
        self.ensure_one()
        self._check_owner(company)
        leads = self._as_owner(company)
        list(self._conditions(leads))
        try:
            return leads._search(self._domain_as_of(leads, as_of) & scope)
        except AccessError as error:
            raise RuleError("failed", message=str(error).split("\n", 1)[0]) from error

    def _note_errors(self, company, as_of):
        """Note whose rule can't be read now, and forget what has been mended."""
        for segment in self:
            try:
                with self.env.cr.savepoint():
                    query = segment._search_leads(company, Domain.TRUE, as_of)
                    query.limit = 1
                    self.env.execute_query(query.select())
            except RuleError as error:
                segment._note_error(company, error)
            except (ValueError, TypeError, DataError, ProgrammingError) as error:
                message = str(error).strip().split("\n", 1)[0]
                segment._note_error(company, RuleError("failed", message=message))
            else:
                if segment.error_kind and segment.error_company_id == company:
                    segment.write(NO_ERROR)

    def _note_error(self, company, error: RuleError):
        # one for all companies finds no lead where its owner may not look
        if error.kind == "company" and not self.company_id:
            return
        noted = {"error_kind": error.kind, "error_args": error.names}
        if any(self[name] != value for name, value in noted.items()):
            self.write(noted | {"error_company_id": company.id})

    @api.model
    @tools.ormcache()
    def _rule_roots(self) -> frozenset:
        """The fields of leads that the rules begin with."""
        roots = set()
        # sudo: what is looked at is the same for all
        for segment in self.sudo().search([]):
            try:
                roots |= {condition.fields[0].name for condition in segment._conditions()}
            except RuleError:
                # the night notes why
                continue
        return frozenset(roots)
