from datetime import date, timedelta

from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import SeveralCustomersCase

LINES = "crm.customer.history"


@tagged("post_install", "-at_install")
class TestCustomerHistory(SeveralCustomersCase):
    """How many customers stood where, day by day."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.history = cls.env[LINES].sudo()
        cls.manager = cls.make_user("manager")

    def own(self, *domain):
        return [("company_id", "=", self.company.id), *domain]

    def counts(self, *domain):
        lines = self.history._read_group(self.own(*domain), ["lifecycle_stage"], ["customers:sum"])
        return {stage: count for stage, count in lines if count}

    def test_every_customer_is_counted_in_his_stage(self):
        rows = self.env["crm.customer.profile"].sudo()
        expected = dict(rows._read_group(self.own(), ["lifecycle_stage"], ["__count"]))
        self.assertEqual(self.counts(("date", "=", self.as_of)), expected)
        self.assertEqual(expected["prospect"], 1)

    def test_revenue_is_that_of_the_rows_and_nobody_s_is_not_zero(self):
        [[revenue]] = self.history._read_group(
            self.own(("lifecycle_stage", "=", "loyal")), [], ["revenue_12m:sum"]
        )
        self.assertEqual(revenue, 2400)
        [[revenue]] = self.history._read_group(
            self.own(("lifecycle_stage", "=", "prospect")), [], ["revenue_12m:sum"]
        )
        self.assertFalse(revenue)

    def test_a_day_is_written_once(self):
        query = "SELECT id, xmin::text FROM crm_customer_history ORDER BY id"
        self.env.cr.execute(query)
        before = self.env.cr.fetchall()
        self.refresh()
        self.env.cr.execute(query)
        self.assertTrue(before)
        self.assertEqual(self.env.cr.fetchall(), before)

    def test_a_day_that_is_refreshed_again_is_corrected(self):
        self.make_invoice(self.stranger, 3, 40.0)
        self.refresh()
        self.assertEqual(self.counts(("date", "=", self.as_of))["new"], 3)

    def test_a_restated_earlier_day_changes_nothing(self):
        self.refresh(self.ago(60))
        self.assertEqual(set(self.history.search(self.own()).mapped("date")), {self.as_of})

    def test_the_figures_of_several_days_are_their_average(self):
        before = self.counts()
        self.refresh(self.as_of + timedelta(days=1))
        self.assertEqual(len(set(self.history.search(self.own()).mapped("date"))), 2)
        self.assertEqual(self.counts(), before)

    def test_a_tier_that_is_deleted_takes_nothing_with_it(self):
        tiers = self.set_tiers(0, 500, 1_000_000)
        self.refresh(self.as_of + timedelta(days=1))
        before = self.counts()
        lines = self.history.search(self.own(("tier_id", "=", tiers[-1].id)))
        self.assertTrue(lines)
        tiers[-1].unlink()
        self.env.invalidate_all()
        self.assertFalse(lines.tier_id)
        self.assertEqual(self.counts(), before)

    def test_after_two_years_one_day_a_week_is_kept(self):
        self.env.cr.execute(
            "INSERT INTO crm_customer_history"
            " (company_id, currency_id, date, lifecycle_stage, tier_key, customers)"
            " SELECT %s, %s, day::date, 'loyal', 0, 1"
            " FROM generate_series('2022-06-20'::date, '2022-07-03', '1 day') AS day",
            [self.company.id, self.company.currency_id.id],
        )
        with freeze_time("2025-06-30"):
            self.history._gc_days()
        past = self.history.search(self.own(("date", "<", "2023-01-01")))
        self.assertEqual(set(past.mapped("date")), {date(2022, 6, 26), date(2022, 7, 3)})
        self.assertTrue(self.counts(("date", "=", self.as_of)))

    def test_totals_are_for_managers_and_finance_of_the_company(self):
        for role in ("salesperson", "salesperson_all", "user", "margin"):
            with self.assertRaises(AccessError):
                self.as_user(LINES, self.make_user(role)).search([])
        seen = self.as_user(LINES, self.manager).search([])
        self.assertEqual(seen.company_id, self.company)
        with self.assertRaises(AccessError):
            seen[:1].read(["value_at_risk"])


@tagged("post_install", "-at_install")
class TestCustomerDigest(SeveralCustomersCase):
    """What the digest e-mail tells, and whom."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time(f"{cls.as_of} 08:00:00"))
        cls.digest = cls.env["digest.digest"].create(
            {
                "name": "Digest",
                "company_id": cls.company.id,
                "kpi_crm_customers_at_risk": True,
                "kpi_crm_customers_won_back": True,
                "kpi_crm_tier_moves": True,
                "kpi_crm_value_at_risk": True,
            }
        )
        cls.manager = cls.make_user("manager")
        cls.env["crm.customer.event"].create(
            [
                {
                    "partner_id": partner.id,
                    "company_id": cls.company.id,
                    "date": cls.ago(days),
                    "kind": kind,
                }
                for partner, days, kind in (
                    (cls.at_risk, 0, "at_risk"),
                    (cls.loyal, 3, "at_risk"),
                    (cls.loyal, 0, "tier_up"),
                    (cls.at_risk, 6, "tier_down"),
                    (cls.lost, 20, "won_back"),
                    (cls.lost, 40, "at_risk"),
                )
            ]
        )
        cls.env.flush_all()

    def kpis(self, user):
        """``{name: [last day, last 7 days, last 30 days]}``, as the e-mail has them."""
        self.env.invalidate_all()
        return {
            kpi["kpi_name"].removeprefix("kpi_crm_"): [
                kpi[f"kpi_col{column}"].get("value") for column in (1, 2, 3)
            ]
            for kpi in self.digest._compute_kpis(self.company, user)
        }

    def test_events_are_counted_by_their_days(self):
        self.assertEqual(
            self.kpis(self.manager),
            {"customers_at_risk": [1, 2, 2], "customers_won_back": [0, 0, 1],
             "tier_moves": [1, 2, 2]},
        )  # fmt: skip

    def test_a_salesperson_is_told_of_his_own_customers(self):
        # at_risk is anna's, lost nobody's
        self.assertEqual(
            self.kpis(self.anna),
            {"customers_at_risk": [1, 1, 1], "customers_won_back": [0, 0, 1],
             "tier_moves": [0, 1, 1]},
        )  # fmt: skip

    def test_who_may_not_see_customers_is_told_nothing(self):
        self.assertEqual(self.kpis(self.make_user("employee")), {})

    def test_value_at_risk_is_for_who_may_see_margins_and_the_whole_company(self):
        self.env.cr.execute(
            "UPDATE crm_customer_history SET value_at_risk = 1234"
            " WHERE company_id = %s AND lifecycle_stage = 'at_risk' AND tier_key = ("
            " SELECT MIN(tier_key) FROM crm_customer_history WHERE company_id = %s)",
            [self.company.id, self.company.id],
        )
        both = self.make_user("manager")
        both.group_ids += self.env.ref("crm_extended.group_margin")
        self.assertIn("1.2k", self.kpis(both)["value_at_risk"][0])
        for user in (self.manager, self.anna, self.make_user("margin")):
            self.assertNotIn("value_at_risk", self.kpis(user))

    def test_a_value_that_is_not_known_is_left_out(self):
        both = self.make_user("manager")
        both.group_ids += self.env.ref("crm_extended.group_margin")
        self.assertNotIn("value_at_risk", self.kpis(both))

    def test_each_figure_leads_to_where_it_stands(self):
        actions = self.digest._compute_kpis_actions(self.company, self.manager)
        for name in self.digest._get_kpi_fields():
            self.assertTrue(self.env.ref(actions[name].split("?")[0]), name)
