from datetime import datetime, timedelta
from unittest.mock import patch

from dateutil.relativedelta import relativedelta

from odoo import Command
from odoo.tests import tagged

from .common import CustomerCase
from .ledger import stored_rows


class ValueCase(CustomerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls.make_customer()

    def months_ago(self, months, days=0):
        return self.as_of - relativedelta(months=months) + timedelta(days=days)

    def assert_row(self, rule, **expected):
        self.refresh()
        row = self.row(self.customer)
        self.assertEqual({name: row[name] for name in expected}, expected, rule)


@tagged("post_install", "-at_install")
class TestRevenue(ValueCase):
    def test_twelve_months_end_on_the_day_and_begin_the_day_after_its_anniversary(self):
        self.make_invoices(
            [
                (self.customer, self.as_of, 1),
                (self.customer, self.months_ago(12, days=1), 10),
                (self.customer, self.months_ago(12), 100),
                (self.customer, self.months_ago(24, days=1), 1000),
                (self.customer, self.months_ago(24), 10000),
            ]
        )
        self.assert_row(
            "every day is in one year only",
            revenue_12m=11,
            revenue_prev_12m=1100,
            revenue_total=11111,
        )

    def test_best_year_is_the_best_of_the_years_up_to_anniversaries(self):
        self.make_invoices(
            [
                (self.customer, self.months_ago(1), 300),
                (self.customer, self.months_ago(13), 200),
                (self.customer, self.months_ago(14), 250),
                (self.customer, self.months_ago(60), 400),
            ]
        )
        self.assert_row("the year before last brought 450", revenue_best_year=450)

    def test_credit_note_lowers_the_revenue_of_its_own_day(self):
        invoice = self.make_invoice(self.customer, self.months_ago(13), 500)
        self.make_invoice(self.customer, self.months_ago(2), 300)
        self.make_credit_note(self.customer, self.months_ago(3), 100, invoice)
        self.assert_row(
            "the past does not change when something is returned",
            revenue_12m=200,
            revenue_prev_12m=500,
            revenue_total=700,
        )

    def test_return_rate_is_returns_over_purchases_of_the_year(self):
        self.make_invoices(
            [
                (self.customer, 40, 300),
                (self.customer, 30, 100),
                (self.customer, 20, -100),
                (self.customer, 800, 100),
                (self.customer, 790, -90),
            ]
        )
        self.assert_row("a quarter came back", return_rate_12m=0.25)

    def test_average_purchase_is_revenue_over_purchases_to_the_cent(self):
        self.make_invoices([(self.customer, day, 33.33) for day in (1, 2)])
        self.make_invoice(self.customer, 3, 33.35)
        self.assert_row("100.01 / 3", avg_purchase_value=33.34)

    def test_large_amounts_lose_no_cent(self):
        self.make_invoices([(self.customer, day, 90_071_992_547.41) for day in range(1, 12)])
        self.refresh()
        row = stored_rows(self.env, self.company)[self.customer.id]
        self.assertEqual(
            str(row["revenue_total"]), "990791918021.51", "money is added as numbers, not floats"
        )


@tagged("post_install", "-at_install")
class TestCostToServe(ValueCase):
    def test_costs_nothing_where_no_unit_cost_is_entered(self):
        self.make_purchases(self.customer, count=3)
        self.assert_row("unit costs are zero until entered", cost_to_serve_12m=0)

    def test_orders_deliveries_and_returns_of_the_year_cost(self):
        self.company.write(
            {
                "customer_cost_order": 1,
                "customer_cost_delivery": 10,
                "customer_cost_return": 100,
            }
        )
        order = self.make_order(self.customer, 60, 100, quantity=2)
        for day in (50, 40):
            invoice = order._create_invoices()
            invoice.invoice_line_ids.quantity = 1
            invoice.write({"invoice_date": self.ago(day), "date": self.ago(day)})
            invoice.action_post()
        self.make_credit_note(self.customer, 30, 20, invoice)
        self.make_invoice(self.customer, 500, 100)
        self.assert_row(
            "one order, two deliveries and a return; what is older than a year costs no more",
            cost_to_serve_12m=1 + 2 * 10 + 100,
        )

    def test_calls_and_meetings_of_the_year_cost(self):
        self.company.write({"customer_cost_call": 5, "customer_cost_meeting": 70})
        contact = self.make_contact(self.customer)
        self.make_invoice(self.customer, 10)
        self.log_call(contact, 20)
        self.log_call(self.make_lead(contact), 30)
        self.log_call(self.customer, 500)
        self.hold_meeting(contact, 15)
        self.assert_row(
            "two calls and a meeting, with whomever of the customer",
            cost_to_serve_12m=2 * 5 + 70,
        )

    def log_call(self, record, day):
        call = self.env.ref("mail.mail_activity_data_call")
        return log(record, self.ago(day), mail_activity_type_id=call)

    def hold_meeting(self, contact, day):
        return hold_meeting(self, contact, day)


def log(record, day, **values):
    """A message on a record, of a day."""
    activity = values.pop("mail_activity_type_id", None)
    message = record.message_post(**({"body": "Talked"} | values))
    message.write(
        {"date": datetime.combine(day, datetime.min.time()).replace(hour=12)}
        | ({"mail_activity_type_id": activity.id} if activity else {})
    )
    return message


def hold_meeting(case, contact, day):
    start = datetime.combine(case.ago(day), datetime.min.time()).replace(hour=9)
    return case.env["calendar.event"].create(
        {
            "name": "Visit",
            "start": start,
            "stop": start + timedelta(hours=1),
            "partner_ids": [Command.set(contact.ids)],
        }
    )


@tagged("post_install", "-at_install")
class TestLastContact(ValueCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contact = cls.make_contact(cls.customer)
        cls.make_invoice(cls.customer, 200)

    def test_nobody_spoke_with_him(self):
        self.assert_row("without any contact the date is empty", last_contact_date=False)

    def test_done_call_is_a_contact(self):
        call = self.env.ref("mail.mail_activity_data_call")
        log(self.contact, self.ago(9), mail_activity_type_id=call)
        self.assert_row("a call was made", last_contact_date=self.ago(9))

    def test_call_on_his_opportunity_or_quotation_is_a_contact(self):
        call = self.env.ref("mail.mail_activity_data_call")
        log(self.make_lead(self.contact), self.ago(9), mail_activity_type_id=call)
        self.assert_row("about an opportunity", last_contact_date=self.ago(9))
        order = self.make_order(self.contact, 20, confirm=False)
        log(order, self.ago(5), mail_activity_type_id=call)
        self.assert_row("about a quotation", last_contact_date=self.ago(5))

    def test_mail_from_the_customer_is_a_contact(self):
        log(self.contact, self.ago(9), message_type="email")
        self.assert_row("he wrote", last_contact_date=self.ago(9))

    def test_internal_note_is_no_contact(self):
        log(self.contact, self.ago(9), message_type="comment", subtype_xmlid="mail.mt_note")
        self.assert_row("colleagues talked, not the customer", last_contact_date=False)

    def test_message_to_the_customer_is_a_contact(self):
        log(self.contact, self.ago(9), message_type="comment", subtype_xmlid="mail.mt_comment")
        self.assert_row("we wrote", last_contact_date=self.ago(9))

    def test_meeting_is_a_contact_once_it_has_taken_place(self):
        hold_meeting(self, self.contact, -3)
        self.assert_row("it is still to come", last_contact_date=False)
        hold_meeting(self, self.contact, 9)
        self.assert_row("it took place", last_contact_date=self.ago(9))

    def test_what_was_said_after_the_day_does_not_count(self):
        call = self.env.ref("mail.mail_activity_data_call")
        log(self.contact, self.ago(-1), mail_activity_type_id=call)
        self.assert_row("it lies in the future", last_contact_date=False)

    def test_calls_about_an_opportunity_of_another_company_are_not_ours(self):
        other = self.make_company("Other Company")
        call = self.env.ref("mail.mail_activity_data_call")
        lead = self.make_lead(self.contact, company_id=other.id)
        log(lead, self.ago(9), mail_activity_type_id=call)
        self.assert_row("another company's business", last_contact_date=False)


@tagged("post_install", "-at_install")
class TestWithoutCosts(ValueCase):
    """What the row says where no costs are recorded: the Margins app has its own tests."""

    def unknown(self):
        row = stored_rows(self.env, self.company)[self.customer.id]
        self.assertEqual(row["margin_state"], "unknown")
        for name in ("margin_12m", "contribution_12m"):
            self.assertIsNone(row[name], f"{name} is not known, and not zero")
        self.assertFalse(row["loss_maker_flag"], "nobody is accused without costs")

    def test_margin_of_sales_without_cost_is_unknown(self):
        self.company.customer_cost_delivery = 50
        self.make_purchases(self.customer, count=12)
        self.refresh()
        self.unknown()

    def test_margin_of_a_year_without_sales_is_unknown_where_costs_are_not_recorded(self):
        self.make_purchases(self.customer, count=3, last=500)
        model = type(self.env["crm.customer.profile"])
        with patch.object(model, "_margin_is_recorded", lambda self, company: False):
            self.refresh()
        self.unknown()
