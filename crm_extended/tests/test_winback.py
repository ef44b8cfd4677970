from datetime import date, timedelta
from unittest.mock import patch

from freezegun import freeze_time
from psycopg2.errors import UniqueViolation

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from ..models import crm_winback_night
from .common import AS_OF, CustomerCase

CASE = "crm.winback.case"
PROFILE = "crm.customer.profile"


class WinbackTools:
    """Customers who are lost, and their cases, read past all rules."""

    @classmethod
    def make_lost(cls, name="Lost", last=300, amount=100.0, count=5, **values):
        """Who bought every 30 days, and not for long."""
        customer = cls.make_customer(name, **values)
        cls.make_purchases(customer, every=30, count=count, last=last, amount=amount)
        return customer

    @classmethod
    def cases(cls, customer=None, **values):
        domain = [("company_id", "=", cls.company.id)]
        if customer:
            domain.append(("partner_id", "=", customer.id))
        domain += [(name, "=", value) for name, value in values.items()]
        cases = cls.env[CASE].sudo().with_context(active_test=False)
        return cases.search(domain, order="id")

    @classmethod
    def open_cases(cls, *customers):
        """Open a case for these, as the button on their rows does."""
        for customer in customers:
            cls.row(customer).action_win_back()
            cls.cases(customer, outcome=False).opened_on = cls.as_of
        return cls.cases()

    @classmethod
    def look_at_company_since(cls, days):
        cls.company.customer_winback_since = cls.ago(days)

    @classmethod
    def reason(cls, code):
        return cls.env.ref(f"crm_extended.crm_leaving_reason_{code}")

    @classmethod
    def stage(cls, kind):
        return cls.env["crm.winback.stage"]._of_kind(kind)

    @classmethod
    def make_ended(cls, count, outcome="given_up", reason="price"):
        """Cases of others that have ended."""
        partners = cls.env["res.partner"].create(
            [{"name": f"Ended {number}", "is_company": True} for number in range(count)]
        )
        return cls.env[CASE].sudo().create(
            [
                {
                    "partner_id": partner.id,
                    "company_id": cls.company.id,
                    "opened_on": cls.ago(300),
                    "left_after": cls.ago(500),
                    "stage_id": cls.stage(outcome).id,
                    "leaving_reason_id": cls.reason(reason).id,
                }
                for partner in partners
            ]
        )  # fmt: skip


