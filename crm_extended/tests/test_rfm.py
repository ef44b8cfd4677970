from datetime import date, datetime, time
from decimal import Decimal

from odoo.tests import tagged

from odoo.addons.crm_extended.analytics import rfm

from .common import CustomerCase
from .ledger import LedgerWriter
from .reference import Invoice, InvoiceLine, Ledger, Order, OrderLine

SEGMENTS_OF_STAGE = {
    "prospect": {"prospects"},
    "new": {"new", "promising"},
    "at_risk": {"at_risk", "needs_attention", "almost_lost"},
    "lost": {"previously_loyal", "dormant"},
    "normal": {"champions", "loyal", "active", "promising", "needs_attention"},
    "loyal": {"champions", "loyal", "active", "promising", "needs_attention"},
    "won_back": {"champions", "loyal", "active", "promising", "needs_attention"},
}


class RfmCase(CustomerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        units = {Decimal(1): cls.env.ref("uom.product_uom_unit")}
        currencies = {Decimal(1): cls.company.currency_id}
        cls.writer = LedgerWriter(cls.company, [], cls.product, cls.product, units, currencies)

    @classmethod
    def make_customers(cls, count, days=lambda number: [100 + number], amount=lambda number: 100):
        """Customers who bought so many days ago for such an amount, by their number."""
        partners = cls.env["res.partner"].create(
            [{"name": f"Buyer {number}", "is_company": True} for number in range(count)]
        )
        cls.writer.partners = [[partner] for partner in partners]
        cls.writer.write_documents(
            Ledger(
                invoices=[
                    Invoice(
                        number, cls.ago(day), [InvoiceLine(Decimal(1), Decimal(amount(number)))]
                    )
                    for number in range(count)
                    for day in days(number)
                ]
            )
        )
        return partners

    def scores(self, customer):
        row = self.row(customer)
        return row.r_score, row.f_score, row.m_score


@tagged("post_install", "-at_install")
class TestScores(RfmCase):
    # a day on which scores are cut
    as_of = date(2025, 4, 1)

    def test_below_twenty_customers_nobody_is_scored(self):
        customers = self.make_customers(19)
        prospect = self.make_customer("Prospect")
        self.make_lead(prospect)
        self.refresh()
        for customer in customers:
            self.assertEqual(self.scores(customer), (0, 0, 0), "too few to compare")
            self.assertFalse(self.row(customer).rfm_segment, "no name without scores")
        self.env.cr.execute(
            "SELECT COUNT(r_score), COUNT(f_score), COUNT(m_score)"
            " FROM crm_customer_profile WHERE company_id = %s",
            (self.company.id,),
        )
        self.assertEqual(self.env.cr.fetchone(), (0, 0, 0), "unknown, and not zero")
        self.assertEqual(self.row(prospect).rfm_segment, "prospects", "he needs no score")

    def test_from_twenty_customers_scores_are_thirds(self):
        customers = self.make_customers(21, amount=lambda number: 10 + number)
        self.refresh()
        for position in (0, 2):
            self.assertEqual(
                {self.scores(customer)[position] for customer in customers},
                {1, 3, 5},
                "below 50 customers there are three groups",
            )

    def test_from_fifty_customers_scores_are_fifths(self):
        customers = self.make_customers(50, amount=lambda number: 10 + number)
        self.refresh()
        for position in (0, 2):
            found = [self.scores(customer)[position] for customer in customers]
            self.assertEqual(
                {score: found.count(score) for score in range(1, 6)},
                dict.fromkeys(range(1, 6), 10),
                "five groups of a fifth",
            )

    def test_equal_customers_have_equal_scores(self):
        customers = self.make_customers(
            60, days=lambda number: [100] if number < 45 else [100, 60, 30]
        )
        self.refresh()
        self.assertEqual(
            len({self.scores(customer) for customer in customers[:45]}),
            1,
            "45 customers who bought once, the same day, for the same money",
        )
        self.assertLess(
            self.scores(customers[0])[1],
            self.scores(customers[59])[1],
            "who bought more often scores higher",
        )

    def test_recent_frequent_and_large_is_five(self):
        customers = self.make_customers(
            60,
            days=lambda number: [number, *range(100, 159 - number)],
            amount=lambda number: 600 - number,
        )
        self.refresh()
        self.assertEqual(self.scores(customers[0]), (5, 5, 5), "the best of each")
        self.assertEqual(self.scores(customers[59]), (1, 1, 1), "the worst of each")

    def test_excluded_accounts_do_not_cut_the_scores(self):
        customers = self.make_customers(25, amount=lambda number: 10 + number)
        self.env["crm.customer.exclusion"].create(
            [
                {"partner_id": customer.id, "company_id": self.company.id}
                for customer in customers[:6]
            ]
        )
        self.refresh()
        self.assertEqual(self.scores(customers[24]), (0, 0, 0), "19 customers are too few")

    def test_scores_and_names_are_those_of_the_plain_functions(self):
        customers = self.make_customers(
            60,
            days=lambda number: range(number % 7 * 30, 800, 20 + number),
            amount=lambda number: 5 + number % 11,
        )
        run = self.refresh()
        cuts = run.sudo().cut_points
        for customer in customers:
            row = self.row(customer)
            recency = rfm.recency_score((self.as_of - row.last_purchase_date).days, cuts["recency"])
            frequency = rfm.score(row.purchase_count, cuts["frequency"])
            money = rfm.score(row.revenue_total, [float(cut) for cut in cuts["money"]])
            self.assertEqual(self.scores(customer), (recency, frequency, money))
            self.assertEqual(
                row.rfm_segment, rfm.segment(row.lifecycle_stage, recency, frequency, money)
            )

    def test_the_name_never_contradicts_the_stage(self):
        self.make_customers(
            60,
            days=lambda number: range(number * 7, 900, 12 + number % 5 * 30),
            amount=lambda number: 5 + number % 11,
        )
        self.refresh()
        rows = self.env["crm.customer.profile"].search([("company_id", "=", self.company.id)])
        stages = set(rows.mapped("lifecycle_stage"))
        self.assertLessEqual({"at_risk", "lost", "normal"}, stages, "the world has many stages")
        for row in rows:
            self.assertIn(row.rfm_segment, SEGMENTS_OF_STAGE[row.lifecycle_stage])


@tagged("post_install", "-at_install")
class TestCutPoints(RfmCase):
    """60 customers had bought by the first of April, as of the end of June."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customers = cls.make_customers(60, amount=lambda number: 10 + number)
        cls.first_run = cls.refresh()

    def setUp(self):
        super().setUp()
        self.writer.partners = [[customer] for customer in self.customers]

    def cuts(self, run):
        return {name: value for name, value in run.sudo().cut_points.items() if name != "customers"}

    def everybody_buys(self, day):
        lines = [InvoiceLine(Decimal(1), Decimal(1000))]
        self.writer.write_documents(
            Ledger(invoices=[Invoice(number, self.ago(day), lines) for number in range(60)])
        )

    def test_cut_points_are_those_of_the_first_day_of_the_quarter(self):
        self.assertEqual(self.first_run.cut_on, date(2025, 4, 1))
        self.assertEqual(self.cuts(self.first_run)["money"], ["21.00", "33.00", "45.00", "57.00"])

    def test_cut_points_hold_for_the_quarter(self):
        self.everybody_buys(day=200)
        self.assertEqual(
            self.cuts(self.refresh()),
            self.cuts(self.first_run),
            "what was cut stays, even if somebody posts an old invoice",
        )
        self.assertEqual({self.scores(customer)[2] for customer in self.customers}, {5})

    def test_cut_points_are_cut_anew_in_the_next_quarter(self):
        self.everybody_buys(day=50)
        run = self.refresh(date(2025, 7, 1))
        self.assertEqual(run.cut_on, date(2025, 7, 1))
        self.assertNotEqual(self.cuts(run), self.cuts(self.first_run))

    def test_restating_another_quarter_keeps_the_cut_points_of_this_one(self):
        self.everybody_buys(day=200)
        self.refresh(date(2025, 3, 31))
        self.assertEqual(self.cuts(self.refresh()), self.cuts(self.first_run))

    def test_another_source_of_purchases_is_cut_anew(self):
        moment = datetime.combine(self.ago(120), time(12))
        self.writer.write_documents(
            Ledger([Order(n, moment, [OrderLine(Decimal(1), Decimal(7))]) for n in range(60)])
        )
        self.company.customer_purchase_source = "order"
        self.assertEqual(
            self.cuts(self.refresh())["money"],
            ["7.00"] * 4,
            "cut-points of invoices say nothing of orders",
        )

    def test_imported_history_is_cut_anew(self):
        self.make_customers(30, amount=lambda number: 1)
        self.assertNotEqual(
            self.cuts(self.refresh()), self.cuts(self.first_run), "it is another population"
        )

    def test_young_company_is_cut_on_the_day_itself(self):
        company = self.make_company("Young Company")
        customers = self.customers[:55]
        self.make_invoices(
            [(customer, 30, 10 + number) for number, customer in enumerate(customers)], company
        )
        run = self.refresh(companies=company)
        self.assertEqual(run.cut_on, self.as_of, "nobody had bought on the first of April")
        self.assertEqual(self.row(customers[54], company).m_score, 5)
