from datetime import timedelta
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..analytics.holdout import holdout
from .common import CustomerCase
from .test_segments import SegmentTools, recently

PLAYBOOK, CASE, LINE = "crm.playbook", "crm.playbook.case", "crm.playbook.candidate"


class PlaybookTools:
    """Makes playbooks and reads their cases, past all rules."""

    @classmethod
    def make_playbook(cls, switch_on=True, **values):
        playbook = cls.env[PLAYBOOK].create(
            {
                "name": "Playbook",
                "company_id": cls.company.id,
                "user_id": cls.manager.id,
                "event_kind": "at_risk",
                "activity_type_id": cls.env.ref("mail.mail_activity_data_call").id,
                "exempt_top_tier": False,
                "exempt_m_score": False,
            }
            | values
        )
        if switch_on:
            playbook.action_switch_on()
        return playbook

    @classmethod
    def make_template(cls, **values):
        model = cls.env["ir.model"]._get_id("res.partner")
        return cls.env["mail.template"].create(
            {
                "name": "Letter",
                "model_id": model,
                "subject": "Dear {{ object.name }}",
                "body_html": "<p>We miss you.</p>",
                "email_from": "sales@example.com",
            }
            | values
        )

    @classmethod
    def make_slipping(cls, count=1, last=50, **values):
        """Customers who are loyal at first and at risk 20 days after ``as_of``."""
        customers = cls.env["res.partner"]
        for number in range(count):
            customer = cls.make_customer(f"Customer {number}", **values)
            cls.make_purchases(customer, every=30, count=6, last=last)
            customers |= customer
        return customers

    @classmethod
    def make_case(cls, playbook, customer, **values):
        return cls.env[CASE].create(
            {
                "playbook_id": playbook.id,
                "partner_id": customer.id,
                "company_id": playbook.company_id.id,
                "reason": playbook.reason,
                "arm": "treated",
                "date_assigned": cls.as_of,
                "date_start": cls.as_of,
                "date_end": cls.as_of,
            }
            | values
        )

    @classmethod
    def cases(cls, playbook=None, *domain):
        own = [("playbook_id", "=", playbook.id)] if playbook else []
        company = ("company_id", "=", cls.company.id)
        return cls.env[CASE].sudo().search([company, *own, *domain], order="id")

    @classmethod
    def work(cls):
        """What the cron does, in this transaction."""
        cases = cls.env[CASE].sudo()
        while cases._drop_batch():
            pass
        while cases._work_batch():
            pass

    @classmethod
    def night(cls, days=0):
        """The refresh so many days after ``as_of``, and the work of its cases."""
        cls.refresh(cls.as_of + timedelta(days))
        cls.work()

    @classmethod
    def planned(cls, customers):
        return cls.env["mail.activity"].search(
            [("res_model", "=", "res.partner"), ("res_id", "in", customers.ids)]
        )


