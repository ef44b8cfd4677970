from datetime import timedelta

from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from .common import AS_OF, CustomerCase, SeveralCustomersCase

DECISION, PROFILE = "crm.customer.decision", "crm.customer.profile"
QUIET = mute_logger("odoo.addons.base.models.ir_rule", "odoo.addons.base.models.ir_model")


class LettingGoWorld:
    """Customers whose rows were given margins: what makes these is the business of other tests."""

    @classmethod
    def make_owner(cls, login="owner"):
        """Who manages and sees margins."""
        owner = cls.make_user("sales_manager", login)
        cls.env.ref("crm_extended.group_margin").user_ids += owner
        return owner

    @classmethod
    def set_contribution(cls, customer, contribution, **values):
        is_loss = contribution < 0
        cls.update_row(
            customer,
            **{
                "margin_state": "known",
                "margin_coverage": 1,
                "margin_12m": contribution,
                "contribution_12m": contribution,
                "loss_maker_flag": is_loss,
                "loss_cause": "delivery" if is_loss else None,
            }
            | values,
        )

    def propose(self, customer=None, user=None, **values):
        decisions = self.as_user(DECISION, user or self.owner)
        return decisions.create(
            {
                "partner_id": (customer or self.customer).id,
                "company_id": self.company.id,
                "measure": "delivery_fee",
                "value": 5,
                "date_review": self.as_of + timedelta(days=180),
            }
            | values
        )


