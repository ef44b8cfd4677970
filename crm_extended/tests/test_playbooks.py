from datetime import timedelta
from unittest.mock import patch

from psycopg2.errors import UniqueViolation

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..analytics.holdout import holdout
from .common import CustomerCase
from .test_segments import SegmentTools, recently

PLAYBOOK, CASE, LINE = "crm.playbook", "crm.playbook.case", "crm.playbook.candidate"


class PlaybookTools:
    """Makes playbooks and reads their cases, past all rules."""

    @classmethod
    def make_playbook(cls, switch_on=True, **values):
        playbook = cls.env[PLAYBOOK].create(
            {
                "name": "Playbook",
                "company_id": cls.company.id,
                "user_id": cls.manager.id,
                "event_kind": "at_risk",
                "activity_type_id": cls.env.ref("mail.mail_activity_data_call").id,
                "exempt_top_tier": False,
                "exempt_m_score": False,
            }
            | values
        )
        if switch_on:
            playbook.action_switch_on()
        return playbook

    @classmethod
    def make_template(cls, **values):
        model = cls.env["ir.model"]._get_id("res.partner")
        return cls.env["mail.template"].create(
            {
                "name": "Letter",
                "model_id": model,
                "subject": "Dear {{ object.name }}",
                "body_html": "<p>We miss you.</p>",
                "email_from": "sales@example.com",
            }
            | values
        )

    @classmethod
    def make_slipping(cls, count=1, last=50, **values):
        """Customers who are loyal at first and at risk 20 days after ``as_of``."""
        customers = cls.env["res.partner"]
        for number in range(count):
            customer = cls.make_customer(f"Customer {number}", **values)
            cls.make_purchases(customer, every=30, count=6, last=last)
            customers |= customer
        return customers

    @classmethod
    def make_case(cls, playbook, customer, **values):
        return cls.env[CASE].create(
            {
                "playbook_id": playbook.id,
                "partner_id": customer.id,
                "company_id": playbook.company_id.id,
                "reason": playbook.reason,
                "arm": "treated",
                "date_assigned": cls.as_of,
                "date_start": cls.as_of,
                "date_end": cls.as_of,
            }
            | values
        )

    @classmethod
    def cases(cls, playbook=None, *domain):
        own = [("playbook_id", "=", playbook.id)] if playbook else []
        company = ("company_id", "=", cls.company.id)
        return cls.env[CASE].sudo().search([company, *own, *domain], order="id")

    @classmethod
    def work(cls):
        """What the cron does, in this transaction."""
        cases = cls.env[CASE].sudo()
        while cases._drop_batch():
            pass
        while cases._work_batch():
            pass

    @classmethod
    def night(cls, days=0):
        """The refresh so many days after ``as_of``, and the work of its cases."""
        cls.refresh(cls.as_of + timedelta(days))
        cls.work()

    @classmethod
    def planned(cls, customers):
        return cls.env["mail.activity"].search(
            [("res_model", "=", "res.partner"), ("res_id", "in", customers.ids)]
        )


class PlaybookCase(PlaybookTools, SegmentTools, CustomerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.make_user("sales_manager")
        cls.anna = cls.make_user("salesperson", "anna")


@tagged("post_install", "-at_install")
class TestPlaybookNights(PlaybookCase):
    """When a case is opened, for whom, and when it ends."""

    def test_an_event_opens_a_case_that_plans_an_activity_for_the_salesperson(self):
        [customer] = self.make_slipping(user_id=self.anna.id)
        playbook = self.make_playbook(activity_summary="Call him", activity_days=3)
        self.night()
        self.assertFalse(self.cases())
        self.night(20)
        case = self.cases(playbook)
        day = self.as_of + timedelta(20)
        self.assertEqual(
            (case.partner_id, case.reason, case.arm, case.state, case.user_id, case.date_assigned),
            (customer, "at_risk", "treated", "open", self.anna, day),
        )
        self.assertEqual(case.date_end, day + timedelta(90))
        activity = self.planned(customer)
        self.assertEqual(
            (activity.summary, activity.user_id, activity.date_deadline),
            ("Call him", self.anna, day + timedelta(3)),
        )
        self.assertFalse(self.env["mail.mail"].search([("res_id", "=", customer.id)]))

    def test_a_night_done_again_opens_nothing_again(self):
        customers = self.make_slipping(3)
        playbook = self.make_playbook()
        self.night()
        for _time in range(2):
            self.night(20)
        self.assertEqual(len(self.cases(playbook)), 3)
        self.assertEqual(len(self.planned(customers)), 3)
