from odoo.tests import tagged

from odoo.addons.crm_extended.tests.common import CustomerCase
from odoo.addons.crm_extended.tests.test_playbook_outcomes import OutcomeTools
from odoo.addons.crm_extended.tests.test_playbook_results import ResultTools


@tagged("post_install", "-at_install")
class TestMarginOfCases(OutcomeTools, CustomerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.customer_margin_since = False
        cls.product.standard_price = 60
        cls.playbook = cls.make_playbook()
        cls.customer = cls.make_customer()
        cls.case = cls.make_window(cls.customer)

    def test_the_margin_of_what_was_bought_in_the_window(self):
        self.invoice_order(self.make_order(self.customer, 80, 100.0), 70)
        self.refresh()
        self.assertEqual((self.case.margin, self.case.margin_coverage), (40, 1))

    def test_a_margin_that_is_not_known_is_not_zero(self):
        self.make_invoice(self.customer, 80, 100.0)
        self.refresh()
        self.env.cr.execute(
            "SELECT margin, gross, gross_known FROM crm_playbook_case WHERE id = %s",
            (self.case.id,),
        )
        self.assertEqual(self.env.cr.fetchone(), (None, 100, 0))
        self.assertEqual(self.case.margin_coverage, 0)

    def test_who_bought_nothing_brought_no_margin(self):
        self.refresh()
        self.env.cr.execute("SELECT margin FROM crm_playbook_case WHERE id = %s", (self.case.id,))
        self.assertEqual(self.env.cr.fetchone(), (0,), "that is known")


@tagged("post_install", "-at_install")
class TestMarginOfResults(ResultTools, CustomerCase):
    def make_margins(self, rate_treated=0.3, rate_held_out=0.3, coverage=1.0):
        """Amounts, of which so much has a known cost, and its margin."""
        self.make_effect()
        for arm, rate in (("treated", rate_treated), ("held_out", rate_held_out)):
            for case in self.playbook.case_ids.filtered(lambda case, arm=arm: case.arm == arm):
                case.gross_known = coverage * case.revenue
                case.margin = rate * case.gross_known
        self.env.flush_all()

    def reader(self):
        return self.make_user("margin")

    def test_what_a_contact_costs_is_taken_off_margins(self):
        self.playbook.cost_per_contact = 1
        self.make_margins()
        self.refresh()
        result = self.result()
        difference = result.margin_found["difference"]
        self.assertAlmostEqual(difference, 0.3 * result.revenue_found["difference"], 2)
        self.assertAlmostEqual(result.margin_found["net"], difference - 1, 4)
        self.assertAlmostEqual(result.margin_earned, 80 * (difference - 1), 1)
        mine = self.result(user=self.reader())
        self.assertEqual((mine.measure, mine.verdict), ("margin", "works"))
        self.assertIn("Earned", mine.summary)

    def test_a_contact_that_costs_more_than_it_brings_harms(self):
        self.playbook.cost_per_contact = 30
        self.make_margins()
        self.refresh()
        mine = self.result(user=self.reader())
        self.assertEqual(mine.verdict, "harms")
        self.assertIn("Lost", mine.summary)

    def test_a_discount_that_costs_the_margin_harms_though_revenue_rises(self):
        self.make_margins(rate_treated=0.2)
        self.refresh()
        result = self.result()
        self.assertEqual((result.revenue_verdict, result.margin_verdict), ("works", "harms"))

    def test_the_part_that_is_not_known_counts_at_the_rate_of_its_arm(self):
        self.make_margins(rate_treated=0.2, coverage=0.9)
        self.refresh()
        part = self.result().margin_found
        self.assertEqual(self.result().margin_coverage, 0.9)
        self.make_whole()
        self.refresh()
        self.assertAlmostEqual(part["difference"], self.result().margin_found["difference"], 1)

    def make_whole(self):
        for case in self.playbook.case_ids:
            case.write({"margin": case.margin / 0.9, "gross_known": case.gross})
        self.env.flush_all()

    def test_below_four_fifths_of_known_cost_it_is_revenue(self):
        self.make_margins(coverage=0.79)
        self.refresh()
        mine = self.result(user=self.reader())
        self.assertFalse(mine.margin_verdict)
        self.assertEqual(mine.measure, "orders", "who sees margins need not see revenue")
