from odoo import fields, models
from odoo.exceptions import AccessError, UserError


class CrmCustomerExplanationLines(models.Model):
    """Opens what is behind a number of an explanation: ``_behind_<figure>``, with the rights of
    the user, as of the day of the numbers. Other addons add figures of theirs.
    """

    _inherit = "crm.customer.profile"

    def action_open_behind(self, figure="total", day=None):
        """The lines or documents behind a figure of the explanation."""
        self.ensure_one()
        self.check_access("read")
        method = getattr(self, f"_behind_{figure}", None)
        if not method:
            raise UserError(self.env._("There are no lines behind this number."))
        return method(day)

    def _behind_total(self, _day=None):
        return self._lines_action([("date", "<=", self.as_of)])

    def _behind_12m(self, _day=None):
        return self._lines_action(self._window_domain("12m"))

    def _behind_prev(self, _day=None):
        return self._lines_action(self._window_domain("prev"))

    def _behind_returns(self, _day=None):
        return self._lines_action([*self._window_domain("12m"), ("kind", "=", "return")])

    def _behind_costless(self, _day=None):
        return self._lines_action([*self._window_domain("12m"), ("margin_is_known", "=", False)])

    def _behind_day(self, day=None):
        return self._lines_action(
            [("date", "<=", self.as_of), ("purchase_date", "=", fields.Date.to_date(day))]
        )

    def _window_domain(self, window: str) -> list:
        # sudo: the day of the published run, which the row shows as well
        after, until = self.company_id.sudo().customer_run_id._window_days()[window]
        return [("date", ">", after), ("date", "<=", until)]

    def _lines_action(self, domain: list) -> dict:
        self.env["crm.customer.fact"].check_access("read")
        action = self.action_open_documents()
        return action | {"domain": action["domain"] + domain}

    def _behind_waiting(self, _day=None):
        """Confirmed orders later than the last purchase."""
        label = self.env._("Confirmed Orders")
        return self._behind_action(
            "sale.order",
            label,
            [
                ("partner_id.commercial_partner_id", "=", self.partner_id.id),
                ("company_id", "=", self.company_id.id),
                ("state", "=", "sale"),
                ("date_order", ">=", fields.Date.add(self.last_purchase_date, days=1)),
            ],
        )

    def _behind_leads(self, _day=None):
        label = self.env._("Opportunities")
        return self._behind_action(
            "crm.lead",
            label,
            [
                ("partner_id.commercial_partner_id", "=", self.partner_id.id),
                ("won_status", "=", "pending"),
            ],
        )

    def _behind_open(self, _day=None):
        return self._receivables_action([])

    def _behind_overdue(self, _day=None):
        due = [("date_maturity", "<", self.as_of), "&", ("date_maturity", "=", False)]
        return self._receivables_action(["|", *due, ("date", "<", self.as_of)])

    def _receivables_action(self, domain: list) -> dict:
        """Journal items that were open on the as-of date."""
        if not self._sees_receivables():
            raise AccessError(self.env._("Receivables are for accounting: ask there what is open."))
        label = self.env._("Open Receivables")
        return self._behind_action(
            "account.move.line",
            label,
            [
                ("partner_id.commercial_partner_id", "=", self.partner_id.id),
                ("company_id", "=", self.company_id.id),
                ("parent_state", "=", "posted"),
                ("account_type", "=", "asset_receivable"),
                ("account_id.non_trade", "=", False),
                ("date", "<=", self.as_of),
                "|",
                "|",
                ("reconciled", "=", False),
                ("matched_debit_ids.max_date", ">", self.as_of),
                ("matched_credit_ids.max_date", ">", self.as_of),
                *domain,
            ],
        )

    def _sees_receivables(self) -> bool:
        """Whether he may read journal items as accountants do; salespeople see invoices alone."""
        return self.env["account.payment"].has_access("read")

    def _behind_action(self, model: str, name: str, domain: list) -> dict:
        self.env[model].check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": model,
            "views": [[False, "list"], [False, "form"]],
            "domain": domain,
        }
