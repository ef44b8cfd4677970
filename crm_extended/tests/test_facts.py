from datetime import date, datetime

from freezegun import freeze_time

from odoo import Command
from odoo.tests import tagged

from .common import CustomerCase


class FactCase(CustomerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls.make_customer()

    def assert_row(self, rule, customer=None, company=None, **expected):
        row = self.row(customer or self.customer, company)
        self.assertEqual({name: row[name] for name in expected}, expected, rule)

    def advance(self, order, method, day, **values):
        """Invoice an order by Odoo's own wizard, and post it on a day."""
        wizard = (
            self.env["sale.advance.payment.inv"]
            .with_context(active_model="sale.order", active_ids=order.ids, active_id=order.id)
            .create({"advance_payment_method": method} | values)
        )
        known = order.invoice_ids
        wizard.create_invoices()
        invoice = order.invoice_ids - known
        invoice.write({"invoice_date": self.ago(day), "date": self.ago(day)})
        invoice.action_post()
        return invoice

    def reverse(self, invoice, day):
        """A whole credit note by Odoo's own wizard, on a day."""
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"journal_id": invoice.journal_id.id, "date": self.ago(day)})
        )
        wizard.reverse_moves()
        refund = wizard.new_move_ids
        refund.write({"invoice_date": self.ago(day)})
        refund.action_post()
        return refund


