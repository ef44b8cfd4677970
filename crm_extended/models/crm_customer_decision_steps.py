from odoo import api, models
from odoo.exceptions import UserError

from .crm_customer_decision import OPEN_STATES

TODO = "mail.mail_activity_data_todo"


class CrmCustomerDecisionSteps(models.Model):
    """The way of a decision: proposed, decided, reviewed; or dropped."""

    _inherit = "crm.customer.decision"

    def action_decide(self):
        """Make the proposals decisions of the user's own."""
        self._check_may_decide()
        self._check_state("proposed")
        rows = self._rows()
        for decision in self:
            row = rows.get((decision.partner_id.id, decision.company_id.id))
            is_known = bool(row and row.margin_state in ("known", "partial"))
            # sudo: nobody types where a decision stands; who may decide was checked above
            decision.sudo().write(
                {
                    "state": "decided",
                    "decided_by_id": self.env.uid,
                    "date": decision.company_id._customer_today(),
                    "contribution_then": row.contribution_12m if is_known else 0,
                    "then_is_known": is_known,
                    "was_loss_maker": bool(row and row.loss_maker_flag),
                }
            )
            decision.activity_schedule(
                TODO,
                date_deadline=decision.date_review,
                summary=self.env._("Has it helped?"),
                user_id=self.env.uid,
            )

    def action_review(self):
        """Hold what the customers bring now against what they brought then."""
        self._check_may_decide()
        self._check_state("decided")
        for decision in self:
            # sudo: as above
            decision.sudo().write(
                {
                    "state": "reviewed",
                    "reviewed_on": decision.company_id._customer_today(),
                    "contribution_reviewed": decision.contribution_now,
                    "reviewed_is_known": decision.now_is_known,
                    "result": decision._result(),
                }
            )
        self.activity_feedback([TODO])

    def _result(self) -> str:
        if not (self.now_is_known and self.then_is_known):
            return "unknown"
        if self.was_loss_maker and not self.is_loss_maker:
            return "gone"
        return "better" if self.contribution_now > self.contribution_then else "not"

    def action_drop(self):
        """Who sees margins drops what is proposed, a manager what was decided."""
        self._check_state(*OPEN_STATES)
        self.check_access("write")
        if any(decision.state == "decided" for decision in self):
            self._check_may_decide()
        self._drop()

    def _drop(self):
        # sudo: also of a customer who was archived or merged by who sees no margins
        decisions = self.sudo()
        decisions.state = "dropped"
        decisions.activity_unlink([TODO])

    def action_open_customer(self):
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Customer"),
            "res_model": "crm.customer.profile",
            "res_id": self._row().id,
            "views": [[False, "form"]],
        }

    def _check_may_decide(self):
        self.check_access("write")
        self.env.user._check_customer_manager()

    def _check_state(self, *states):
        names = dict(self._fields["state"]._description_selection(self.env))
        for decision in self:
            if decision.state not in states:
                raise UserError(
                    self.env._(
                        "%(decision)s is “%(state)s” already.",
                        decision=decision.display_name,
                        state=names[decision.state],
                    )
                )

    @api.model
    def _keep_one_open(self, partners, partner):
        """Of contacts that become one, one open decision stays: the one's own, else the oldest."""
        # sudo: who merges contacts need not see margins
        decisions = self.sudo().search(
            [("partner_id", "in", (partners | partner).ids), ("state", "in", OPEN_STATES)],
            order="id",
        )
        for _company, of_company in decisions.grouped("company_id").items():
            own = of_company.filtered(lambda decision: decision.partner_id == partner)
            (of_company - (own or of_company)[0])._drop()
        self.flush_model()
