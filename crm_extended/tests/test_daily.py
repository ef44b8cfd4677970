from datetime import date, timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from ..models.crm_customer_outcome import OUTCOMES
from .common import CustomerCase


class DailyCase(CustomerCase):
    """A salesperson with one customer for each line of his day."""

    # what was done a minute ago counts
    as_of = date.today()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.anna = cls.make_user("salesperson", "daily_anna")
        anna = cls.anna.id
        cls.promised = cls.make_customer("Promised", user_id=anna)
        cls.at_risk = cls.make_customer("At Risk", user_id=anna)
        cls.lost = cls.make_customer("Lost", user_id=anna)
        cls.prospect = cls.make_customer("Prospect", user_id=anna)
        cls.regular = cls.make_customer("Regular", user_id=anna)
        cls.fresh = cls.make_customer("Fresh", user_id=anna)
        cls.debtor = cls.make_customer("Debtor", user_id=anna)
        cls.foreign = cls.make_customer("Foreign", user_id=cls.make_user("salesperson_all").id)
        cls.make_purchases(cls.promised, every=30, count=5, last=3)
        cls.make_purchases(cls.at_risk, every=30, count=5, last=71)
        cls.make_purchases(cls.lost, every=30, count=5, last=150)
        cls.make_purchases(cls.regular, every=30, count=5, last=3)
        cls.make_purchases(cls.fresh, count=1, last=5)
        cls.make_purchases(cls.debtor, every=30, count=5, last=71)
        cls.make_purchases(cls.foreign, every=30, count=5, last=71)
        cls.make_lead(cls.prospect, user_id=anna)
        cls.quotation = cls.make_order(cls.prospect, 10, confirm=False, state="sent", user_id=anna)
        cls.refresh()
        cls.update_row(cls.debtor, collect_first=True)
        cls.make_offer(cls.regular)
        cls.promise(cls.promised)

    @classmethod
    def make_offer(cls, customer, **values):
        return cls.env["crm.customer.recommendation"].create(
            {
                "company_id": cls.company.id,
                "currency_id": cls.company.currency_id.id,
                "partner_id": customer.id,
                "product_id": cls.product.id,
                "kind": "cross_sell",
                "state": "open",
            }
            | values
        )

    @classmethod
    def promise(cls, record, days=0, user=None):
        """A call on that day from today."""
        return record.activity_schedule(
            "mail.mail_activity_data_call",
            date_deadline=date.today() + timedelta(days=days),
            user_id=(user or cls.anna).id,
            summary="Send the prices",
        )

    def rows(self, customer=None, user=None):
        profiles = self.as_user("crm.customer.profile", user or self.anna)
        return profiles.search([("partner_id", "=", customer.id)]) if customer else profiles

    def todo(self, user=None):
        """Names of the list of the day, in its order."""
        rows = self.rows(user=user).search([("is_today", "=", True)], order="call_rank")
        return rows.partner_id.mapped("name")

    def action(self, customer, user=None):
        return self.rows(customer, user).daily_action

    def header(self, user=None):
        return self.rows(user=user).customer_header()


