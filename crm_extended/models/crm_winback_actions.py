from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import format_date

# what was heard when somebody called, where it tells why the customer left
REASONS_HEARD = ("price", "stock", "competitor", "credit", "closed", "service", "other")


class CrmWinbackActions(models.Model):
    """What a salesperson does with a win-back case, and what he reads before he calls."""

    _inherit = "crm.winback.case"

    profile_id = fields.Many2one(
        "crm.customer.profile", "Figures of the Customer", compute="_compute_profile_id"
    )
    lifecycle_stage = fields.Selection(related="profile_id.lifecycle_stage", string="Stage Now")
    reason = fields.Char(related="profile_id.reason", string="Where He Stands")
    collect_first = fields.Boolean(related="profile_id.collect_first", string="To Pay First")
    last_order_date = fields.Date(related="profile_id.last_order_date", string="Last Order")
    need_ids = fields.Many2many(related="profile_id.need_ids", string="What Matters to Him")
    phone = fields.Char(related="partner_id.phone")
    email = fields.Char(related="partner_id.email")
    is_blacklisted = fields.Boolean(
        related="partner_id.is_blacklisted",
        string="No E-Mail",
        help="He refused e-mail: he may be called.",
    )
    earlier_case_ids = fields.Many2many(
        "crm.winback.case", string="Earlier Cases", compute="_compute_earlier_case_ids"
    )
    quotation_count = fields.Integer("Quotations Since", compute="_compute_document_counts")
    opportunity_count = fields.Integer("Opportunities Since", compute="_compute_document_counts")
    rank_basis = fields.Char(
        "Ranked By",
        compute="_compute_rank_basis",
        help="What the place in the queue stands on, as far as you may see it.",
    )

    @api.depends_context("uid")
    @api.depends("partner_id", "company_id")
    def _compute_profile_id(self):
        rows = self.env["crm.customer.profile"].search(
            [("partner_id", "in", self.partner_id.ids), ("company_id", "in", self.company_id.ids)]
        )
        found = {(row.partner_id.id, row.company_id.id): row.id for row in rows}
        for case in self:
            case.profile_id = found.get((case.partner_id.id, case.company_id.id), False)

    @api.depends("partner_id", "company_id", "opened_on")
    def _compute_earlier_case_ids(self):
        cases = self.search([("partner_id", "in", self.partner_id.ids)], order="opened_on DESC")
        for case in self:
            case.earlier_case_ids = cases.filtered(
                lambda other, case=case: (
                    other.partner_id == case.partner_id
                    and other.company_id == case.company_id
                    and other != case._origin
                )
            )

    @api.depends_context("uid")
    @api.depends("partner_id", "opened_on")
    def _compute_document_counts(self):
        for case in self:
            case.quotation_count = case._count_documents("sale.order", "date_order")
            case.opportunity_count = case._count_documents("crm.lead", "create_date")

    def _count_documents(self, model, day) -> int:
        documents = self.env[model]
        if not documents.has_access("read"):
            return 0
        return documents.search_count(self._documents_since(day))

    def _documents_since(self, day) -> Domain:
        domain = Domain("partner_id", "child_of", self.partner_id.ids)
        domain &= Domain("company_id", "in", [self.company_id.id, False])
        return domain & Domain(day, ">=", self.opened_on)

    @api.depends_context("uid", "lang")
    @api.depends("chance_is_learned", "is_final", "return_chance")
    def _compute_rank_basis(self):
        user = self.env.user
        if user.has_group("crm_extended.group_margin"):
            shown = self.env._("Ranked by the margin of his last good year.")
            learned = self.env._("Ranked by the margin of his last good year × chance of return.")
        elif user.has_group("crm_extended.group_amount"):
            shown = self.env._("Ranked by the revenue of his last good year.")
            learned = self.env._("Ranked by the revenue of his last good year × chance of return.")
        else:
            shown = learned = self.env._("Ranked by tier, and by how lately he left.")
        final = self.env._("Last in the queue: nothing brings back who left for this reason.")
        for case in self:
            if case.is_final:
                case.rank_basis = final
            else:
                case.rank_basis = learned if case.chance_is_learned else shown

    # ------------------------------------------------------------------------ actions

    def action_note_reason(self):
        """Asks why he left."""
        return self._ask("reason", self.env._("Why Did He Leave?"))

    def action_make_offer(self):
        """Asks what was offered."""
        return self._ask("offer", self.env._("What Was Offered?"))

    def action_give_up(self):
        """Asks why, and ends the case."""
        return self._ask("give_up", self.env._("Give Up"))

    def _ask(self, mode, title):
        self.ensure_one()
        self.check_access("write")
        if self.outcome:
            raise UserError(self.env._("This case has ended: move it to an open stage first."))
        return {
            "type": "ir.actions.act_window",
            "name": title,
            "res_model": "crm.winback.note",
            "views": [[False, "form"]],
            "target": "new",
            "context": {
                "default_case_id": self.id,
                "default_mode": mode,
                "default_leaving_reason_id": self.leaving_reason_id.id,
                "default_offered": self.offered,
                "default_discount": self.discount,
            },
        }

    def action_new_quotation(self):
        self.ensure_one()
        self.check_access("read")
        self._check_pays()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New Quotation"),
            "res_model": "sale.order",
            "views": [[False, "form"]],
            "context": {
                "default_partner_id": self.partner_id.id,
                "default_company_id": self.company_id.id,
                "default_user_id": self.user_id.id or self.env.uid,
            },
        }

    def action_new_opportunity(self):
        self.ensure_one()
        self.check_access("read")
        self._check_pays()
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
                "default_opportunity_kind": "win_back",
            },
        }

    def _check_pays(self):
        # sudo: that he is to pay first is said to everyone who wins him back
        if self.sudo().profile_id.collect_first:
            raise UserError(
                self.env._(
                    "%(customer)s is to pay first: talk to accounting before you offer anything.",
                    customer=self.partner_id.display_name,
                )
            )

    def action_send_message(self):
        """A message to the customer, kept on the case; none to who refused e-mail."""
        self.ensure_one()
        self.check_access("read")
        self.partner_id._check_may_be_mailed()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Message"),
            "res_model": "mail.compose.message",
            "views": [[False, "form"]],
            "target": "new",
            "context": {
                "default_model": self._name,
                "default_res_ids": self.ids,
                "default_partner_ids": self.partner_id.ids,
                "default_composition_mode": "comment",
                "default_subtype_id": self.env.ref("mail.mt_comment").id,
            },
        }

    def action_open_customer(self):
        """The figures of the customer."""
        self.ensure_one()
        self.check_access("read")
        return self.profile_id._get_records_action(name=self.env._("Customer"))

    def action_open_quotations(self):
        """His quotations and orders since the case began."""
        action = self.env["ir.actions.act_window"]._for_xml_id("sale.action_quotations")
        return self._open_documents(action, "date_order")

    def action_open_opportunities(self):
        """His opportunities since the case began."""
        action = self.env["ir.actions.act_window"]._for_xml_id("crm.crm_lead_opportunities")
        return self._open_documents(action, "create_date")

    def _open_documents(self, action, day):
        self.ensure_one()
        self.check_access("read")
        domain = list(self._documents_since(day))
        return action | {
            "display_name": self.partner_id.display_name,
            "domain": domain,
            "context": {"default_partner_id": self.partner_id.id},
        }

    # ------------------------------------------------------------- what was heard elsewhere

    @api.model
    def _outcomes_heard(self, outcomes):
        """Note in the open cases of these customers what was heard when they were contacted.

        :param outcomes: records with ``partner_id, company_id, kind, note, date``. A kind that is
            the code of a reason of leaving sets it; any outcome is a contact on its day.
        :return: the cases that took something
        """
        # sudo: who hears it notes it, whoever works on the case
        cases = self.sudo()
        heard = cases.browse()
        for outcome in outcomes.sudo().sorted(lambda outcome: (outcome.date, outcome.id)):
            customer = outcome.partner_id.commercial_partner_id
            case = cases._open_case_of(customer, outcome.company_id)
            if case:
                case._hear(outcome)
                heard |= case
        return heard

    def _hear(self, outcome):
        day = fields.Date.to_date(outcome.date)
        values = {"heard_on": max(filter(None, [day, self.heard_on]))}
        reason = self.env["crm.leaving.reason"]
        if outcome.kind in REASONS_HEARD:
            reason = reason._with_code(outcome.kind)
        # "something else" tells less than what is known
        if reason and not (reason.code == "other" and self.leaving_reason_id):
            values["leaving_reason_id"] = reason.id
        if outcome.note:
            said = f"{format_date(self.env, day)}: {outcome.note}"
            values["leaving_note"] = "\n".join(filter(None, [self.leaving_note, said]))
        if self.give_up_proposed_on and day >= self.give_up_proposed_on:
            values["give_up_proposed_on"] = False
        self.write(values)
        if self.stage_id.kind == "to_contact":
            self._move_to("contacted")


class CrmCustomerOutcomeWinback(models.Model):
    _inherit = "crm.customer.outcome"

    def _after_outcomes(self):
        result = super()._after_outcomes()
        self.env["crm.winback.case"]._outcomes_heard(self)
        return result
