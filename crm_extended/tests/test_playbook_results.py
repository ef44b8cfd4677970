import random
from datetime import timedelta

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from ..analytics.experiment import Arm, pool
from .common import CustomerCase
from .test_playbook_outcomes import OutcomeTools

CASE, RESULT = "crm.playbook.case", "crm.playbook.result"


class ResultTools(OutcomeTools):
    """Cases with final outcomes that are said directly, and what becomes of them at night."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.playbook = cls.make_playbook(name="Call the silent", holdout_share=0.5)

    @classmethod
    def make_arm(cls, arm, revenues, assigned=100, playbook=None, **values):
        """A case for each of these revenues: what was bought in one order, or nothing."""
        playbook = playbook or cls.playbook
        customers = cls.env["res.partner"].create(
            [{"name": f"{arm} {number}", "is_company": True} for number in range(len(revenues))]
        )
        return cls.env[CASE].create(
            [
                {
                    "playbook_id": playbook.id,
                    "partner_id": customer.id,
                    "company_id": playbook.company_id.id,
                    "reason": playbook.reason,
                    "arm": arm,
                    "date_assigned": cls.ago(assigned),
                    "date_start": cls.ago(assigned),
                    "date_end": cls.ago(assigned - 30),
                    "state": "closed",
                    "order_count": int(revenue > 0),
                    "revenue": revenue,
                    "gross": revenue,
                    "outcome_state": "final",
                }
                | values
                for customer, revenue in zip(customers, revenues, strict=True)
            ]
        )

    @classmethod
    def make_effect(cls, treated=110, held_out=100, count=80, seed=1, **values):
        """Two arms whose customers all buy, for about so much; returns their revenues."""
        chance = random.Random(seed)
        arms = {
            arm: [round(chance.uniform(mean - 20, mean + 20), 2) for _number in range(count)]
            for arm, mean in (("treated", treated), ("held_out", held_out))
        }
        for arm, revenues in arms.items():
            cls.make_arm(arm, revenues, **values)
        return arms["treated"], arms["held_out"]

    def result(self, record=None, user=None):
        record = record or self.playbook
        results = self.env[RESULT].search(
            [("playbook_id" if record._name == "crm.playbook" else "campaign_id", "=", record.id)]
        )
        return self.as_user(results, user) if user else results


@tagged("post_install", "-at_install")
class TestPlaybookResults(ResultTools, CustomerCase):
    def test_a_result_is_that_of_the_analytics(self):
        waves = [
            self.make_effect(seed=seed, assigned=assigned)
            for seed, assigned in ((1, 200), (2, 150), (3, 100))
        ]
        self.refresh()
        pooled = pool([(Arm.of(treated), Arm.of(held_out)) for treated, held_out in waves])
        result = self.result()
        self.assertEqual(result.grain, "day")
        self.assertEqual((result.treated_count, result.held_out_count), (240, 240))
        for name in ("difference", "low", "high"):
            self.assertAlmostEqual(
                result.revenue_found[name], getattr(pooled.effect, name), 4, "to the cent"
            )
        self.assertEqual(result.revenue_verdict, "works")
        self.assertEqual(result.orders_verdict, "cannot_tell", "all of them bought")
        self.assertAlmostEqual(result.revenue_earned, 240 * pooled.effect.difference, 2)

    def test_small_days_are_compared_by_month(self):
        for number in range(10):
            self.make_effect(count=6, seed=number, assigned=100 + 3 * number)
        self.refresh()
        self.assertEqual(self.result().grain, "month")

    def test_windows_that_are_not_over_are_not_counted(self):
        self.make_effect()
        self.make_effect(treated=900, assigned=20, outcome_state="running")
        self.refresh()
        result = self.result()
        self.assertEqual((result.treated_count, result.running_count), (80, 160))
        self.assertEqual(result.next_end, self.ago(-10))
        self.assertLess(result.revenue_found["difference"], 20)

    def test_who_is_always_contacted_is_not_compared(self):
        self.make_effect()
        self.refresh()
        before = self.result().revenue_found
        self.make_arm("exempt", [10_000.0] * 5)
        self.refresh()
        self.assertEqual(self.result().revenue_found, before)
        self.assertEqual(self.result().exempt_count, 5)

    def test_what_harms_is_said(self):
        self.make_effect(treated=80)
        self.refresh()
        result = self.result(user=self.make_user("finance"))
        self.assertEqual(result.verdict, "harms")
        self.assertIn("Cost", result.summary)

    def test_it_cannot_be_told_yet_and_how_many_customers_it_takes(self):
        self.make_effect(treated=102, seed=5)
        self.refresh()
        result = self.result(user=self.make_user("finance"))
        self.assertEqual(result.verdict, "cannot_tell")
        self.assertIn("Cannot tell yet", result.summary)
        self.assertIn("more customers", result.page)

    def test_without_a_hold_out_nobody_can_say(self):
        self.make_arm("treated", [10.0] * 60)
        self.refresh()
        self.assertEqual(self.result().orders_verdict, "no_holdout")
        self.assertIn("Nobody was held out", self.result().summary)

    def test_before_a_window_is_over_it_is_too_early(self):
        self.make_effect(assigned=20, outcome_state="running")
        self.refresh()
        self.assertEqual(self.result().orders_verdict, "too_early")

    def test_the_naive_figure_is_shown_beside(self):
        treated, held_out = self.make_effect()
        self.refresh()
        found = self.result().revenue_found
        self.assertAlmostEqual(found["claimed"], sum(treated), 2)
        self.assertAlmostEqual(found["caused"], sum(treated) - sum(held_out), 2)
        self.assertAlmostEqual(found["overstatement"], found["claimed"] / found["caused"], 3)
        self.assertIn("times what was caused", self.result(user=self.make_user("finance")).page)

    def test_unknown_margins_are_not_compared(self):
        self.make_effect(gross_known=0.0)
        self.refresh()
        result = self.result()
        self.assertFalse(result.margin_verdict)
        self.assertFalse(result.margin_found)
        reader = self.make_user("manager", group_ids=[])
        reader.group_ids += self.env.ref("crm_extended.group_manager")
        reader.group_ids += self.env.ref("crm_extended.group_margin")
        result = self.result(user=reader)
        self.assertEqual(result.measure, "revenue")
        self.assertIn("not earnings", result.page)

    def test_a_result_that_is_as_it_was_is_not_written(self):
        self.make_effect()
        self.refresh()
        self.env.flush_all()
        self.env.cr.execute("SELECT xmin::text FROM crm_playbook_result ORDER BY id")
        before = self.env.cr.fetchall()
        self.refresh(as_of=self.ago(-1))
        self.env.flush_all()
        self.env.cr.execute("SELECT xmin::text FROM crm_playbook_result ORDER BY id")
        self.assertEqual(self.env.cr.fetchall(), before)

    def test_a_result_goes_with_its_last_case(self):
        self.make_effect(count=3)
        self.refresh()
        self.env[CASE].search([("playbook_id", "=", self.playbook.id)]).unlink()
        self.refresh()
        self.assertFalse(self.result())

    def test_a_campaign_pools_its_playbooks(self):
        campaign = self.env["utm.campaign"].create({"name": "Spring"})
        second = self.make_playbook(name="Mail the silent")
        (self.playbook | second).campaign_id = campaign
        waves = [self.make_effect(seed=1), self.make_effect(seed=2, playbook=second)]
        self.refresh()
        result = self.result(campaign)
        pooled = pool([(Arm.of(treated), Arm.of(held_out)) for treated, held_out in waves])
        self.assertEqual(result.display_name, "Spring")
        self.assertEqual(result.treated_count, 160)
        self.assertAlmostEqual(
            result.revenue_found["difference"], pooled.effect.difference, 4, "not mixed"
        )

    def test_the_receipt_of_a_month_adds_up_its_playbooks(self):
        second = self.make_playbook(name="Mail the silent")
        self.make_effect(seed=1)
        self.make_effect(seed=2, playbook=second)
        self.refresh()
        day = self.ago(100).replace(day=1)
        receipt = self.env["crm.customer.receipt"].search(
            [("company_id", "=", self.company.id), ("month", "=", day)]
        )
        results = self.result() | self.result(second)
        self.assertAlmostEqual(receipt.revenue_earned, sum(results.mapped("revenue_earned")), 1)
        self.assertLess(receipt.revenue_low, receipt.revenue_earned)
        self.assertTrue(self.as_user(receipt, self.make_user("finance")).earned)
        self.assertFalse(self.as_user(receipt, self.make_user("user")).earned)

    def test_a_playbook_of_another_company_has_its_own_result(self):
        other = self.make_company("Other Result Company")
        self.make_effect()
        foreign = self.make_playbook(name="Theirs", company_id=other.id)
        self.make_effect(treated=90, playbook=foreign)
        self.refresh(companies=self.company | other)
        self.assertEqual(self.result().revenue_verdict, "works")
        self.assertEqual(self.result(foreign).revenue_verdict, "harms")
        reader = self.make_user("manager")
        self.assertFalse(self.as_user(RESULT, reader).search([("playbook_id", "=", foreign.id)]))


@tagged("post_install", "-at_install")
class TestRightsOnResults(ResultTools, CustomerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.make_effect()
        cls.refresh()

    def test_each_reader_sees_the_best_measure_that_he_may_see(self):
        for role, measure, verdict in (
            ("user", "orders", "cannot_tell"),
            ("salesperson", "orders", "cannot_tell"),
            ("finance", "revenue", "works"),
            ("manager", "revenue", "works"),
        ):
            result = self.result(user=self.make_user(role))
            self.assertEqual((result.measure, result.verdict), (measure, verdict), role)

    def test_who_sees_no_amounts_reads_none(self):
        result = self.result(user=self.make_user("user"))
        for name in ("revenue_found", "revenue_verdict", "revenue_earned", "margin_earned"):
            with self.assertRaises(AccessError):
                result.read([name])
            with self.assertRaises(AccessError):
                result.search([(name, "!=", False)])
        self.assertNotIn("Revenue", result.page)
        for verdict, found in (("works", 0), ("cannot_tell", 1)):
            self.assertEqual(
                result.search_count([("verdict", "=", verdict), ("id", "=", result.id)]), found
            )

    def test_the_filter_finds_what_the_list_shows(self):
        reader = self.make_user("finance")
        results = self.as_user(RESULT, reader)
        mine = results.search([("playbook_id", "=", self.playbook.id)])
        for verdict in ("works", "harms", "cannot_tell"):
            domain = [("verdict", "=", verdict), ("id", "=", mine.id)]
            self.assertEqual(bool(results.search(domain)), mine.verdict == verdict)

    def test_nobody_writes_results(self):
        for role in ("manager", "salesperson"):
            result = self.result(user=self.make_user(role))
            with self.assertRaises(AccessError):
                result.write({"orders_verdict": "works"})

    def test_a_list_of_results_takes_the_same_queries_for_few_and_many(self):
        for number in range(6):
            self.make_effect(count=3, playbook=self.make_playbook(name=f"Playbook {number}"))
        self.refresh()
        reader = self.make_user("finance")

        def listed(limit):
            results = self.as_user(RESULT, reader)
            results.env.user.has_groups("crm_extended.group_finance")
            domain = [("company_id", "=", self.company.id)]
            with self.queries() as statements:
                results.search_read(domain, ["display_name", "verdict", "summary"], limit=limit)
            return statements

        # caches of rules and currencies
        listed(7), listed(3)
        few, many = listed(3), listed(7)
        self.assertEqual(len(few), len(many), "\n".join(set(many) ^ set(few)))


@tagged("post_install", "-at_install")
class TestRecordedCases(ResultTools, CustomerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.make_user("manager")
        cls.mailing = cls.make_playbook(name="Letter", trigger="recorded", window_days=14)

    def load(self, rows, user=None):
        columns = ["playbook_id", "partner_id", "arm", "date_assigned", "date_end"]
        cases = self.as_user(CASE, user or self.manager)
        return cases.load(columns[: len(rows[0])], rows)

    def test_a_manager_imports_who_was_mailed_and_who_was_not(self):
        customers = [self.make_customer(f"Mailed {number}") for number in range(4)]
        rows = [
            ["Letter", customer.name, arm, str(self.ago(30))]
            for customer, arm in zip(customers, ["Contacted", "Hold-out"] * 2, strict=True)
        ]
        imported = self.load(rows)
        self.assertFalse(imported["messages"])
        cases = self.env[CASE].browse(imported["ids"])
        self.assertEqual(cases.mapped("arm"), ["treated", "held_out"] * 2)
        self.assertEqual(set(cases.mapped("state")), {"closed"})
        self.assertEqual(set(cases.mapped("date_end")), {self.ago(16)}, "the playbook's window")
        self.assertEqual(cases.company_id, self.company)

    def test_columns_are_offered_to_the_import(self):
        fields = self.env["base_import.import"].get_fields_tree(CASE)
        names = {field["name"] for field in fields}
        self.assertLessEqual(
            {"playbook_id", "partner_id", "arm", "date_assigned", "date_end"}, names
        )

    def test_a_contact_stands_for_his_customer(self):
        customer = self.make_customer("Firm")
        contact = self.make_contact(customer, "Person")
        case = self.record(contact)
        self.assertEqual(case.partner_id, customer)

    def record(self, customer, user=None, playbook=None, **values):
        return self.as_user(CASE, user or self.manager).create(
            {
                "playbook_id": (playbook or self.mailing).id,
                "partner_id": customer.id,
                "arm": "treated",
                "date_assigned": self.ago(30),
            }
            | values
        )

    def test_a_customer_is_recorded_once_a_day(self):
        customer = self.make_customer()
        self.record(customer)
        with self.assertRaisesRegex(ValidationError, "recorded twice"):
            self.record(customer, arm="held_out")

    def test_a_window_that_ends_before_it_begins_is_refused(self):
        with self.assertRaisesRegex(ValidationError, "must end after"):
            self.record(self.make_customer(), date_end=self.ago(30))

    def test_cases_of_the_night_are_not_recorded_by_hand(self):
        customer = self.make_customer()
        with self.assertRaisesRegex(AccessError, "opened by the night"):
            self.record(customer, playbook=self.playbook)
        case = self.as_user(self.make_window(customer), self.manager)
        with self.assertRaisesRegex(AccessError, "opened by the night"):
            case.write({"arm": "held_out"})
        with self.assertRaisesRegex(AccessError, "opened by the night"):
            case.unlink()

    def test_a_recorded_outcome_is_the_nights_alone(self):
        case = self.record(self.make_customer(), revenue=1000.0, state="open")
        self.assertEqual((case.revenue, case.state), (0, "closed"))
        case.write({"revenue": 10.0})
        self.assertEqual(case.revenue, 0)

    def test_a_changed_window_is_found_again(self):
        customer = self.make_customer()
        self.make_invoices([(customer, 90, 10.0), (customer, 50, 20.0)])
        case = self.record(customer, date_assigned=self.ago(100), date_end=self.ago(80))
        self.refresh()
        self.assertEqual(self.outcome(case), (1, 10))
        case.write({"date_end": self.ago(40)})
        self.refresh()
        self.assertEqual(self.outcome(case), (2, 30))

    def test_only_managers_record(self):
        for role in ("salesperson", "user", "finance"):
            with self.assertRaises(AccessError):
                self.record(self.make_customer(), user=self.make_user(role))

    def test_what_is_sent_elsewhere_is_not_started_here(self):
        with self.assertRaisesRegex(UserError, "sent elsewhere"):
            self.mailing.action_switch_on()

    def test_its_form_can_be_read(self):
        mailing = self.as_user(self.mailing, self.manager)
        [values] = mailing.read(["has_state", "existing_count", "result_page"])
        self.assertEqual((values["has_state"], values["existing_count"]), (False, 0))

    def test_the_form_records_in_its_list(self):
        action = self.as_user(self.mailing, self.manager).action_record_cases()
        self.assertEqual(action["context"]["default_playbook_id"], self.mailing.id)
        cases = self.as_user(CASE, self.manager).with_context(**action["context"])
        view = self.env.ref("crm_extended.crm_playbook_case_view_list_recorded")
        customer = self.make_customer()
        with Form(cases, view) as form:
            form.partner_id = customer
            form.arm = "held_out"
            form.date_assigned = self.ago(10)
        self.assertEqual(form.record.date_end, self.ago(10) + timedelta(days=14))