@tagged("post_install", "-at_install", "crm_extended")
class TestDailyList(DailyCase):
    """One customer, one line, one action, within a day."""

    def test_actions_come_in_their_order_one_line_a_customer(self):
        self.assertEqual(
            self.todo(), ["Promised", "At Risk", "Lost", "Prospect", "Regular", "Fresh"]
        )
        rows = self.rows().search([("is_today", "=", True)], order="call_rank")
        self.assertEqual(
            rows.mapped("daily_action"),
            ["promised", "at_risk", "win_back", "quotation", "offer", "new"],
        )
        self.assertEqual(rows.mapped("is_today"), [True] * 6)

    def test_who_owes_is_in_his_own_place_and_no_sales_task(self):
        self.assertEqual(self.action(self.debtor), "collect_first")
        self.assertNotIn("Debtor", self.todo())
        self.assertEqual(self.header()["counts"]["collect_first"], 1)
        self.promise(self.debtor)
        self.assertEqual(self.action(self.debtor), "promised", "what he promised he keeps")

    def test_a_line_says_what_was_promised_and_what_to_offer(self):
        self.assertIn("Promised for today: Send the prices.", self.rows(self.promised).daily_reason)
        self.assertIn("Offer Widget.", self.rows(self.regular).daily_reason)
        self.assertIn("unanswered", self.rows(self.prospect).daily_reason)
        late = self.promise(self.fresh, days=-3)
        self.assertIn("Promised 3 days ago", self.rows(self.fresh).daily_reason)
        late.unlink()
        self.assertIn("Ask how it went", self.rows(self.fresh).daily_reason)

    def test_search_and_reading_say_the_same(self):
        rows = self.rows().search([])
        for action in {*rows.mapped("daily_action")}:
            found = self.rows().search([("daily_action", "=", action)])
            self.assertEqual(found, rows.filtered(lambda row, a=action: row.daily_action == a))
            self.assertEqual(found, rows.filtered_domain([("daily_action", "=", action)]))
        for name in ("is_today", "is_done_today"):
            self.assertEqual(self.rows().search([(name, "=", True)]), rows.filtered(name), name)
        groups = self.rows()._read_group([], ["daily_action"], ["__count"])
        self.assertEqual(sum(count for _action, count in groups), len(rows))

    def test_a_promise_counts_wherever_it_was_made_and_not_before_its_day(self):
        lead = self.make_lead(self.foreign)
        tomorrow = self.promise(lead, days=1)
        manager = self.make_user("salesperson_all")
        self.assertEqual(self.action(self.foreign, manager), "at_risk")
        tomorrow.write({"date_deadline": date.today(), "user_id": manager.id})
        self.assertEqual(self.action(self.foreign, manager), "promised")
        self.promise(self.make_contact(self.lost), user=self.anna)
        self.assertEqual(self.action(self.lost), "promised")
        self.assertEqual(self.action(self.lost, manager), "win_back", "others promised nothing")

    def test_the_list_is_as_long_as_a_day_and_promises_are_always_on_it(self):
        self.company.customer_calls_per_day = 3
        self.assertEqual(self.todo(), ["Promised", "At Risk", "Lost"])
        self.anna.customer_calls_per_day = 1
        self.assertEqual(self.todo(), ["Promised"])
        self.promise(self.fresh)
        self.assertEqual(set(self.todo()), {"Promised", "Fresh"})
        header = self.header()
        self.assertEqual((header["counts"]["today"], header["capacity"]), (2, 1))

    def test_what_was_done_counts_and_the_rest_waits(self):
        self.anna.customer_calls_per_day = 3
        self.rows(self.at_risk).action_note_outcome("price")

        counts = self.header()["counts"]
        self.assertEqual((counts["today"], counts["done"], counts["to_call"]), (2, 1, 5))
        self.assertEqual(self.todo(), ["Promised", "Lost"])

    def test_capacity_is_a_number_of_calls(self):
        with self.assertRaisesRegex(ValidationError, "Calls a Day"):
            self.company.customer_calls_per_day = 0
        with self.assertRaisesRegex(ValidationError, "0 for the number of the company"):
            self.anna.customer_calls_per_day = -1

    def test_a_salesperson_has_his_own_customers_and_whom_he_promised_something(self):
        self.make_purchases(self.make_customer("Ownerless"), every=30, count=5, last=71)
        self.refresh()
        self.assertNotIn("Ownerless", self.todo())
        self.assertFalse(self.rows(self.foreign), "he does not see it")
        nobody = self.make_user("sales_manager")
        self.assertIn("Ownerless", self.todo(nobody), "who owns none has all")

    def test_who_was_spoken_with_lately_is_not_called_for_an_offer(self):
        for days, action in ((31, "offer"), (20, False)):
            self.update_row(self.regular, last_contact_date=self.ago(days))
            self.assertEqual(self.action(self.regular), action)

    def test_near_the_next_tier_is_for_those_who_see_amounts(self):
        self.env["crm.customer.recommendation"].search([]).unlink()
        tiers = self.env["crm.loyalty.tier"].search([("company_id", "=", self.company.id)])
        self.update_row(self.regular, next_tier_days=20, next_tier_id=tiers[0].id)
        self.assertEqual(self.action(self.regular), "tier")
        self.assertIn("tell the customer", self.rows(self.regular).daily_reason)
        self.set_salespeople_see_amounts(False)
        self.assertFalse(self.action(self.regular))

    def test_order_and_lists_do_not_depend_on_amounts(self):
        self.set_salespeople_see_amounts(False)
        before = self.rows().search([], order="call_rank, id").mapped("daily_reason")
        amounts = [
            name
            for name, field in self.env["crm.customer.profile"]._fields.items()
            if field.store and field.type in ("monetary", "float", "integer")
            and field.groups
        ]  # fmt: skip
        for customer in (self.at_risk, self.lost, self.regular, self.fresh, self.promised):
            self.update_row(customer, **dict.fromkeys(amounts, 7))
        after = self.rows().search([], order="call_rank, id").mapped("daily_reason")
        self.assertEqual(before, after)

    def test_a_list_asks_as_much_for_one_customer_as_for_all(self):
        names = ["daily_action", "call_rank", "daily_reason", "is_today", "is_done_today",
                 "outcome_ids", "last_outcome_id", "is_blacklisted"]  # fmt: skip

        def queries(rows):
            for _time in range(2):
                self.env.invalidate_all()
                with self.queries() as statements:
                    for name in names:
                        rows.mapped(name)
            return len(statements)

        for customer in (self.at_risk, self.lost, self.fresh):
            self.make_offer(customer)
            self.promise(customer)
        rows = self.rows().search([("daily_action", "=", "promised")])
        self.assertEqual(len(rows), 4)
        one = rows.filtered(lambda row: row.partner_id == self.at_risk)
        self.assertEqual(queries(rows), queries(one))


