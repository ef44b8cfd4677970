from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .common import CustomerCase


@tagged("post_install", "-at_install")
class TestBadSettings(CustomerCase):
    """Settings that make no sense are refused, with a sentence that says what to do."""

    def assert_refused(self, values, advice):
        with self.assertRaises(ValidationError) as refused:
            self.company.write(values)
        self.assertIn(advice, str(refused.exception))

    def test_at_risk_before_one_interval_is_refused(self):
        for factor in (0.5, 0, -2):
            self.assert_refused(
                {"customer_at_risk_factor": factor}, "set “At Risk After” to 1 or more"
            )

    def test_lost_before_at_risk_is_refused(self):
        for factor in (2.0, 1.5, 0, -4):
            self.assert_refused({"customer_lost_factor": factor}, "set “Lost After” above")
        self.company.write({"customer_at_risk_factor": 5, "customer_lost_factor": 6})
        self.assertEqual(self.company.customer_lost_factor, 6, "both together are accepted")

    def test_windows_of_no_days_are_refused(self):
        for days in (0, -90):
            self.assert_refused({"customer_new_days": days}, "set it to 1 or more")

    def test_suspects_of_no_documents_are_refused(self):
        for number in (0, -1):
            self.assert_refused({"customer_suspect_documents": number}, "at least one document")

    def test_negative_costs_are_refused_by_name(self):
        for driver, label in (
            ("order", "Cost of an Order"),
            ("delivery", "Cost of a Delivery"),
            ("return", "Cost of a Return"),
            ("call", "Cost of a Call"),
            ("meeting", "Cost of a Meeting"),
        ):
            with self.subTest(driver=driver):
                self.assert_refused(
                    {f"customer_cost_{driver}": -0.01}, f"“{label}” can't be negative"
                )

    def test_limits_that_nobody_reaches_are_refused(self):
        self.assert_refused({"customer_lost_factor": 100.5}, "set “Lost After” to 100 or less")
        self.assert_refused({"customer_new_days": 3651}, "set “New For” to 3650 days or less")

    def test_largest_settings_survive_a_refresh(self):
        customer = self.make_customer()
        self.make_invoices([(customer, 10_000 * number, 100) for number in (0, 1)])
        self.company.write(
            {
                "customer_at_risk_factor": 99,
                "customer_lost_factor": 100,
                "customer_new_days": 3650,
                "customer_cost_order": 1e12,
            }
        )
        self.refresh()
        self.assertFalse(
            self.row(customer).expected_leave_date, "a hundred pauses of 27 years have no date"
        )

    def test_settings_page_refuses_what_the_company_refuses(self):
        with self.assertRaisesRegex(ValidationError, "can't be negative"):
            self.env["res.config.settings"].create({"customer_cost_call": -1}).execute()

    def test_run_keeps_the_settings_that_it_used(self):
        self.company.write({"customer_at_risk_factor": 1.5, "customer_cost_order": 2})
        run = self.refresh().sudo()
        self.company.write({"customer_at_risk_factor": 3, "customer_cost_order": 5})
        self.assertEqual(run.settings["at_risk_factor"], 1.5)
        self.assertEqual(run.settings["unit_costs"]["order"], 2)