@tagged("post_install", "-at_install")
class TestInvoicesAsPurchases(FactCase):
    def test_posted_invoice_is_a_purchase(self):
        self.make_invoice(self.customer, 10, 250)
        self.refresh()
        self.assert_row(
            "one posted invoice is one purchase of its untaxed amount on its day",
            purchase_count=1,
            revenue_total=250,
            first_purchase_date=self.ago(10),
            last_purchase_date=self.ago(10),
        )

    def test_draft_and_cancelled_invoices_are_no_purchase(self):
        self.make_invoice(self.customer, 30, 250)
        self.make_invoice(self.customer, 20, 99).button_draft()
        self.make_invoice(self.customer, 10, 77).button_cancel()
        self.refresh()
        self.assert_row("only posted invoices count", purchase_count=1, revenue_total=250)

    def test_bills_of_vendors_are_no_purchase(self):
        self.make_invoice(self.customer, 30, 250)
        journal = self.env["account.journal"].create(
            {
                "name": "Bills",
                "code": "BILL",
                "type": "purchase",
                "company_id": self.company.id,
                "default_account_id": self.company.income_account_id.id,
            }
        )
        payable = self.env["account.account"].create(
            {
                "name": "Payable",
                "code": "211000",
                "account_type": "liability_payable",
                "reconcile": True,
                "company_ids": self.company.ids,
            }
        )
        self.customer.property_account_payable_id = payable
        bill = self.env["account.move"].create(
            {
                "move_type": "in_invoice",
                "journal_id": journal.id,
                "partner_id": self.customer.id,
                "invoice_date": self.ago(5),
                "invoice_line_ids": [self._invoice_line(900)],
            }
        )
        bill.action_post()
        self.refresh()
        self.assert_row("what we buy is no sale", purchase_count=1, revenue_total=250)

    def test_sales_receipt_is_a_purchase(self):
        self.make_invoice(self.customer, 4, 80, move_type="out_receipt")
        self.refresh()
        self.assert_row("a receipt is a sale", purchase_count=1, revenue_total=80)

    def test_tax_is_no_revenue(self):
        country = self.env.ref("base.be")
        self.company.account_fiscal_country_id = country
        group = self.env["account.tax.group"].create(
            {"name": "Taxes", "company_id": self.company.id, "country_id": country.id}
        )
        tax = self.env["account.tax"].create(
            {
                "name": "21 %",
                "amount": 21,
                "type_tax_use": "sale",
                "company_id": self.company.id,
                "country_id": country.id,
                "tax_group_id": group.id,
            }
        )
        line = dict(self._invoice_line(100)[2], tax_ids=tax.ids)
        self.make_invoice(self.customer, 4, invoice_line_ids=[Command.create(line)])
        self.refresh()
        self.assert_row("revenue is untaxed", revenue_total=100)

    def test_sections_and_notes_change_nothing(self):
        lines = [
            Command.create({"display_type": "line_section", "name": "Part one"}),
            self._invoice_line(60),
            Command.create({"display_type": "line_note", "name": "Thank you"}),
            self._invoice_line(40),
        ]
        self.make_invoice(self.customer, 4, invoice_line_ids=lines)
        self.refresh()
        self.assert_row("lines of text are no purchase", purchase_count=1, revenue_total=100)

    def test_two_invoices_of_one_day_are_one_purchase(self):
        self.make_invoices([(self.customer, 10, 40), (self.customer, 10, 60)])
        self.refresh()
        self.assert_row("purchases are distinct days", purchase_count=1, revenue_total=100)

    def test_invoice_of_a_later_day_waits(self):
        self.make_invoices([(self.customer, 10, 40), (self.customer, -1, 60)])
        self.refresh()
        self.assert_row("documents of the future wait", purchase_count=1, revenue_total=40)
        self.refresh(self.ago(-1))
        self.assert_row("their day comes", purchase_count=2, revenue_total=100)

    def test_a_day_of_the_past_sees_only_what_had_happened_by_then(self):
        self.make_invoices([(self.customer, 100, 40), (self.customer, 10, 60)])
        refunded = self.make_invoice(self.customer, 50, 70)
        self.make_credit_note(self.customer, 20, 70, refunded)
        self.refresh(self.ago(30))
        self.assert_row(
            "neither the later invoice nor the later credit note counts yet",
            purchase_count=2,
            revenue_total=110,
            last_purchase_date=self.ago(50),
        )

    def test_contacts_buy_for_their_company(self):
        self.make_invoices([(self.make_contact(self.customer), 9, 30), (self.customer, 3, 20)])
        self.refresh()
        self.assert_row("purchases of contacts are the customer's", revenue_total=50)

    def test_contact_who_moves_takes_his_purchases_along(self):
        contact = self.make_contact(self.customer)
        other = self.make_customer("New employer")
        self.make_invoices([(contact, 9, 30), (self.customer, 3, 20)])
        contact.parent_id = other
        self.refresh()
        self.assert_row("the old company keeps its own purchases", revenue_total=20)
        self.assert_row("the new company has the contact's", other, revenue_total=30)

    def test_credit_note_without_purchase_makes_no_customer(self):
        self.make_credit_note(self.customer, 4, 50)
        self.refresh()
        self.assertFalse(self.row(self.customer), "a customer has at least one purchase")

    def test_partial_credit_note_leaves_the_purchase(self):
        invoice = self.make_invoice(self.customer, 9, 100)
        self.make_credit_note(self.customer, 4, 30, invoice)
        self.refresh()
        self.assert_row(
            "part of the money goes back, the purchase stays",
            purchase_count=1,
            revenue_total=70,
            last_purchase_date=self.ago(9),
        )

    def test_wholly_reversed_invoice_is_no_purchase(self):
        self.make_invoice(self.customer, 40, 25)
        self.reverse(self.make_invoice(self.customer, 9, 100), 4)
        self.refresh()
        self.assert_row(
            "its money nets to zero and its day does not count",
            purchase_count=1,
            revenue_total=25,
            last_purchase_date=self.ago(40),
        )

    def test_invoice_reversed_in_parts_is_no_purchase(self):
        self.make_invoice(self.customer, 40, 25)
        invoice = self.make_invoice(self.customer, 9, 100)
        self.make_credit_note(self.customer, 5, 30, invoice)
        self.make_credit_note(self.customer, 4, 70, invoice)
        self.refresh()
        self.assert_row(
            "several credit notes may take back the whole", purchase_count=1, revenue_total=25
        )

    def test_draft_credit_note_reverses_nothing(self):
        invoice = self.make_invoice(self.customer, 9, 100)
        self.make_credit_note(self.customer, 4, 100, invoice).button_draft()
        self.refresh()
        self.assert_row("only posted credit notes count", purchase_count=1, revenue_total=100)