@tagged("post_install", "-at_install")
class TestDecision(LettingGoWorld, CustomerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time(AS_OF))
        cls.owner = cls.make_owner()
        cls.customer = cls.make_customer("Costly")
        cls.contact = cls.make_contact(cls.customer)
        cls.make_purchases(cls.customer, count=12)
        cls.refresh()
        cls.set_contribution(cls.customer, -90)

    def test_decision_keeps_what_he_brought_then_and_asks_whoever_decided(self):
        decision = self.propose()
        self.assertEqual(decision.state, "proposed")
        self.assertFalse(decision.activity_ids)
        decision.action_decide()
        self.assertEqual(
            (decision.state, decision.decided_by_id, decision.date),
            ("decided", self.owner, self.as_of),
        )
        self.assertEqual((decision.contribution_then, decision.was_loss_maker), (-90, True))
        activity = decision.activity_ids
        self.assertEqual(
            (activity.user_id, activity.date_deadline), (self.owner, decision.date_review)
        )

    def test_review_holds_now_against_then(self):
        for now, result in ((-40, "better"), (-90, "not"), (20, "gone")):
            with self.subTest(result):
                self.set_contribution(self.customer, -90)
                decision = self.propose()
                decision.action_decide()
                self.set_contribution(self.customer, now)
                decision.invalidate_recordset()
                decision.action_review()
                self.assertEqual((decision.state, decision.result), ("reviewed", result))
                self.assertEqual(
                    (decision.contribution_then, decision.contribution_now), (-90, now)
                )
                self.assertFalse(decision.activity_ids, "the review is done")
                self.set_contribution(self.customer, -777)
                decision.invalidate_recordset()
                self.assertEqual(decision.contribution_now, now, "as it was at the review")

    def test_what_is_not_known_is_not_zero(self):
        self.update_row(
            self.customer, margin_state="unknown", contribution_12m=None, margin_12m=None
        )
        decision = self.propose()
        decision.action_decide()
        self.assertFalse(decision.then_is_known or decision.now_is_known)
        self.assertFalse(decision.expected_is_known)
        decision.action_review()
        self.assertEqual(decision.result, "unknown")

    def test_customer_has_one_open_decision(self):
        decision = self.propose()
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
            self.propose()
        decision.action_drop()
        self.assertTrue(self.propose(self.contact), "the first one is history")

    def test_contact_stands_for_his_customer(self):
        self.assertEqual(self.propose(self.contact).partner_id, self.customer)

    def test_review_lies_in_the_future(self):
        for day in (self.as_of, self.as_of - timedelta(days=1)):
            with self.assertRaisesRegex(ValidationError, "later than today"):
                self.propose(self.make_customer(), date_review=day)

    def test_moved_review_moves_its_activity(self):
        decision = self.propose()
        decision.action_decide()
        decision.date_review = self.as_of + timedelta(days=30)
        self.assertEqual(decision.activity_ids.date_deadline, decision.date_review)

    def test_terms_make_sense(self):
        for measure, value in (
            ("price", 0), ("price", 101), ("channel", -1), ("minimum_order", 0),
            ("delivery_fee", -2),
        ):  # fmt: skip
            with self.subTest(measure=measure, value=value), self.assertRaises(ValidationError):
                self.propose(measure=measure, value=value)

    def test_what_was_decided_stands(self):
        decision = self.propose()
        decision.value = 6
        decision.action_decide()
        for name, value in (("value", 7), ("measure", "price"), ("partner_id", self.contact.id)):
            with self.subTest(name), self.assertRaisesRegex(UserError, "stands"):
                decision[name] = value
        decision.note = "He agreed."

    def test_where_it_stands_is_changed_by_its_buttons_alone(self):
        decision = self.propose()
        for values in ({"state": "reviewed"}, {"contribution_then": 5}, {"result": "gone"}):
            with self.subTest(**values), self.assertRaisesRegex(AccessError, "buttons"):
                decision.write(values)
        with self.assertRaisesRegex(AccessError, "buttons"):
            self.propose(self.make_customer(), state="decided")

    def test_steps_come_in_their_order(self):
        decision = self.propose()
        with self.assertRaisesRegex(UserError, "Proposed"):
            decision.action_review()
        decision.action_decide()
        with self.assertRaisesRegex(UserError, "Decided"):
            decision.action_decide()

    def test_a_manager_decides_what_others_may_propose(self):
        analyst = self.make_user("margin")
        decision = self.propose(user=analyst)
        with self.assertRaisesRegex(AccessError, "manager"):
            decision.action_decide()
        decision.with_user(self.owner).action_decide()
        with self.assertRaisesRegex(AccessError, "manager"):
            self.as_user(decision, analyst).action_drop()

    def test_a_manager_without_margins_decides_nothing(self):
        decision = self.propose()
        manager = self.make_user("sales_manager")
        with QUIET, self.assertRaises(AccessError):
            self.as_user(decision, manager).action_decide()
        with QUIET, self.assertRaises(AccessError):
            self.propose(self.make_customer(), manager)

    def test_nothing_of_it_goes_to_the_customer(self):
        self.customer.email = "buyer@example.com"
        decision = self.propose()
        decision.action_decide()
        self.assertNotIn(self.customer, decision.message_partner_ids)
        self.assertFalse(decision._message_get_suggested_recipients())

    # ---------------------------------------------------------- the customer goes or moves

    def test_refusal_of_profiling_deletes_his_decisions_and_keeps_new_ones_away(self):
        self.propose().action_decide()
        self.customer.profiling_optout = True
        self.assertFalse(self.env[DECISION].search([("partner_id", "=", self.customer.id)]))
        with self.assertRaisesRegex(ValidationError, "no profile"):
            self.propose()

    def test_archiving_drops_what_is_open_and_keeps_the_history(self):
        decision = self.propose()
        decision.action_decide()
        self.customer.action_archive()
        decision = self.env[DECISION].search([("partner_id", "=", self.customer.id)])
        self.assertEqual(decision.state, "dropped")
        self.assertFalse(decision.activity_ids)

    def test_who_becomes_a_contact_has_no_open_decision(self):
        decision = self.propose()
        self.customer.write({"is_company": False, "parent_id": self.make_customer("Head").id})
        self.assertEqual(decision.state, "dropped")

    def test_deleting_a_contact_leaves_no_activity(self):
        stranger = self.make_customer("Stranger")
        decision = self.propose(stranger)
        decision.action_decide()
        activity = decision.activity_ids
        self.assertTrue(activity)
        stranger.unlink()
        self.assertFalse(decision.exists() or activity.exists())

    def test_a_merge_leaves_one_open_decision_the_targets_own(self):
        other = self.make_customer("Other")
        theirs, own = self.propose(other), self.propose()
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((self.customer | other).ids, self.customer)
        self.env.invalidate_all()
        self.assertEqual((own.state, theirs.state), ("proposed", "dropped"))
        self.assertEqual(theirs.partner_id, self.customer)