@tagged("post_install", "-at_install")
class TestWinbackNights(WinbackTools, CustomerCase):
    """What begins and ends at night."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.salesperson = cls.make_user("salesperson")
        # others give the company a rhythm
        cls.make_purchases(cls.make_customer("Regular"), every=30, count=6, last=3)

    def test_who_was_lost_before_the_app_looks_at_the_company_gets_no_case_by_himself(self):
        """An old database has lost thousands: nobody asked for tasks with them."""
        lost = self.make_lost(user_id=self.salesperson.id)
        self.refresh()
        self.assertTrue(self.row(lost).winback_flag)
        self.assertFalse(self.cases())
        self.assertEqual(self.company.customer_winback_since, self.as_of)

    def test_who_is_newly_lost_gets_one_case_however_often_the_night_is_done(self):
        lost = self.make_lost(user_id=self.salesperson.id)
        self.refresh(self.ago(250))
        self.assertFalse(self.cases())
        for _time in range(2):
            self.refresh()
        [case] = self.cases()
        row = self.row(lost)
        self.assertEqual(case.partner_id, lost)
        self.assertEqual(case.user_id, self.salesperson)
        self.assertEqual(case.stage_id.kind, "to_contact")
        self.assertEqual(case.opened_on, self.as_of)
        self.assertEqual(case.left_after, row.last_order_date)
        self.assertEqual(case.lost_since, row.stage_since)
        self.assertFalse(case.message_partner_ids, "nobody is told by mail")

    def test_an_earlier_day_that_is_restated_opens_and_ends_nothing(self):
        self.make_lost()
        self.look_at_company_since(1000)
        self.refresh(self.ago(280))
        self.assertFalse(self.cases(), "not lost yet on that day")
        self.company.customer_latest_as_of = self.as_of
        self.refresh(self.ago(1))
        self.assertFalse(self.cases())

    def test_limits_bound_a_night_a_salesperson_and_a_company_and_the_best_come_first(self):
        anna, bert = self.make_user("salesperson"), self.make_user("salesperson")
        of_anna = [
            self.make_lost(f"Anna {number}", amount=100 + number, user_id=anna.id)
            for number in range(4)
        ]
        of_bert = [
            self.make_lost(f"Bert {number}", amount=10 + number, user_id=bert.id)
            for number in range(4)
        ]
        self.company.write({"customer_winback_limit": 5, "customer_winback_each": 3})
        self.look_at_company_since(1000)
        self.refresh()
        self.assertEqual(
            set(self.cases().partner_id.ids),
            {customer.id for customer in [*of_anna[1:], *of_bert[2:]]},
        )
        self.company.write({"customer_winback_limit": 100, "customer_winback_each": 30})
        with patch.object(crm_winback_night, "NIGHTLY_CASES", 6):
            self.refresh()
        self.assertEqual(len(self.cases()), 6)

    def test_a_limit_of_none_opens_nothing(self):
        self.make_lost()
        self.look_at_company_since(1000)
        self.company.customer_winback_limit = 0
        self.refresh()
        self.assertFalse(self.cases())

    def test_who_is_to_pay_first_or_wants_no_profile_gets_no_case(self):
        blocked, opted_out = self.make_lost("Blocked"), self.make_lost("Opted out")
        opted_out.profiling_optout = True
        self.look_at_company_since(1000)
        self.make_invoice(blocked, 300, invoice_date_due=self.ago(250))
        payer = self.make_customer("Payer")
        self.make_payment(self.make_invoice(payer, 90, invoice_date_due=self.ago(70)), 80)
        self.refresh()
        self.assertTrue(self.row(blocked).collect_first)
        self.assertFalse(self.cases())
        with self.assertRaisesRegex(UserError, "pay first"):
            self.row(blocked).action_win_back()

    def test_who_was_given_up_is_not_begun_with_again_in_the_same_silence(self):
        lost = self.make_lost()
        self.look_at_company_since(1000)
        self.refresh()
        self.cases()._move_to("given_up", leaving_reason_id=self.reason("other").id)
        self.refresh()
        self.assertEqual(len(self.cases(lost)), 1)

    def test_a_purchase_wins_back_and_a_second_silence_loses_again(self):
        """And who leaves again gets another case, which counts how often he had left."""
        lost = self.make_lost()
        self.refresh(self.ago(150))
        [case] = self.open_cases(lost)
        case.opened_on = self.ago(150)
        self.make_invoices([(lost, 120, 400.0), (lost, 90, 250.0)])
        self.refresh(self.ago(80))
        self.assertEqual(case.outcome, "won_back")
        self.assertEqual(case.won_back_on, self.ago(120))
        self.assertEqual(case.days_to_return, 30)
        self.assertEqual((case.second_orders, case.second_revenue), (2, 650))
        self.assertEqual(case.won_back_rate, 1)
        self.company.customer_winback_since = self.ago(80)
        later = self.as_of + timedelta(days=400)
        self.refresh(later)
        self.assertEqual(case.outcome, "lost_again")
        self.assertTrue(case.lost_again_on)
        self.assertEqual(case.won_back_rate, 1, "he did come back")
        second = self.cases(lost) - case
        self.assertEqual(second.repeat_count, 1)
        self.assertEqual(second.left_after, self.ago(90))

    def test_a_second_life_counts_twelve_months(self):
        lost = self.make_lost(last=900)
        self.refresh(self.ago(600))
        [case] = self.open_cases(lost)
        self.make_invoices([(lost, 500, 100.0), (lost, 300, 100.0), (lost, 100, 1000.0)])
        self.refresh()
        self.assertEqual((case.second_orders, case.second_revenue), (2, 200))

    def test_a_confirmed_order_wins_back_and_its_cancellation_goes_on_with_the_case(self):
        lost = self.make_lost()
        self.refresh(self.ago(30))
        [case] = self.open_cases(lost)
        order = self.make_order(lost, 10)
        self.refresh(self.ago(5))
        self.assertEqual((case.outcome, case.won_back_on), ("won_back", self.ago(10)))
        order._action_cancel()
        self.refresh()
        self.assertEqual((case.outcome, case.stage_id.kind), (False, "negotiating"))
        self.assertFalse(case.won_back_on)

    def test_leavings_before_the_app_had_cases_are_counted_from_events(self):
        lost = self.make_lost()
        self.refresh()
        self.env["crm.customer.event"].create(
            [
                {
                    "partner_id": lost.id,
                    "company_id": self.company.id,
                    "date": self.ago(days),
                    "kind": "lost",
                }
                # the last one is this silence
                for days in (900, 700, 200)
            ]
        )
        [case] = self.open_cases(lost)
        self.assertEqual(case.repeat_count, 2)

    def test_the_last_good_year_is_told_not_the_one_in_which_he_left(self):
        lost = self.make_customer("Faded")
        self.make_invoices(
            [(lost, days, 100.0) for days in (1200, 1180, 1160, 1140)]
            + [(lost, days, 90.0) for days in (840, 820, 800, 780)]
            + [(lost, days, 10.0) for days in (400, 380)]
        )
        self.refresh()
        [case] = self.open_cases(lost)
        self.assertEqual(case.good_year_revenue, 360)
        self.assertEqual(case.good_year_end, self.ago(380 + 365))
        self.assertEqual(case.good_year_margin_state, "unknown")

    def test_amounts_of_the_good_year_are_in_prices_of_the_day(self):
        lost = self.make_lost(last=390)
        self.set_prices(self.as_of, yearly=1.0)
        self.refresh()
        [case] = self.open_cases(lost)
        self.assertGreater(case.good_year_revenue, 2 * 500)


@tagged("post_install", "-at_install")
class TestWinbackWork(WinbackTools, CustomerCase):
    """What people do with a case."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.salesperson = cls.make_user("salesperson")
        cls.lost = cls.make_lost(user_id=cls.salesperson.id, email="lost@example.com")
        cls.make_purchases(cls.make_customer("Regular"), every=30, count=6, last=3)
        cls.refresh()
        [cls.case] = cls.open_cases(cls.lost)

    def own(self, record=None):
        return self.as_user(record or self.case, self.salesperson)

    def keep(self, mode, **values):
        notes = self.own("crm.winback.note")
        return notes.create({"case_id": self.case.id, "mode": mode} | values).action_keep()

    def test_one_open_case_a_customer(self):
        self.row(self.lost).action_win_back()
        self.assertEqual(self.cases(), self.case)
        with self.assertRaises(UniqueViolation), mute_logger("odoo.sql_db"):
            self.case.copy({"opened_on": self.as_of})

    def test_who_is_not_lost_is_not_won_back(self):
        buyer = self.make_customer("Buyer", user_id=self.salesperson.id)
        self.make_purchases(buyer, every=30, count=4, last=5)
        self.refresh()
        with self.assertRaisesRegex(UserError, "not lost"):
            self.own(self.row(buyer)).action_win_back()

    def test_the_reason_decides_what_to_say_and_a_discount_is_warned_of(self):
        self.keep("reason", leaving_reason_id=self.reason("stock").id, note="Nothing in June")
        self.assertEqual(self.case.leaving_reason_id, self.reason("stock"))
        self.assertEqual(self.case.leaving_note, "Nothing in June")
        self.assertEqual(self.case.stage_id.kind, "contacted")
        self.assertIn("goods are back", self.case.say)
        with Form(
            self.own("crm.winback.note").with_context(
                default_case_id=self.case.id,
                default_mode="offer",
                default_leaving_reason_id=self.reason("stock").id,
            )
        ) as note:
            note.offered = "The new lot"
            self.assertFalse(note.is_discount_doubtful)
            note.discount = 0.1
            self.assertTrue(note.is_discount_doubtful)
            note.leaving_reason_id = self.reason("price")
            self.assertFalse(note.is_discount_doubtful)

    def test_an_offer_is_kept_and_moves_the_case(self):
        self.keep("offer", offered="The new lot until Thursday", discount=0.05)
        self.assertEqual(self.case.stage_id.kind, "offered")
        self.assertEqual((self.case.discount, self.case.offered_on), (0.05, date.today()))
        with self.assertRaisesRegex(UserError, "Write what was offered"):
            self.keep("offer", offered=" ")
        with self.assertRaisesRegex(ValidationError, "share of the price"):
            self.own().discount = 1.2

    def test_giving_up_needs_a_reason_and_may_be_taken_back(self):
        with self.assertRaisesRegex(UserError, "why Lost left"):
            self.own().stage_id = self.stage("given_up")
        self.keep("give_up", leaving_reason_id=self.reason("closed").id)
        self.assertEqual((self.case.outcome, self.case.won_back_rate), ("given_up", 0))
        self.assertTrue(self.case.closed_on)
        with self.assertRaisesRegex(UserError, "has ended"):
            self.own().action_make_offer()
        self.own().stage_id = self.stage("contacted")
        self.assertFalse(self.case.outcome or self.case.closed_on)

    def test_nobody_says_that_a_customer_came_back(self):
        """A purchase says it: what is learned from must be true."""
        for kind in ("won_back", "lost_again"):
            with self.assertRaisesRegex(UserError, "A purchase tells"):
                self.own().stage_id = self.stage(kind)

    def test_what_is_found_is_not_written_by_users(self):
        for name, value in (
            ("won_back_on", self.as_of),
            ("good_year_revenue", 1),
            ("partner_id", self.company.partner_id.id),
            ("return_chance", 1),
        ):
            with self.subTest(name), self.assertRaises(AccessError):
                self.own().write({name: value})
        self.own().write({"priority": "2", "leaving_note": "x"})

    def test_contacts_are_counted_from_what_was_done(self):
        """On the case, on the customer, and on his opportunities; nothing is typed."""
        self.assertEqual(self.case.contact_count, 0)
        comment = self.env.ref("mail.mt_comment").id
        with freeze_time("2025-07-03 10:00:00"):
            self.lost.message_post(body="Hello", subtype_id=comment, message_type="comment")
        with freeze_time("2025-07-09 10:00:00"):
            activity = self.case.activity_schedule("mail.mail_activity_data_call")
            activity.action_feedback("He thinks it over")
            self.make_lead(self.lost, created=None).message_post(
                body="Note", message_type="comment", subtype_id=self.env.ref("mail.mt_note").id
            )
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(self.case.contact_count, 2)
        self.assertEqual(self.case.first_contact_date, date(2025, 7, 3))
        self.assertEqual(self.case.last_contact_date, date(2025, 7, 9))
        self.refresh(date(2025, 7, 10))
        self.assertEqual(self.case.stage_id.kind, "contacted")
        self.assertEqual(self.row(self.lost).last_contact_date, date(2025, 7, 9))

    def test_a_case_without_contact_is_asked_about_once_and_never_given_up_by_itself(self):
        self.case.date_last_stage_update = "2025-06-30 10:00:00"
        self.refresh(self.as_of + timedelta(days=59))
        self.assertFalse(self.case.activity_ids)
        for days in (60, 60, 75):
            self.refresh(self.as_of + timedelta(days=days))
        [task] = self.case.activity_ids
        self.assertEqual(task.user_id, self.salesperson)
        self.assertEqual(self.case.give_up_proposed_on, self.as_of + timedelta(days=60))
        self.assertFalse(self.case.outcome)
        self.own().stage_id = self.stage("negotiating")
        self.assertFalse(self.case.give_up_proposed_on)

    def test_open_cases_rot_and_ended_ones_do_not(self):
        self.case.date_last_stage_update = "2025-01-01"
        self.assertTrue(self.own().is_rotting)
        self.assertIn(self.case, self.env[CASE].search([("is_rotting", "=", True)]) | self.case)
        self.case._move_to("given_up", leaving_reason_id=self.reason("other").id)
        self.case.date_last_stage_update = "2025-01-01"
        self.assertFalse(self.own().is_rotting)

    def test_who_refused_email_is_called_and_gets_none(self):
        self.env["mail.blacklist"]._add("lost@example.com")
        self.env.invalidate_all()
        self.assertTrue(self.own().is_blacklisted)
        for record in (self.case, self.row(self.lost)):
            with self.assertRaisesRegex(UserError, "refused e-mail"):
                self.own(record).action_send_message()

    def test_a_case_of_who_must_pay_first_sells_nothing(self):
        self.update_row(self.lost, collect_first=True)
        for action in ("action_new_quotation", "action_new_opportunity"):
            with self.assertRaisesRegex(UserError, "pay first"):
                getattr(self.own(), action)()
        self.update_row(self.lost, collect_first=False)
        context = self.own().action_new_opportunity()["context"]
        self.assertEqual(context["default_opportunity_kind"], "win_back")

    @freeze_time(AS_OF)
    def test_what_was_heard_in_a_call_is_noted_in_the_case(self):
        row = self.as_user(self.row(self.lost), self.salesperson)
        row.action_note_outcome("stock", note="Waited for weeks")
        self.assertEqual(self.case.leaving_reason_id, self.reason("stock"))
        self.assertIn("Waited for weeks", self.case.leaving_note)
        self.assertEqual(self.case.stage_id.kind, "contacted")
        self.assertEqual(self.case.last_contact_date, self.as_of)
        row.action_note_outcome("other")
        row.action_note_outcome("call_back", call_back_on=str(self.as_of + timedelta(days=3)))
        self.assertEqual(self.case.leaving_reason_id, self.reason("stock"), "it tells more")

    def test_a_case_is_handed_over_with_its_customer(self):
        other = self.make_user("salesperson")
        manager = self.make_user("manager")
        reassign = self.as_user("crm.customer.reassign", manager)
        reassign = reassign.create({"profile_ids": self.row(self.lost).ids, "user_id": other.id})
        reassign.action_reassign()
        self.assertEqual(self.lost.user_id, other)
        self.assertEqual(self.case.user_id, other)

    # ------------------------------------------------------------------ those already lost

    def test_managers_start_with_those_already_lost_within_the_limits(self):
        for number in range(4):
            self.make_lost(f"Old {number}")
        self.refresh()
        manager = self.make_user("manager")
        self.company.customer_winback_limit = 3
        profiles = self.as_user(PROFILE, manager)
        header = profiles.winback_header()
        self.assertEqual((header["open"], header["waiting"], header["startable"]), (1, 4, 2))
        profiles.action_start_winback()
        self.assertEqual(len(self.cases()), 3)
        with self.assertRaisesRegex(UserError, "limits"):
            profiles.action_start_winback()
        with self.assertRaises(AccessError):
            self.own(PROFILE).action_start_winback()
        self.assertEqual(self.own(PROFILE).winback_header()["startable"], 0)

    # ------------------------------------------------------------------- the contact changes

    def test_a_case_rests_while_its_contact_is_archived(self):
        self.lost.active = False
        self.assertFalse(self.case.active)
        self.lost.active = True
        self.assertTrue(self.case.active)

    def test_who_refuses_profiling_leaves_no_case_and_no_message_of_it(self):
        message = self.case.message_post(body="Said in confidence")
        self.lost.profiling_optout = True
        self.assertFalse(self.case.exists() or message.exists())
        self.refresh()
        self.assertFalse(self.cases())

    def test_deleting_a_contact_deletes_the_messages_of_his_case(self):
        partner = self.make_customer("Never bought")
        case = self.env[CASE].sudo().create(
            {
                "partner_id": partner.id,
                "company_id": self.company.id,
                "opened_on": self.as_of,
                "left_after": self.as_of,
            }
        )  # fmt: skip
        message = case.message_post(body="Said in confidence")
        partner.unlink()
        self.assertFalse(case.exists() or message.exists())

    def test_merged_customers_keep_one_open_case_with_all_that_was_said(self):
        other = self.make_lost("Twin")
        self.refresh()
        twin = self.open_cases(other) - self.case
        twin.message_post(body="He wants the old can")
        twin.write({"leaving_reason_id": self.reason("price").id})
        activity = twin.activity_schedule("mail.mail_activity_data_call")
        ended = self.make_ended(1)
        merge = self.env["base.partner.merge.automatic.wizard"].create({})
        merge._merge((self.lost | other | ended.partner_id).ids, self.lost)
        self.assertEqual(self.cases(self.lost, outcome=False), self.case)
        self.assertEqual(self.cases(self.lost), self.case | ended)
        self.assertIn("old can", "".join(self.case.message_ids.mapped("body")))
        self.assertEqual(self.case.activity_ids, activity)
        self.assertEqual(self.case.leaving_reason_id, self.reason("price"))
        self.assertEqual(self.case.repeat_count, 1)

    def test_the_case_of_who_becomes_a_branch_goes_to_his_head_office(self):
        parent = self.make_customer("Head Office")
        self.lost.write({"is_company": False, "parent_id": parent.id})
        self.assertEqual(self.case.partner_id, parent)


