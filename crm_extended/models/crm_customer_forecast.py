import logging

from odoo import api, fields, models
from odoo.tools import SQL

from ..analytics.backtest import Forecast, Outcome, judge
from ..analytics.gamma_gamma import GammaGamma
from ..analytics.population import fit_apart
from ..analytics.readiness import prediction_state
from .crm_customer_prediction import HORIZON_DAYS, JUDGED
from .crm_customer_steps import RefreshStep
from .crm_model_run import RETRY_ON

_logger = logging.getLogger(__name__)

# a reconstruction is made anew after so many days
RECONSTRUCT_DAYS = 7
# days judged by one refresh, after a long pause of the job
JUDGED_AT_ONCE = 30


class CrmCustomerForecast(models.Model):
    """What a refresh predicted of a customer, kept to be judged when its time has come.

    Written once and never computed again. All customers of a company are kept up to 5,000, above
    that a fixed sample; the run's autovacuum drops them after 24 months.
    """

    _name = "crm.customer.forecast"
    _description = "Kept Forecast"
    _log_access = False
    _order = "run_id DESC, id"

    run_id = fields.Many2one(
        "crm.model.run", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="run_id.company_id")
    partner_id = fields.Many2one(
        "res.partner", required=True, readonly=True, index=True, ondelete="cascade"
    )
    p_order = fields.Float("Chance of an Order", readonly=True, aggregator="avg")
    orders = fields.Float("Expected Orders", readonly=True)
    currency_id = fields.Many2one(related="run_id.company_id.currency_id")
    revenue = fields.Monetary("Expected Revenue", readonly=True, groups="crm_extended.group_amount")
    silence = fields.Float("Silent For", readonly=True, aggregator="avg", help="Trading days.")
    interval = fields.Float(
        "Own Interval", readonly=True, aggregator="avg", help="Mean trading days between orders."
    )


