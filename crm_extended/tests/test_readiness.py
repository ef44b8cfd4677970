from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tests.common import freeze_time

from .common import CustomerCase, CustomerHttpCase

PREDICTED = {"state": "ok", "customers": 400, "repeaters": 200, "days": 700}


class ReadinessCase(CustomerCase):
    """A company with two customers, refreshed today."""

    as_of = date.today()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.make_user("manager")
        cls.salesman = cls.make_user("salesperson")
        cls.ace, cls.bee = (
            cls.make_customer(name, phone=phone, user_id=cls.salesman.id)
            for name, phone in (("Ace", "+1 212-555-0101"), ("Bee", "+1 212-555-0102"))
        )
        cls.make_invoices([(cls.ace, 800, 100), (cls.ace, 10, 100), (cls.bee, 20, 300)])
        [cls.run_done] = cls.refresh()

    def report(self, user=None, companies=None):
        return self.as_user("crm.customer.readiness", user or self.manager, companies).report()

    def answers(self):
        return {question["name"]: question["answer"] for question in self.report()["questions"]}

    def findings(self, check, user=None):
        readiness = self.as_user("crm.customer.readiness", user or self.manager)
        facts = readiness._readiness_facts(readiness.env.company)
        return getattr(readiness, f"_readiness_of_{check}")(facts)

    def assert_level(self, check, level, words="", rule=None):
        [finding] = self.findings(check)
        self.assertEqual(finding.level, level, rule or finding.text)
        self.assertIn(words, finding.text)
        return finding

    def opened(self, finding):
        """What the button of a finding lists, for the manager."""
        action = finding.mend["action"]
        records = self.as_user(action["res_model"], self.manager)
        return records.search(action["domain"])


@tagged("post_install", "-at_install")
class TestReadinessPage(ReadinessCase):
    def test_every_question_has_an_answer_and_what_was_found(self):
        report = self.report()
        self.assertEqual(report["company"], self.company.name)
        self.assertEqual(report["as_of"], str(self.as_of))
        for question in report["questions"]:
            self.assertTrue(question["findings"], question["label"])
            self.assertIn(question["answer"], ("answered", "partly", "not_yet"))

    def test_before_the_first_refresh_nothing_is_answered(self):
        company = self.make_company("Never Refreshed")
        self.manager.company_ids += company
        questions = self.report(companies=company)["questions"]
        self.assertEqual({question["answer"] for question in questions}, {"not_yet"})
        [first, *_others] = questions[0]["findings"]
        self.assertEqual(first["mend"]["method"], "action_recompute")

    def test_old_numbers_are_told_and_yesterdays_are_not(self):
        self.assert_level("refresh", "enough")
        with freeze_time(fields.Datetime.now() + timedelta(days=3)):
            finding = self.assert_level("refresh", "thin", "3 days")
        self.assertEqual(finding.mend["method"], "action_recompute")

    def test_failed_refresh_is_told(self):
        self.env["crm.model.run"].sudo().create(
            {
                "company_id": self.company.id,
                "as_of": self.as_of,
                "kind": "scheduled",
                "state": "failed",
            }
        )
        _fresh, failed = self.findings("refresh")
        self.assertEqual(failed.mend["action"], "crm_extended.crm_model_run_action")

    def test_what_takes_long_comes_when_the_page_is_open(self):
        readiness = self.as_user("crm.customer.readiness", self.manager)
        first, whole = (readiness.report(complete)["questions"][0] for complete in (False, True))
        self.assertEqual((first["is_pending"], whole["is_pending"]), (True, False))
        self.assertEqual(len(whole["findings"]), len(first["findings"]) + 1)

    def test_an_addon_adds_a_check_to_a_question(self):
        readiness = self.env["crm.customer.readiness"]
        questions = readiness._readiness_questions()
        questions["payment"].helps.append("_readiness_of_calendar")
        answer = readiness._answer(questions["payment"], readiness._readiness_facts(self.company))
        self.assertEqual(len(answer["findings"]), 2)

    def test_page_costs_as_many_queries_with_many_customers(self):
        self.report()
        readiness = self.as_user("crm.customer.readiness", self.manager)
        with self.queries() as few:
            readiness.report()
        customers = [self.make_customer(f"Customer {number}") for number in range(20)]
        self.make_invoices([(customer, 5, 10) for customer in customers])
        self.refresh()
        self.report()
        readiness = self.as_user("crm.customer.readiness", self.manager)
        with self.queries() as many:
            readiness.report()
        self.assertLessEqual(len(many), len(few) + 2)


