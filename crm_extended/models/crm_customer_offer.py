import logging
from datetime import timedelta

from odoo import api, models
from odoo.tools import SQL

from ..analytics import offers
from .crm_customer_prediction import HORIZON_DAYS
from .crm_customer_steps import RefreshStep
from .crm_model_run import RETRY_ON

_logger = logging.getLogger(__name__)

# products that are learned of at most, those with most buyers
MOST_PRODUCTS = 5_000
# customers that are learned from
LEARNED = 8_000
# customers whose offers are published in one slice, and found: the model is fitted anew in each
SLICE_CUSTOMERS = 20_000
SLICE_FOUND = 10_000
OFFERS = 10
TREND_DAYS = 30
# a refused product is not offered again for so many days
REFUSED_DAYS = 180


class CrmCustomerOffer(models.Model):
    """The products that a customer is likely to buy next, of those that he has not bought yet.

    Learned from what customers bought together, with numpy by ``analytics.offers.Ease``, without
    it in SQL by ``crm_customer_offer_cosine``. The strength of the ridge and of the trend are
    tried on the past once a month; so is how often what is offered is then bought, which tells
    the chance of each offer.
    """

    _inherit = "crm.customer.profile"

    @api.model
    def _refresh_steps(self):
        steps = super()._refresh_steps()
        position = [step.name for step in steps].index("leads") + 1
        finding = RefreshStep("offers", self.env._("Finding the next products"), "_refresh_offers")
        return steps[:position] + [finding] + steps[position:]

    @api.model
    def _refresh_offers(self, run) -> float:
        """One part a slice, in the order of ``_offer_parts``. The numbers are published by now:
        what fails here is noted, and spoils nothing else."""
        self._refresh_limits()
        if not self._reads_products(run):
            self._settle_offers(run)
            return 1
        position = run.position or {"part": 0, "after": 0}
        parts = self._offer_parts(run)
        try:
            with self.env.cr.savepoint():
                after = getattr(self, parts[position["part"]])(run, position["after"])
        except RETRY_ON:
            raise
        except Exception as error:
            _logger.exception("Offers of %s could not be found", run.company_id.name)
            run._note(offers_error=str(error))
            run.offers = False
            return 1
        if after is None:
            position = {"part": position["part"] + 1, "after": 0}
        else:
            position["after"] = after
        run.position = position
        return min(position["part"] / len(parts), 1)

    @api.model
    def _offer_parts(self, run) -> list[str]:
        """Methods of ``(run, after)``, done again with what they return until it is None."""
        learning = ["_tune_offers", "_judge_offers", "_find_offers", "_count_pairs"]
        if not offers.is_available():
            learning = self._cosine_parts()
        return ["_begin_offers", *learning, "_value_offers", "_stage_upsells", "_publish_offers"]

    @api.model
    def _begin_offers(self, run, after):
        decided = self._decided_offers(run)
        method = "ease" if offers.is_available() else "cosine"
        same = decided if decided.get("method") == method else {}
        run.offers = {"month": run._month(), "method": method, **same}
        self._stage_offered_products(run)
        run._create_parent(
            "offer",
            "partner_id integer, product_id integer, because_id integer, score float8,"
            " chance float8, kind text",
        )
        run._create_parent(
            "pair",
            "because_id integer, product_id integer, both_count integer, buyer_count integer,"
            " kind text",
        )

    @api.model
    def _decided_offers(self, run) -> dict:
        """What an earlier refresh of the same month chose, from the same purchases. The published
        refresh is this one by now."""
        last = self.env["crm.model.run"].search(
            [
                ("company_id", "=", run.company_id.id),
                ("state", "=", "done"),
                ("offers", "!=", False),
                ("as_of", ">=", run.as_of.replace(day=1)),
                ("as_of", "<=", run.as_of),
            ],
            order="id DESC",
            limit=1,
        )
        same = last and last.settings["source"] == run.settings["source"]
        return last.offers if same else {}

    @api.model
    def _stage_offered_products(self, run):
        """``(position, product_id, is_offered)`` of the products that are learned of."""
        run._stage(
            "offered",
            SQL(
                """SELECT ROW_NUMBER() OVER (ORDER BY product_id) - 1 AS position,
                          product_id, is_offered
                     FROM (
                        SELECT product_id
                          FROM %s
                         GROUP BY product_id
                         ORDER BY COUNT(*) DESC, product_id
                         LIMIT %s
                     ) AS most
                     JOIN %s AS product USING (product_id)""",
                run._staging("bought"),
                MOST_PRODUCTS,
                run._staging("product"),
            ),
        )

    # -------------------------------------------------------------------- learning

    @api.model
    def _sql_learners(self, run) -> SQL:
        """Whether a customer is one of those that are learned from."""
        customers = (run.statistics or {}).get("offer_customers")
        if customers is None:
            [[customers]] = self.env.execute_query(
                SQL("SELECT COUNT(DISTINCT partner_id) FROM %s", run._staging("bought"))
            )
            run._note(offer_customers=customers)
        return self._sql_sample(SQL("partner_id"), customers, LEARNED)

    @api.model
    def _past(self, run, day) -> offers.Past:
        """What the sampled customers had bought by a day, and what new they bought in the horizon
        after; none of it where the day is the as-of date."""
        rows = self.env.execute_query(
            SQL(
                """SELECT ARRAY_AGG(position ORDER BY position)
                            FILTER (WHERE first_day <= %(day)s),
                          ARRAY_AGG(position) FILTER (WHERE first_day > %(day)s
                                                        AND first_day <= %(until)s)
                     FROM %(bought)s AS bought
                     JOIN %(offered)s AS offered USING (product_id)
                    WHERE %(sample)s
                    GROUP BY partner_id
                   HAVING MIN(first_day) <= %(day)s
                    ORDER BY partner_id""",
                day=day,
                until=day + timedelta(days=HORIZON_DAYS),
                bought=run._staging("bought"),
                offered=run._staging("offered"),
                sample=self._sql_learners(run),
            )
        )
        trends, total = self._trends(run, day)
        return offers.Past(
            [basket for basket, _later in rows],
            [set(later or ()) for _basket, later in rows],
            trends,
            [bool(buyers) for buyers in total],
        )

    @api.model
    def _trends(self, run, day) -> tuple[list[float], list[int]]:
        """The trend and the buyers of each product as of a day, by position."""
        buyers = self._product_buyers(run, day)
        total = [ever for _late, ever in buyers]
        return offers.trends([late for late, _ever in buyers], total), total

    @api.model
    def _product_buyers(self, run, day) -> list[tuple]:
        """``(buyers in the last month, buyers until then)`` by position, as of a day."""
        return self.env.execute_query(
            SQL(
                """SELECT COALESCE(recent.buyers, 0), COALESCE(total.buyers, 0)
                     FROM %(offered)s AS offered
                     LEFT JOIN (
                        SELECT product_id, COUNT(*) AS buyers
                          FROM %(bought)s
                         WHERE first_day <= %(day)s
                         GROUP BY product_id
                     ) AS total USING (product_id)
                     LEFT JOIN (
                        SELECT product_id, COUNT(DISTINCT partner_id) AS buyers
                          FROM %(baskets)s
                         WHERE purchase_date > %(since)s AND purchase_date <= %(day)s
                           AND amount > 0
                         GROUP BY product_id
                     ) AS recent USING (product_id)
                    ORDER BY position""",
                offered=run._staging("offered"),
                bought=run._staging("bought"),
                baskets=run._staging("basket"),
                day=day,
                since=day - timedelta(days=TREND_DAYS),
            )
        )

    @api.model
    def _is_tuned(self, run) -> bool:
        """Whether the month's setting stands already, or there is nothing to learn from."""
        return "ridge" in run.offers or self._offered_count(run) < 2

    @api.model
    def _offered_count(self, run) -> int:
        """Products that are learned of."""
        [[count]] = self.env.execute_query(SQL("SELECT COUNT(*) FROM %s", run._staging("offered")))
        return count

    @api.model
    def _tune_offers(self, run, after):
        """The setting that would have found most in the last horizon."""
        if not self._is_tuned(run):
            found = offers.tune(self._past(run, self._horizon_ago(run)))
            run.offers = run.offers | {"ridge": found.ridge, "trend": found.trend}

    @api.model
    def _judge_offers(self, run, after):
        """How much of what was bought in the last horizon would have been found with what was
        known before it; and what the scores told."""
        if "ridge" not in run.offers or "chances" in run.offers:
            return
        day = self._horizon_ago(run)
        before = offers.tune(self._past(run, day - timedelta(days=HORIZON_DAYS)))
        past = self._past(run, day)
        together = offers.bought_together(past.baskets, len(past.allowed))
        model = offers.Ease(before).fit(together, past.trend)
        [found] = offers.judge(lambda block: [model.score(block)], past)
        if found.customers < offers.FEWEST_JUDGED:
            return
        [popular] = offers.judge(offers.popularity(past), past)
        self._note_offer_backtest(run, day, found, popular)
        if before != self._offer_setting(run):
            # one matrix at a time
            del model
            model = offers.Ease(self._offer_setting(run)).fit(together, past.trend)
        run.offers = run.offers | self._kept_calibration(offers.calibrated(model, past))

    @api.model
    def _horizon_ago(self, run):
        return run.as_of - timedelta(days=HORIZON_DAYS)

    @api.model
    def _offer_setting(self, run):
        return offers.Setting(run.offers["ridge"], run.offers["trend"])

    @api.model
    def _kept_calibration(self, calibration) -> dict:
        return {
            "scores": calibration.limits_,
            "chances": [round(chance, 6) for chance in calibration.chances_],
        }

    @api.model
    def _calibration(self, run):
        return offers.Calibration.of(run.offers.get("scores", ()), run.offers.get("chances", ()))

    # --------------------------------------------------------------------- finding

    @api.model
    def _find_offers(self, run, after):
        """Offers of the next customers."""
        until = self._customers_until(run, "bought", after, SLICE_FOUND)
        if until is None or "ridge" not in run.offers:
            return None
        past = self._past(run, run.as_of)
        together = offers.bought_together(past.baskets, len(past.allowed))
        model = offers.Ease(self._offer_setting(run)).fit(together, past.trend)
        [products, allowed] = zip(
            *self.env.execute_query(
                SQL(
                    "SELECT product_id, is_offered FROM %s ORDER BY position",
                    run._staging("offered"),
                )
            ),
            strict=True,
        )
        partners, baskets = self._baskets(run, after, until)
        refused = self._refused(run, after, until)
        most = OFFERS + max(map(len, refused.values()), default=0)
        calibration = self._calibration(run)
        found = []
        for partner, offered in zip(partners, model.offers(baskets, allowed, most), strict=True):
            kept = [
                offer
                for offer in offered
                if products[offer.product] not in refused.get(partner, ())
            ]
            found += [
                (
                    partner,
                    products[offer.product],
                    products[offer.because] if offer.because is not None else None,
                    offer.score,
                    calibration.chance(offer.score),
                )
                for offer in kept[:OFFERS]
            ]
        self._add_offers(run, found)
        return until

    @api.model
    def _customers_until(
        self, run, table: str, after: int, size: int = SLICE_CUSTOMERS
    ) -> int | None:
        """The last customer of the next slice of a staged table; None after the last slice."""
        [[until]] = self.env.execute_query(
            SQL(
                "SELECT MAX(partner_id) FROM (SELECT DISTINCT partner_id FROM %s"
                " WHERE partner_id > %s ORDER BY partner_id LIMIT %s) AS next",
                run._staging(table),
                after,
                size,
            )
        )
        return until

    @api.model
    def _baskets(self, run, after: int, until: int) -> tuple:
        rows = self.env.execute_query(
            SQL(
                """SELECT partner_id, ARRAY_AGG(position ORDER BY position)
                     FROM %s AS bought
                     JOIN %s AS offered USING (product_id)
                    WHERE partner_id > %s AND partner_id <= %s
                    GROUP BY partner_id
                    ORDER BY partner_id""",
                run._staging("bought"),
                run._staging("offered"),
                after,
                until,
            )
        )
        return tuple(zip(*rows, strict=True)) or ((), ())

    @api.model
    def _refused(self, run, after: int, until: int) -> dict[int, list[int]]:
        """What customers refused lately, by customer."""
        return dict(
            self.env.execute_query(
                SQL(
                    """SELECT partner_id, ARRAY_AGG(product_id)
                         FROM (%s) AS refused
                        WHERE partner_id > %s AND partner_id <= %s
                        GROUP BY partner_id""",
                    self._sql_refused(run),
                    after,
                    until,
                )
            )
        )

    @api.model
    def _sql_refused(self, run) -> SQL:
        self.env["crm.customer.recommendation"].flush_model()
        return SQL(
            """SELECT partner_id, product_id
                 FROM crm_customer_recommendation
                WHERE company_id = %s AND state = 'refused' AND answered_on > %s""",
            run.company_id.id,
            run.as_of - timedelta(days=REFUSED_DAYS),
        )

    @api.model
    def _add_offers(self, run, rows: list[tuple]):
        """:param rows: ``(partner_id, product_id, because_id, score, chance)``"""
        columns = list(zip(*rows, strict=True)) or [()] * 5
        self.env.cr.execute(
            SQL(
                """INSERT INTO %s
                   SELECT *, 'cross_sell'
                     FROM UNNEST(%s::integer[], %s::integer[], %s::integer[], %s::float8[],
                                 %s::float8[])""",
                run._staging("offer"),
                *map(list, columns),
            )
        )

    @api.model
    def _count_pairs(self, run, after):
        """Of the customers that were learned from: how many bought the product that speaks for an
        offer, and how many of them the offered one too."""
        if "ridge" not in run.offers:
            return
        past = self._past(run, run.as_of)
        counts = offers.bought_together(past.baskets, len(past.allowed), is_weighted=False)
        rows = self.env.execute_query(
            SQL(
                """SELECT because_id, offer.product_id, because.position, product.position
                     FROM (SELECT DISTINCT because_id, product_id FROM %(offers)s) AS offer
                     JOIN %(offered)s AS because ON because.product_id = because_id
                     JOIN %(offered)s AS product ON product.product_id = offer.product_id""",
                offers=run._staging("offer"),
                offered=run._staging("offered"),
            )
        )
        pairs = [
            (because_id, product_id, int(counts[because, product]), int(counts[because, because]))
            for because_id, product_id, because, product in rows
        ]
        self.env.cr.execute(
            SQL(
                "INSERT INTO %s SELECT *, 'cross_sell' FROM"
                " UNNEST(%s::integer[], %s::integer[], %s::integer[], %s::integer[])",
                run._staging("pair"),
                *map(list, zip(*pairs, strict=True) if pairs else [()] * 4),
            )
        )
