from datetime import date

from odoo.tests import tagged

from .common import CustomerHttpCase


@tagged("post_install", "-at_install", "crm_extended", "tour")
class TestWinbackTours(CustomerHttpCase):
    # the browser has no other today
    as_of = date.today()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.make_user("sales_manager", login="tour_winback_manager")
        cls.salesperson = cls.make_user(
            "salesperson", login="tour_winback_salesperson", name="Desk Salesperson"
        )
        own = {"user_id": cls.salesperson.id}
        cls.large = cls.make_customer("Large Customer", **own)
        cls.small = cls.make_customer("Small Customer", **own)
        cls.ownerless = cls.make_customer("Ownerless Customer")
        for customer, amount in ((cls.large, 900), (cls.small, 50), (cls.ownerless, 100)):
            cls.make_purchases(customer, every=30, count=4, last=71, amount=amount)
        cls.lost_large = cls.make_customer("Lost Large", **own)
        cls.lost_small = cls.make_customer("Lost Small", **own)
        for customer, amount in ((cls.lost_large, 900), (cls.lost_small, 50)):
            cls.make_purchases(customer, every=30, count=5, last=400, amount=amount)
        cls.make_purchases(cls.make_customer("Regular Customer"), every=30, count=5, last=3)
        cls.refresh()

    def test_manager_finds_the_ownerless_and_plans_the_next_step(self):
        self.start_tour("/odoo", "crm_extended_retention_desk", login="tour_winback_manager")

        self.assertEqual(self.ownerless.user_id, self.salesperson)
        [call] = self.large.activity_ids
        self.assertEqual(call.user_id, self.manager)

    def test_manager_begins_with_the_lost_hears_why_offers_and_gives_one_up(self):
        self.start_tour("/odoo", "crm_extended_winback_queue", login="tour_winback_manager")

        cases = self.env["crm.winback.case"].search([("company_id", "=", self.company.id)])
        large = cases.filtered(lambda case: case.partner_id == self.lost_large)
        self.assertEqual(large.leaving_reason_id.code, "stock")
        self.assertEqual((large.stage_id.kind, large.discount), ("offered", 0))
        self.assertEqual((cases - large).outcome, "given_up")
