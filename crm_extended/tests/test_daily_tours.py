from datetime import date, timedelta

from odoo.tests import tagged

from .common import CustomerHttpCase


@tagged("post_install", "-at_install", "crm_extended", "tour")
class TestDailyTours(CustomerHttpCase):
    # the browser has no other today
    as_of = date.today()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.salesperson = cls.make_user("salesperson", login="tour_daily")
        cls.silent = cls.make_customer("Silent Customer", user_id=cls.salesperson.id)
        cls.promised = cls.make_customer("Promised Customer", user_id=cls.salesperson.id)
        cls.ownerless = cls.make_customer("Ownerless Customer")
        cls.make_purchases(cls.silent, every=30, count=4, last=71)
        cls.make_purchases(cls.promised, every=30, count=4, last=3)
        cls.make_purchases(cls.ownerless, every=30, count=4, last=71)
        cls.promise = cls.promised.activity_schedule(
            "mail.mail_activity_data_call",
            date_deadline=cls.ago(0),
            user_id=cls.salesperson.id,
            summary="Prices",
        )
        cls.refresh()

    def test_salesperson_notes_what_was_said_in_two_taps(self):
        self.start_tour("/odoo", "crm_extended_daily_list", login="tour_daily")

        [outcome] = self.env["crm.customer.outcome"].search([("company_id", "=", self.company.id)])
        self.assertEqual((outcome.partner_id, outcome.kind), (self.promised, "call_back"))
        self.assertFalse(self.promise.active)
        self.assertEqual(outcome.activity_id.summary, "After the fair")
        self.assertEqual(outcome.activity_id.date_deadline, self.ago(-1))

    def test_manager_sees_who_is_late_and_gives_a_customer_to_a_salesperson(self):
        self.promise.date_deadline = date.today() - timedelta(days=2)
        self.make_user("sales_manager", login="team_manager")

        self.start_tour("/odoo", "crm_extended_team_today", login="team_manager")

        self.assertEqual(self.ownerless.user_id, self.salesperson)
