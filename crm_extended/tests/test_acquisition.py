from datetime import date

from psycopg2.errors import UniqueViolation

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..models import crm_lead_value
from .common import CustomerCase

COST, REPORT = "crm.acquisition.cost", "crm.acquisition.report"


class AcquisitionCase(CustomerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.fair, cls.web = cls.env["utm.source"].create(
            [{"name": "Fair of the test"}, {"name": "Web of the test"}]
        )
        cls.manager = cls.make_user("sales_manager")

    @classmethod
    def make_cost(cls, month=date(2024, 6, 15), amount=300, **values):
        values = {"month": month, "amount": amount, "company_id": cls.company.id} | values
        return cls.env[COST].create({"source_id": cls.fair.id} | values)


@tagged("post_install", "-at_install")
class TestWhereCustomersCameFrom(AcquisitionCase):
    """The lead that was won, else the earliest, up to the first purchase; else the first order."""

    def came(self, customer):
        row = self.row(customer)
        return row.acquisition_origin, row.acquisition_source_id

    def test_of_several_leads_the_one_that_was_won_counts(self):
        customer = self.make_customer()
        self.make_lead(customer, created=90, source_id=self.web.id)
        won = self.make_lead(customer, created=80, source_id=self.fair.id)
        won.action_set_won()
        self.make_invoice(customer, 70)
        self.refresh()
        self.assertEqual(self.came(customer), ("lead", self.fair))

    def test_of_leads_not_won_the_earliest_counts(self):
        customer = self.make_customer()
        contact = self.make_contact(customer)
        self.make_lead(customer, created=80, source_id=self.web.id)
        self.make_lead(contact, created=90, source_id=self.fair.id)
        self.make_invoice(customer, 70)
        self.refresh()
        self.assertEqual(self.came(customer), ("lead", self.fair))

    def test_a_lead_after_the_first_purchase_brought_nobody(self):
        customer = self.make_customer()
        self.make_invoice(customer, 70)
        self.make_lead(customer, created=60, source_id=self.web.id).action_set_won()
        self.refresh()
        self.assertEqual(self.came(customer), ("unknown", self.env["utm.source"]))

    def test_without_a_lead_the_first_order_counts(self):
        customer = self.make_customer()
        order = self.make_order(customer, 80, source_id=self.fair.id)
        self.invoice_order(order, 75)
        self.invoice_order(self.make_order(customer, 40, source_id=self.web.id), 35)
        self.refresh()
        self.assertEqual(self.came(customer), ("order", self.fair))

    def test_a_prospect_has_not_come_yet(self):
        prospect = self.make_customer()
        self.make_lead(prospect, source_id=self.fair.id)
        self.refresh()
        self.assertEqual(self.came(prospect), (False, self.env["utm.source"]))

    def test_the_first_year_is_known_when_it_is_over(self):
        old, young = self.make_customer(), self.make_customer()
        self.make_invoices([(old, 365, 100), (old, 100, 50), (young, 364, 100)])
        self.make_invoice(old, 0, 1000)
        self.refresh()
        self.assertEqual(self.row(old).first_year_revenue, 150)
        self.assertEqual(str(self.row(old).second_purchase_date), str(self.ago(100)))
        self.env.cr.execute(
            "SELECT first_year_revenue, first_year_margin FROM crm_customer_profile WHERE id = %s",
            [self.row(young).id],
        )
        self.assertEqual(self.env.cr.fetchone(), (None, None))
        self.assertFalse(self.row(young).second_purchase_date)

    def test_customers_keep_the_prospect_segment_of_their_lead(self):
        segment = self.env["crm.prospect.segment"].create(
            {
                "name": "From the fair",
                "domain": f"[('source_id', '=', {self.fair.id})]",
                "company_id": self.company.id,
                "user_id": self.manager.id,
                "sequence": -1,
            }
        )
        customer = self.make_customer()
        self.make_lead(customer, created=90, source_id=self.fair.id).action_set_won()
        self.make_invoice(customer, 70)
        self.refresh()
        self.assertEqual(self.row(customer).acquisition_segment_id, segment)


@tagged("post_install", "-at_install")
class TestAcquisitionReport(AcquisitionCase):
    """Against numbers that were worked out by hand."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # first purchases in June 2024 (366 to 380 days before), and in June 2025
        names = ("twice", "late", "once", "unknown", "young")
        cls.customers = {name: cls.make_customer(name) for name in names}
        for name in ("twice", "late", "once", "young"):
            source = cls.web if name == "young" else cls.fair
            lead = cls.make_lead(
                cls.customers[name], created=10 if name == "young" else 380, source_id=source.id
            )
            lead.action_set_won()
        cls.make_lead(created=379, source_id=cls.fair.id).action_set_lost()
        cls.make_lead(created=9, source_id=cls.web.id)
        # of who had bought by then: no lead of acquisition
        cls.make_invoices(
            [
                (cls.customers["twice"], 370, 100),
                (cls.customers["twice"], 280, 200),
                (cls.customers["late"], 370, 100),
                (cls.customers["late"], 190, 60),
                (cls.customers["once"], 368, 140),
                (cls.customers["unknown"], 369, 900),
                (cls.customers["young"], 5, 70),
            ]
        )
        cls.make_lead(cls.customers["twice"], created=100, source_id=cls.web.id).action_set_won()
        cls.make_cost()
        cls.refresh()
        cls.report = cls.env[REPORT].with_context(allowed_company_ids=cls.company.ids)

    def figures(self, source, *names):
        domain = [("company_id", "=", self.company.id), ("source_id", "=", source and source.id)]
        [row] = self.report._read_group(domain, [], names)
        return row

    def test_counts_by_source(self):
        names = ("customer_count:sum", "lead_count:sum", "closed_count:sum", "won_count:sum")
        self.assertEqual(self.figures(self.fair, *names), (3, 4, 4, 3))
        self.assertEqual(self.figures(self.web, *names), (1, 2, 1, 1))
        self.assertEqual(self.figures(False, *names), (1, 0, 0, 0))

    def test_rates_are_of_all_customers_of_a_group(self):
        names = ("conversion:avg", "second_rate_90:avg", "second_rate_180:avg")
        conversion, in_90, in_180 = self.figures(self.fair, *names)
        self.assertEqual(conversion, 75)
        # after 90 and 180 days to the day
        self.assertAlmostEqual(float(in_90), 100 / 3)
        self.assertAlmostEqual(float(in_180), 200 / 3)

    def test_a_cohort_that_is_not_old_enough_is_not_known(self):
        names = ("second_rate_90:avg", "first_year_revenue:avg", "judged_90:sum")
        self.assertEqual(self.figures(self.web, *names), (False, False, 0))

    def test_money_by_source(self):
        names = ("cost:sum", "cost_per_customer:avg", "first_year_revenue:avg", "covered_count:sum")
        cost, each, revenue, covered = self.figures(self.fair, *names)
        self.assertEqual((cost, each, covered), (300, 100, 3))
        self.assertEqual(revenue, (300 + 160 + 140) / 3)

    def test_without_a_cost_it_is_not_known_and_not_zero(self):
        for source in (self.web, False):
            names = ("cost:sum", "cost_per_customer:avg")
            self.assertEqual(self.figures(source, *names), (False, False))
        rows = self.report.search([("source_id", "=", self.web.id)])
        self.assertFalse(any(rows.mapped("cost_is_known")))

    def test_a_cost_of_all_media_is_for_the_customers_of_each(self):
        """Its customers count by whatever medium they came; by medium it is told of none."""
        medium = self.env["utm.medium"].create({"name": "Letter of the test"})
        customer = self.make_customer()
        lead = self.make_lead(customer, created=380, source_id=self.fair.id, medium_id=medium.id)
        lead.action_set_won()
        self.make_invoice(customer, 370, 10)
        self.refresh()
        self.assertEqual(self.figures(self.fair, "cost_per_customer:avg"), (75,))
        own = [("medium_id", "=", medium.id), ("company_id", "=", self.company.id)]
        [row] = self.report._read_group(own, [], ["cost_per_customer:avg", "covered_count:sum"])
        self.assertEqual(row, (False, 1))

    def test_all_customers_together_are_no_mean_of_means(self):
        own = [("company_id", "=", self.company.id)]
        [row] = self.report._read_group(own, [], ["first_year_revenue:avg", "conversion:avg"])
        self.assertEqual(row, ((300 + 160 + 140 + 900) / 4, 80))

    def test_lists_show_the_same(self):
        rows = self.report.search([("source_id", "=", self.fair.id), ("customer_count", ">", 0)])
        self.assertEqual(len(rows), 1)
        self.assertEqual((rows.month, rows.conversion), (date(2024, 6, 1), 75))
        self.assertEqual(rows.first_year_revenue, 200)
        self.assertAlmostEqual(rows.second_rate_180, 200 / 3)

    def test_what_pays_back_is_known_where_the_margin_is(self):
        self.assertEqual(self.figures(self.fair, "payback_months:avg", "clv:avg"), (False, False))
        for customer in ("twice", "late", "once"):
            self.update_row(self.customers[customer], first_year_margin=50, clv=80)
        self.assertEqual(self.figures(self.fair, "payback_months:avg", "clv:avg"), (24, 80))

    def test_the_report_is_for_managers_and_margins_for_who_sees_them(self):
        report = self.as_user(REPORT, self.manager)
        own = [("company_id", "=", self.company.id)]
        self.assertTrue(report.search_count(own))
        for name in ("clv:avg", "payback_months:avg", "first_year_margin:avg"):
            with self.assertRaises(AccessError):
                report._read_group(own, [], [name])
        for role in ("salesperson", "salesperson_all", "invoicing", "user", "finance"):
            with self.assertRaises(AccessError):
                self.as_user(REPORT, self.make_user(role)).search_count(own)

    def test_the_report_shows_companies_of_the_reader_only(self):
        other = self.make_company("Other Test Company")
        stranger = self.make_user("sales_manager", companies=other)
        self.assertFalse(self.as_user(REPORT, stranger).search([]))

    def test_a_lead_without_company_counts_in_that_of_its_salesperson(self):
        seller = self.make_user("salesperson")
        lead = self.make_lead(
            created=9, source_id=self.web.id, user_id=seller.id, company_id=False, team_id=False
        )
        self.env.flush_all()
        self.env.cr.execute("UPDATE crm_lead SET company_id = NULL WHERE id = %s", [lead.id])
        self.env.invalidate_all()
        self.assertEqual(self.figures(self.web, "lead_count:sum"), (3,))


@tagged("post_install", "-at_install")
class TestAcquisitionCosts(AcquisitionCase):
    """What is entered of costs."""

    def test_a_cost_belongs_to_a_month(self):
        self.assertEqual(self.make_cost().month, date(2024, 6, 1))
        self.assertEqual(self.make_cost(date(2024, 7, 31)).month, date(2024, 7, 1))
        for month in (False, None):
            with self.assertRaisesRegex(UserError, "when the money was spent"):
                self.make_cost(month)
        cost = self.make_cost(date(2024, 8, 1))
        with self.assertRaisesRegex(UserError, "when the money was spent"):
            cost.month = False
        cost.month = "2024-09-30"
        self.assertEqual(cost.month, date(2024, 9, 1))

    def test_a_cost_says_what_for(self):
        with self.assertRaisesRegex(ValidationError, "choose a source, a medium or a campaign"):
            self.make_cost(source_id=False)

    def test_a_cost_is_not_negative(self):
        with self.assertRaisesRegex(ValidationError, "can't be negative"):
            self.make_cost(amount=-1)

    def test_a_month_has_one_cost_of_a_kind(self):
        self.make_cost()
        with mute_logger("odoo.sql_db"), self.assertRaises(UniqueViolation):
            self.make_cost(date(2024, 6, 30))
            self.env.flush_all()

    def test_another_currency_is_converted_at_the_rate_of_the_month(self):
        currency = self.env["res.currency"].create({"name": "XTS", "symbol": "x"})
        refused = self.assertRaisesRegex(ValidationError, "No rate of XTS")
        with refused, self.env.cr.savepoint():
            self.make_cost(currency_id=currency.id)
        rate = self.env["res.currency.rate"].create(
            {"currency_id": currency.id, "name": "2024-06-30", "rate": 4}
        )
        cost = self.make_cost(currency_id=currency.id)
        self.assertEqual(cost.amount_company, 75)
        rate.rate = 2
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(cost.amount_company, 75, "it is history")

    def test_a_copy_is_that_of_the_next_month(self):
        self.assertEqual(self.make_cost().copy().month, date(2024, 7, 1))

    def test_costs_are_entered_by_managers(self):
        values = {"month": "2024-06-01", "amount": 3, "source_id": self.fair.id}
        self.as_user(COST, self.manager).create(values)
        with self.assertRaises(AccessError):
            self.as_user(COST, self.make_user("salesperson_all")).create(values)

    def test_costs_are_imported_from_a_list(self):
        rows = [["2024-06-01", "Fair of the test", "120"], ["2024-07-01", "Fair of the test", "80"]]
        result = self.as_user(COST, self.manager).load(["month", "source_id", "amount"], rows)
        self.assertFalse(result["messages"])
        self.assertEqual(self.env[COST].browse(result["ids"]).mapped("amount_company"), [120, 80])


@tagged("post_install", "-at_install")
class TestLeadValue(AcquisitionCase):
    """Chance times the first year of customers like the lead."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.segment = cls.env["crm.prospect.segment"].create(
            {
                "name": "From the fair",
                "domain": f"[('source_id', '=', {cls.fair.id})]",
                "company_id": cls.company.id,
                "user_id": cls.manager.id,
                "sequence": -1,
            }
        )
        cls.learned = cls.env["crm.model.run"].create(
            {"company_id": cls.company.id, "as_of": cls.as_of, "kind": "explicit"}
        )
        cls.company.customer_run_id = cls.learned
        segment = str(cls.segment.id)
        cls.learned.write(
            {
                "win_rates": {"won": 10, "closed": 40, "segments": {segment: [10, 20]}},
                "first_year_revenue": {
                    "total": 40_000.0,
                    "customers": 40,
                    "segments": {segment: [40_000.0, 20]},
                },
                "first_year_margin": {"total": 0.0, "customers": 0, "segments": {}},
            }
        )
        cls.seller = cls.make_user("salesperson")

    def lead(self, **values):
        values = {"user_id": self.seller.id, "created": None} | values
        lead = self.make_lead(**values)
        lead.probability = values.get("probability", 0)
        return self.as_user(lead, self.seller)

    def test_the_chance_of_odoo_comes_first(self):
        lead = self.lead(source_id=self.fair.id, probability=10)
        # (40 000 + 20 · 1 000) / (20 + 20), times a tenth
        self.assertEqual(lead.lead_value, 150)
        self.assertIn("20 customers from “From the fair”", lead.lead_value_note)
        self.assertEqual(self.lead(probability=10).lead_value, 100)

    def test_without_a_chance_that_of_the_segment_counts(self):
        # (10 + 20 · .25) / (20 + 20)
        self.assertEqual(self.lead(source_id=self.fair.id).lead_value, 0.375 * 1500)

    def test_too_few_customers_or_closed_leads_tell_nothing(self):
        few = crm_lead_value.FEWEST_CUSTOMERS - 1
        self.learned.first_year_revenue = {"total": 1.0, "customers": few, "segments": {}}
        lead = self.lead(probability=10)
        self.assertFalse(lead.lead_value_is_known or lead.lead_value or lead.lead_value_note)
        self.learned.first_year_revenue = {"total": 100.0, "customers": 100, "segments": {}}
        self.learned.win_rates = {"won": 1, "closed": 2, "segments": {}}
        self.assertFalse(self.lead().lead_value_is_known)

    def test_margins_are_for_who_sees_them(self):
        lead = self.lead(probability=10)
        with self.assertRaises(AccessError):
            lead.read(["lead_value_margin"])
        self.seller.group_ids += self.env.ref("crm_extended.group_margin")
        lead = self.as_user(lead, self.seller)
        self.assertFalse(lead.lead_value_margin_is_known)
        self.learned.first_year_margin = {"total": 5000.0, "customers": 50, "segments": {}}
        lead = self.as_user(lead, self.seller)
        self.assertEqual(lead.lead_value_margin, 10)

    def test_closed_leads_have_none(self):
        lead = self.lead(probability=10)
        lead.sudo().action_set_won()
        self.assertFalse(self.as_user(lead, self.seller).lead_value_is_known)
