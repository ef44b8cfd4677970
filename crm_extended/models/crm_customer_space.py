from odoo import api, models
from odoo.tools import SQL

from .crm_customer_peers import PEER_LEVELS, PEER_TRAITS
from .crm_customer_steps import RefreshStep
from .crm_model_run import Asked

# white space: so many of the peers buy it
LEAST_SHARE = 0.25
FEWEST_BUYERS = 5
# categories of a group of peers that its customers are compared in, those with most money in it
MOST_EXPECTED = 30
WRITTEN = (
    "state", "times", "last_purchase_date", "need_score", "amount_12m", "margin_12m", "peer_count",
    "peer_buyers", "peer_amount", "headroom", "expected_margin",
)  # fmt: skip


class CrmCustomerSpace(models.Model):
    """Finds white space: what similar customers buy of each product category, and he does not."""

    _inherit = "crm.customer.profile"

    @api.model
    def _refresh_steps(self):
        steps = super()._refresh_steps()
        names = [step.name for step in steps]
        comparing = RefreshStep(
            "spaces", self.env._("Comparing with similar customers"), "_refresh_spaces"
        )
        showing = RefreshStep("show_spaces", self.env._("Publishing white space"), "_show_spaces")
        before, after = names.index("rows"), names.index("publish") + 1
        return steps[:before] + [comparing] + steps[before:after] + [showing] + steps[after:]

    @api.model
    def _refresh_spaces(self, run) -> float:
        """One staged table a slice."""
        self._refresh_limits()
        tables = {"white_space": self._sql_white_space}
        if self._reads_products(run):
            tables = {
                "category": self._sql_categories,
                "repeat": self._sql_repeats,
                "expectation": self._sql_expectations,
                "space": self._sql_spaces,
                **tables,
            }
        done = (run.position or {}).get("tables", 0)
        name, select = list(tables.items())[done]
        run._stage(name, select(run))
        run.position = {"tables": done + 1}
        return (done + 1) / len(tables)

    @api.model
    def _later_aggregates(self, run):
        return super()._later_aggregates(run) | {"white_space": self._sql_white_space(run)}

    @api.model
    def _sql_white_space(self, run) -> SQL:
        """``(partner_id, headroom)``: of all categories; what was found last where products are
        not read tonight, or one customer is asked of."""
        asked = run.env.context.get("customer_asked")
        if self._reads_products(run) and not isinstance(asked, Asked):
            return SQL(
                "SELECT partner_id, SUM(headroom) AS headroom FROM %s GROUP BY partner_id",
                run._staging("space"),
            )
        return SQL(
            "SELECT partner_id, SUM(headroom) AS headroom FROM crm_customer_category"
            " WHERE company_id = %s AND %s GROUP BY partner_id",
            run.company_id.id,
            run._of_whom(SQL("partner_id")),
        )

    # -------------------------------------------------------------------- comparing

    @api.model
    def _sql_categories(self, run) -> SQL:
        """What each customer bought of each category."""
        window = run._windows("date")["12m"]
        return SQL(
            """SELECT partner_id, category_id,
                      COUNT(DISTINCT purchase_date) FILTER (WHERE amount > 0) AS times,
                      MIN(purchase_date) FILTER (WHERE amount > 0) AS first_day,
                      MAX(purchase_date) FILTER (WHERE amount > 0) AS last_day,
                      COALESCE(SUM(%(amount)s) FILTER (WHERE %(window)s), 0) AS amount_12m,
                      SUM(%(margin)s) FILTER (WHERE %(window)s) AS margin_12m,
                      SUM(known) FILTER (WHERE %(window)s) AS known_12m,
                      SUM(margin) FILTER (WHERE %(window)s) AS known_margin_12m
                 FROM %(baskets)s AS basket
                 JOIN %(products)s AS product USING (product_id)
                WHERE category_id IS NOT NULL
                GROUP BY partner_id, category_id""",
            amount=self._sql_real(run, SQL("amount"), SQL("date")),
            margin=self._sql_real(run, SQL("margin"), SQL("date")),
            window=window,
            baskets=run._staging("basket"),
            products=run._staging("product"),
        )

    @api.model
    def _sql_repeats(self, run) -> SQL:
        """How often each category is bought again, and at which rate of margin."""
        return SQL(
            """SELECT category_id, AVG(times - 1) FILTER (WHERE times > 0)::float8 AS repeat_rate,
                      SUM(known_margin_12m) / NULLIF(SUM(known_12m), 0) AS margin_rate
                 FROM %s
                GROUP BY category_id""",
            run._staging("category"),
        )

    @api.model
    def _sql_expectations(self, run) -> SQL:
        """What a group of peers buys of a category: ``(peer_group, category_id, buyers, amount)``,
        of those that most of its money is in."""
        traits = SQL(", ").join(map(SQL.identifier, PEER_TRAITS))
        sets = [SQL("(%s)", SQL(", ").join(map(SQL.identifier, level))) for level in PEER_LEVELS]
        return SQL(
            """SELECT peer_group, category_id, buyers, amount
                 FROM (
                    SELECT peer_group, category_id, buyers, amount,
                           ROW_NUMBER() OVER (PARTITION BY peer_group
                               ORDER BY buyers * amount DESC, category_id) AS place
                      FROM (
                        SELECT %(key)s AS peer_group, category_id, COUNT(*) AS buyers,
                               percentile_cont(0.5) WITHIN GROUP (ORDER BY amount_12m) AS amount
                          FROM %(categories)s AS category
                          JOIN %(peers)s AS peer USING (partner_id)
                         WHERE amount_12m > 0
                         GROUP BY category_id, GROUPING SETS (%(sets)s)
                        HAVING COUNT(*) >= %(fewest)s AND %(entered)s
                      ) AS grouped
                     WHERE peer_group IN (SELECT peer_group FROM %(peers)s)
                 ) AS ranked
                WHERE place <= %(most)s""",
            key=self._sql_peer_key(),
            entered=self._sql_traits_entered(),
            categories=run._staging("category"),
            peers=run._staging("peer"),
            traits=traits,
            sets=SQL(", ").join(sets),
            fewest=FEWEST_BUYERS,
            most=MOST_EXPECTED,
        )

    @api.model
    def _sql_spaces(self, run) -> SQL:
        """The cells of the matrix."""
        digits = run.company_id.currency_id.decimal_places
        return SQL(
            """WITH cells AS (
                SELECT partner_id, category_id, COALESCE(times, 0) AS times, first_day, last_day,
                       COALESCE(amount_12m, 0) AS amount_12m, margin_12m, peer_count,
                       buyers - (COALESCE(amount_12m, 0) > 0)::integer AS peer_buyers,
                       amount AS peer_amount
                  FROM %(categories)s AS own
                  FULL JOIN (
                    SELECT partner_id, category_id, peer_count, buyers, amount
                      FROM %(peers)s AS peer
                      JOIN %(expectations)s AS expectation USING (peer_group)
                     WHERE peer_count > 0
                  ) AS expected USING (partner_id, category_id)
            ),
            valued AS (
                SELECT cells.*, %(need)s AS need_score, margin_rate,
                       CASE WHEN times = 0 THEN 'white'
                            WHEN last_day > %(year)s::date THEN 'bought'
                            ELSE 'lapsed'
                       END AS state,
                       told.partner_id IS NOT NULL AS is_told,
                       -- what he told of this category goes before what others buy
                       ROUND(CASE WHEN told.amount IS NOT NULL
                                  THEN GREATEST(0, told.amount - amount_12m)
                                  WHEN told.share > 0 AND amount_12m > 0
                                  THEN amount_12m / told.share - amount_12m
                                  ELSE GREATEST(0, peer_buyers::float8 / peer_count * peer_amount
                                       - amount_12m::float8)::numeric
                             END, %(digits)s) AS headroom
                  FROM cells
                  LEFT JOIN (%(wallets)s) AS told USING (partner_id, category_id)
                  JOIN %(repeats)s AS repeat USING (category_id)
                  LEFT JOIN (
                    SELECT partner_id, COUNT(*) AS visits FROM %(days)s GROUP BY partner_id
                  ) AS visited USING (partner_id)
            )
            SELECT partner_id, category_id, state, times, last_day AS last_purchase_date,
                   need_score, ROUND(amount_12m, %(digits)s) AS amount_12m,
                   ROUND(margin_12m, %(digits)s) AS margin_12m, peer_count, peer_buyers,
                   ROUND(peer_amount::numeric, %(digits)s) AS peer_amount, headroom,
                   ROUND(headroom * margin_rate, %(digits)s) AS expected_margin
              FROM valued
             WHERE times > 0
                OR headroom > 0 AND (is_told OR peer_buyers >= peer_count * %(least)s)""",
            wallets=self._sql_wallets(run),
            categories=run._staging("category"),
            peers=run._staging("peer"),
            expectations=run._staging("expectation"),
            repeats=run._staging("repeat"),
            days=run._staging("day"),
            need=self._sql_need_score(run),
            year=run._window_days()["12m"][0],
            digits=digits,
            least=LEAST_SHARE,
        )

    @api.model
    def _sql_need_score(self, run) -> SQL:
        """As ``analytics.needs.need_score``."""
        return SQL(
            """CASE WHEN times > 0
                    THEN (times + 0.5 * repeat_rate) / (%s::date - first_day + 60) * SQRT(visits)
               END""",
            run.as_of,
        )

    # -------------------------------------------------------------------- publishing

    @api.model
    def _show_spaces(self, run) -> float:
        """Show the cells of the next customers."""
        if not self._reads_products(run):
            return 1
        self._refresh_limits()
        after = (run.position or {}).get("after", 0)
        until = self._customers_until(run, "space", after)
        last = until if until is not None else 2**31 - 1
        self._replace(
            "crm.customer.category",
            SQL(
                """SELECT space.*
                     FROM %s AS space
                     JOIN res_partner AS partner ON partner.id = space.partner_id
                    WHERE space.partner_id > %s AND space.partner_id <= %s AND %s""",
                run._staging("space"),
                after,
                last,
                self._sql_is_due(run),
            ),
            ("partner_id", "category_id"),
            WRITTEN,
            SQL("shown.partner_id > %s AND shown.partner_id <= %s", after, last),
            self._table_constants(run),
        )
        run.position = {"after": last}
        [[highest]] = self.env.execute_query(
            SQL("SELECT COALESCE(MAX(partner_id), 0) FROM %s", run._staging("space"))
        )
        return min(last / highest, 0.99) if until is not None else 1