class PlaybookCase(PlaybookTools, SegmentTools, CustomerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.make_user("sales_manager")
        cls.anna = cls.make_user("salesperson", "anna")


@tagged("post_install", "-at_install")
class TestPlaybookNights(PlaybookCase):
    """When a case is opened, for whom, and when it ends."""

    def test_an_event_opens_a_case_that_plans_an_activity_for_the_salesperson(self):
        [customer] = self.make_slipping(user_id=self.anna.id)
        playbook = self.make_playbook(activity_summary="Call him", activity_days=3)
        self.night()
        self.assertFalse(self.cases())
        self.night(20)
        case = self.cases(playbook)
        day = self.as_of + timedelta(20)
        self.assertEqual(
            (case.partner_id, case.reason, case.arm, case.state, case.user_id, case.date_assigned),
            (customer, "at_risk", "treated", "open", self.anna, day),
        )
        self.assertEqual(case.date_end, day + timedelta(90))
        activity = self.planned(customer)
        self.assertEqual(
            (activity.summary, activity.user_id, activity.date_deadline),
            ("Call him", self.anna, day + timedelta(3)),
        )
        self.assertFalse(self.env["mail.mail"].search([("res_id", "=", customer.id)]))

    def test_a_night_done_again_opens_nothing_again(self):
        customers = self.make_slipping(3)
        playbook = self.make_playbook()
        self.night()
        for _time in range(2):
            self.night(20)
        self.assertEqual(len(self.cases(playbook)), 3)
        self.assertEqual(len(self.planned(customers)), 3)

    def test_an_earlier_day_starts_nothing(self):
        self.make_slipping()
        playbook = self.make_playbook()
        self.night()
        self.refresh(self.ago(-20))
        self.cases(playbook).unlink()
        self.night(-40)
        self.night(10)
        self.assertFalse(self.cases(playbook))

    def test_a_playbook_that_is_off_does_nothing(self):
        self.make_slipping()
        playbook = self.make_playbook(switch_on=False)
        self.night()
        self.night(20)
        self.assertFalse(self.cases(playbook) or playbook.candidate_ids)
        self.assertFalse(playbook.copy().is_running)

    def test_who_is_beyond_the_limit_of_a_night_waits_as_long_as_the_reason_holds(self):
        customers = self.make_slipping(4)
        playbook = self.make_playbook(nightly_limit=1)
        self.night()
        self.night(20)
        self.assertEqual(len(self.cases(playbook)), 1)
        self.assertEqual(playbook.candidate_ids.partner_id, customers - self.cases().partner_id)
        buyer = playbook.candidate_ids.partner_id[0]
        self.make_invoice(buyer, -20)
        for day in (21, 22, 23):
            self.night(day)
        self.assertEqual(self.cases(playbook).partner_id, customers - buyer)
        self.assertEqual(len(set(self.cases(playbook).mapped("date_assigned"))), 3)
        self.assertFalse(playbook.candidate_ids)

    def test_those_in_the_state_already_are_taken_on_request_and_so_many_a_night(self):
        """R19: the first refresh starts nothing by itself, and what is asked for is bounded."""
        customers = self.make_slipping(5, last=71)
        playbook = self.make_playbook(nightly_limit=2)
        self.night()
        self.assertFalse(self.cases(playbook))
        self.assertEqual(playbook.existing_count, 5)
        self.as_user(playbook, self.manager).action_start_existing()
        self.assertEqual(len(self.cases(playbook)), 2)
        self.night()
        self.assertEqual(len(self.cases(playbook)), 2)
        self.night(1)
        self.night(2)
        self.assertEqual(self.cases(playbook).partner_id, customers)
        self.assertFalse(playbook.includes_existing or playbook.existing_count)

    def test_of_very_many_only_the_limit_is_taken_and_no_mail_is_sent(self):
        """R19, with rows as an idle database has them."""
        self.night()
        self.env.cr.execute(
            """WITH partners AS (
                INSERT INTO res_partner
                       (name, active, is_company, email_normalized, autopost_bills)
                SELECT 'Lost ' || n, TRUE, TRUE, 'lost' || n || '@example.com', 'ask'
                  FROM generate_series(1, 5000) AS n
                RETURNING id
            )
            INSERT INTO crm_customer_profile
                   (partner_id, company_id, currency_id, winback_flag, lifecycle_stage,
                    last_purchase_date)
            SELECT id, %s, %s, TRUE, 'lost', '2020-01-01' FROM partners""",
            (self.company.id, self.company.currency_id.id),
        )
        self.env.invalidate_all()
        mails = self.env["mail.mail"].search_count([])
        calls = self.make_playbook(event_kind="to_win_back", reason="win_back", nightly_limit=20)
        letters = self.make_playbook(
            event_kind="to_win_back",
            reason="offer",
            nightly_limit=30,
            mail_template_id=self.make_template().id,
        )
        self.assertEqual(calls.existing_count, 5000)
        (calls | letters).action_start_existing()
        self.work()
        self.assertEqual(len(self.cases(calls, ("state", "=", "open"))), 20)
        self.assertEqual(len(self.cases(letters, ("state", "=", "approval"))), 30)
        self.assertEqual(self.env["mail.mail"].search_count([]), mails)

    def test_a_segment_that_is_entered_opens_a_case(self):
        customer, other = self.make_customer(), self.make_customer("Other")
        self.make_invoices([(customer, 50, 100), (other, 60, 100)])
        segment = self.make_segment(recently())
        playbook = self.make_playbook(trigger="segment", segment_id=segment.id, reason="segment")
        self.night()
        self.make_invoice(customer, -2)
        self.night(3)
        self.assertEqual(self.cases(playbook).partner_id, customer)
        # the rule is another one: that is no news of customers
        segment.domain = "[('purchase_count', '>', 0)]"
        self.night(4)
        self.assertEqual(self.cases(playbook).partner_id, customer)
        self.assertEqual(playbook.existing_count, 1)

    def test_who_is_put_into_a_list_by_hand_gets_a_case_in_the_next_night(self):
        customer = self.make_customer()
        self.make_invoice(customer, 50)
        segment = self.make_segment(kind="static")
        playbook = self.make_playbook(trigger="segment", segment_id=segment.id, reason="segment")
        self.night()
        segment._enter(self.row(customer))
        self.night(1)
        self.assertEqual(self.cases(playbook).partner_id, customer)

    def test_two_playbooks_open_one_case_for_a_reason(self):
        customers = self.make_slipping(3)
        playbooks = self.make_playbook() | self.make_playbook()
        tier = self.make_playbook(reason="tier")
        self.night()
        self.night(20)
        of_reason = self.cases(None, ("playbook_id", "in", playbooks.ids))
        self.assertEqual(of_reason.mapped("partner_id"), customers)
        self.assertEqual(len(of_reason), 3)
        self.assertEqual(len(self.cases(tier)), 3)

    def test_a_customer_is_not_asked_again_within_the_pause(self):
        [customer] = self.make_slipping()
        playbook = self.make_playbook(pause_days=100)
        self.night()
        self.night(20)
        self.make_invoice(customer, -21)
        self.night(22)
        self.assertEqual(self.cases(playbook).close_reason, "bought")
        for day, cases in ((119, 1), (120, 2)):
            self.update_row(customer, lifecycle_stage="at_risk")
            playbook._line_up_members(self.ago(-day), customer.ids)
            playbook._assign(self.ago(-day))
            self.assertEqual(len(self.cases(playbook)), cases, day)

    # ----------------------------------------------------------------------- held out

    def test_those_held_out_are_the_ones_of_the_draw_and_are_left_alone(self):
        customers = self.make_slipping(12, user_id=self.anna.id)
        playbook = self.make_playbook(
            holdout_share=0.5, holdout_kind="never", creates_lead=True, window_days=30
        )
        self.night()
        self.night(20)
        drawn = customers.filtered(lambda one: holdout(one.id, f"playbook,{playbook.id}", 0.5))
        held_out = self.cases(playbook, ("arm", "=", "held_out"))
        self.assertTrue(0 < len(drawn) < 12)
        self.assertEqual(held_out.partner_id, drawn)
        self.assertEqual(set(held_out.mapped("state")), {"open"})
        self.assertFalse(held_out.user_id | held_out.lead_id.user_id)
        self.assertFalse(self.planned(drawn))
        self.assertEqual(len(self.planned(customers - drawn)), 12 - len(drawn))
        self.night(51)
        self.assertEqual(set(self.cases(playbook).mapped("close_reason")), {"expired"})
        self.assertEqual(len(self.cases(playbook)), 12)
        self.assertFalse(self.planned(customers))

    def test_who_is_held_out_of_calls_is_called_when_the_window_is_over(self):
        customers = self.make_slipping(8)
        playbook = self.make_playbook(holdout_share=0.5, holdout_kind="later", window_days=14)
        self.night()
        self.night(20)
        held_out = self.cases(playbook, ("arm", "=", "held_out")).partner_id
        bought = held_out[0]
        self.make_invoice(bought, -25)
        self.night(34)
        self.assertFalse(self.planned(held_out))
        self.night(35)
        later = self.cases(playbook, ("arm", "=", "exempt"))
        self.assertEqual(later.partner_id, held_out - bought)
        self.assertEqual(set(self.planned(customers).mapped("res_id")), set(later.partner_id.ids))
        self.assertEqual(set(later.mapped("date_assigned")), {self.ago(-35)})

    def test_the_top_tier_and_the_largest_are_always_contacted(self):
        self.set_tiers(0, 5000, measure="revenue")
        customers = self.make_slipping(6)
        playbook = self.make_playbook(
            holdout_share=0.99, holdout_kind="never", exempt_top_tier=True, exempt_m_score="5"
        )
        self.make_invoice(customers[0], 50, 9000)
        self.night()
        self.refresh(self.ago(-19))
        self.update_row(customers[1], m_score=5)
        with patch.object(
            self.env.registry["crm.playbook"], "_line_up_events", lambda self, events: None
        ):
            playbook.action_start_existing()
        self.night(20)
        arms = {case.partner_id: case.arm for case in self.cases(playbook)}
        self.assertEqual(arms[customers[0]], "exempt")
        self.assertEqual(set(arms.values()), {"exempt", "held_out"})

    def test_without_a_hold_out_everybody_is_contacted(self):
        self.make_slipping(3)
        playbook = self.make_playbook(exempt_top_tier=True, exempt_m_score="4")
        self.night()
        self.night(20)
        self.assertEqual(set(self.cases(playbook).mapped("arm")), {"treated"})

    # ----------------------------------------------------------------- who is left alone

    def test_who_is_blacklisted_gets_no_case(self):
        """R16"""
        first, second, third = self.make_slipping(3)
        first.email, second.phone, third.email = (
            "a@example.com",
            "+32 470 11 22 33",
            "c@example.com",
        )
        self.env["mail.blacklist"]._add("a@example.com")
        self.env["phone.blacklist"].add("+32470112233")
        playbook = self.make_playbook()
        self.night()
        self.night(20)
        expected = third if second.phone_sanitized else second | third
        self.assertEqual(self.cases(playbook).partner_id, expected)

    def test_who_must_pay_first_gets_no_sales_task(self):
        [customer] = self.make_slipping()
        self.make_invoice(customer, 55, 300, invoice_date_due=self.ago(55))
        # a company that records no payments sends nobody to accounting
        self.make_payment(self.make_invoice(customer, 56, 10), day=55)
        self.company.customer_blocked_days = 30
        sales = self.make_playbook()
        money = self.make_playbook(
            event_kind="collect_first", reason="collect_first", stops_on_purchase=False
        )
        self.refresh(self.ago(35))
        self.night(20)
        self.assertTrue(self.row(customer).collect_first)
        self.assertFalse(self.cases(sales))
        self.assertEqual(self.cases(money).partner_id, customer)

    # ------------------------------------------------------------------------ the end

    def open_case(self, **values):
        [customer] = self.make_slipping(email="x@example.com")
        playbook = self.make_playbook(**values)
        self.night()
        self.night(20)
        return self.cases(playbook)

    def test_a_purchase_ends_a_case_and_drops_what_was_planned_for_it_alone(self):
        case = self.open_case(creates_lead=True)
        own = case.partner_id.activity_schedule(
            "mail.mail_activity_data_todo", user_id=self.anna.id
        )
        self.make_invoice(case.partner_id, -21)
        self.night(22)
        self.assertEqual(
            (case.state, case.close_reason, case.date_closed), ("closed", "bought", self.ago(-22))
        )
        self.assertEqual(self.planned(case.partner_id), own)
        self.assertTrue(case.lead_id.active)

    def test_a_purchase_does_not_end_a_case_that_says_so(self):
        case = self.open_case(stops_on_purchase=False)
        self.make_invoice(case.partner_id, -21)
        self.night(22)
        self.assertEqual(case.state, "open")

    def test_a_case_ends_with_its_window(self):
        case = self.open_case(window_days=5)
        self.night(25)
        self.assertEqual(case.state, "open")
        self.night(26)
        self.assertEqual((case.state, case.close_reason), ("closed", "expired"))
        self.assertFalse(self.planned(case.partner_id))

    def test_who_opts_out_or_is_archived_or_blacklisted_is_left_alone_at_once(self):
        """R16"""
        for deed, reason in (
            (lambda customer: customer.write({"profiling_optout": True}), "opted_out"),
            (lambda customer: customer.write({"active": False}), "cancelled"),
            (lambda customer: self.env["mail.blacklist"]._add(customer.email), "blacklisted"),
        ):
            with self.subTest(reason=reason):
                [customer] = self.make_slipping(email=f"{reason}@example.com")
                playbook = self.make_playbook(reason="tier")
                self.refresh()
                self.refresh(self.ago(-20))
                self.work()
                case = self.cases(playbook, ("partner_id", "=", customer.id))
                self.assertEqual(len(self.planned(customer)), 1)
                deed(customer)
                self.assertEqual((case.state, case.close_reason), ("closed", reason))
                self.assertFalse(self.planned(customer))
                playbook.action_switch_off()
                self.company.write({"customer_run_id": False, "customer_latest_as_of": False})

    def test_the_last_activity_done_ends_the_case(self):
        case = self.open_case()
        activity = self.planned(case.partner_id)
        activity.with_user(activity.user_id).action_feedback("He will order")
        self.assertEqual((case.state, case.close_reason), ("closed", "done"))

    def test_merged_contacts_keep_one_case_for_a_reason(self):
        customers = self.make_slipping(2)
        playbook = self.make_playbook()
        self.night()
        self.night(20)
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge(customers.ids, customers[1])
        cases = self.cases(playbook)
        self.assertEqual(cases.partner_id, customers[1])
        self.assertEqual(sorted(cases.mapped("state")), ["closed", "open"])

    # -------------------------------------------------------------------------- emails

    def test_an_email_is_sent_only_after_a_person_approved_it(self):
        case = self.open_case(mail_template_id=self.make_template().id, activity_type_id=False)
        self.assertEqual(case.state, "approval")
        self.assertEqual(case.mail_subject, "Dear Customer 0")
        self.work()
        self.assertFalse(case.mail_id)
        self.as_user(case, self.manager).action_approve()
        self.work()
        self.assertEqual((case.state, case.approved_by_id), ("open", self.manager))
        self.assertEqual(case.mail_id.recipient_ids, case.partner_id)
        self.assertEqual(case.mail_id.state, "outgoing")
        self.work()
        mails = self.env["mail.mail"].search([("recipient_ids", "in", case.partner_id.ids)])
        self.assertEqual(len(mails), 1)

    def test_who_is_blacklisted_after_the_approval_gets_no_email(self):
        """R16"""
        case = self.open_case(mail_template_id=self.make_template().id)
        self.as_user(case, self.manager).action_approve()
        with patch.object(self.env.registry["mail.blacklist"], "_end_cases", lambda self: None):
            self.env["mail.blacklist"]._add("x@example.com")
        self.work()
        self.assertEqual((case.state, case.close_reason), ("closed", "blacklisted"))
        self.assertFalse(case.mail_id)

    def test_what_was_approved_and_not_sent_yet_is_taken_back(self):
        """R16"""
        case = self.open_case(mail_template_id=self.make_template().id)
        self.as_user(case, self.manager).action_approve()
        self.work()
        self.env["mail.blacklist"]._add("x@example.com")
        self.assertEqual(case.mail_id.state, "cancel")
        self.assertEqual(case.close_reason, "blacklisted")

    def test_what_is_not_approved_ends_with_the_case(self):
        case = self.open_case(mail_template_id=self.make_template().id, window_days=5)
        self.night(26)
        self.assertEqual(case.close_reason, "expired")
        with self.assertRaisesRegex(UserError, "None of these waits"):
            self.as_user(case, self.manager).action_approve()

    # ----------------------------------------------------------------------- the work

    def test_a_case_does_all_that_its_playbook_says(self):
        plan = self.env["mail.activity.plan"].create(
            {
                "name": "Two steps",
                "res_model": "res.partner",
                "template_ids": [
                    (0, 0, {"summary": "First", "delay_count": 1, "delay_from": "after_plan_date"}),
                    (0, 0, {"summary": "Then", "delay_count": 8, "delay_from": "after_plan_date"}),
                ],
            }
        )
        tag = self.env["crm.tag"].create({"name": "Slipping"})
        category = self.env["res.partner.category"].create({"name": "Slipping"})
        campaign = self.env["utm.campaign"].create({"name": "Autumn"})
        action = self.env["ir.actions.server"].create(
            {
                "name": "Note",
                "model_id": self.env["ir.model"]._get_id(CASE),
                "state": "code",
                "code": "record.partner_id.write({'ref': 'touched'})",
            }
        )
        case = self.open_case(
            activity_type_id=False,
            activity_plan_id=plan.id,
            creates_lead=True,
            lead_tag_ids=tag.ids,
            category_id=category.id,
            campaign_id=campaign.id,
            server_action_id=action.id,
        )
        customer = case.partner_id
        days = {one.summary: one.date_deadline for one in self.planned(customer)}
        self.assertEqual(days, {"First": self.ago(-21), "Then": self.ago(-28)})
        lead = case.lead_id
        self.assertEqual(
            (lead.partner_id, lead.type, lead.opportunity_kind, lead.user_id, lead.tag_ids),
            (customer, "opportunity", "retention", self.manager, tag),
        )
        self.assertEqual((lead.campaign_id, lead.company_id), (campaign, self.company))
        self.assertIn("Orders every 30 days; silent for 70", lead.description)
        self.assertEqual(customer.category_id, category)
        self.assertEqual(customer.ref, "touched")

    def test_a_case_that_fails_is_tried_three_times_and_stops_no_other(self):
        customers = self.make_slipping(3)
        playbook = self.make_playbook()
        self.night()
        self.refresh(self.ago(-20))
        create = self.env.registry[CASE]._plan_activities
        broken = customers[1]

        def plan(case):
            if case.partner_id == broken:
                raise ValueError("No way")
            return create(case)

        with (
            patch.object(self.env.registry[CASE], "_plan_activities", plan),
            mute_logger("odoo.addons.crm_extended.models.crm_playbook_work"),
        ):
            self.work()
        [case] = self.cases(playbook, ("is_failed", "=", True))
        self.assertEqual((case.partner_id, case.error, case.attempts), (broken, "No way", 3))
        self.assertFalse(case.user_id)
        self.assertEqual(len(self.planned(customers)), 2)
        self.as_user(case, self.manager).action_retry()
        self.work()
        self.assertEqual((case.state, case.error), ("open", False))

    def test_a_night_takes_as_many_queries_for_many_customers_as_for_few(self):
        self.make_slipping(24)
        self.night()
        [run] = self.refresh(self.ago(-20))
        counts = []
        # the first one warms the caches
        for limit in (1, 2, 19):
            playbook = self.make_playbook(nightly_limit=limit, reason="tier")
            playbook.includes_existing = True
            self.env["ir.cron.trigger"].search([]).unlink()
            with self.queries() as queries:
                playbook._assign(run.as_of)
            counts.append(len(queries))
            self.assertEqual(len(self.cases(playbook)), limit)
        self.assertEqual(counts[1], counts[2])


@tagged("post_install", "-at_install")
class TestPlaybookRights(PlaybookCase):
    """Whom cases are given to, who sees what, and what is refused."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bert = cls.make_user("salesperson", "bert")
        cls.customer = cls.make_customer("Slipping", user_id=cls.anna.id)
        cls.make_purchases(cls.customer, every=30, count=6, last=71)
        cls.refresh()

    def owner(self, **values):
        playbook = self.make_playbook(**values)
        case = self.make_case(playbook, self.customer, state="waiting")
        owner = playbook._owner_of(case)
        case.state = "closed"
        self.env.flush_all()
        return owner

    def test_each_way_of_finding_the_owner(self):
        team = self.env["crm.team"].create(
            {
                "name": "Team",
                "company_id": self.company.id,
                "user_id": self.manager.id,
                "member_ids": [(6, 0, (self.anna | self.bert).ids)],
            }
        )
        rules = [
            (0, 0, {"domain": "[('lifecycle_stage', '=', 'lost')]", "user_id": self.anna.id,
                    "author_id": self.manager.id}),
            (0, 0, {"domain": "[('lifecycle_stage', '=', 'at_risk')]", "user_id": self.bert.id,
                    "author_id": self.manager.id}),
        ]  # fmt: skip
        for values, owner in (
            ({"owner_kind": "salesperson"}, self.anna),
            ({"owner_kind": "user", "assignee_id": self.bert.id}, self.bert),
            ({"owner_kind": "leader", "team_id": team.id}, self.manager),
            ({"owner_kind": "rule", "rule_ids": rules}, self.bert),
            ({"owner_kind": "rule", "rule_ids": rules[:1]}, self.manager),
            ({"owner_kind": "rule", "rule_ids": rules[:1], "fallback_id": self.bert.id}, self.bert),
        ):
            self.assertEqual(self.owner(**values), owner, values)

    def test_the_members_of_a_team_take_turns(self):
        team = self.env["crm.team"].create(
            {
                "name": "Team",
                "company_id": self.company.id,
                "member_ids": [(6, 0, (self.anna | self.bert).ids)],
            }
        )
        playbook = self.make_playbook(owner_kind="turn", team_id=team.id)
        for number in range(4):
            self.make_case(playbook, self.make_customer(f"Customer {number}"), state="waiting",
                           date_end=self.ago(-9))  # fmt: skip
            customer = self.cases(playbook)[-1].partner_id
            self.make_invoice(customer, 1)
        self.refresh()
        self.cases(playbook).write({"last_purchase_before": self.as_of})
        self.work()
        owners = self.cases(playbook).mapped("user_id.name")
        self.assertEqual(len(self.cases(playbook, ("user_id", "=", self.anna.id))), 2, owners)

    def test_who_has_left_is_given_nothing(self):
        self.anna.active = False
        self.assertEqual(self.owner(), self.manager)
        self.assertEqual(self.owner(fallback_id=self.bert.id), self.bert)
        self.bert.company_ids += self.env.ref("base.main_company")
        self.bert.write(
            {"company_id": self.env.ref("base.main_company").id,
             "company_ids": [(3, self.company.id)]}
        )  # fmt: skip
        self.assertEqual(self.owner(fallback_id=self.bert.id), self.manager)

    def test_a_rule_is_read_with_the_rights_of_who_wrote_it(self):
        margins = "[('contribution_12m', '>', 0)]"
        with self.assertRaisesRegex(ValidationError, "can't be searched by the rule for"):
            self.as_user("crm.playbook.rule", self.manager).create(
                {
                    "playbook_id": self.make_playbook().id,
                    "domain": margins,
                    "user_id": self.anna.id,
                }
            )

    def test_what_needs_margins_goes_to_who_sees_them_and_is_not_put_on_the_contact(self):
        margin = self.make_user("margin")
        playbook = self.make_playbook(event_kind="loss_maker", reason="loss_maker")
        self.assertTrue(playbook.shows_margins)
        case = self.make_case(playbook, self.customer, state="waiting", date_end=self.ago(-9),
                              last_purchase_before=self.as_of)  # fmt: skip
        with mute_logger("odoo.addons.crm_extended.models.crm_playbook_work"):
            self.work()
        self.assertIn("Nobody is there to get cases", case.error)
        playbook.user_id = margin
        case.attempts = 0
        self.work()
        self.assertEqual(case.user_id, margin)
        self.assertEqual(case.activity_ids.user_id, margin)
        self.assertFalse(self.planned(self.customer))
        for reader, sees in ((self.manager, False), (self.anna, False), (margin, True)):
            for record in (case, playbook):
                found = self.as_user(record._name, reader).search([("id", "=", record.id)])
                self.assertEqual(bool(found), sees, (reader.name, record))

    def test_a_salesperson_sees_cases_of_his_customers_and_his_own_but_nobody_held_out(self):
        playbook = self.make_playbook()
        other = self.make_customer("Other", user_id=self.bert.id)
        case = self.make_case(playbook, self.customer)
        foreign = self.make_case(playbook, other)
        given = self.make_case(playbook, other, reason="tier", user_id=self.anna.id)
        held_out = self.make_case(playbook, self.customer, reason="new", arm="held_out")
        found = self.as_user(CASE, self.anna).search([("company_id", "=", self.company.id)])
        self.assertEqual(found.ids, (given | case).sorted("id", reverse=True).ids)
        found = self.as_user(CASE, self.manager).search([("company_id", "=", self.company.id)])
        self.assertEqual(set(found.ids), set((case | foreign | given | held_out).ids))
        self.assertEqual(self.as_user(self.row(self.customer), self.anna).playbook_case_count, 1)
        self.assertEqual(self.as_user(self.row(self.customer), self.manager).playbook_case_count, 2)
        self.assertEqual(self.as_user(playbook, self.anna).case_count, 2)

    def test_a_user_ends_his_own_cases_and_a_manager_all(self):
        playbook = self.make_playbook()
        own = self.make_case(playbook, self.customer, user_id=self.anna.id, state="open")
        foreign = self.make_case(playbook, self.customer, reason="tier", user_id=self.bert.id,
                                 state="open")  # fmt: skip
        self.as_user(own, self.anna).action_done()
        self.assertEqual(own.close_reason, "done")
        with self.assertRaisesRegex(AccessError, "belongs to somebody else"):
            self.as_user(foreign, self.anna).action_cancel()
        self.as_user(foreign, self.manager).action_cancel()
        self.assertEqual(foreign.close_reason, "cancelled")
        for method in ("action_approve", "action_reject", "action_retry"):
            with self.assertRaises(AccessError):
                getattr(self.as_user(own, self.anna), method)()

    def test_only_a_manager_changes_playbooks_and_nobody_writes_cases(self):
        playbook = self.make_playbook()
        case = self.make_case(playbook, self.customer)
        for method in ("action_switch_on", "action_switch_off", "action_start_existing"):
            with self.assertRaises(AccessError):
                getattr(self.as_user(playbook, self.anna), method)()
        for user in (self.anna, self.manager):
            with self.assertRaises(AccessError):
                self.as_user(case, user).write({"state": "closed"})
            with self.assertRaises(AccessError):
                self.as_user(case, user).unlink()

    # ---------------------------------------------------------------------- bad input

    def assert_refused(self, sentence, **values):
        with (
            self.assertRaisesRegex((UserError, ValidationError), sentence),
            self.env.cr.savepoint(),
        ):
            self.make_playbook(**values)

    def test_each_incomplete_playbook_is_refused_with_what_to_do(self):
        secret = self.make_segment(
            "[('loss_maker_flag', '=', False)]", self.make_user("margin"), name="Secret"
        )
        no_action = {"activity_type_id": False}
        for sentence, values in (
            ("would do nothing: choose an activity", no_action),
            ("Choose the person who gets", {"owner_kind": "user"}),
            ("Choose the sales team", {"owner_kind": "leader"}),
            ("Choose the sales team", {"owner_kind": "turn"}),
            ("Add at least one rule", {"owner_kind": "rule"}),
            ("name a responsible", {"user_id": False}),
            ("Choose what must happen", {"event_kind": False}),
            ("Choose the segment", {"trigger": "segment"}),
            ("may not see the segment “Secret”", {"trigger": "segment", "segment_id": secret.id}),
            ("hold out less than 100 %", {"holdout_share": 1.0}),
            ("hold out less than 100 %", {"holdout_share": 1.2}),
            ("hold out less than 100 %", {"holdout_share": -0.1}),
            (
                "let it be 14 to 28 days",
                {"holdout_share": 0.2, "holdout_kind": "later", "window_days": 60},
            ),
            ("at least one case a night", {"nightly_limit": 0}),
            ("a window of at least one day", {"window_days": 0}),
            (
                "which is put on the case and not on the contact",
                {"event_kind": "loss_maker", "creates_lead": True},
            ),
        ):
            with self.subTest(sentence=sentence, **values):
                self.assert_refused(sentence, **values)

    def test_what_runs_can_not_be_made_incomplete(self):
        playbook = self.make_playbook()
        with self.assertRaisesRegex(UserError, "would do nothing"):
            playbook.activity_type_id = False

    def test_a_segment_that_its_responsible_may_not_see_any_more_opens_no_case(self):
        segment = self.make_segment("[('purchase_count', '>', 0)]")
        playbook = self.make_playbook(trigger="segment", segment_id=segment.id, reason="segment")
        playbook.includes_existing = True
        self.manager.write({"company_ids": [(4, self.env.ref("base.main_company").id)],
                            "company_id": self.env.ref("base.main_company").id})  # fmt: skip
        self.manager.company_ids -= self.company
        self.refresh(self.ago(-1))
        self.assertFalse(self.cases(playbook))
        self.assertIn("may not see the segment", playbook.error)

    def test_a_moment_has_nobody_who_is_in_it_already(self):
        playbook = self.make_playbook(event_kind="tier_up", reason="tier")
        self.assertFalse(playbook.has_state)
        with self.assertRaisesRegex(UserError, "started by a moment"):
            playbook.action_start_existing()
        off = self.make_playbook(switch_on=False)
        with self.assertRaisesRegex(UserError, "Switch “Playbook” on first"):
            off.action_start_existing()

    def test_what_is_shipped_is_complete_and_off(self):
        self.env.user.group_ids += self.env.ref("crm_extended.group_margin")
        data = self.env["ir.model.data"].search(
            [("module", "=", "crm_extended"), ("model", "=", PLAYBOOK)]
        )
        playbooks = self.env[PLAYBOOK].sudo().browse(data.mapped("res_id")).exists()
        self.assertGreaterEqual(len(playbooks), 7)
        self.assertFalse(any(playbooks.mapped("is_running")))
        for playbook in playbooks:
            self.assertFalse(playbook._action_error() or playbook._owner_error(), playbook.name)
