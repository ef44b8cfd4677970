from ast import literal_eval
from typing import NamedTuple

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools.date_utils import parse_date

from ..analytics.conditions import contradiction

RELATIVE = ("today", "now")
# groups that a field may carry without being kept from a user of the app
OPEN_GROUPS = {"crm_extended.group_user", "base.group_user"}


class RuleError(Exception):
    """Why a rule can't be read: a key of ``_rule_sentences`` with what the sentence names."""

    def __init__(self, kind: str, **names):
        super().__init__(kind)
        self.kind = kind
        self.names = names


class Condition(NamedTuple):
    """One condition of a rule, with the fields on its path."""

    fields: list
    operator: str
    value: object


class CrmSegmentRule(models.AbstractModel):
    """A rule that finds records: what it may name, whose rights it is read with, and what is
    wrong with it, in one sentence that says what to do.

    Who inherits it has a ``domain``, an owner (``user_id``) and a ``company_id``, and says in
    ``_rule_model`` what is searched.
    """

    _name = "crm.segment.rule"
    _description = "Rule of a Segment"

    _rule_model = None
    # what is found about a segment, and never entered
    _found_fields = frozenset({"error_kind", "error_args", "error_company_id"})

    error_kind = fields.Char(readonly=True, copy=False)
    error_args = fields.Json(readonly=True, copy=False)
    error_company_id = fields.Many2one(
        "res.company", readonly=True, copy=False, ondelete="set null"
    )
    error = fields.Char(
        "Not Refreshed",
        compute="_compute_error",
        help="Why the members are not found any more. They stay as they were.",
    )

    @api.depends_context("lang")
    @api.depends("error_kind", "error_args")
    def _compute_error(self):
        for segment in self:
            segment.error = segment.error_kind and segment._rule_sentence(
                segment.error_kind, segment.error_args or {}
            )

    def copy_data(self, default=None):
        values_list = super().copy_data(default)
        return [
            values | {"name": self.env._("%(name)s (copy)", name=segment.name)}
            for segment, values in zip(self, values_list, strict=True)
        ]

    @api.model
    def _default_owner(self):
        """The superuser sees everything, and owns none."""
        if self.env.uid != SUPERUSER_ID:
            return self.env.user
        return self.env.ref("base.user_admin", raise_if_not_found=False)

    @api.model
    def _allowed_values(self, vals) -> dict:
        """Without what is found; nobody may read a rule with the rights of somebody else."""
        if self.env.su:
            return vals
        if vals.get("user_id", self.env.uid) != self.env.uid:
            raise AccessError(
                self.env._(
                    "A rule is read with the rights of its owner, so that nobody can be made the "
                    "owner by somebody else: ask him to press “Take Over” on the segment."
                )
            )
        return {name: value for name, value in vals.items() if name not in self._found_fields}

    @api.model
    def _guarding_groups(self, field) -> set[str]:
        """The groups that a field is for, where it is not for every user of the app."""
        groups = set((field.groups or "").replace(" ", "").split(",")) - {""}
        return set() if groups & OPEN_GROUPS else groups

    @api.model
    def _check_field(self, model, field):
        """Hook: refuse a field that rules of this kind may not ask for.

        :raise RuleError: it may not be asked for
        """

    # ---------------------------------------------------------------------- the owner

    def _check_owner(self, company=None):
        self.ensure_one()
        # sudo: whether he is active and where he works is no secret
        owner = self.sudo().user_id
        if not owner:
            raise RuleError("no_owner")
        if owner.id == SUPERUSER_ID:
            raise RuleError("superuser", owner=owner.name)
        if not owner.active:
            raise RuleError("archived", owner=owner.name)
        company = company or self.sudo().company_id
        if company and company.id not in owner._get_company_ids():
            raise RuleError("company", owner=owner.name, company=company.name)
        if not owner.has_group("crm_extended.group_user"):
            raise RuleError("group", owner=owner.name)

    def _as_owner(self, company=None):
        """What is searched, as the owner sees it: of one company, else of all of his."""
        owner = self.sudo().user_id
        companies = company or self.company_id or owner.company_ids
        context = {"lang": owner.lang, "tz": owner.tz, "allowed_company_ids": companies.ids}
        return self.env(user=owner.id, su=False, context=context)[self._rule_model]

    def _search_as_owner(self, company, as_of):
        """The query of what the rule finds in a company, by the owner's rights.

        :raise RuleError: the owner or the rule is not what it was when it was saved
        """
        self._check_owner(company)
        rows = self._as_owner(company)
        list(self._conditions(rows))
        domain = self._domain_as_of(rows, as_of)
        try:
            return rows._search(domain & Domain("company_id", "=", company.id))
        except AccessError as error:
            raise RuleError("failed", message=str(error).split("\n", 1)[0]) from error

    # ----------------------------------------------------------------------- the rule

    def _check_conditions(self):
        rows = self._as_owner()
        conditions = list(self._conditions(rows))
        if not conditions:
            raise RuleError("empty")
        for condition in conditions:
            self._check_value(rows.env, condition)
        domain = self._domain_as_of(rows, None)
        name = contradiction(self._with_days(rows.env))
        if name:
            raise RuleError("contradiction", field=self._label(rows, name))
        try:
            optimized = domain.optimize_full(rows)
            if optimized.is_false():
                raise RuleError("nobody")
            if optimized.is_true():
                raise RuleError("empty")
            with self.env.cr.savepoint():
                rows.search(domain, limit=1, order="id")
        except (RuleError, AccessError):
            raise
        except Exception as error:
            raise RuleError("failed", message=str(error).strip().split("\n", 1)[0]) from error

    def _raw_domain(self) -> list:
        try:
            domain = literal_eval(self.domain or "[]")
        except (ValueError, SyntaxError, TypeError, MemoryError) as error:
            raise RuleError("unreadable") from error
        if not isinstance(domain, list):
            raise RuleError("unreadable")
        return domain

    def _domain(self) -> Domain:
        raw = self._raw_domain()
        for term in raw:
            if isinstance(term, list | tuple) and len(term) == 3:
                try:
                    Domain([tuple(term)])
                except (ValueError, TypeError, AssertionError) as error:
                    raise RuleError("operator", operator=str(term[1])) from error
        try:
            return Domain(raw)
        except (ValueError, TypeError, AssertionError, IndexError) as error:
            raise RuleError("unreadable") from error

    def _conditions(self, rows=None, domain=None):
        """The conditions of the rule, those on what is linked included, with their fields.

        :param rows: the model as who must be able to read them, default: the user
        """
        rows = self.env[self._rule_model] if rows is None else rows
        for leaf in (self._domain() if domain is None else domain).iter_conditions():
            if not hasattr(leaf, "field_expr"):
                raise RuleError("unreadable")
            path, model = self._path(rows, leaf.field_expr)
            if leaf.operator.rstrip("!") in ("any", "not any") and model is not None:
                if leaf.operator.endswith("!"):
                    # it would go past the owner's rights
                    raise RuleError("operator", operator=leaf.operator)
                yield Condition(path, leaf.operator, None)
                for inner in self._conditions(model, Domain(leaf.value)):
                    yield inner._replace(fields=path + inner.fields)
            else:
                yield Condition(path, leaf.operator, leaf.value)

    def _path(self, rows, expression: str) -> tuple:
        """The fields that a path names, each checked, and the model it leads to, if any."""
        path, model = [], rows
        for name in expression.split("."):
            if model is None:
                # a part of a date or a property, which Odoo checks
                break
            field = model._fields.get(name)
            kind = model.env["ir.model"]._get(model._name).name
            owner = self.sudo().user_id.name
            if not field:
                raise RuleError("unknown_field", field=name, model=kind)
            if not model.has_access("read"):
                raise RuleError("model_rights", model=kind, owner=owner)
            label = self._label(model, name)
            if not model._has_field_access(field, "read"):
                raise RuleError("field_rights", field=label, owner=owner)
            if not field._description_searchable:
                raise RuleError("not_searchable", field=label)
            self._check_field(model, field)
            path.append(field)
            model = model.env[field.comodel_name] if field.relational else None
        return path, model

    @api.model
    def _label(self, model, name: str) -> str:
        field = model._fields.get(name.split(".")[0])
        return field._description_string(self.env) if field else name

    @api.model
    def _check_value(self, env, condition):
        field = condition.fields[-1]
        if field.type != "selection" or condition.operator not in ("=", "!=", "in", "not in"):
            return
        values = condition.value
        known = dict(field._description_selection(env))
        for value in values if isinstance(values, list | tuple | set) else [values]:
            if value and value not in known:
                label = field._description_string(self.env)
                raise RuleError("value", value=str(value), field=label)

    def _domain_as_of(self, rows, as_of) -> Domain:
        """The rule with “today” being a day."""
        today = fields.Date.context_today(rows)
        days = (as_of - today).days if as_of else 0

        def shifted(value):
            if isinstance(value, str) and value.split(" ")[0] in RELATIVE:
                word, _space, rest = value.partition(" ")
                return f"{word} {days:+d}d {rest}".strip()
            if isinstance(value, list | tuple | set):
                return [shifted(item) for item in value]
            return value

        def at_the_day(model, domain):
            return domain.map_conditions(lambda leaf: leaf_at_the_day(model, leaf))

        def leaf_at_the_day(model, leaf):
            path, linked = self._path(model, leaf.field_expr)
            value = leaf.value
            if leaf.operator in ("any", "not any"):
                value = at_the_day(linked, Domain(value))
            elif path[-1].type in ("date", "datetime"):
                value = shifted(value)
            return Domain(leaf.field_expr, leaf.operator, value)

        domain = self._domain()
        return at_the_day(rows.sudo(), domain) if days else domain

    def _with_days(self, env) -> list:
        """The rule with relative days as days, as far as they can be read."""

        def day(value):
            if isinstance(value, str) and value.split(" ")[0] in RELATIVE:
                try:
                    return fields.Date.to_string(parse_date(value, env))
                except ValueError:
                    return value
            return value

        return [
            (term[0], term[1], day(term[2]))
            if isinstance(term, list | tuple) and len(term) == 3
            else term
            for term in self._raw_domain()
        ]
