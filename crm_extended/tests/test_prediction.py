from datetime import date, timedelta
from unittest.mock import patch

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .common import CustomerCase


class PredictionCase(CustomerCase):
    """A company with enough repeated purchases to predict from: 30 customers of many rhythms."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls.make_customer()
        for number in range(30):
            other = cls.make_customer(f"Other {number}")
            cls.make_purchases(
                other, every=20 + number, count=2 + number % 7, last=1 + 11 * (number % 9)
            )

    def buy(self, *days, amount=100):
        return self.make_invoices([(self.customer, day, amount) for day in days])

    def learned(self):
        return self.company.customer_run_id.sudo().model


@tagged("post_install", "-at_install")
class TestPrediction(PredictionCase):
    def test_chances_grow_with_the_time_they_are_given(self):
        self.buy(10, 40, 70, 100)
        self.refresh()
        row = self.row(self.customer)
        self.assertEqual(row.prediction_state, "low_confidence", "31 customers are few")
        self.assertTrue(0 < row.p_order_30d < row.p_order_60d < row.p_order_90d < 1)
        self.assertTrue(self.as_of < row.next_order_from < row.next_order_to)
        self.assertGreater(row.expected_orders_365d, row.p_order_90d)

    def test_what_was_learned_stands_on_the_run(self):
        self.refresh()
        learned = self.learned()
        self.assertLessEqual(
            {
                "state",
                "customers",
                "repeaters",
                "r",
                "alpha",
                "a",
                "b",
                "log_likelihood",
                "seconds",
            },
            learned.keys(),
        )
        text = self.company.customer_run_id.sudo().model_text
        self.assertIn("MBG/NBD", text)

    def test_row_gives_what_the_model_gives(self):
        self.buy(10, 40, 70, 100)
        self.refresh()
        run = self.company.customer_run_id.sudo()
        model = self.env["crm.customer.profile"]._models_of(run)[None]
        row = self.row(self.customer)
        self.assertAlmostEqual(row.p_order_60d, model.p_order(60, 3, 90, 100), 5)
        self.assertAlmostEqual(row.expected_orders_365d, model.expected_orders(365, 3, 90, 100), 3)

    def test_confirmed_order_that_waits_for_its_invoice_is_an_order(self):
        self.buy(100, 130, 160, 190)
        self.refresh()
        before = self.row(self.customer).p_order_90d
        self.make_order(self.customer, 5)
        self.refresh()
        self.assertGreater(self.row(self.customer).p_order_90d, before)

    def test_prospect_has_no_chances(self):
        self.make_lead(self.customer)
        self.refresh()
        row = self.row(self.customer)
        self.assertEqual((row.prediction_state, row.next_order_from), (False, False))

    def test_reason_tells_how_unusual_the_silence_is(self):
        self.buy(*range(70, 400, 15))
        self.refresh()
        row = self.row(self.customer)
        self.assertEqual((row.lifecycle_stage, row.reason_code), ("at_risk", "at_risk"))
        self.assertRegex(row.reason, r"silent for 70, as 1 in \d+ would be")

    def test_leave_date_is_empty_where_nobody_is_seen_to_leave(self):
        self.buy(*range(70, 400, 15))
        profiles = self.env.registry["crm.customer.profile"]
        learn = profiles._learn

        def nobody_leaves(self, run):
            return learn(self, run) | {"leaving_evidence": 0}

        with patch.object(profiles, "_learn", nobody_leaves):
            self.refresh()
        row = self.row(self.customer)
        self.assertFalse(row.leaving_is_seen)
        self.assertFalse(row.expected_leave_date)
        self.assertIn("Call today", row.reason, "he is called all the same")
        self.assertIn("no date of leaving", self.company.customer_run_id.sudo().model_text)

    def test_silence_once_seen_stays_until_an_order(self):
        """Parameters move a little each night, and a flag must not come and go with them."""
        self.buy(*range(70, 400, 15))
        profiles = self.env.registry["crm.customer.profile"]
        learn = profiles._learn
        self.refresh()
        row = self.row(self.customer)
        self.assertEqual(row.lifecycle_stage, "at_risk")
        silence = 70
        alpha, r = self.learned()["alpha"], self.learned()["r"]
        # a rate at which his pause is just no longer unusual
        since, repeats = 330, 21

        def limit(alpha):
            return (alpha + since) * (0.2 ** (-1 / (r + repeats)) - 1)

        while limit(alpha) < silence:
            alpha += 1

        def learn_slower(self, run):
            return learn(self, run) | {"alpha": alpha}

        with patch.object(profiles, "_learn", learn_slower):
            self.refresh()
            self.assertEqual(row.lifecycle_stage, "at_risk", "within a tenth of the limit")
            self.buy(1)
            self.refresh()
            self.assertNotEqual(row.lifecycle_stage, "at_risk", "he ordered")

    def test_limits_of_silence_are_settings(self):
        self.buy(*range(70, 400, 15))
        self.company.write({"customer_at_risk_chance": 0.0101, "customer_lost_chance": 0.01})
        self.refresh()
        self.assertNotEqual(self.row(self.customer).lifecycle_stage, "at_risk")
        for lost, at_risk in ((0.2, 0.1), (0, 0.1), (0.1, 0.6)):
            refused = self.assertRaisesRegex(ValidationError, "below “Unusual Silence”")
            with refused, self.env.cr.savepoint():
                self.company.write(
                    {"customer_lost_chance": lost, "customer_at_risk_chance": at_risk}
                )

    def test_weekend_is_no_silence_for_who_buys_every_weekday(self):
        monday = self.as_of - timedelta(days=self.as_of.weekday())
        days = [
            monday - timedelta(days=back)
            for back in range(1, 300)
            if (monday - timedelta(days=back)).weekday() < 5
        ]
        self.make_invoices([(self.customer, (self.as_of - day).days, 10) for day in days])
        self.refresh(monday)
        self.assertEqual(self.row(self.customer).lifecycle_stage, "loyal")
        self.refresh(monday + timedelta(days=3))
        self.assertEqual(self.row(self.customer).lifecycle_stage, "loyal", "three days off")
        self.refresh(monday + timedelta(days=6))
        self.assertEqual(self.row(self.customer).lifecycle_stage, "at_risk", "more than a week")

    def test_who_bought_daily_and_left_years_ago_spoils_no_refresh(self):
        self.make_invoices([(self.customer, day, 10) for day in range(1500, 1800)])
        self.refresh()
        row = self.row(self.customer)
        self.assertEqual((row.lifecycle_stage, row.p_order_90d), ("lost", 0))

    def test_second_refresh_of_a_day_changes_nothing_of_who_buys_less(self):
        self.buy(*range(370, 730, 26), amount=400)
        self.refresh()
        learned = self.learned()
        # ten orders more, the last so many days ago that the silence is nearly unusual
        since, repeats = 680, 13 + 10
        pause = (learned["alpha"] + since) * (0.2 ** (-1 / (learned["r"] + repeats)) - 1)
        silence = int(0.95 * pause)
        self.buy(*range(silence, silence + 271, 30), amount=100)
        self.refresh()
        row = self.row(self.customer)
        before = row.lifecycle_stage, row.reason_code, row.reason_args
        self.assertEqual(before[:2], ("at_risk", "at_risk_less"))
        self.refresh()
        self.assertEqual((row.lifecycle_stage, row.reason_code, row.reason_args), before)

    def test_year_that_was_mistyped_makes_no_history(self):
        self.make_invoice(self.customer, (self.as_of - date(1825, 6, 1)).days)
        run = self.refresh().sudo()
        self.assertEqual(run.state, "done")
        self.assertLess(run.model["days"], 1000)

    def test_value_at_risk_needs_a_rhythm(self):
        self.buy(100)
        self.refresh()
        row = self.row(self.customer)
        self.assertEqual(row.lifecycle_stage, "at_risk")
        self.assertFalse(row.value_at_risk)

    def test_horizon_and_discount_are_checked(self):
        for values, sentence in (
            ({"customer_clv_years": 9}, "to 1 to 5"),
            ({"customer_discount_rate": -0.1}, "Set “Discount Rate” to 0 % or more"),
        ):
            with self.assertRaisesRegex(ValidationError, sentence), self.env.cr.savepoint():
                self.company.write(values)


@tagged("post_install", "-at_install")
class TestTooLittle(CustomerCase):
    def assert_nothing_predicted(self, customer):
        self.refresh()
        row = self.row(customer)
        self.assertEqual(row.prediction_state, "insufficient")
        self.env.cr.execute(
            "SELECT p_order_30d, p_order_90d, expected_orders_365d, clv, next_order_from"
            " FROM crm_customer_profile WHERE id = %s",
            (row.id,),
        )
        self.assertEqual(self.env.cr.fetchall(), [(None,) * 5], "unknown, and not zero")
        self.assertIn("Not enough to predict", self.company.customer_run_id.sudo().model_text)

    def test_who_all_bought_once_tell_nothing(self):
        customers = [self.make_customer(f"Once {number}") for number in range(30)]
        self.make_invoices(
            [(customer, 10 + 5 * number, 100) for number, customer in enumerate(customers)]
        )
        self.assert_nothing_predicted(customers[0])

    def test_history_that_begins_last_week_tells_nothing(self):
        customers = [self.make_customer(f"New {number}") for number in range(30)]
        for customer in customers:
            self.make_invoices([(customer, day, 100) for day in (7, 4, 1)])
        self.assert_nothing_predicted(customers[0])

    def test_three_customers_tell_nothing(self):
        customers = [self.make_customer(f"Few {number}") for number in range(3)]
        for customer in customers:
            self.make_purchases(customer, every=30, count=8)
        self.assert_nothing_predicted(customers[0])

    def test_refresh_without_a_customer_ends_well(self):
        self.assertEqual(self.refresh().state, "done")


@tagged("post_install", "-at_install")
class TestTradingDays(PredictionCase):
    def quiet(self, first, last, share=0.0, yearly=False):
        return self.env["crm.quiet.period"].create(
            {
                "name": "Break",
                "company_id": self.company.id,
                "date_from": self.ago(first),
                "date_to": self.ago(last),
                "share": share,
                "is_yearly": yearly,
            }
        )

    def test_nobody_is_silent_in_a_quiet_period(self):
        self.buy(*range(70, 400, 15))
        self.refresh()
        row = self.row(self.customer)
        self.assertEqual(row.lifecycle_stage, "at_risk")
        self.quiet(65, 5)
        self.refresh()
        self.assertNotEqual(row.lifecycle_stage, "at_risk", "nine days of business since")

    def test_intervals_leave_quiet_days_out(self):
        self.buy(60, 30)
        self.quiet(50, 41, share=0.5)
        self.refresh()
        self.assertEqual(self.row(self.customer).purchase_interval_days, 25, "ten days count half")

    def test_public_holidays_are_no_trading_days(self):
        self.buy(60, 30)
        zone_day = self.ago(50)
        self.env["resource.calendar.leaves"].create(
            {
                "name": "Holiday",
                "calendar_id": self.company.resource_calendar_id.id,
                "date_from": f"{zone_day} 00:00:00",
                "date_to": f"{zone_day + timedelta(days=3)} 23:59:59",
            }
        )
        self.refresh()
        self.assertEqual(self.row(self.customer).purchase_interval_days, 26)

    def test_dates_ahead_leave_quiet_days_out(self):
        self.buy(10, 40, 70, 100)
        self.refresh()
        row = self.row(self.customer)
        before = row.next_order_from
        self.quiet(0, -20)
        self.refresh()
        self.assertEqual(row.next_order_from, before + timedelta(days=20), "the 21 days but today")

    def test_period_of_every_year_holds_in_earlier_years(self):
        self.buy(420, 390)
        self.quiet(45, 36, yearly=True)
        self.refresh()
        self.assertEqual(self.row(self.customer).purchase_interval_days, 20)

    def test_period_without_an_end_ends_where_dates_are_computed(self):
        self.buy(60, 30)
        period = self.quiet(20, 10)
        period.date_to = "9999-12-31"
        self.assertEqual(self.refresh().state, "done")

    def test_bad_periods_are_refused(self):
        with self.assertRaisesRegex(ValidationError, "ends before it begins"):
            self.quiet(5, 10)
        with self.assertRaisesRegex(ValidationError, "0 % or more, and below 100 %"):
            self.quiet(10, 5, share=1)
        with self.assertRaisesRegex(ValidationError, "would never end"):
            self.quiet(400, 5, yearly=True)


@tagged("post_install", "-at_install")
class TestRefinements(PredictionCase):
    """What forecasts gain from is used; that it must gain is tested in ``analytics``."""

    def decide(self, **found):
        """As if an earlier refresh of the month had decided so."""
        self.refresh(self.ago(1))
        self.company.customer_run_id.sudo().write(
            {
                name: value | {"month": str(self.as_of.replace(day=1))}
                for name, value in found.items()
            }
        )

    def test_short_history_knows_no_season(self):
        self.refresh()
        run = self.company.customer_run_id.sudo()
        self.assertEqual(run.season["verdict"], "unknown")
        self.assertIn("it takes two years", run.model_text)

    def test_season_makes_trading_time(self):
        self.buy(60, 30)
        month = self.ago(45).month
        shares = [1.0] * 12
        for strong in {self.ago(day).month for day in range(30, 60)}:
            shares[strong - 1] = 2.0
        self.decide(season={"verdict": "confirmed", "shares": shares})
        self.refresh()
        self.assertEqual(self.row(self.customer).purchase_interval_days, 60, f"month {month}")
        self.assertIn("Forecasts follow a season", self.company.customer_run_id.sudo().model_text)

    def test_decision_holds_for_the_month(self):
        self.decide(season={"verdict": "rejected"})
        self.refresh()
        self.assertEqual(self.company.customer_run_id.sudo().season["verdict"], "rejected")

    def test_groups_learned_apart_have_parameters_of_their_own(self):
        industry = self.env["res.partner.industry"].create({"name": "Bakeries"})
        self.buy(10, 40, 70, 100)
        twin = self.make_customer("Twin")
        self.make_invoices([(twin, day, 100) for day in (10, 40, 70, 100)])
        self.customer.industry_id = industry
        self.decide(population={"dimension": "industry"})
        target = "odoo.addons.crm_extended.models.crm_customer_population.large_groups"
        with patch(target, lambda keys: {industry.id}):
            self.refresh()
        run = self.company.customer_run_id.sudo()
        models = self.env["crm.customer.profile"]._models_of(run)
        self.assertEqual(set(models), {None, industry.id})
        for partner, key in ((self.customer, industry.id), (twin, None)):
            row = self.row(partner)
            self.assertAlmostEqual(row.p_order_90d, models[key].p_order(90, 3, 90, 100), 5)
            self.assertAlmostEqual(
                row.expected_orders_365d, models[key].expected_orders(365, 3, 90, 100), 3
            )
        self.assertIn("Learned apart by industry", run.model_text)

    def test_other_groups_are_other_rules(self):
        self.buy(10, 40, 70, 100)
        self.decide(population={"dimension": "industry", "groups": [7]})
        run = self.env["crm.model.run"].create(
            {"company_id": self.company.id, "as_of": self.as_of, "kind": "explicit"}
        )
        run._start()
        run.population = self.company.customer_run_id.sudo().population
        self.assertNotIn("population", run._changed_inputs())
        run.population = {"dimension": None}
        self.assertIn("population", run._changed_inputs(), "nobody moved but the rules")

    def test_few_customers_are_learned_together(self):
        self.refresh()
        run = self.company.customer_run_id.sudo()
        self.assertFalse(run.population["dimension"])
        self.assertIn("learned together", run.model_text)
