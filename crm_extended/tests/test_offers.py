from datetime import timedelta
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from ..analytics import offers
from ..models import crm_customer_basket
from .common import CustomerCase


class OfferWorld(CustomerCase):
    """Workshops buy oil, filters and gloves; offices buy paper and ink. The tender buys a filter
    alone."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.garage, cls.office = cls.env["product.category"].create(
            [{"name": "Garage"}, {"name": "Office"}]
        )
        names = {
            "oil": cls.garage, "filter": cls.garage, "gloves": cls.garage,
            "paper": cls.office, "ink": cls.office,
        }  # fmt: skip
        cls.products = {
            name: cls.make_product(name.capitalize(), categ_id=category.id)
            for name, category in names.items()
        }
        cls.salesperson = cls.make_user("salesperson")
        cls.tender = cls.make_customer("Tender", user_id=cls.salesperson.id)
        cls.sell([(cls.tender, 20, ["filter"])])
        cls.populate()

    @classmethod
    def populate(cls, count=20):
        cls.others = cls.env["res.partner"].create(
            [{"name": f"Other {number}", "is_company": True} for number in range(count)]
        )
        workshop, bureau = ["oil", "filter", "gloves"], ["paper", "ink"]
        cls.sell(
            [
                (partner, 40 + number, workshop if number % 2 else bureau)
                for number, partner in enumerate(cls.others)
            ]
        )

    @classmethod
    def sell(cls, baskets, amounts=None):
        amounts = {"oil": 100, "filter": 50, "gloves": 10, "paper": 20, "ink": 60} | (amounts or {})
        cls.make_baskets(
            [
                (customer, day, {cls.products[name]: amounts[name] for name in names})
                for customer, day, names in baskets
            ]
        )

    def offers_of(self, customer, **criteria):
        return self.env["crm.customer.recommendation"].search(
            [
                ("partner_id", "=", customer.id),
                ("company_id", "=", self.company.id),
                *((name, "=", value) for name, value in criteria.items()),
            ],
            order="kind, rank",
        )

    def names(self, customer, **criteria):
        return self.offers_of(customer, **criteria).product_id.mapped("name")


@tagged("post_install", "-at_install")
class TestOffers(OfferWorld):
    """Which products are offered to whom."""

    def test_what_buyers_of_the_same_bought_is_offered_with_its_reason(self):
        self.refresh()
        self.assertCountEqual(self.names(self.tender), ["Oil", "Gloves"])
        self.assertEqual(
            self.offers_of(self.tender)[:1].reason,
            "Bought by 91\N{NO-BREAK SPACE}% of those who buy Filter.",
        )

    def test_without_numpy_the_same_is_offered(self):
        with patch.object(offers, "is_available", return_value=False):
            run = self.refresh()
        self.assertEqual(run.sudo().offers["method"], "cosine")
        self.assertCountEqual(self.names(self.tender), ["Oil", "Gloves"])
        self.assertEqual(
            self.offers_of(self.tender)[:1].reason,
            "Bought by 91\N{NO-BREAK SPACE}% of those who buy Filter.",
        )

    def test_the_more_money_comes_first(self):
        self.refresh()
        self.assertEqual(self.names(self.tender), ["Oil", "Gloves"])
        self.assertEqual(self.offers_of(self.tender).mapped("usual_amount"), [100, 10])

    def test_archived_unsaleable_and_barred_products_are_not_offered(self):
        for change in ({"active": False}, {"sale_ok": False}, {"never_offered": True}):
            oil = self.products["oil"].product_tmpl_id
            before = {name: oil[name] for name in change}
            oil.write(change)
            for available in (True, False):
                with patch.object(offers, "is_available", return_value=available):
                    self.refresh()
                self.assertEqual(self.names(self.tender), ["Gloves"], change)
            oil.write(before)

    def test_what_was_bought_since_is_no_offer_any_more(self):
        self.refresh()
        self.sell([(self.tender, 0, ["oil"])])
        self.refresh()
        self.assertEqual(self.names(self.tender), ["Gloves"])

    def test_an_offer_that_stays_keeps_the_day_it_began(self):
        self.refresh(self.ago(3))
        self.refresh()
        self.assertEqual(set(self.offers_of(self.tender).mapped("date")), {self.ago(3)})

    def test_who_may_not_be_analysed_loses_offers_and_cells_at_once(self):
        self.refresh()
        self.tender.profiling_optout = True
        for _night in range(2):
            self.assertFalse(self.offers_of(self.tender))
            self.assertFalse(
                self.env["crm.customer.category"].search([("partner_id", "=", self.tender.id)])
            )
            self.refresh()

    def test_merged_contacts_keep_what_was_answered(self):
        self.refresh()
        double = self.make_customer("Tender again")
        self.sell([(double, 10, ["filter"])])
        self.refresh()
        self.offers_of(double)[0].action_refuse()
        self.env["base.partner.merge.automatic.wizard"]._merge(
            (self.tender | double).ids, self.tender
        )
        self.assertEqual(self.names(self.tender, state="refused"), ["Oil"])
        self.refresh()
        self.assertEqual(self.names(self.tender, state="open"), ["Gloves"])

    def test_a_company_without_products_or_with_one_is_refreshed_without_offers(self):
        for company in (self.make_company("Nothing"), self.make_company("One Product")):
            invoice = self.make_invoice(self.tender, 5, company=company)
            if company.name == "Nothing":
                invoice.button_draft()
                invoice.invoice_line_ids.write({"product_id": False, "name": "By hand"})
                invoice.action_post()
            for available in (True, False):
                with patch.object(offers, "is_available", return_value=available):
                    run = self.refresh(companies=company)
                self.assertFalse(run.sudo().statistics.get("offers_error"))
            self.assertFalse(
                self.env["crm.customer.recommendation"].search([("company_id", "=", company.id)])
            )

    def test_what_fails_here_is_noted_and_spoils_nothing_else(self):
        with (
            patch.object(offers, "trends", side_effect=ValueError("no way")),
            mute_logger("odoo.addons.crm_extended.models.crm_customer_offer"),
        ):
            run = self.refresh()
        self.assertEqual((run.state, run.statistics["offers_error"]), ("done", "no way"))
        self.assertIn("could not be found: no way", run.statistics_text)
        self.assertTrue(self.row(self.tender))

    def test_products_of_very_many_documents_are_read_once_a_week(self):
        runs = self.env["crm.model.run"].sudo()

        def nightly(day):
            run = runs.create({"company_id": self.company.id, "as_of": day, "kind": "scheduled"})
            self.env["crm.customer.profile"].sudo()._refresh_in_transaction(run)
            return run.statistics["reads_products"]

        with patch.object(crm_customer_basket, "NIGHTLY_DOCUMENTS", 5):
            self.assertTrue(nightly(self.ago(7)))
            before = self.offers_of(self.tender)
            self.sell([(self.tender, 6, ["oil"])])
            self.assertFalse(nightly(self.ago(1)))
            self.assertIn("once a week", runs.search([], limit=1).statistics_text)
            self.assertEqual(self.offers_of(self.tender), before)
            self.assertTrue(nightly(self.ago(0)))
        self.assertNotIn("Oil", self.names(self.tender))

    def test_chances_and_quality_come_from_what_was_bought_in_the_last_90_days(self):
        customers = self.env["res.partner"].create(
            [{"name": f"Judged {number}", "is_company": True} for number in range(80)]
        )
        early, late = customers[:40], customers[40:]
        self.sell([(customer, 300, ["filter", "oil"]) for customer in early])
        self.sell([(customer, 300, ["gloves"]) for customer in early[:20]])
        self.sell([(customer, 200, ["filter"]) for customer in late])
        self.sell([(customer, 30, ["oil"]) for customer in late[:32]])
        for available, method in ((True, "ease"), (False, "cosine")):
            with patch.object(offers, "is_available", return_value=available):
                self.refresh()
            [backtest] = self.env["crm.offer.backtest"].search(
                [("company_id", "=", self.company.id)]
            )
            self.assertEqual(
                (backtest.method, backtest.as_of, backtest.customers, backtest.hits_10),
                (method, self.as_of - timedelta(days=90), 32, 1),
            )
            self.assertIn("Of 32 customers", backtest.summary)
            oil = self.offers_of(late[-1]).filtered(lambda offer: offer.product_id.name == "Oil")
            # 32 of the 40 who could bought it; by the cosine 20 who lacked gloves look the same
            self.assertAlmostEqual(oil.chance, 32 / 40 if available else 32 / 60, 5)

    def test_what_offers_are_made_with_is_chosen_once_a_month(self):
        customers = self.env["res.partner"].create(
            [{"name": f"Judged {number}", "is_company": True} for number in range(40)]
        )
        self.sell([(customer, 300, ["filter"]) for customer in customers])
        self.sell([(customer, 30, ["oil"]) for customer in customers[:35]])
        self.sell([(customer, 200, ["oil"]) for customer in customers[35:]])
        first = self.refresh(self.ago(2))
        with patch.object(offers, "tune", side_effect=AssertionError("tried again")):
            again = self.refresh()
        self.assertEqual(again.offers, first.offers)
        [backtest] = self.env["crm.offer.backtest"].search([("company_id", "=", self.company.id)])
        self.assertEqual(backtest.as_of, self.ago(92))
        # an earlier day knows nothing of what was chosen later
        with patch.object(offers, "tune", return_value=offers.Setting()) as tune:
            self.refresh(self.ago(3))
        self.assertTrue(tune.called)


@tagged("post_install", "-at_install")
class TestUpsell(OfferWorld):
    """The better or larger product of the same kind."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.products["barrel"] = cls.make_product("Barrel of oil", categ_id=cls.garage.id)
        steppers = cls.env["res.partner"].create(
            [{"name": f"Stepper {number}", "is_company": True} for number in range(12)]
        )
        cls.sell([(customer, 200, ["oil"]) for customer in steppers])
        cls.sell([(customer, 100, ["barrel"]) for customer in steppers], {"barrel": 900})

    def test_what_others_took_next_and_costs_more_is_offered(self):
        customer = self.make_customer("Small")
        self.sell([(customer, 10, ["oil"])])
        self.refresh()
        [offer] = self.offers_of(customer, kind="up_sell")
        self.assertEqual(offer.product_id, self.products["barrel"])
        self.assertEqual(offer.reason, "Taken next by 12 of 23 who had Oil.")

    def test_how_many_took_it_next_is_not_how_many_bought_both(self):
        both = self.env["res.partner"].create(
            [{"name": f"Both {number}", "is_company": True} for number in range(10)]
        )
        self.sell([(customer, 150, ["oil", "barrel"]) for customer in both], {"barrel": 900})
        customer = self.make_customer("Small")
        self.sell([(customer, 10, ["oil"])])
        for available in (True, False):
            with patch.object(offers, "is_available", return_value=available):
                self.refresh()
            [offer] = self.offers_of(customer, kind="up_sell")
            self.assertEqual(offer.reason, "Taken next by 12 of 33 who had Oil.")

    def test_what_costs_less_is_no_step_up(self):
        customer = self.make_customer("Large")
        self.sell([(customer, 10, ["barrel"])], {"barrel": 900})
        self.refresh()
        self.assertFalse(self.offers_of(customer, kind="up_sell"))


