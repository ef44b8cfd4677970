from odoo.exceptions import AccessError
from odoo.tests import freeze_time, tagged

from .common import AS_OF, SeveralCustomersCase
from .test_letting_go import LettingGoWorld

OVERVIEW, WHALE = "crm.customer.overview", "crm.customer.whale"


class OverviewCase(LettingGoWorld, SeveralCustomersCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time(AS_OF))
        cls.manager = cls.make_user("sales_manager", companies=cls.company | cls.other_company)
        cls.owner = cls.make_owner()

    def report(self, model, user, companies=None):
        return self.as_user(model, user, companies or self.company).report()

    def figures(self, user, companies=None):
        """``{name: figure}`` of the first company."""
        [block, *_others] = self.report(OVERVIEW, user, companies)
        cards = block["cards"]
        figures = [figure for card in cards for figure in card["figures"]]
        figures += [figure for card in cards for row in card["rows"] for figure in row["figures"]]
        return {figure["name"]: figure for figure in figures}

    def opened(self, figure, user):
        action = figure["action"]
        return self.as_user(action["res_model"], user).search(action["domain"])


@tagged("post_install", "-at_install")
class TestOverview(OverviewCase):
    def test_numbers_are_those_of_the_customers_that_they_open(self):
        figures = self.figures(self.manager)
        counts = [
            name
            for name in figures
            if name == "at_risk" or name.startswith(("new_", "lost_", "won_back_"))
        ]
        self.assertEqual(len(counts), 10)
        for name in counts:
            rows = self.opened(figures[name], self.manager)
            self.assertEqual(figures[name]["value"], str(len(rows)), name)
        self.assertEqual(self.opened(figures["at_risk"], self.manager).partner_id, self.at_risk)
        new = self.opened(figures["new_90"], self.manager).partner_id
        self.assertEqual(new, self.returner | self.shared)
        lost = self.opened(figures["lost_365"], self.manager).partner_id
        self.assertEqual(lost, self.lost)

    def test_sales_are_those_of_the_rows_and_said_to_be_nominal_without_an_index(self):
        figures = self.figures(self.manager)
        rows = self.opened(figures["revenue_12m"], self.manager)
        self.assertEqual(sum(rows.mapped("revenue_12m")), 600 + 2400 + 50)
        self.assertIn("3,050", figures["revenue_12m"]["value"])
        self.assertNotIn("real_change", figures)
        [block] = self.report(OVERVIEW, self.manager)
        self.assertIn("no price index", block["cards"][0]["says"])

    def test_price_rises_are_taken_out_where_there_is_an_index(self):
        self.set_prices(self.as_of, months=40)
        self.refresh()
        figures = self.figures(self.manager)
        rows = self.env["crm.customer.profile"].search([("company_id", "=", self.company.id)])
        real, before = (
            sum(rows.mapped(name)) for name in ("revenue_real_12m", "revenue_real_prev_12m")
        )
        self.assertGreater(before, 0)
        self.assertIn(f"{round((real / before - 1) * 100)}", figures["real_change"]["value"])

    def test_ten_largest_and_what_is_at_stake(self):
        figures = self.figures(self.manager)
        self.assertEqual(figures["largest"]["value"].strip(), "100\N{NO-BREAK SPACE}%")
        self.assertIn("600", figures["revenue_at_stake"]["value"])
        self.assertNotIn("value_at_risk", figures, "that is for who sees margins")

    def test_overdue_is_what_the_customers_owe(self):
        self.update_row(self.loyal, overdue_amount=1200, overdue_since=self.ago(40))
        self.update_row(self.lost, overdue_amount=34, overdue_since=self.ago(400))
        figures = self.figures(self.manager)
        rows = self.opened(figures["overdue_amount"], self.manager)
        owed = sum(rows.mapped("overdue_amount"))
        self.assertEqual((rows.partner_id, owed), (self.loyal | self.lost, 1234))
        self.assertIn("1,234", figures["overdue_amount"]["value"])
        self.assertIn("2", figures["overdue_amount"]["says"])

    def test_margin_parts_are_for_the_margin_group(self):
        margin = {"loss_makers", "undecided", "open_decisions", "due", "value_at_risk"}
        self.assertFalse(margin & set(self.figures(self.manager)))
        self.assertTrue(margin <= set(self.figures(self.owner)))
        [block] = self.report(OVERVIEW, self.manager)
        self.assertFalse(block["whale"])
        [block] = self.report(OVERVIEW, self.owner)
        self.assertTrue(block["whale"])

    def test_loss_makers_and_decisions_are_counted(self):
        self.set_contribution(self.loyal, -50)
        self.set_contribution(self.at_risk, -10)
        decision = self.propose(self.loyal)
        decision.action_decide()
        figures = self.figures(self.owner)
        found = {name: figures[name]["value"] for name in ("loss_makers", "undecided", "due")}
        self.assertEqual(found, {"loss_makers": "2", "undecided": "1", "due": "0"})
        self.assertEqual(self.opened(figures["undecided"], self.owner).partner_id, self.at_risk)
        with freeze_time(decision.date_review):
            figures = self.figures(self.owner)
            self.assertEqual(self.opened(figures["due"], self.owner), decision)

    def test_companies_stand_side_by_side_and_are_never_added_up(self):
        blocks = self.report(OVERVIEW, self.manager, self.company | self.other_company)
        self.assertEqual(
            [block["company"] for block in blocks], [self.company.name, self.other_company.name]
        )
        [here, there] = [
            {figure["name"]: figure for figure in block["cards"][0]["figures"]} for block in blocks
        ]
        self.assertIn("3,050", here["revenue_12m"]["value"])
        self.assertIn("7,777", there["revenue_12m"]["value"])

    def test_what_is_not_known_is_said(self):
        figures = self.figures(self.owner)
        for name in ("silence", "earned", "value_at_risk"):
            self.assertIsNone(figures[name]["value"], name)
            self.assertTrue(figures[name]["says"], name)
        fresh = self.make_company("Fresh Company")
        self.owner.company_ids += fresh
        [block] = self.report(OVERVIEW, self.owner, fresh)
        self.assertEqual((block["as_of"], block["cards"], block["whale"]), (False, [], False))

    def test_called_silent_is_told_from_the_judged_forecasts(self):
        bars = [
            {"customers": 200, "predicted": 0.1, "actual": 0.07, "low": 0, "high": 0},
            {"customers": 100, "predicted": 0.8, "actual": 0.9, "low": 0, "high": 0},
        ]
        backtest = self.env["crm.model.backtest"].create(
            {
                "company_id": self.company.id,
                "as_of": self.ago(90),
                "kind": "stored",
                "grade": "a",
                "bars": bars,
            }
        )
        figure = self.figures(self.manager)["silence"]
        self.assertEqual((figure["value"], figure["action"]["res_id"]), ("93", backtest.id))

    def test_what_playbooks_earned_is_told_with_their_verdict(self):
        playbook = self.env["crm.playbook"].create({"name": "Call Early"})
        result = self.env["crm.playbook.result"].create(
            {
                "kind": "playbook",
                "playbook_id": playbook.id,
                "company_id": self.company.id,
                "treated_count": 5,
                "held_out_count": 5,
                "orders_verdict": "too_early",
                "revenue_verdict": "too_early",
            }
        )
        self.assertIn("earned", self.figures(self.manager), "nothing can be told yet")
        result.write({"orders_verdict": "cannot_tell", "revenue_verdict": "cannot_tell"})
        figure = self.figures(self.manager)[f"result_{result.id}"]
        self.assertEqual((figure["label"], figure["value"]), ("Call Early", "Cannot tell yet"))
        self.assertEqual(figure["action"]["res_id"], result.id)

    def test_it_is_for_managers(self):
        for role in ("salesperson", "finance", "margin"):
            with self.subTest(role), self.assertRaises(AccessError):
                self.report(OVERVIEW, self.make_user(role))

    def test_page_costs_as_many_queries_for_many_customers_as_for_few(self):
        def count():
            for _time in range(2):
                self.report(OVERVIEW, self.owner)
            overview = self.as_user(OVERVIEW, self.owner, self.company)
            with self.queries() as queries:
                overview.report()
            return len(queries)

        few = count()
        customers = [self.make_customer(f"Customer {number}") for number in range(30)]
        self.make_invoices([(customer, 10, 100) for customer in customers])
        self.refresh()
        self.assertEqual(count(), few)
        self.assertLess(few, 40)


