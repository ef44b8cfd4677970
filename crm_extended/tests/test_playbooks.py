from psycopg2.errors import UniqueViolation

from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import CustomerCase

PLAYBOOK, CASE = "crm.playbook", "crm.playbook.case"


class PlaybookTools:
    """Makes playbooks and reads their cases, past all rules."""

    @classmethod
    def make_playbook(cls, **values):
        return cls.env[PLAYBOOK].create({"name": "Playbook", "company_id": cls.company.id} | values)

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


@tagged("post_install", "-at_install")
class TestPlaybookModels(PlaybookTools, CustomerCase):
    @mute_logger("odoo.sql_db")
    def test_a_customer_has_one_open_case_for_a_reason(self):
        first, second, customer = self.make_playbook(), self.make_playbook(), self.make_customer()
        case = self.make_case(first, customer)
        with self.assertRaises(UniqueViolation), self.env.cr.savepoint():
            self.make_case(second, customer)
        self.make_case(second, customer, reason="tier")
        case.state = "closed"
        self.env.flush_all()
        self.make_case(second, customer)
