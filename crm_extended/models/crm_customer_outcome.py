from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

OUTCOMES = [
    ("ordered", "Ordered"),
    ("call_back", "Call back"),
    ("price", "Price"),
    ("stock", "Not in stock"),
    ("competitor", "Competitor"),
    ("credit", "Credit"),
    ("closed", "Business closed"),
    ("other", "Other"),
]
# tomorrow has begun somewhere already
ONE_DAY = timedelta(days=1)
MAX_CALL_BACK = relativedelta(years=2)


class CrmCustomerOutcome(models.Model):
    """What was heard when a customer was contacted.

    Noted in two taps from the daily list, by whoever may read the customer; see ``_note_outcome``
    of the row. Nobody writes them otherwise. Who noted one may take it back on the same day, with
    all that it did. An outcome decides nothing: that a business is closed is heard, and what
    follows is up to people. Of who refused profiling nothing is kept.
    """

    _name = "crm.customer.outcome"
    _description = "Outcome of a Contact"
    _order = "date DESC, id DESC"
    _rec_name = "kind"

    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True, ondelete="cascade"
    )
    user_id = fields.Many2one(
        "res.users",
        "Noted By",
        readonly=True,
        index=True,
        ondelete="set null",
        default=lambda self: self.env.user,
    )
    date = fields.Date(
        required=True,
        readonly=True,
        index=True,
        default=fields.Date.context_today,
        help="Day of the contact.",
    )
    kind = fields.Selection(OUTCOMES, "Outcome", required=True, readonly=True)
    note = fields.Char(readonly=True, help="In the customer's own words.")
    call_back_on = fields.Date(readonly=True, help="Day promised for the next call.")
    competitor_name = fields.Char("Competitor", readonly=True, help="From whom he buys instead.")
    salesperson_id = fields.Many2one(related="partner_id.user_id", string="Salesperson")
    # what noting it did, to be undone
    message_ids = fields.Many2many("mail.message", string="Messages", readonly=True)
    done_activity_ids = fields.Many2many(
        "mail.activity", string="Activities Done", readonly=True, context={"active_test": False}
    )
    activity_id = fields.Many2one("mail.activity", "Next Call", readonly=True, ondelete="set null")
    competitor_id = fields.Many2one(
        "crm.customer.wallet.competitor", "Supplier", readonly=True, ondelete="set null"
    )

    # what was heard of a customer, and until when he waits for a call
    _partner_date_idx = models.Index("(partner_id, date DESC)")
    _call_back_idx = models.Index("(call_back_on) WHERE call_back_on IS NOT NULL")
    # who has closed is on no list of calls
    _closed_idx = models.Index("(partner_id) WHERE kind = 'closed'")

    @api.constrains("kind", "call_back_on")
    def _check_call_back_on(self):
        for outcome in self.filtered(lambda outcome: outcome.kind == "call_back"):
            today = fields.Date.context_today(outcome)
            day = outcome.call_back_on
            if not day or not today - ONE_DAY <= day <= today + MAX_CALL_BACK:
                raise ValidationError(
                    self.env._("Choose the day to call back: today or later, within two years.")
                )

    @api.depends("kind", "call_back_on", "competitor_name")
    def _compute_display_name(self):
        for outcome in self:
            outcome.display_name = outcome._text()

    def _text(self) -> str:
        if self.kind == "call_back" and self.call_back_on:
            return self.env._("Call back on %(day)s", day=fields.Date.to_string(self.call_back_on))
        if self.kind == "competitor" and self.competitor_name:
            return self.env._("Competitor: %(name)s", name=self.competitor_name)
        return dict(self._fields["kind"]._description_selection(self.env)).get(self.kind, "")

    # ------------------------------------------------------------------ what it does

    def _carry_out(self):
        """The contact is logged, what was promised for today is done, and the next call planned.

        Made by the job of nobody: the user's own activities with his rights, the rest by what
        noting an outcome means.
        """
        for outcome in self:
            profile = outcome._profile()
            done = profile._my_due_activities()
            note = ". ".join(filter(None, [outcome._text(), outcome.note]))
            # the user may do his own activities, wherever they are
            messages, _next = done._action_done(feedback=note)
            if outcome.partner_id.id not in messages.filtered(
                lambda message: message.model == "res.partner"
            ).mapped("res_id"):
                messages |= outcome._log_call(note)
            outcome.write({"message_ids": messages.ids, "done_activity_ids": done.ids})
            if outcome.kind == "call_back":
                outcome._plan_call()
            elif outcome.kind == "competitor":
                outcome._note_competitor()

    def _profile(self):
        profiles = self.env["crm.customer.profile"]
        return profiles.search(
            Domain("partner_id", "=", self.partner_id.id)
            & Domain("company_id", "=", self.company_id.id)
        )

    @api.model
    def _call_type(self):
        types = self.env["mail.activity.type"]
        call = self.env.ref("mail.mail_activity_data_call", raise_if_not_found=False)
        return (
            call
            or types.search([("category", "=", "phonecall")], limit=1)
            or types.search([], limit=1)
        )

    def _log_call(self, note: str):
        """A done call on the contact, for those inside alone: it counts as the last contact."""
        return self.partner_id.message_post(
            body=note,
            author_id=self.env.user.partner_id.id,
            subtype_xmlid="mail.mt_activities",
            mail_activity_type_id=self._call_type().id,
        )

    def _plan_call(self):
        self.activity_id = self.partner_id.activity_schedule(
            activity_type_id=self._call_type().id,
            date_deadline=self.call_back_on,
            summary=self.note or self.env._("Call back"),
            user_id=self.user_id.id,
        )

    def _note_competitor(self):
        """Among the suppliers of a customer whose wallet somebody knows."""
        if not self.competitor_name:
            return
        wallet = self.env["crm.customer.wallet"].search(
            [
                ("partner_id", "=", self.partner_id.id),
                ("company_id", "=", self.company_id.id),
                ("category_id", "=", False),
            ],
            limit=1,
        )
        known = {name.strip().lower() for name in wallet.competitor_ids.mapped("name")}
        if wallet and self.competitor_name.strip().lower() not in known:
            self.competitor_id = self.env["crm.customer.wallet.competitor"].create(
                {
                    "wallet_id": wallet.id,
                    "name": self.competitor_name.strip(),
                    "source": self.env._("Heard in a call"),
                }
            )

    def _after_outcomes(self):
        """What else follows from what was heard: for those who extend it."""

    # ------------------------------------------------------------------------ undoing

    def action_undo(self):
        """Take back what the user noted by mistake today, with all that it did."""
        self.check_access("read")
        today = fields.Date.context_today(self)
        if any(outcome.user_id != self.env.user or outcome.date != today for outcome in self):
            raise UserError(
                self.env._("Only what you noted today can be taken back: note a new outcome.")
            )
        # sudo: nobody may delete outcomes, messages and activities; these are his own
        outcomes = self.sudo()
        outcomes.done_activity_ids.write({"active": True, "feedback": False})
        outcomes.activity_id.filtered("active").unlink()
        outcomes.competitor_id.unlink()
        outcomes.message_ids.unlink()
        outcomes.unlink()
        self.env["crm.customer.profile"]._forget_contacts()

    @api.model
    def _follow(self, partners):
        """What was heard of contacts who belong to another customer now is his."""
        # sudo: who moves contacts need not see what they said
        outcomes = self.sudo().search([("partner_id", "in", partners.ids)])
        for partner, said in outcomes.grouped("partner_id").items():
            if partner.commercial_partner_id != partner:
                said.partner_id = partner.commercial_partner_id