@tagged("post_install", "-at_install")
class TestOrdersBehindInvoices(FactCase):
    def test_day_of_the_order_is_the_day_of_the_purchase(self):
        self.invoice_order(self.make_order(self.customer, 40, 100), 12)
        self.refresh()
        self.assert_row(
            "money comes from the invoice, the day from the order behind it",
            purchase_count=1,
            revenue_total=100,
            first_purchase_date=self.ago(40),
            last_purchase_date=self.ago(40),
        )

    def test_order_dated_after_its_invoice_counts_on_the_invoice_day(self):
        self.invoice_order(self.make_order(self.customer, 3, 100), 12)
        self.refresh()
        self.assert_row("a purchase is not later than its bill", last_purchase_date=self.ago(12))

    def test_partial_invoices_of_one_order_are_one_purchase(self):
        order = self.make_order(self.customer, 40, 100, quantity=4)
        line = order.order_line
        for day, quantity in ((30, 1), (12, 3)):
            invoice = order._create_invoices()
            bill = invoice.invoice_line_ids.filtered(lambda line: line.display_type == "product")
            bill.quantity = quantity
            invoice.write({"invoice_date": self.ago(day), "date": self.ago(day)})
            invoice.action_post()
        self.assertEqual(line.qty_invoiced, 4)
        self.refresh()
        self.assert_row(
            "two deliveries of an order are one purchase on its day",
            purchase_count=1,
            revenue_total=100,
            first_purchase_date=self.ago(40),
            last_purchase_date=self.ago(40),
        )

    def test_one_invoice_of_two_orders_is_two_purchases(self):
        orders = self.make_order(self.customer, 40, 100) + self.make_order(self.customer, 30, 50)
        self.invoice_order(orders, 12)
        self.assertEqual(len(orders.invoice_ids), 1)
        self.refresh()
        self.assert_row(
            "each order behind an invoice is a purchase of its day",
            purchase_count=2,
            revenue_total=150,
            first_purchase_date=self.ago(40),
            last_purchase_date=self.ago(30),
        )

    def test_line_added_to_the_invoice_of_an_order_is_no_purchase_of_its_own(self):
        invoice = self.make_order(self.customer, 40, 100)._create_invoices()
        invoice.write(
            {
                "invoice_line_ids": [self._invoice_line(15)],
                "invoice_date": self.ago(33),
                "date": self.ago(33),
            }
        )
        invoice.action_post()
        self.refresh()
        self.assert_row(
            "freight added by hand is bought with the order, not once more on the invoice's day",
            purchase_count=1,
            revenue_total=115,
            last_purchase_date=self.ago(40),
        )

    def test_down_payment_alone_is_no_purchase(self):
        self.make_invoice(self.customer, 90, 10)
        order = self.make_order(self.customer, 40, 100)
        self.advance(order, "percentage", 38, amount=30)
        self.refresh()
        self.assert_row(
            "a down payment is money on account, not revenue", purchase_count=1, revenue_total=10
        )

    def test_down_payment_and_final_invoice_are_one_purchase(self):
        order = self.make_order(self.customer, 400, 100)
        self.advance(order, "percentage", 399, amount=30)
        final = self.advance(order, "delivered", 12)
        self.assertEqual(final.amount_untaxed, 70, "the down payment is deducted")
        self.refresh()
        self.assert_row(
            "the whole money falls on the final invoice, the purchase on the order's day",
            purchase_count=1,
            revenue_total=100,
            revenue_12m=100,
            revenue_prev_12m=0,
            first_purchase_date=self.ago(400),
            last_purchase_date=self.ago(400),
        )

    def test_reversing_the_final_invoice_takes_the_whole_money_back(self):
        self.make_invoice(self.customer, 90, 10)
        order = self.make_order(self.customer, 40, 100)
        self.advance(order, "percentage", 38, amount=30)
        self.reverse(self.advance(order, "delivered", 12), 4)
        self.refresh()
        self.assert_row("what was bought was taken back", purchase_count=1, revenue_total=10)

    def test_small_credit_note_on_a_prepaid_invoice_leaves_the_purchase(self):
        order = self.make_order(self.customer, 40, 100)
        self.advance(order, "percentage", 38, amount=90)
        final = self.advance(order, "delivered", 12)
        self.make_credit_note(self.customer, 4, 10, final)
        self.refresh()
        self.assert_row(
            "a tenth came back; that the rest was paid in advance makes it no whole reversal",
            purchase_count=1,
            revenue_total=90,
        )


