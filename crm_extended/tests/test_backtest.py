from datetime import timedelta
from unittest.mock import patch

from dateutil.relativedelta import relativedelta

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..analytics.backtest import Forecast, Outcome, judge
from ..models.crm_customer_forecast import HORIZON_DAYS
from .common import CustomerCase


@tagged("post_install", "-at_install")
class TestBacktest(CustomerCase):
    """What a refresh said is kept, and judged 90 days later by what then happened."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customers = [cls.make_customer(f"Customer {number}") for number in range(30)]
        for number, customer in enumerate(cls.customers):
            cls.make_purchases(
                customer,
                every=20 + number,
                count=3 + number % 6,
                last=HORIZON_DAYS + 1 + 11 * (number % 9),
            )
        cls.then = cls.ago(HORIZON_DAYS)

    def forecasts(self):
        return self.env["crm.customer.forecast"].search(
            [("run_id.company_id", "=", self.company.id)]
        )

    def backtests(self, kind="stored"):
        return self.env["crm.model.backtest"].search(
            [("company_id", "=", self.company.id), ("kind", "=", kind)]
        )

    def test_what_was_said_is_judged_when_its_time_has_come(self):
        self.refresh(self.then)
        said = {forecast.partner_id: forecast for forecast in self.forecasts()}
        self.assertEqual(set(said), set(self.env["res.partner"].concat(*self.customers)))
        for number in range(0, 30, 3):
            self.make_invoices([(self.customers[number], day, 50) for day in (80, 20)])
        self.make_invoice(self.customers[1], HORIZON_DAYS + 5)  # booked late: it was not known then
        self.refresh(self.as_of - timedelta(days=1))
        self.assertFalse(self.backtests(), "a day of the 90 is still to come")
        self.refresh()
        [found] = self.backtests()
        expected = judge(
            [
                Forecast(f.p_order, f.orders, f.revenue, f.silence, f.interval or None)
                for f in said.values()
            ],
            [
                Outcome(2, 100) if self.customers.index(partner) % 3 == 0 else Outcome(0, 0)
                for partner in said
            ],
        )
        self.assertEqual((found.as_of, found.until), (self.then, self.as_of))
        for name in ("customers", "buyers", "orders_actual", "revenue_actual"):
            self.assertEqual(found[name], expected[name], name)
        for name in ("auc", "brier", "calibration_error", "rule_days_auc"):
            self.assertAlmostEqual(found[name], expected[name], 4, name)
        self.assertAlmostEqual(found.orders_expected, expected["orders_expected"], 0)
        self.assertFalse(found.grade, "30 customers are too few for a grade")
        self.assertIn("Too few to judge", found.page)

    def test_what_was_said_first_is_judged(self):
        self.refresh(self.then)
        before = self.forecasts().mapped("p_order")
        self.make_invoice(self.customers[0], HORIZON_DAYS + 1)
        self.refresh(self.then)
        self.assertEqual(self.forecasts().mapped("p_order"), before, "nothing is said anew")

    def test_look_back_says_nothing(self):
        self.refresh()
        self.refresh(self.then)
        self.assertEqual(self.forecasts().run_id.mapped("as_of"), [self.as_of])

    def test_a_day_is_judged_once(self):
        self.refresh(self.then)
        self.refresh()
        self.refresh()
        self.refresh(self.as_of + timedelta(days=1))
        self.assertEqual(len(self.backtests()), 1)

    def test_until_then_the_past_is_reconstructed_and_marked_so(self):
        self.refresh()
        [found] = self.backtests("reconstructed")
        self.assertEqual((found.as_of, found.customers), (self.then, 30))
        self.assertFalse(self.backtests(), "nothing was said 90 days ago")

    def test_reconstruction_knows_nothing_of_later(self):
        self.refresh()
        before = self.backtests("reconstructed")
        expected = before.orders_expected
        before.unlink()
        for customer in self.customers:
            self.make_invoices([(customer, day, 50) for day in (60, 30)])
        self.refresh()
        found = self.backtests("reconstructed")
        self.assertAlmostEqual(found.orders_expected, expected, 6)
        self.assertEqual((found.buyers, found.orders_actual), (30, 60))

    def test_too_short_a_history_is_not_reconstructed(self):
        self.refresh(self.ago(HORIZON_DAYS + 250))
        self.assertFalse(self.backtests("reconstructed"))

    def test_forecasts_go_with_their_run_after_24_months(self):
        self.refresh(self.then)
        self.refresh()
        self.env.cr.execute(
            "UPDATE crm_model_run SET create_date = %s WHERE company_id = %s",
            (fields.Datetime.now() - relativedelta(months=25), self.company.id),
        )
        self.env.invalidate_all()
        self.env["crm.model.run"]._gc_runs()
        self.assertEqual(self.forecasts().run_id, self.company.customer_run_id)
        self.assertTrue(self.backtests(), "how right it was stays known")

    def test_who_refuses_profiling_leaves_no_forecast(self):
        self.refresh()
        self.customers[0].profiling_optout = True
        self.assertNotIn(self.customers[0], self.forecasts().partner_id)

    def test_merged_customer_is_no_two_in_what_was_said(self):
        self.refresh(self.then)
        source, target = self.customers[:2]
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((source | target).ids, target)
        said = self.forecasts().filtered(lambda forecast: forecast.partner_id == target)
        self.assertEqual(len(said), 1, "what was said of the other was not said of him")

    def test_confirmed_order_that_waits_for_its_invoice_counts_as_one_that_came(self):
        self.refresh(self.then)
        self.make_order(self.customers[0], 5)
        self.refresh()
        self.assertEqual((self.backtests().buyers, self.backtests().orders_actual), (1, 1))

    def test_judging_that_fails_spoils_no_refresh(self):
        profiles = self.env.registry["crm.customer.profile"]

        def broken(_self, _run):
            raise ValueError("no way")

        with (
            patch.object(profiles, "_reconstruct", broken),
            mute_logger("odoo.addons.crm_extended.models.crm_customer_forecast"),
        ):
            run = self.refresh().sudo()
        self.assertEqual((run.state, run.statistics["backtest_error"]), ("done", "no way"))

    def test_revenue_is_for_who_may_see_amounts_of_all(self):
        values = self.env["crm.model.backtest"]._values_of(
            judge(
                [Forecast(n / 300, 1, 10, n, None) for n in range(300)],
                [Outcome(int(n > 150), 4321.0 * (n > 150)) for n in range(300)],
            )
        )
        backtest = self.env["crm.model.backtest"].create(
            values
            | {
                "company_id": self.company.id,
                "as_of": self.then,
                "kind": "stored",
                "run_id": self.refresh().id,
            }
        )
        self.assertEqual(backtest.grade, "c", "right order, wrong chances")
        texts = {
            role: backtest.with_user(self.make_user(role, f"backtest_{role}")).page
            for role in ("user", "salesperson", "finance")
        }
        self.assertIn("Revenue:", texts["finance"])
        for role in ("user", "salesperson"):
            self.assertNotIn("Revenue:", texts[role])
            self.assertIn("100\N{NO-BREAK SPACE}%", texts[role], "of the pairs are in order")
            self.assertIn("it takes two years", texts[role], "no season is known")