@tagged("post_install", "-at_install")
class TestOfferAnswers(OfferWorld):
    """What comes of an offer."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.refresh()

    def own_offers(self):
        return self.as_user("crm.customer.recommendation", self.salesperson).search(
            [("partner_id", "=", self.tender.id)], order="rank"
        )

    def test_a_refused_product_is_not_offered_again_for_half_a_year(self):
        self.own_offers()[0].action_refuse()
        refused = self.offers_of(self.tender, state="refused")
        self.assertEqual(refused.product_id.name, "Oil")
        self.assertEqual(refused.answered_by_id, self.salesperson)
        for available in (True, False):
            with patch.object(offers, "is_available", return_value=available):
                self.refresh()
            self.assertEqual(self.names(self.tender, state="open"), ["Gloves"])
        refused.answered_on = self.ago(180)
        self.refresh()
        self.assertEqual(self.names(self.tender, state="open"), ["Oil", "Gloves"])

    def test_an_offer_goes_into_the_quotation_that_is_open(self):
        order = self.make_order(self.tender, confirm=False)
        self.own_offers()[0].action_add_to_quotation(order_id=order.id)
        self.assertEqual(order.order_line.product_id.mapped("name"), ["Widget", "Oil"])
        self.assertEqual(order.order_line[-1].price_unit, 100)
        offer = self.offers_of(self.tender, state="offered")
        self.assertEqual(offer.sale_line_id, order.order_line[-1])

    def test_an_accepted_offer_shows_what_it_brought(self):
        action = self.own_offers()[0].action_add_to_quotation()
        order = self.env["sale.order"].browse(action["res_id"])
        self.assertEqual((order.partner_id, order.user_id), (self.tender, self.salesperson))
        order.order_line.price_unit = 80
        order.action_confirm()
        self.refresh()
        offer = self.offers_of(self.tender, state="accepted")
        self.assertEqual((offer.product_id.name, offer.result_amount), ("Oil", 80))

    def test_what_was_accepted_is_noted_also_where_products_are_not_read(self):
        action = self.own_offers()[0].action_add_to_quotation()
        self.env["sale.order"].browse(action["res_id"]).action_confirm()
        self.patch(crm_customer_basket, "NIGHTLY_DOCUMENTS", 0)
        run = (
            self.env["crm.model.run"]
            .sudo()
            .create({"company_id": self.company.id, "as_of": self.as_of, "kind": "scheduled"})
        )
        self.env["crm.customer.profile"].sudo()._refresh_in_transaction(run)
        self.assertFalse(run.statistics["reads_products"])
        self.assertEqual(self.names(self.tender, state="accepted"), ["Oil"])

    def test_a_cancelled_quotation_opens_its_offers_again(self):
        action = self.own_offers()[0].action_add_to_quotation()
        self.env["sale.order"].browse(action["res_id"])._action_cancel()
        self.refresh()
        self.assertEqual(self.names(self.tender, state="open"), ["Oil", "Gloves"])

    def test_a_quotation_from_an_opportunity_belongs_to_it(self):
        lead = self.make_lead(self.tender, user_id=self.salesperson.id)
        action = self.own_offers()[0].action_add_to_quotation(lead_id=lead.id)
        self.assertEqual(self.env["sale.order"].browse(action["res_id"]).opportunity_id, lead)

    def test_a_second_offer_joins_the_draft_of_the_opportunity(self):
        contact = self.make_contact(self.tender)
        lead = self.make_lead(contact, user_id=self.salesperson.id)
        found = self.own_offers()
        # another quotation of the customer is not the one of this opportunity
        self.make_order(self.tender, confirm=False, user_id=self.salesperson.id)
        first = found[0].action_add_to_quotation(lead_id=lead.id)
        order = self.env["sale.order"].browse(first["res_id"])
        self.assertEqual((order.opportunity_id, order.partner_id), (lead, contact))
        self.assertEqual(found[1].action_add_to_quotation(lead_id=lead.id)["res_id"], order.id)

    def test_an_opportunity_of_another_customer_is_refused(self):
        lead = self.make_lead(self.others[0], user_id=self.salesperson.id)
        with self.assertRaisesRegex(UserError, "another customer"):
            self.own_offers()[0].action_add_to_quotation(lead_id=lead.id)

    def test_what_may_not_be_offered_any_more_is_hidden_at_once(self):
        self.products["oil"].active = False
        self.products["gloves"].never_offered = True
        found = self.as_user("crm.customer.recommendation", self.salesperson)
        self.assertEqual(found.customer_offers(self.tender.id)["offers"], [])

    def test_who_refuses_profiling_or_is_archived_loses_his_offers_at_once(self):
        for values in ({"profiling_optout": True}, {"active": False}):
            self.tender.write({"profiling_optout": False, "active": True})
            self.refresh()
            self.assertEqual(len(self.offers_of(self.tender)), 2)
            self.own_offers()[0].action_refuse()
            self.tender.write(values)
            self.assertFalse(self.offers_of(self.tender, state="open"))
            kept = 1 if "active" in values else 0
            self.assertEqual(len(self.offers_of(self.tender)), kept)
            self.assertFalse(
                self.env["crm.customer.category"].search([("partner_id", "=", self.tender.id)])
            )

    def test_who_is_left_out_loses_his_offers_at_once(self):
        self.env["crm.customer.exclusion"].create({"partner_id": self.tender.id})
        self.assertFalse(self.offers_of(self.tender))

    def test_who_is_no_customer_of_his_own_any_more_has_no_offers(self):
        self.tender.write({"parent_id": self.others[0].id, "is_company": False})
        self.assertFalse(self.offers_of(self.tender))

    def test_an_order_cancelled_after_all_was_not_accepted(self):
        action = self.own_offers()[0].action_add_to_quotation()
        order = self.env["sale.order"].browse(action["res_id"])
        order.action_confirm()
        self.refresh()
        order.order_line.product_uom_qty = 3
        self.refresh()
        offer = self.offers_of(self.tender, state="accepted")
        self.assertEqual(offer.result_amount, 300)
        order._action_cancel()
        self.refresh()
        self.assertEqual(self.names(self.tender, state="open"), ["Oil", "Gloves"])

    def test_a_second_offer_joins_the_own_draft(self):
        found = self.own_offers()
        first = found[0].action_add_to_quotation()
        self.assertEqual(found[1].action_add_to_quotation()["res_id"], first["res_id"])

    def test_an_answered_offer_is_not_answered_twice(self):
        offer = self.own_offers()[0]
        offer.action_refuse()
        with self.assertRaisesRegex(UserError, "Oil has been answered already"):
            offer.action_add_to_quotation()

    def test_confirmed_orders_and_those_of_others_are_refused(self):
        confirmed = self.make_order(self.tender, user_id=self.salesperson.id)
        with self.assertRaisesRegex(UserError, "is confirmed"):
            self.own_offers()[0].action_add_to_quotation(order_id=confirmed.id)
        foreign = self.make_order(self.others[0], confirm=False, user_id=self.salesperson.id)
        with self.assertRaisesRegex(UserError, "for another customer"):
            self.own_offers()[0].action_add_to_quotation(order_id=foreign.id)

    def test_a_salesperson_answers_for_his_own_customers_alone(self):
        self.tender.user_id = self.make_user("salesperson")
        self.assertFalse(self.own_offers())
        offer = self.as_user(self.offers_of(self.tender)[:1], self.salesperson)
        with self.assertRaises(AccessError):
            offer.action_refuse()
        with self.assertRaises(AccessError):
            offer.write({"state": "refused"})

    def test_the_widget_reads_the_best_of_both_kinds_in_few_queries(self):
        offers_model = self.as_user("crm.customer.recommendation", self.salesperson)
        contact = self.make_contact(self.tender)
        found = offers_model.customer_offers(contact.id)
        self.assertEqual([offer["product"] for offer in found["offers"]], ["Oil", "Gloves"])
        self.assertEqual((found["count"], found["customer_id"]), (2, self.tender.id))
        with self.queries() as queries:
            offers_model.customer_offers(contact.id, limit=1)
        with self.queries() as more:
            offers_model.customer_offers(contact.id, limit=5)
        self.assertLessEqual(len(more), len(queries) + 1)

    def test_amounts_are_for_those_who_may_see_them(self):
        self.set_salespeople_see_amounts(False)
        offers_model = self.as_user("crm.customer.recommendation", self.salesperson)
        found = offers_model.customer_offers(self.tender.id)
        self.assertEqual({offer["amount"] for offer in found["offers"]}, {""})

    def test_a_small_chance_is_not_none(self):
        offer = self.offers_of(self.tender)[0].sudo()
        for chance, said in ((0, ""), (0.002, "under 1.%"), (0.0149, "1.%"), (0.376, "38.%")):
            offer.chance = chance
            found = offer.customer_offers(self.tender.id, self.company.id)["offers"]
            self.assertRegex(found[0]["chance"], f"^{said}$")

    def test_a_product_can_be_barred_on_its_form(self):
        with Form(self.products["oil"].product_tmpl_id) as form:
            form.never_offered = True
        self.assertTrue(self.products["oil"].never_offered)