@tagged("post_install", "-at_install")
class TestReadinessRights(ReadinessCase):
    def test_page_is_for_managers(self):
        for role in ("user", "salesperson_all", "finance", "margin", "employee", "portal"):
            with self.subTest(role=role), self.assertRaises(AccessError):
                self.report(self.make_user(role))

    def test_page_tells_nothing_of_a_company_that_is_not_the_managers(self):
        with self.assertRaises(AccessError):
            self.report(companies=self.make_company("Foreign"))

    def test_page_of_another_company_shows_its_own_numbers(self):
        other = self.make_company("Other")
        self.manager.company_ids += other
        self.refresh(companies=other)
        [finding] = [
            finding
            for question in self.report(companies=other)["questions"]
            if question["name"] == "best"
            for finding in question["findings"]
        ]
        self.assertIn("0 customers", finding["text"])

    def test_who_may_not_mend_is_told_whom_to_ask(self):
        self.assertIn("note", self.assert_level("serving", "missing").mend)
        self.env.ref("base.group_system").user_ids += self.manager
        self.assertIn("action", self.assert_level("serving", "missing").mend)


@tagged("post_install", "-at_install")
class TestReadinessData(ReadinessCase):
    def test_documents_dated_in_the_future(self):
        self.assert_level("dates", "enough")
        future = self.make_invoice(self.ace, self.as_of + timedelta(days=400))
        finding = self.assert_level("dates", "thin", "1")
        self.assertIn("note", finding.mend, "he may not open invoices")
        accountant = self.make_user("invoicing")
        self.env.ref("crm_extended.group_manager").user_ids += accountant
        [finding] = self.findings("dates", accountant)
        action = finding.mend["action"]
        self.assertEqual(self.env["account.move"].search(action["domain"]), future)

    def test_orders_dated_in_the_future(self):
        self.company.customer_purchase_source = "order"
        self.make_order(self.ace, 0)
        self.assert_level("dates", "enough")
        self.make_order(self.ace, self.as_of + timedelta(days=400))
        self.assert_level("dates", "thin", "1")

    def test_customers_who_share_a_key_are_probable_duplicates(self):
        self.assert_level("duplicates", "enough")
        for values, same in (
            ({"vat": "AB1234567"}, {"vat": "AB1234567"}),
            ({"email": "Ace <info@ace.example>"}, {"email": "INFO@ace.example"}),
            ({"phone": "+1 212-555-0101"}, {"phone": "+12125550101"}),
            ({"phone": "+۱ ۲۱۲ ۵۵۵ ۰۱۰۱"}, {"phone": "+12125550101"}),
        ):
            with self.subTest(values):
                blank = dict.fromkeys(("vat", "email", "phone"), False)
                self.ace.write(blank | values)
                self.bee.write(blank | same)
                finding = self.assert_level("duplicates", "thin", "2 of 2")
                if "label" in finding.mend:
                    self.assertEqual(self.opened(finding), self.ace + self.bee)

    def test_merging_is_offered_to_who_may_merge(self):
        self.bee.phone = self.ace.phone
        self.assertIn("note", self.assert_level("duplicates", "thin").mend)
        self.env.ref("base.group_partner_manager").user_ids += self.manager
        self.assertEqual(self.opened(self.assert_level("duplicates", "thin")), self.ace + self.bee)

    def test_no_duplicates_are_prospects_branches_and_a_number_that_everybody_has(self):
        self.make_customer("Never Bought", phone=self.ace.phone)
        self.assert_level("duplicates", "enough", rule="no purchase")
        self.bee.write({"phone": self.ace.phone, "parent_id": self.ace.id})
        self.assert_level("duplicates", "enough", rule="known to belong together")
        customers = [self.make_customer(f"No. {n}", phone="+1 212-555-0199") for n in range(11)]
        self.make_invoices([(customer, 5, 10) for customer in customers])
        self.refresh()
        self.assert_level("duplicates", "enough", rule="a number of eleven is nobody's")

    def test_walk_in_account_that_waits_for_a_decision(self):
        self.assertEqual(self.findings("walk_ins"), [])
        exclusion = self.env["crm.customer.exclusion"].create(
            {"partner_id": self.bee.id, "company_id": self.company.id, "state": "proposed"}
        )
        self.assert_level("walk_ins", "thin", "75")
        exclusion.action_dismiss()
        self.assertEqual(self.findings("walk_ins"), [])

    def test_share_of_the_revenue_that_is_left_out(self):
        self.assertEqual(self.findings("left_out"), [])
        self.env["crm.customer.exclusion"].create({"partner_id": self.bee.id})
        self.assert_level("left_out", "thin", "75")
        self.make_invoice(self.ace, 3, 10_000)
        self.refresh()
        self.assert_level("left_out", "enough", "3")

    def test_share_left_out_of_orders(self):
        self.company.customer_purchase_source = "order"
        self.make_order(self.ace, 10, 300)
        self.make_order(self.bee, 10, 100)
        self.refresh()
        self.env["crm.customer.exclusion"].create({"partner_id": self.bee.id})
        self.assert_level("left_out", "thin", "25")

    def test_customers_without_salesperson(self):
        self.assertIsNone(self.assert_level("salespeople", "enough", "0 of 2").mend)
        self.bee.user_id = False
        finding = self.assert_level("salespeople", "thin", "1 of 2")
        self.assertEqual(self.opened(finding).partner_id, self.bee)

    def test_customers_without_phone(self):
        self.assertIsNone(self.assert_level("phones", "enough", "0 of 2").mend)
        self.bee.phone = False
        finding = self.assert_level("phones", "thin", "1 of 2")
        self.assertEqual(self.opened(finding).partner_id, self.bee)