@tagged("post_install", "-at_install", "crm_extended")
class TestOutcomes(DailyCase):
    """What was heard is kept, and what follows from it is done."""

    def note(self, customer, kind, user=None, **values):
        ids = self.rows(customer, user).action_note_outcome(kind, **values)
        return self.env["crm.customer.outcome"].browse(ids)

    def test_an_outcome_is_a_contact_and_the_customer_leaves_the_list(self):
        for kind, _label in OUTCOMES:
            if kind in ("call_back", "closed"):
                continue
            with self.subTest(kind=kind):
                outcome = self.note(self.at_risk, kind, note="So he said")
                row = self.rows(self.at_risk)
                self.assertEqual(row.contacted_on, date.today())
                self.assertTrue(row.is_done_today)
                self.assertFalse(row.daily_action)
                self.assertEqual(row.last_outcome_id, outcome)
                [message] = outcome.message_ids
                self.assertEqual(message.author_id, self.anna.partner_id)
                self.assertIn("So he said", message.body)
                self.assertFalse(message.notified_partner_ids, "customers get no word of it")
                outcome.with_user(self.anna).action_undo()

    def test_the_night_counts_it_as_the_last_contact(self):
        self.note(self.at_risk, "price")
        self.refresh()
        self.assertEqual(self.row(self.at_risk).last_contact_date, date.today())

    def test_what_he_promised_for_today_is_done_with_what_was_said(self):
        due = self.promised.activity_ids
        on_lead = self.promise(self.make_lead(self.promised), days=-2)
        later = self.promise(self.promised, days=9)
        of_others = self.promise(self.promised, user=self.foreign.user_id)

        outcome = self.note(self.promised, "stock", note="No filters")

        self.assertFalse((due | on_lead).filtered("active"))
        self.assertEqual(due.feedback, "Not in stock. No filters")
        self.assertTrue(later.active and of_others.active)
        self.assertTrue(self.rows(self.promised).is_done_today)
        self.assertEqual(outcome.done_activity_ids, due | on_lead)

    def test_to_call_back_plans_the_call_and_he_waits_until_then(self):
        day = date.today() + timedelta(days=10)
        outcome = self.note(self.at_risk, "call_back", call_back_on=fields.Date.to_string(day))

        self.assertEqual(outcome.activity_id.date_deadline, day)
        self.assertEqual(outcome.activity_id.user_id, self.anna)
        self.env.flush_all()
        # a week later, when the contact is no longer of this week
        outcome.date = self.ago(8)
        outcome.message_ids.unlink()
        self.assertFalse(self.action(self.at_risk))
        outcome.call_back_on = date.today()
        outcome.activity_id.date_deadline = date.today()
        self.assertEqual(self.action(self.at_risk), "promised")

    def test_to_call_back_needs_a_day(self):
        for day in (None, "2001-01-01", "9999-12-31"):
            with self.subTest(day=day), self.assertRaisesRegex(ValidationError, "day to call back"):
                self.note(self.at_risk, "call_back", call_back_on=day)

    def test_an_unknown_outcome_is_refused_with_a_sentence(self):
        for kind in (None, "nonsense"):
            with self.assertRaisesRegex(UserError, "Choose what was heard"):
                self.note(self.at_risk, kind)

    def test_a_competitor_stands_among_the_suppliers_of_a_known_wallet(self):
        self.note(self.lost, "competitor", competitor_name="Other Ltd")
        wallet = self.env["crm.customer.wallet"].create(
            {"partner_id": self.at_risk.id, "company_id": self.company.id, "amount": 500}
        )
        outcome = self.note(self.at_risk, "competitor", competitor_name="Other Ltd")
        self.note(self.at_risk, "competitor", competitor_name="other ltd")
        self.assertEqual(wallet.competitor_ids.mapped("name"), ["Other Ltd"])
        self.assertEqual(outcome.competitor_id, wallet.competitor_ids)

    def test_who_closed_is_called_no_more_until_he_buys(self):
        outcome = self.note(self.lost, "closed")
        outcome.message_ids.unlink()
        outcome.date = self.ago(20)
        self.assertFalse(self.action(self.lost))
        self.assertTrue(self.lost.active, "nothing is automatic")
        self.update_row(self.lost, last_purchase_date=self.ago(1))
        self.assertEqual(self.action(self.lost), "win_back")

    def test_a_mistaken_tap_is_taken_back_with_all_that_it_did(self):
        due = self.promised.activity_ids
        tomorrow = fields.Date.to_string(date.today() + timedelta(days=1))
        outcome = self.note(self.promised, "call_back", call_back_on=tomorrow)
        messages, planned = outcome.message_ids, outcome.activity_id

        outcome.with_user(self.anna).action_undo()

        self.assertFalse(outcome.exists() or messages.exists() or planned.exists())
        self.assertTrue(due.active)
        row = self.rows(self.promised)
        self.assertEqual(row.daily_action, "promised")
        self.assertFalse(row.is_done_today)

    def test_only_ones_own_of_today_can_be_taken_back(self):
        outcome = self.note(self.at_risk, "price")
        other = self.make_user("salesperson_all")
        with self.assertRaisesRegex(UserError, "today"):
            self.as_user(outcome, other).action_undo()
        outcome.date = self.ago(1)
        with self.assertRaisesRegex(UserError, "today"):
            self.as_user(outcome, self.anna).action_undo()

    def test_others_learn_of_an_outcome_at_once(self):
        other = self.make_user("salesperson_all")
        self.note(self.at_risk, "price")
        self.assertFalse(self.action(self.at_risk, other))

    def test_who_noted_it_may_hear_of_it_elsewhere(self):
        """The hook of those who act on outcomes gets what was just noted."""
        heard = []
        outcomes = self.env.registry["crm.customer.outcome"]
        self.patch(outcomes, "_after_outcomes", lambda self: heard.extend(self.mapped("kind")))
        self.note(self.at_risk, "price")
        self.assertEqual(heard, ["price"])

    def test_customers_of_others_are_refused(self):
        row = self.row(self.foreign)
        with self.assertRaises(AccessError):
            self.as_user(row, self.anna).action_note_outcome("price")
        outcome = self.env["crm.customer.outcome"].browse(
            self.as_user(row, self.foreign.user_id).action_note_outcome("price")
        )
        self.assertFalse(self.as_user("crm.customer.outcome", self.anna).search([]))
        with self.assertRaises(AccessError):
            self.as_user(outcome, self.anna).read(["kind"])

    def test_nobody_writes_outcomes_by_hand(self):
        outcome = self.note(self.at_risk, "price")
        for user in (self.anna, self.make_user("sales_manager")):
            with self.assertRaises(AccessError):
                self.as_user(outcome, user).write({"kind": "ordered"})
            with self.assertRaises(AccessError):
                self.as_user(outcome, user).unlink()

    def test_of_who_opts_out_nothing_is_kept_and_the_merged_keep_all(self):
        outcome = self.note(self.at_risk, "price")
        other = self.note(self.lost, "credit")
        self.env["base.partner.merge.automatic.wizard"].create({})._merge(
            (self.at_risk | self.lost).ids, self.lost
        )
        self.assertEqual((outcome | other).mapped("partner_id"), self.lost)
        self.lost.profiling_optout = True
        self.assertFalse((outcome | other).exists())

    def test_what_was_said_follows_a_contact_to_his_new_customer(self):
        outcome = self.note(self.at_risk, "price")
        self.at_risk.write({"is_company": False, "parent_id": self.lost.id})
        self.assertEqual(outcome.partner_id, self.lost)

    def test_my_month_counts_whom_i_spoke_with_and_who_ordered(self):
        self.note(self.at_risk, "ordered")
        self.note(self.lost, "price")
        self.assertEqual(self.header()["month"], {"contacted": 2, "ordered": 1, "won_back": 0})


