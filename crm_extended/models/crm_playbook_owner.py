from ast import literal_eval

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

PROFILE = "crm.customer.profile"


class CrmPlaybookRule(models.Model):
    """Who gets the cases of some of the customers: the first rule that fits decides.

    A rule is read with the rights of who wrote it last, never with more: otherwise whom a case is
    given to would tell what he may not see.
    """

    _name = "crm.playbook.rule"
    _description = "Owner of Cases by a Rule"
    _order = "sequence, id"
    _rec_name = "user_id"

    playbook_id = fields.Many2one("crm.playbook", required=True, index=True, ondelete="cascade")
    sequence = fields.Integer(default=10)
    domain = fields.Char("Customers", default="[]", required=True)
    user_id = fields.Many2one(
        "res.users",
        "Gets the Case",
        required=True,
        ondelete="cascade",
        domain="[('share', '=', False)]",
    )
    author_id = fields.Many2one(
        "res.users",
        "Written By",
        readonly=True,
        copy=False,
        ondelete="set null",
        default=lambda self: self.env["crm.customer.segment"]._default_owner(),
    )

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            vals_list = [vals | {"author_id": self.env.uid} for vals in vals_list]
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su and vals.keys() & {"domain", "author_id"}:
            vals = vals | {"author_id": self.env.uid}
        return super().write(vals)

    @api.constrains("domain", "author_id")
    def _check_domain(self):
        for rule in self:
            try:
                with self.env.cr.savepoint():
                    rule._readers().search(rule._rule_domain(), limit=1)
            except Exception as error:
                raise ValidationError(
                    self.env._(
                        "Customers can't be searched by the rule for %(user)s: build it with the "
                        "editor, from what you may see. Odoo says: %(message)s",
                        user=rule.user_id.name,
                        message=str(error).strip().split("\n", 1)[0],
                    )
                ) from error

    def _find(self, rows):
        """Those of some rows that the rule is about, by its author's rights."""
        with self.env.cr.savepoint():
            return self._readers().search(
                self._rule_domain() & Domain("id", "in", rows.ids), order="id"
            )

    def _rule_domain(self) -> Domain:
        return Domain(literal_eval(self.domain or "[]"))

    def _readers(self):
        """The customers as the rule's author sees them."""
        # sudo: the author's rights are used below, and not those of who asks
        author, company = self.sudo().author_id, self.sudo().playbook_id.company_id
        if not author.active or author.id == SUPERUSER_ID:
            raise UserError(self.env._("Nobody's rights say what the rule may read: save it again"))
        context = {"lang": author.lang, "tz": author.tz, "allowed_company_ids": company.ids}
        return self.env(user=author.id, su=False, context=context)[PROFILE]


class CrmPlaybookOwners(models.Model):
    """Whom a case is given to."""

    _inherit = "crm.playbook"

    rule_ids = fields.One2many("crm.playbook.rule", "playbook_id", "Rules", copy=True)

    def _owner_of(self, case):
        """The owner of a new case: whom the playbook names, else its fallback, else who is
        responsible; each only where he is there and may see what the case tells.

        :raise UserError: there is nobody
        """
        self.ensure_one()
        for user in (*self._named_owners(case), self.fallback_id, self.user_id):
            if self._may_be_given(user):
                return user
        raise UserError(
            self.env._(
                "Nobody is there to get cases of “%(playbook)s” who may see what they tell: name "
                "somebody under “Otherwise”.",
                playbook=self.name,
            )
        )

    def _named_owners(self, case):
        match self.owner_kind:
            case "salesperson":
                return case.partner_id.user_id
            case "user":
                return self.assignee_id
            case "leader":
                return self.team_id.user_id
            case "turn":
                return self._members_in_turn()
        row = case._row()
        found = (rule.user_id for rule in self.rule_ids if rule._find(row))
        return next(found, self.env["res.users"])

    def _members_in_turn(self):
        """Who had the fewest cases of this playbook first."""
        members = self.team_id.member_ids
        cases = self.env["crm.playbook.case"]
        domain = [("playbook_id", "=", self.id), ("user_id", "in", members.ids)]
        counts = dict(cases._read_group(domain, ["user_id"], ["__count"]))
        return members.sorted(lambda member: (counts.get(member, 0), member.id))
