from datetime import date

from odoo.tests import tagged

from ..analytics.backtest import Forecast, Outcome, judge
from .common import CustomerHttpCase


@tagged("post_install", "-at_install", "crm_extended", "tour")
class TestTours(CustomerHttpCase):
    # the browser has no other today
    as_of = date.today()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.salesperson = cls.make_user("salesperson", login="tour_salesperson")
        cls.silent = cls.make_customer("Silent Customer", user_id=cls.salesperson.id)
        cls.ownerless = cls.make_customer("Ownerless Customer")
        cls.foreign = cls.make_customer("Foreign Customer", user_id=cls.env.user.id)
        for customer in (cls.silent, cls.ownerless, cls.foreign):
            cls.make_purchases(customer, every=30, count=4, last=71)
        cls.make_purchases(cls.make_customer("Regular Customer"), every=30, count=5, last=3)
        cls.env["account.move"].search([("partner_id", "=", cls.silent.id)]).write(
            {"invoice_user_id": cls.salesperson.id}
        )
        cls.refresh()

    def test_salesperson_walks_from_the_menu_to_a_customer_at_risk_and_his_documents(self):
        self.start_tour("/odoo", "crm_extended_customer_at_risk", login="tour_salesperson")

        [message] = self.silent.message_ids.filtered("mail_activity_type_id")
        self.assertEqual(message.author_id, self.salesperson.partner_id)

    def test_salesperson_walks_from_a_reason_to_its_lines_and_to_the_quality_of_forecasts(self):
        self.judge_forecasts()
        self.start_tour("/odoo", "crm_extended_explanation", login="tour_salesperson")

    def judge_forecasts(self):
        """Forecasts of 90 days ago that came true, as a refresh notes them."""
        chances = [0.02 if number % 4 else 0.98 for number in range(400)]
        found = judge(
            [Forecast(chance, chance, 100 * chance, 30, 30) for chance in chances],
            [Outcome(int(chance > 0.5), 100) for chance in chances],
        )
        backtests = self.env["crm.model.backtest"]
        backtests.create(
            backtests._values_of(found)
            | {"company_id": self.company.id, "as_of": self.ago(90), "kind": "stored"}
        )

    def test_manager_recomputes_once_and_cancels(self):
        manager = self.make_user("sales_manager", login="tour_manager")

        self.start_tour("/odoo", "crm_extended_recompute", login="tour_manager")

        [run] = self.env["crm.model.run"].search([("kind", "=", "requested")])
        self.assertEqual(run.company_id, self.company)
        self.assertEqual(run.requested_by_id, manager)
        self.assertTrue(run.cancel_requested)


@tagged("post_install", "-at_install", "crm_extended", "tour")
class TestTierTours(CustomerHttpCase):
    as_of = date.today()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.make_user("sales_manager", login="tour_tier_manager")
        _bronze, cls.silver, cls.gold = cls.set_tiers(0, 500, 1000, measure="revenue")
        cls.customer = cls.make_customer("Tier Customer", company_id=cls.company.id)
        cls.other = cls.make_customer("Other Customer", company_id=cls.company.id)
        cls.make_invoices([(cls.customer, 10, 600), (cls.other, 10, 100)])
        cls.refresh()

    def test_manager_tries_new_rules_and_applies_them(self):
        self.start_tour("/odoo", "crm_extended_dry_run", login="tour_tier_manager")

        self.assertEqual(self.gold.threshold, 600)
        self.refresh()
        self.assertEqual(self.row(self.customer).tier_id, self.gold)

    def test_lock_survives_the_night(self):
        self.start_tour("/odoo", "crm_extended_lock_tier", login="tour_tier_manager")

        self.refresh()
        row = self.row(self.customer)
        self.assertEqual((row.tier_id, row.tier_locked), (self.gold, True))
        [lock] = self.env["crm.loyalty.tier.lock"].search([("company_id", "=", self.company.id)])
        self.assertEqual((lock.write_uid, lock.reason), (self.manager, "Agreed with the owner"))

    def test_quotation_gets_and_loses_the_price_list_of_the_tier(self):
        self.env["res.config.settings"].create({"group_product_pricelist": True}).execute()
        pricelists = self.env["product.pricelist"]
        usual, of_silver = pricelists.create(
            [
                {"name": name, "company_id": self.company.id, "sequence": number}
                for number, name in enumerate(("Usual Prices", "Silver Prices"))
            ]
        )
        self.silver.pricelist_id = of_silver

        self.start_tour("/odoo", "crm_extended_tier_pricelist", login="tour_tier_manager")

        self.assertEqual(
            self.customer.with_company(self.company).property_product_pricelist, of_silver
        )
        self.assertEqual(self.other.with_company(self.company).property_product_pricelist, usual)


@tagged("post_install", "-at_install", "crm_extended", "tour")
class TestGrowthTour(CustomerHttpCase):
    as_of = date.today()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.salesperson = cls.make_user("salesperson", login="tour_grow")
        goods, parts = cls.env["product.category"].create([{"name": "Oil"}, {"name": "Filters"}])
        cls.can = cls.make_product("Can", categ_id=goods.id)
        cls.parts = [
            cls.make_product(name, categ_id=parts.id) for name in ("Air Filter", "Hose", "Lamp")
        ]
        cls.tender = cls.make_customer("Tender", user_id=cls.salesperson.id)
        others = cls.env["res.partner"].create(
            [{"name": f"Workshop {number}", "is_company": True} for number in range(20)]
        )
        basket = {cls.can: 100} | dict.fromkeys(cls.parts, 40)
        cls.make_baskets(
            [(other, 30, basket) for other in others] + [(cls.tender, 20, {cls.can: 100})]
        )
        cls.refresh()

    def test_salesperson_asks_for_the_wallet_and_sells_into_white_space(self):
        self.start_tour("/odoo", "crm_extended_grow", login="tour_grow")

        row = self.row(self.tender)
        self.assertEqual((row.wallet_source, row.wallet_amount, row.wallet_share),
                         ("declared", 500, 0.2))  # fmt: skip
        [lead] = self.env["crm.lead"].search([("partner_id", "=", self.tender.id)])
        self.assertEqual(lead.opportunity_kind, "cross_sell")
        self.assertEqual(
            lead.order_ids.order_line.product_id.mapped("name"), ["Air Filter", "Hose"]
        )
        answers = self.env["crm.customer.recommendation"].search(
            [("partner_id", "=", self.tender.id)]
        )
        self.assertEqual(
            {offer.product_id.name: offer.state for offer in answers},
            {"Air Filter": "offered", "Hose": "offered", "Lamp": "refused"},
        )
