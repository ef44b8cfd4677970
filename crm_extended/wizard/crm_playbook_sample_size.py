from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, format_amount, formatLang

from ..analytics.campaign import two_digits
from ..analytics.sample_size import detectable_effect, sample_size
from ..wording import percent

# such customers from whom the spread is told, at most and at least
SAMPLE = 2000
FEWEST = 20
RATE_DAYS = 90
YEAR_DAYS = 365
DAYS_OF_MONTH = 365 / 12
DEFAULT_SHARE = 0.2


class CrmPlaybookSampleSize(models.TransientModel):
    """How many customers it takes before a playbook's result can be told, before it starts.

    The spread of revenue between customers is that of those to whom the same happened in the past
    year, in as many days after it; where there are fewer than 20, that of all customers in the last
    so many days.
    """

    _name = "crm.playbook.sample.size"
    _description = "Customers That a Result Takes"

    playbook_id = fields.Many2one("crm.playbook", required=True, readonly=True, ondelete="cascade")
    currency_id = fields.Many2one(related="playbook_id.currency_id")
    effect_share = fields.Float(
        "Effect to See",
        default=0.05,
        help="Share of a customer's revenue in the window that the playbook should add.",
    )
    holdout_share = fields.Float(
        "Held Out", compute="_compute_holdout_share", store=True, readonly=False
    )
    window_days = fields.Integer(
        "Window", compute="_compute_window_days", store=True, readonly=False
    )
    seen_count = fields.Integer("Such Customers Seen", compute="_compute_seen")
    seen_alike = fields.Boolean(
        compute="_compute_seen", help="Whether these are customers to whom the same happened."
    )
    mean = fields.Float(compute="_compute_seen")
    deviation = fields.Float(compute="_compute_seen")
    monthly_count = fields.Float(compute="_compute_monthly_count", digits=(16, 1))
    customer_count = fields.Integer("Customers It Takes", compute="_compute_answer")
    answer = fields.Html(compute="_compute_answer", sanitize=False)

    @api.depends("playbook_id")
    def _compute_holdout_share(self):
        for wizard in self:
            wizard.holdout_share = wizard.playbook_id.holdout_share or DEFAULT_SHARE

    @api.depends("playbook_id")
    def _compute_window_days(self):
        for wizard in self:
            wizard.window_days = wizard.playbook_id.window_days

    @api.depends("playbook_id", "window_days")
    def _compute_seen(self):
        for wizard in self:
            alike = wizard._revenues(wizard._sql_moments())
            wizard.seen_alike = len(alike) >= FEWEST
            revenues = alike if wizard.seen_alike else wizard._revenues(wizard._sql_everybody())
            count = wizard.seen_count = len(revenues)
            wizard.mean = sum(revenues) / count if count else 0
            squares = sum((revenue - wizard.mean) ** 2 for revenue in revenues)
            wizard.deviation = (squares / (count - 1)) ** 0.5 if count > 1 else 0

    @api.depends("playbook_id")
    def _compute_monthly_count(self):
        for wizard in self:
            [[count]] = self.env.execute_query(
                SQL(
                    "SELECT COUNT(*) FROM (%s) AS moment WHERE day > %s",
                    wizard._sql_moments_of(),
                    wizard._as_of() - timedelta(days=RATE_DAYS),
                )
            )
            wizard.monthly_count = count / RATE_DAYS * DAYS_OF_MONTH

    @api.depends(
        "seen_count", "mean", "deviation", "monthly_count", "effect_share", "holdout_share"
    )
    def _compute_answer(self):
        for wizard in self:
            wizard.customer_count = wizard._needed(wizard.holdout_share)
            wizard.answer = self.env["ir.qweb"]._render(
                "crm_extended.crm_playbook_sample_size_answer",
                {"sentences": wizard._sentences()},
            )

    # --------------------------------------------------------------------- own data

    def _as_of(self):
        return self.playbook_id._as_of()

    def _sql_moments_of(self) -> SQL:
        """``(partner_id, day)``: when the same happened to customers."""
        playbook = self.playbook_id._origin
        if playbook.trigger == "segment":
            return SQL(
                "SELECT partner_id, date_from AS day FROM crm_customer_segment_member"
                " WHERE segment_id = %s AND company_id = %s",
                playbook.segment_id.id or 0,
                playbook.company_id.id,
            )
        return SQL(
            "SELECT partner_id, date AS day FROM crm_customer_event"
            " WHERE kind = %s AND company_id = %s",
            playbook.trigger == "event" and playbook.event_kind or "",
            playbook.company_id.id,
        )

    def _sql_moments(self) -> SQL:
        """Those of a year whose windows are over."""
        last = self._as_of() - timedelta(days=max(self.window_days, 1))
        return SQL(
            "SELECT partner_id, MAX(day) AS day FROM (%s) AS moment"
            " WHERE day > %s AND day <= %s GROUP BY partner_id",
            self._sql_moments_of(),
            last - timedelta(days=YEAR_DAYS),
            last,
        )

    def _sql_everybody(self) -> SQL:
        return SQL(
            "SELECT partner_id, %s::date AS day FROM crm_customer_profile"
            " WHERE company_id = %s AND purchase_count > 0",
            self._as_of() - timedelta(days=max(self.window_days, 1)),
            self.playbook_id.company_id.id,
        )

    def _revenues(self, moments: SQL) -> list[float]:
        """What each of a fixed sample of customers bought in the window after a moment."""
        self.env.flush_all()
        sample = self.env.execute_query(
            SQL(
                "SELECT partner_id, day FROM (%s) AS moment ORDER BY md5(partner_id::text)"
                " LIMIT %s",
                moments,
                SAMPLE,
            )
        )
        if not sample:
            return []
        # sudo: what is seen of customers is told as a number of customers alone
        facts = self.env["crm.customer.fact"].sudo()
        company = self.playbook_id.company_id.sudo()
        partners, days = (list(column) for column in zip(*sample, strict=True))
        rows = self.env.execute_query(
            SQL(
                """SELECT COALESCE(SUM(amount), 0)::float8
                     FROM UNNEST(%(partners)s::integer[], %(days)s::date[])
                       AS moment (partner_id, day)
                     LEFT JOIN (
                        SELECT partner_id, date, amount
                          FROM (%(facts)s) AS line
                         WHERE partner_id = ANY(%(partners)s) AND date > %(first)s
                     ) AS bought
                       ON bought.partner_id = moment.partner_id
                      AND bought.date > moment.day
                      AND bought.date <= moment.day + %(window)s
                    GROUP BY moment.partner_id""",
                partners=partners,
                days=days,
                first=min(days),
                facts=SQL(" UNION ALL ").join(facts._fact_sources(self._as_of(), company)),
                window=max(self.window_days, 1),
            )
        )
        return [revenue for [revenue] in rows]

    # --------------------------------------------------------------------- in words

    def _needed(self, share: float) -> int:
        if not self._can_tell() or not 0 < share < 1:
            return 0
        return sample_size(share, self.deviation, self.effect_share * self.mean)

    def _can_tell(self) -> bool:
        return (
            self.seen_count >= FEWEST
            and self.mean > 0
            and self.deviation > 0
            and self.effect_share > 0
        )

    def _sentences(self) -> list[str]:
        if not 0 < self.holdout_share < 1:
            return [
                self.env._(
                    "Without a hold-out of more than 0 % and less than 100 % no number of "
                    "customers can tell."
                )
            ]
        if self.effect_share <= 0:
            return [self.env._("Say how large an effect you want to see: more than 0 %.")]
        if not self._can_tell():
            return [
                self.env._(
                    "Too little has been bought to say: it takes %(number)s customers with "
                    "purchases in such a window.",
                    number=self._number(FEWEST),
                )
            ]
        sentences = [
            self.env._(
                "To see an effect of %(effect)s of revenue (%(amount)s a customer) takes about "
                "%(number)s customers, %(share)s of them held out.",
                effect=percent(self.env, self.effect_share),
                amount=format_amount(
                    self.env, self.effect_share * self.mean, self.playbook_id.currency_id
                ),
                number=self._number(two_digits(self.customer_count)),
                share=percent(self.env, self.holdout_share),
            ),
            self._time_sentence(),
            self._year_sentence(),
            self._half_sentence(),
            self._basis_sentence(),
        ]
        return [sentence for sentence in sentences if sentence]

    def _there_already(self) -> int:
        return self.playbook_id.existing_count

    def _daily_count(self) -> float:
        return min(self.monthly_count / DAYS_OF_MONTH, self.playbook_id.nightly_limit)

    def _time_sentence(self) -> str:
        if self.playbook_id.trigger not in ("event", "segment"):
            return ""
        there = self._there_already()
        coming = self._daily_count()
        limit = self.playbook_id.nightly_limit or 1
        missing = self.customer_count - there
        if missing > 0 and not coming:
            return self.env._(
                "Nobody came in the last %(days)s days: at this rate it would never be reached.",
                days=self._number(RATE_DAYS),
            )
        days = max(self.customer_count / limit, missing / coming if missing > 0 else 0)
        return self.env._(
            "With the %(there)s who are there already and about %(monthly)s more a month, that is "
            "some %(weeks)s weeks, and a window of %(window)s days after them.",
            there=self._number(there),
            monthly=self._number(self.monthly_count),
            weeks=self._number(max(round(days / 7), 1)),
            window=self._number(self.window_days),
        )

    def _year_sentence(self) -> str:
        """What a year can tell, where that is less than was asked for."""
        if self.playbook_id.trigger not in ("event", "segment"):
            return ""
        customers = self._there_already() + self._daily_count() * YEAR_DAYS
        smaller = min(self.holdout_share, 1 - self.holdout_share) * customers
        if customers >= self.customer_count or smaller < 2:
            return ""
        effect = detectable_effect(customers, self.holdout_share, self.deviation)
        return self.env._(
            "Within a year it would show an effect of %(effect)s or more.",
            effect=percent(self.env, effect / self.mean),
        )

    def _half_sentence(self) -> str:
        if self.holdout_share >= 0.4:
            return ""
        return self.env._(
            "With half of them held out it takes %(number)s.",
            number=self._number(two_digits(self._needed(0.5))),
        )

    def _basis_sentence(self) -> str:
        values = {
            "number": self._number(self.seen_count),
            "days": self._number(self.window_days),
        }
        if self.seen_alike:
            return self.env._(
                "Told from %(number)s customers to whom the same happened in the past year, and "
                "what they bought in the %(days)s days after.",
                **values,
            )
        return self.env._(
            "Told from what %(number)s customers of all kinds bought in the last %(days)s days, as "
            "too few have been seen to whom this happened.",
            **values,
        )

    @api.model
    def _number(self, value) -> str:
        return formatLang(self.env, value, digits=0)
