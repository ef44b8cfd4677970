from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools.translate import code_translations

from .common import CustomerCase


@tagged("post_install", "-at_install")
class TestReason(CustomerCase):
    """What a reader is told, in a company whose customers usually buy every 30 days."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.currency_id.write({"symbol": "$", "position": "before"})
        cls.customer = cls.make_customer()
        cls.make_purchases(cls.make_customer("Regular A"), every=30, count=5, last=3)
        cls.make_purchases(cls.make_customer("Regular B"), every=30, count=5, last=9)
        cls.set_salespeople_see_amounts(False)
        cls.reader = cls.make_user("salesperson_all")
        cls.accountant = cls.make_user("finance")

    def buy(self, *days, amount=100):
        return self.make_invoices([(self.customer, day, amount) for day in days])

    def reason(self, user=None, **context):
        self.refresh()
        row = self.as_user(self.row(self.customer), user or self.reader).with_context(**context)
        return row.reason.replace("\N{NO-BREAK SPACE}", " ")

    def assert_reason(self, sentence, with_amounts=None):
        self.assertEqual(self.reason(), sentence)
        self.assertEqual(self.reason(self.accountant), with_amounts or sentence)

    def test_at_risk(self):
        self.buy(71, 101, 131, 161)
        self.assert_reason(
            "Orders every 30 days; silent for 71. Call within 50 days.",
            "Orders every 30 days; silent for 71. Call within 50 days. $ 400 a year at stake.",
        )

    def test_at_risk_after_one_purchase(self):
        self.buy(100)
        self.assert_reason(
            "Bought once, 100 days ago; others return after 30. Call within 21 days.",
            "Bought once, 100 days ago; others return after 30. Call within 21 days. "
            "$ 100 a year at stake.",
        )

    def test_lost(self):
        self.buy(400, 430, 460, amount=1000)
        self.assert_reason(
            "Last order 400 days ago, once every 30. Ask why, then make an offer.",
            "Last order 400 days ago, once every 30. Ask why, then make an offer. "
            "Best year $ 3,000.",
        )

    def test_lost_after_one_purchase(self):
        self.buy(300)
        self.assert_reason("Bought once, 300 days ago, and never again.")

    def test_won_back(self):
        self.buy(400, 370, 340, 310, 40, 10)
        self.assert_reason("Came back 40 days ago after 270 of silence. Ask what brought him back.")

    def test_won_back_by_a_confirmed_order(self):
        self.buy(400, 370, 340, 310)
        self.make_order(self.customer, 5)
        self.assert_reason("Came back 5 days ago after 305 of silence. Ask what brought him back.")

    def test_new(self):
        self.buy(12)
        self.assert_reason("First order 12 days ago. Ask how it went.")

    def test_loyal(self):
        self.buy(100, 70, 40, 10)
        self.assert_reason("Orders every 30 days without a long pause; last 10 days ago.")

    def test_normal(self):
        self.buy(100, 70, 40)
        self.assert_reason("Orders every 30 days; last 40 days ago.")

    def test_no_rhythm(self):
        self.company.customer_new_days = 10
        self.buy(12)
        self.assert_reason(
            "Last order 12 days ago. Not enough repeat purchases to know his rhythm."
        )

    def test_prospect(self):
        self.make_lead(self.customer, 5)
        self.assert_reason("No purchase yet; an opportunity is open.")

    def test_open_quotation_is_named(self):
        self.buy(71, 101, 131, 161)
        self.make_order(self.customer, 90, confirm=False).action_quotation_sent()
        order = self.make_order(self.make_contact(self.customer), 8, confirm=False)
        order.action_quotation_sent()
        self.make_order(self.customer, 2, confirm=False)
        self.assertEqual(
            self.reason(),
            "Orders every 30 days; silent for 71. Call within 50 days. "
            f"Quotation {order.name} of 8 days ago is unanswered.",
            "the latest that was sent; a draft was not",
        )

    def test_quotation_of_a_customer_who_buys_is_not_worth_a_sentence(self):
        self.buy(100, 70, 40, 10)
        self.make_order(self.customer, 8, confirm=False).action_quotation_sent()
        self.assertNotIn("Quotation", self.reason())

    def test_salesperson_reads_amounts_while_the_switch_allows_it(self):
        self.buy(71, 101, 131, 161)
        self.set_salespeople_see_amounts(True)
        self.assertIn("$ 400 a year at stake.", self.reason())

    def test_no_amount_is_stored_for_those_who_may_not_see_it(self):
        self.buy(71, 101, 131, 161, amount=777)
        self.refresh()
        stored = str(self.row(self.customer).reason_args)
        self.assertNotIn("3108", stored)
        self.assertNotIn("777", stored)

    def test_reason_counts_days_from_the_refresh_not_from_today(self):
        self.buy(71, 101, 131, 161)
        self.refresh(self.ago(1))
        row = self.as_user(self.row(self.customer), self.reader)
        self.assertIn("silent for 70", row.reason)

    def test_reason_is_in_the_language_of_the_reader(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.make_lead(self.customer, 5)
        sentence = "No purchase yet; an opportunity is open."
        translations = {("crm_extended", "fr_FR"): {sentence: "Pas encore d’achat."}}
        with patch.object(code_translations, "python_translations", translations):
            self.assertEqual(self.reason(lang="fr_FR"), "Pas encore d’achat.")
            self.assertEqual(self.reason(lang="en_US"), sentence)

    def test_every_stage_has_its_sentence(self):
        profile = self.env["crm.customer.profile"]
        stages = [value for value, _label in profile._fields["lifecycle_stage"].selection]
        for code in (*stages, "at_risk_once", "lost_once", "no_rhythm"):
            with self.subTest(code=code):
                row = profile.new({"reason_code": code, "reason_args": {}})
                self.assertTrue(row._reason_sentence(), "a stage without a reason explains nothing")
