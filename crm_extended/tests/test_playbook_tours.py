from datetime import date

from odoo.tests import tagged

from .common import CustomerHttpCase
from .test_playbooks import PlaybookTools
from .test_segments import SegmentTools


@tagged("post_install", "-at_install", "crm_extended", "tour")
class TestPlaybookTours(PlaybookTools, SegmentTools, CustomerHttpCase):
    # the browser has no other today
    as_of = date.today()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.make_user("sales_manager", login="tour_playbook")
        cls.anna = cls.make_user("salesperson", login="tour_case")
        cls.silent = cls.make_customer(
            "Silent Customer", user_id=cls.anna.id, email="s@example.com"
        )
        other = cls.make_customer("Other Customer", email="o@example.com")
        for customer in (cls.silent, other):
            cls.make_purchases(customer, every=30, count=4, last=71)
        cls.refresh()

    def test_manager_writes_a_playbook_for_a_segment_and_starts_it(self):
        self.make_segment("[('retention_flag', '=', True)]", name="Fell Silent")
        self.start_tour("/odoo", "crm_extended_playbook", login="tour_playbook")

        self.work()
        cases = self.cases()
        self.assertEqual(set(cases.mapped("state")), {"open"})
        self.assertEqual(len(self.planned(cases.partner_id)), 2)

    def test_salesperson_ends_his_case(self):
        playbook = self.make_playbook()
        playbook.action_start_existing()
        self.work()
        self.start_tour("/odoo", "crm_extended_playbook_case", login="tour_case")

        [case] = self.cases(playbook, ("partner_id", "=", self.silent.id))
        self.assertEqual((case.close_reason, self.planned(self.silent).ids), ("done", []))

    def test_manager_approves_many_emails_at_once(self):
        playbook = self.make_playbook(
            mail_template_id=self.make_template().id, activity_type_id=False
        )
        playbook.action_start_existing()
        self.work()
        self.start_tour("/odoo", "crm_extended_playbook_approve", login="tour_playbook")

        self.assertEqual(self.cases(playbook).approved_by_id, self.manager)
        self.work()
        self.assertEqual(len(self.cases(playbook).mail_id), 2)
