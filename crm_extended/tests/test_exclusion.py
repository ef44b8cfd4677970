from psycopg2 import IntegrityError

from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import CustomerCase


@tagged("post_install", "-at_install")
class TestExclusion(CustomerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls.make_customer()
        cls.exclusions = cls.env["crm.customer.exclusion"]

    def assert_left_out(self, partner, reason):
        self.make_purchases(partner, count=3)
        [run] = self.refresh()
        self.assertFalse(self.row(partner), f"{reason}: he is no customer")
        self.assertEqual(
            run.sudo().statistics["excluded"].get(reason), 1, "the run says how many, and why"
        )

    def test_own_company_is_no_customer(self):
        self.assert_left_out(self.make_company("Sister").partner_id, "own_company")

    def test_employee_is_no_customer(self):
        self.assert_left_out(self.make_user("employee").partner_id, "employee")

    def test_portal_user_is_a_customer(self):
        partner = self.make_user("portal").partner_id
        self.make_purchases(partner, count=3)
        self.refresh()
        self.assertTrue(self.row(partner), "customers may log in")

    def test_who_refused_profiling_has_no_row(self):
        self.customer.profiling_optout = True
        self.assert_left_out(self.customer, "opt_out")

    def test_walk_in_account_is_no_customer(self):
        self.exclusions.create({"partner_id": self.customer.id, "reason": "walk_in"})
        self.assert_left_out(self.customer, "walk_in")

    def test_exclusion_of_one_company_holds_there_only(self):
        other = self.make_company("Other Company")
        self.exclusions.create({"partner_id": self.customer.id, "company_id": other.id})
        for company in (self.company, other):
            self.make_invoice(self.customer, 5, company=company)
        self.refresh(companies=self.company + other)
        self.assertTrue(self.row(self.customer))
        self.assertFalse(self.row(self.customer, other))

    def test_exclusion_of_a_contact_is_of_his_company(self):
        self.exclusions.create({"partner_id": self.make_contact(self.customer).id})
        self.make_invoice(self.customer, 5)
        self.refresh()
        self.assertFalse(self.row(self.customer))

    def test_who_is_left_out_disappears_at_once(self):
        self.make_invoice(self.customer, 5)
        self.refresh()
        self.exclusions.create({"partner_id": self.customer.id})
        self.assertFalse(self.row(self.customer), "not only in the night")

    def test_proposal_decides_nothing(self):
        self.make_invoice(self.customer, 5)
        proposal = self.exclusions.create({"partner_id": self.customer.id, "state": "proposed"})
        self.refresh()
        self.assertTrue(self.row(self.customer), "a person decides")
        proposal.action_confirm()
        self.assertFalse(self.row(self.customer), "it is decided")
        proposal.action_dismiss()
        self.refresh()
        self.assertTrue(self.row(self.customer), "he is a customer after all")

    def test_very_many_documents_are_proposed_once_and_not_decided(self):
        self.company.customer_suspect_documents = 5
        self.make_purchases(self.customer, every=2, count=5)
        self.make_purchases(self.make_customer("Four purchases"), every=2, count=4)
        self.refresh()
        [proposal] = self.exclusions.search([("company_id", "=", self.company.id)])
        self.assertEqual(
            (proposal.partner_id, proposal.reason, proposal.state),
            (self.customer, "walk_in", "proposed"),
        )
        self.assertTrue(self.row(self.customer), "until somebody decides he is a customer")
        proposal.action_dismiss()
        self.refresh()
        self.assertEqual(
            self.exclusions.search([("company_id", "=", self.company.id)]),
            proposal,
            "who was dismissed is not proposed again",
        )
        self.assertEqual(proposal.state, "dismissed")

    def test_documents_of_older_years_make_no_suspect(self):
        self.company.customer_suspect_documents = 3
        self.make_purchases(self.customer, every=2, count=5, last=400)
        self.refresh()
        self.assertFalse(self.exclusions.search([("company_id", "=", self.company.id)]))

    def test_one_entry_per_contact_and_company(self):
        values = {"partner_id": self.customer.id, "company_id": self.company.id}
        self.exclusions.create(values)
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), self.cr.savepoint():
            self.exclusions.create(values)

    def test_managers_decide_and_users_read(self):
        manager = self.as_user("crm.customer.exclusion", self.make_user("manager"))
        exclusion = manager.create({"partner_id": self.customer.id})
        user = self.make_user("user")
        self.assertEqual(self.as_user(exclusion, user).reason, "walk_in")
        with self.assertRaises(AccessError):
            self.as_user(exclusion, user).write({"state": "dismissed"})