@tagged("post_install", "-at_install", "crm_extended")
class TestTeam(DailyCase):
    """The first screen of a manager."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.make_user("sales_manager", "daily_manager")
        cls.ownerless = cls.make_customer("Ownerless")
        cls.make_purchases(cls.ownerless, every=30, count=5, last=71)
        cls.refresh()
        cls.update_row(cls.debtor, collect_first=True)

    def page(self, user=None):
        return self.as_user("crm.customer.team", user or self.manager).today()

    def test_what_waits_for_a_decision_is_counted_and_opens(self):
        self.assertEqual(self.page()["approvals"], [])
        self.env["crm.winback.case"].create(
            {
                "partner_id": self.lost.id,
                "company_id": self.company.id,
                "opened_on": self.as_of,
                "left_after": self.as_of,
                "give_up_proposed_on": self.as_of,
            }
        )
        [approval] = self.page()["approvals"]
        self.assertEqual(approval["count"], 1)
        opened = self.env[approval["action"]["res_model"]].search(approval["action"]["domain"])
        self.assertEqual(opened.partner_id, self.lost)

    def line(self, user):
        [line] = [line for line in self.page()["team"] if line["user_id"] == user.id]
        return line

    def test_a_line_per_salesperson_says_what_was_done_and_what_is_late(self):
        self.promise(self.fresh, days=-2)
        self.rows(self.at_risk).action_note_outcome("price")

        line = self.line(self.anna)

        self.assertEqual(line["done"], 1)
        self.assertEqual(line["late"], 1)
        self.assertEqual(line["capacity"], 12)
        self.assertEqual(line["customers"], 7)
        self.assertEqual(line["to_call"], 2, "lost and prospect; the other was called")
        self.assertEqual(line["at_risk"], 2)
        self.assertTrue(line["at_stake"])

    def test_numbers_open_the_customers_they_count(self):
        page = self.page()
        line = self.line(self.anna)
        profiles = self.as_user("crm.customer.profile", self.manager)
        for name, domain in page["domains"].items():
            if name in line:
                found = profiles.search_count([*domain, ("user_id", "=", self.anna.id)])
                self.assertEqual(found, line[name], name)

    def test_those_of_nobody_come_first(self):
        self.assertEqual(self.page()["team"][0]["user_id"], False)
        self.assertEqual(self.page()["at_risk"][0]["name"], "Ownerless")

    def test_sell_or_collect_is_to_be_decided(self):
        conflicts = self.page()["conflicts"]
        self.assertEqual(conflicts["count"], 1)
        self.assertEqual(conflicts["customers"][0]["name"], "Debtor")

    def test_reasons_heard_are_counted_and_opened(self):
        self.rows(self.at_risk).action_note_outcome("price")
        [heard] = self.page()["heard"]
        self.assertEqual((heard["kind"], heard["count"]), ("price", 1))
        self.assertEqual(
            self.as_user("crm.customer.outcome", self.manager).search_count(heard["domain"]), 1
        )

    def test_amounts_of_several_companies_are_not_added_up(self):
        other = self.make_company("Other Company")
        self.make_purchases(self.at_risk, every=30, count=5, last=71, company=other)
        self.refresh(companies=other)
        before = self.line(self.anna)
        self.manager.company_ids += other
        line = self.line(self.anna)
        self.assertEqual(line, before)

    def test_it_is_for_managers(self):
        for role in ("salesperson", "salesperson_all", "user", "finance", "margin"):
            with self.subTest(role=role), self.assertRaises(AccessError):
                self.page(self.make_user(role))

    def test_a_page_asks_as_much_for_a_few_as_for_many(self):
        def queries():
            for _time in range(2):
                team = self.as_user("crm.customer.team", self.manager)
                with self.queries() as statements:
                    team.today()
            return len(statements)

        few = queries()
        for number in range(5):
            customer = self.make_customer(
                f"More {number}", user_id=self.make_user("salesperson").id
            )
            self.make_purchases(customer, every=30, count=5, last=71)
        self.refresh()
        self.assertLessEqual(queries(), few + 1)
