from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL

from .crm_model_run import STALE_HOURS

# who was spoken with in this many days is done for this week
CONTACTED_DAYS = 7


class CrmCustomerActions(models.Model):
    """What a user does from a customer: call, write, plan, look at the documents, sell."""

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
            & (
                Domain("mail_activity_type_id", "!=", False)
                | Domain("message_type", "in", ["email", "sms"])
                | Domain("message_type", "in", ["comment", "email_outgoing"])
                & Domain("subtype_id", "=", self.env.ref("mail.mt_comment").id)
                & Domain("is_internal", "=", False)
            )
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
        for user, at_risk, count in self._read_group(
            to_call & ~is_contacted, ["user_id", "retention_flag"], ["__count"]
        ):
            if not user:
                counts["ownerless"] += count
            if user == self.env.user or not is_mine:
                counts["to_call"] += count
                counts["at_risk" if at_risk else "win_back"] += count
        counts["contacted"] = self.search_count(is_contacted & (mine if is_mine else Domain.TRUE))
        return {"is_mine": is_mine, "counts": counts, **self._header_of_runs()}

    @api.model
    def _header_of_runs(self) -> dict:
        # a company's published refresh may be read by everyone who reads its customers
        companies = self.env.companies.sudo()
        published = companies.customer_run_id
        pending = self._pending_run(companies)
        as_of = min(published.mapped("as_of"), default=None)
        oldest = min(published.mapped("published_at"), default=None)
        hours = (fields.Datetime.now() - oldest).total_seconds() / 3600 if oldest else 0
        is_manager = self.env.user.has_group("crm_extended.group_manager")
        last = companies.env["crm.model.run"].search(
            [("company_id", "in", companies.ids), ("state", "in", ("done", "failed"))], limit=1
        )
        return {
            "as_of": fields.Date.to_string(as_of) if as_of else False,
            "age_days": (fields.Date.context_today(self) - as_of).days if as_of else 0,
            "is_stale": hours > STALE_HOURS,
            "is_running": bool(pending),
            "run_id": pending.id if is_manager else False,
            "failed_run_id": last.id if is_manager and last.state == "failed" else False,
            "is_manager": is_manager,
            "proposal_count": is_manager
            and self.env["crm.customer.exclusion"].search_count([("state", "=", "proposed")]),
        }

    # ----------------------------------------------------------------------- actions

    @api.model
    def action_customers_to_call(self):
        """The list of calls, of the user's own customers if he has any."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "crm_extended.crm_customer_profile_action_to_call"
        )
        context = {"search_default_to_call": 1}
        if self.search_count([("user_id", "=", self.env.uid)], limit=1):
            context["search_default_my_customers"] = 1
        if not self.env.user.has_group("sales_team.group_sale_salesman_all_leads"):
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


class CrmModelRunActions(models.Model):
    """What a run used and found, in sentences."""

    _inherit = "crm.model.run"

    settings_text = fields.Text(
        "Settings Used", compute="_compute_settings_text", groups="crm_extended.group_manager"
    )
    statistics_text = fields.Text(
        "Found", compute="_compute_statistics_text", groups="crm_extended.group_manager"
    )
    cut_points_text = fields.Text(
        "Scores", compute="_compute_cut_points_text", groups="crm_extended.group_manager"
    )

    def action_recompute(self):
        return self.env["crm.customer.profile"].action_recompute()

    @api.depends_context("lang")
    @api.depends("settings")
    def _compute_settings_text(self):
        company = self.env["res.company"]
        sources = dict(company._fields["customer_purchase_source"]._description_selection(self.env))
        for run in self:
            used = run.settings or {}
            lines = []
            if used:
                lines = [
                    self.env._(
                        "Purchases counted from: %(origin)s.",
                        origin=sources.get(used.get("source"), ""),
                    ),
                    self.env._(
                        "At risk after %(at_risk)s usual intervals without an order, lost after "
                        "%(lost)s.",
                        at_risk=used.get("at_risk_factor"),
                        lost=used.get("lost_factor"),
                    ),
                    self.env._("New, or won back, for %(days)s days.", days=used.get("new_days")),
                    self.env._(
                        "Proposed as a walk-in account from %(count)s documents a year.",
                        count=used.get("suspect_documents"),
                    ),
                ]
                lines += [
                    self.env._(
                        "%(label)s: %(cost)s.",
                        label=company._fields[f"customer_cost_{driver}"]._description_string(
                            self.env
                        ),
                        cost=cost,
                    )
                    for driver, cost in used.get("unit_costs", {}).items()
                    if cost
                ]
            run.settings_text = "\n".join(lines)

    @api.depends_context("lang")
    @api.depends("statistics")
    def _compute_statistics_text(self):
        reasons = dict(
            self.env["crm.customer.exclusion"]._fields["reason"]._description_selection(self.env)
        ) | {"opt_out": self.env._("No profiling")}
        for run in self:
            found = run.statistics or {}
            lines = []
            if documents := found.get("staged_documents"):
                lines.append(self.env._("Documents read: %(count)s.", count=documents))
            if interval := found.get("company_interval"):
                lines.append(
                    self.env._(
                        "Half of the customers order at least every %(days)s days.",
                        days=round(interval),
                    )
                )
            lines += [
                self.env._(
                    "Left out, %(reason)s: %(count)s.",
                    reason=reasons.get(reason, reason),
                    count=count,
                )
                for reason, count in (found.get("excluded") or {}).items()
            ]
            run.statistics_text = "\n".join(lines)

    @api.depends_context("lang")
    @api.depends("cut_points", "cut_on")
    def _compute_cut_points_text(self):
        for run in self:
            cuts = run.cut_points or {}
            lines = []
            if cuts.get("recency"):
                lines = [
                    self.env._(
                        "Scores compare with the %(count)s customers of %(day)s.",
                        count=cuts.get("customers"),
                        day=run.cut_on,
                    ),
                    self.env._(
                        "Recency, days since the last purchase: %(values)s.",
                        values=" · ".join(map(str, cuts["recency"])),
                    ),
                    self.env._(
                        "Frequency, purchases: %(values)s.",
                        values=" · ".join(map(str, cuts.get("frequency", []))),
                    ),
                    self.env._(
                        "Money, revenue: %(values)s.",
                        values=" · ".join(map(str, cuts.get("money", []))),
                    ),
                ]
            elif cuts:
                lines = [
                    self.env._(
                        "Not scored: %(count)s customers are too few, 20 are needed.",
                        count=cuts.get("customers"),
                    )
                ]
            run.cut_points_text = "\n".join(lines)
