from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import CustomerCase

PROFILE = "crm.customer.profile"
ORDER = "risk_rank, expected_leave_date"


@tagged("post_install", "-at_install")
class TestRetentionDesk(CustomerCase):
    """Who is at risk, what is at stake, and what is planned."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.salesperson = cls.make_user("salesperson", "desk_salesperson")
        cls.other = cls.make_user("salesperson", "desk_other")
        cls.manager = cls.make_user("manager", "desk_manager")
        cls.large = cls.make_at_risk("Large", 70, 900, cls.salesperson)
        cls.early = cls.make_at_risk("Early", 85, 20, cls.salesperson)
        cls.middle = cls.make_at_risk("Middle", 75, 300, cls.other)
        cls.ownerless = cls.make_at_risk("Ownerless", 80, 100)
        cls.make_purchases(cls.make_customer("Regular"), every=30, count=6, last=3)
        cls.refresh()

    @classmethod
    def make_at_risk(cls, name, last, amount, owner=None):
        customer = cls.make_customer(name, user_id=owner.id if owner else False)
        cls.make_purchases(customer, every=30, count=5, last=last, amount=amount)
        return customer

    def desk(self, user, domain=(), order=ORDER):
        rows = self.as_user(PROFILE, user)
        rows = rows.search([("retention_flag", "=", True), *domain], order=order)
        return rows.partner_id.mapped("name")

    def test_the_order_is_by_what_the_reader_may_see(self):
        self.assertEqual(self.desk(self.manager), ["Large", "Middle", "Ownerless", "Early"])
        margin = self.make_user("margin")
        self.update_row(self.early, value_at_risk=5000)
        self.update_row(self.middle, value_at_risk=700)
        self.assertEqual(self.desk(margin), ["Early", "Middle", "Large", "Ownerless"])
        self.assertEqual(self.desk(self.manager), ["Large", "Middle", "Ownerless", "Early"])

    def test_without_amounts_the_order_is_by_the_day_to_call_before(self):
        self.set_salespeople_see_amounts(False)
        self.assertEqual(self.desk(self.salesperson), ["Early", "Ownerless", "Large"])
        before = self._ranks()
        self.update_row(self.large, revenue_12m=1, value_at_risk=1)
        self.update_row(self.early, revenue_12m=99999, value_at_risk=99999)
        self.assertEqual(self.desk(self.salesperson), ["Early", "Ownerless", "Large"])
        self.assertEqual(self._ranks(), before)
        self.assertFalse(self.as_user(PROFILE, self.salesperson).retention_header()["stake"])

    def _ranks(self):
        return self.as_user(PROFILE, self.salesperson).search([]).mapped("risk_rank")

    def test_who_has_no_next_step_is_found_wherever_steps_are_planned(self):
        without = [("next_step_on", "=", False)]
        self.assertEqual(len(self.desk(self.manager, without)), 4)
        self.large.activity_schedule("mail.mail_activity_data_call", self.ago(3))
        self.make_lead(self.middle).activity_schedule("mail.mail_activity_data_todo", self.ago(-3))
        contact = self.make_contact(self.early)
        contact.activity_schedule("mail.mail_activity_data_todo", self.ago(-5))
        self.assertEqual(self.desk(self.manager, without), ["Ownerless"])
        self.assertEqual(
            self.desk(self.manager, [("next_step_on", "!=", False)]), ["Large", "Middle", "Early"]
        )
        self.assertEqual(self.desk(self.manager, [("next_step_on", "<", self.as_of)]), ["Large"])
        rows = self.as_user(PROFILE, self.manager)
        for domain in (without, [("next_step_on", ">=", self.as_of)]):
            found = rows.search(domain)
            self.assertEqual(found, rows.search([]).filtered_domain(domain))
        self.assertEqual(self.row(self.middle).next_step_on, self.ago(-3))

    def test_customers_are_grouped_by_how_overdue_they_are(self):
        for customer, day in ((self.large, 30), (self.early, 3), (self.middle, -5)):
            self.update_row(customer, expected_leave_date=self._today(day))
        self.update_row(self.ownerless, expected_leave_date=None)
        rows = self.as_user(PROFILE, self.manager)
        at_risk = [("retention_flag", "=", True)]
        groups = dict(rows._read_group(at_risk, ["call_due"], ["__count"]))
        self.assertEqual(groups, {"late": 1, "overdue": 1, "week": 1, "unknown": 1})
        for due, customer in (("late", self.large), ("week", self.middle)):
            found = rows.search([*at_risk, ("call_due", "=", due)])
            self.assertEqual((found.partner_id, found.call_due), (customer, due))

    def _today(self, days):
        return fields.Date.context_today(self.company) - timedelta(days=days)

    def test_the_header_counts_what_nobody_does(self):
        self.large.activity_schedule("mail.mail_activity_data_call", self.ago(3))
        header = self.as_user(PROFILE, self.salesperson).retention_header()
        self.assertTrue(header["is_mine"])
        self.assertEqual(
            {name: header["counts"][name] for name in ("at_risk", "ownerless", "without_step")},
            {"at_risk": 2, "ownerless": 1, "without_step": 1},
        )
        self.assertEqual(header["counts"]["late"], 2)
        self.assertIn("4,600", header["stake"])
        header = self.as_user(PROFILE, self.manager).retention_header()
        self.assertEqual(header["counts"]["at_risk"], 4)

    def test_managers_reassign_customers_with_what_is_planned(self):
        self.large.activity_schedule(
            "mail.mail_activity_data_call", self.as_of, user_id=self.salesperson.id
        )
        rows = self.row(self.large) | self.row(self.ownerless)
        with self.assertRaises(AccessError):
            self.as_user(rows, self.salesperson).action_reassign()
        wizard = self.as_user("crm.customer.reassign", self.manager)
        wizard = wizard.create({"profile_ids": rows.ids, "user_id": self.other.id})
        wizard.action_reassign()
        self.assertEqual((self.large | self.ownerless).user_id, self.other)
        self.assertEqual(self.large.activity_ids.user_id, self.other)

    def test_nobody_is_given_customers_of_a_company_he_may_not_enter(self):
        company = self.make_company("Elsewhere")
        stranger = self.make_user("salesperson", companies=company)
        wizard = self.as_user("crm.customer.reassign", self.manager).create(
            {"profile_ids": self.row(self.large).ids}
        )
        with self.assertRaisesRegex(UserError, "Choose who"):
            wizard.action_reassign()
        wizard.sudo().user_id = stranger
        with self.assertRaisesRegex(UserError, "may not enter"):
            wizard.action_reassign()

    def test_a_call_is_planned_for_tomorrow(self):
        context = self.as_user(self.row(self.large), self.salesperson).action_plan_call()["context"]
        self.assertEqual(context["active_ids"], self.large.ids)
        self.assertEqual(
            context["default_activity_type_id"], self.env.ref("mail.mail_activity_data_call").id
        )

    def test_the_desk_costs_as_many_queries_whatever_its_length(self):
        names = ("partner_id", "reason", "call_due", "next_step_on", "contacted_on", "risk_rank")
        specification = {name: {} for name in names}

        def count(limit):
            rows = self.as_user(PROFILE, self.manager)
            for _time in range(2):
                rows.env.invalidate_all()
                with self.queries() as queries:
                    rows.web_search_read(
                        [("retention_flag", "=", True)], specification, limit=limit, order=ORDER
                    )
            return len(queries)

        self.assertEqual(count(1), count(4))
