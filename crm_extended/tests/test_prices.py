from datetime import date

from dateutil.relativedelta import relativedelta

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from .common import CustomerCase


@tagged("post_install", "-at_install")
class TestRealMoney(CustomerCase):
    """Prices rise by half a year, and nobody is taken to grow for that."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls.make_customer()

    def buy_the_same(self, customer, months=24, goods=100):
        """The same goods in the middle of every month, at the prices of the month."""
        middle = self.as_of.replace(day=15)
        self.make_invoices(
            [
                (
                    customer,
                    middle - relativedelta(months=ago),
                    round(goods * 1.5 ** ((36 - ago) / 12), 2),
                )
                for ago in range(months)
            ]
        )

    def test_constant_purchases_do_not_grow(self):
        self.buy_the_same(self.customer)
        self.refresh()
        row = self.row(self.customer)
        self.assertAlmostEqual(row.real_change_12m, 0.5, places=2, msg="without an index")
        self.assertEqual(row.price_basis, "nominal")
        self.set_prices(self.as_of)
        self.refresh()
        self.assertEqual(row.price_basis, "real")
        self.assertAlmostEqual(row.real_change_12m, 0, delta=0.02)
        self.assertAlmostEqual(row.revenue_real_12m, 12 * 100 * 1.5**3, delta=12)
        self.assertAlmostEqual(row.revenue_real_12m, row.revenue_real_prev_12m, delta=12)

    def test_who_buys_less_shows_although_his_revenue_grows(self):
        middle = self.as_of.replace(day=15)
        self.make_invoices(
            [
                (
                    self.customer,
                    middle - relativedelta(months=ago),
                    (70 if ago < 12 else 100) * 1.5 ** ((36 - ago) / 12),
                )
                for ago in range(24)
            ]
        )
        self.set_prices(self.as_of)
        self.refresh()
        row = self.row(self.customer)
        self.assertGreater(row.revenue_12m, row.revenue_prev_12m)
        self.assertAlmostEqual(row.real_change_12m, -0.3, delta=0.02)

    def test_nobody_moves_tier_because_prices_rise(self):
        self.set_tiers(0, 1000, 3000, measure="revenue")
        for goods, tier in ((50, "Bronze"), (150, "Silver"), (400, "Gold")):
            customer = self.make_customer(tier)
            self.buy_the_same(customer, goods=goods)
        self.set_prices(self.as_of)
        self.company._loyalty_tiers().priced_on = self.as_of - relativedelta(months=35)
        for ago in (365, 200, 100, 0):
            self.refresh(self.ago(ago))
            rows = self.env["crm.customer.profile"].search([("company_id", "=", self.company.id)])
            if ago < 365:
                self.assertEqual(
                    {row.partner_id.name: row.tier_id.name for row in rows},
                    {"Bronze": "Bronze", "Silver": "Silver", "Gold": "Gold"},
                )
        self.assertFalse(
            self.env["crm.customer.event.queue"].search_count(
                [("company_id", "=", self.company.id), ("kind", "in", ["tier_up", "tier_down"])]
            )
        )

    def test_index_that_misses_months_of_the_last_two_years_is_not_used(self):
        self.buy_the_same(self.customer)
        self.set_prices(self.as_of, months=12)
        self.refresh()
        self.assertEqual(self.row(self.customer).price_basis, "nominal")

    def test_index_that_ended_long_ago_is_not_used(self):
        self.buy_the_same(self.customer)
        self.set_prices(self.as_of - relativedelta(months=4))
        self.refresh()
        self.assertEqual(self.row(self.customer).price_basis, "nominal")

    def test_young_company_needs_the_months_it_has(self):
        self.make_invoice(self.customer, 40)
        self.set_prices(self.as_of, months=3)
        self.refresh()
        self.assertEqual(self.row(self.customer).price_basis, "real")

    def test_change_is_unknown_without_the_year_before(self):
        self.make_invoice(self.customer, 40)
        self.refresh()
        row = self.row(self.customer)
        self.assertEqual((row.revenue_real_prev_12m, row.real_change_12m), (0, 0))
        self.env.cr.execute(
            "SELECT real_change_12m IS NULL FROM crm_customer_profile WHERE id = %s", [row.id]
        )
        self.assertTrue(self.env.cr.fetchone()[0])


@tagged("post_install", "-at_install")
class TestPriceIndex(CustomerCase):
    def index(self, *months, **values):
        return self.env["crm.price.index"].create(
            [
                {"company_id": self.company.id, "month": month, "index": 100} | values
                for month in months
            ]
        )

    def test_month_is_kept_by_its_first_day(self):
        self.assertEqual(self.index(date(2025, 3, 17)).month, date(2025, 3, 1))

    def test_index_of_zero_is_refused(self):
        with self.assertRaisesRegex(ValidationError, "enter a number above 0"):
            self.index(date(2025, 3, 1), index=0)

    def test_hole_is_refused_and_named(self):
        with self.assertRaisesRegex(ValidationError, "no value for 2025-02-01"):
            self.index(date(2025, 1, 1), date(2025, 3, 1))

    def test_month_in_between_is_not_deleted(self):
        lines = self.index(date(2025, 1, 1), date(2025, 2, 1), date(2025, 3, 1))
        with self.assertRaisesRegex(ValidationError, "no value for 2025-02-01"):
            lines[1].unlink()

    def test_months_are_imported_from_a_file(self):
        manager = self.make_user("manager")
        lines = self.as_user("crm.price.index", manager)
        result = lines.load(["month", "index"], [["2025-02-01", "102.5"], ["2025-01-01", "100"]])
        self.assertFalse(result["messages"])
        self.assertEqual(
            self.company._price_index(), {date(2025, 1, 1): 100, date(2025, 2, 1): 102.5}
        )

    def take(self, **values):
        currency = self.env["res.currency"].create({"name": "TST", "symbol": "T"})
        self.env["res.currency.rate"].create(
            [
                {
                    "currency_id": currency.id,
                    "name": day,
                    "rate": rate,
                    "company_id": self.company.id,
                }
                for day, rate in (
                    (self.ago(100), 1.0),
                    (self.ago(70), 0.8),
                    (self.ago(0), 0.5),
                )
            ]
        )
        return self.env["crm.price.index.currency"].create(
            {"currency_id": currency.id, "company_id": self.company.id} | values
        )

    def test_rates_of_a_currency_become_the_index(self):
        self.take(month_from=self.ago(70)).action_take()
        index = self.company._price_index()
        self.assertEqual(list(index.values())[0], 100)
        self.assertEqual(max(index.values()), 181.8182, "from a mean of 1.1 to 2")
        self.assertEqual(list(index)[0], self.ago(70).replace(day=1))
        self.assertEqual(set(self.env["crm.price.index"].search([]).mapped("source")), {"currency"})

    def test_rates_are_taken_again_every_month(self):
        wizard = self.take(month_from=self.ago(70))
        wizard.action_take()
        before = self.company._price_index()
        wizard.action_take()
        self.assertEqual(self.company._price_index(), before)

    def test_later_start_leaves_no_fall_in_prices(self):
        wizard = self.take(month_from=self.ago(70))
        wizard.action_take()
        wizard.month_from = self.ago(40)
        wizard.action_take()
        levels = list(self.company._price_index().values())
        self.assertEqual(levels, sorted(levels))
        self.assertEqual(levels[0], 100)

    def test_rate_of_the_companys_own_currency_counts(self):
        base = self.env["res.currency"].create({"name": "BSE", "symbol": "B"})
        self.env["res.currency.rate"].create(
            [
                {
                    "currency_id": self.company.currency_id.id,
                    "name": self.ago(day),
                    "rate": rate,
                    "company_id": self.company.id,
                }
                for day, rate in ((200, 1.0), (90, 2.0))
            ]
        )
        self.env["crm.price.index.currency"].create(
            {"currency_id": base.id, "company_id": self.company.id, "month_from": self.ago(170)}
        ).action_take()
        self.assertEqual(list(self.company._price_index().values())[4], 200)

    def test_currency_without_rates_is_refused(self):
        with self.assertRaisesRegex(UserError, "enter its rates, or begin later"):
            self.take(month_from=self.ago(1000)).action_take()

    def test_what_was_typed_is_not_overwritten(self):
        self.index(date(2025, 1, 1))
        with self.assertRaisesRegex(UserError, "typed or imported"):
            self.take(month_from=self.ago(70)).action_take()