class CrmCustomerForecasting(models.Model):
    """Keeps the forecasts of a refresh, and judges those whose horizon has passed."""

    _inherit = "crm.customer.profile"

    @api.model
    def _refresh_steps(self):
        steps = super()._refresh_steps()
        judging = RefreshStep("backtest", self.env._("Judging forecasts"), "_refresh_backtest")
        return [*steps, judging]

    # --------------------------------------------------------------------- keeping

    @api.model
    def _customer_layers(self, run):
        sampled = self._sql_sample(SQL("partner_id"), (run.model or {}).get("customers", 0), JUDGED)
        return super()._customer_layers(run) + [
            {"is_kept": SQL("purchase_count > 0 AND %s", sampled)},
            {
                "orders_kept": SQL(
                    "CASE WHEN is_kept THEN %s END", self._sql_expected_orders(run, HORIZON_DAYS)
                ),
            },
        ]

    @api.model
    def _result_columns(self, run):
        return [
            *super()._result_columns(run),
            *("is_kept", "orders_kept", "silent_time", "order_last", "order_repeats"),
        ]

    @api.model
    def _before_publishing(self, run):
        result = super()._before_publishing(run)
        if self._is_predicting(run) and not run._is_look_back() and not self._kept_run(run):
            self._keep_forecasts(run)
        return result

    @api.model
    def _kept_run(self, run):
        """The run that has kept forecasts of the same day: what was said first is judged."""
        return self.env["crm.customer.forecast"].search(
            [("run_id.company_id", "=", run.company_id.id), ("run_id.as_of", "=", run.as_of)],
            limit=1,
        )

    @api.model
    def _keep_forecasts(self, run):
        self.env.cr.execute(
            SQL(
                """INSERT INTO crm_customer_forecast
                          (run_id, partner_id, p_order, orders, revenue, silence, interval)
                   SELECT %(run)s, result.partner_id, p_order_90d, orders_kept,
                          ROUND((orders_kept * expected_value_order)::numeric, %(digits)s),
                          silent_time, order_last / NULLIF(order_repeats, 0)
                     FROM %(results)s AS result
                     JOIN res_partner AS partner ON partner.id = result.partner_id
                    WHERE is_kept AND %(due)s
                    ORDER BY result.partner_id""",
                run=run.id,
                digits=run.company_id.currency_id.decimal_places,
                results=run._staging("result"),
                due=self._sql_is_due(run),
            )
        )

    # --------------------------------------------------------------------- judging

    @api.model
    def _refresh_backtest(self, run) -> float:
        """Judge kept forecasts whose horizon has passed; without any, a reconstruction. The numbers
        are published by now: what fails here is noted, and spoils nothing else."""
        self._refresh_limits()
        if run._is_look_back():
            return 1
        try:
            with self.env.cr.savepoint():
                for predicting in self._runs_to_judge(run):
                    self._judge_kept(run, predicting)
                self._reconstruct(run)
        except RETRY_ON:
            raise
        except Exception as error:
            _logger.exception("Forecasts of %s could not be judged", run.company_id.name)
            run._note(backtest_error=str(error))
        return 1

    @api.model
    def _runs_to_judge(self, run):
        """The runs with kept forecasts whose horizon has passed, and that were not judged yet."""
        company = ("company_id", "=", run.company_id.id)
        last_day = fields.Date.subtract(run.as_of, days=HORIZON_DAYS)
        judged = self.env["crm.model.backtest"].search([company, ("kind", "=", "stored")])
        return self.env["crm.model.run"].search(
            [
                company,
                ("as_of", "<=", last_day),
                ("as_of", "not in", judged.mapped("as_of")),
                ("id", "in", self.env["crm.customer.forecast"]._search([]).subselect("run_id")),
            ],
            order="as_of DESC",
            limit=JUDGED_AT_ONCE,
        )

    @api.model
    def _judge_kept(self, run, predicting):
        rows = self.env.execute_query(
            SQL(
                """SELECT p_order, orders, COALESCE(revenue, 0)::float8, silence, interval,
                          COALESCE(orders_after, 0), COALESCE(revenue_after, 0)
                     FROM crm_customer_forecast AS forecast
                     LEFT JOIN (%s) AS outcome USING (partner_id)
                    WHERE run_id = %s""",
                self._sql_outcomes(run, predicting.as_of),
                predicting.id,
            )
        )
        self._note_backtest(run, predicting.as_of, "stored", rows)

    @api.model
    def _sql_outcomes(self, run, day) -> SQL:
        """``(partner_id, orders_after, revenue_after)``: of the horizon after a day, as the run
        knows it."""
        return SQL(
            """SELECT partner_id, COUNT(purchase_date) AS orders_after,
                      SUM(amount)::float8 AS revenue_after
                 FROM (
                    SELECT partner_id, purchase_date, 0 AS amount FROM %(days)s
                     WHERE purchase_date > %(day)s::date
                       AND purchase_date <= %(day)s::date + %(horizon)s
                    UNION ALL
                    -- confirmed, and not invoiced yet
                    SELECT partner_id, first_ordered_on, 0 FROM %(waiting)s
                     WHERE first_ordered_on > %(day)s::date
                       AND first_ordered_on <= %(day)s::date + %(horizon)s
                    UNION ALL
                    SELECT partner_id, NULL, %(amount)s FROM %(documents)s
                     WHERE date > %(day)s::date AND date <= %(day)s::date + %(horizon)s
                 ) AS later
                GROUP BY partner_id""",
            days=run._staging("day"),
            documents=run._staging("document"),
            waiting=run._staging("waiting"),
            amount=self._sql_revenue_of(run, day),
            day=day,
            horizon=HORIZON_DAYS,
        )

    @api.model
    def _note_backtest(self, run, day, kind: str, rows):
        forecasts = [Forecast(*row[:5]) for row in rows]
        if not forecasts:
            return
        outcomes = [Outcome(*row[5:]) for row in rows]
        backtests = self.env["crm.model.backtest"]
        if kind == "reconstructed":
            backtests.search([("company_id", "=", run.company_id.id), ("kind", "=", kind)]).unlink()
        backtests.create(
            backtests._values_of(judge(forecasts, outcomes))
            | {"company_id": run.company_id.id, "as_of": day, "kind": kind, "run_id": run.id}
        )

    # -------------------------------------------------------------- reconstructing

    @api.model
    def _reconstruct(self, run):
        """Until forecasts have ripened: what would have been said 90 days ago, without a season,
        from what the same customers had bought until then, and what then happened."""
        day = fields.Date.subtract(run.as_of, days=HORIZON_DAYS)
        last = self.env["crm.model.backtest"].search(
            [("company_id", "=", run.company_id.id), ("as_of", "<=", day)], limit=1
        )
        if last and (day - last.as_of).days < RECONSTRUCT_DAYS:
            return
        found = self._sampled_outcomes(run, day)
        calendar = run._calendar_of(None)
        ahead = calendar.number(run.as_of) - calendar.number(day)
        histories = [calendar.history(dates, day) for dates, *_rest in found]
        if self._state_of(histories) == "insufficient":
            return
        populations = [population for _, population, *_rest in found]
        groups = (run.population or {}).get("groups") or ()
        models = fit_apart(histories, populations, groups)
        spent = [
            (x + 1, revenue / (x + 1))
            for (x, _, _), (*_, revenue, _, _) in zip(histories, found, strict=True)
            if revenue > 0
        ]
        value = GammaGamma().fit(*zip(*spent, strict=True)) if spent else None
        judged = []
        for (x, last, length), (_, population, revenue, came, earned) in zip(
            histories, found, strict=True
        ):
            model = models.get(population, models[None])
            orders = model.expected_orders(ahead, x, last, length)
            worth = value.expected_value(x + 1, max(revenue, 0) / (x + 1)) if value else 0
            judged.append(
                (
                    model.p_order(ahead, x, last, length),
                    orders,
                    orders * worth,
                    length - last,
                    last / x if x else None,
                    came,
                    earned,
                )
            )
        self._note_backtest(run, day, "reconstructed", judged)

    @api.model
    def _state_of(self, histories) -> str:
        return prediction_state(
            len(histories),
            sum(x > 0 for x, _, _ in histories),
            max((length for _, _, length in histories), default=0),
        )

    @api.model
    def _sampled_outcomes(self, run, day) -> list[tuple]:
        """``(purchase days, population, revenue until a day, orders and revenue after it)`` of a
        fixed sample of those who had bought by then."""
        rows = self._sampled_purchases(
            run, [self._dimension(run) or SQL("NULL::integer"), SQL("partner.id")]
        )
        partners = [partner for *_rest, partner in rows]
        before = dict(
            self.env.execute_query(
                SQL(
                    "SELECT partner_id, SUM(%s)::float8 FROM %s"
                    " WHERE date <= %s AND partner_id = ANY(%s) GROUP BY 1",
                    self._sql_revenue_of(run, day),
                    run._staging("document"),
                    day,
                    partners,
                )
            )
        )
        after = {
            partner: outcome
            for partner, *outcome in self.env.execute_query(
                SQL(
                    "SELECT * FROM (%s) AS outcome WHERE partner_id = ANY(%s)",
                    self._sql_outcomes(run, day),
                    partners,
                )
            )
        }
        return [
            (dates, population, before.get(partner, 0.0), *after.get(partner, (0, 0.0)))
            for dates, population, partner in rows
            if dates[0] <= day
        ]

    @api.model
    def _sql_revenue_of(self, run, day) -> SQL:
        """The revenue of a document in prices of a day: forecasts are in those of theirs."""
        amount = self._sql_real(run, SQL("(purchases + returns)"), SQL("date"))
        return SQL("%s / %s", amount, self._real_ratio(run, day))
