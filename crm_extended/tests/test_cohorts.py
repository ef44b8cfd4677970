import random
from collections import Counter, defaultdict
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import CustomerCase

MONTHS = {"month": 1, "quarter": 3, "year": 12}


def months_since(first, day):
    """Whole months: 31 January to 28 February is none."""
    months = (day.year - first.year) * 12 + day.month - first.month
    return months - (day.day < first.day)


@tagged("post_install", "-at_install")
class TestCohorts(CustomerCase):
    """Customers by their first purchase, and what they bought since."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cohorts = cls.env["crm.customer.cohort"]
        cls.manager = cls.make_user("manager")

    def cells(self, company=None):
        """``{(month, unit, period): (customers, buyers, purchases, revenue)}``"""
        company = company or self.company
        lines = self.cohorts.sudo().search([("company_id", "=", company.id)])
        return {
            (line.cohort_month, line.unit, line.period): (
                line.customers,
                line.buyers,
                line.purchases,
                line.revenue,
            )
            for line in lines
        }

    def counted(self, ledger):
        """The same in plain Python, of ``{customer: [(day, amount), …]}``."""
        cells = defaultdict(Counter)
        for sales in ledger.values():
            bought = [day for day, amount in sales if amount > 0]
            if not bought:
                continue
            first = min(bought)
            lived = months_since(first, self.as_of + timedelta(days=1))
            for unit, length in MONTHS.items():
                for period in range(lived // length):
                    start, end = period * length, (period + 1) * length
                    inside = [
                        (day, amount)
                        for day, amount in sales
                        if start <= max(months_since(first, day), 0) < end
                    ]
                    days = {day for day, amount in inside if amount > 0}
                    cells[first.replace(day=1), unit, period].update(
                        customers=1,
                        buyers=bool(days),
                        purchases=len(days),
                        revenue=sum(amount for _day, amount in inside),
                    )
        return {
            key: tuple(cell[name] for name in ("customers", "buyers", "purchases", "revenue"))
            for key, cell in cells.items()
        }

    def test_they_are_what_is_counted_one_by_one(self):
        pick = random.Random(3)
        ledger = {}
        for number in range(25):
            customer = self.make_customer(f"Customer {number}")
            days = sorted(pick.sample(range(900), pick.randint(1, 9)), reverse=True)
            ledger[customer] = [(self.ago(day), pick.randint(10, 99)) for day in days]
            if number % 4 == 0:
                ledger[customer].append((self.ago(max(days[-1] - 5, 0)), -5))
        # the last days of months
        odd = self.make_customer("Odd")
        ledger[odd] = [(day, 10) for day in (date(2024, 8, 31), date(2024, 9, 30),
                                            date(2025, 2, 28), date(2025, 5, 30))]  # fmt: skip
        self.make_invoices(
            [(customer, *sale) for customer, sales in ledger.items() for sale in sales]
        )
        self.refresh()
        self.assertEqual(self.cells(), self.counted(ledger))

    def test_a_period_that_is_not_over_has_no_line_and_one_without_purchases_is_0(self):
        customer = self.make_customer()
        self.make_invoice(customer, self.as_of - relativedelta(months=2), 70)
        self.refresh()
        months = {
            key[2]: cell for key, cell in self.cells().items() if key[1] == "month"
        }  # fmt: skip
        self.assertEqual(months, {0: (1, 1, 1, 70), 1: (1, 0, 0, 0)})

    def test_the_first_period_is_over_a_month_after_the_first_purchase(self):
        young = self.make_customer()
        self.make_invoice(young, self.as_of + timedelta(days=1) - relativedelta(months=1))
        self.refresh()
        self.assertEqual({key[2] for key in self.cells() if key[1] == "month"}, {0})
        self.make_invoice(self.make_customer(), self.ago(20))
        self.refresh()
        self.assertEqual(sum(cell[0] for cell in self.cells().values()), 1, "it is too young")

    def test_archived_customers_still_count_and_those_left_out_do_not(self):
        left, refused = self.make_customer("Left"), self.make_customer("Refused")
        for customer in (left, refused):
            self.make_invoice(customer, 100)
        left.active = False
        refused.profiling_optout = True
        self.refresh()
        self.assertEqual({cell[0] for cell in self.cells().values()}, {1})

    def test_a_second_run_of_the_same_day_writes_nothing(self):
        self.make_purchases(self.make_customer(), count=8)
        self.refresh()
        query = "SELECT id, xmin::text FROM crm_customer_cohort ORDER BY id"
        self.env.cr.execute(query)
        before = self.env.cr.fetchall()
        self.refresh()
        self.env.cr.execute(query)
        self.assertTrue(before)
        self.assertEqual(self.env.cr.fetchall(), before)

    def test_a_restated_earlier_day_changes_nothing(self):
        self.make_purchases(self.make_customer(), count=8)
        self.refresh()
        before = self.cells()
        self.refresh(self.ago(90))
        self.assertEqual(self.cells(), before)

    def test_each_company_has_its_own(self):
        other = self.make_company("Other")
        customer = self.make_customer()
        self.make_invoice(customer, 100, 10)
        self.make_invoice(customer, 40, 7, company=other)
        self.refresh(companies=self.company | other)
        self.assertEqual({key[0] for key in self.cells()}, {self.ago(100).replace(day=1)})
        self.assertEqual({cell[3] for cell in self.cells(other).values()}, {7})

    def test_revenue_is_also_in_the_prices_of_today(self):
        self.set_prices(self.as_of, months=36, yearly=0.5)
        customer = self.make_customer()
        self.make_invoice(customer, self.as_of - relativedelta(months=24), 100)
        self.refresh()
        line = self.cohorts.sudo().search(
            [("company_id", "=", self.company.id), ("unit", "=", "year"), ("period", "=", 0)]
        )
        self.assertEqual(line.revenue, 100)
        self.assertAlmostEqual(line.revenue_real, 100 * 1.5**2, delta=0.5)

    def test_the_map_adds_months_up_and_leaves_what_is_not_over_empty(self):
        old, young = self.make_customer("Old"), self.make_customer("Young")
        self.make_invoices(
            [(old, date(2025, 1, 10), 10), (old, date(2025, 2, 20), 30),
             (young, date(2025, 3, 10), 50)]
        )  # fmt: skip
        self.make_invoice(self.make_customer("Of a Year Ago"), date(2024, 5, 1), 20)
        self.refresh()
        shown = self.as_user("crm.customer.cohort", self.manager).heat_map("quarter", "month")
        self.assertEqual([cohort["first"] for cohort in shown["cohorts"]],
                         ["2025-01-01", "2024-04-01"])  # fmt: skip
        cells = shown["cohorts"][0]["cells"]
        self.assertEqual([(cell["customers"], cell["buyers"]) for cell in cells],
                         [(2, 2), (2, 1), (2, 0), (1, 0), (1, 0)])  # fmt: skip
        self.assertEqual(cells[1]["revenue"], 30)
        self.assertEqual(shown["periods"], 14)
        self.assertNotIn("margin", cells[0])
        self.assertFalse(shown["shows_margin"])

    def test_who_sees_own_customers_learns_no_total(self):
        self.make_invoice(self.make_customer(), 100)
        self.refresh()
        for role in ("salesperson", "salesperson_all", "user"):
            user = self.make_user(role)
            with self.assertRaises(AccessError):
                self.as_user("crm.customer.cohort", user).heat_map()
        finance = self.make_user("finance")
        self.assertTrue(self.as_user("crm.customer.cohort", finance).heat_map()["cohorts"])
