from datetime import datetime

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from .common import CustomerCase


@tagged("post_install", "-at_install")
class TestSettings(CustomerCase):
    """What an administrator sets."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cron = cls.env.ref("crm_extended.ir_cron_customer_refresh")

    def settings(self, **values):
        return self.env["res.config.settings"].create(values)

    def test_settings_are_those_of_the_current_company(self):
        other = self.make_company("Other Test Company")
        self.settings(customer_lost_factor=9.0, customer_cost_order=4.0).execute()
        self.assertEqual(self.company.customer_lost_factor, 9)
        self.assertEqual(self.company.customer_cost_order, 4)
        self.assertEqual(other.customer_lost_factor, 4)

    def test_settings_that_contradict_each_other_are_refused(self):
        for values in (
            {"customer_at_risk_factor": 0.5},
            {"customer_at_risk_factor": 5.0, "customer_lost_factor": 3.0},
            {"customer_cost_call": -1.0},
            {"customer_new_days": 0},
            {"customer_suspect_documents": 0},
        ):
            with self.subTest(**values), self.assertRaises(ValidationError):
                self.settings(**values)

    def test_the_job_is_shown_and_changed_where_it_is_set(self):
        settings = self.settings()
        self.assertTrue(settings.customer_refresh_active)
        self.assertEqual(settings.customer_refresh_interval_number, self.cron.interval_number)
        self.assertEqual(settings.customer_refresh_next_call, self.cron.nextcall)
        night = datetime(2031, 1, 1, 2, 0)
        settings.write(
            {
                "customer_refresh_active": False,
                "customer_refresh_interval_number": 2,
                "customer_refresh_interval_type": "weeks",
                "customer_refresh_next_call": night,
            }
        )
        settings.execute()
        self.assertFalse(self.cron.active)
        self.assertEqual(self.cron.interval_number, 2)
        self.assertEqual(self.cron.interval_type, "weeks")
        self.assertEqual(self.cron.nextcall, night)

    def test_saving_other_settings_leaves_the_job_alone(self):
        """Writing it would wait for its end."""
        with self.queries() as queries:
            self.settings(customer_new_days=30).execute()
        self.assertFalse([query for query in queries if 'UPDATE "ir_cron"' in query])

    def test_an_interval_chosen_on_the_scheduled_action_stays(self):
        self.cron.write({"interval_type": "months", "interval_number": 3})
        self.settings().execute()
        self.assertEqual((self.cron.interval_type, self.cron.interval_number), ("months", 3))

    def test_an_interval_below_one_is_refused(self):
        with self.assertRaises(UserError):
            self.settings(customer_refresh_interval_number=0).execute()

    def test_the_last_refresh_is_shown(self):
        self.assertFalse(self.settings().customer_last_run_id)
        run = self.refresh()
        settings = self.settings()
        self.assertEqual(settings.customer_last_run_id, run)
        self.assertEqual(settings.customer_last_run_state, "done")
        self.assertEqual(settings.customer_refresh_as_of, self.as_of)

    def test_update_now_queues_a_refresh_of_the_current_company(self):
        triggers = self.triggers()
        self.settings().action_customer_refresh()
        run = self.env["crm.model.run"].search([("company_id", "=", self.company.id)])
        self.assertEqual((run.state, run.kind), ("queued", "requested"))
        self.assertEqual(self.triggers(), triggers + 1)

    def test_the_switch_gives_and_takes_the_amounts_of_salespeople(self):
        salesperson = self.make_user("salesperson")
        self.assertTrue(self.settings().group_crm_extended_salesperson_amounts)
        for see in (False, True):
            self.set_salespeople_see_amounts(see)
            self.assertEqual(salesperson.has_group("crm_extended.group_amount"), see)
            manager = self.make_user("sales_manager")
            self.assertTrue(manager.has_group("crm_extended.group_amount"))