@tagged("post_install", "-at_install")
class TestReadinessAnswers(ReadinessCase):
    def learn(self, **values):
        self.run_done.sudo().write({"model": PREDICTED | values, "leaving_is_seen": True})

    def test_too_little_to_predict(self):
        self.assert_level("history", "enough")
        self.assert_level("customers", "missing", "20")
        self.assert_level("repeats", "missing", "10")
        self.assert_level("prediction", "missing")
        self.assertEqual(self.answers()["leaving"], "not_yet")

    def test_enough_to_predict(self):
        self.learn()
        for check in ("history", "customers", "repeats", "prediction"):
            self.assert_level(check, "enough")

    def test_each_shortage_is_told_with_what_it_takes(self):
        self.learn(days=59)
        self.assert_level("history", "missing", "60")
        self.learn(days=100)
        self.assert_level("history", "thin", "180")
        self.learn(customers=118)
        self.assert_level("customers", "thin", "118")
        self.learn(repeaters=9)
        self.assert_level("repeats", "missing", "9")

    def test_a_run_that_learned_nothing_asks_for_the_next(self):
        self.run_done.sudo().model = False
        self.assertEqual(self.assert_level("history", "missing").mend["method"], "action_recompute")
        self.assertEqual(self.answers()["leaving"], "not_yet")

    def test_leaving_that_is_not_seen(self):
        self.assertEqual(self.findings("leaving"), [], "nothing was learned")
        self.learn()
        self.assert_level("leaving", "enough")
        self.run_done.sudo().leaving_is_seen = False
        self.assert_level("leaving", "missing")
        self.assertEqual(self.answers()["leaving"], "partly", "who is at risk is known")

    def test_forecasts_by_their_grade(self):
        self.assertEqual(self.findings("forecasts"), [], "nothing is forecast")
        self.learn()
        self.assert_level("forecasts", "missing", "90 days")
        backtest = (
            self.env["crm.model.backtest"]
            .sudo()
            .create(
                {
                    "company_id": self.company.id,
                    "as_of": self.ago(90),
                    "kind": "stored",
                    "customers": 150,
                    "buyers": 40,
                }
            )
        )
        self.assert_level("forecasts", "thin", "150")
        for grade, level in (("a", "enough"), ("b", "enough"), ("c", "thin"), ("d", "thin")):
            backtest.grade = grade
            self.assert_level("forecasts", level, f"grade {grade.upper()}")

    def test_days_without_business(self):
        self.assert_level("calendar", "missing")
        self.env["crm.quiet.period"].create(
            {
                "name": "Summer",
                "company_id": self.company.id,
                "date_from": self.as_of,
                "date_to": self.as_of,
            }
        )
        self.assert_level("calendar", "enough")

    def test_scores_take_twenty_customers(self):
        self.assert_level("scores", "missing", "20")
        for count, level in ((20, "thin"), (50, "enough")):
            readiness = self.env["crm.customer.readiness"]
            [finding] = readiness._readiness_of_scores({"customers": count})
            self.assertEqual(finding.level, level)

    def test_costs_are_told_without_margins(self):
        if not self.env["crm.customer.profile"]._margin_is_recorded(self.company):
            self.skipTest("without Margins: see the test without it")
        self.assert_level("costs", "missing")
        for coverage, level in ((0.5, "thin"), (0.8, "enough")):
            for customer in self.ace + self.bee:
                self.update_row(customer, margin_coverage=coverage, margin_12m=1)
            finding = self.assert_level("costs", level)
            self.assertNotRegex(finding.text, r"\d", "how much is for the margin group")
        self.env.ref("crm_extended.group_margin").user_ids += self.manager
        self.assert_level("costs", "enough", "80")

    def test_costs_that_nobody_records(self):
        profiles = self.registry["crm.customer.profile"]
        self.patch(profiles, "_margin_is_recorded", lambda self, company: False)
        self.assertIn("note", self.assert_level("costs", "missing", "Margins").mend)
        self.assertEqual(self.answers()["profit"], "not_yet")

    def test_unit_costs_of_serving(self):
        self.assert_level("serving", "missing")
        self.company.customer_cost_call = 5
        finding = self.assert_level("serving", "enough", "1 of 6")
        self.assertNotIn("5", finding.text)

    def test_payments(self):
        self.assert_level("payments", "missing")
        invoice = self.make_invoice(self.ace, 9, 100)
        self.make_payment(invoice, 5)
        self.refresh()
        self.assert_level("payments", "enough", "1; with purchases: 2")
        statistics = self.company.customer_run_id.statistics
        customers = [self.make_customer(f"Customer {number}") for number in range(3)]
        self.make_invoices([(customer, 5, 10) for customer in customers])
        self.refresh()
        self.assertEqual(statistics["paying_customers"], 1)
        self.assert_level("payments", "thin", "1; with purchases: 5")

    def test_growth_takes_two_years(self):
        self.assert_level("years", "enough", "800")
        for days, level in ((700, "thin"), (300, "missing")):
            self.update_row(self.ace, first_purchase_date=self.ago(days))
            self.assert_level("years", level, str(days))

    def test_young_company_needs_no_price_index(self):
        self.update_row(self.ace, first_purchase_date=self.ago(300))
        self.assertEqual(self.findings("prices"), [])

    def test_no_price_index(self):
        self.assert_level("prices", "missing")
        self.assertEqual(self.answers()["growth"], "not_yet")

    def test_price_index_that_ends_too_early_or_begins_too_late(self):
        self.set_prices(self.as_of - relativedelta(months=5))
        self.assert_level("prices", "missing", "5 months")
        self.env["crm.price.index"].search([("company_id", "=", self.company.id)]).unlink()
        self.set_prices(self.as_of, months=12)
        self.assert_level("prices", "missing", "24")

    def test_price_index_that_waits_for_the_next_refresh_and_that_is_used(self):
        self.set_prices(self.as_of)
        finding = self.assert_level("prices", "thin")
        self.assertEqual(finding.mend["method"], "action_recompute")
        self.refresh()
        self.assert_level("prices", "enough")
        self.assertEqual(self.answers()["growth"], "answered")


@tagged("post_install", "-at_install", "crm_extended", "tour")
class TestReadinessTour(CustomerHttpCase):
    as_of = date.today()

    def test_manager_is_led_to_what_is_missing_and_back(self):
        self.make_user("sales_manager", login="tour_readiness")
        self.make_purchases(self.make_customer("Customer"), every=200, count=4)
        self.refresh()

        self.start_tour("/odoo", "crm_extended_readiness", login="tour_readiness")

        self.assertTrue(self.env["crm.quiet.period"].search([("company_id", "=", self.company.id)]))
