from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from ..analytics.needs import need_score, repeat_rate
from ..models.crm_customer_category import MOST_ROWS
from .common import CustomerCase

CELL = "crm.customer.category"


class WhiteSpaceWorld(CustomerCase):
    """Twenty workshops buy oil for 100 a year; sixteen of them filters too, for 40. The tender
    buys oil alone, for 100."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.root = cls.env["product.category"].create({"name": "Goods for Garages"})
        cls.oil, cls.filters = cls.env["product.category"].create(
            [
                {"name": "Oil", "parent_id": cls.root.id},
                {"name": "Filters", "parent_id": cls.root.id},
            ]
        )
        cls.can = cls.make_product("Can", categ_id=cls.oil.id)
        cls.filter = cls.make_product("Air Filter", categ_id=cls.filters.id)
        cls.salesperson = cls.make_user("salesperson")
        cls.tender = cls.make_customer("Tender", user_id=cls.salesperson.id)
        cls.others = cls.env["res.partner"].create(
            [{"name": f"Workshop {number}", "is_company": True} for number in range(20)]
        )
        cls.make_baskets(
            [
                (other, 30, {cls.can: 100} | ({cls.filter: 40} if number < 16 else {}))
                for number, other in enumerate(cls.others)
            ]
            + [(cls.tender, 20, {cls.can: 100})]
        )

    def cell(self, customer, category):
        return self.env[CELL].search(
            [
                ("partner_id", "=", customer.id),
                ("category_id", "=", category.id),
                ("company_id", "=", self.company.id),
            ]
        )


@tagged("post_install", "-at_install")
class TestWhiteSpace(WhiteSpaceWorld):
    """What similar customers buy of a category, and this one does not."""

    def test_what_peers_buy_and_he_never_did_is_white_space(self):
        self.refresh()
        cell = self.cell(self.tender, self.filters)
        self.assertEqual(
            (cell.state, cell.peer_count, cell.peer_buyers, cell.peer_amount),
            ("white", 20, 16, 40),
        )
        # sixteen of twenty buy it, half of them for 40 or more
        self.assertEqual(cell.headroom, 32)
        self.assertIn("16 of 20 similar customers do. Offer a sample. About", cell.reason)
        self.assertEqual(self.row(self.tender).white_space_headroom, 32)

    def test_who_buys_as_his_peers_do_could_not_buy_more(self):
        self.refresh()
        self.assertEqual(self.cell(self.tender, self.oil).headroom, 0)
        self.assertEqual(self.cell(self.tender, self.oil).state, "bought")

    def test_what_was_bought_more_than_a_year_ago_is_not_white(self):
        self.make_baskets([(self.tender, 400, {self.filter: 15})])
        self.refresh()
        cell = self.cell(self.tender, self.filters)
        self.assertEqual((cell.state, cell.headroom, cell.amount_12m), ("lapsed", 32, 0))
        self.assertIn("Ask where he buys it now", cell.reason)

    def test_what_few_peers_buy_is_no_white_space(self):
        rare = self.make_product(
            "Rare", categ_id=self.env["product.category"].create({"name": "R"}).id
        )
        self.make_baskets([(other, 30, {rare: 500}) for other in self.others[:4]])
        self.refresh()
        self.assertFalse(self.cell(self.tender, rare.categ_id))

    def test_with_fewer_than_15_peers_nothing_is_compared(self):
        company = self.make_company("Small")
        self.make_invoices([(other, 30, 100) for other in self.others[:14]], company=company)
        self.refresh(companies=company)
        cells = self.env[CELL].search([("company_id", "=", company.id)])
        self.assertFalse(cells.filtered(lambda cell: cell.peer_count or cell.headroom))

    def test_amounts_are_in_prices_of_the_as_of_month(self):
        self.set_prices(last=self.as_of, yearly=1.0)
        self.refresh()
        cell = self.cell(self.others[0], self.oil)
        self.assertGreater(cell.amount_12m, 100)
        self.assertAlmostEqual(
            cell.amount_12m + self.cell(self.others[0], self.filters).amount_12m,
            self.row(self.others[0]).revenue_real_12m,
            delta=0.02,
        )

    def test_categories_of_ten_levels_are_compared_on_the_finest_that_is_not_too_fine(self):
        categories = self.env["product.category"]
        leaves = []
        for branch in range(2):
            parent = self.root
            for level in range(9):
                parent = categories.create({"name": f"{branch}.{level}", "parent_id": parent.id})
            leaves.append(parent)
        self.can.categ_id, self.filter.categ_id = leaves
        self.refresh()
        self.assertEqual(self.cell(self.tender, leaves[1]).state, "white")
        self.patch_most_categories(1)
        self.refresh()
        self.assertFalse(self.cell(self.tender, leaves[1]))
        self.assertEqual(self.cell(self.tender, self.root).state, "bought")

    def patch_most_categories(self, most):
        from ..models import crm_customer_basket

        self.patch(crm_customer_basket, "MOST_CATEGORIES", most)

    def test_products_without_a_category_are_left_out(self):
        self.can.categ_id = False
        self.refresh()
        self.assertFalse(self.cell(self.tender, self.oil))
        self.assertEqual(self.cell(self.tender, self.filters).state, "white")

    def test_likely_need_is_the_propensity_score(self):
        self.make_baskets([(self.tender, 80, {self.can: 10}), (self.tender, 50, {self.filter: 5})])
        self.refresh()
        expected = need_score(2, repeat_rate([2] + [1] * 20), 80, 3)
        self.assertAlmostEqual(self.cell(self.tender, self.oil).need_score, expected)

    def test_what_he_told_of_a_category_goes_before_what_others_buy(self):
        self.env["crm.customer.wallet"].create(
            {
                "partner_id": self.tender.id,
                "company_id": self.company.id,
                "category_id": self.filters.id,
                "amount": 10,
                "date": self.ago(5),
            }
        )
        self.refresh()
        self.assertEqual(self.cell(self.tender, self.filters).headroom, 10)

    def test_cells_go_with_the_customer(self):
        self.refresh()
        self.tender.profiling_optout = True
        self.assertFalse(self.cell(self.tender, self.oil))
        self.refresh()
        self.assertFalse(self.cell(self.tender, self.oil))

    def test_a_refresh_that_reads_no_products_keeps_the_white_space(self):
        self.refresh(self.ago(1))
        from ..models import crm_customer_basket

        self.patch(crm_customer_basket, "NIGHTLY_DOCUMENTS", 0)
        run = (
            self.env["crm.model.run"]
            .sudo()
            .create({"company_id": self.company.id, "as_of": self.as_of, "kind": "scheduled"})
        )
        self.env["crm.customer.profile"].sudo()._refresh_in_transaction(run)
        self.assertEqual((run.state, run.statistics["reads_products"]), ("done", False))
        self.assertEqual(self.row(self.tender).white_space_headroom, 32)
        self.assertEqual(self.cell(self.tender, self.filters).headroom, 32)


@tagged("post_install", "-at_install")
class TestWhiteSpaceWork(WhiteSpaceWorld):
    """What a salesperson does with it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.refresh()

    def own_cell(self, category):
        return self.as_user(self.cell(self.tender, category), self.salesperson)

    def test_a_click_makes_an_opportunity_with_the_reason(self):
        action = self.own_cell(self.filters).action_make_opportunity()
        lead = self.env["crm.lead"].browse(action["res_id"])
        self.assertEqual(lead.name, "Filters for Tender")
        self.assertEqual((lead.opportunity_kind, lead.expected_revenue), ("cross_sell", 32))
        self.assertEqual((lead.partner_id, lead.user_id), (self.tender, self.salesperson))
        self.assertIn("16 of 20 similar customers", lead.description)

    def test_an_open_one_is_opened_again_and_a_closed_one_is_not(self):
        cell = self.own_cell(self.filters)
        first = cell.action_make_opportunity()["res_id"]
        self.assertEqual(cell.action_make_opportunity()["res_id"], first)
        self.env["crm.lead"].browse(first).action_set_lost()
        self.assertNotEqual(cell.action_make_opportunity()["res_id"], first)

    def test_without_amounts_no_amount_is_in_matrix_reason_and_opportunity(self):
        self.set_salespeople_see_amounts(False)
        cell = self.own_cell(self.filters)
        self.assertNotIn("About", cell.reason)
        matrix = cell.white_space(self.row(self.tender).ids)
        self.assertEqual(
            {cell["text"] for row in matrix["cells"].values() for cell in row.values()}, {""}
        )
        lead = self.env["crm.lead"].browse(cell.action_make_opportunity()["res_id"])
        self.assertEqual(lead.expected_revenue, 0)
        with self.assertRaises(AccessError):
            cell.read(["headroom"])

    def test_who_may_see_amounts_tells_none_to_the_owner_of_the_opportunity(self):
        self.set_salespeople_see_amounts(False)
        self.filters.name = "Filters <new> & more"
        manager = self.make_user("sales_manager")
        cell = self.as_user(self.cell(self.tender, self.filters), manager)
        lead = self.env["crm.lead"].browse(cell.action_make_opportunity()["res_id"])
        self.assertEqual((lead.user_id, lead.expected_revenue), (self.salesperson, 0))
        self.assertNotIn("About", lead.description)
        self.assertIn("Filters &lt;new&gt; &amp; more", lead.description)

    def test_a_salesperson_sees_the_matrix_of_his_own_customers(self):
        foreign = self.make_user("salesperson")
        self.tender.user_id = foreign
        cells = self.as_user(CELL, self.salesperson)
        rows = (self.row(self.tender) | self.row(self.others[0])).ids
        self.assertEqual(list(cells.white_space(rows)["cells"]), self.row(self.others[0]).ids)
        with self.assertRaises(AccessError):
            self.own_cell(self.filters).action_make_opportunity()

    def test_a_matrix_of_many_costs_as_many_queries_as_of_one(self):
        rows = self.row(self.tender) | self.env["crm.customer.profile"].search(
            [("partner_id", "in", self.others.ids), ("company_id", "=", self.company.id)]
        )
        counts = []
        # the first time warms up
        for chosen in (rows[:1], rows[:1], rows):
            cells = self.as_user(CELL, self.salesperson)
            with self.queries() as queries:
                matrix = cells.white_space(chosen.ids)
            self.assertEqual(len(matrix["cells"]), len(chosen))
            counts.append(len(queries))
        self.assertLessEqual(counts[2], counts[1])

    def test_the_most_room_comes_first(self):
        matrix = self.env[CELL].white_space(self.row(self.tender).ids)
        self.assertEqual([column["name"] for column in matrix["categories"]], ["Filters", "Oil"])

    def test_too_many_customers_are_refused(self):
        with self.assertRaisesRegex(UserError, "filter the list"):
            self.env[CELL].white_space(list(range(1, MOST_ROWS + 2)))

    def test_the_form_opens(self):
        with Form(self.cell(self.tender, self.filters)) as form:
            self.assertEqual(form.category_id, self.filters)
