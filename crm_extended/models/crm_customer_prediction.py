import time

from odoo import api, fields, models
from odoo.tools import SQL

from ..analytics.mbg_nbd import LIKELIHOOD_RATIO_5, NAMES, QUADRATURE_POINTS, MbgNbd
from ..analytics.readiness import prediction_state
from .crm_customer_steps import RefreshStep

# more customers teach the model nothing
SAMPLE = 50_000
# customers by whom forecasts are judged: always the same ones; more tell nothing new
JUDGED = 5_000
# 2^32 / golden ratio: spreads ids evenly
SPREAD = 2_654_435_761
# digits of what is learned: the same with numpy and without
DIGITS = 8
HORIZONS = (30, 60, 90)
# forecasts are judged after so many days
HORIZON_DAYS = 90
YEAR = 365
# the window holds the next order with a chance of one half
WINDOW = {"next_order_from": 0.25, "next_order_to": 0.75}
# an order further ahead has no date
FURTHEST_DAYS = 730
# chances are rounded to so many parts of one
CHANCE_UNITS = 100_000
# repeated orders up to which the quadrature is laid out
QUADRATURE_TABLE = 200


def kept_digits(parameters: dict[str, float]) -> dict[str, float]:
    """What is kept of learned parameters."""
    return {name: float(f"{value:.{DIGITS}g}") for name, value in parameters.items()}


