from odoo import api, fields, models
from odoo.tools import SQL

from .crm_model_run import Asked


class CrmWinbackContact(models.Model):
    """When somebody was in touch with the customer since the case was opened, and how often.

    Nothing is typed: done activities, messages to or from outside, and meetings of the customer,
    his opportunities and quotations and of the case itself count. What was heard elsewhere is
    noted with its day.
    """

    _inherit = "crm.winback.case"

    heard_on = fields.Date(
        "Last Heard On",
        readonly=True,
        help="Day on which he said something that was noted as the outcome of a contact.",
    )
    first_contact_date = fields.Date(
        "First Contact", compute="_compute_contacts", help="First contact since the case began."
    )
    last_contact_date = fields.Date(
        "Last Contact", compute="_compute_contacts", help="Last contact since the case began."
    )
    contact_count = fields.Integer(
        "Contacts",
        compute="_compute_contacts",
        help="Calls, messages to or from outside, and meetings since the case began.",
    )

    @api.depends("partner_id", "opened_on", "closed_on", "heard_on", "message_ids")
    def _compute_contacts(self):
        found = self._contacts()
        for case in self:
            first, last, count = found.get(case._origin.id, (False, False, 0))
            days = list(filter(None, [last, case.heard_on]))
            case.first_contact_date = min([*filter(None, [first]), *days], default=False)
            case.last_contact_date = max(days, default=False)
            case.contact_count = count

    def _contacts(self) -> dict:
        """``{id: (first day, last day, number)}`` of those who were contacted."""
        found = {}
        # sudo: that the customer was spoken with, not what was said
        cases = self.sudo()._origin.filtered("opened_on")
        for company, of_company in cases.grouped("company_id").items():
            found |= of_company._contacts_in(company)
        return found

    def _contacts_in(self, company) -> dict:
        partners = self.env["res.partner"].with_context(active_test=False)
        contacts = partners._search([("commercial_partner_id", "in", self.partner_id.ids)])
        asked = Asked(tuple(contacts) or (0,))
        for model in ("mail.message", "calendar.event", "crm.lead", "sale.order", self._name):
            self.env[model].flush_model()
        run = self.env["crm.model.run"].with_context(customer_asked=asked)
        run = run.new({"company_id": company.id, "as_of": company._customer_today()})
        sources = self.env["crm.customer.profile"]._contact_sources(run)
        rows = self.env.execute_query(
            SQL(
                """SELECT winback.id, MIN(contact.date), MAX(contact.date), COUNT(*)
                     FROM (%s) AS contact
                     JOIN res_partner AS partner ON partner.id = contact.partner_id
                     JOIN crm_winback_case AS winback
                       ON winback.partner_id = partner.commercial_partner_id
                    WHERE winback.id = ANY(%s)
                      AND contact.date >= winback.opened_on
                      AND contact.date <= COALESCE(winback.closed_on, contact.date)
                    GROUP BY winback.id""",
                SQL(" UNION ALL ").join(sources),
                self.ids,
            )
        )
        return {case: contact for case, *contact in rows}


class CrmCustomerWinbackContact(models.Model):
    """Who was called from his win-back case was called."""

    _inherit = "crm.customer.profile"

    @api.model
    def _contact_documents(self, run):
        return super()._contact_documents(run) | {
            "crm.winback.case": SQL(
                "SELECT id, partner_id FROM crm_winback_case WHERE company_id = %s AND %s",
                run.company_id.id,
                run._of_whom(SQL("partner_id")),
            )
        }

    @api.model
    def _customer_aggregates(self, run):
        self.env["crm.winback.case"].flush_model()
        return super()._customer_aggregates(run)
