from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..domains import having_lines, search_lines

USER = "crm_extended.group_user"


class CrmCustomerNeeds(models.AbstractModel):
    """Shows what matters to a customer on another record of him.

    ``_need_keys`` says whose needs in which company, in Python, ``_sql_need_key`` in SQL.
    """

    _name = "crm.customer.needs"
    _description = "Needs of a Customer on Another Record"

    need_ids = fields.Many2many(
        "crm.need",
        string="What Matters to Them",
        compute="_compute_need_ids",
        search="_search_need_ids",
        groups=USER,
        help="Needs that the customer has declared, the latest first, as far as they still matter.",
    )

    @api.depends_context("company", "uid")
    def _compute_need_ids(self):
        keys = self._need_keys()
        needs, found = self._readable_needs(), {}
        if needs.has_access("read"):
            partners = {partner for partner, _company in keys.values()}
            needs = needs.search_fetch(
                [("partner_id", "in", list(partners))], ["partner_id", "company_id", "need_id"]
            )
        for need in needs:
            key = (need.partner_id.id, need.company_id.id)
            found[key] = found.get(key, self.env["crm.need"]) | need.need_id
        for record in self:
            record.need_ids = found.get(keys[record], False)

    @api.model
    def _search_need_ids(self, operator, value):
        return search_lines(operator, value, "need_id", self._having_needs)

    @api.model
    def _having_needs(self, domain: Domain) -> Domain:
        """Records of customers with a need, still mattering, that the domain finds."""
        return having_lines(
            self._readable_needs(),
            domain,
            lambda model, alias, query: model._sql_need_key(alias, query),
            lambda record: record._need_keys()[record],
        )

    @api.model
    def _readable_needs(self):
        """Those of the reader, also for what is done on his behalf with sudo."""
        return self.env["crm.customer.need"].sudo(False).with_context(active_test=True)

    def _need_keys(self) -> dict:
        """``{record: (id of the customer, id of the company)}``"""
        raise NotImplementedError

    @api.model
    def _sql_need_key(self, alias, query) -> SQL:
        raise NotImplementedError

    def _ask_needs(self):
        """Opens the question of what matters to the customer."""
        self.ensure_one()
        self.check_access("read")
        self.env["crm.customer.need"].check_access("create")
        [(customer, company)] = self._need_keys().values()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("What Matters to Them?"),
            "res_model": "crm.customer.need.note",
            "views": [[False, "form"]],
            "target": "new",
            "context": {"default_partner_id": customer, "default_company_id": company},
        }


class CrmCustomerProfileNeeds(models.Model):
    _name = "crm.customer.profile"
    _inherit = ["crm.customer.profile", "crm.customer.needs"]

    def _need_keys(self):
        return {row: (row.partner_id.id, row.company_id.id) for row in self}

    @api.model
    def _sql_need_key(self, alias, query):
        return SQL(
            "(%s, %s)",
            self._field_to_sql(alias, "partner_id", query),
            self._field_to_sql(alias, "company_id", query),
        )

    def action_note_needs(self):
        return self._ask_needs()

    def action_open_needs(self):
        """What the customer said, when, and to whom; also what matters no more."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "crm_extended.crm_customer_need_action"
        )
        return action | {
            "display_name": self.env._(
                "What %(customer)s Said", customer=self.partner_id.display_name
            ),
            "domain": [
                ("partner_id", "=", self.partner_id.id),
                ("company_id", "=", self.company_id.id),
            ],
            "context": {
                "default_partner_id": self.partner_id.id,
                "default_company_id": self.company_id.id,
                "active_test": False,
            },
        }


class ResPartnerNeeds(models.Model):
    """A contact has the needs of his customer in the current company."""

    _name = "res.partner"
    _inherit = ["res.partner", "crm.customer.needs"]

    def _need_keys(self):
        company = self.env.company.id
        return {partner: (partner.commercial_partner_id._origin.id, company) for partner in self}

    @api.model
    def _sql_need_key(self, alias, query):
        return SQL(
            "(%s, %s)",
            self._field_to_sql(alias, "commercial_partner_id", query),
            self.env.company.id,
        )

    def action_note_needs(self):
        return self._ask_needs()

    def _customers_moved(self):
        result = super()._customers_moved()
        # sudo: what they said follows the contacts, whoever moves them
        needs = self.env["crm.customer.need"].sudo().with_context(active_test=False)
        for partner in needs.search([("partner_id", "in", self.ids)]).partner_id:
            customer = partner.commercial_partner_id
            if customer != partner:
                needs._keep_latest(partner, customer)
        return result


class CrmLeadNeeds(models.Model):
    _inherit = "crm.lead"

    def action_note_needs(self):
        """Ask what matters to the customer of this lead, and keep the answer with him."""
        self.ensure_one()
        self.check_access("read")
        if not self.partner_id:
            raise UserError(
                self.env._(
                    "Choose the customer of this opportunity first: what matters to him is kept "
                    "with him."
                )
            )
        company = self.company_id or self.env.company
        return self.partner_id.with_company(company)._ask_needs()