class CrmCustomerPrediction(models.Model):
    """The chance that a customer orders, how often, and when.

    Every refresh learns one MBG/NBD model (see ``analytics.mbg_nbd``) from the purchase days of
    all customers, or of a fixed sample of 50,000, and applies it to each in SQL. Time is counted
    in trading days. What was learned stands on the run.
    """

    _inherit = "crm.customer.profile"

    prediction_state = fields.Selection(
        [
            ("ok", "Known"),
            ("low_confidence", "Little is known"),
            ("insufficient", "Not enough repeat purchases"),
        ],
        "Prediction",
        readonly=True,
        help="Whether the company's history suffices to predict. From about 300 customers, 50 of "
        "them with repeated purchases, and half a year on, chances are claimed in full.",
    )
    p_order_30d = fields.Float(
        "Chance of an Order in 30 Days", readonly=True, aggregator="avg",
        help="Chance of at least one order within 30 days after the as-of date, 0 to 1.",
    )  # fmt: skip
    p_order_60d = fields.Float(
        "Chance of an Order in 60 Days", readonly=True, aggregator="avg",
        help="Chance of at least one order within 60 days after the as-of date, 0 to 1.",
    )  # fmt: skip
    p_order_90d = fields.Float(
        "Chance of an Order in 90 Days", readonly=True, aggregator="avg",
        help="Chance of at least one order within 90 days after the as-of date, 0 to 1.",
    )  # fmt: skip
    expected_orders_365d = fields.Float(
        "Expected Orders in a Year",
        readonly=True,
        digits=(16, 2),
        help="Orders (days with a purchase) expected within 365 days after the as-of date.",
    )
    next_order_from = fields.Date(
        readonly=True,
        help="The next order comes earlier with a chance of 25 %. Empty where it may well never "
        "come.",
    )
    next_order_to = fields.Date(
        readonly=True,
        help="The next order has come by then with a chance of 75 %. Empty where it may well never "
        "come.",
    )

    leaving_is_seen = fields.Boolean(related="company_id.customer_run_id.leaving_is_seen")

    @api.model
    def _refresh_steps(self):
        steps = super()._refresh_steps()
        position = [step.name for step in steps].index("rows")
        learning = RefreshStep("model", self.env._("Learning from the past"), "_refresh_model")
        return [*steps[:position], learning, *steps[position:]]

    @api.model
    def _refresh_model(self, run) -> float:
        """Learn from the purchases of all customers, and note it on the run."""
        self._refresh_limits()
        run.model = self._learn(run)
        run.leaving_is_seen = self._leaving_is_seen(run)
        return 1

    @api.model
    def _leaving_is_seen(self, run) -> bool:
        """Whether the purchases tell that customers leave. Once seen it stays until they tell next
        to nothing: leave dates are not to come and go with a test that is done each night."""
        evidence = run.model.get("leaving_evidence", 0)
        before = run.company_id.customer_run_id
        seen_before = before.leaving_is_seen and before.as_of <= run.as_of
        return evidence > (LIKELIHOOD_RATIO_5 / 2 if seen_before else LIKELIHOOD_RATIO_5)

    @api.model
    def _learn(self, run) -> dict:
        """What is learned of all customers: ``{"state", "customers", …}``, and the parameters where
        they are enough. Length is that of all but one in twenty: a mistyped year makes no
        history."""
        started = time.monotonic()
        histories = self._sql_histories(run)
        [[customers, repeaters, length, first_day]] = self.env.execute_query(
            SQL(
                "SELECT COUNT(*), COUNT(*) FILTER (WHERE x > 0),"
                " COALESCE(percentile_disc(0.95) WITHIN GROUP (ORDER BY length), 0),"
                " MIN(first_purchase_date) FROM (%s) AS history",
                histories,
            )
        )
        learned = {
            "state": prediction_state(customers, repeaters, length),
            "customers": customers,
            "repeaters": repeaters,
            "days": length,
            "first_day": first_day and str(first_day),
        }
        if learned["state"] == "insufficient":
            return learned
        groups = self.env.execute_query(
            SQL(
                "SELECT x, last, length, COUNT(*) FROM (%s) AS history WHERE %s GROUP BY 1, 2, 3",
                histories,
                self._sql_sample(SQL("partner_id"), customers, SAMPLE),
            )
        )
        x, last, length, weights = zip(*groups, strict=True)
        model = MbgNbd().fit(x, last, length, weights)
        return learned | {
            "sample": sum(weights),
            **kept_digits(model.parameters_),
            "log_likelihood": round(model.log_likelihood_, 2),
            "converged": model.converged_,
            "leaving_evidence": round(model.leaving_evidence_, 2),
            "seconds": round(time.monotonic() - started, 2),
        }

    @api.model
    def _sql_histories(self, run) -> SQL:
        """``(partner_id, x, last, length, first_purchase_date)`` of everybody who may be a
        customer: repeated purchases, and the trading days from the first one to the last one and
        to the as-of date."""
        return SQL(
            """SELECT rhythm.partner_id,
                      interval_count AS x,
                      last_number - first_number AS last,
                      %(today)s - first_number AS length,
                      first_purchase_date
                 FROM %(rhythm)s AS rhythm
                 JOIN res_partner AS partner ON partner.id = rhythm.partner_id
                WHERE %(due)s""",
            today=self._sql_today(run),
            rhythm=run._staging("rhythm"),
            due=self._sql_is_due(run),
        )

    @api.model
    def _sql_today(self, run) -> SQL:
        return SQL("%s::float8", run._trading_calendar().number(run.as_of))

    @api.model
    def _sql_sample(self, partner: SQL, customers: int, size: int) -> SQL:
        """Whether a customer is in a sample of about a size: always the same ones."""
        if customers <= size:
            return SQL("TRUE")
        share = int(size / customers * 2**32)
        return SQL("(%s::bigint * %s) %% 4294967296 < %s", partner, SPREAD, share)

    @api.model
    def _sampled_purchases(self, run, columns: list[SQL] = ()) -> list[tuple]:
        """``(purchase days, *columns)`` of a fixed sample of customers, to try things on the past;
        columns over ``partner``."""
        days = run._staging("day")
        [[customers]] = self.env.execute_query(
            SQL("SELECT COUNT(DISTINCT partner_id) FROM %s", days)
        )
        return self.env.execute_query(
            SQL(
                """SELECT %(selected)s
                     FROM (
                        SELECT partner_id, array_agg(purchase_date ORDER BY purchase_date) AS dates
                          FROM %(days)s
                         WHERE %(sample)s
                         GROUP BY partner_id
                     ) AS customer
                     JOIN res_partner AS partner ON partner.id = customer.partner_id
                    WHERE %(due)s
                    ORDER BY partner.id""",
                selected=SQL(", ").join([SQL("dates"), *columns]),
                days=days,
                sample=self._sql_sample(SQL("partner_id"), customers, JUDGED),
                due=self._sql_is_due(run),
            )
        )

    # --------------------------------------------------------------------- scoring

    @api.model
    def _is_predicting(self, run) -> bool:
        return (run.model or {}).get("state", "insufficient") != "insufficient"

    @api.model
    def _models_of(self, run) -> dict[int | None, MbgNbd]:
        """The models that a run learned, in Python, by population; that of all under None."""
        return {None: MbgNbd.of(**{name: run.model[name] for name in NAMES})}

    @api.model
    def _sql_parameter(self, run, name: str) -> SQL:
        """A parameter of the model; NULL where nothing was learned."""
        return SQL("%s::float8", (run.model or {}).get(name))

    @api.model
    def _customer_columns(self, run):
        waiting = SQL("(waiting.ordered_on IS NOT NULL)::integer")
        last_order = SQL("GREATEST(rhythm.last_purchase_date, waiting.ordered_on)")
        # a confirmed order that waits for its invoice is an order already
        return super()._customer_columns(run) | {
            "order_repeats": SQL("rhythm.interval_count + %s", waiting),
            "order_last": SQL("%s - rhythm.first_number", run._sql_number(last_order)),
            "order_length": SQL("%s - rhythm.first_number", self._sql_today(run)),
            "first_number": SQL("rhythm.first_number"),
        }

    @api.model
    def _customer_layers(self, run):
        r, alpha, a, b = (self._sql_parameter(run, name) for name in NAMES)
        state = (run.model or {}).get("state", "insufficient")
        return super()._customer_layers(run) + [
            {
                "prediction_state": SQL("CASE WHEN purchase_count > 0 THEN %s END", state),
                "rate_shape": SQL("%s + order_repeats", r),
                "rate_time": SQL("%s + order_length", alpha),
                **self._quadrature_columns(run),
                "log_pause": SQL(
                    "LN((%(alpha)s + order_length) / (%(alpha)s + order_last))", alpha=alpha
                ),
            },
            {
                # LEAST and GREATEST pass over NULL: prospects have no chance to tell; products of
                # what is less than 1e-87 would vanish, which PostgreSQL calls an error
                "p_alive": SQL(
                    "CASE WHEN rate_shape IS NOT NULL THEN 1 / (1 + EXP(LEAST(200,"
                    " LN(%s / (%s + order_repeats)) + rate_shape * log_pause))) END",
                    a,
                    b,
                ),
            },
            {
                **{f"p_order_{days}d": self._sql_p_order(run, days) for days in (*HORIZONS, YEAR)},
                "expected_orders_365d": SQL(
                    "ROUND((%s) * 1e4::float8) / 1e4", self._sql_expected_orders(run, YEAR)
                ),
                **{name: self._sql_order_day(run, chance) for name, chance in WINDOW.items()},
            },
        ]

    @api.model
    def _trading_days_ahead(self, run, days: int) -> float:
        calendar = run._trading_calendar()
        ahead = fields.Date.add(run.as_of, days=days)
        return calendar.number(ahead) - calendar.number(run.as_of)

    @api.model
    def _sql_p_order(self, run, days: int) -> SQL:
        """``MbgNbd.p_order`` in SQL; 0 to 1, rounded."""
        return SQL(
            "ROUND(p_alive * (1 - EXP(GREATEST(-700, -rate_shape * LN(1 + %(ahead)s::float8"
            " / rate_time)))) * %(units)s::float8) / %(units)s",
            ahead=self._trading_days_ahead(run, days),
            units=CHANCE_UNITS,
        )

    @api.model
    def _sql_expected_orders(self, run, days: int) -> SQL:
        """``MbgNbd.expected_orders`` in SQL."""
        ahead = SQL("%s::float8 / rate_time", self._trading_days_ahead(run, days))
        return self._sql_quadrature(
            run,
            lambda leaving: SQL(
                "(1 - EXP(GREATEST(-700, -rate_shape * LN(1 + %(p)s * %(u)s)))) / %(p)s",
                p=leaving,
                u=ahead,
            ),
        )

    @api.model
    def _sql_orders_squared(self, run, days: int) -> SQL:
        """Mean of the squared number of orders, less that of the number itself; see
        ``MbgNbd.orders_variance``."""
        ahead = SQL("%s::float8 / rate_time", self._trading_days_ahead(run, days))
        return self._sql_quadrature(
            run,
            lambda leaving: SQL(
                "2 * (1 - %(p)s) / (%(p)s * %(p)s)"
                " * (1 - EXP(GREATEST(-700, -rate_shape * LN(1 + %(p)s * %(u)s)))"
                " * (1 + rate_shape * %(p)s * %(u)s / (1 + %(p)s * %(u)s)))",
                p=leaving,
                u=ahead,
            ),
        )

    @api.model
    def _sql_quadrature(self, run, function) -> SQL:
        """The mean of a function of the chance of leaving after an order, times ``p_alive``."""
        terms = [
            SQL("%s * (%s)", SQL.identifier(f"weight_{n}"), function(SQL.identifier(f"leaves_{n}")))
            for n in range(QUADRATURE_POINTS)
        ]
        return SQL("p_alive * (%s)", SQL(" + ").join(terms))

    @api.model
    def _quadrature_columns(self, run) -> dict[str, SQL]:
        """Nodes ``leaves_n`` and weights ``weight_n`` of the customer's chance of leaving after an
        order. They are looked up by ``x`` repeated orders; beyond the end of the table nodes are
        scaled, as those of a beta distribution that narrows."""
        if not self._is_predicting(run):
            names = [
                f"{kind}_{n}" for kind in ("leaves", "weight") for n in range(QUADRATURE_POINTS)
            ]
            return dict.fromkeys(names, SQL("NULL::float8"))
        tables = {
            key: [model.quadrature(x) for x in range(QUADRATURE_TABLE)]
            for key, model in self._models_of(run).items()
        }
        width = SQL("(%s + %s + 1)", self._sql_parameter(run, "a"), self._sql_parameter(run, "b"))
        last = QUADRATURE_TABLE - 1
        columns = {}
        for n in range(QUADRATURE_POINTS):
            nodes, weights = (
                self._sql_looked_up(
                    {key: [row[n][part] for row in table] for key, table in tables.items()}
                )
                for part in (0, 1)
            )
            columns[f"leaves_{n}"] = SQL(
                "%(nodes)s * (%(width)s + LEAST(order_repeats, %(last)s))"
                " / (%(width)s + order_repeats)",
                nodes=nodes,
                width=width,
                last=last,
            )
            columns[f"weight_{n}"] = weights
        return columns

    @api.model
    def _sql_looked_up(self, tables: dict[int | None, list[float]]) -> SQL:
        """The value for ``x`` repeated orders in the table of the customer's population."""

        def value(table: list[float]) -> SQL:
            return SQL("(%s::float8[])[LEAST(order_repeats, %s) + 1]", table, len(table) - 1)

        apart = [
            SQL("WHEN %s THEN %s", key, value(table))
            for key, table in tables.items()
            if key is not None
        ]
        if not apart:
            return value(tables[None])
        return SQL("(CASE population %s ELSE %s END)", SQL(" ").join(apart), value(tables[None]))

    @api.model
    def _sql_order_day(self, run, chance: float) -> SQL:
        """``MbgNbd.order_time`` in SQL, as a day; NULL where there is none within two years."""
        ahead = SQL(
            "rate_time * (EXP(LEAST(20, -LN(1 - %(chance)s / p_alive) / rate_shape)) - 1)",
            chance=chance,
        )
        return SQL(
            "CASE WHEN p_alive > %(chance)s AND %(ahead)s < %(furthest)s THEN %(day)s END",
            chance=chance,
            ahead=ahead,
            furthest=FURTHEST_DAYS,
            day=run._sql_day(SQL("%s + %s", self._sql_today(run), ahead)),
        )
