from odoo import api, models
from odoo.exceptions import UserError


class CrmCustomerWalletActions(models.Model):
    _inherit = "crm.customer.wallet"

    @api.model
    def _ask_action(self, partner, company):
        """The short dialog in which somebody enters what a customer spends."""
        self.check_access("create")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("What do they spend?"),
            "res_model": self._name,
            "views": [[self.env.ref("crm_extended.crm_customer_wallet_view_form_ask").id, "form"]],
            "target": "new",
            "context": {
                "default_partner_id": partner.commercial_partner_id.id,
                "default_company_id": company.id,
                "default_currency_id": company.currency_id.id,
            },
        }

    @api.model
    def _history_action(self, partner, company):
        """All that was ever said of a customer."""
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "crm_extended.crm_customer_wallet_action"
        )
        partner = partner.commercial_partner_id
        return action | {
            "display_name": self.env._("Wallet of %(customer)s", customer=partner.display_name),
            "domain": [("partner_id", "=", partner.id), ("company_id", "=", company.id)],
            "context": {
                "active_test": False,
                "default_partner_id": partner.id,
                "default_company_id": company.id,
                "default_currency_id": company.currency_id.id,
            },
        }


class CrmCustomerProfileWalletActions(models.Model):
    _inherit = "crm.customer.profile"

    def action_ask_wallet(self):
        self.ensure_one()
        self.check_access("read")
        return self.env["crm.customer.wallet"]._ask_action(self.partner_id, self.company_id)

    def action_open_wallets(self):
        self.ensure_one()
        self.check_access("read")
        return self.env["crm.customer.wallet"]._history_action(self.partner_id, self.company_id)


class ResPartnerWalletActions(models.Model):
    _inherit = "res.partner"

    def action_ask_wallet(self):
        self.ensure_one()
        self.check_access("read")
        return self.env["crm.customer.wallet"]._ask_action(self, self.env.company)

    def action_open_wallets(self):
        self.ensure_one()
        self.check_access("read")
        return self.env["crm.customer.wallet"]._history_action(self, self.env.company)


class CrmLeadWalletActions(models.Model):
    _inherit = "crm.lead"

    def action_ask_wallet(self):
        self.ensure_one()
        self.check_access("read")
        if not self.partner_id:
            raise UserError(
                self.env._("Nobody knows yet who this is: choose the customer of the lead first.")
            )
        return self.env["crm.customer.wallet"]._ask_action(
            self.partner_id, self.company_id or self.env.company
        )
