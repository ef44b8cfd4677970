from datetime import datetime, time, timedelta

import pytz

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

# who was spoken with in this many days is done for this week
CONTACTED_DAYS = 7


class CrmCustomerCalls(models.Model):
    """Who was called, and what is planned with him, up to this minute."""

    _inherit = "crm.customer.profile"

    contacted_on = fields.Date(
        "Last Contact Until Now",
        compute="_compute_contacted_on",
        help="Day of the last call, message to or from outside, or meeting; what was logged on "
        "the contact since the last refresh is included.",
    )
    is_contacted = fields.Boolean(
        "Contacted This Week",
        compute="_compute_is_contacted",
        search="_search_is_contacted",
        help="Contacted in the last 7 days. A search knows what was logged up to the last refresh, "
        "what the user himself logged on the contact since, and every outcome.",
    )
    is_done_today = fields.Boolean(
        "Done Today",
        compute="_compute_is_done_today",
        search="_search_is_done_today",
        help="The user himself spoke with the customer today, or wrote to him.",
    )
    is_blacklisted = fields.Boolean(related="partner_id.is_blacklisted", string="No E-mails")
    activity_ids = fields.One2many(related="partner_id.activity_ids", string="Planned Activities")
    activity_state = fields.Selection(
        related="partner_id.activity_state", string="State of the Next Activity"
    )
    activity_summary = fields.Char(
        related="partner_id.activity_summary", string="Summary of the Next Activity"
    )
    activity_type_id = fields.Many2one(
        related="partner_id.activity_type_id", string="Type of the Next Activity"
    )
    activity_type_icon = fields.Char(
        related="partner_id.activity_type_icon", string="Icon of the Next Activity"
    )
    activity_exception_decoration = fields.Selection(
        related="partner_id.activity_exception_decoration", string="Activity Exception"
    )
    activity_exception_icon = fields.Char(
        related="partner_id.activity_exception_icon", string="Activity Exception Icon"
    )

    @api.depends("last_contact_date", "partner_id")
    def _compute_contacted_on(self):
        # only days of contact with customers that the user sees, not the messages
        days = dict(
            self.env["mail.message"]
            .sudo()
            ._read_group(
                self._logged_contacts() & Domain("res_id", "in", self.partner_id.ids),
                ["res_id"],
                ["date:max"],
            )
        )
        for profile in self:
            logged = days.get(profile.partner_id.id)
            logged = logged and fields.Datetime.context_timestamp(self, logged).date()
            known = list(filter(None, [profile.last_contact_date, logged]))
            profile.contacted_on = max(known, default=False)

    @api.depends("contacted_on")
    def _compute_is_contacted(self):
        since = fields.Date.context_today(self) - timedelta(days=CONTACTED_DAYS)
        for profile in self:
            profile.is_contacted = bool(profile.contacted_on and profile.contacted_on > since)

    @api.model
    def _search_is_contacted(self, operator, value):
        if operator != "in":
            return NotImplemented
        since = fields.Date.context_today(self) - timedelta(days=CONTACTED_DAYS)
        # sudo: only that somebody noted an outcome
        outcomes = self.env["crm.customer.outcome"].sudo()._search([("date", ">", since)])
        domain = (
            Domain("last_contact_date", ">", since)
            | Domain("partner_id", "in", self._partners_contacted(self._logged_contacts()))
            | Domain("partner_id", "in", outcomes.subselect("partner_id"))
        )
        return domain if True in value else ~domain

    @api.depends("partner_id")
    @api.depends_context("uid")
    def _compute_is_done_today(self):
        done = self.env.execute_query(self._partners_contacted(self._logged_today()))
        for profile in self:
            profile.is_done_today = (profile.partner_id.id,) in done

    @api.model
    def _search_is_done_today(self, operator, value):
        if operator != "in":
            return NotImplemented
        domain = Domain("partner_id", "in", self._partners_contacted(self._logged_today()))
        return domain if True in value else ~domain

    @api.model
    def _partners_contacted(self, messages: Domain) -> SQL:
        """Selects the contacts on whom the user himself logged some of these messages."""
        # sudo: only which customers were written to or called, not what was said
        query = (
            self.env["mail.message"]
            .sudo()
            ._search(messages & Domain("author_id", "=", self.env.user.partner_id.id))
        )
        return query.subselect(SQL.identifier(query.table, "res_id"))

    @api.model
    def _logged_today(self) -> Domain:
        midnight = datetime.combine(fields.Date.context_today(self), time.min)
        since = self.env.tz.localize(midnight).astimezone(pytz.utc).replace(tzinfo=None)
        return self._logged_contacts() & Domain("date", ">=", since)

    @api.model
    def _logged_contacts(self) -> Domain:
        """Messages that are contacts with a customer, logged on the contact in the last days."""
        since = fields.Datetime.now() - timedelta(days=CONTACTED_DAYS)
        return (
            Domain("model", "=", "res.partner")
            & Domain("date", ">=", since)
            & self._contact_messages()
        )
