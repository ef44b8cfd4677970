from odoo.tests import tagged

from odoo.addons.crm_extended.tests.common import CustomerCase


@tagged("post_install", "-at_install")
class TestExampleRule(CustomerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rule = cls.env.ref("crm_extended_automation.base_automation_lead_of_lost_customer")
        cls.lost, cls.regular, cls.at_risk = (
            cls.make_customer(name) for name in ("Lost", "Regular", "At Risk")
        )
        cls.make_purchases(cls.lost, every=30, count=5, last=400)
        cls.make_purchases(cls.regular, every=30, count=5, last=3)
        cls.make_purchases(cls.at_risk, every=30, count=5, last=71)
        cls.refresh()

    def test_event_plans_a_call_once_it_is_switched_on(self):
        rule = self.env.ref("crm_extended_automation.base_automation_call_who_is_at_risk")
        self.assertFalse(rule.active, "nobody asked for it yet")
        rule.active = True
        salesperson = self.make_user("salesperson")
        customer = self.make_customer("Slipping", user_id=salesperson.id)
        self.make_purchases(customer, every=30, count=5, last=50)
        self.refresh()
        self.refresh(self.ago(-20))
        while self.env["crm.customer.event.queue"]._deliver_batch():
            pass
        [activity] = customer.activity_ids
        self.assertEqual(activity.user_id, salesperson)
        self.assertFalse(self.regular.activity_ids)

    def priority_of_new_lead(self, customer):
        return self.make_lead(customer, created=None).priority

    def test_example_does_nothing_until_it_is_switched_on(self):
        self.assertFalse(self.rule.active, "nobody asked for it yet")
        self.assertEqual(self.priority_of_new_lead(self.lost), "0")

    def test_switched_on_it_makes_leads_of_lost_customers_urgent(self):
        self.rule.active = True
        self.assertEqual(self.priority_of_new_lead(self.lost), "3", "he may come back")
        self.assertEqual(self.priority_of_new_lead(self.at_risk), "3", "he may still stay")
        self.assertEqual(self.priority_of_new_lead(self.make_contact(self.lost)), "3")

    def test_switched_on_it_leaves_other_leads_alone(self):
        self.rule.active = True
        self.assertEqual(self.priority_of_new_lead(self.regular), "0")
        self.assertEqual(self.priority_of_new_lead(None), "0", "a lead without customer")
