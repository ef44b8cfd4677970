from odoo import api, models
from odoo.exceptions import AccessError, UserError

from .crm_lead_kind import KINDS_OF_STAGES


class CrmCustomerActions(models.Model):
    """What a user does from a customer: write, plan, look at the documents, sell, recompute."""

    _inherit = "crm.customer.profile"

    @api.model
    def action_customers_to_call(self):
        """The user's list of the day."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "crm_extended.crm_customer_profile_action_to_call"
        )
        # refused to who may not read customers, or names a company that is not his
        self.search([], limit=1)
        context = {"search_default_today": 1}
        user = self.env.user
        if user.has_group("sales_team.group_sale_salesman") and not user.has_group(
            "sales_team.group_sale_salesman_all_leads"
        ):
            # he sees his own and those of nobody
            context["hide_salesperson"] = True
        return action | {"context": context}

    @api.model
    def action_recompute(self):
        """Queue a refresh of the current company, or show the one that is under way."""
        if not self.env.user.has_group("crm_extended.group_manager"):
            raise AccessError(
                self.env._("Only a customer intelligence manager can recompute customers.")
            )
        # nobody may write runs or wake the job; the group was checked above
        sudo = self.sudo()
        company = self.env.company
        run = sudo._pending_run(company)
        if run:
            return {
                "type": "ir.actions.client",
                "tag": "display_notification",
                "params": {
                    "type": "info",
                    "message": self.env._("A refresh of this company is already under way."),
                    "next": self._run_action(run),
                },
            }
        run = sudo.env["crm.model.run"].create(
            {
                "company_id": company.id,
                "as_of": company._customer_today(),
                "kind": "requested",
                "requested_by_id": self.env.uid,
            }
        )
        sudo.env.ref("crm_extended.ir_cron_customer_refresh")._trigger()
        return self._run_action(run)

    @api.model
    def _pending_run(self, companies):
        return (
            self.env["crm.model.run"]
            .sudo()  # that one is under way is no secret
            .search(
                [("company_id", "in", companies.ids), ("state", "in", ("queued", "running"))],
                limit=1,
            )
        )

    @api.model
    def _run_action(self, run):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Refresh"),
            "res_model": "crm.model.run",
            "res_id": run.id,
            "views": [[False, "form"]],
            "target": "current",
        }

    def action_open_contact(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Contact"),
            "res_model": "res.partner",
            "res_id": self.partner_id.id,
            "views": [[False, "form"]],
        }

    def action_schedule_activity(self):
        """Plan an activity on the contacts of these customers."""
        partners = self.partner_id
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Schedule Activity"),
            "res_model": "mail.activity.schedule",
            "views": [[False, "form"]],
            "target": "new",
            "context": {
                "active_model": "res.partner",
                "active_ids": partners.ids,
                "active_id": partners[:1].id,
                "dialog_size": "large",
            },
        }

    def action_send_message(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Message"),
            "res_model": "mail.compose.message",
            "views": [[False, "form"]],
            "target": "new",
            "context": {
                "default_model": "res.partner",
                "default_res_ids": self.partner_id.ids,
                "default_partner_ids": self.partner_id.ids,
                "default_composition_mode": "comment",
                "default_subtype_id": self.env.ref("mail.mt_comment").id,
            },
        }

    def action_open_documents(self):
        """The purchase lines that the numbers of this customer come from."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "crm_extended.crm_customer_fact_action"
        )
        domain = [
            ("partner_id", "=", self.partner_id.id),
            ("company_id", "=", self.company_id.id),
        ]
        return action | {
            "display_name": self.env._(
                "Documents of %(customer)s", customer=self.partner_id.display_name
            ),
            "domain": domain,
        }

    def action_open_categories(self):
        """What this customer buys of each product category, and similar ones do."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "crm_extended.crm_customer_category_action"
        )
        domain = [
            ("partner_id", "=", self.partner_id.id),
            ("company_id", "=", self.company_id.id),
        ]
        return action | {"display_name": self.partner_id.display_name, "domain": domain}

    def action_new_quotation(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New Quotation"),
            "res_model": "sale.order",
            "views": [[False, "form"]],
            "context": {
                "default_partner_id": self.partner_id.id,
                "default_company_id": self.company_id.id,
            },
        }

    def action_new_opportunity(self):
        """An opportunity of the kind that fits where the customer stands."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New Opportunity"),
            "res_model": "crm.lead",
            "views": [[False, "form"]],
            "context": {
                "default_type": "opportunity",
                "default_partner_id": self.partner_id.id,
                "default_user_id": self.user_id.id or self.env.uid,
                "default_company_id": self.company_id.id,
                "default_opportunity_kind": KINDS_OF_STAGES.get(self.lifecycle_stage, False),
            },
        }


class ResPartnerActions(models.Model):
    _inherit = "res.partner"

    def action_open_customer(self):
        """The customer row behind a contact."""
        self.ensure_one()
        return self.customer_profile_id._get_records_action(name=self.env._("Customer"))


class CrmCustomerFactActions(models.Model):
    _inherit = "crm.customer.fact"

    def action_open_document(self):
        """The invoice, or the order, that a line stands on."""
        self.ensure_one()
        for document in (self.move_id, self.order_id):
            if document and document.has_access("read"):
                action = document._get_records_action(name=self.document_name)
                if document == self.move_id and not self.env["account.payment"].has_access("read"):
                    view = self.env.ref("crm_extended.account_move_view_form")
                    action["views"] = [(view.id, "form")]
                return action
        raise UserError(
            self.env._(
                "%(document)s belongs to another salesperson: ask him, or your administrator for "
                "access to all documents.",
                document=self.document_name,
            )
        )