@tagged("post_install", "-at_install")
class TestLettingGoDesk(LettingGoWorld, SeveralCustomersCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time(AS_OF))
        cls.owner = cls.make_owner()
        cls.set_contribution(cls.loyal, 900)
        cls.set_contribution(cls.at_risk, -50)
        cls.set_contribution(cls.shared, -10)
        cls.propose(cls, cls.shared)

    def found(self, user, domain):
        return self.as_user(PROFILE, user).search(domain).partner_id

    def test_desk_begins_with_loss_makers_without_a_decision(self):
        action = self.env.ref("crm_extended.crm_customer_profile_action_letting_go")
        self.assertIn("search_default_without_decision", action.context)
        loss = [("loss_maker_flag", "=", True), ("company_id", "=", self.company.id)]
        self.assertEqual(self.found(self.owner, loss), self.at_risk | self.shared)
        undecided = self.found(self.owner, [*loss, ("decision_id", "=", False)])
        self.assertEqual(undecided, self.at_risk)
        decided = self.found(self.owner, [*loss, ("decision_id", "!=", False)])
        self.assertEqual(decided, self.shared)

    def test_search_finds_what_filtering_keeps(self):
        rows = self.as_user(PROFILE, self.owner).search([("company_id", "=", self.company.id)])
        for domain in (
            [("decision_id", "=", False)],
            [("decision_id", "!=", False)],
            [("decision_id.measure", "=", "delivery_fee")],
            [("decision_id.is_due", "=", True)],
            [("decision_state", "=", "proposed")],
        ):
            with self.subTest(domain=domain):
                own = [("company_id", "=", self.company.id)]
                self.assertEqual(rows.search(domain + own), rows.filtered_domain(domain))

    def test_review_is_due_from_its_day_on(self):
        decision = self.env[DECISION].search([("partner_id", "=", self.shared.id)])
        decision.with_user(self.owner).action_decide()
        due = [("decision_id.is_due", "=", True), ("company_id", "=", self.company.id)]
        self.assertFalse(self.found(self.owner, due))
        with freeze_time(decision.date_review):
            self.assertEqual(self.found(self.owner, due), self.shared)

    def test_nothing_is_told_without_the_margin_group(self):
        for role in ("salesperson_all", "sales_manager", "finance"):
            user = self.make_user(role)
            for domain in ([("decision_id", "!=", False)], [("loss_cause", "=", "delivery")]):
                with self.subTest(role, domain=domain), QUIET, self.assertRaises(AccessError):
                    self.found(user, domain)
            row = self.as_user(self.row(self.at_risk), user)
            for name in ("decision_id", "cost_delivery_12m", "loss_maker_since"):
                with self.subTest(role, name=name), QUIET, self.assertRaises(AccessError):
                    row.read([name])
            with self.subTest(role), QUIET, self.assertRaises(AccessError):
                row.action_what_if()
            with self.subTest(role), QUIET, self.assertRaises(AccessError):
                self.as_user(DECISION, user).search([])

    def test_who_sees_his_own_customers_sees_decisions_about_them_alone(self):
        self.env.ref("crm_extended.group_margin").user_ids += self.anna | self.bert
        self.assertFalse(self.as_user(DECISION, self.anna).search([]))
        [decision] = self.as_user(DECISION, self.bert).search([])
        self.assertEqual(decision.partner_id, self.shared)
        with QUIET, self.assertRaises(AccessError):
            self.propose(self.loyal, self.anna)

    def test_list_costs_as_many_queries_for_many_as_for_one(self):
        rows = self.as_user(PROFILE, self.owner).search([("company_id", "=", self.company.id)])
        fields = {name: {} for name in ("decision_state", "decision_review_date")}
        fields |= {"decision_id": {"fields": {"display_name": {}}}}

        def count(rows):
            for _time in range(2):
                rows = self.as_user(rows, self.owner)
                with self.queries() as queries:
                    rows.web_read(fields)
            return len(queries)

        one = rows.filtered(lambda row: row.partner_id == self.shared)
        self.assertGreater(len(rows), 4)
        self.assertEqual(count(rows), count(one))

    def test_what_if_says_what_is_missing(self):
        row = self.as_user(self.row(self.lost), self.owner)
        self.update_row(self.lost, margin_state="unknown")
        with self.assertRaisesRegex(UserError, "install Margins"):
            row.action_what_if()
