from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

# who was spoken with in this many days is done for this week
CONTACTED_DAYS = 7


class CrmCustomerCalls(models.Model):
    """Whom to call, in which order, and who was called: the first screen of a salesperson."""

    _inherit = "crm.customer.profile"

    call_rank = fields.Integer(
        "Call Order",
        compute="_compute_call_rank",
        help="Order of the calls to make: at risk by the day to call before, then the most "
        "recently lost, then the newest.",
    )
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
        "and what the user himself logged on the contact since.",
    )
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

    @api.depends("retention_flag", "winback_flag", "expected_leave_date", "stage_since")
    def _compute_call_rank(self):
        query = self._as_query(ordered=False)
        rank = self._field_to_sql(self._table, "call_rank", query)
        ranks = dict(self.env.execute_query(query.select(SQL.identifier(self._table, "id"), rank)))
        for profile in self:
            profile.call_rank = ranks.get(profile.id, 0)

    def _field_to_sql(self, alias, field_expr, query=None):
        if field_expr != "call_rank":
            return super()._field_to_sql(alias, field_expr, query)
        return SQL(
            """CASE
                WHEN %(at_risk)s THEN COALESCE(%(call_before)s - DATE '2000-01-01', 90000)
                WHEN %(win_back)s THEN 100000 + (DATE '2200-01-01' - %(since)s)
                WHEN %(stage)s = 'new' THEN 200000 + (DATE '2200-01-01' - %(since)s)
                ELSE 300000
            END""",
            at_risk=self._field_to_sql(alias, "retention_flag", query),
            win_back=self._field_to_sql(alias, "winback_flag", query),
            stage=self._field_to_sql(alias, "lifecycle_stage", query),
            since=self._field_to_sql(alias, "stage_since", query),
            call_before=self._field_to_sql(alias, "expected_leave_date", query),
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
        today = fields.Date.context_today(self)
        # only which customers were written to or called, not what was said
        contacted = (
            self.env["mail.message"]
            .sudo()
            ._read_group(
                self._logged_contacts() & Domain("author_id", "=", self.env.user.partner_id.id),
                ["res_id"],
            )
        )
        domain = Domain("last_contact_date", ">", today - timedelta(days=CONTACTED_DAYS)) | Domain(
            "partner_id", "in", [partner for [partner] in contacted]
        )
        return domain if True in value else ~domain

    @api.model
    def _logged_contacts(self) -> Domain:
        """Messages that are contacts with a customer, logged on the contact in the last days."""
        since = fields.Datetime.now() - timedelta(days=CONTACTED_DAYS)
        return (
            Domain("model", "=", "res.partner")
            & Domain("date", ">=", since)
            & self._contact_messages()
        )

    # -------------------------------------------------------------------- the header

    @api.model
    def customer_header(self):
        """What stands above the list of customers: as of when, and the work of the week.

        The counts are of the user's own customers, or of all that he may see where he owns none.
        """
        self.check_access("read")
        mine = Domain("user_id", "=", self.env.uid)
        is_mine = bool(self.search_count(mine, limit=1))
        is_contacted = Domain("is_contacted", "=", True)
        to_call = Domain("retention_flag", "=", True) | Domain("winback_flag", "=", True)
        counts = dict.fromkeys(("to_call", "at_risk", "win_back", "ownerless"), 0)
        collect_first = Domain("collect_first", "=", True)
        for user, at_risk, count in self._read_group(
            to_call & ~is_contacted & ~collect_first, ["user_id", "retention_flag"], ["__count"]
        ):
            if not user:
                counts["ownerless"] += count
            if user == self.env.user or not is_mine:
                counts["to_call"] += count
                counts["at_risk" if at_risk else "win_back"] += count
        scope = mine if is_mine else Domain.TRUE
        counts["contacted"] = self.search_count(is_contacted & scope)
        counts["collect_first"] = self.search_count(collect_first & scope)
        return {"is_mine": is_mine, "counts": counts, **self._header_of_runs()}

    @api.model
    def _header_of_runs(self) -> dict:
        # a company's published refresh may be read by everyone who reads its customers
        companies = self.env.companies.sudo()
        published = companies.filtered("customer_as_of")
        pending = self._pending_run(companies)
        as_of = min(published.mapped("customer_as_of"), default=None)
        is_manager = self.env.user.has_group("crm_extended.group_manager")
        last = companies.env["crm.model.run"].search(
            [("company_id", "in", companies.ids), ("state", "in", ("done", "failed"))], limit=1
        )
        return {
            "as_of": fields.Date.to_string(as_of) if as_of else False,
            "age_days": (fields.Date.context_today(self) - as_of).days if as_of else 0,
            "is_stale": published._customers_are_stale(),
            "is_running": bool(pending),
            "run_id": pending.id if is_manager else False,
            "failed_run_id": last.id if is_manager and last.state == "failed" else False,
            "is_manager": is_manager,
            "proposal_count": is_manager
            and self.env["crm.customer.exclusion"].search_count([("state", "=", "proposed")]),
        }