@tagged("post_install", "-at_install")
class TestWinbackRank(WinbackTools, CustomerCase):
    """Who comes first, and who sees by what."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.salesperson = cls.make_user("salesperson")
        cls.other = cls.make_user("salesperson")
        cls.manager = cls.make_user("manager")
        own = {"user_id": cls.salesperson.id}
        cls.large = cls.make_lost("Large", last=400, amount=900, **own)
        cls.small = cls.make_lost("Small", last=300, amount=50, **own)
        cls.middle = cls.make_lost("Middle", last=350, amount=300, **own)
        cls.foreign = cls.make_lost("Foreign", user_id=cls.other.id)
        cls.refresh()
        cls.open_cases(cls.large, cls.small, cls.middle, cls.foreign)

    def queue(self, user):
        cases = self.as_user(CASE, user)
        cases = cases.search([("outcome", "=", False)], order="priority desc, queue_rank")
        return cases.partner_id.mapped("name")

    def test_the_last_good_year_ranks_while_few_cases_have_ended(self):
        self.assertEqual(self.queue(self.manager), ["Large", "Middle", "Foreign", "Small"])
        case = self.as_user(self.cases(self.large), self.manager)
        self.assertFalse(case.chance_is_learned or case.expected_revenue)
        self.assertIn("last good year.", case.rank_basis)

    def test_the_chance_of_return_ranks_from_fifty_ended_cases_on(self):
        self.make_ended(25, "given_up", "price")
        self.make_ended(24, "won_back", "stock")
        self.cases(self.large).leaving_reason_id = self.reason("price")
        self.cases(self.middle).leaving_reason_id = self.reason("stock")
        self.assertEqual(self.queue(self.manager), ["Large", "Middle", "Foreign", "Small"])
        self.make_ended(1, "won_back", "stock")
        self.refresh()
        large, middle = self.cases(self.large), self.cases(self.middle)
        self.assertTrue(large.chance_is_learned)
        self.assertLess(large.return_chance, 0.25)
        self.assertGreater(middle.return_chance, 0.75)
        self.assertAlmostEqual(large.expected_revenue, 4500 * large.return_chance, 1)
        self.assertEqual(self.queue(self.manager)[0], "Middle")
        self.assertIn("chance of return", self.as_user(middle, self.manager).rank_basis)

    def test_who_closed_his_business_stands_last(self):
        self.cases(self.large).leaving_reason_id = self.reason("closed")
        self.assertEqual(self.queue(self.manager)[-1], "Large")

    def test_margins_rank_for_who_sees_margins(self):
        margin = self.make_user("margin")
        self.cases(self.small).write({"good_year_margin": 500, "good_year_margin_state": "known"})
        self.assertEqual(self.queue(margin)[0], "Small")
        self.assertEqual(self.queue(self.manager)[0], "Large")

    def test_without_amounts_the_order_is_by_how_lately_he_left_and_tells_none(self):
        """Two worlds that differ in amounts alone give the same order and the same numbers."""
        self.set_salespeople_see_amounts(False)
        expected = ["Small", "Middle", "Large"]
        self.assertEqual(self.queue(self.salesperson), expected)
        before = self._ranks()
        for case, amount in zip(self.cases(), (1, 7000, 12), strict=False):
            case.write(
                {
                    "good_year_revenue": amount,
                    "good_year_margin": amount,
                    "good_year_margin_state": "known",
                }
            )
        self.assertEqual(self.queue(self.salesperson), expected)
        self.assertEqual(self._ranks(), before)

    def _ranks(self):
        cases = self.as_user(CASE, self.salesperson).search([])
        return [(case.partner_id.name, case.queue_rank, case.rank_basis) for case in cases]

    def test_salespeople_see_their_own_cases_and_what_was_given_to_them(self):
        names = {"Large", "Small", "Middle"}
        self.assertEqual(set(self.queue(self.salesperson)), names)
        case = self.cases(self.foreign)
        with self.assertRaises(AccessError):
            self.as_user(case, self.salesperson).read(["stage_id"])
        case.user_id = self.salesperson
        self.assertEqual(set(self.queue(self.salesperson)), names | {"Foreign"})
        with self.assertRaises(AccessError):
            self.as_user(CASE, self.salesperson).create(
                {
                    "partner_id": self.company.partner_id.id,
                    "company_id": self.company.id,
                    "opened_on": self.as_of,
                    "left_after": self.as_of,
                }
            )

    def test_a_list_of_cases_costs_as_many_queries_whatever_its_length(self):
        view = self.env.ref("crm_extended.crm_winback_case_view_list")
        arch = view._get_combined_arch()
        names = {
            name
            for name in arch.xpath("//field/@name")
            if not self.env[CASE]._fields[name].groups and name != "activity_ids"
        }
        specification = {name: {} for name in names}

        def count(limit):
            cases = self.as_user(CASE, self.manager)
            for _time in range(2):
                cases.env.invalidate_all()
                with self.queries() as queries:
                    cases.web_search_read([], specification, limit=limit, order="queue_rank")
            return len(queries)

        self.assertEqual(count(1), count(4))
