from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

# in the order in which they are done
DAILY_ACTIONS = [
    ("promised", "Promised"),
    ("collect_first", "Collect First"),
    ("at_risk", "At Risk"),
    ("win_back", "Win Back"),
    ("quotation", "Ask About the Quotation"),
    ("offer", "Make an Offer"),
    ("tier", "Near the Next Tier"),
    ("new", "Ask How It Went"),
]
# who was spoken with in this many days is not called for an offer or a tier
OFFER_PAUSE_DAYS = 30
# as the filter “Near the Next Tier”
TIER_DAYS = 60
# what is promised in a call, not a document to be uploaded
PROMISE_CATEGORIES = ("default", "phonecall", "meeting")


class CrmCustomerDaily(models.Model):
    """The daily list: one customer, one line, one action.

    What was promised for today comes first: the user's own activities that are due, on the
    customer, his contacts, opportunities and quotations. Who is to be sent to accounting first is
    in his own place and never a sales task. Then come those at risk by the day to call before,
    those to win back, unanswered quotations, offers, those near the next tier, and new customers.
    Who was spoken with this week, waits for a promised call or has closed has no action.

    Nothing is stored: what was done a minute ago counts. The order knows no amounts; that a
    customer is near a tier is an action for those alone who may see amounts.
    """

    _inherit = "crm.customer.profile"

    daily_action = fields.Selection(
        DAILY_ACTIONS,
        "To Do",
        compute="_compute_daily",
        search="_search_daily_action",
        help="The most urgent thing to do with the customer today. Empty if there is none, or he "
        "was spoken with in the last 7 days.",
    )
    call_rank = fields.Integer(
        "Call Order",
        compute="_compute_daily",
        help="Order of the calls to make: what was promised, at risk by the day to call before, "
        "the most recently lost, the latest quotation, offers by the longest time without a "
        "contact, near the next tier, and the newest customer.",
    )
    daily_reason = fields.Char(
        "What to Do",
        compute="_compute_daily_reason",
        help="What was promised or is to be offered, and why the customer stands where he stands.",
    )
    is_today = fields.Boolean(
        "On Today's List",
        compute="_compute_is_today",
        search="_search_is_today",
        help="Among the user's customers, what he promised for today, and of the rest in the order "
        "of the calls as many as fit his calls a day.",
    )

    @api.depends_context("uid")
    @api.depends(
        "retention_flag", "winback_flag", "collect_first", "lifecycle_stage", "stage_since",
        "expected_leave_date", "last_contact_date", "reason_args",
    )  # fmt: skip
    def _compute_daily(self):
        query = self._as_query(ordered=False)
        expressions = [
            self._field_to_sql(self._table, name, query) for name in ("daily_action", "call_rank")
        ]
        found = self.env.execute_query(
            query.select(SQL.identifier(self._table, "id"), *expressions)
        )
        found = {profile: values for profile, *values in found}
        for profile in self:
            values = found.get(profile.id, (False, 0))
            profile.daily_action, profile.call_rank = values[0] or False, values[1]

    @api.model
    def _search_daily_action(self, operator, value):
        if operator != "in":
            return NotImplemented
        actions = [action or "" for action in value]

        def to_sql(model, alias, query):
            action = model._field_to_sql(alias, "daily_action", query)
            return SQL("COALESCE(%s, '') = ANY(%s)", action, actions)

        return Domain.custom(
            to_sql=to_sql, predicate=lambda profile: (profile.daily_action or "") in actions
        )

    @api.depends_context("uid")
    @api.depends("daily_action")
    def _compute_is_today(self):
        today = self._today_list()
        for profile in self:
            profile.is_today = profile in today

    @api.model
    def _search_is_today(self, operator, value):
        if operator != "in":
            return NotImplemented
        domain = Domain("id", "in", self._today_list().ids)
        return domain if True in value else ~domain

    def _field_to_sql(self, alias, field_expr, query=None):
        if field_expr == "daily_action":
            return self._sql_daily_action(alias, query)
        if field_expr == "call_rank":
            return self._sql_call_rank(alias, query)
        return super()._field_to_sql(alias, field_expr, query)

    # ------------------------------------------------------------------- the order

    @api.model
    def _sql_daily_action(self, alias, query) -> SQL:
        conditions = self._daily_conditions(alias, query)
        now = ("promised", "collect_first")
        return SQL(
            "CASE %s WHEN %s THEN NULL %s END",
            SQL(" ").join(SQL("WHEN %s THEN %s", conditions.pop(name), name) for name in now),
            self._sql_rests(alias, query),
            SQL(" ").join(
                SQL("WHEN %s THEN %s", condition, name) for name, condition in conditions.items()
            ),
        )

    @api.model
    def _daily_conditions(self, alias, query) -> dict[str, SQL]:
        """When there is what to do, action by action in their order."""
        column = {
            name: self._field_to_sql(alias, name, query)
            for name in (
                "partner_id", "company_id", "collect_first", "retention_flag", "winback_flag",
                "lifecycle_stage", "stage_since", "last_contact_date", "reason_args",
            )
        }  # fmt: skip
        paused = SQL(
            "COALESCE(%s <= %s, TRUE)",
            column["last_contact_date"],
            fields.Date.context_today(self) - timedelta(days=OFFER_PAUSE_DAYS),
        )
        conditions = {
            "promised": SQL("%s IN (%s)", column["partner_id"], self._sql_promised_partners()),
            "collect_first": column["collect_first"],
            "at_risk": column["retention_flag"],
            "win_back": column["winback_flag"],
            "quotation": SQL("%s ->> 'quotation' IS NOT NULL", column["reason_args"]),
            "offer": SQL("%s AND %s", paused, self._sql_has_offer(column)),
        }
        # to whom amounts are not known, days that usual orders take are not either
        if self.env.user.has_group("crm_extended.group_amount"):
            days = self._field_to_sql(alias, "next_tier_days", query)
            conditions["tier"] = SQL("%s AND %s BETWEEN 1 AND %s", paused, days, TIER_DAYS)
        conditions["new"] = SQL(
            "%(stage)s = 'new' AND COALESCE(%(contact)s <= %(since)s, TRUE)",
            stage=column["lifecycle_stage"],
            contact=column["last_contact_date"],
            since=column["stage_since"],
        )
        return conditions

    @api.model
    def _sql_has_offer(self, column) -> SQL:
        offers = self.env["crm.customer.recommendation"]
        return SQL(
            """EXISTS (SELECT
                         FROM crm_customer_recommendation AS offer
                        WHERE offer.partner_id = %s AND offer.company_id = %s
                          AND %s = 'open')""",
            column["partner_id"],
            column["company_id"],
            SQL.identifier("offer", "state", to_flush=offers._fields["state"]),
        )

    @api.model
    def _sql_rests(self, alias, query) -> SQL:
        """Who is left alone today: spoken with this week, to be called on a later day, closed."""
        contacted = Domain("is_contacted", "=", True).optimize_full(self)
        outcome = self.env["crm.customer.outcome"]._fields["kind"]
        return SQL(
            """(%(contacted)s
                OR %(partner)s IN (SELECT partner_id FROM crm_customer_outcome
                                    WHERE call_back_on > %(today)s)
                OR EXISTS (SELECT FROM crm_customer_outcome AS outcome
                            WHERE outcome.partner_id = %(partner)s AND %(kind)s = 'closed'
                              AND COALESCE(outcome.date > %(purchase)s, TRUE)))""",
            contacted=contacted._to_sql(self, alias, query),
            partner=self._field_to_sql(alias, "partner_id", query),
            purchase=self._field_to_sql(alias, "last_purchase_date", query),
            kind=SQL.identifier("outcome", "kind", to_flush=outcome),
            today=fields.Date.context_today(self),
        )

    @api.model
    def _sql_call_rank(self, alias, query) -> SQL:
        """By the state of the customer, whether he was spoken with or not; by no amount."""
        conditions = self._daily_conditions(alias, query)
        values = {
            name: self._field_to_sql(alias, column, query)
            for name, column in {
                "call_before": "expected_leave_date",
                "since": "stage_since",
                "contact": "last_contact_date",
                "reason": "reason_args",
            }.items()
        }
        urgency = {
            "promised": SQL("0"),
            "at_risk": SQL("COALESCE(%(call_before)s - DATE '2000-01-01', 90000)", **values),
            "win_back": SQL("DATE '2200-01-01' - %(since)s", **values),
            "quotation": SQL("DATE '2200-01-01' - (%(reason)s ->> 'quoted_on')::date", **values),
            "offer": SQL("COALESCE(%(contact)s - DATE '2000-01-01', 0)", **values),
            "new": SQL("DATE '2200-01-01' - %(since)s", **values),
        }
        if "tier" in conditions:
            urgency["tier"] = self._field_to_sql(alias, "next_tier_days", query)
        ranks = [
            SQL("WHEN %s THEN COALESCE(%s + %s, %s)",
                conditions[name], urgency[name], 100_000 * number, 100_000 * number + 99_000)
            for number, (name, _label) in enumerate(DAILY_ACTIONS)
            if name in urgency and name in conditions
        ]  # fmt: skip
        return SQL("CASE %s ELSE 900000 END", SQL(" ").join(ranks))

    # -------------------------------------------------------------------- promises

    @api.model
    def _due_activities(self) -> Domain:
        """What the user has promised for today or earlier."""
        due = Domain("date_deadline", "<=", fields.Date.context_today(self))
        return self._promises() & Domain("user_id", "=", self.env.uid) & due

    @api.model
    def _promises(self) -> Domain:
        """Activities that promise a customer something."""
        of_customers = Domain("res_model", "in", ("res.partner", "crm.lead", "sale.order"))
        return of_customers & (
            Domain("activity_type_id.category", "in", PROMISE_CATEGORIES)
            | Domain("activity_type_id", "=", False)
        )

    @api.model
    def _sql_promises(self, activities) -> SQL:
        """Selects ``(id, user_id, date_deadline, partner_id)`` of these activities (a query), with
        the customer whom each is about."""
        related = {
            name: SQL.identifier(name, "partner_id", to_flush=self.env[model]._fields["partner_id"])
            for name, model in (("lead", "crm.lead"), ("quotation", "sale.order"))
        }
        partners = self.env["res.partner"]._fields["commercial_partner_id"]
        return SQL(
            """SELECT activity.id, activity.user_id, activity.date_deadline, %(customer)s
                 FROM (%(activities)s) AS activity
                 LEFT JOIN crm_lead AS lead
                   ON activity.res_model = 'crm.lead' AND lead.id = activity.res_id
                 LEFT JOIN sale_order AS quotation
                   ON activity.res_model = 'sale.order' AND quotation.id = activity.res_id
                 JOIN res_partner AS partner
                   ON partner.id = CASE activity.res_model WHEN 'crm.lead' THEN %(lead)s
                                                           WHEN 'sale.order' THEN %(quotation)s
                                                           ELSE activity.res_id
                                   END""",
            customer=SQL(
                "%s AS partner_id",
                SQL.identifier("partner", "commercial_partner_id", to_flush=partners),
            ),
            activities=activities.select(
                *(
                    SQL.identifier(activities.table, name)
                    for name in ("id", "user_id", "date_deadline", "res_model", "res_id")
                )
            ),
            **related,
        )

    @api.model
    def _sql_promised_partners(self) -> SQL:
        # sudo: his own activities; of the documents only whose they are
        activities = self.env["mail.activity"].sudo()._search(self._due_activities())
        return SQL("SELECT promise.partner_id FROM (%s) AS promise", self._sql_promises(activities))

    # ------------------------------------------------------------------ today's list

    @api.model
    def _today_list(self):
        """What the user promised for today, and what else fits his day, in the order of calls."""
        to_do = Domain("daily_action", "not in", (False, "collect_first"))
        promised = self.env.execute_query(self._sql_promised_partners())
        promised = {partner for [partner] in promised}
        room = max(self._calls_left(), len(promised))
        if not room:
            return self.browse()
        return self.search(to_do & self._daily_scope(promised), order="call_rank, id", limit=room)

    @api.model
    def _calls_left(self) -> int:
        done = self.search_count(Domain("is_done_today", "=", True))
        return max(self.env.user._calls_per_day() - done, 0)

    @api.model
    def _owns_customers(self) -> bool:
        return bool(self.search_count(Domain("user_id", "=", self.env.uid), limit=1))

    @api.model
    def _daily_scope(self, promised=()) -> Domain:
        """The customers of a user's day: his own and those whom he promised something, or all that
        he may see if he owns none."""
        if not self._owns_customers():
            return Domain.TRUE
        own = Domain("user_id", "=", self.env.uid) | Domain("id", "in", list(promised))
        return Domain("partner_id", "any!", own)

    # ---------------------------------------------------------------- what is to be said

    @api.depends_context("uid", "lang", "company")
    @api.depends("daily_action", "reason")
    def _compute_daily_reason(self):
        by_action = self.grouped("daily_action")
        sentences = {}
        for action in ("promised", "offer", "tier"):
            if action in by_action:
                sentences |= getattr(by_action[action], f"_{action}_sentences")()
        for profile in self:
            found = [sentences.get(profile.id), profile.reason]
            profile.daily_reason = " ".join(filter(None, found))

    def _promised_sentences(self) -> dict[int, str]:
        # sudo: his own activities; of the documents only whose they are
        activities = self.env["mail.activity"].sudo()
        promises = self._sql_promises(activities._search(self._due_activities()))
        found = self.env.execute_query(
            SQL(
                """SELECT promise.partner_id, promise.id FROM (%s) AS promise
                    WHERE promise.partner_id = ANY(%s) ORDER BY date_deadline DESC, id DESC""",
                promises,
                self.partner_id.ids,
            )
        )
        # the earliest of each
        partners = dict(found)
        first = dict(zip(partners, activities.browse(partners.values()), strict=True))
        return {
            profile.id: profile._promise_sentence(first[profile.partner_id.id])
            for profile in self
            if profile.partner_id.id in first
        }

    def _promise_sentence(self, activity) -> str:
        days = (fields.Date.context_today(self) - activity.date_deadline).days
        what = (activity.summary or activity.activity_type_id.name or "").rstrip(". ")
        if days <= 0:
            return self.env._("Promised for today: %(what)s.", what=what)
        return self.env._(
            "Promised %(days)s ago: %(what)s.", what=what, days=self._format_days(days)
        )

    def _offer_sentences(self) -> dict[int, str]:
        offers = self.env["crm.customer.recommendation"].search(
            [
                ("partner_id", "in", self.partner_id.ids),
                ("company_id", "in", self.company_id.ids),
                ("state", "=", "open"),
                ("product_id.active", "=", True),
                ("product_id.sale_ok", "=", True),
                ("product_id.never_offered", "=", False),
            ]
        )
        best = {}
        for offer in offers.sorted(lambda offer: (offer.rank, offer.kind != "up_sell")):
            best.setdefault((offer.partner_id, offer.company_id), offer)
        sentences = {}
        for profile in self:
            if offer := best.get((profile.partner_id, profile.company_id)):
                product = offer.product_id.with_context(display_default_code=False)
                sentences[profile.id] = self.env._(
                    "Offer %(product)s. %(why)s", product=product.display_name, why=offer.reason
                )
        return sentences

    def _tier_sentences(self) -> dict[int, str]:
        return {
            profile.id: self.env._(
                "Usual orders reach %(tier)s within %(days)s: tell the customer.",
                tier=profile.next_tier_id.name,
                days=self._format_days(profile.next_tier_days),
            )
            for profile in self
        }
