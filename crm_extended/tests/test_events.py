from unittest.mock import patch

from psycopg2.errors import SerializationFailure

from odoo.tests import tagged
from odoo.tools import mute_logger

from ..models import crm_customer_event_queue
from .common import CustomerCase


@tagged("post_install", "-at_install")
class TestEvents(CustomerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_tiers(0, 500, 1000, measure="revenue", guarantee=10)
        cls.customer = cls.make_customer("Anna's")
        cls.queue = cls.env["crm.customer.event.queue"]
        cls.events = cls.env["crm.customer.event"]

    def waiting(self):
        lines = self.queue.search([("company_id", "=", self.company.id)])
        return sorted(lines.mapped("kind"))

    def deliver(self):
        while self.queue._deliver_batch():
            pass
        return self.events.search([("company_id", "=", self.company.id)], order="id")

    def test_first_refresh_makes_no_events(self):
        self.make_purchases(self.customer, every=30, count=6, last=71)
        self.refresh()
        self.assertEqual(self.waiting(), [])

    def test_change_of_stage_is_told(self):
        self.make_purchases(self.customer, every=30, count=6, last=50)
        self.refresh(self.ago(10))
        self.refresh()
        self.assertEqual(self.waiting(), [])
        self.refresh(self.ago(-20))
        self.assertEqual(self.waiting(), ["at_risk"])
        [event] = self.deliver()
        self.assertEqual(
            (event.partner_id, event.kind, event.date, event.old_stage),
            (self.customer, "at_risk", self.ago(-20), "loyal"),
        )
        self.assertEqual(self.waiting(), [])
        self.refresh(self.ago(-80))
        self.assertEqual(self.waiting(), ["at_risk_over", "lost", "to_win_back"])

    def test_new_customer_is_told_and_an_old_one_who_is_found_is_not(self):
        self.make_purchases(self.make_customer("Other"), every=30, count=3, last=5)
        self.refresh(self.ago(1))
        self.make_invoice(self.customer, 0)
        self.make_purchases(self.make_customer("Imported"), every=30, count=3, last=400)
        self.refresh()
        self.assertEqual(self.waiting(), ["new"])

    def test_same_refresh_again_tells_nothing_again(self):
        self.make_purchases(self.customer, every=30, count=6, last=50)
        self.refresh(self.ago(10))
        self.refresh(self.ago(-20))
        self.refresh(self.ago(-20))
        self.assertEqual(self.waiting(), ["at_risk"])

    def test_earlier_day_tells_nothing(self):
        self.make_purchases(self.customer, every=30, count=6, last=71)
        self.refresh()
        self.refresh(self.ago(60))
        self.assertEqual(self.waiting(), [])

    def test_after_a_look_back_nothing_is_told_again(self):
        self.make_purchases(self.customer, every=30, count=6, last=50)
        self.refresh(self.ago(10))
        self.refresh(self.ago(-20))
        self.assertEqual(self.waiting(), ["at_risk"])
        self.refresh(self.ago(10))
        self.refresh(self.ago(5))
        self.refresh(self.ago(-21))
        self.assertEqual(self.waiting(), ["at_risk"])

    def test_first_payment_ever_recorded_moves_nobody(self):
        for number in range(3):
            self.make_invoice(self.customer, 100, 300, invoice_date_due=self.ago(90))
            self.make_invoice(
                self.make_customer(f"Other {number}"), 100, 900, invoice_date_due=self.ago(90)
            )
        self.company.customer_tier_measure = "purchases"
        self.refresh(self.ago(40))
        self.make_payment(self.make_invoice(self.make_customer("Payer"), 30, 10), 20)
        self.refresh(self.ago(20))
        self.assertNotIn("collect_first", self.waiting())
        self.assertNotIn("tier_down", self.waiting())

    def test_excluded_customer_is_told_of_no_more(self):
        self.make_purchases(self.customer, every=30, count=6, last=50)
        self.refresh(self.ago(10))
        self.refresh(self.ago(-20))
        self.env["crm.customer.exclusion"].create({"partner_id": self.customer.id})
        self.assertEqual(self.waiting(), [])

    def test_tier_moves_are_told_and_noted_on_the_contact(self):
        self.make_invoice(self.customer, 40, 100)
        self.refresh(self.ago(30))
        self.make_invoice(self.customer, 20, 900)
        self.refresh(self.ago(20))
        [event] = self.deliver()
        self.assertEqual((event.kind, event.old_tier_id.name), ("tier_up", "Bronze"))
        self.assertEqual(event.tier_id.name, "Silver")
        self.assertEqual(event.description, "Silver instead of Bronze.")
        [note] = self.customer.message_ids.filtered(lambda message: "Tier:" in message.body)
        self.assertIn("Silver from now on, after Bronze. Tell the customer.", note.body)

    def test_night_after_new_rules_tells_nothing_of_what_they_changed(self):
        self.make_purchases(self.customer, every=30, count=6, last=50, amount=100)
        self.refresh(self.ago(10))
        self.company.customer_at_risk_factor = 1.1
        self.company._loyalty_tiers()[1].threshold = 550
        self.refresh()
        self.assertEqual(self.row(self.customer).lifecycle_stage, "at_risk")
        self.assertEqual(self.waiting(), [])

    def test_new_rules_of_one_kind_hide_no_events_of_another(self):
        self.make_purchases(self.customer, every=30, count=6, last=50, amount=100)
        self.refresh(self.ago(10))
        self.company._loyalty_tiers()[1].threshold = 550
        self.refresh(self.ago(-20))
        self.assertEqual(self.waiting(), ["at_risk"])

    def test_loss_makers_are_told_to_those_who_see_margins_alone(self):
        values = {
            "partner_id": self.customer.id,
            "company_id": self.company.id,
            "date": self.as_of,
            "kind": "loss_maker",
        }
        event = self.events.create(values)
        self.assertFalse(self.as_user("crm.customer.event", self.make_user("manager")).search([]))
        seen = self.as_user("crm.customer.event", self.make_user("margin")).search([])
        self.assertEqual(seen, event)

    def test_salespeople_see_the_events_of_their_customers(self):
        anna, bert = self.make_user("salesperson"), self.make_user("salesperson")
        self.customer.user_id = anna
        event = self.events.create(
            {
                "partner_id": self.customer.id,
                "company_id": self.company.id,
                "date": self.as_of,
                "kind": "lost",
            }
        )
        self.assertEqual(self.as_user("crm.customer.event", anna).search([]), event)
        self.assertFalse(self.as_user("crm.customer.event", bert).search([]))

    def test_timeline_of_a_customer_is_his_own(self):
        self.make_purchases(self.customer, every=30, count=6, last=50)
        self.make_purchases(self.make_customer("Other"), every=30, count=6, last=50)
        self.refresh(self.ago(10))
        self.refresh(self.ago(-20))
        self.deliver()
        self.assertEqual(self.row(self.customer).event_ids.partner_id, self.customer)

    def test_who_refuses_profiling_leaves_no_event_behind(self):
        self.make_purchases(self.customer, every=30, count=6, last=50)
        self.refresh(self.ago(10))
        self.refresh(self.ago(-20))
        self.deliver()
        self.refresh(self.ago(-80))
        self.customer.profiling_optout = True
        self.assertEqual(self.waiting(), [])
        for model in ("crm.customer.event", "crm.loyalty.tier.history"):
            self.assertFalse(self.env[model].search([("partner_id", "=", self.customer.id)]))


@tagged("post_install", "-at_install")
class TestDelivery(CustomerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.queue = cls.env["crm.customer.event.queue"]
        cls.customers = [cls.make_customer(f"Customer {number}") for number in range(4)]
        cls.lines = cls.queue.create(
            [
                {
                    "partner_id": customer.id,
                    "company_id": cls.company.id,
                    "date": cls.as_of,
                    "kind": "lost",
                    "attempts": 0,
                }
                for customer in cls.customers
            ]
        )

    def events(self):
        return self.env["crm.customer.event"].search([("company_id", "=", self.company.id)])

    def failing(self, error, when):
        """Creating an event fails, as an automation rule may make it fail."""
        model = type(self.env["crm.customer.event"])
        create = model.create

        def fail(records, vals_list):
            if when(vals_list):
                raise error
            return create(records, vals_list)

        return patch.object(model, "create", fail)

    def bad(self, vals_list):
        return any(vals["partner_id"] == self.customers[1].id for vals in vals_list)

    def test_failing_rule_holds_back_its_own_event_alone(self):
        with (
            mute_logger(crm_customer_event_queue.__name__),
            self.failing(ValueError("the rule is wrong"), self.bad),
        ):
            for _attempt in range(5):
                self.queue._deliver_batch()
        self.assertEqual(len(self.events()), 3, "each once")
        [line] = self.lines.exists()
        self.assertEqual((line.partner_id, line.attempts), (self.customers[1], 3))
        self.assertEqual(line.error, "the rule is wrong")
        self.assertFalse(self.queue._deliver_batch(), "three times are enough")

    def test_manager_tries_again_when_the_rule_is_mended(self):
        self.lines[1].write({"attempts": 3, "error": "the rule was wrong"})
        self.queue._deliver_batch()
        self.as_user(self.lines[1], self.make_user("manager")).action_retry()
        self.queue._deliver_batch()
        self.assertFalse(self.lines.exists())
        self.assertEqual(len(self.events()), 4)

    def test_conflict_is_left_to_a_new_transaction(self):
        with (
            self.failing(SerializationFailure(), lambda vals_list: True),
            self.assertRaises(SerializationFailure),
        ):
            self.queue._deliver_batch()

    def test_job_delivers_everything(self):
        with self.enter_registry_test_mode():
            self.env.ref("crm_extended.ir_cron_customer_events").method_direct_trigger()
        self.assertFalse(self.lines.exists())
        self.assertEqual(len(self.events()), 4)
