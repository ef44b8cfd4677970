from datetime import date

from odoo.tests import tagged

from .common import CustomerHttpCase


@tagged("post_install", "-at_install", "crm_extended", "tour")
class TestTours(CustomerHttpCase):
    # the browser has no other today
    as_of = date.today()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.salesperson = cls.make_user("salesperson", login="tour_salesperson")
        cls.silent = cls.make_customer("Silent Customer", user_id=cls.salesperson.id)
        cls.ownerless = cls.make_customer("Ownerless Customer")
        cls.foreign = cls.make_customer("Foreign Customer", user_id=cls.env.user.id)
        for customer in (cls.silent, cls.ownerless, cls.foreign):
            cls.make_purchases(customer, every=30, count=4, last=71)
        cls.make_purchases(cls.make_customer("Regular Customer"), every=30, count=5, last=3)
        cls.env["account.move"].search([("partner_id", "=", cls.silent.id)]).write(
            {"invoice_user_id": cls.salesperson.id}
        )
        cls.refresh()

    def test_salesperson_walks_from_the_menu_to_a_customer_at_risk_and_his_documents(self):
        self.start_tour("/odoo", "crm_extended_customer_at_risk", login="tour_salesperson")

        [message] = self.silent.message_ids.filtered("mail_activity_type_id")
        self.assertEqual(message.author_id, self.salesperson.partner_id)

    def test_manager_recomputes_once_and_cancels(self):
        manager = self.make_user("sales_manager", login="tour_manager")

        self.start_tour("/odoo", "crm_extended_recompute", login="tour_manager")

        [run] = self.env["crm.model.run"].search([("kind", "=", "requested")])
        self.assertEqual(run.company_id, self.company)
        self.assertEqual(run.requested_by_id, manager)
        self.assertTrue(run.cancel_requested)
