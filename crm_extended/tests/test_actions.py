from datetime import date, timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .common import CustomerCase


@tagged("post_install", "-at_install", "crm_extended")
class TestActions(CustomerCase):
    # contacts are counted up to now
    as_of = date.today()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.salesperson = cls.make_user("salesperson")
        cls.soon = cls.make_customer("Call Soon", user_id=cls.salesperson.id)
        cls.later = cls.make_customer("Call Later", user_id=cls.salesperson.id)
        cls.lost = cls.make_customer("Lost", user_id=cls.salesperson.id)
        cls.lost_long_ago = cls.make_customer("Lost Long Ago", user_id=cls.salesperson.id)
        cls.ownerless = cls.make_customer("Ownerless")
        cls.foreign = cls.make_customer("Foreign", user_id=cls.make_user("salesperson_all").id)
        cls.regular = cls.make_customer("Regular", user_id=cls.salesperson.id)
        cls.make_purchases(cls.soon, every=30, count=5, last=100)
        cls.make_purchases(cls.later, every=30, count=5, last=70)
        cls.make_purchases(cls.lost, every=30, count=5, last=130)
        cls.make_purchases(cls.lost_long_ago, every=30, count=5, last=200)
        cls.make_purchases(cls.ownerless, every=30, count=5, last=70)
        cls.make_purchases(cls.foreign, every=30, count=5, last=70)
        cls.make_purchases(cls.regular, every=30, count=5, last=3)
        cls.refresh()
        cls.profiles = cls.as_user("crm.customer.profile", cls.salesperson)

    def header(self, user=None):
        return self.as_user("crm.customer.profile", user or self.salesperson).customer_header()

    def log_call(self, customer, user):
        activity = customer.activity_schedule("mail.mail_activity_data_call", user_id=user.id)
        activity.with_user(user).action_feedback()

    def test_calls_come_by_the_day_to_call_before_then_the_latest_lost(self):
        mine = self.profiles.search([("user_id", "=", self.salesperson.id)], order="call_rank")

        self.assertEqual(
            mine.partner_id,
            self.soon + self.later + self.lost + self.lost_long_ago + self.regular,
        )
        self.assertEqual(mine.mapped("call_rank"), sorted(mine.mapped("call_rank")))

    def test_header_counts_own_customers_and_those_without_salesperson(self):
        header = self.header()

        self.assertTrue(header["is_mine"])
        self.assertEqual(
            header["counts"],
            {
                "today": 4,
                "done": 0,
                "to_call": 4,
                "promised": 0,
                "at_risk": 2,
                "win_back": 2,
                "quotation": 0,
                "offer": 0,
                "tier": 0,
                "new": 0,
                "collect_first": 0,
                "ownerless": 1,
            },
        )
        self.assertEqual(header["as_of"], fields.Date.to_string(self.as_of))

    def test_header_counts_all_that_he_may_see_for_who_owns_none(self):
        header = self.header(self.make_user("sales_manager"))

        self.assertFalse(header["is_mine"])
        self.assertEqual(header["counts"]["to_call"], 6)

    def test_header_is_refused_without_the_group(self):
        with self.assertRaises(AccessError):
            self.header(self.make_user("employee"))

    def test_header_says_how_old_the_numbers_are(self):
        with freeze_time(fields.Datetime.now() + timedelta(days=3)):
            header = self.header()

        self.assertTrue(header["is_stale"])
        self.assertEqual(header["age_days"], 3)
        self.assertFalse(self.header()["is_stale"])

    def test_header_says_that_nothing_was_computed_yet(self):
        company = self.make_company("Never Computed")
        user = self.make_user("sales_manager", companies=company)

        header = self.header(user)

        self.assertFalse(header["as_of"])
        self.assertFalse(header["is_stale"])

    def test_who_was_called_is_done_at_once(self):
        self.log_call(self.soon, self.salesperson)

        header = self.header()
        self.assertEqual(header["counts"]["to_call"], 3)
        self.assertEqual(header["counts"]["done"], 1)
        row = self.profiles.search([("partner_id", "=", self.soon.id)])
        self.assertEqual(row.contacted_on, fields.Date.today())
        self.assertTrue(row.is_contacted)
        self.assertEqual(self.profiles.search([("is_contacted", "=", True)]), row)
        self.assertNotIn(row, self.profiles.search([("is_contacted", "=", False)]))

    def test_internal_notes_are_no_contact(self):
        self.soon.with_user(self.salesperson).message_post(
            body="To myself", subtype_xmlid="mail.mt_note"
        )

        self.assertEqual(self.header()["counts"]["done"], 0)
        row = self.profiles.search([("partner_id", "=", self.soon.id)])
        self.assertFalse(row.contacted_on)

    def test_list_of_calls_begins_with_the_day(self):
        action = self.profiles.action_customers_to_call()

        self.assertEqual(action["context"], {"search_default_today": 1, "hide_salesperson": True})
        today = self.profiles.search([("is_today", "=", True)])
        self.assertEqual(today.partner_id, self.soon + self.later + self.lost + self.lost_long_ago)
        manager = self.as_user("crm.customer.profile", self.make_user("sales_manager"))
        self.assertNotIn("hide_salesperson", manager.action_customers_to_call()["context"])

    def test_recompute_is_for_managers(self):
        for role in ("salesperson", "salesperson_all", "user", "finance", "margin"):
            with self.subTest(role=role), self.assertRaises(AccessError):
                self.as_user("crm.customer.profile", self.make_user(role)).action_recompute()

    def test_recompute_queues_one_run_and_shows_it_again(self):
        manager = self.make_user("sales_manager")
        profiles = self.as_user("crm.customer.profile", manager)

        first = profiles.action_recompute()
        second = profiles.action_recompute()

        run = self.env["crm.model.run"].browse(first["res_id"])
        self.assertEqual((run.state, run.kind), ("queued", "requested"))
        self.assertEqual(run.requested_by_id, manager)
        self.assertEqual(run.company_id, self.company)
        self.assertEqual(second["params"]["next"]["res_id"], run.id)
        self.assertEqual(self.header(manager)["run_id"], run.id)
        self.assertTrue(self.header()["is_running"])
        self.assertFalse(self.header()["run_id"], "a salesperson has no runs to open")
        trigger = self.env.ref("crm_extended.ir_cron_customer_refresh")
        self.assertTrue(self.env["ir.cron.trigger"].search([("cron_id", "=", trigger.id)]))

    def test_contacts_to_decide_on_are_shown_to_managers(self):
        self.env["crm.customer.exclusion"].create(
            {"partner_id": self.regular.id, "state": "proposed"}
        )

        self.assertTrue(self.header(self.make_user("sales_manager"))["proposal_count"])
        self.assertFalse(self.header()["proposal_count"])

    def test_header_asks_as_much_for_one_customer_as_for_many(self):
        """The header stands above every list: its queries don't grow with the customers."""
        self.header()
        with self.assertQueryCount(12):
            self.profiles.customer_header()

    def test_last_contacts_take_as_many_queries_for_one_as_for_all(self):
        def queries(rows):
            self.env.invalidate_all()
            rows.mapped("contacted_on")
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            rows.mapped("contacted_on")
            return self.cr.sql_log_count - before

        rows = self.profiles.search([])
        self.assertGreater(len(rows), 5)
        self.assertEqual(queries(rows), queries(rows[:1]))

    def test_failed_refresh_is_shown_to_managers(self):
        manager = self.make_user("sales_manager")
        run = self.env["crm.model.run"].create(
            {
                "company_id": self.company.id,
                "as_of": self.as_of,
                "kind": "scheduled",
                "state": "failed",
            }
        )

        self.assertEqual(self.header(manager)["failed_run_id"], run.id)
        self.assertFalse(self.header()["failed_run_id"])

    def test_documents_are_those_of_the_customer(self):
        row = self.profiles.search([("partner_id", "=", self.soon.id)])
        action = row.action_open_documents()

        lines = self.as_user("crm.customer.fact", self.salesperson).search(action["domain"])
        self.assertEqual(len(lines), 5)
        self.assertEqual(lines.partner_id, self.soon)

    def test_document_of_another_salesperson_is_refused_with_a_sentence(self):
        invoices = self.env["account.move"].search([("partner_id", "=", self.soon.id)])
        invoices.invoice_user_id = self.salesperson
        foreign, *own = invoices
        foreign.invoice_user_id = self.make_user("salesperson_all")
        facts = self.as_user("crm.customer.fact", self.salesperson)

        line = facts.search([("move_id", "=", own[0].id)])
        self.assertEqual(line.action_open_document()["res_id"], own[0].id)
        line = facts.search([("move_id", "=", foreign.id)])
        with self.assertRaisesRegex(UserError, "ask"):
            line.action_open_document()

    def test_activity_is_planned_on_the_contacts(self):
        rows = self.profiles.search([("partner_id", "in", (self.soon + self.later).ids)])
        action = rows.action_schedule_activity()

        wizard = Form(
            self.as_user("mail.activity.schedule", self.salesperson).with_context(
                **action["context"]
            )
        )
        wizard.save().action_schedule_activities()
        self.assertEqual(len((self.soon + self.later).activity_ids), 2)

    def test_opportunity_and_quotation_are_for_the_customer(self):
        row = self.profiles.search([("partner_id", "=", self.soon.id)])

        context = row.action_new_opportunity()["context"]
        lead = (
            self.as_user("crm.lead", self.salesperson)
            .with_context(**context)
            .create({"name": "Lead"})
        )
        self.assertEqual((lead.partner_id, lead.user_id), (self.soon, self.salesperson))
        context = row.action_new_quotation()["context"]
        order = self.as_user("sale.order", self.salesperson).with_context(**context).create({})
        self.assertEqual(order.partner_id, self.soon)

    def test_run_says_what_it_used_and_found(self):
        run = self.refresh()

        self.assertIn("Posted invoices", run.settings_text)
        self.assertIn("Documents read: 35.", run.statistics_text)
        self.assertIn("7 customers are too few", run.cut_points_text)