@tagged("post_install", "-at_install")
class TestOrdersAsPurchases(FactCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.customer_purchase_source = "order"

    def test_confirmed_order_is_a_purchase_and_its_invoice_counts_no_second_time(self):
        self.invoice_order(self.make_order(self.customer, 40, 100), 12)
        self.make_invoice(self.customer, 5, 77)
        self.refresh()
        self.assert_row(
            "one source only: orders",
            purchase_count=1,
            revenue_total=100,
            last_purchase_date=self.ago(40),
        )

    def test_down_payment_of_an_order_is_no_purchase_of_its_own(self):
        order = self.make_order(self.customer, 40, 100)
        self.advance(order, "percentage", 38, amount=30)
        self.assertTrue(order.order_line.filtered("is_downpayment"))
        self.refresh()
        self.assert_row("the order counts once", purchase_count=1, revenue_total=100)

    def test_quotations_and_cancelled_orders_are_no_purchase(self):
        self.make_order(self.customer, 40, 100)
        self.make_order(self.customer, 30, 50, confirm=False)
        self.make_order(self.customer, 20, 25)._action_cancel()
        self.refresh()
        self.assert_row("only confirmed orders count", purchase_count=1, revenue_total=100)

    def test_negative_quantity_is_a_return(self):
        self.make_order(self.customer, 40, 100)
        self.make_order(self.customer, 20, -30, quantity=-1)
        self.refresh()
        self.assert_row(
            "what comes back is no purchase",
            purchase_count=1,
            revenue_total=70,
            return_rate_12m=0.3,
        )

    def test_company_without_orders_has_no_customers(self):
        self.make_invoice(self.customer, 5, 77)
        self.refresh()
        self.assertFalse(self.row(self.customer), "invoices are not read beside orders")


@tagged("post_install", "-at_install")
class TestDaysOfTheCompany(FactCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.resource_calendar_id.tz = "Asia/Tehran"

    def order_at(self, moment):
        order = self.make_order(self.customer)
        order.date_order = moment
        return order

    def test_order_late_at_night_utc_is_of_the_next_day_in_tehran(self):
        order = self.order_at(datetime(2025, 6, 10, 23, 30))
        self.invoice_order(order, 1)
        self.refresh()
        self.assert_row(
            "days are those of the company's time zone", last_purchase_date=date(2025, 6, 11)
        )

    def test_order_of_tomorrow_in_tehran_waits(self):
        self.company.customer_purchase_source = "order"
        self.order_at(datetime(2025, 6, 30, 20, 29))
        self.refresh()
        self.assert_row("23:59 in Tehran is today", last_purchase_date=date(2025, 6, 30))
        self.order_at(datetime(2025, 6, 30, 20, 30))
        self.refresh()
        self.assert_row("midnight in Tehran is tomorrow", purchase_count=1)

    def test_company_without_working_hours_has_the_days_of_utc(self):
        self.company.resource_calendar_id = False
        self.invoice_order(self.order_at(datetime(2025, 6, 10, 23, 30)), 1)
        self.refresh()
        self.assert_row("no time zone is known", last_purchase_date=date(2025, 6, 10))

    def test_today_is_the_day_of_the_company(self):
        with freeze_time("2025-06-30 20:31:00"):
            [run] = self.env["crm.customer.profile"].refresh(companies=self.company)
        self.assertEqual(run.as_of, date(2025, 7, 1), "it is past midnight in Tehran")


@tagged("post_install", "-at_install")
class TestCurrencies(FactCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.foreign = cls.env["res.currency"].create({"name": "TST", "symbol": "T"})
        cls.rate = cls.env["res.currency.rate"].create(
            {
                "currency_id": cls.foreign.id,
                "company_id": cls.company.id,
                "name": cls.ago(500),
                "rate": 4.0,
            }
        )

    def allow_exchange_differences(self):
        account = self.company.income_account_id
        self.company.write(
            {
                "currency_exchange_journal_id": self.env["account.journal"]
                .create({"name": "Exchange", "code": "EXCH", "type": "general"})
                .id,
                "income_currency_exchange_account_id": account.id,
                "expense_currency_exchange_account_id": account.id,
            }
        )

    def test_foreign_invoice_counts_at_its_own_rate_even_if_the_rate_is_edited_later(self):
        self.make_invoice(self.customer, 20, 100, currency_id=self.foreign.id)
        self.refresh()
        self.assert_row("100 at four to one are 25", revenue_total=25)
        self.rate.rate = 2.0
        self.refresh()
        self.assert_row("history does not change with a rate", revenue_total=25)

    def test_foreign_order_counts_at_its_own_rate_even_if_the_rate_is_edited_later(self):
        self.company.customer_purchase_source = "order"
        pricelist = self.env["product.pricelist"].create(
            {"name": "Foreign", "currency_id": self.foreign.id, "company_id": self.company.id}
        )
        self.make_order(self.customer, 20, 100, pricelist_id=pricelist.id)
        self.refresh()
        self.assert_row("100 at four to one are 25", revenue_total=25)
        self.rate.rate = 2.0
        self.refresh()
        self.assert_row("history does not change with a rate", revenue_total=25)

    def test_invoice_reversed_at_another_rate_is_still_wholly_reversed(self):
        self.allow_exchange_differences()
        self.make_invoice(self.customer, 90, 10)
        invoice = self.make_invoice(self.customer, 20, 100, currency_id=self.foreign.id)
        self.rate.copy({"name": self.ago(10), "rate": 5.0})
        self.make_credit_note(self.customer, 4, 100, invoice, currency_id=self.foreign.id)
        self.refresh()
        self.assert_row(
            "whole is whole in the invoice's currency; the difference of rates stays money",
            purchase_count=1,
            revenue_total=10 + 25 - 20,
        )

    def test_companies_in_different_currencies_keep_their_own_figures(self):
        other = self.make_company("Foreign Company", currency_id=self.foreign.id)
        self.make_invoice(self.customer, 20, 100)
        self.make_invoice(self.customer, 10, 999, company=other)
        self.refresh(companies=self.company + other)
        self.assert_row("only its own", revenue_total=100, purchase_count=1)
        self.assert_row(
            "in its own currency, never added up",
            company=other,
            revenue_total=999,
            purchase_count=1,
            currency_id=self.foreign,
        )


@tagged("post_install", "-at_install")
class TestPurchaseLines(FactCase):
    """The model behind Explain."""

    def lines(self):
        self.env.flush_all()
        return self.env["crm.customer.fact"].search(
            [("partner_id", "=", self.customer.id), ("company_id", "=", self.company.id)]
        )

    def test_lines_add_up_to_the_row(self):
        order = self.make_order(self.customer, 400, 100)
        self.advance(order, "percentage", 399, amount=30)
        self.advance(order, "delivered", 12)
        invoice = self.make_invoice(self.customer, 40, 60)
        self.make_credit_note(self.customer, 5, 20, invoice)
        self.refresh()
        lines = self.lines()
        self.assertEqual(sum(lines.mapped("amount")), 140)
        self.assert_row("a customer's lines explain his revenue", revenue_total=140)
        self.assertEqual(
            {(line.date, line.purchase_date, line.kind, line.amount) for line in lines},
            {
                (self.ago(12), self.ago(400), "purchase", 100),
                (self.ago(40), self.ago(40), "purchase", 60),
                (self.ago(5), False, "return", -20),
            },
            "each line says when it counts, and credit notes are no purchase",
        )

    def test_ids_of_lines_are_unique_and_lead_to_their_documents(self):
        invoices = self.make_invoices([(self.customer, 9, 30), (self.customer, 3, 20)])
        lines = self.lines()
        self.assertEqual(len(set(lines.ids)), 2)
        self.assertEqual(lines.move_id, invoices.sorted("invoice_date", reverse=True))
        self.assertEqual(lines.mapped("document_name"), lines.move_id.mapped("name"))