class CrmCustomerOutcomes(models.Model):
    """What was heard of a customer, on his row."""

    _inherit = "crm.customer.profile"

    outcome_ids = fields.Many2many(
        "crm.customer.outcome", string="What Was Said", compute="_compute_outcome_ids"
    )
    last_outcome_id = fields.Many2one("crm.customer.outcome", compute="_compute_outcome_ids")
    last_outcome_date = fields.Date("Last Outcome On", related="last_outcome_id.date")

    @api.depends("partner_id", "company_id")
    @api.depends_context("uid")
    def _compute_outcome_ids(self):
        outcomes = self.env["crm.customer.outcome"]
        found = outcomes.search(
            [
                ("partner_id", "in", self.partner_id.ids),
                ("company_id", "in", self.company_id.ids),
            ]
        ).grouped(lambda outcome: (outcome.partner_id.id, outcome.company_id.id))
        for profile in self:
            said = found.get((profile.partner_id.id, profile.company_id.id), outcomes)
            profile.outcome_ids = said
            profile.last_outcome_id = said[:1]

    def action_note_outcome(
        self,
        kind: str | None = None,
        note: str | None = None,
        call_back_on: str | None = None,
        competitor_name: str | None = None,
    ) -> list[int]:
        """Note what was heard of these customers.

        :param kind: one of ``OUTCOMES``
        :param call_back_on: for ``call_back``, the day that was promised
        :param competitor_name: for ``competitor``, if he named it
        :return: ids of the outcomes, for ``action_undo``
        """
        outcomes = self._note_outcome(
            kind, note=note, call_back_on=call_back_on, competitor_name=competitor_name
        )
        return outcomes.ids

    def _note_outcome(self, kind, **values):
        """Keep what was heard as a ``crm.customer.outcome``, and do what follows from it: the
        contact is logged, the user's activities due on the customer are done, a promised call is
        planned.

        :param values: ``note``, ``call_back_on``, ``competitor_name``
        :return: the new outcomes
        """
        self.check_access("read")
        if kind not in dict(OUTCOMES):
            raise UserError(self.env._("Choose what was heard: ordered, call back, price, …"))
        if kind != "call_back":
            values = values | {"call_back_on": False}
        # sudo: outcomes have no write right for anyone; who reads the customer notes them
        outcomes = self.env["crm.customer.outcome"].sudo()
        outcomes = outcomes.create(
            [
                values
                | {
                    "kind": kind,
                    "partner_id": profile.partner_id.id,
                    "company_id": profile.company_id.id,
                }
                for profile in self
            ]
        )
        outcomes._carry_out()
        self._forget_contacts()
        outcomes._after_outcomes()
        return outcomes.sudo(self.env.su)

    def _my_due_activities(self):
        """What the user had to do with these customers by today."""
        # sudo: his own activities, on contacts and opportunities that he may not see
        activities = self.env["mail.activity"].sudo()
        found = self.env.execute_query(
            SQL(
                "SELECT promise.id FROM (%s) AS promise WHERE promise.partner_id = ANY(%s)",
                self._sql_promises(activities._search(self._due_activities())),
                self.partner_id.ids,
            )
        )
        return activities.browse(activity for [activity] in found)

    @api.model
    def _forget_contacts(self):
        """They are computed from messages, activities and outcomes, of which rows know nothing."""
        self.invalidate_model(
            ["contacted_on", "is_contacted", "daily_action", "call_rank", "daily_reason",
             "is_today", "is_done_today", "outcome_ids", "last_outcome_id"]
        )  # fmt: skip


class ResPartnerOutcomes(models.Model):
    _inherit = "res.partner"

    def _customers_moved(self):
        result = super()._customers_moved()
        self.env["crm.customer.outcome"]._follow(self)
        return result