@tagged("post_install", "-at_install")
class TestWhale(OverviewCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        unknown = {"margin_state": "unknown", "margin_12m": None, "contribution_12m": None}
        for row in cls.env["crm.customer.profile"].search([("company_id", "=", cls.company.id)]):
            cls.update_row(row.partner_id, margin_coverage=None, **unknown)

    def whale(self, user):
        [report] = self.report(WHALE, user)
        return report, {figure["name"]: figure for figure in report["figures"]}

    def test_curve_is_that_of_the_rows(self):
        self.set_contribution(self.loyal, 100)
        self.set_contribution(self.at_risk, 60)
        self.set_contribution(self.shared, -40)
        report, figures = self.whale(self.owner)
        self.assertEqual(report["measure"], "contribution_12m")
        points = [
            (point["customers"], round(point["amount"] * 160), point["lowest"])
            for point in report["points"]
        ]
        # of the others nothing is known: they are left out
        self.assertEqual(points, [(0, 0, None), (1, 100, 100), (2, 160, 60), (3, 120, -40)])
        self.assertIn("120", figures["total"]["value"])
        self.assertIn("160", figures["peak"]["value"])
        self.assertEqual(figures["lost"]["value"], "25\N{NO-BREAK SPACE}%")
        self.assertEqual(self.opened(figures["lost"], self.owner).partner_id, self.shared)
        self.assertIn("100", report["says"][0])
        self.assertTrue(any("2" in sentence for sentence in report["says"][1:]))

    def test_without_costs_it_says_so_and_shows_how_revenue_is_spread(self):
        report, figures = self.whale(self.owner)
        self.assertIn("install Margins", report["says"][0])
        self.assertEqual(report["measure"], "revenue_12m")
        # 2,400 of 3,050 from the first of three
        amounts = [round(point["amount"] * 3050) for point in report["points"]]
        self.assertEqual(amounts, [0, 2400, 3000, 3050])
        rows = self.opened(figures["total"], self.owner)
        self.assertEqual(sum(rows.mapped("revenue_12m")), 3050)

    def test_who_sees_no_margins_learns_nothing_of_them(self):
        before = self.whale(self.manager)
        self.set_contribution(self.loyal, 100)
        self.set_contribution(self.shared, -40)
        self.assertEqual(self.whale(self.manager), before)
        self.assertEqual(before[0]["measure"], "revenue_12m")

    def test_salesperson_gets_the_curve_of_his_own_customers(self):
        report, figures = self.whale(self.anna)
        self.assertEqual(len(report["points"]), 2, "600 of one customer")
        self.assertIn("600", figures["total"]["value"])
        self.set_salespeople_see_amounts(False)
        with self.assertRaises(AccessError):
            self.whale(self.anna)
