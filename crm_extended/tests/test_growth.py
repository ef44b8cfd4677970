from unittest.mock import patch

from dateutil.relativedelta import relativedelta

from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from .common import CustomerCase


@tagged("post_install", "-at_install")
class TestLifeStage(CustomerCase):
    """Whether customers buy more or less than they did."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls.make_customer()

    def buy(self, *amounts, first, last=5):
        """Purchases of these amounts, evenly spread over the time from ``first`` days ago."""
        step = (first - last) / max(len(amounts) - 1, 1)
        self.make_invoices(
            [
                (self.customer, round(first - step * number), amount)
                for number, amount in enumerate(amounts)
            ]
        )

    def assert_trend(self, trend, rule=None, as_of=None):
        self.refresh(as_of)
        self.assertEqual(self.row(self.customer).life_stage, trend, rule)

    def test_the_first_six_months_are_new_whatever_is_bought(self):
        self.buy(10, 20, 400, 800, first=170)
        self.assert_trend("new")

    def test_new_ends_six_months_after_the_first_purchase(self):
        begin = self.as_of - relativedelta(months=6)
        self.make_invoices([(self.customer, begin, 100), (self.customer, 30, 100)])
        self.assert_trend("new", as_of=self.ago(1))
        self.assert_trend("stable")

    def test_an_old_customer_is_compared_with_his_year_before(self):
        for factor, trend in ((1.21, "growing"), (1.19, "stable"), (0.81, "stable"),
                              (0.79, "declining")):  # fmt: skip
            self.customer = self.make_customer(trend)
            self.buy(*[100] * 12, first=725, last=370)
            self.buy(*[100 * factor] * 12, first=360)
            self.make_invoice(self.customer, 900, 5000)
            self.assert_trend(trend, factor)

    def test_twenty_per_cent_is_still_stable(self):
        self.make_invoices(
            [(self.customer, 900, 1), (self.customer, 500, 100), (self.customer, 20, 120)]
        )
        self.assert_trend("stable")
        self.make_invoice(self.customer, 20, 0.01)
        self.assert_trend("growing")

    def test_a_short_first_year_is_no_growth(self):
        """Of the year before he has two months only: against it he would have grown sixfold."""
        self.buy(*[100] * 15, first=425)
        self.assert_trend("stable")

    def test_a_young_customer_is_compared_with_his_own_first_half(self):
        for later, trend in ((200, "growing"), (100, "stable"), (40, "declining")):
            self.customer = self.make_customer(trend)
            self.buy(*[100] * 5, *[later] * 5, first=273)
            self.assert_trend(trend)

    def test_the_purchase_that_opens_his_time_is_no_decline(self):
        """A regular customer has one purchase more in the half that begins with one."""
        self.buy(*[100] * 5, first=245, last=45)
        self.assert_trend("stable")

    def test_the_purchase_that_opens_his_time_counts_against_growth(self):
        self.make_invoices([(self.customer, 300, 100), (self.customer, 30, 100)])
        self.make_purchases(self.make_customer("Slow"), every=200, count=4, last=10)
        self.assert_trend("stable")

    def test_who_bought_nothing_later_is_declining(self):
        self.make_invoices([(self.customer, 300, 100)])
        self.make_purchases(self.make_customer("Slow"), every=200, count=4, last=10)
        self.refresh()
        self.assertNotEqual(self.row(self.customer).lifecycle_stage, "lost")
        self.assert_trend("declining")

    def test_what_was_credited_was_not_bought(self):
        self.buy(*[100] * 5, *[200] * 5, first=273)
        self.assert_trend("growing")
        self.make_credit_note(self.customer, 2, 500)
        self.assert_trend("stable")
        self.make_credit_note(self.customer, 1, 500)
        self.assert_trend("declining")

    def test_lost_customers_decline_and_prospects_have_no_trend(self):
        self.buy(*[100] * 3, *[300] * 6, first=900, last=420)
        self.make_lead(prospect := self.make_customer("Prospect"))
        self.refresh()
        self.assertEqual(self.row(self.customer).lifecycle_stage, "lost")
        self.assert_trend("declining")
        self.assertEqual(self.row(prospect).life_stage, False)

    def test_rising_prices_are_no_growth(self):
        """Prices rise by half a year, and he pays them for the same goods, or for fewer."""
        fewer = self.make_customer("Fewer")
        young = self.make_customer("Young")
        middle = self.as_of.replace(day=15)
        for months, customer, goods in (
            (30, self.customer, lambda ago: 100),
            (30, fewer, lambda ago: 75 if ago < 12 else 100),
            (16, young, lambda ago: 100),
        ):
            self.make_invoices(
                [
                    (
                        customer,
                        middle - relativedelta(months=ago),
                        round(goods(ago) * 1.5 ** ((36 - ago) / 12), 2),
                    )
                    for ago in range(months)
                ]
            )
        self.assert_trend("growing", "without an index, money is all there is")
        self.assertEqual(self.row(young).life_stage, "growing")
        self.set_prices(self.as_of)
        self.assert_trend("stable")
        self.assertEqual(self.row(fewer).life_stage, "declining")
        self.assertEqual(self.row(young).life_stage, "stable")

    def test_the_page_that_explains_says_what_was_compared(self):
        finance = self.make_user("finance")

        def page():
            self.refresh()
            row = self.as_user(self.row(self.customer), finance)
            return row.with_context(customer_explanation=True).explanation

        self.buy(*[100] * 5, *[200] * 5, first=273)
        self.assertIn("1,000.00 / 400.00 − 1 = 1.5", page())
        self.assertIn("of the first purchase day is left out", page())
        self.make_purchases(self.customer, every=30, count=20, last=380)
        self.assertIn("against that of the 12 before", page())
        self.customer = self.make_customer("New")
        self.make_invoice(self.customer, 20)
        self.assertIn("less than 6 months ago", page())
        invoice = self.env["account.move"].search([("partner_id", "=", self.customer.id)])
        self.make_lead(self.customer)
        invoice.button_draft()
        row = self.as_user(self.row(self.customer), finance)
        self.assertIn("Buying Trend", row.with_context(customer_explanation=True).explanation)

    def test_the_contact_shows_it_to_who_sees_no_amounts(self):
        self.buy(*[100] * 5, *[200] * 5, first=273)
        self.refresh()
        contact = self.make_contact(self.customer)
        user = self.make_user("user")
        self.assertEqual(self.as_user(contact, user).life_stage, "growing")
        found = self.as_user("res.partner", user).search([("life_stage", "=", "growing")])
        self.assertEqual(found, self.customer | contact)


@tagged("post_install", "-at_install")
class TestCouldBuyMore(CustomerCase):
    """Who of those that buy less than half with us is ready to buy more."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls.make_customer("Ready")
        cls.make_purchases(cls.customer, every=30, count=12, last=10)

    def is_ready(self, below_half=True, complaint=False):
        rows = self.env.registry["crm.customer.profile"]
        known = {True: SQL("TRUE"), False: SQL("FALSE"), None: SQL("NULL::boolean")}[below_half]
        with (
            patch.object(rows, "_sql_below_half", lambda self, run: known),
            patch.object(
                rows,
                "_sql_has_complaint",
                lambda self, run: SQL("purchase_count > 0") if complaint else SQL("FALSE"),
            ),
        ):
            self.refresh()
        return self.row(self.customer).upsell_flag

    def test_a_sound_customer_of_whom_we_have_less_than_half_is_ready(self):
        self.assertTrue(self.is_ready())
        self.assertFalse(self.is_ready(below_half=False))
        self.assertFalse(self.is_ready(below_half=None), "nobody knows what he buys elsewhere")

    def test_who_complains_is_not_asked_to_buy_more(self):
        self.assertFalse(self.is_ready(complaint=True))

    def test_who_pays_late_is_not_ready_where_payments_are_recorded(self):
        late = self.make_invoice(self.customer, 80, invoice_date_due=self.ago(75))
        self.assertTrue(self.is_ready(), "nobody records payments here")
        self.assertEqual(self.row(self.customer).credit_state, "blocked")
        self.make_payment(self.make_invoice(self.make_customer("Payer"), 30), 20)
        self.assertFalse(self.is_ready())
        self.make_payment(late, 5)
        self.assertTrue(self.is_ready())

    def test_who_declines_or_is_silent_is_not_ready(self):
        for name, purchases in {
            "at_risk": {"every": 30, "count": 12, "last": 75},
            "lost": {"every": 30, "count": 6, "last": 400},
        }.items():
            self.customer = self.make_customer(name)
            self.make_purchases(self.customer, **purchases)
            self.assertFalse(self.is_ready(), name)
            self.assertEqual(self.row(self.customer).lifecycle_stage, name)
        self.customer = self.make_customer("Declining")
        self.make_purchases(self.customer, every=30, count=12, last=370)
        self.make_purchases(self.customer, every=30, count=12, last=10, amount=70)
        self.assertFalse(self.is_ready())
        self.assertEqual(self.row(self.customer).life_stage, "declining")
        self.assertNotEqual(self.row(self.customer).lifecycle_stage, "at_risk")

    def test_a_prospect_has_nothing_to_buy_more_of(self):
        self.customer = self.make_customer("Prospect")
        self.make_lead(self.customer)
        self.assertFalse(self.is_ready())

    def test_half_is_told_by_the_share_and_else_by_what_he_buys_elsewhere(self):
        cases = {
            (0.49, None, 100): True,
            (0.5, None, 100): False,
            (0.9, 1000, 100): False,
            (None, 101, 100): True,
            (None, 100, 100): False,
            (None, None, 100): None,
        }
        run = self.company.sudo().customer_run_id
        rows = self.env["crm.customer.profile"]
        fields = dict.fromkeys(("wallet_share", "wallet_headroom"))
        with patch.object(type(rows), "_fields", {**rows._fields, **fields}):
            half = rows._sql_below_half(run)
        for (share, room, revenue), expected in cases.items():
            [[found]] = self.env.execute_query(
                SQL(
                    """SELECT %s FROM (
                        SELECT %s::float8 AS wallet_share, %s::numeric AS wallet_headroom,
                               %s::numeric AS revenue_real_12m
                    ) AS layer""",
                    half, share, room, revenue,
                )
            )  # fmt: skip
            self.assertEqual(found, expected, (share, room))

    def test_readiness_reveals_our_share_and_is_for_who_sees_amounts(self):
        self.is_ready()
        with mute_logger("odoo.orm.models"), self.assertRaises(AccessError):
            self.as_user(self.customer, self.make_user("user")).upsell_flag  # noqa: B018 - read
        finance = self.as_user("res.partner", self.make_user("finance"))
        self.assertEqual(finance.search([("upsell_flag", "=", True)]), self.customer)
