from datetime import datetime

from odoo import Command
from odoo.tests import tagged

from odoo.addons.crm_extended.tests.common import CustomerCase
from odoo.addons.crm_extended.tests.ledger import stored_rows
from odoo.addons.crm_extended_margin.hooks import post_init_hook


class MarginCase(CustomerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.customer_margin_since = False
        cls.customer = cls.make_customer()
        cls.product.standard_price = 60
        cls.goods = cls.make_product("Goods", type="consu", standard_price=2.0)
        cls.margin_user = cls.make_user("margin")

    def assert_row(self, rule, **expected):
        self.refresh()
        row = stored_rows(self.env, self.company)[self.customer.id]
        found = {
            name: float(value)
            if (value := row[name]) is not None and name != "margin_state"
            else value
            for name in expected
        }
        self.assertEqual(found, expected, rule)

    def sell(self, day, lines, **values):
        """An order of ``lines`` and its invoice, both of that day."""
        order = self.make_order(
            self.customer,
            day,
            order_line=[
                Command.create({"tax_ids": [Command.clear()], "product_uom_qty": 1} | line)
                for line in lines
            ],
            **values,
        )
        return self.invoice_order(order, day)

    def foreign_pricelist(self, rate):
        currency = self.env["res.currency"].create({"name": "TST", "symbol": "T"})
        self.env["res.currency.rate"].create(
            {
                "currency_id": currency.id,
                "company_id": self.company.id,
                "name": self.ago(2000),
                "rate": rate,
            }
        )
        return self.env["product.pricelist"].create(
            {"name": "Foreign", "currency_id": currency.id, "company_id": self.company.id}
        )


@tagged("post_install", "-at_install")
class TestMargin(MarginCase):
    def test_margin_is_revenue_less_the_cost_frozen_on_the_order(self):
        self.sell(9, [{"product_id": self.product.id, "price_unit": 100}])
        self.product.standard_price = 90
        self.assert_row(
            "a cost of today changes no margin of the past",
            margin_12m=40,
            margin_coverage=1,
            margin_state="known",
        )

    def test_cost_follows_the_unit(self):
        dozen = self.env.ref("uom.product_uom_dozen")
        values = {"product_id": self.goods.id, "product_uom_id": dozen.id}
        self.sell(9, [values | {"product_uom_qty": 3, "price_unit": 60}])
        self.assert_row("three dozens at 60, each unit cost 2", margin_12m=180 - 72)

    def test_invoice_in_another_unit_than_the_order(self):
        dozen = self.env.ref("uom.product_uom_dozen")
        values = {"product_id": self.goods.id, "product_uom_id": dozen.id}
        order = self.make_order(
            self.customer,
            9,
            order_line=[Command.create(values | {"price_unit": 60, "tax_ids": False})],
        )
        invoice = order._create_invoices()
        invoice.invoice_line_ids.write(
            {
                "product_uom_id": self.env.ref("uom.product_uom_unit").id,
                "quantity": 12,
                "price_unit": 5,
            }
        )
        invoice.write({"invoice_date": self.ago(9), "date": self.ago(9)})
        invoice.action_post()
        self.assert_row("twelve units are the dozen", revenue_12m=60, margin_12m=60 - 24)

    def test_foreign_order_has_its_margin_in_the_companys_currency(self):
        pricelist = self.foreign_pricelist(4)
        self.sell(
            9, [{"product_id": self.product.id, "price_unit": 400}], pricelist_id=pricelist.id
        )
        self.assert_row("400 are 100 of ours, the cost is 60", revenue_12m=100, margin_12m=40)

    def test_discount_line_costs_nothing_and_is_known(self):
        self.sell(
            9,
            [
                {"product_id": self.product.id, "price_unit": 100},
                {"product_id": self.make_product("Discount").id, "price_unit": -10},
            ],
        )
        self.assert_row("the discount lowers the margin", margin_12m=30, margin_state="known")

    def test_line_without_cost_is_not_known(self):
        free = self.make_product("No cost")
        self.sell(
            9,
            [
                {"product_id": self.product.id, "price_unit": 300},
                {"product_id": free.id, "price_unit": 100},
            ],
        )
        self.assert_row(
            "three quarters of the amounts have a cost",
            margin_12m=240,
            margin_coverage=0.75,
            margin_state="partial",
        )

    def test_invoice_without_order_is_not_known(self):
        self.make_invoice(self.customer, 9, 100)
        self.assert_row(
            "nothing froze its cost",
            margin_12m=None,
            contribution_12m=None,
            margin_coverage=0,
            margin_state="unknown",
        )

    def test_customer_without_sales_of_the_year_brought_nothing(self):
        self.sell(500, [{"product_id": self.product.id, "price_unit": 100}])
        self.assert_row("no sales, no margin: that is known", margin_12m=0, margin_state="known")

    def test_down_payment_leaves_the_margin_whole(self):
        order = self.make_order(
            self.customer,
            30,
            order_line=[
                Command.create({"product_id": self.product.id, "price_unit": 100, "tax_ids": False})
            ],
        )
        for method, day in (("percentage", 29), ("delivered", 9)):
            known = order.invoice_ids
            self.env["sale.advance.payment.inv"].with_context(
                active_model="sale.order", active_ids=order.ids, active_id=order.id
            ).create({"advance_payment_method": method, "amount": 30}).create_invoices()
            invoice = order.invoice_ids - known
            invoice.write({"invoice_date": self.ago(day), "date": self.ago(day)})
            invoice.action_post()
        self.assert_row(
            "the final invoice carries the whole margin",
            revenue_12m=100,
            margin_12m=40,
            margin_state="known",
        )

    def test_invoice_line_over_several_order_lines_counts_its_money_once(self):
        first = self.make_order(self.customer, 30, 100)
        self.product.standard_price = 80
        second = self.make_order(self.customer, 20, 100)
        invoice = self.invoice_order(first, 9)
        invoice.button_draft()
        line = invoice.invoice_line_ids.filtered(lambda line: line.display_type == "product")
        line.write({"quantity": 2, "sale_line_ids": [Command.link(second.order_line.id)]})
        invoice.action_post()
        self.assert_row("two units that cost 60 and 80", revenue_12m=200, margin_12m=60)

    def test_line_of_several_orders_is_known_only_if_each_cost_is(self):
        first = self.make_order(self.customer, 30, 100)
        second = self.make_order(self.customer, 20, 100)
        second.order_line.purchase_price = 0
        invoice = self.invoice_order(first, 9)
        invoice.invoice_line_ids.write({"sale_line_ids": [Command.link(second.order_line.id)]})
        self.assert_row("half of its cost is missing", margin_12m=None, margin_state="unknown")


@tagged("post_install", "-at_install")
class TestMarginOfReturns(MarginCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.order = cls.make_order(
            cls.customer,
            60,
            order_line=[
                Command.create(
                    {
                        "product_id": cls.goods.id,
                        "product_uom_qty": 50,
                        "price_unit": 3,
                        "tax_ids": False,
                    }
                )
            ],
        )
        cls.invoice = cls.invoice_order(cls.order, 50)

    def credit(self, **line):
        refund = self.invoice._reverse_moves(
            [{"invoice_date": self.ago(5), "date": self.ago(5)}], cancel=False
        )
        refund.invoice_line_ids.write(line)
        refund.action_post()
        return refund

    def test_returned_goods_take_their_cost_back(self):
        self.credit(quantity=10)
        self.assert_row("40 of 50 remain", revenue_12m=120, margin_12m=40, margin_state="known")

    def test_whole_reversal_leaves_no_margin(self):
        self.make_invoice(self.customer, 3)
        self.credit()
        self.assert_row("nothing was earned", revenue_12m=100, margin_12m=0)

    def test_price_concession_takes_no_cost_back(self):
        self.make_credit_note(self.customer, 5, 20, self.invoice)
        self.assert_row(
            "the customer keeps the goods, we lose the money",
            revenue_12m=130,
            margin_12m=30,
            margin_state="known",
        )

    def test_goods_that_come_back_without_order_are_not_known(self):
        line = Command.create(
            {"product_id": self.goods.id, "quantity": 10, "price_unit": 3, "tax_ids": False}
        )
        self.make_credit_note(self.customer, 5, invoice_line_ids=[line])
        self.assert_row("what they cost is not recorded", margin_12m=50, margin_state="partial")


@tagged("post_install", "-at_install")
class TestCostsFrozenSince(MarginCase):
    def test_orders_from_before_costs_were_frozen_are_not_known(self):
        self.sell(9, [{"product_id": self.product.id, "price_unit": 100}])
        self.company.customer_margin_since = datetime(9999, 1, 1)
        self.assert_row(
            "Odoo filled in the cost of the day on which Margins was installed",
            margin_12m=None,
            margin_state="unknown",
        )
        self.company.customer_margin_since = datetime(2000, 1, 1)
        self.assert_row("from then on costs are frozen", margin_12m=40, margin_state="known")

    def test_orders_as_purchases_follow_the_same_date(self):
        self.company.customer_purchase_source = "order"
        self.make_order(self.customer, 9, 100)
        self.assert_row("its cost is frozen", margin_12m=40, margin_state="known")
        self.company.customer_margin_since = datetime(9999, 1, 1)
        self.assert_row("its cost is of a later day", margin_12m=None, margin_state="unknown")

    def test_installation_notes_the_moment_for_each_company(self):
        archived = self.make_company("Archived Company")
        self.env.user.company_ids -= archived
        archived.active = False
        kept = datetime(2020, 1, 1)
        self.company.customer_margin_since = kept
        archived.customer_margin_since = False
        post_init_hook(self.env)
        self.assertTrue(archived.customer_margin_since, "archived companies too")
        self.assertEqual(self.company.customer_margin_since, kept, "what was entered is kept")

    def test_new_company_freezes_costs_from_its_first_day(self):
        self.assertTrue(self.make_company("New Company").customer_margin_since)


@tagged("post_install", "-at_install")
class TestLossMakers(MarginCase):
    """Deliveries cost 50; each order brings a margin of 40."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.customer_cost_delivery = 50

    def sell_on(self, *days, price=100):
        for day in days:
            self.sell(day, [{"product_id": self.product.id, "price_unit": price}])

    def is_loss_maker(self):
        self.refresh()
        return self.row(self.customer).loss_maker_flag

    def test_contribution_is_margin_less_cost_to_serve(self):
        self.sell_on(9, 39)
        self.assert_row(
            "two orders bring 80 and cost 100",
            margin_12m=80,
            cost_to_serve_12m=100,
            contribution_12m=-20,
        )

    def test_loss_in_two_windows_running_makes_a_loss_maker(self):
        self.sell_on(300, 100)
        self.assertTrue(self.is_loss_maker(), "he costs more than he brings, and did so before")

    def test_loss_of_one_window_is_no_pattern(self):
        self.sell_on(500, price=500)
        self.sell_on(100, 90)
        self.assertFalse(self.is_loss_maker(), "half a year ago he still brought money")

    def test_first_half_year_is_excused(self):
        self.sell_on(183)
        self.assertTrue(self.is_loss_maker(), "183 days after the first purchase")
        self.refresh(self.ago(1))
        self.assertFalse(self.row(self.customer).loss_maker_flag, "never in the first half year")

    def test_nobody_is_accused_without_costs(self):
        self.sell_on(300, 100)
        self.make_invoices([(self.customer, 300, 60), (self.customer, 100, 60)])
        self.assertFalse(self.is_loss_maker(), "costs are known for less than 80 % of revenue")

    def test_reason_names_the_loss_for_those_who_may_see_margins(self):
        self.sell_on(300, 100)
        self.refresh()
        row = self.row(self.customer)
        seen = self.as_user(row, self.margin_user).reason
        hidden = self.as_user(row, self.make_user("salesperson_all")).reason
        self.assertIn("2 deliveries that cost more than they bring", seen)
        self.assertIn("-20", seen.replace("\N{MINUS SIGN}", "-").replace("\N{NO-BREAK SPACE}", ""))
        self.assertNotIn("deliveries", hidden, "margins are for the margin group")

    def test_reason_of_sales_below_cost(self):
        self.sell_on(300, 100, price=50)
        self.refresh()
        reason = self.as_user(self.row(self.customer), self.margin_user).reason
        self.assertIn("Sold below cost: raise the price.", reason)

    def test_reason_of_many_returns(self):
        self.sell_on(300, 100)
        for _number in range(2):
            self.make_credit_note(self.customer, 90, 5)
        self.refresh()
        reason = self.as_user(self.row(self.customer), self.margin_user).reason
        self.assertIn("2 returns on 2 deliveries: find out why.", reason)
