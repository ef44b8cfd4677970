from datetime import date, datetime
from unittest.mock import patch

from dateutil.relativedelta import relativedelta
from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .common import CustomerCase, CustomerHttpCase

# five days after the end of June: June counts
TODAY = datetime(2025, 7, 6, 12)
JUNE = date(2025, 6, 1)


class OwnPricesWorld:
    """A company that sells five products each month, at prices that rise by 50 % a year."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.make_user("manager")
        cls.customer = cls.make_customer()
        cls.products = [cls.make_product(f"Product {number}") for number in range(5)]

    @classmethod
    def price(cls, month, start=10000):
        ago = (JUNE.year - month.year) * 12 + JUNE.month - month.month
        return round(start * 1.5 ** (-ago / 12), 2)

    @classmethod
    def sell(cls, months, products=None, last=JUNE, line=None):
        """An invoice in the middle of each month; ``line`` changes its lines."""
        moves = cls.env["account.move"].create(
            [
                {
                    "move_type": "out_invoice",
                    "company_id": cls.company.id,
                    "partner_id": cls.customer.id,
                    "invoice_date": month + relativedelta(days=14),
                    "date": month + relativedelta(days=14),
                    "invoice_line_ids": [
                        Command.create(
                            {
                                "product_id": product.id,
                                "quantity": 10,
                                "price_unit": cls.price(month),
                                "tax_ids": [Command.clear()],
                            }
                            | (line or {})
                        )
                        for product in products or cls.products
                    ],
                }
                for month in (last - relativedelta(months=ago) for ago in reversed(range(months)))
            ]
        )
        moves.action_post()
        return moves


class OwnPricesCase(OwnPricesWorld, CustomerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time(TODAY))

    @classmethod
    def find(cls):
        action = cls.as_user("crm.price.index", cls.manager).action_take_from_own_sales()
        return cls.as_user(cls.env[action["res_model"]].browse(action["res_id"]), cls.manager)

    def type_index(self, *months, source="typed"):
        return self.env["crm.price.index"].create(
            [
                {"company_id": self.company.id, "month": month, "index": index, "source": source}
                for month, index in months
            ]
        )

    def index(self):
        return {
            str(month)[:7]: round(index, 2) for month, index in self.company._price_index().items()
        }

    def sources(self):
        lines = self.env["crm.price.index"].search([("company_id", "=", self.company.id)])
        return {str(line.month)[:7]: line.source for line in lines}


@tagged("post_install", "-at_install")
class TestTakingOwnPrices(OwnPricesCase):
    def test_index_is_shown_before_it_is_taken(self):
        self.sell(25)
        wizard = self.find()
        self.assertEqual((wizard.month_count, wizard.product_count, wizard.kept_count), (25, 5, 0))
        self.assertFalse(self.company._price_index())
        last, first = wizard.line_ids[0], wizard.line_ids[-1]
        self.assertEqual(
            (last.month, last.state, last.matched, last.coverage), (JUNE, "told", 5, 1)
        )
        self.assertAlmostEqual(last.inflation_12m, 0.5, places=3)
        self.assertEqual(
            (first.month, first.state, first.has_year), (date(2023, 6, 1), "first", False)
        )
        wizard.action_take()
        index = self.company._price_index()
        self.assertEqual(list(index)[0], date(2023, 6, 1))
        self.assertEqual(list(index)[-1], JUNE)
        self.assertAlmostEqual(index[JUNE] / index[date(2024, 6, 1)], 1.5, places=3)
        self.assertEqual(set(self.sources().values()), {"own"})

    def test_customers_are_compared_in_real_money_by_it(self):
        self.sell(25)
        self.find().action_take()
        self.refresh()
        row = self.row(self.customer)
        self.assertEqual(row.price_basis, "real")
        self.assertAlmostEqual(row.real_change_12m, 0, delta=0.01)

    def test_month_that_has_not_ended_or_just_ended_is_not_taken(self):
        self.sell(4, last=date(2025, 7, 1))
        with freeze_time(datetime(2025, 7, 5, 12)):
            self.assertEqual(self.find().line_ids[0].month, date(2025, 5, 1))
        self.assertEqual(self.find().line_ids[0].month, JUNE)

    def test_units_of_measure_are_one_price(self):
        self.sell(1, last=date(2025, 5, 1))
        dozen = self.env.ref("uom.product_uom_dozen")
        self.sell(1, line={"product_uom_id": dozen.id, "price_unit": 12 * self.price(JUNE)})
        self.assertAlmostEqual(
            self.find().line_ids[0].index, 100 * 1.5 ** (1 / 12), places=1, msg="not twelvefold"
        )

    def test_returns_gifts_and_reversed_invoices_are_no_prices(self):
        self.sell(2)
        self.sell(1, line={"price_unit": 0})
        wrong = self.sell(1, line={"price_unit": 90000})
        self.make_credit_note(self.customer, TODAY.date(), invoice=wrong, amount=wrong.amount_total)
        self.assertAlmostEqual(self.find().line_ids[0].index, 100 * 1.5 ** (1 / 12), places=1)

    def test_prices_of_foreign_invoices_count_in_the_companys_currency(self):
        self.sell(1, last=date(2025, 5, 1))
        currency = self.env["res.currency"].create({"name": "TST", "symbol": "T"})
        self.env["res.currency.rate"].create(
            {"currency_id": currency.id, "name": JUNE, "rate": 0.5, "company_id": self.company.id}
        )
        moves = self.sell(1)
        moves.button_draft()
        moves.currency_id = currency
        for line in moves.invoice_line_ids:
            line.price_unit = self.price(JUNE) / 2
        moves.action_post()
        self.assertAlmostEqual(self.find().line_ids[0].index, 100 * 1.5 ** (1 / 12), places=1)

    def test_confirmed_orders_tell_prices_where_they_are_what_counts(self):
        self.company.customer_purchase_source = "order"
        for month in (date(2025, 5, 1), JUNE):
            self.make_order(
                self.customer,
                month,
                order_line=[
                    Command.create(
                        {
                            "product_id": product.id,
                            "product_uom_qty": 2,
                            "price_unit": self.price(month),
                            "tax_ids": [Command.clear()],
                        }
                    )
                    for product in self.products
                ],
            )
        self.assertAlmostEqual(self.find().line_ids[0].index, 100 * 1.5 ** (1 / 12), places=1)

    def test_what_is_missing_is_said(self):
        self.sell(1, last=date(2025, 1, 1), products=[self.make_product("Old") for _ in range(4)])
        self.sell(1, last=date(2025, 3, 1))
        self.sell(2)
        wizard = self.find()
        self.assertEqual(
            [(line.month.month, line.state) for line in wizard.line_ids],
            [(6, "told"), (5, "told"), (4, "between"), (3, "first")],
        )
        self.assertIn("no products connect them with the others: 1.", wizard.note)
        self.assertIn("too few of their products were sold before: 1.", wizard.note)
        self.assertIn("some 5 products a month", wizard.note)
        self.assertIn("does not cover the last 24 months", wizard.note)

    def test_young_company_is_told_that_its_months_do(self):
        self.sell(3)
        self.assertNotIn("24 months", self.find().note)

    def test_lines_can_not_be_forged(self):
        self.sell(2)
        wizard = self.find()
        with self.assertRaises(AccessError):
            wizard.line_ids[0].index = 7
        with self.assertRaises(AccessError):
            wizard.write({"line_ids": [Command.create({"month": JUNE, "index": 7})]})

    def test_wizard_made_from_outside_finds_the_index_itself(self):
        self.sell(2)
        self.as_user("crm.price.index.own", self.manager).create({}).action_take()
        self.assertEqual(list(self.index()), ["2025-05", "2025-06"])

    def test_other_companies_are_not_read(self):
        other = self.make_company("Other")
        wizard = self.as_user("crm.price.index.own", self.manager).create({"company_id": other.id})
        with self.assertRaises(AccessError):
            wizard.action_take()

    def test_dialog_opens_for_the_manager(self):
        self.sell(2)
        with Form(self.find()) as form:
            self.assertEqual(form.month_count, 2)


@tagged("post_install", "-at_install")
class TestTooLittleForOwnPrices(OwnPricesCase):
    def assert_refused(self, sentence):
        with self.assertRaisesRegex(UserError, sentence):
            self.find()

    def test_without_invoices(self):
        self.assert_refused("has sold no product yet in a month that has ended: post the invoices")

    def test_with_invoices_of_the_present_month_alone(self):
        self.sell(1, last=date(2025, 7, 1))
        self.assert_refused("has sold no product yet in a month that has ended: post the invoices")

    def test_with_one_month(self):
        self.sell(1)
        self.assert_refused("in one month only")

    def test_with_products_that_are_never_sold_again(self):
        for month in (date(2025, 5, 1), JUNE):
            self.sell(1, last=month, products=[self.make_product("Once") for _ in range(4)])
        self.assert_refused(
            "too few products in two months or more .* take the index from a currency"
        )


@tagged("post_install", "-at_install")
class TestOwnPricesBesideOthers(OwnPricesCase):
    def test_typed_months_stay_and_are_continued_at_their_level(self):
        self.sell(5)
        self.type_index((date(2025, 3, 1), 200), (date(2025, 4, 1), 210))
        wizard = self.find()
        self.assertEqual((wizard.kept_count, wizard.mode), (2, "continue"))
        wizard.action_take()
        rise = 1.5 ** (1 / 12)
        expected = {
            "2025-02": (200 / rise, "own"),
            "2025-03": (200, "typed"),
            "2025-04": (210, "typed"),
            "2025-05": (210 * rise, "own"),
            "2025-06": (210 * rise**2, "own"),
        }
        sources = self.sources()
        for month, index in self.index().items():
            level, source = expected.pop(month)
            self.assertAlmostEqual(index, level, delta=0.02, msg=month)
            self.assertEqual(sources[month], source, month)
        self.assertFalse(expected)

    def test_taken_again_the_months_of_own_sales_are_anew_and_the_typed_ones_stay(self):
        self.sell(5)
        typed = self.type_index((date(2025, 3, 1), 200), (date(2025, 4, 1), 210))
        self.find().action_take()
        before = self.index()
        self.find().action_take()
        self.assertEqual(self.index(), before)
        typed[1].index = 420
        self.find().action_take()
        self.assertAlmostEqual(self.index()["2025-05"], 2 * before["2025-05"], delta=0.02)
        self.assertEqual(self.index()["2025-02"], before["2025-02"])

    def test_typed_months_are_replaced_when_asked(self):
        self.sell(3)
        self.type_index((date(2025, 3, 1), 200), (date(2025, 4, 1), 210))
        wizard = self.find()
        wizard.mode = "replace"
        wizard.action_take()
        self.assertEqual(list(self.index()), ["2025-04", "2025-05", "2025-06"])
        self.assertEqual(self.index()["2025-04"], 100)

    def test_months_taken_from_a_currency_stay_too(self):
        self.sell(3)
        self.type_index((date(2025, 5, 1), 300), source="currency")
        self.find().action_take()
        self.assertEqual(self.index()["2025-05"], 300)
        self.assertEqual(self.sources()["2025-06"], "own")

    def test_index_that_own_sales_can_not_continue_is_left_alone(self):
        self.sell(3)
        self.type_index((date(2024, 3, 1), 200))
        with self.assertRaisesRegex(UserError, "add no month .* Replace the index"):
            self.find().action_take()
        self.assertEqual(self.index(), {"2024-03": 200})


@tagged("post_install", "-at_install")
class TestOwnPricesStayCurrent(OwnPricesCase):
    def night(self, day, kind="scheduled"):
        """What the job does for the company on a day."""
        run = (
            self.env["crm.model.run"]
            .sudo()
            .create({"company_id": self.company.id, "as_of": day, "kind": kind})
        )
        with freeze_time(datetime.combine(day, datetime.min.time())):
            run._start()
        return run

    def take_until_april(self):
        self.sell(30)
        with freeze_time(datetime(2025, 5, 10)):
            self.find().action_take()
        return self.index()

    def test_months_that_ended_since_are_added_and_nothing_else_changes(self):
        before = self.take_until_april()
        run = self.night(date(2025, 7, 6))
        after = self.index()
        self.assertEqual(list(after)[-3:], ["2025-04", "2025-05", "2025-06"])
        self.assertEqual({month: after[month] for month in before}, before)
        self.assertAlmostEqual(after["2025-06"] / after["2024-06"], 1.5, places=3)
        self.assertIn("2025-06-01", run.settings["prices"], "the run uses them")

    def test_month_waits_until_its_last_invoices_are_written(self):
        before = self.take_until_april()
        self.night(date(2025, 6, 5))
        self.assertEqual(self.index(), before)
        self.night(date(2025, 6, 6))
        self.assertEqual(list(self.index())[-1], "2025-05")

    def test_continuation_has_nothing_to_do_on_other_nights(self):
        self.take_until_april()
        with self.queries() as statements:
            self.company._continue_own_prices(date(2025, 6, 5))
        self.assertEqual(len(statements), 1, "one look at the index")

    def test_look_back_adds_no_month(self):
        before = self.take_until_april()
        self.night(date(2025, 7, 6), kind="explicit")
        self.assertEqual(self.index(), before)

    def test_index_that_ends_with_a_typed_month_is_the_users(self):
        self.take_until_april()
        self.type_index((date(2025, 5, 1), 500))
        before = self.index()
        self.night(date(2025, 7, 6))
        self.assertEqual(self.index(), before)

    def test_month_without_sales_is_added_with_the_next_one(self):
        self.take_until_april()
        self.env["account.move"].search(
            [("company_id", "=", self.company.id), ("invoice_date", "=", date(2025, 5, 15))]
        ).button_draft()
        self.night(date(2025, 6, 20))
        self.assertEqual(list(self.index())[-1], "2025-04")
        self.night(date(2025, 7, 6))
        self.assertEqual(list(self.index())[-2:], ["2025-05", "2025-06"])

    def test_customers_are_refreshed_although_the_index_can_not_be_continued(self):
        before = self.take_until_april()
        facts = self.env.registry["crm.customer.fact"]
        with (
            patch.object(facts, "_monthly_sales", side_effect=ValueError("broken")),
            self.assertLogs("odoo.addons.crm_extended.models.crm_price_index_own", "ERROR"),
        ):
            run = self.night(date(2025, 7, 6))
        self.assertEqual(run.state, "running")
        self.assertEqual(self.index(), before)

    def test_products_that_no_longer_connect_leave_the_index_as_it_is(self):
        before = self.take_until_april()
        self.env["account.move"].search(
            [("company_id", "=", self.company.id), ("invoice_date", ">", date(2025, 5, 1))]
        ).button_draft()
        self.sell(2, products=[self.make_product("New") for _ in range(4)])
        self.night(date(2025, 7, 6))
        self.assertEqual(self.index(), before)


@tagged("post_install", "-at_install", "crm_extended", "tour")
class TestOwnPricesTour(OwnPricesWorld, CustomerHttpCase):
    def test_manager_sees_the_index_and_takes_it(self):
        # the browser has no other today
        last = self.company._first_open_month(date.today()) - relativedelta(months=1)
        self.sell(3, last=last)
        self.start_tour("/odoo", "crm_extended_own_prices", login=self.manager.login)
        self.assertEqual(list(self.company._price_index())[-1], last)
        self.assertEqual(len(self.company._price_index()), 3)
