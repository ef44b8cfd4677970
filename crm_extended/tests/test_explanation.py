import re
from datetime import datetime, time, timedelta
from unittest.mock import patch

from lxml import html

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.crm_extended.models.crm_customer_explanation import AMOUNT, MARGIN

from .common import CustomerCase, SeveralCustomersCase

QUIET = mute_logger("odoo.addons.base.models.ir_rule", "odoo.models", "odoo.orm.models")
# places among others, and what people decide
NOT_FROM_FACTS = {"partner_id", "company_id", "currency_id", "value_class", "is_outdated"}
CHANGED = "have changed since the refresh"


class Explained:
    """Reads the page as a user does."""

    @classmethod
    def page(cls, customer, user, company=None):
        row = cls.as_user(cls.row(customer, company).sudo(False), user)
        return row.with_context(customer_explanation=True).explanation

    @classmethod
    def text(cls, customer, user):
        return " ".join(html.fromstring(cls.page(customer, user)).text_content().split())


@tagged("post_install", "-at_install")
class TestExplanationFigures(Explained, CustomerCase):
    """What the page works out is what the refresh published, for customers of every kind, with
    holidays, quiet periods, a price index, unit costs and late payments."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reader = cls.make_user("manager")
        cls.reader.group_ids += cls.env.ref("crm_extended.group_margin")
        cls.company.write(
            {
                f"customer_cost_{driver}": cost
                for driver, cost in {
                    "order": 2, "delivery": 3, "return": 5, "call": 1, "delay": 12,
                }.items()
            }
        )  # fmt: skip
        cls.set_prices(cls.as_of)
        cls.env["crm.quiet.period"].create(
            {
                "name": "Spring",
                "company_id": cls.company.id,
                "date_from": "2024-03-10",
                "date_to": "2024-03-24",
                "share": 0.3,
            }
        )
        cls.env["resource.calendar.leaves"].create(
            [
                {
                    "name": "Holiday",
                    "company_id": cls.company.id,
                    "calendar_id": cls.company.resource_calendar_id.id,
                    "date_from": datetime.combine(day, time.min),
                    "date_to": datetime.combine(day + timedelta(days=length), time.max),
                }
                for day, length in ((cls.ago(120), 4), (cls.ago(12), 1))
            ]
        )
        cls.make_crowd()
        cls.customers = cls.make_customers()
        cls.refresh()
        cls.run_published = cls.company.customer_run_id

    @classmethod
    def make_crowd(cls):
        """Enough others to learn from."""
        crowd = [cls.make_customer(f"Crowd {number}") for number in range(18)]
        cls.make_invoices(
            [
                (customer, 20 + 7 * number + every * (20 + number), 50.0 + number)
                for number, customer in enumerate(crowd)
                for every in range(1 + number % 4)
            ]
        )

    @classmethod
    def make_customers(cls):
        names = ("regular", "once", "lost", "fallen", "waiting", "back", "new", "prospect")
        customers = {name: cls.make_customer(name.title()) for name in names}
        regular = cls.make_invoices(
            [(customers["regular"], 9 + 31 * number, 90.4) for number in reversed(range(14))],
            invoice_date_due=cls.ago(15),
        )
        cls.make_payment(regular[-3], 20)
        cls.make_payment(regular[-4], 2, 40)
        cls.make_payment(regular[-5], 1, 15, match=False)
        cls.make_credit_note(customers["regular"], 35, 22.2)
        cls.make_invoice(customers["once"], 95, 310)
        cls.make_purchases(customers["lost"], every=20, count=9, last=330, amount=75)
        cls.make_purchases(customers["fallen"], every=30, count=11, last=380, amount=200)
        cls.make_purchases(customers["fallen"], every=45, count=5, last=4, amount=30)
        cls.make_purchases(customers["waiting"], every=25, count=6, last=61)
        cls.make_order(customers["waiting"], 3)
        cls.make_purchases(customers["back"], every=15, count=8, last=420)
        cls.make_invoice(customers["back"], 11, 900)
        cls.make_purchases(customers["new"], every=14, count=3, last=8)
        cls.make_lead(customers["prospect"])
        return customers

    def told(self, name):
        return self.row(self.customers[name])._ask_again()

    def assert_published(self):
        for name, customer in self.customers.items():
            row, told = self.row(customer), self.told(name)
            for column in row._published_columns(told.run):
                field = row._fields[column]
                if column in NOT_FROM_FACTS or field.type == "json":
                    continue
                figure = told.figures[column]
                with self.subTest(customer=name, figure=column):
                    if field.type == "many2one":
                        self.assertEqual(row[column].id or None, figure)
                    else:
                        self.assertTrue(row._is_same(column, figure), (row[column], figure))

    def test_customers_are_of_different_kinds(self):
        stages = {self.row(customer).lifecycle_stage for customer in self.customers.values()}
        self.assertGreaterEqual(stages, {"lost", "at_risk", "won_back", "new", "prospect"})
        self.assertEqual(self.row(self.customers["regular"]).prediction_state, "low_confidence")
        self.assertGreater(self.row(self.customers["regular"]).overdue_amount, 0)

    def test_every_figure_comes_out_as_it_was_published(self):
        self.assert_published()

    def test_a_day_that_is_restated_comes_out_as_it_was_published(self):
        self.refresh(self.ago(40))
        self.customers = {
            name: customer for name, customer in self.customers.items() if self.row(customer)
        }
        self.assert_published()

    def test_a_season_counts_as_it_did_in_the_refresh(self):
        season = {
            "verdict": "confirmed",
            "month": str(self.as_of.replace(day=1)),
            "shares": [0.5, 0.5, 1.5, 1.5, 0.8, 0.8, 1.2, 1.2, 0.7, 1.3, 0.9, 1.1],
        }
        runs = self.env.registry["crm.model.run"]
        with patch.object(
            runs, "_decided_this_month", lambda self, name: season if name == "season" else False
        ):
            self.refresh()
        self.assertIn("strong month", self.text(self.customers["regular"], self.reader))
        self.assert_published()

    def test_settings_of_the_run_count_and_not_those_of_today(self):
        self.company.write({"customer_at_risk_chance": 0.4, "customer_cost_order": 99})
        self.env["crm.quiet.period"].search([("company_id", "=", self.company.id)]).share = 0.9
        self.env["crm.price.index"].search([("company_id", "=", self.company.id)]).unlink()
        self.assert_published()

    def test_what_came_after_the_day_of_the_run_does_not_count(self):
        self.make_invoice(self.customers["regular"], self.as_of + timedelta(days=3), 500)
        self.assert_published()

    def test_purchase_days_and_their_intervals_are_those_of_the_row(self):
        for name in ("regular", "waiting", "back", "once"):
            row, days = self.row(self.customers[name]), self.told(name).days
            self.assertEqual(len(days), row.purchase_count)
            self.assertEqual(days[0]["purchase_date"], row.last_purchase_date)
            self.assertEqual(days[-1]["purchase_date"], row.first_purchase_date)
            gaps = [day["gap"] for day in days if day["gap"]]
            mean = 1.0
            for gap in gaps:
                mean *= gap ** (1 / len(gaps))
            if gaps:
                self.assertAlmostEqual(mean, row.purchase_interval_days, 2)
        gaps = {day["gap"] for day in self.told("regular").days[:-1]}
        self.assertGreater(len(gaps), 1, "holidays shorten intervals of 31 days")

    def test_chances_are_those_of_the_model_with_the_parameters_of_the_run(self):
        model = self.env["crm.customer.profile"]._models_of(self.run_published)[None]
        calendar = self.run_published._trading_calendar()
        for name, customer in self.customers.items():
            row, figures = self.row(customer), self.told(name).figures
            if not row.purchase_count:
                continue
            history = [figures[f"order_{part}"] for part in ("repeats", "last", "length")]
            for days in (30, 60, 90):
                ahead = self.as_of + timedelta(days=days)
                t = calendar.number(ahead) - calendar.number(self.as_of)
                self.assertAlmostEqual(row[f"p_order_{days}d"], model.p_order(t, *history), 5)
            t = calendar.number(self.as_of + timedelta(365)) - calendar.number(self.as_of)
            self.assertAlmostEqual(row.expected_orders_365d, model.expected_orders(t, *history), 3)
            for field, chance in {"next_order_from": 0.25, "next_order_to": 0.75}.items():
                wait = model.order_time(chance, *history)
                if row[field]:
                    day = calendar.day(calendar.number(self.as_of) + wait)
                    self.assertEqual(row[field], day, (name, field))

    def test_every_formula_comes_out_as_it_says(self):
        formulas = 0
        for name in self.customers:
            page = html.fromstring(self.page(self.customers[name], self.reader))
            for code in page.iter("code"):
                left, right = code.text_content().rsplit("=", 1)
                left = left.split("=")[-1]
                python = {"·": "*", "−": "-", "^": "**", ",": ""}
                for sign, operator in python.items():
                    left, right = left.replace(sign, operator), right.replace(sign, operator)
                self.assertRegex(left, r"^[\d\s.*+()/e-]+$")
                formulas += 1
                # of digits and operators alone, as asserted above
                value, said = eval(left), float(right)  # pylint: disable=eval-used
                # its numbers are rounded to six digits, amounts to the cent
                tolerance = max(2e-4 * max(abs(said), 1e-3), 0.02 if "," in left else 0)
                with self.subTest(customer=name, formula=code.text_content()):
                    self.assertAlmostEqual(value, said, delta=max(tolerance, 0.006))
        self.assertGreater(formulas, 60)

    def test_nothing_has_changed_right_after_a_refresh(self):
        for customer in self.customers.values():
            self.assertNotIn(CHANGED, self.text(customer, self.reader))

    def test_changed_documents_are_told_and_the_numbers_are_as_of_then(self):
        customer = self.customers["regular"]
        before = self.row(customer).revenue_12m
        self.make_invoice(customer, 0, 1000)
        text = self.text(customer, self.reader)
        self.assertIn(CHANGED, text)
        row = self.row(customer)
        self.assertEqual(row.revenue_12m, before)
        self.assertIn(f"{before:,.2f}", text)
        self.assertIn(f"{before + 1000:,.2f}", text)
        self.refresh()
        self.assertNotIn(CHANGED, self.text(customer, self.reader))

    def test_documents_that_are_gone_are_told(self):
        customer = self.customers["once"]
        self.env["account.move"].search([("partner_id", "=", customer.id)]).button_draft()
        self.assertIn("none of those behind these numbers", self.text(customer, self.reader))

    def test_lines_behind_amounts_add_up_to_them(self):
        for name, customer in self.customers.items():
            row = self.as_user(self.row(customer).sudo(False), self.reader)
            for figure, field in {
                "total": "revenue_total",
                "12m": "revenue_12m",
                "prev": "revenue_prev_12m",
            }.items():
                action = row.action_open_behind(figure)
                lines = row.env[action["res_model"]].search(action["domain"])
                with self.subTest(customer=name, figure=figure):
                    self.assertAlmostEqual(sum(lines.mapped("amount")), row[field], 2)
        row = self.as_user(self.row(self.customers["regular"]).sudo(False), self.reader)
        returns = row.action_open_behind("returns")
        [line] = row.env["crm.customer.fact"].search(returns["domain"])
        self.assertAlmostEqual(line.amount, -22.2, 2)
        day = row.action_open_behind("day", str(row.last_purchase_date))
        lines = row.env["crm.customer.fact"].search(day["domain"])
        self.assertEqual(set(lines.mapped("purchase_date")), {row.last_purchase_date})

    def test_receivables_behind_what_is_overdue_add_up_to_it(self):
        accountant = self.make_user("invoicing")
        row = self.as_user(self.row(self.customers["regular"]).sudo(False), accountant)
        for figure, field in {"open": "open_amount", "overdue": "overdue_amount"}.items():
            action = row.action_open_behind(figure)
            items = row.env["account.move.line"].search(action["domain"])
            self.assertAlmostEqual(sum(items.mapped("amount_residual")), row[field], 2)
        by_due_date = row._open_by_due_date(self.row(self.customers["regular"])._ask_again().run)
        self.assertAlmostEqual(sum(amount for _due, amount in by_due_date), row.open_amount, 2)

    def test_a_longer_history_takes_no_more_queries(self):
        counts = []
        for name in ("new", "fallen"):
            self.page(self.customers[name], self.reader)
            with self.queries() as statements:
                self.page(self.customers[name], self.reader)
            counts.append(len(statements))
        self.assertLessEqual(counts[1], counts[0])


@tagged("post_install", "-at_install")
class TestExplanationRights(Explained, SeveralCustomersCase):
    """In a company of few customers, who is told what."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.make_order(cls.at_risk, 100, confirm=False)
        cls.plain = cls.make_user("user")

    def headings(self, customer, user):
        page = html.fromstring(self.page(customer, user))
        return [heading.text_content().strip() for heading in page.iter("h3")]

    def test_sections_are_for_who_sees_their_numbers(self):
        everybody = ["Purchases and Rhythm", "Stage", "Chances", "Tier", "Credit", "Scores"]
        self.assertEqual(self.headings(self.at_risk, self.plain), everybody)
        self.assertIn("Revenue", self.headings(self.at_risk, self.make_user("finance")))
        self.assertNotIn("Margin and Costs", self.headings(self.at_risk, self.make_user("manager")))
        self.assertIn("Margin and Costs", self.headings(self.at_risk, self.make_user("margin")))

    def test_formulas_of_what_was_learned_are_for_managers(self):
        formula = re.compile(r"\+ 3 · 30\) / ")
        self.assertRegex(self.text(self.at_risk, self.make_user("manager")), formula)
        self.assertNotRegex(self.text(self.at_risk, self.plain), formula)
        self.assertNotRegex(self.text(self.at_risk, self.anna), formula)

    def test_a_prospect_is_explained(self):
        self.assertIn("an opportunity is open", self.text(self.prospect, self.anna))

    def test_a_page_of_somebody_elses_customer_is_refused(self):
        with QUIET, self.assertRaises(AccessError):
            self.page(self.loyal, self.anna)
        for user in (self.make_user("employee"), self.make_user("portal")):
            with QUIET, self.assertRaises(AccessError):
                self.page(self.lost, user)

    def test_lines_are_refused_to_who_sees_no_amounts(self):
        row = self.as_user(self.row(self.at_risk).sudo(False), self.plain)
        for figure in ("total", "12m", "prev", "returns", "costless", "day", "open", "overdue",
                       "waiting", "leads"):  # fmt: skip
            with QUIET, self.subTest(figure=figure), self.assertRaises(AccessError):
                row.action_open_behind(figure)
        with self.assertRaises(UserError):
            row.action_open_behind("everything")
        self.assertNotIn("data-figure", self.page(self.at_risk, self.plain))

    def test_lists_and_exports_leave_the_page_empty(self):
        rows = self.as_user("crm.customer.profile", self.bert).search([])
        with self.queries() as statements:
            values = rows.read()
        self.assertFalse(any(value["explanation"] for value in values))
        self.assertFalse([statement for statement in statements if "WITH " in str(statement)])

    def test_a_context_from_outside_narrows_no_refresh(self):
        rows = self.env["crm.customer.profile"].sudo()
        for forged in ([[self.lost.id]], [self.lost.id], (self.lost.id,)):
            rows.with_context(customer_asked=forged).refresh(self.as_of, self.company)
            self.assertEqual(self.row(self.loyal).open_amount, 2400)

    # ------------------------------------------------------ what one may not see changes nothing

    def _double_amounts(self):
        """In the documents and, as a refresh would, in the rows."""
        self.env.flush_all()
        self.env.cr.execute(
            """UPDATE account_move_line SET balance = 2 * balance, price_subtotal = 2 *
               price_subtotal, amount_residual = 2 * amount_residual, amount_currency = 2 *
               amount_currency WHERE company_id = %s""",
            (self.company.id,),
        )
        self._change_columns("2 * %s", AMOUNT, MARGIN)

    def _change_columns(self, change, *groups):
        """Of amounts that are for these groups, in all rows."""
        self.env.flush_all()
        fields = self.env["crm.customer.profile"]._fields.items()
        assignments = ", ".join(
            f"{name} = {change % name}"
            for name, field in fields
            if field.store and field.groups in groups and field.type in ("monetary", "float")
        )
        # names of our own fields
        self.env.cr.execute(
            f"UPDATE crm_customer_profile SET {assignments} WHERE company_id = %s",  # pylint: disable=sql-injection
            (self.company.id,),
        )
        self.env.invalidate_all()

    def _pages(self, user, customers):
        return [self.page(customer, user) for customer in customers]

    def test_amounts_that_a_user_may_not_see_change_nothing_on_his_page(self):
        self.set_salespeople_see_amounts(False)
        customers = self.customers - self.stranger
        own = self.at_risk | self.lost | self.returner | self.prospect
        readers = ((self.plain, customers), (self.anna, own))
        before = [self._pages(*reader) for reader in readers]
        seen = self._pages(self.make_user("finance"), customers)
        self._double_amounts()
        self.assertEqual([self._pages(*reader) for reader in readers], before)
        self.assertNotEqual(self._pages(self.make_user("finance"), customers), seen)

    def test_margins_that_a_user_may_not_see_change_nothing_on_his_page(self):
        finance, customers = self.make_user("finance"), self.customers - self.stranger
        self.plain.group_ids += self.env.ref(MARGIN)
        before, seen = (self._pages(user, customers) for user in (finance, self.plain))
        self._change_columns("COALESCE(%s, 1) + 7", MARGIN)
        self.assertEqual(self._pages(finance, customers), before)
        self.assertNotEqual(self._pages(self.plain, customers), seen)

    def test_amounts_that_changed_since_are_no_news_to_who_sees_none(self):
        self.make_credit_note(self.at_risk, 1, 30)
        self.assertNotIn(CHANGED, self.text(self.at_risk, self.plain))
        self.assertIn(CHANGED, self.text(self.at_risk, self.make_user("finance")))
