from datetime import date, datetime

from freezegun import freeze_time

from odoo.tests import tagged

from .common import CustomerCase

TODAY = date(2025, 6, 30)


@tagged("post_install", "-at_install")
class TestActivityDelays(CustomerCase):
    """When activities were due, and when they were done."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time("2025-06-30 12:00:00"))
        cls.anna = cls.make_user("salesperson", "anna", tz="UTC")
        cls.lead = cls.make_lead(user_id=cls.anna.id)

    def plan(self, due, record=None, user=None, **values):
        return (
            (record or self.lead)
            .with_context(mail_activity_quick_update=True)
            .activity_schedule(
                "mail.mail_activity_data_call",
                date_deadline=self.ago(due),
                user_id=(user or self.anna).id,
                **values,
            )
        )

    def finish(self, activity, moment):
        """Done at a moment, as Odoo records it."""
        with freeze_time(moment):
            activity.action_done()
            self.env.flush_all()
        activity._write({"write_date": moment})

    def delay(self, activity):
        self.env.flush_all()
        self.env.invalidate_all()
        return self.env["crm.activity.delay"].search([("id", "=", activity.id)])

    def test_done_on_its_day_is_on_time(self):
        activity = self.plan(3)
        self.finish(activity, datetime(2025, 6, 27, 15))
        delay = self.delay(activity)
        self.assertEqual((delay.state, delay.days_late), ("on_time", 0))
        self.assertEqual((delay.date_deadline, delay.date_done), (self.ago(3), self.ago(3)))

    def test_done_days_later_is_late_by_these_days(self):
        activity = self.plan(10)
        self.finish(activity, datetime(2025, 6, 24, 15))
        delay = self.delay(activity)
        self.assertEqual((delay.state, delay.days_late), ("late", 4))

    def test_open_and_overdue_is_late_up_to_today_and_open_is_nothing_yet(self):
        overdue, planned = self.plan(5), self.plan(-2)
        self.assertEqual(
            [(self.delay(a).state, self.delay(a).days_late) for a in (overdue, planned)],
            [("overdue", 5), ("open", 0)],
        )
        [[rate, late, count]] = self.env["crm.activity.delay"]._read_group(
            [("res_id", "=", self.lead.id), ("res_model", "=", "crm.lead")],
            [],
            ["on_time_rate:avg", "days_late:avg", "__count"],
        )
        self.assertEqual((rate, late, count), (0, 5, 2), "what is not due yet is in no rate")

    def test_the_day_is_that_of_who_did_it(self):
        """23:00 of the due day in New York is the next day in Greenwich, where Odoo looks."""
        yankee = self.make_user("salesperson", "yankee", tz="America/New_York")
        activity = self.plan(3, user=yankee)
        self.finish(activity, datetime(2025, 6, 28, 3))
        self.assertEqual(activity.date_done, self.ago(2))
        self.assertEqual(self.delay(activity).state, "on_time")

    def test_what_was_put_off_is_not_late_but_its_postponement_is_shown(self):
        activity = self.plan(10)
        self.assertEqual(activity.date_planned, self.ago(10))
        activity.date_deadline = self.ago(3)
        self.finish(activity, datetime(2025, 6, 27, 15))
        delay = self.delay(activity)
        self.assertEqual((delay.state, delay.days_postponed), ("on_time", 7))

    def test_activities_of_before_have_no_first_date(self):
        activity = self.plan(10)
        activity._write({"date_planned": None})
        self.env.flush_all()
        [[postponed]] = self.env["crm.activity.delay"]._read_group(
            [("id", "=", activity.id)], [], ["days_postponed:avg"]
        )
        self.assertIs(postponed, False)

    def test_the_first_date_costs_no_query(self):
        """It is written with the activity itself."""
        self.plan(1)
        with self.queries() as statements:
            self.plan(2)
        writing = [text.split()[0] for text in statements if "date_planned" in text]
        self.assertEqual(writing.count("INSERT"), 1)
        self.assertNotIn("UPDATE", writing)

    def test_those_of_contacts_and_orders_count_others_do_not(self):
        customer = self.make_customer("Ace", user_id=self.anna.id)
        order = self.make_order(customer, confirm=False)
        for record in (customer, order):
            delay = self.delay(self.plan(1, record))
            self.assertEqual((delay.partner_id, delay.state), (customer, "overdue"))
        self.assertFalse(self.delay(self.plan(1, self.product.product_tmpl_id)))

    def test_a_salesperson_sees_his_own_and_who_sees_all_opportunities_those_of_all(self):
        bert = self.make_user("salesperson", "bert")
        own, foreign = self.plan(1), self.plan(1, user=bert)
        both = [("id", "in", (own | foreign).ids)]
        self.env.flush_all()
        seen = self.as_user("crm.activity.delay", self.anna).search(both)
        self.assertEqual(seen.ids, own.ids)
        manager = self.make_user("sales_manager")
        self.assertEqual(len(self.as_user("crm.activity.delay", manager).search(both)), 2)
        action = seen.action_open_document()
        self.assertEqual((action["res_model"], action["res_id"]), ("crm.lead", self.lead.id))
