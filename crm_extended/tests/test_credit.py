from odoo import Command
from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .common import CustomerCase


@tagged("post_install", "-at_install")
class TestCredit(CustomerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls.make_customer()

    def invoice(self, issued, due, amount=100):
        return self.make_invoice(self.customer, issued, amount, invoice_date_due=self.ago(due))

    def assert_row(self, rule, as_of=None, **expected):
        self.refresh(as_of)
        row = self.row(self.customer)
        self.assertEqual({name: row[name] for name in expected}, expected, rule)

    def test_overdue_is_what_is_open_past_its_due_date(self):
        self.invoice(60, 30, 100)
        self.invoice(40, 0, 50)
        self.invoice(20, -10, 7)
        self.assert_row(
            "due today is not overdue yet",
            open_amount=157,
            overdue_amount=100,
            overdue_since=self.ago(30),
        )

    def test_equal_to_odoos_own_receivable_to_the_cent(self):
        first = self.invoice(90, 60, 100.10)
        self.invoice(50, 20, 33.33)
        self.make_payment(first, 30, 40.05)
        self.make_payment(first, 10, 5.55, match=False)
        self.make_credit_note(self.customer, 5, 3.33)
        self.refresh()
        credit = self.customer.with_company(self.company).credit
        self.assertAlmostEqual(credit, 100.10 + 33.33 - 40.05 - 5.55 - 3.33)
        self.assertAlmostEqual(self.row(self.customer).open_amount, credit)

    def test_past_day_knows_nothing_of_later_payments(self):
        invoice = self.invoice(60, 50, 100)
        self.make_payment(invoice, 40, 30)
        self.make_payment(invoice, 20, 70)
        self.assert_row("half of it had come", self.ago(30), overdue_amount=70, open_amount=70)
        self.assert_row("nothing had", self.ago(45), overdue_amount=100)
        self.assert_row("all has", overdue_amount=0, open_amount=0, overdue_since=False)

    def test_unmatched_payment_is_deducted_by_its_own_date(self):
        invoice = self.invoice(60, 30, 100)
        self.make_payment(invoice, 5, 60, match=False)
        self.assert_row("he owes 40", overdue_amount=40, overdue_since=self.ago(30))

    def test_who_paid_too_much_owes_nothing(self):
        self.make_payment(self.invoice(60, 30, 100), 5, 160)
        self.assert_row("60 are his", overdue_amount=0, open_amount=-60, credit_state="good")

    def test_receivable_in_a_foreign_currency_counts_in_the_companys(self):
        currency = self.env["res.currency"].create(
            {
                "name": "TST",
                "symbol": "T",
                "rate_ids": [
                    Command.create(
                        {"name": self.ago(400), "rate": 2.0, "company_id": self.company.id}
                    )
                ],
            }
        )
        self.make_invoice(
            self.customer, 60, 100, invoice_date_due=self.ago(30), currency_id=currency.id
        )
        self.assert_row("at the invoice's rate", overdue_amount=50)

    def test_payment_days_are_weighted_by_amount(self):
        self.make_payment(self.invoice(100, 70, 300), 80)
        self.make_payment(self.invoice(100, 70, 100), 40)
        self.assert_row(
            "300 after 20 days, 100 after 60", payment_days_12m=30, payment_is_known=True
        )

    def test_credit_note_is_no_payment(self):
        invoice = self.invoice(100, 70, 100)
        self.make_credit_note(self.customer, 90, 100, invoice=invoice)
        self.assertEqual(invoice.amount_residual, 0)
        self.invoice(10, 0, 5)
        self.assert_row("nothing was paid", payment_is_known=False, overdue_amount=0)

    def test_state_follows_the_age_of_what_is_overdue(self):
        self.make_payment(self.invoice(300, 270), 280)
        self.invoice(60, 20)
        self.assert_row("20 days", credit_state="watch", collect_first=False)
        self.assert_row("21 days", self.ago(-1), credit_state="blocked", collect_first=True)
        self.company.customer_blocked_days = 30
        self.assert_row("the company's limit", self.ago(-1), credit_state="watch")

    def test_payment_that_nobody_has_matched_pays_what_was_due_first(self):
        self.make_payment(self.invoice(400, 390, 5), 380)
        old = self.invoice(230, 200, 100)
        self.invoice(40, 10, 100)
        self.make_payment(old, 3, 100, match=False)
        self.assert_row(
            "the old one is paid",
            overdue_amount=100,
            overdue_since=self.ago(10),
            credit_state="watch",
        )

    def test_gain_on_the_exchange_rate_is_no_payment(self):
        currency = self.env["res.currency"].create({"name": "TST", "symbol": "T"})
        self.env["res.currency.rate"].create(
            [
                {
                    "currency_id": currency.id,
                    "name": self.ago(day),
                    "rate": rate,
                    "company_id": self.company.id,
                }
                for day, rate in ((400, 2.0), (20, 1.0))
            ]
        )
        invoice = self.make_invoice(
            self.customer, 80, 100, invoice_date_due=self.ago(50), currency_id=currency.id
        )
        term = invoice.line_ids.filtered(lambda line: line.display_type == "payment_term")
        gains = self.env["account.account"].create(
            {
                "name": "Gains",
                "code": "700000",
                "account_type": "income_other",
                "company_ids": [Command.set(self.company.ids)],
            }
        )
        self.company.write(
            {
                "income_currency_exchange_account_id": gains.id,
                "expense_currency_exchange_account_id": gains.id,
                "currency_exchange_journal_id": self.env["account.journal"]
                .create(
                    {
                        "name": "Exchange",
                        "code": "EXCH",
                        "type": "general",
                        "company_id": self.company.id,
                    }
                )
                .id,
            }
        )
        payment = self.env["account.move"].create(
            {
                "move_type": "entry",
                "company_id": self.company.id,
                "journal_id": self.company.currency_exchange_journal_id.id,
                "date": self.ago(20),
                "line_ids": [
                    Command.create(
                        {
                            "account_id": gains.id,
                            "currency_id": currency.id,
                            "amount_currency": 100,
                            "debit": 100,
                        }
                    ),
                    Command.create(
                        {
                            "account_id": term.account_id.id,
                            "partner_id": term.partner_id.id,
                            "currency_id": currency.id,
                            "amount_currency": -100,
                            "credit": 100,
                        }
                    ),
                ],
            }
        )
        payment.action_post()
        (payment.line_ids.filtered("credit") + term).reconcile()
        self.assertTrue(term.reconciled)
        self.assert_row("paid after 60 days", payment_days_12m=60, open_amount=0)

    def test_small_amounts_are_ignored(self):
        self.invoice(60, 30, 10)
        self.company.customer_overdue_minimum = 10
        self.assert_row("10 are ignored", credit_state="good", overdue_amount=10)

    def test_odoos_credit_limit_is_watched(self):
        self.company.account_use_credit_limit = True
        self.customer.with_company(self.company).credit_limit = 50
        self.invoice(10, -20, 60)
        self.assert_row("above his limit", credit_state="watch")

    def test_company_that_records_no_payments_sends_nobody_to_accounting(self):
        for day in (221, 191, 161, 131, 101, 71):
            self.invoice(day, day)
        self.assert_row(
            "nothing was ever paid",
            credit_state="blocked",
            collect_first=False,
            reason_code="at_risk",
        )

    def test_reason_says_to_collect_first(self):
        for day in (221, 191, 161, 131, 101, 71):
            self.invoice(day, 26 if day == 71 else day, 100)
        for invoice in self.env["account.move"].search([("partner_id", "=", self.customer.id)]):
            if invoice.amount_residual and invoice.invoice_date != self.ago(71):
                self.make_payment(invoice, 100)
        self.refresh()
        row = self.row(self.customer)
        self.assertEqual(row.reason_code, "blocked")
        self.assertEqual(
            self.as_user(row, self.make_user("user")).reason,
            "Silent for 71 days, overdue for 26 days. Accounting first.",
        )
        self.assertIn("100 is overdue.", self.as_user(row, self.make_user("finance")).reason)

    def test_limits_that_contradict_each_other_are_refused(self):
        for name, value, sentence in (
            ("watch_days", 0, "to 1 or more"),
            ("blocked_days", 0, "of “Watch From”, or more"),
            ("overdue_minimum", -1, "can't be negative"),
        ):
            with self.assertRaisesRegex(ValidationError, sentence), self.env.cr.savepoint():
                self.company[f"customer_{name}"] = value
            self.company.invalidate_recordset()

    def test_late_payment_is_a_cost_to_serve(self):
        self.company.customer_cost_delay = 36.5
        self.make_payment(self.invoice(200, 150, 1000), 50)
        self.assert_row("1000 for 100 days at 36.5 % a year", cost_to_serve_12m=100)

    def test_open_receivable_costs_up_to_the_day(self):
        self.company.customer_cost_delay = 36.5
        self.invoice(200, 30, 1000)
        self.assert_row("1000 for 30 days", cost_to_serve_12m=30)
