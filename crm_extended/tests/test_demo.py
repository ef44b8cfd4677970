import doctest
from datetime import timedelta
from random import Random

from odoo import Command
from odoo.tests import TransactionCase, tagged

from ..demo import catalog, people, stories
from ..demo.load import SEED, load
from ..demo.sales import make_plan

SIZE, WALK_INS = 60, 40


@tagged("post_install", "-at_install")
class TestDemo(TransactionCase):
    """The demo in a company of its own: other currency, other time zone, no chart of accounts."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env["res.company"].create(
            {
                "name": "Demo Test",
                "country_id": cls.env.ref("base.jp").id,
                "currency_id": cls.env.ref("base.JPY").id,
                "customer_suspect_documents": WALK_INS - 10,
            }
        )
        cls.env.user.company_ids |= cls.company
        cls.company.resource_calendar_id.tz = "Asia/Tokyo"
        cls.world = load(cls.env, cls.company, size=SIZE, walk_ins=WALK_INS)
        cls.profiles = cls.env["crm.customer.profile"].with_company(cls.company)
        cls.profiles.refresh(cls.world.today - timedelta(days=30), cls.company)
        cls.stages_before = cls._stages()
        cls.profiles.refresh(companies=cls.company)
        cls.stages = cls._stages()

    @classmethod
    def _stages(cls) -> dict:
        """The stage by number of the customer; None without a row."""
        rows = cls.profiles.search([("company_id", "=", cls.company.id)])
        stages = {row.partner_id: row.lifecycle_stage for row in rows}
        return {number: stages.get(partner) for number, partner in cls.world.partners.items()}

    def _moves(self, *domain):
        return self.env["account.move"].search(
            [("company_id", "=", self.company.id), ("state", "=", "posted"), *domain]
        )

    def test_the_examples_in_the_code_are_true(self):
        for module in (stories, catalog, people):
            self.assertFalse(doctest.testmod(module).failed, module.__name__)

    def test_every_story_ends_in_its_stage(self):
        for customer in self.world.plan.customers:
            with self.subTest(story=customer.story.key, ages=customer.ages):
                self.assertIn(self.stages[customer.number], customer.story.stages or (None,))

    def test_every_story_stood_in_its_stage_a_month_ago(self):
        for customer in self.world.plan.customers:
            if customer.story.before is not None:
                with self.subTest(story=customer.story.key, ages=customer.ages):
                    self.assertIn(
                        self.stages_before[customer.number], customer.story.before or (None,)
                    )

    def test_some_wallets_are_known_and_others_compared_or_expired(self):
        rows = self.profiles.search([("company_id", "=", self.company.id)])
        self.assertLessEqual({"declared", "rank", "peers"}, set(rows.mapped("wallet_source")))
        wallets = self.env["crm.customer.wallet"].search([("company_id", "=", self.company.id)])
        self.assertTrue(wallets.filtered("is_expired"))
        self.assertTrue(wallets.competitor_ids)

    def test_opportunities_went_through_the_pipeline_and_activities_were_done(self):
        company = [("company_id", "=", self.company.id)]
        stages = self.env["crm.funnel.stage"].search(company)
        self.assertEqual(set(stages.mapped("outcome")), {"advanced", "lost", "here"})
        self.assertGreaterEqual(min(stages.mapped("days")), 0)
        states = self.env["crm.activity.delay"].search(company).mapped("state")
        self.assertLessEqual({"on_time", "late", "overdue"}, set(states))
        deals = self.env["crm.deal.result"].search(company)
        self.assertTrue(deals.won_reason_id and deals.filtered("lost_to"))

    def test_there_is_something_to_offer_and_white_space(self):
        company = [("company_id", "=", self.company.id)]
        offers = self.env["crm.customer.recommendation"].search(company)
        self.assertEqual(set(offers.mapped("kind")), {"cross_sell", "up_sell"})
        states = self.env["crm.customer.category"].search(company).mapped("state")
        self.assertEqual(set(states), {"bought", "lapsed", "white"})

    def test_customers_change_their_stage_within_a_month(self):
        changes = {(self.stages_before[number], now) for number, now in self.stages.items()}
        self.assertLessEqual(
            {
                ("loyal", "at_risk"),
                ("at_risk", "lost"),
                ("lost", "won_back"),
                ("at_risk", "normal"),
                (None, "new"),
            },
            changes,
        )

    def test_the_same_seed_makes_the_same_plan(self):
        plans = [make_plan(Random(SEED), SIZE, WALK_INS) for _again in range(2)]
        self.assertEqual(plans[0], plans[1])

    def test_the_walk_in_account_is_proposed_for_exclusion(self):
        walk_ins = self.world.partners[max(self.world.partners)]
        proposal = self.env["crm.customer.exclusion"].search([("partner_id", "=", walk_ins.id)])
        self.assertEqual(proposal.state, "proposed")

    def test_the_books_balance(self):
        lines = self.env["account.move.line"]
        domain = [("company_id", "=", self.company.id), ("parent_state", "=", "posted")]
        for move, balance in lines._read_group(domain, ["move_id"], ["balance:sum"]):
            self.assertTrue(self.company.currency_id.is_zero(balance), move.name)

    def test_documents_hold_what_odoo_computes(self):
        """What was written by SQL does not change when Odoo computes it, here for every fourth
        document."""
        moves = self._moves()[::4]
        computed = {
            moves: ["amount_total", "amount_residual", "amount_total_signed", "payment_state"],
            moves.line_ids: ["amount_residual", "reconciled", "debit", "price_subtotal"],
            moves.line_ids.sale_line_ids: ["qty_invoiced", "qty_to_invoice", "invoice_status"],
            moves.line_ids.sale_line_ids.order_id: ["amount_total", "invoice_status"],
        }
        for records, names in computed.items():
            stored = records.read(names)
            for name in names:
                self.env.add_to_compute(records._fields[name], records)
            self.assertEqual(records.read(names), stored, records._name)

    def test_matches_are_numbered_as_odoo_wants_them(self):
        self._moves().line_ids._constrains_matching_number()

    def test_every_document_has_a_number_of_its_year(self):
        for move in self._moves():
            self.assertIn(str(move.date.year), move.name)

    def test_an_open_invoice_can_be_paid(self):
        invoice = self._moves(
            ("move_type", "=", "out_invoice"), ("payment_state", "=", "not_paid")
        )[-1]
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids
        ).create({})._create_payments()
        self.assertIn(invoice.payment_state, ("paid", "in_payment"))

    def test_a_payment_can_be_taken_back(self):
        invoice = self._moves(("move_type", "=", "out_invoice"), ("payment_state", "=", "paid"))[0]
        due = invoice.line_ids.filtered(lambda line: line.display_type == "payment_term")
        due.matched_credit_ids.credit_move_id.statement_line_id.action_undo_reconciliation()
        self.assertIn(invoice.payment_state, ("not_paid", "partial"))

    def test_an_invoice_can_be_reset_and_posted_again(self):
        invoice = self._moves(("move_type", "=", "out_invoice"), ("payment_state", "=", "paid"))[0]
        name = invoice.name
        invoice.button_draft()
        invoice.action_post()
        self.assertEqual((invoice.name, invoice.payment_state), (name, "paid"))

    def test_a_salesperson_of_his_own_documents_sees_his_customers(self):
        sara = self.world.users["sara"]
        if not sara:
            self.skipTest("the demo's salespeople work for another company here")
        sara.company_ids = [Command.link(self.company.id)]
        rows = self.profiles.with_user(sara).search([("company_id", "=", self.company.id)])
        self.assertTrue(rows)
        self.assertFalse(rows.sudo().partner_id.user_id - sara)

    def test_tiers_give_something_and_customers_have_said_what_matters_to_them(self):
        rows = self.profiles.search([("company_id", "=", self.company.id)])
        self.assertTrue(rows.filtered("need_ids"))
        answered = [row for row in rows if row.benefit_ids.need_id]
        self.assertTrue(answered, "a benefit answers a need that was declared")
        for row in answered:
            self.assertTrue(row.benefit_ids.need_id <= row.need_ids)
        self.assertLessEqual(
            {"new", "growing", "stable", "declining"}, set(rows.mapped("life_stage"))
        )
