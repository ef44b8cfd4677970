from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .crm_winback_stage import OPEN_KINDS

USER = "crm_extended.group_user"


class CrmCustomerWinback(models.Model):
    """The way from a lost customer to the case that wins him back."""

    _inherit = "crm.customer.profile"

    winback_case_ids = fields.Many2many(
        "crm.winback.case",
        string="Win-Back Cases",
        compute="_compute_winback_case_ids",
        groups=USER,
        help="Attempts to win the customer back, the latest first.",
    )
    winback_stage = fields.Char(
        "Win-Back",
        compute="_compute_winback_case_ids",
        groups=USER,
        help="Stage of the latest win-back case.",
    )

    @api.depends_context("uid", "lang", "allowed_company_ids")
    @api.depends("partner_id", "company_id")
    def _compute_winback_case_ids(self):
        # as the reader, also for what is done on his behalf with sudo
        cases, found = self.env["crm.winback.case"].sudo(False), {}
        if cases.has_access("read"):
            for case in cases.search_fetch(
                [
                    ("partner_id", "in", self.partner_id.ids),
                    ("company_id", "in", self.company_id.ids),
                ],
                ["partner_id", "company_id", "stage_id"],
            ):
                key = (case.partner_id.id, case.company_id.id)
                found[key] = found.get(key, cases) | case
        for row in self:
            cases = found.get((row.partner_id.id, row.company_id.id), cases.browse())
            row.winback_case_ids = cases
            row.winback_stage = cases[:1].stage_id.name or ""

    def action_open_winback(self):
        """The win-back cases of this customer."""
        self.ensure_one()
        self.check_access("read")
        return self.winback_case_ids._get_records_action(name=self.env._("Win-Back Cases"))

    def action_win_back(self):
        """The open win-back case of this customer; begins one where he is lost."""
        self.ensure_one()
        self.check_access("read")
        # sudo: cases are opened for customers that the user may see, by no other way
        row = self.sudo()
        cases = row.env["crm.winback.case"]
        case = cases._open_case_of(row.partner_id, row.company_id)
        if not case:
            row._check_can_be_won_back()
            case = cases._open_for(row, row.company_id._customer_today())
            if not case.user_id:
                case.user_id = self.env.user
        return case.with_env(self.env)._get_records_action(name=self.env._("Win-Back Case"))

    def _check_can_be_won_back(self):
        customer = self.partner_id.display_name
        if self.lifecycle_stage != "lost":
            raise UserError(
                self.env._(
                    "%(customer)s is not lost: plan a call instead, as long as he still buys.",
                    customer=customer,
                )
            )
        if self.collect_first:
            raise UserError(
                self.env._(
                    "%(customer)s is to pay first: talk to accounting before you win him back.",
                    customer=customer,
                )
            )

    # ------------------------------------------------------------------ those already lost

    @api.model
    def winback_header(self):
        """What stands above the queue: how many cases of whom stand where, how many customers are
        lost without a case, and whether chances are learned yet."""
        cases = self.env["crm.winback.case"]
        cases.check_access("read")
        company = self.env.company
        counts = dict.fromkeys((*OPEN_KINDS, "other"), 0)
        open_ones = [("outcome", "=", False)]
        for stage, count in cases._read_group(open_ones, ["stage_id"], ["__count"]):
            counts[stage.kind or "other"] += count
        mine = cases.search_count([*open_ones, ("user_id", "=", self.env.uid)])
        # sudo: that cases ended, not which
        ended = cases.sudo().search_count(
            [("company_id", "=", company.id), ("outcome", "!=", False)]
        )
        return {
            "open": sum(counts.values()),
            "mine": mine,
            "to_contact": counts["to_contact"],
            "ownerless": cases.search_count([*open_ones, ("user_id", "=", False)]),
            "proposed": cases.search_count([*open_ones, ("give_up_proposed_on", "!=", False)]),
            "ended": ended,
            **self._winback_start(company),
        }

    @api.model
    def _winback_start(self, company) -> dict:
        """How many of those already lost a manager could begin with."""
        if not self.env.user.has_group("crm_extended.group_manager"):
            return {"waiting": 0, "startable": 0}
        # sudo: managers see all customers, and the limits of their company
        cases, company = self.sudo().env["crm.winback.case"], company.sudo()
        rows = cases._find_lost(company, SQL("TRUE"), company.customer_winback_limit)
        return {"waiting": cases._count_lost(company) if rows else 0, "startable": len(rows)}

    @api.model
    def action_start_winback(self):
        """Begin with those who are lost already: as many of the best as the limits of the company
        leave room for."""
        self.env.user._check_customer_manager()
        company = self.env.company
        # sudo: only the refresh and this open cases for many; the group was checked above
        cases = self.sudo().env["crm.winback.case"]
        rows = cases._find_lost(company.sudo(), SQL("TRUE"), company.sudo().customer_winback_limit)
        if not rows:
            raise UserError(
                self.env._(
                    "No case was begun: nobody else is lost and worth it, or the limits of open "
                    "cases in the settings are reached."
                )
            )
        cases._open_for(rows, company._customer_today())
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._("%(count)s win-back cases were begun.", count=len(rows)),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
