from odoo.exceptions import AccessError
from odoo.tests import Form, tagged

from ..analytics.sample_size import sample_size
from .common import CustomerCase
from .test_playbook_outcomes import OutcomeTools

WIZARD = "crm.playbook.sample.size"


@tagged("post_install", "-at_install")
class TestPlaybookSampleSize(OutcomeTools, CustomerCase):
    """Thirty customers of whom every other one bought in the last 30 days, for 100 or 300."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.make_user("manager")
        customers = [cls.make_customer(f"Customer {number}") for number in range(30)]
        cls.make_invoices([(customer, 200, 50.0) for customer in customers])
        cls.revenues = [(100.0, 0.0, 300.0)[number % 3] for number in range(30)]
        cls.make_invoices(
            [
                (customer, 10, revenue)
                for customer, revenue in zip(customers, cls.revenues, strict=True)
                if revenue
            ]
        )
        cls.customers = customers
        cls.refresh()
        cls.playbook = cls.make_playbook(window_days=28, holdout_share=0.2, nightly_limit=10)

    def ask(self, user=None, **values):
        wizards = self.as_user(WIZARD, user or self.manager)
        return wizards.create({"playbook_id": self.playbook.id} | values)

    def _deviation(self, revenues):
        mean = sum(revenues) / len(revenues)
        return (sum((value - mean) ** 2 for value in revenues) / (len(revenues) - 1)) ** 0.5

    def test_it_is_told_from_own_data(self):
        wizard = self.ask(effect_share=0.1)
        self.assertEqual(wizard.seen_count, 30)
        self.assertFalse(wizard.seen_alike)
        mean, deviation = sum(self.revenues) / 30, self._deviation(self.revenues)
        self.assertEqual(wizard.customer_count, sample_size(0.2, deviation, 0.1 * mean))
        self.assertIn("customers of all kinds", wizard.answer)

    def test_customers_to_whom_the_same_happened_are_preferred(self):
        self.env["crm.customer.event"].create(
            [
                {
                    "partner_id": customer.id,
                    "company_id": self.company.id,
                    "kind": "at_risk",
                    "date": self.ago(210),
                }
                for customer in self.customers
            ]
        )
        wizard = self.ask()
        self.assertTrue(wizard.seen_alike)
        self.assertEqual(wizard.mean, 50, "what they bought in the window after it")

    def test_a_larger_effect_or_hold_out_takes_fewer(self):
        with Form(self.as_user(WIZARD, self.manager).with_context(
            default_playbook_id=self.playbook.id
        )) as form:  # fmt: skip
            first = form.customer_count
            form.effect_share = 0.2
            larger_effect = form.customer_count
            form.holdout_share = 0.5
            self.assertLess(form.customer_count, larger_effect)
        self.assertLess(larger_effect, first)

    def test_nobody_who_comes_is_said(self):
        self.assertIn("Nobody came", self.ask().answer)

    def test_who_comes_in_a_month_says_how_long_it_takes(self):
        self.env["crm.customer.event"].create(
            [
                {
                    "partner_id": customer.id,
                    "company_id": self.company.id,
                    "kind": "at_risk",
                    "date": self.ago(20),
                }
                for customer in self.customers[:18]
            ]
        )
        wizard = self.ask(effect_share=0.5)
        self.assertAlmostEqual(wizard.monthly_count, 18 / 90 * 365 / 12, 1)
        self.assertIn("weeks", wizard.answer)

    def test_odd_numbers_are_answered_in_a_sentence(self):
        for values, words in (
            ({"holdout_share": 0}, "Without a hold-out"),
            ({"holdout_share": 1}, "Without a hold-out"),
            ({"effect_share": 0}, "Say how large"),
            ({"effect_share": -1}, "Say how large"),
        ):
            self.assertIn(words, self.ask(**values).answer, values)

    def test_too_few_customers_are_said(self):
        empty = self.make_company("Empty Sample Company")
        playbook = self.make_playbook(company_id=empty.id)
        self.manager.company_ids += empty
        wizards = self.as_user(WIZARD, self.manager)
        self.assertIn("Too little", wizards.create({"playbook_id": playbook.id}).answer)

    def test_it_is_for_managers(self):
        for role in ("salesperson", "finance"):
            with self.assertRaises(AccessError):
                self.ask(user=self.make_user(role))


@tagged("post_install", "-at_install")
class TestMonthlyReceipt(OutcomeTools, CustomerCase):
    def test_of_those_called_at_risk_the_silent_ones_are_counted(self):
        customers = [self.make_customer(f"Called {number}") for number in range(4)]
        self.make_invoices([(customer, 300, 10.0) for customer in customers])
        # called on the 27th of February, 123 days ago; 90 days later it is May
        self.make_invoices([(customers[0], 122, 10.0), (customers[1], 33, 10.0)])
        self.make_invoices([(customers[2], 32, 10.0), (customers[3], 123, 10.0)])
        self.env["crm.customer.event"].create(
            [
                {
                    "partner_id": customer.id,
                    "company_id": self.company.id,
                    "kind": "at_risk",
                    "date": self.ago(123),
                }
                for customer in [*customers, customers[0]]
            ]
        )
        self.refresh()
        receipt = self.env["crm.customer.receipt"].search([("company_id", "=", self.company.id)])
        receipt = receipt.filtered("called_count")
        self.assertEqual(str(receipt.month), "2025-02-01")
        self.assertEqual((receipt.called_count, receipt.silent_count), (4, 2))
        self.assertIn("Of 4 called at risk, 2 ordered nothing", receipt.predicted)

    def test_what_is_called_too_lately_is_not_judged(self):
        customer = self.make_customer()
        self.make_invoice(customer, 300)
        self.env["crm.customer.event"].create(
            {
                "partner_id": customer.id,
                "company_id": self.company.id,
                "kind": "at_risk",
                "date": self.ago(89),
            }
        )
        self.refresh()
        receipts = self.env["crm.customer.receipt"].search([("company_id", "=", self.company.id)])
        self.assertFalse(receipts.filtered("called_count"))

    def test_amounts_are_for_finance(self):
        receipts = self.as_user("crm.customer.receipt", self.make_user("salesperson"))
        with self.assertRaises(AccessError):
            receipts.search([("revenue_earned", ">", 0)])
