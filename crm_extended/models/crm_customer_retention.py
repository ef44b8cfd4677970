from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, format_amount

AMOUNT = "crm_extended.group_amount"
MARGIN = "crm_extended.group_margin"
CALL_DUE = [
    ("late", "More than two weeks late"),
    ("overdue", "Late"),
    ("week", "This week"),
    ("later", "Later"),
    ("unknown", "No date known"),
]
VERY_LATE_DAYS = 14
WEEK_DAYS = 7
COMPARISONS = {"<": SQL("<"), "<=": SQL("<="), ">": SQL(">"), ">=": SQL(">=")}


class CrmCustomerRetention(models.Model):
    """The retention desk: who is at risk, what is at stake, and what is done about it.

    The order is by value at risk for who sees margins, by revenue for who sees amounts, and by the
    day to call before for all others: no order reveals what its reader may not see. The next step
    is the first planned activity with the customer, his opportunities, quotations and win-back
    cases; who has none, or no salesperson, is looked for first.
    """

    _inherit = "crm.customer.profile"

    risk_rank = fields.Float(
        "Order at the Desk",
        compute="_compute_risk_rank",
        aggregator=None,
        help="The smallest first: by value at risk, else by revenue, else by the day to call "
        "before, as far as you may see it.",
    )
    next_step_on = fields.Date(
        "Next Step",
        compute="_compute_next_step_on",
        search="_search_next_step_on",
        help="Day of the first activity that is planned with the customer, or on his "
        "opportunities, quotations and win-back cases.",
    )
    call_due = fields.Selection(
        CALL_DUE,
        "How Overdue",
        compute="_compute_call_due",
        search="_search_call_due",
        help="Where today stands to the day by which a customer at risk is to be called.",
    )

    # -------------------------------------------------------------------------- order

    @api.depends_context("uid")
    @api.depends("retention_flag", "expected_leave_date")
    def _compute_risk_rank(self):
        self._compute_from_sql("risk_rank", 0)

    @api.depends("retention_flag", "expected_leave_date")
    def _compute_call_due(self):
        self._compute_from_sql("call_due", False)

    def _compute_from_sql(self, name, default):
        """So that a value is what the list is ordered and grouped by."""
        rows = self.browse(self._origin.ids)
        query = rows._as_query(ordered=False)
        expression = rows._field_to_sql(rows._table, name, query)
        found = dict(
            self.env.execute_query(query.select(SQL.identifier(self._table, "id"), expression))
        )
        for row in self:
            row[name] = found.get(row._origin.id, default)

    def _field_to_sql(self, alias, field_expr, query=None):
        if field_expr == "risk_rank":
            return self._sql_risk_rank(alias, query)
        if field_expr == "call_due":
            return self._sql_call_due(alias, query)
        return super()._field_to_sql(alias, field_expr, query)

    @api.model
    def _sql_risk_rank(self, alias, query) -> SQL:
        user = self.env.user
        if user.has_group(AMOUNT):
            last = SQL("1e15 - COALESCE(%s, 0)", self._field_to_sql(alias, "revenue_12m", query))
        else:
            day = self._field_to_sql(alias, "expected_leave_date", query)
            last = SQL("1e15 + COALESCE(%s - DATE '1970-01-01', 1e6)", day)
        if user.has_group(MARGIN):
            value = self._field_to_sql(alias, "value_at_risk", query)
            last = SQL("COALESCE(-%s, %s)", value, last)
        return SQL("(%s)::float8", last)

    @api.model
    def _sql_call_due(self, alias, query) -> SQL:
        return SQL(
            """CASE
                WHEN NOT COALESCE(%(at_risk)s, FALSE) THEN NULL
                WHEN %(day)s IS NULL THEN 'unknown'
                WHEN %(day)s < %(today)s::date - %(very_late)s THEN 'late'
                WHEN %(day)s < %(today)s::date THEN 'overdue'
                WHEN %(day)s <= %(today)s::date + %(week)s THEN 'week'
                ELSE 'later'
            END""",
            at_risk=self._field_to_sql(alias, "retention_flag", query),
            day=self._field_to_sql(alias, "expected_leave_date", query),
            today=fields.Date.context_today(self),
            very_late=VERY_LATE_DAYS,
            week=WEEK_DAYS,
        )

    @api.model
    def _search_call_due(self, operator, value):
        if operator != "in":
            return NotImplemented
        wanted = [item for item in value if item]

        def to_sql(model, alias, query):
            due = model._sql_call_due(alias, query)
            found = SQL("%s = ANY(%s)", due, wanted)
            return SQL("(%s OR %s IS NULL)", found, due) if False in value else found

        return Domain.custom(to_sql=to_sql, predicate=lambda row: row.call_due in value)

    # ------------------------------------------------------------------------ next step

    @api.depends("partner_id", "activity_ids")
    def _compute_next_step_on(self):
        steps = dict(self.env.execute_query(self._sql_next_steps(self.partner_id.ids)))
        for row in self:
            row.next_step_on = steps.get(row.partner_id.id, False)

    @api.model
    def _search_next_step_on(self, operator, value):
        if operator == "in":
            if set(value) != {False}:
                return NotImplemented
            condition = SQL("TRUE")
        elif operator in COMPARISONS:
            day = fields.Date.to_date(value)
            condition = SQL("next_step_on %s %s", COMPARISONS[operator], day)
        else:
            return NotImplemented
        steps = SQL(
            "SELECT partner_id FROM (%s) AS step WHERE %s", self._sql_next_steps(), condition
        )
        found = SQL("NOT IN") if operator == "in" else SQL("IN")

        def to_sql(model, alias, query):
            return SQL("%s %s (%s)", model._field_to_sql(alias, "partner_id", query), found, steps)

        def predicate(row):
            if operator == "in":
                return not row.next_step_on
            [[is_found]] = row.env.execute_query(SQL("SELECT %s IN (%s)", row.partner_id.id, steps))
            return is_found

        return Domain.custom(to_sql=to_sql, predicate=predicate)

    @api.model
    def _step_documents(self) -> dict[str, str]:
        """Models on which a step with a customer is planned, and their column of the contact."""
        return {
            "res.partner": "id",
            "crm.lead": "partner_id",
            "sale.order": "partner_id",
            "crm.winback.case": "partner_id",
        }

    @api.model
    def _sql_next_steps(self, partners=None) -> SQL:
        """``(partner_id, next_step_on)`` of customers with something planned; that it is planned
        is said to who may see the customer, not what."""
        self.env["mail.activity"].flush_model()
        documents = []
        for model, column in self._step_documents().items():
            self.env[model].flush_model([column])
            documents.append(
                SQL(
                    """SELECT document.%s AS contact_id, activity.date_deadline
                         FROM mail_activity AS activity
                         JOIN %s AS document ON document.id = activity.res_id
                        WHERE activity.active AND activity.res_model = %s""",
                    SQL.identifier(column),
                    SQL.identifier(self.env[model]._table),
                    model,
                )
            )
        return SQL(
            """SELECT contact.commercial_partner_id AS partner_id,
                      MIN(planned.date_deadline) AS next_step_on
                 FROM (%s) AS planned
                 JOIN res_partner AS contact ON contact.id = planned.contact_id
                WHERE contact.commercial_partner_id IS NOT NULL AND %s
                GROUP BY contact.commercial_partner_id""",
            SQL(" UNION ALL ").join(documents),
            SQL("TRUE")
            if partners is None
            else SQL("contact.commercial_partner_id = ANY(%s)", list(partners)),
        )

    # ------------------------------------------------------------------------ the desk

    @api.model
    def retention_header(self):
        """What stands above the desk: how many are at risk, whom nobody looks after, with whom
        nothing is planned, who is late, and what is at stake as far as the reader may see it.

        The counts are of the user's own customers, or of all that he may see where he owns none;
        those without a salesperson are everybody's.
        """
        self.check_access("read")
        mine = Domain("user_id", "=", self.env.uid)
        is_mine = bool(self.search_count(mine, limit=1))
        at_risk = Domain("retention_flag", "=", True)
        scope = at_risk & mine if is_mine else at_risk
        parts = {
            "at_risk": Domain.TRUE,
            "without_step": Domain("next_step_on", "=", False),
            "late": Domain("call_due", "in", ["late", "overdue"]),
            "step_late": Domain("next_step_on", "<", fields.Date.context_today(self)),
        }
        counts = {name: self.search_count(scope & part) for name, part in parts.items()}
        counts["ownerless"] = self.search_count(at_risk & Domain("user_id", "=", False))
        stake = self._stake_of(scope)
        return {"is_mine": is_mine, "counts": counts, "stake": stake, **self._header_of_runs()}

    @api.model
    def _stake_of(self, scope: Domain) -> str:
        """What is at stake of these, in words; nothing where currencies differ or the reader sees
        no amounts."""
        user = self.env.user
        name = next(
            (
                name
                for group, name in ((MARGIN, "value_at_risk"), (AMOUNT, "revenue_12m"))
                if user.has_group(group)
            ),
            None,
        )
        currencies = self.env.companies.currency_id
        if not name or len(currencies) != 1:
            return ""
        [[total]] = self._read_group(scope, [], [f"{name}:sum"])
        if not total:
            return ""
        return format_amount(self.env, round(total), currencies, trailing_zeroes=False)

    @api.model
    def action_retention_desk(self):
        """The desk, of the user's own customers if he has any."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "crm_extended.crm_customer_profile_action_retention"
        )
        context = {"search_default_at_risk": 1}
        if self.search_count([("user_id", "=", self.env.uid)], limit=1):
            context["search_default_my_customers"] = 1
        return action | {"context": context}

    def action_reassign(self):
        """Asks who is to look after these customers."""
        self.env.user._check_customer_manager()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Reassign"),
            "res_model": "crm.customer.reassign",
            "views": [[False, "form"]],
            "target": "new",
            "context": {"default_profile_ids": self.ids},
        }

    def action_plan_call(self):
        """Plan a call with these customers, by tomorrow."""
        action = self.action_schedule_activity()
        call = self.env.ref("mail.mail_activity_data_call", raise_if_not_found=False)
        tomorrow = fields.Date.context_today(self) + timedelta(days=1)
        action["context"] |= {
            "default_activity_type_id": call.id if call else False,
            "default_date_deadline": tomorrow,
        }
        return action

    def action_send_message(self):
        self.partner_id._check_may_be_mailed()
        return super().action_send_message()
