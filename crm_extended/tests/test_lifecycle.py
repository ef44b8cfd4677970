from datetime import timedelta

from odoo.tests import tagged

from .common import CustomerCase


class RhythmCase(CustomerCase):
    """A company whose customers usually buy every 30 days."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls.make_customer()
        cls.make_purchases(cls.make_customer("Regular A"), every=30, count=5, last=3)
        cls.make_purchases(cls.make_customer("Regular B"), every=30, count=5, last=9)

    def buy(self, *days, amount=100):
        """Purchases of the customer so many days ago."""
        return self.make_invoices([(self.customer, day, amount) for day in days])

    def assert_stage(self, stage, rule, **expected):
        self.refresh()
        row = self.row(self.customer)
        expected = {"lifecycle_stage": stage} | expected
        self.assertEqual({name: row[name] for name in expected}, expected, rule)


@tagged("post_install", "-at_install")
class TestInterval(RhythmCase):
    def test_interval_is_the_geometric_mean_of_the_pauses(self):
        self.buy(100, 90, 50)
        self.refresh()
        self.assertAlmostEqual(
            self.row(self.customer).purchase_interval_days, 20, 1, "root of 10 · 40"
        )

    def test_one_long_pause_does_not_hide_the_rhythm(self):
        self.buy(*range(200, 501, 10), 1)
        self.refresh()
        self.assertLess(self.row(self.customer).purchase_interval_days, 12)

    def test_several_documents_of_a_day_are_one_purchase(self):
        self.buy(60, 60, 30)
        self.refresh()
        self.assertEqual(self.row(self.customer).purchase_interval_days, 30)

    def test_one_purchase_has_no_interval(self):
        self.buy(60)
        self.refresh()
        self.env.cr.execute(
            "SELECT purchase_interval_days FROM crm_customer_profile WHERE id = %s",
            (self.row(self.customer).id,),
        )
        self.assertEqual(self.env.cr.fetchall(), [(None,)], "unknown, and not zero days")


@tagged("post_install", "-at_install")
class TestSilence(RhythmCase):
    def test_silence_of_two_usual_intervals_is_usual_still(self):
        self.buy(60, 90, 120, 150)
        self.assert_stage("loyal", "at risk begins beyond twice the interval", retention_flag=False)

    def test_silence_beyond_two_usual_intervals_is_a_risk(self):
        self.buy(61, 91, 121, 151)
        self.assert_stage(
            "at_risk",
            "61 days are more than twice 30",
            retention_flag=True,
            winback_flag=False,
            stage_since=self.as_of,
            expected_leave_date=self.ago(61) + timedelta(days=121),
        )

    def test_silence_of_four_usual_intervals_is_a_risk_still(self):
        self.buy(120, 150, 180, 210)
        self.assert_stage("at_risk", "lost begins beyond four times the interval")

    def test_silence_beyond_four_usual_intervals_is_a_loss(self):
        self.buy(121, 151, 181, 211)
        self.assert_stage(
            "lost",
            "121 days are more than four times 30",
            retention_flag=False,
            winback_flag=True,
            stage_since=self.as_of,
            expected_leave_date=self.as_of,
        )

    def test_leave_date_is_the_day_on_which_he_is_lost(self):
        self.buy(70, 100, 130, 160)
        self.refresh()
        leave = self.row(self.customer).expected_leave_date
        self.refresh(leave - timedelta(days=1))
        self.assertEqual(self.row(self.customer).lifecycle_stage, "at_risk")
        self.refresh(leave)
        self.assertEqual(self.row(self.customer).lifecycle_stage, "lost")

    def test_rhythm_of_few_purchases_leans_on_the_company(self):
        # (1 · 120 + 3 · 30) / 4 = 52.5 days
        self.buy(106, 226)
        self.assert_stage("at_risk", "beyond 105 days", stage_since=self.as_of)

    def test_rhythm_of_many_purchases_is_his_own(self):
        # (12 · 60 + 3 · 30) / 15 = 54 days
        self.buy(*range(108, 830, 60))
        self.assert_stage("loyal", "108 days are twice 54; one number for all would flag him")

    def test_who_bought_once_is_judged_by_the_company(self):
        self.buy(100)
        self.assert_stage("at_risk", "others return after 30 days", expected_leave_date=False)

    def test_who_bought_once_is_lost_but_not_to_win_back(self):
        self.buy(300)
        self.assert_stage("lost", "there is no second life without a first", winback_flag=False)

    def test_who_took_everything_back_is_not_to_win_back(self):
        invoices = self.buy(300, 330, 360)
        self.make_credit_note(self.customer, 299, 300, invoices[0])
        self.assert_stage("lost", "he never left any money", winback_flag=False)

    def test_settings_decide_how_long_is_long(self):
        self.company.write({"customer_at_risk_factor": 1.0, "customer_lost_factor": 1.5})
        self.buy(31, 61, 91, 121)
        self.assert_stage("at_risk", "beyond one interval", stage_since=self.as_of)
        self.company.write({"customer_lost_factor": 1.01})
        self.assert_stage("lost", "beyond 30.3 days")

    def test_excluded_accounts_do_not_make_the_rhythm_of_the_company(self):
        for number in range(5):
            walk_in = self.make_customer(f"Walk-in {number}")
            self.make_purchases(walk_in, every=1, count=3)
            self.env["crm.customer.exclusion"].create(
                {"partner_id": walk_in.id, "company_id": self.company.id}
            )
        self.buy(50)
        self.assert_stage("new", "others return after 30 days, walk-ins don't count")


@tagged("post_install", "-at_install")
class TestWaitingOrders(RhythmCase):
    def test_confirmed_order_ends_a_silence_before_it_is_invoiced(self):
        self.buy(100, 130, 160, 190)
        self.make_order(self.make_contact(self.customer), 5)
        self.assert_stage(
            "loyal",
            "he ordered five days ago: nobody calls him silent",
            last_order_date=self.ago(5),
            last_purchase_date=self.ago(100),
            purchase_count=4,
        )

    def test_order_with_a_down_payment_only_waits_still(self):
        self.buy(100, 130, 160, 190)
        order = self.make_order(self.customer, 5)
        self.env["sale.advance.payment.inv"].with_context(
            active_model="sale.order", active_ids=order.ids, active_id=order.id
        ).create({"advance_payment_method": "percentage", "amount": 30}).create_invoices()
        order.invoice_ids.write({"invoice_date": self.ago(4), "date": self.ago(4)})
        order.invoice_ids.action_post()
        self.assert_stage("loyal", "the goods are still to be billed", last_order_date=self.ago(5))

    def test_order_invoiced_later_waits_as_of_the_days_between(self):
        self.buy(100, 130, 160, 190)
        self.invoice_order(self.make_order(self.customer, 20), 5)
        self.refresh(self.ago(10))
        row = self.row(self.customer)
        self.assertEqual((row.purchase_count, row.last_order_date), (4, self.ago(20)))
        self.assert_stage("normal", "it is invoiced now", purchase_count=5)

    def test_open_quotation_ends_no_silence(self):
        self.buy(100, 130, 160, 190)
        self.make_order(self.customer, 5, confirm=False).action_quotation_sent()
        self.assert_stage("at_risk", "a quotation is no order", last_order_date=self.ago(100))

    def test_cancelled_order_ends_no_silence(self):
        self.buy(100, 130, 160, 190)
        self.make_order(self.customer, 5)._action_cancel()
        self.assert_stage("at_risk", "he took his order back", last_order_date=self.ago(100))

    def test_order_of_a_later_day_ends_no_silence_yet(self):
        self.buy(100, 130, 160, 190)
        self.make_order(self.customer, -1)
        self.assert_stage("at_risk", "the future waits for its day")

    def test_order_of_another_company_ends_no_silence(self):
        self.buy(100, 130, 160, 190)
        self.make_order(self.customer, 5, company=self.make_company("Other Company"))
        self.assert_stage("at_risk", "with us he is silent")

    def test_order_alone_makes_no_customer(self):
        self.make_order(self.customer, 5)
        self.refresh()
        self.assertFalse(self.row(self.customer), "nothing was bought yet")


@tagged("post_install", "-at_install")
class TestWonBack(RhythmCase):
    def test_who_buys_after_having_been_lost_is_won_back(self):
        self.buy(400, 370, 340, 310, 10)
        self.assert_stage("won_back", "he was silent for 300 days", stage_since=self.ago(10))

    def test_pause_is_judged_by_what_was_known_before_it(self):
        # before: usual 30, lost after 120; the pause of 150 makes it 40.6, lost after 162
        self.buy(230, 200, 170, 20)
        self.assert_stage("won_back", "the pause itself must not excuse the pause")

    def test_pause_of_exactly_the_lost_limit_was_no_loss(self):
        self.buy(190, 160, 130, 10)
        self.assert_stage("normal", "120 days are not beyond four times 30")
        self.buy(220)
        self.assert_stage("normal", "with one purchase more the limit is the same")

    def test_won_back_for_some_time_only(self):
        self.buy(490, 460, 430, 400, 89, 60, 30, 3)
        self.refresh()
        self.assertEqual(self.row(self.customer).lifecycle_stage, "won_back")
        self.refresh(self.ago(-1))
        self.assertNotEqual(
            self.row(self.customer).lifecycle_stage, "won_back", "90 days after coming back"
        )

    def test_who_falls_silent_again_is_at_risk(self):
        # five intervals with a mean of 43.8 days, usual 38.6
        self.buy(400, 370, 340, 310, 85)
        self.assert_stage("at_risk", "at risk is more urgent than won back")

    def test_confirmed_order_wins_back(self):
        self.buy(400, 370, 340, 310)
        self.make_order(self.customer, 5)
        self.assert_stage("won_back", "he ordered again", stage_since=self.ago(5))

    def test_repeated_orders_after_one_pause_are_one_return(self):
        self.buy(400, 370, 340, 310, 40, 10)
        self.assert_stage("won_back", "he came back 40 days ago", stage_since=self.ago(40))

    def test_two_waiting_orders_do_not_add_up_their_pauses(self):
        self.buy(320, 290, 260, 230)
        self.make_order(self.customer, 120)
        self.make_order(self.customer, 5)
        self.refresh()
        self.assertNotEqual(
            self.row(self.customer).lifecycle_stage,
            "won_back",
            "he paused for 110 and for 115 days, never beyond 120",
        )


@tagged("post_install", "-at_install")
class TestWeeklyCustomers(CustomerCase):
    def test_four_weeks_are_not_beyond_four_weeks(self):
        for name in ("Regular A", "Regular B", "Regular C"):
            self.make_purchases(self.make_customer(name), every=7, count=4, last=3)
        customer = self.make_customer()
        days = [2, *(30 + 7 * number for number in range(12)), 200]
        self.make_invoices([(customer, day, 100) for day in days])
        self.refresh()
        self.assertEqual(
            self.row(customer).lifecycle_stage,
            "normal",
            "a pause of exactly four weeks is no loss, to the day",
        )


@tagged("post_install", "-at_install")
class TestOtherStages(RhythmCase):
    def test_first_purchase_makes_a_new_customer(self):
        self.buy(10)
        self.assert_stage("new", "he bought ten days ago", stage_since=self.ago(10))

    def test_new_for_some_time_only(self):
        self.buy(89, 60, 31, 3)
        self.assert_stage("new", "89 days after the first purchase")
        self.buy(90)
        self.assert_stage("loyal", "90 days after the first purchase", stage_since=False)

    def test_settings_decide_how_long_new_is_new(self):
        self.company.customer_new_days = 10
        self.buy(9)
        self.assert_stage("new", "9 days")
        self.buy(10)
        self.assert_stage("normal", "10 days")

    def test_who_came_back_soon_after_his_first_purchase_is_won_back(self):
        self.company.customer_new_days = 200
        self.buy(190, 10)
        self.assert_stage("won_back", "won back says more than new")

    def test_regular_customer_is_loyal(self):
        self.buy(100, 70, 40, 10)
        self.assert_stage("loyal", "three intervals in his rhythm")

    def test_two_intervals_are_not_yet_loyalty(self):
        self.buy(100, 70, 40)
        self.assert_stage("normal", "loyal takes three intervals")

    def test_long_pause_within_the_year_is_not_loyal(self):
        self.buy(*range(150, 301, 30), 50, 20)
        self.assert_stage("normal", "100 days are beyond twice his interval")

    def test_long_pause_before_the_year_is_forgiven(self):
        self.buy(550, 450, *range(10, 400, 30))
        self.assert_stage("loyal", "that is more than a year ago")

    def test_customer_who_buys_for_a_third_less_is_at_risk(self):
        self.buy(*range(370, 731, 30), amount=200)
        self.buy(*range(10, 365, 30), amount=100)
        self.assert_stage("at_risk", "he buys for half of what he did", stage_since=self.as_of)

    def test_fall_is_none_where_the_year_before_was_thin(self):
        self.buy(380, 500, 620, 700, amount=500)
        self.buy(*range(10, 365, 30), amount=100)
        self.assert_stage("normal", "four orders tell nothing, but loyal he is not")

    def test_customer_who_keeps_two_thirds_is_loyal(self):
        self.buy(380, amount=150)
        self.buy(350, 320, 290, 260, 230, 200, 170, 140, 110, 80, 50, 20, amount=9)
        self.assert_stage("loyal", "108 of 150 are more than two thirds")

    def test_open_lead_without_purchase_is_a_prospect(self):
        self.make_lead(self.make_contact(self.customer), 5)
        self.assert_stage("prospect", "the lead is of a contact", purchase_count=0)

    def test_customer_with_an_open_lead_is_no_prospect(self):
        self.buy(10)
        self.make_lead(self.customer, 5)
        self.assert_stage("new", "he has bought")

    def test_closed_later_and_foreign_leads_make_no_prospect(self):
        won, lost, later, foreign = (self.make_customer(f"Partner {n}") for n in range(4))
        self.make_lead(won, 5).action_set_won()
        self.make_lead(lost, 5).action_set_lost()
        self.make_lead(later, -1)
        self.make_lead(foreign, 5, company_id=self.make_company("Other Company").id)
        self.refresh()
        for partner, rule in (
            (won, "his opportunity is won"),
            (lost, "his opportunity is lost"),
            (later, "his opportunity comes later"),
            (foreign, "his opportunity is another company's"),
        ):
            self.assertFalse(self.row(partner), rule)

    def test_lead_without_company_makes_a_prospect(self):
        self.make_lead(self.customer, 5, company_id=False)
        self.assert_stage("prospect", "any company may pursue it")

    def test_prospect_whose_lead_is_closed_leaves_no_row(self):
        lead = self.make_lead(self.customer, 5)
        self.refresh()
        self.assertTrue(self.row(self.customer))
        lead.action_set_lost()
        self.refresh()
        self.assertFalse(self.row(self.customer), "no row stays of who is no longer due")


@tagged("post_install", "-at_install")
class TestTooLittleData(CustomerCase):
    def test_without_repeated_purchases_nobody_is_called_silent(self):
        customers = [self.make_customer(f"Buyer {number}") for number in range(4)]
        self.make_invoices(
            [(customer, 800 + number, 100) for number, customer in enumerate(customers)]
        )
        self.refresh()
        for customer in customers:
            row = self.row(customer)
            self.assertEqual(
                (row.lifecycle_stage, row.reason_code, row.retention_flag, row.winback_flag),
                ("normal", "no_rhythm", False, False),
                "no rhythm is known, so silence means nothing",
            )

    def test_company_without_documents_has_no_rows_and_says_so(self):
        [run] = self.refresh()
        self.assertEqual((run.customer_count, run.state), (0, "done"))
        self.assertFalse(
            self.env["crm.customer.profile"].search([("company_id", "=", self.company.id)])
        )
