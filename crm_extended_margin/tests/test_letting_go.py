from datetime import timedelta

from odoo.exceptions import AccessError
from odoo.tests import Form, freeze_time, tagged

from odoo.addons.crm_extended.analytics.letting_go import what_if
from odoo.addons.crm_extended.tests.common import AS_OF

from .test_margin import MarginCase


class LossMakerCase(MarginCase):
    """Goods cost 60 of 100; a delivery costs 50, an order 4, a call 10."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time(AS_OF))
        cls.company.write(
            {"customer_cost_delivery": 50, "customer_cost_order": 4, "customer_cost_call": 10}
        )

    def sell_on(self, *days):
        for day in days:
            self.sell(day, [{"product_id": self.product.id, "price_unit": 100}])

    def make_loss_maker(self):
        self.sell_on(300, 200, 100, 40)
        self.refresh()
        return self.as_user(self.row(self.customer), self.margin_user)


@tagged("post_install", "-at_install")
class TestLossMakerRow(LossMakerCase):
    def test_costs_by_driver_add_up_to_the_cost_to_serve(self):
        row = self.make_loss_maker()
        self.assertEqual(row.cost_delivery_12m, 4 * 50)
        self.assertEqual(row.cost_order_12m, 4 * 4)
        drivers = ("order", "delivery", "return", "call", "meeting", "delay")
        total = sum(row[f"cost_{driver}_12m"] for driver in drivers)
        self.assertEqual(total, row.cost_to_serve_12m)
        self.assertEqual(row.loss_cause, "delivery")

    def test_since_is_the_first_day_on_which_it_was_seen_without_a_pause(self):
        self.sell_on(300, 200, 100)
        self.refresh(self.ago(20))
        self.refresh(self.ago(10))
        self.assertEqual(self.row(self.customer).loss_maker_since, self.ago(20))
        self.refresh()
        self.assertEqual(self.row(self.customer).loss_maker_since, self.ago(20))
        self.company.customer_cost_delivery = 0
        self.refresh()
        row = self.row(self.customer)
        self.assertFalse(row.loss_maker_since or row.loss_cause or row.loss_maker_flag)
        self.company.customer_cost_delivery = 50
        self.refresh()
        self.assertEqual(self.row(self.customer).loss_maker_since, self.as_of, "a pause ends it")


@tagged("post_install", "-at_install")
class TestWhatIf(LossMakerCase):
    def wizard(self, row):
        action = row.action_what_if()
        return Form(row.env[action["res_model"]].browse(action["res_id"]))

    def test_year_is_that_of_the_row(self):
        row = self.make_loss_maker()
        year = row._what_if_year()
        self.assertEqual(year.contribution, row.contribution_12m)
        self.assertEqual((year.revenue, year.margin), (row.revenue_12m, row.margin_12m))
        self.assertEqual(list(year.orders), [100] * 4)
        self.assertEqual((year.units["delivery"], year.units["order"]), (4, 4))

    def test_terms_bring_what_one_computes_by_hand(self):
        row = self.make_loss_maker()
        # a margin of 160, less 200 for deliveries and 16 for orders
        self.assertEqual(row.contribution_12m, -56)
        values = {
            "price": 10, "minimum_order": 200, "delivery_fee": 20, "channel": 50, "payment": 100,
        }  # fmt: skip
        with self.wizard(row) as form:
            found = {}
            for position in range(len(form.line_ids)):
                with form.line_ids.edit(position) as line:
                    if line.has_value:
                        line.value = values[line.measure]
                    found[line.measure] = line.contribution
            self.assertEqual(form.contribution, -56)
        self.assertEqual(
            found,
            {
                "price": -56 + 40,
                "minimum_order": -56 + 2 * 54,
                "channel": -56,
                "delivery_fee": -56 + 4 * 20,
                "payment": -56,
                "let_go": 0,
            },
        )

    def test_one_rung_is_where_to_begin(self):
        wizard = self.wizard(self.make_loss_maker()).save()
        [first] = wizard.line_ids.filtered("is_first")
        year = wizard.profile_id._what_if_year()
        self.assertGreaterEqual(what_if(year, first.measure, first.value).contribution, 0)

    def test_what_is_chosen_becomes_a_proposal(self):
        wizard = self.wizard(self.make_loss_maker()).save()
        line = wizard.line_ids.filtered(lambda line: line.measure == "delivery_fee")
        line.value = 15
        action = line.action_propose()
        decisions = wizard.env[action["res_model"]].with_context(**action["context"])
        with Form(decisions) as form:
            form.date_review = self.as_of + timedelta(days=100)
        decision = form.record
        self.assertEqual(
            (decision.partner_id, decision.measure, decision.value),
            (self.customer, "delivery_fee", 15),
        )
        self.assertEqual(decision.expected_contribution, -56 + 4 * 15)
        self.sell_on(20)
        decision.invalidate_recordset()
        self.assertEqual(decision.expected_contribution, 4, "as it was told on that day")

    def test_changed_documents_are_told(self):
        row = self.make_loss_maker()
        self.assertFalse(self.wizard(row).is_changed)
        self.sell_on(20)
        self.assertTrue(self.wizard(row).is_changed)

    def test_other_terms_are_for_who_sees_margins(self):
        row = self.make_loss_maker()
        for role in ("salesperson_all", "sales_manager"):
            user = self.make_user(role)
            with self.subTest(role), self.assertRaises(AccessError):
                self.as_user(row, user).action_what_if()
            wizards = self.as_user("crm.customer.what.if", user)
            with self.subTest(role), self.assertRaises(AccessError):
                wizards.create({"profile_id": row.id})
