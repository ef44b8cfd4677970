from odoo import api, fields, models
from odoo.tools import SQL

from ..analytics.gamma_gamma import GammaGamma
from .crm_customer_prediction import YEAR, kept_digits

# customers from whom the value of an order is learned
VALUE_SAMPLE = 10_000
# beyond it how often and how much belong together, and each band of frequency is learned apart
CORRELATION = 0.3
BANDS = (1, 2, 5)
BAND_CUSTOMERS = 100
# orders of average value that the company's rates of margin and cost weigh beside the customer's
RATE_SHRINKAGE = 3
# revenue of 12 months, returns deducted, whose cost is known
KNOWN_REVENUE = "GREATEST(revenue_12m, 0) * known_12m / NULLIF(gross_12m, 0)"
# the range leaves out a tenth on each side
TAIL = 0.1


class CrmCustomerLifetime(models.Model):
    """What a customer will bring: the value of his orders, his lifetime value, what is at risk.

    The expected value of an order comes from a Gamma-Gamma model (``analytics.gamma_gamma``) of
    real revenue. Times the expected orders of the horizon, discounted, and his contribution per
    unit of revenue (drawn to the company's while he has bought little) it is the lifetime value,
    which may be negative. Where no costs are recorded it is not known.
    """

    _inherit = "crm.customer.profile"

    expected_value_order = fields.Monetary(
        "Expected Order Value",
        readonly=True,
        aggregator="avg",
        groups="crm_extended.group_amount",
        help="Untaxed value expected of the next order, in prices of the as-of month: his own "
        "average, drawn towards that of all customers, the more the fewer his orders are.",
    )
    clv = fields.Monetary(
        "Lifetime Value",
        readonly=True,
        groups="crm_extended.group_margin",
        help="Contribution expected within the horizon (settings: 3 years), discounted, in prices "
        "of the as-of month. Empty where costs are not recorded.",
    )
    clv_low = fields.Monetary(
        "Lifetime Value, Low",
        readonly=True,
        groups="crm_extended.group_margin",
        help="With a chance of one in ten he brings less.",
    )
    clv_high = fields.Monetary(
        "Lifetime Value, High",
        readonly=True,
        groups="crm_extended.group_margin",
        help="With a chance of one in ten he brings more.",
    )
    value_at_risk = fields.Monetary(
        readonly=True,
        groups="crm_extended.group_margin",
        help="Of customers at risk who had a rhythm: contribution of a year at that rhythm, less "
        "what is expected of the next year.",
    )

    @api.model
    def _refresh_model(self, run):
        result = super()._refresh_model(run)
        run.value_model = self._learn_value(run) if self._is_predicting(run) else False
        return result

    @api.model
    def _learn_value(self, run) -> dict:
        """``{"correlation", "bands": [{"from", "p", "q", "v", "customers"}, …]}``"""
        amount = "revenue_real_total" if run.price_basis == "real" else "revenue_total"
        orders = SQL(
            """SELECT rhythm.partner_id, purchase_count AS x,
                      (value.%(amount)s / purchase_count)::float8 AS m
                 FROM %(rhythm)s AS rhythm
                 JOIN %(value)s AS value USING (partner_id)
                 JOIN res_partner AS partner ON partner.id = rhythm.partner_id
                WHERE value.%(amount)s > 0 AND %(due)s""",
            amount=SQL.identifier(amount),
            rhythm=run._staging("rhythm"),
            value=run._staging("value"),
            due=self._sql_is_due(run),
        )
        [[customers, correlation]] = self.env.execute_query(
            SQL("SELECT COUNT(*), CORR(LN(x), LN(m)) FROM (%s) AS customer", orders)
        )
        if not customers:
            return {}
        rows = self.env.execute_query(
            SQL(
                "SELECT x, m FROM (%s) AS customer WHERE %s ORDER BY x, m",
                orders,
                self._sql_sample(SQL("partner_id"), customers, VALUE_SAMPLE),
            )
        )
        bands = []
        for first, last in self._value_bands(rows, correlation or 0):
            x, m = zip(*((x, m) for x, m in rows if first <= x < last), strict=True)
            model = GammaGamma().fit(x, m)
            bands.append({"from": first, "customers": len(x)} | kept_digits(model.parameters_))
        return {"correlation": correlation and round(correlation, 3), "bands": bands}

    @api.model
    def _value_bands(self, rows, correlation: float) -> list[tuple[int, float]]:
        """``(fewest orders, fewest of the next band)`` of those who are learned apart."""
        bands = list(zip(BANDS, [*BANDS[1:], float("inf")], strict=True))
        sizes = [sum(first <= x < last for x, _ in rows) for first, last in bands]
        if abs(correlation) <= CORRELATION or min(sizes) < BAND_CUSTOMERS:
            return [(1, float("inf"))]
        return bands

    @api.model
    def _population_statistics(self, run):
        if self._is_predicting(run) and run.value_model:
            run.value_model = run.value_model | self._contribution_rates(run)
        return super()._population_statistics(run)

    @api.model
    def _contribution_rates(self, run) -> dict:
        """Margin and cost to serve of all customers, over their revenue of 12 months."""
        [[margin, cost, order_value]] = self.env.execute_query(
            SQL(
                """SELECT SUM(margin_12m) / NULLIF(SUM(%s) FILTER (WHERE known_12m > 0), 0),
                          SUM(%s) / NULLIF(SUM(GREATEST(revenue_12m, 0)), 0),
                          SUM(GREATEST(revenue_real_total, 0)) / NULLIF(SUM(purchase_count), 0)
                     FROM %s""",
                SQL(KNOWN_REVENUE),
                self._sql_cost_to_serve(run, "12m"),
                run._staging("row"),
            )
        )
        return {
            "margin_rate": margin is not None and str(round(margin, 6)),
            "cost_rate": str(round(cost or 0, 6)),
            "order_value": str(round(order_value or 0, 6)),
        }

    # --------------------------------------------------------------------- scoring

    @api.model
    def _sql_value_parameter(self, run, name: str) -> SQL:
        """A parameter of the Gamma-Gamma model of the customer's band."""
        bands = (run.value_model or {}).get("bands")
        if not bands:
            return SQL("NULL::float8")
        if len(bands) == 1:
            return SQL("%s::float8", bands[0][name])
        return SQL(
            "(CASE %s END)::float8",
            SQL(" ").join(
                SQL("WHEN purchase_count >= %s THEN %s", band["from"], band[name])
                for band in reversed(bands)
            ),
        )

    @api.model
    def _sql_contribution_rate(self, run) -> SQL:
        """Contribution per unit of revenue, drawn to the company's; NULL where no costs are
        recorded."""
        learned = run.value_model or {}
        if not learned.get("margin_rate"):
            return SQL("NULL::float8")
        weight = SQL("(%s::numeric * %s)", learned["order_value"], RATE_SHRINKAGE)
        return SQL(
            """((COALESCE(margin_12m, 0) + %(weight)s * %(margin)s::numeric)
                / NULLIF(COALESCE(%(known)s, 0) + %(weight)s, 0)
                - (cost_to_serve_12m + %(weight)s * %(cost)s::numeric)
                / NULLIF(GREATEST(revenue_12m, 0) + %(weight)s, 0))::float8""",
            weight=weight,
            margin=learned["margin_rate"],
            cost=learned["cost_rate"],
            known=SQL(KNOWN_REVENUE),
        )

    @api.model
    def _customer_layers(self, run):
        p, q, v = (self._sql_value_parameter(run, name) for name in "pqv")
        years = run.settings["clv_years"]
        digits = run.company_id.currency_id.decimal_places

        def money(amount: SQL) -> SQL:
            return SQL("ROUND((%s)::numeric, %s)", amount, digits)

        return super()._customer_layers(run) + [
            {
                "order_value": SQL(
                    "CASE WHEN purchase_count > 0 THEN %(p)s * (%(v)s"
                    " + GREATEST(revenue_real_total, 0)::float8)"
                    " / (%(p)s * purchase_count + %(q)s - 1) END",
                    p=p,
                    q=q,
                    v=v,
                ),
                "contribution_rate": self._sql_contribution_rate(run),
                "lifetime_orders": self._sql_expected_orders(run, YEAR * years),
                "lifetime_squares": self._sql_orders_squared(run, YEAR * years),
                "discounted_orders": self._sql_discounted_orders(run),
                "p_lifetime": self._sql_p_order(run, YEAR * years),
            },
            {
                "expected_value_order": money(SQL("order_value")),
                "order_contribution": SQL("order_value * contribution_rate"),
                "range_shape": SQL(
                    # of a gamma distribution of what those bring who order at all: one over its
                    # squared coefficient of variation, by how many orders, their values, and how
                    # well his mean is known
                    """1 / GREATEST(
                        (lifetime_squares + lifetime_orders) * p_lifetime
                        / NULLIF(lifetime_orders * lifetime_orders, 0) - 1
                        + p_lifetime / NULLIF(lifetime_orders, 0) / %(p)s
                        + 1 / GREATEST(%(p)s * purchase_count + %(q)s - 2, 0.5), 1e-6)""",
                    p=p,
                    q=q,
                ),
            },
            {
                "clv": money(SQL("order_contribution * discounted_orders")),
                **{
                    f"range_{name}": self._sql_range(tail)
                    for name, tail in (("low", TAIL), ("high", 1 - TAIL))
                },
            },
            {
                "clv_low": money(
                    SQL(
                        "order_contribution * discounted_orders"
                        " * CASE WHEN order_contribution < 0 THEN range_high ELSE range_low END"
                    )
                ),
                "clv_high": money(
                    SQL(
                        "order_contribution * discounted_orders"
                        " * CASE WHEN order_contribution < 0 THEN range_low ELSE range_high END"
                    )
                ),
                "value_at_risk": money(
                    SQL(
                        """CASE WHEN retention_flag AND order_repeats > 0
                            AND order_contribution IS NOT NULL
                            THEN GREATEST(order_contribution, 0) * GREATEST(
                                rate_shape / (%s + order_last) * %s - expected_orders_365d, 0
                            ) END""",
                        self._sql_parameter(run, "alpha"),
                        self._trading_days_ahead(run, YEAR),
                    )
                ),
            },
        ]

    @api.model
    def _discount(self, run, year: int) -> float:
        """What an amount of a year of the horizon is worth today, as if it came in its middle."""
        return (1 + run.settings["discount_rate"]) ** -(year - 0.5)

    @api.model
    def _sql_discounted_orders(self, run) -> SQL:
        """Expected orders of each year of the horizon, discounted."""
        terms, before = [], SQL("0")
        for year in range(1, run.settings["clv_years"] + 1):
            orders = self._sql_expected_orders(run, YEAR * year)
            factor = self._discount(run, year)
            terms.append(SQL("(%s - %s) * %s::float8", orders, before, factor))
            before = orders
        return SQL(" + ").join(terms)

    @api.model
    def _sql_range(self, tail: float) -> SQL:
        """Below which share of the mean he stays with a chance, of all that may happen: no order
        at all, or an amount that scatters by a gamma distribution (Wilson and Hilferty, 1931; the
        normal quantile by Tukey's lambda)."""
        # the chance among those who order
        share = SQL("(1 - %s / p_lifetime)", 1 - tail)
        quantile = SQL(
            "((POWER(%(share)s, 0.1349) - POWER(1 - %(share)s, 0.1349)) / 0.1975)", share=share
        )
        return SQL(
            "CASE WHEN p_lifetime > %(none)s THEN POWER(GREATEST(1 - 1 / (9 * range_shape)"
            " + %(quantile)s / (3 * SQRT(range_shape)), 0), 3) / p_lifetime ELSE 0 END",
            none=1 - tail,
            quantile=quantile,
        )
