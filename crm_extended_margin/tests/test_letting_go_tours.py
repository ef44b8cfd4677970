from datetime import date

from odoo.tests import HttpCase, tagged

from odoo.addons.crm_extended.tests.common import CustomerWorld


@tagged("post_install", "-at_install", "crm_extended", "tour")
class TestLettingGoTours(CustomerWorld, HttpCase):
    """Goods cost 60 of 100; a delivery costs 50."""

    # the browser has no other today
    as_of = date.today()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({"customer_margin_since": False, "customer_cost_delivery": 50})
        cls.product.standard_price = 60
        cls.owner = cls.make_user("sales_manager", login="tour_owner")
        cls.env.ref("crm_extended.group_margin").user_ids += cls.owner
        cls.costly = cls.make_customer("Costly Customer")
        cls.good = cls.make_customer("Good Customer")
        for customer, amount in ((cls.costly, 100), (cls.good, 1000)):
            for day in (300, 220, 120, 30):
                order = cls.make_order(customer, day, amount)
                cls.invoice_order(order, day)
        cls.refresh()

    def test_owner_walks_from_the_company_to_a_decision_about_a_loss_maker(self):
        self.start_tour("/odoo", "crm_extended_letting_go", login="tour_owner")

        [decision] = self.env["crm.customer.decision"].search([])
        self.assertEqual(
            (decision.partner_id, decision.state, decision.decided_by_id),
            (self.costly, "decided", self.owner),
        )
        self.assertEqual((decision.measure, decision.value), ("delivery_fee", 20))
        self.assertEqual((decision.contribution_then, decision.expected_contribution), (-40, 40))
