from contextlib import contextmanager
from datetime import date

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tests import BaseCase, tagged
from odoo.tests.common import get_db_name

CASES = 4


@tagged("post_install", "-at_install")
class TestPlaybookWorkers(BaseCase):
    """Two workers at the cases of one night, in real transactions: each is worked on once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = Registry(get_db_name())
        with cls.transaction() as env:
            company = env.ref("base.main_company")
            customers = env["res.partner"].create(
                [{"name": f"Committed customer {number}"} for number in range(CASES)]
            )
            cls.customer_ids = customers.ids
            cls.addClassCleanup(cls.remove_world)
            playbook = env["crm.playbook"].create(
                {
                    "name": "Committed playbook",
                    "company_id": company.id,
                    "user_id": env.ref("base.user_admin").id,
                    "activity_type_id": env.ref("mail.mail_activity_data_call").id,
                }
            )
            cls.playbook_id = playbook.id
            env["crm.customer.profile"].create(
                [
                    {
                        "partner_id": customer.id,
                        "company_id": company.id,
                        "currency_id": company.currency_id.id,
                    }
                    for customer in customers
                ]
            )
            env["crm.playbook.case"].create(
                [
                    {
                        "playbook_id": playbook.id,
                        "partner_id": customer.id,
                        "company_id": company.id,
                        "reason": "at_risk",
                        "arm": "treated",
                        "date_assigned": date.today(),
                        "date_start": date.today(),
                        "date_end": date.max,
                    }
                    for customer in customers
                ]
            )

    @classmethod
    @contextmanager
    def transaction(cls):
        with cls.registry.cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})

    @classmethod
    def remove_world(cls):
        with cls.transaction() as env:
            env["mail.activity"].search(
                [("res_model", "=", "res.partner"), ("res_id", "in", cls.customer_ids)]
            ).unlink()
            # the cases go with the contacts
            env["res.partner"].browse(cls.customer_ids).unlink()
            env["crm.playbook"].browse(cls.playbook_id).unlink()

    def activities(self, env):
        return env["mail.activity"].search_count(
            [("res_model", "=", "res.partner"), ("res_id", "in", self.customer_ids)]
        )

    def test_each_case_is_worked_on_by_one_of_two_workers(self):
        with self.transaction() as first, self.transaction() as second:
            self.assertEqual(first["crm.playbook.case"]._work_batch(limit=2), 2)
            taken = second["crm.playbook.case"]._work_batch()
            self.assertEqual(taken, CASES - 2, "those that the first has taken are left to it")
            second.cr.commit()
            first.cr.commit()
        with self.transaction() as env:
            self.assertEqual(env["crm.playbook.case"]._work_batch(), 0)
            self.assertEqual(self.activities(env), CASES)

    def test_what_a_worker_did_not_commit_is_done_again_once(self):
        with self.transaction() as env:
            env["mail.activity"].search([("res_id", "in", self.customer_ids)]).unlink()
            cases = env["crm.playbook.case"].search([("playbook_id", "=", self.playbook_id)])
            cases.write({"state": "waiting"})
        with self.transaction() as env:
            env["crm.playbook.case"]._work_batch()
            env.cr.rollback()
        with self.transaction() as env:
            env["crm.playbook.case"]._work_batch()
        with self.transaction() as env:
            self.assertEqual(self.activities(env), CASES)
