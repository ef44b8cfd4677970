from datetime import timedelta

from odoo import api, models
from odoo.tools import SQL

from ..analytics import offers
from .crm_customer_offer import OFFERS
from .crm_customer_prediction import HORIZON_DAYS

# products that speak for a product
NEIGHBORS = 30
# products whose neighbours are found in one slice: some 10 s with 5,000 products
SLICE_PRODUCTS = 1_000
JUDGED = 2 * offers.MOST_JUDGED


class CrmCustomerOfferCosine(models.Model):
    """Offers without numpy, in SQL: products are alike by the customers who bought both.

    Similarity is the cosine of the products' buyers, big buyers counting less by the root of what
    they bought (they buy everything with everything). A score adds up the similarities of what a
    customer bought, times the product's trend.
    """

    _inherit = "crm.customer.profile"

    @api.model
    def _cosine_parts(self) -> list[str]:
        return [
            "_compare_products_before",
            "_try_cosine",
            "_compare_products",
            "_find_offers_cosine",
            "_count_pairs_cosine",
        ]

    @api.model
    def _compare_products_before(self, run, after):
        """Neighbours as of one horizon ago, where the month's trend is not chosen yet."""
        if self._is_tuned(run):
            return None
        return self._compare_products(run, after, self._horizon_ago(run))

    @api.model
    def _compare_products(self, run, after, day=None):
        """Stage what the next products were bought with; at the end, the neighbours of all."""
        if not after:
            self._prepare_cosine(run, day or run.as_of)
        if after >= self._offered_count(run):
            run._stage("neighbor", self._sql_neighbors(run))
            return None
        until = after + SLICE_PRODUCTS
        run._stage(f"together_{after}", self._sql_together(run, after, until), parent="together")
        return until

    @api.model
    def _prepare_cosine(self, run, day):
        """Stage who of the sampled customers bought what by a day, the norm of each product, and
        its trend."""
        run._create_parent(
            "together", "position integer, other integer, weight float8, both_count integer"
        )
        run._stage(
            "learner",
            SQL(
                """SELECT partner_id, position::integer AS position,
                          COUNT(*) OVER (PARTITION BY partner_id)::float8 ^ -0.5 AS weight
                     FROM %s AS bought
                     JOIN %s AS offered USING (product_id)
                    WHERE first_day <= %s AND %s""",
                run._staging("bought"),
                run._staging("offered"),
                day,
                self._sql_learners(run),
            ),
        )
        run._stage(
            "norm",
            SQL(
                """SELECT position, SQRT(SUM(weight)) AS norm, COUNT(*)::integer AS buyers
                     FROM %s GROUP BY position""",
                run._staging("learner"),
            ),
        )
        run._stage("trend", self._sql_trends(run, day))

    @api.model
    def _sql_together(self, run, first: int, end: int) -> SQL:
        """How many of the sampled customers bought two products, each pair once. One customer is
        chance."""
        return SQL(
            """SELECT own.position, other.position AS other, SUM(own.weight) AS weight,
                      COUNT(*)::integer AS both_count
                 FROM %(learners)s AS own
                 JOIN %(learners)s AS other ON other.partner_id = own.partner_id
                                           AND other.position > own.position
                WHERE own.position >= %(first)s AND own.position < %(end)s
                GROUP BY own.position, other.position
               HAVING COUNT(*) > 1""",
            learners=run._staging("learner"),
            first=first,
            end=end,
        )

    @api.model
    def _sql_neighbors(self, run) -> SQL:
        """``(bought_position, position, similarity, both_count, buyer_count)``"""
        return SQL(
            """SELECT bought_position, position, similarity, both_count, buyer_count
                 FROM (
                    SELECT pair.*, weight / (own.norm * other.norm) AS similarity,
                           own.buyers AS buyer_count,
                           ROW_NUMBER() OVER (PARTITION BY bought_position
                               ORDER BY weight / other.norm DESC, pair.position) AS place
                      FROM (
                        SELECT position AS bought_position, other AS position, weight, both_count
                          FROM %(pairs)s
                        UNION ALL
                        SELECT other, position, weight, both_count FROM %(pairs)s
                      ) AS pair
                      JOIN %(norms)s AS own ON own.position = bought_position
                      JOIN %(norms)s AS other ON other.position = pair.position
                 ) AS ranked
                WHERE place <= %(neighbors)s""",
            pairs=run._staging("together"),
            norms=run._staging("norm"),
            neighbors=NEIGHBORS,
        )

    @api.model
    def _sql_trends(self, run, day) -> SQL:
        """``(position, trend)``"""
        trends, _total = self._trends(run, day)
        return SQL(
            "SELECT (number - 1)::integer AS position, trend"
            " FROM UNNEST(%s::float8[]) WITH ORDINALITY AS listed (trend, number)",
            trends,
        )

    @api.model
    def _sql_scores(self, run, day, exponent: float, customers: SQL, count: int) -> SQL:
        """``(partner_id, position, score, place)``: the best products of customers, of those that
        may be offered.

        :param customers: a condition on ``partner_id``
        """
        return SQL(
            """WITH owned AS MATERIALIZED (
                SELECT partner_id, position::integer AS position
                  FROM %(bought)s AS bought
                  JOIN %(offered)s AS offered USING (product_id)
                 WHERE first_day <= %(day)s AND %(customers)s
            ),
            scores AS (
                SELECT partner_id, near.position, SUM(similarity) AS score
                  FROM owned
                  JOIN %(neighbors)s AS near ON near.bought_position = owned.position
                 GROUP BY partner_id, near.position
            )
            SELECT partner_id, position, score, place
              FROM (
                SELECT partner_id, position, score * trend ^ %(exponent)s AS score,
                       ROW_NUMBER() OVER (PARTITION BY partner_id
                           ORDER BY score * trend ^ %(exponent)s DESC, position) AS place
                  FROM scores
                  JOIN %(trends)s AS trend USING (position)
                  JOIN %(offered)s AS product USING (position)
                 WHERE (is_offered OR %(is_past)s)
                   AND (partner_id, position) NOT IN (SELECT partner_id, position FROM owned)
                   AND (partner_id, product_id) NOT IN (%(refused)s)
              ) AS ranked
             WHERE place <= %(count)s""",
            bought=run._staging("bought"),
            offered=run._staging("offered"),
            neighbors=run._staging("neighbor"),
            trends=run._staging("trend"),
            refused=self._sql_refused(run),
            day=day,
            is_past=day < run.as_of,
            exponent=exponent,
            customers=customers,
            count=count,
        )

    @api.model
    def _try_cosine(self, run, after):
        """Choose the exponent of the trend that would have found most in the last horizon, note
        how much it found, and what the scores told."""
        if self._is_tuned(run):
            return
        day = self._horizon_ago(run)
        # who bought nothing new tells nothing of the order of offers, but of their chances
        later = self._bought_later(run, day)
        buyers = {partner: new for partner, new in later.items() if new}
        chosen = offers.Setting(0.0, 0.0)
        found = {}
        if len(buyers) >= offers.FEWEST_JUDGED:
            ranked = {
                offers.Setting(0.0, exponent): self._ranked_then(run, day, exponent, list(later))
                for exponent in offers.TRENDS
            }
            wanted = list(buyers.values())
            tried = {
                setting: offers.hit_rates(
                    [
                        [position for position, _score in rows.get(partner, ())]
                        for partner in buyers
                    ],
                    wanted,
                )
                for setting, rows in ranked.items()
            }
            chosen = offers.best(tried)
            popular = offers.hit_rates(self._popular_then(run, day, buyers), wanted)
            # half the trend is what was known before
            self._note_offer_backtest(run, day, tried[offers.Setting(0.0, 0.5)], popular)
            pairs = [
                (score, position in later[partner])
                for partner, rows in ranked[chosen].items()
                for position, score in rows
            ]
            found = self._kept_calibration(
                offers.Calibration().fit(*(zip(*pairs, strict=True) if pairs else ((), ())))
            )
        run.offers = run.offers | {"ridge": chosen.ridge, "trend": chosen.trend} | found

    @api.model
    def _bought_later(self, run, day) -> dict[int, set]:
        """What products sampled customers first bought in the horizon after a day, by customer."""
        rows = self.env.execute_query(
            SQL(
                """SELECT partner_id,
                          ARRAY_AGG(position) FILTER (WHERE first_day > %(day)s AND norm > 0)
                     FROM %(bought)s AS bought
                     JOIN %(offered)s AS offered USING (product_id)
                     LEFT JOIN %(norms)s AS sold USING (position)
                    WHERE first_day <= %(until)s AND %(sample)s
                    GROUP BY partner_id
                   HAVING MIN(first_day) <= %(day)s
                    ORDER BY partner_id""",
                bought=run._staging("bought"),
                offered=run._staging("offered"),
                norms=run._staging("norm"),
                sample=self._sql_learners(run),
                day=day,
                until=day + timedelta(days=HORIZON_DAYS),
            )
        )
        every = -(-len(rows) // JUDGED) or 1
        return {partner: set(positions or ()) for partner, positions in rows[::every]}

    @api.model
    def _ranked_then(self, run, day, exponent, partners: list[int]) -> dict[int, list]:
        """``{partner: [(position, score), …]}``, best first."""
        rows = self.env.execute_query(
            SQL(
                "SELECT partner_id, ARRAY_AGG(position ORDER BY place),"
                " ARRAY_AGG(score ORDER BY place) FROM (%s) AS best GROUP BY partner_id",
                self._sql_scores(
                    run, day, exponent, SQL("partner_id = ANY(%s)", partners), offers.CALIBRATED
                ),
            )
        )
        return {
            partner: list(zip(positions, scores, strict=True))
            for partner, positions, scores in rows
        }

    @api.model
    def _popular_then(self, run, day, later: dict[int, set]) -> list[list[int]]:
        """The products with most buyers by a day that each customer had not bought."""
        popular = [
            position
            for [position] in self.env.execute_query(
                SQL("SELECT position FROM %s ORDER BY buyers DESC, position", run._staging("norm"))
            )
        ]
        owned = dict(
            self.env.execute_query(
                SQL(
                    """SELECT partner_id, ARRAY_AGG(position)
                         FROM %s AS learner WHERE partner_id = ANY(%s) GROUP BY partner_id""",
                    run._staging("learner"),
                    list(later),
                )
            )
        )
        result = []
        for partner in later:
            had = set(owned.get(partner, ()))
            free = (position for position in popular if position not in had)
            result.append([position for position, _count in zip(free, range(OFFERS), strict=False)])
        return result

    @api.model
    def _find_offers_cosine(self, run, after):
        """Offers of the next customers."""
        until = self._customers_until(run, "bought", after)
        if until is None:
            return None
        scores = self._sql_scores(
            run,
            run.as_of,
            run.offers.get("trend", 0.0),
            SQL("partner_id > %s AND partner_id <= %s", after, until),
            OFFERS,
        )
        run._stage("best", scores)
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT ON (partner_id, product.product_id)
                          partner_id, product.product_id, because.product_id, score
                     FROM %(best)s AS best
                     JOIN %(offered)s AS product USING (position)
                     JOIN %(neighbors)s AS near USING (position)
                     JOIN %(offered)s AS because ON because.position = near.bought_position
                     JOIN %(bought)s AS own USING (partner_id)
                    WHERE own.product_id = because.product_id
                    ORDER BY partner_id, product.product_id, similarity DESC, because.product_id""",
                best=run._staging("best"),
                offered=run._staging("offered"),
                neighbors=run._staging("neighbor"),
                bought=run._staging("bought"),
            )
        )
        calibration = self._calibration(run)
        self._add_offers(run, [(*row, calibration.chance(row[-1])) for row in rows])
        return until

    @api.model
    def _count_pairs_cosine(self, run, after):
        self.env.cr.execute(
            SQL(
                """INSERT INTO %(pairs)s
                   SELECT offer.because_id, offer.product_id, both_count, buyer_count, 'cross_sell'
                     FROM (SELECT DISTINCT because_id, product_id FROM %(offers)s) AS offer
                     JOIN %(offered)s AS because ON because.product_id = because_id
                     JOIN %(offered)s AS product ON product.product_id = offer.product_id
                     JOIN %(neighbors)s AS near ON near.bought_position = because.position
                                               AND near.position = product.position""",
                pairs=run._staging("pair"),
                offers=run._staging("offer"),
                offered=run._staging("offered"),
                neighbors=run._staging("neighbor"),
            )
        )
