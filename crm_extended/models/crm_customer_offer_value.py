from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, models
from odoo.tools import SQL

from .crm_customer_offer import REFUSED_DAYS

# what products were sold for is looked up in so many months
PRICE_MONTHS = 24
# a better or larger product costs so much more, at least
STEP_UP = 1.15
# customers who took it next, at least, and their share of those who had the smaller one
FEWEST_STEPS = 5
LEAST_STEPS = 0.1
UPSELLS = 2
# in a category of more products "the next one" is no better kind of the same
KIND_PRODUCTS = 200
# an offer in a quotation that was not confirmed is open again after so many days
OFFERED_DAYS = 90


class CrmCustomerOfferValue(models.Model):
    """What offers bring, the better product of the same kind, and what is shown of all that.

    The ten most likely products of each customer are shown in the order of chance × margin (× usual
    amount, where no costs are recorded). A better or larger product is one of the same category
    that others took next after his, and costs 15 % more at least.
    """

    _inherit = "crm.customer.profile"

    @api.model
    def _value_offers(self, run, after):
        """Stage what one purchase of each product is usually worth, in the as-of month's prices:
        ``(product_id, amount, margin, price)``."""
        amount = self._sql_real(run, SQL("amount"), SQL("date"))
        run._stage(
            "worth",
            SQL(
                """WITH products AS (
                    SELECT product_id,
                           percentile_cont(0.5) WITHIN GROUP (ORDER BY %(amount)s) AS amount,
                           percentile_cont(0.5) WITHIN GROUP (ORDER BY %(amount)s / quantity)
                                FILTER (WHERE quantity > 0) AS price,
                           SUM(margin) AS margin, SUM(known) AS known
                      FROM %(baskets)s
                     WHERE purchase_date > %(since)s AND amount > 0
                     GROUP BY product_id
                )
                SELECT product_id, ROUND(amount::numeric, %(digits)s) AS amount, price,
                       ROUND((amount * COALESCE(
                           margin / NULLIF(known, 0), SUM(margin) OVER () / NULLIF(SUM(known)
                           OVER (), 0)
                       ))::numeric, %(digits)s) AS margin
                  FROM products""",
                amount=amount,
                baskets=run._staging("basket"),
                since=run.as_of - relativedelta(months=PRICE_MONTHS),
                digits=run.company_id.currency_id.decimal_places,
            ),
        )

    # -------------------------------------------------------------------- up-selling

    @api.model
    def _stage_upsells(self, run, after):
        """Add the better products of the same kind, and how many took them next."""
        run._stage("step", self._sql_steps_up(run))
        values = {
            "offers": run._staging("offer"),
            "pairs": run._staging("pair"),
            "steps": run._staging("step"),
            "bought": run._staging("bought"),
            "refused": self._sql_refused(run),
            "since": run.as_of - relativedelta(months=PRICE_MONTHS),
            "upsells": UPSELLS,
        }
        self.env.cr.execute(
            SQL(
                """INSERT INTO %(offers)s
                   SELECT partner_id, product_id, because_id, score, NULL, 'up_sell'
                     FROM (
                        SELECT own.partner_id, step.product_id,
                               (ARRAY_AGG(because_id ORDER BY share DESC, because_id))[1]
                                   AS because_id,
                               MAX(share) AS score,
                               ROW_NUMBER() OVER (PARTITION BY own.partner_id
                                   ORDER BY MAX(share) DESC, step.product_id) AS place
                          FROM %(bought)s AS own
                          JOIN %(steps)s AS step ON step.because_id = own.product_id
                         WHERE own.last_day > %(since)s
                           AND NOT EXISTS (
                            SELECT FROM %(bought)s AS had
                             WHERE had.partner_id = own.partner_id
                               AND had.product_id = step.product_id
                           )
                           AND (own.partner_id, step.product_id) NOT IN (%(refused)s)
                         GROUP BY own.partner_id, step.product_id
                     ) AS found
                    WHERE place <= %(upsells)s""",
                **values,
            )
        )
        self.env.cr.execute(
            SQL(
                """INSERT INTO %(pairs)s
                   SELECT because_id, product_id, both_count, buyer_count, 'up_sell'
                     FROM %(steps)s""",
                **values,
            )
        )

    @api.model
    def _sql_steps_up(self, run) -> SQL:
        """``(because_id, product_id, both_count, buyer_count, share)``: the products that customers
        took next after another of the same category that costs less, and how many did."""
        return SQL(
            """WITH kinds AS (
                SELECT own_category_id
                  FROM %(products)s
                 WHERE own_category_id IS NOT NULL
                 GROUP BY own_category_id
                HAVING COUNT(*) BETWEEN 2 AND %(most)s
            ),
            visits AS (
                SELECT partner_id, product_id, own_category_id, price, is_offered,
                       DENSE_RANK() OVER (PARTITION BY partner_id, own_category_id
                                          ORDER BY first_day) AS visit
                  FROM %(bought)s AS bought
                  JOIN %(products)s AS product USING (product_id)
                  JOIN kinds USING (own_category_id)
                  JOIN %(worth)s AS worth USING (product_id)
                 WHERE %(sample)s
            ),
            buyers AS (SELECT product_id, COUNT(*) AS buyers FROM visits GROUP BY product_id)
            SELECT small.product_id AS because_id, large.product_id,
                   COUNT(*)::integer AS both_count, MIN(buyers)::integer AS buyer_count,
                   COUNT(*)::float8 / MIN(buyers) AS share
              FROM visits AS small
              JOIN visits AS large
                ON large.partner_id = small.partner_id
               AND large.own_category_id = small.own_category_id
               AND large.visit = small.visit + 1
               AND large.price >= small.price * %(step)s
               AND large.is_offered
              JOIN buyers ON buyers.product_id = small.product_id
             GROUP BY small.product_id, large.product_id
            HAVING COUNT(*) >= %(fewest)s AND COUNT(*) >= MIN(buyers) * %(least)s""",
            products=run._staging("product"),
            bought=run._staging("bought"),
            worth=run._staging("worth"),
            sample=self._sql_learners(run),
            most=KIND_PRODUCTS,
            step=STEP_UP,
            fewest=FEWEST_STEPS,
            least=LEAST_STEPS,
        )

    # -------------------------------------------------------------------- publishing

    @api.model
    def _publish_offers(self, run, after):
        """Show the offers of the next customers, and take back those that are none any more."""
        if not after:
            self._settle_offers(run)
        until = self._customers_until(run, "offer", after)
        # those after the last one have none
        last = until if until is not None else 2**31 - 1
        run._stage("ranked", self._sql_ranked_offers(run, after, last))
        self._replace(
            "crm.customer.recommendation",
            SQL("SELECT * FROM %s", run._staging("ranked")),
            ("partner_id", "product_id"),
            ("kind", "rank", "chance", "because_id", "both_count", "buyer_count", "usual_amount",
             "usual_margin"),
            SQL("shown.state = 'open' AND shown.partner_id > %s AND shown.partner_id <= %s",
                after, last),
            self._table_constants(run) | {"state": "open", "date": run.as_of},
        )  # fmt: skip
        return until

    @api.model
    def _sql_ranked_offers(self, run, after: int, last: int) -> SQL:
        return SQL(
            """WITH found AS (
                -- a better kind of what he has is more than one product among others
                SELECT DISTINCT ON (partner_id, product_id)
                       partner_id, product_id, because_id, kind, score,
                       MAX(chance) OVER (PARTITION BY partner_id, product_id) AS chance
                  FROM %(offers)s
                 WHERE partner_id > %(after)s AND partner_id <= %(last)s
                 ORDER BY partner_id, product_id, kind DESC
            )
            SELECT partner_id, product_id, because_id, kind, chance,
                   NULLIF(both_count, 0) AS both_count,
                   CASE WHEN both_count > 0 THEN buyer_count END AS buyer_count,
                   worth.amount AS usual_amount, worth.margin AS usual_margin,
                   ROW_NUMBER() OVER (PARTITION BY partner_id, kind
                       -- of the better ones the share who took it, whose chance few have
                       ORDER BY CASE WHEN kind = 'up_sell' THEN score ELSE COALESCE(chance, score)
                                END * COALESCE(worth.margin, worth.amount, 0) DESC,
                                score DESC, product_id) AS rank
              FROM found
              JOIN res_partner AS partner ON partner.id = partner_id
              LEFT JOIN %(worth)s AS worth USING (product_id)
              LEFT JOIN %(pairs)s AS pair USING (because_id, product_id, kind)
             WHERE COALESCE(worth.margin, 1) > 0 AND %(due)s""",
            offers=run._staging("offer"),
            worth=run._staging("worth"),
            pairs=run._staging("pair"),
            due=self._sql_is_due(run),
            after=after,
            last=last,
        )

    @api.model
    def _settle_offers(self, run):
        """Note which offers were accepted and what they bring as of now; drop answers that count no
        more."""
        self.env["crm.customer.recommendation"].flush_model()
        self.env["sale.order"].flush_model()
        self.env["sale.order.line"].flush_model()
        company = run.company_id
        self.env.cr.execute(
            SQL(
                """UPDATE crm_customer_recommendation AS offer
                      SET state = 'accepted', answered_on = sold.day, result_amount = sold.amount
                     FROM (
                        SELECT line.id, sale.date_order::date AS day,
                               ROUND((line.price_subtotal
                                   / COALESCE(NULLIF(sale.currency_rate, 0), 1))::numeric, %s)
                                   AS amount
                          FROM sale_order_line AS line
                          JOIN sale_order AS sale ON sale.id = line.order_id
                         WHERE sale.state = 'sale'
                     ) AS sold
                    WHERE sold.id = offer.sale_line_id
                      AND offer.state IN ('offered', 'accepted')
                      AND offer.company_id = %s
                      AND (offer.state, offer.answered_on, offer.result_amount)
                          IS DISTINCT FROM ('accepted', sold.day, sold.amount)""",
                company.currency_id.decimal_places,
                company.id,
            )
        )
        self.env.cr.execute(
            SQL(
                """DELETE FROM crm_customer_recommendation AS offer
                    WHERE company_id = %s
                      AND (state = 'refused' AND answered_on <= %s
                           OR state = 'offered' AND answered_on <= %s
                           OR state IN ('offered', 'accepted') AND NOT EXISTS (
                                SELECT FROM sale_order_line AS line
                                  JOIN sale_order AS sale ON sale.id = line.order_id
                                 WHERE line.id = offer.sale_line_id AND sale.state <> 'cancel'
                           ))""",
                company.id,
                run.as_of - timedelta(days=REFUSED_DAYS),
                run.as_of - timedelta(days=OFFERED_DAYS),
            )
        )
