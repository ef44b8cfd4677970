from odoo import api, fields, models
from odoo.tools import SQL

from ..analytics.winback import (
    ABSENCES,
    FEWEST_CASES,
    Ended,
    ReturnChance,
    absence_band,
    last_good_year,
)
from .crm_winback_case import AMOUNT, MARGIN, MARGIN_STATES

YEAR_DAYS = 365
# beyond all amounts: who can't come back, and whose margin is not known
LAST, UNKNOWN = 1e18, 1e15


class CrmWinbackValue(models.Model):
    """What it would be worth to win a customer back.

    The value of the second lifetime is the last good year, in prices of the day, times the chance
    of return, which is learned by reason and absence from 50 ended cases of the company on. Until
    then the last good year ranks alone, and the queue says so. It ranks by margin for who sees
    margins, by revenue for who sees amounts; for all others by tier and by how lately he left.
    """

    _inherit = "crm.winback.case"

    good_year_end = fields.Date(
        "Last Good Year Until",
        readonly=True,
        help="Last day of the latest twelve months that brought half of his best, counted back "
        "from his last order.",
    )
    good_year_revenue = fields.Monetary(
        "Revenue of the Last Good Year",
        readonly=True,
        groups=AMOUNT,
        help="Untaxed, credit notes deducted, in prices of the month in which the case began.",
    )
    good_year_margin = fields.Monetary(
        "Margin of the Last Good Year",
        readonly=True,
        groups=MARGIN,
        help="Of the lines whose cost is known, in prices of the month in which the case began.",
    )
    good_year_margin_state = fields.Selection(
        MARGIN_STATES, "Margin of That Year Is", readonly=True, groups=MARGIN
    )
    purchase_count = fields.Integer(
        "Purchases Before", readonly=True, help="Days with a purchase before he left."
    )
    tier_id = fields.Many2one(
        "crm.loyalty.tier", "Tier When Opened", readonly=True, ondelete="set null"
    )
    repeat_count = fields.Integer(
        "Left Before",
        readonly=True,
        aggregator="avg",
        help="How often he had left and come back before.",
    )
    chance_is_learned = fields.Boolean(
        readonly=True, help="Whether enough cases have ended to tell a chance of return."
    )
    return_chance = fields.Float(
        "Chance of Return",
        readonly=True,
        aggregator="avg",
        help="Of customers who left for this reason and were silent for so long, the share that "
        "came back; few cases are drawn towards the share of all. Empty until 50 cases have ended.",
    )
    expected_revenue = fields.Monetary(
        compute="_compute_expected_revenue",
        store=True,
        groups=AMOUNT,
        help="Revenue of the last good year × chance of return. Empty until a chance is learned.",
    )
    expected_margin = fields.Monetary(
        compute="_compute_expected_margin",
        store=True,
        groups=MARGIN,
        help="Margin of the last good year × chance of return. Empty until a chance is learned.",
    )
    second_orders = fields.Integer(
        "Purchases After Return",
        readonly=True,
        help="Days with a purchase in the 12 months from his return, up to the as-of date.",
    )
    second_revenue = fields.Monetary(
        "Revenue After Return",
        readonly=True,
        groups=AMOUNT,
        help="Untaxed, credit notes deducted, of the 12 months from his return, up to the as-of "
        "date.",
    )
    second_margin = fields.Monetary(
        "Margin After Return",
        readonly=True,
        groups=MARGIN,
        help="Of the lines whose cost is known, of the 12 months from his return, up to the as-of "
        "date.",
    )
    second_margin_state = fields.Selection(
        MARGIN_STATES, "Margin After Return Is", readonly=True, groups=MARGIN
    )
    queue_rank = fields.Float(
        compute="_compute_queue_rank",
        aggregator=None,
        help="Order of the queue, the smallest first: by what a second life would bring, as far as "
        "you may see it, else by tier and by how lately he left.",
    )

    @api.depends("return_chance", "chance_is_learned", "good_year_revenue")
    def _compute_expected_revenue(self):
        for case in self:
            chance = case.return_chance if case.chance_is_learned else 0
            case.expected_revenue = case.good_year_revenue * chance

    @api.depends("return_chance", "chance_is_learned", "good_year_margin")
    def _compute_expected_margin(self):
        for case in self:
            chance = case.return_chance if case.chance_is_learned else 0
            case.expected_margin = case.good_year_margin * chance

    # ------------------------------------------------------------------ order of the queue

    @api.depends_context("uid")
    @api.depends("return_chance", "is_final", "left_after")
    def _compute_queue_rank(self):
        self.flush_model()
        query = self.with_context(active_test=False)._as_query(ordered=False)
        query.add_where(SQL("%s IN %s", SQL.identifier(self._table, "id"), tuple(self.ids or [0])))
        rank = self._field_to_sql(self._table, "queue_rank", query)
        ranks = dict(self.env.execute_query(query.select(SQL.identifier(self._table, "id"), rank)))
        for case in self:
            case.queue_rank = ranks.get(case.id, 0)

    def _field_to_sql(self, alias, field_expr, query=None):
        if field_expr != "queue_rank":
            return super()._field_to_sql(alias, field_expr, query)
        return SQL(
            "(CASE WHEN %s THEN %s ELSE %s END)::float8",
            SQL.identifier(alias, "is_final"),
            LAST,
            self._sql_rank_shown(alias),
        )

    @api.model
    def _sql_rank_shown(self, alias) -> SQL:
        """By what the reader may see, and by nothing else."""
        user = self.env.user
        chance = SQL(
            "CASE WHEN %s THEN %s ELSE 1 END",
            SQL.identifier(alias, "chance_is_learned"),
            SQL.identifier(alias, "return_chance"),
        )
        revenue = SQL("COALESCE(%s, 0) * %s", SQL.identifier(alias, "good_year_revenue"), chance)
        if user.has_group(MARGIN):
            return SQL(
                "CASE WHEN %(state)s IN ('known', 'partial') THEN -%(margin)s * %(chance)s"
                " ELSE %(unknown)s - %(revenue)s END",
                state=SQL.identifier(alias, "good_year_margin_state"),
                margin=SQL.identifier(alias, "good_year_margin"),
                chance=chance,
                unknown=UNKNOWN,
                revenue=revenue if user.has_group(AMOUNT) else self._sql_rank_of_all(alias),
            )
        if user.has_group(AMOUNT):
            return SQL("-(%s)", revenue)
        return SQL("-(%s)", self._sql_rank_of_all(alias))

    @api.model
    def _sql_rank_of_all(self, alias) -> SQL:
        """The higher the tier, the later he left and the more often he bought, the larger."""
        return SQL(
            """COALESCE((
                SELECT COUNT(*)
                  FROM crm_loyalty_tier AS own
                  JOIN crm_loyalty_tier AS lower
                    ON lower.company_id = own.company_id AND lower.active
                   AND (lower.threshold, lower.id) <= (own.threshold, own.id)
                 WHERE own.id = %(tier)s
               ), 0) * 1e8
               + (%(left)s - DATE '1970-01-01') * 1e3 + LEAST(COALESCE(%(count)s, 0), 999)""",
            tier=SQL.identifier(alias, "tier_id"),
            left=SQL.identifier(alias, "left_after"),
            count=SQL.identifier(alias, "purchase_count"),
        )

    # ------------------------------------------------------------------ chance of return

    def _update_chances(self):
        """Tell the chance of return of these as the ended cases of their company teach it."""
        # sudo: what is found of cases, whoever said why the customer left
        cases = self.sudo().filtered(lambda case: not case.outcome)
        for company, of_company in cases.grouped("company_id").items():
            learned = cases._learn_chances(company)
            for case in of_company:
                chance = learned.chance(
                    case.leaving_reason_id.id or None,
                    absence_band((case.opened_on - case.left_after).days),
                )
                values = {
                    "chance_is_learned": learned.is_learned_,
                    "return_chance": round(chance, 4) if learned.is_learned_ else 0,
                }
                if any(case[name] != value for name, value in values.items()):
                    case.write(values)

    @api.model
    def _learn_chances(self, company) -> ReturnChance:
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT leaving_reason_id,
                          width_bucket(opened_on - left_after, %s::integer[]),
                          outcome != 'given_up', COUNT(*)
                     FROM crm_winback_case
                    WHERE company_id = %s AND outcome IS NOT NULL AND active
                    GROUP BY 1, 2, 3""",
                list(ABSENCES),
                company.id,
            )
        )
        return ReturnChance(FEWEST_CASES).fit(Ended(*row) for row in rows)

    # -------------------------------------------------------------------- what he brought

    def _find_good_years(self):
        """Note what the last good year of these was, from their purchase lines."""
        for company, cases in self.grouped("company_id").items():
            years = {}
            for case, year, *sums in cases._read_years(company):
                years.setdefault(case, {})[year] = sums
            for case in cases:
                case._note_good_year(years.get(case.id, {}))

    def _note_good_year(self, years):
        """:param years: ``{years before the last one: (revenue, margin, share known)}``"""
        amounts = [float(years.get(year, (0,))[0]) for year in range(max(years, default=-1) + 1)]
        good = last_good_year(amounts)
        if good is None:
            self.good_year_margin_state = "unknown"
            return
        revenue, margin, known = years[good]
        self.write(
            {
                "good_year_end": fields.Date.subtract(self.left_after, days=good * YEAR_DAYS),
                "good_year_revenue": revenue,
                "good_year_margin": margin or 0,
                "good_year_margin_state": "unknown"
                if margin is None
                else ("known" if known else "partial"),
            }
        )

    def _read_years(self, company) -> list:
        """``(case, years before the last one, revenue, margin, whether all costs are known)``"""
        self.flush_model()
        rows = self.env["crm.customer.profile"]
        run = company.customer_run_id
        return self.env.execute_query(
            SQL(
                """SELECT lost.id,
                          GREATEST((lost.left_after - fact.date) / %(year)s, 0) AS year,
                          ROUND(SUM(%(revenue)s), %(digits)s),
                          ROUND(SUM(%(margin)s), %(digits)s),
                          BOOL_AND(fact.margin IS NOT NULL)
                     FROM (
                        SELECT partner_id, date, amount, margin
                          FROM (%(lines)s) AS line
                         WHERE line.partner_id = ANY(%(partners)s)
                     ) AS fact
                     JOIN crm_winback_case AS lost ON lost.partner_id = fact.partner_id
                    WHERE lost.id = ANY(%(cases)s)
                    GROUP BY lost.id, year""",
                year=YEAR_DAYS,
                revenue=rows._sql_real(run, SQL("fact.amount"), SQL("fact.date")),
                margin=rows._sql_real(run, SQL("fact.margin"), SQL("fact.date")),
                digits=company.currency_id.decimal_places,
                lines=SQL(" UNION ALL ").join(
                    self.env["crm.customer.fact"]._fact_sources(run.as_of, company)
                ),
                partners=self.partner_id.ids,
                cases=self.ids,
            )
        )

    def _count_earlier(self):
        """How often each of these had left and come back before: by earlier cases, and by events
        of a time without. Both before his last order: what came later is this time."""
        self.flush_model()
        self.env["crm.customer.event"].flush_model()
        counts = self.env.execute_query(
            SQL(
                """SELECT own.id, GREATEST(
                        (SELECT COUNT(*) FROM crm_winback_case AS earlier
                          WHERE earlier.partner_id = own.partner_id
                            AND earlier.company_id = own.company_id
                            AND earlier.left_after < own.left_after
                            AND earlier.outcome IS NOT NULL),
                        (SELECT COUNT(*) FROM crm_customer_event AS event
                          WHERE event.partner_id = own.partner_id
                            AND event.company_id = own.company_id
                            AND event.kind = 'lost'
                            AND event.date <= own.left_after)
                    )
                     FROM crm_winback_case AS own
                    WHERE own.id = ANY(%s)""",
                self.ids,
            )
        )
        for case, count in counts:
            self.browse(case).repeat_count = count
