from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common import SeveralCustomersCase

QUIET = mute_logger("odoo.orm.models", "odoo.addons.base.models.ir_rule", "odoo.sql_db")


class NeedsCase(SeveralCustomersCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.needs = cls.env["crm.customer.need"]
        cls.price, cls.credit, cls.delivery = (
            cls.env.ref(f"crm_extended.crm_need_{name}") for name in ("price", "credit", "delivery")
        )

    def say(self, customer, need, user=None, **values):
        needs = self.as_user(self.needs, user) if user else self.needs
        return needs.create({"partner_id": customer.id, "need_id": need.id} | values)

    def of(self, customer):
        return self.needs.with_context(active_test=False).search(
            [("partner_id", "=", customer.id), ("company_id", "=", self.company.id)]
        )

    def ask(self, record, user):
        """The dialog that the button opens."""
        record = self.as_user(record, user)
        action = record.action_note_needs()
        self.assertEqual(action["res_model"], "crm.customer.need.note")
        return Form(record.env[action["res_model"]].with_context(**action["context"]))


@tagged("post_install", "-at_install")
class TestNeeds(NeedsCase):
    """What matters to customers, as they said."""

    def test_five_needs_are_there_to_begin_with(self):
        names = self.env["crm.need"].search([]).mapped("name")
        for name in ("Credit days", "Price", "Delivery", "Stock", "Exclusivity"):
            self.assertIn(name, names)

    def test_two_needs_of_one_name_are_refused(self):
        for name in ("price", " Price "):
            with self.assertRaisesRegex(ValidationError, "There is a need named"):
                self.env["crm.need"].create({"name": name})
        with self.assertRaisesRegex(ValidationError, "Give the need a name"):
            self.env["crm.need"].create({"name": "  "})

    @freeze_time("2025-07-01")
    def test_declared_again_a_need_is_renewed_and_not_doubled(self):
        said = self.say(self.at_risk, self.price, self.anna, date="2025-03-01", note="Too dear")
        again = self.say(self.at_risk, self.price, self.make_user("salesperson_all", "cleo"))
        self.assertEqual(again, said)
        self.assertEqual(str(again.date), "2025-07-01")
        self.assertEqual((again.user_id.login, again.note), ("cleo", "Too dear"))
        both = self.needs.create([{"partner_id": self.loyal.id, "need_id": self.price.id}] * 2)
        self.assertEqual(len(both), 2)
        self.assertEqual(len(self.of(self.loyal)), 1)

    @freeze_time("2025-07-01")
    def test_what_was_said_earlier_changes_nothing(self):
        said = self.say(self.at_risk, self.price, date="2025-06-01", source="meeting")
        self.say(self.at_risk, self.price, date="2024-01-01", source="survey")
        self.assertEqual((str(said.date), said.source), ("2025-06-01", "meeting"))

    def test_a_need_that_had_ended_matters_again_when_it_is_declared(self):
        said = self.say(self.at_risk, self.price)
        said.action_archive()
        self.assertFalse(self.at_risk.need_ids)
        self.say(self.at_risk, self.price)
        self.assertTrue(said.active)
        self.assertEqual(self.at_risk.need_ids, self.price)

    def test_what_a_contact_says_is_kept_with_his_customer(self):
        said = self.say(self.contact, self.price)
        self.assertEqual(said.partner_id, self.at_risk)
        self.assertEqual(self.contact.need_ids, self.price)

    def test_a_day_to_come_is_refused(self):
        day = fields.Date.today() + timedelta(days=3)
        with self.assertRaisesRegex(ValidationError, "has not come yet"):
            self.say(self.at_risk, self.price, date=day)

    def test_nobody_declares_in_the_name_of_another(self):
        said = self.say(self.at_risk, self.price, self.anna, user_id=self.bert.id)
        self.assertEqual(said.user_id, self.anna)
        said.user_id = self.bert
        self.assertEqual(said.user_id, self.anna)

    def test_a_need_that_somebody_declared_is_archived_and_not_deleted(self):
        self.say(self.at_risk, self.price)
        with QUIET, self.assertRaises(Exception), self.env.cr.savepoint():  # noqa: B017 - any
            self.price.unlink()
        self.price.active = False
        self.assertFalse(self.env["crm.need"].search([("id", "=", self.price.id)]))

    # ----------------------------------------------------------------------- the dialog

    def test_a_salesperson_keeps_what_a_customer_says_from_wherever_he_is(self):
        lead = self.make_lead(self.contact, user_id=self.anna.id)
        for record, need in (
            (self.row(self.at_risk), self.price),
            (self.contact, self.credit),
            (lead, self.delivery),
        ):
            with self.ask(record, self.anna) as form:
                self.assertEqual(form.partner_id, self.at_risk)
                form.need_ids.add(need)
                form.source = "call"
                form.note = "Said so twice"
            form.record.action_keep()
        said = self.of(self.at_risk)
        self.assertEqual(said.need_id, self.price | self.credit | self.delivery)
        self.assertEqual(said.user_id, self.anna)
        self.assertEqual(set(said.mapped("date")), {fields.Date.today()})

    def test_the_answer_is_noted_on_the_contact_and_is_no_call(self):
        with self.ask(self.at_risk, self.anna) as form:
            form.need_ids.add(self.price)
            form.note = "<b>dear</b>"
        form.record.action_keep()
        message = self.at_risk.message_ids[0]
        self.assertEqual(message.author_id, self.anna.partner_id)
        self.assertIn("Matters to them: Price", message.body)
        self.assertNotIn("<b>", message.body)
        self.assertFalse(self.row(self.at_risk).contacted_on)

    def test_who_may_not_edit_contacts_keeps_what_they_say(self):
        user = self.make_user("user")
        with self.ask(self.loyal, user) as form:
            form.need_ids.add(self.price)
        form.record.action_keep()
        self.assertEqual(self.of(self.loyal).user_id, user)
        self.assertEqual(self.loyal.message_ids[0].author_id, user.partner_id)

    def test_what_no_longer_matters_is_ended(self):
        self.say(self.at_risk, self.price)
        with self.ask(self.at_risk, self.anna) as form:
            self.assertEqual(form.known_ids.ids, self.price.ids)
            form.ended_ids.add(self.price)
            form.need_ids.add(self.credit)
        form.record.action_keep()
        self.env.invalidate_all()
        self.assertEqual(self.at_risk.need_ids, self.credit)
        self.assertIn("No longer matters: Price", self.at_risk.message_ids[0].body)

    def test_an_answer_that_says_nothing_or_both_is_refused(self):
        self.say(self.at_risk, self.price)
        with self.ask(self.at_risk, self.anna) as form:
            pass
        with self.assertRaisesRegex(UserError, "Choose what matters to At Risk"):
            form.record.action_keep()
        form.record.need_ids = form.record.ended_ids = self.price
        with self.assertRaisesRegex(UserError, "Price can't matter and no longer matter"):
            form.record.action_keep()

    def test_of_an_opportunity_without_customer_nobody_can_be_asked(self):
        lead = self.make_lead(user_id=self.anna.id)
        with self.assertRaisesRegex(UserError, "Choose the customer of this opportunity first"):
            self.as_user(lead, self.anna).action_note_needs()

    # -------------------------------------------------------------------- rights, companies

    def test_salespeople_see_and_keep_needs_of_their_own_customers(self):
        own, foreign = self.say(self.at_risk, self.price), self.say(self.loyal, self.price)
        self.assertEqual(self.as_user(self.needs, self.anna).search([]), own)
        self.assertEqual(self.as_user(self.needs, self.bert).search([]), foreign)
        with QUIET, self.assertRaises(AccessError):
            self.say(self.loyal, self.credit, self.anna)
        with QUIET, self.assertRaises(AccessError):
            self.as_user(foreign, self.anna).note = "x"
        # the contact is everybody's, what he said is not
        self.assertFalse(self.as_user(self.loyal, self.anna).need_ids)
        self.assertFalse(self.as_user(self.loyal, self.anna).sudo().need_ids)
        self.assertEqual(self.as_user(self.loyal, self.bert).need_ids, self.price)
        found = self.as_user("res.partner", self.anna).search([("need_ids", "in", self.price.ids)])
        self.assertEqual(found, self.at_risk | self.contact)

    def test_nobody_hands_what_was_said_to_a_customer_of_others(self):
        salesperson = self.make_user("salesperson")
        own = self.make_customer("Own", user_id=salesperson.id)
        foreign = self.make_customer("Foreign", user_id=self.make_user("salesperson").id)
        need = self.as_user("crm.customer.need", salesperson).create(
            {"partner_id": own.id, "need_id": self.env["crm.need"].search([], limit=1).id}
        )
        with self.assertRaises(AccessError):
            need.partner_id = foreign

    def test_who_is_no_user_of_the_customers_reads_no_needs(self):
        self.say(self.at_risk, self.price)
        for role in ("employee", "portal"):
            user = self.make_user(role)
            with QUIET, self.assertRaises(AccessError):
                self.as_user(self.at_risk, user).need_ids  # noqa: B018 - read
            with QUIET, self.assertRaises(AccessError):
                self.as_user("res.partner", user).search([("need_ids", "in", self.price.ids)])
            self.assertFalse(self.as_user(self.at_risk, user).sudo().need_ids)

    def test_needs_are_those_of_the_company(self):
        self.say(self.shared, self.price, company_id=self.other_company.id)
        self.assertFalse(self.shared.need_ids)
        both = self.make_user("salesperson_all", companies=self.company | self.other_company)
        for company, needs in ((self.company, False), (self.other_company, self.price)):
            partner = self.as_user(self.shared, both, company)
            self.assertEqual(partner.need_ids.ids, needs.ids if needs else [])
            self.assertEqual(
                self.row(self.shared, company).need_ids.ids, needs.ids if needs else []
            )

    # ---------------------------------------------------------------------------- search

    def test_customers_and_contacts_are_found_by_need(self):
        self.say(self.at_risk, self.price)
        self.say(self.loyal, self.credit)
        self.say(self.lost, self.price).is_met = True
        self.say(self.shared, self.price).active = False
        partners = self.env["res.partner"]
        for domain, expected in {
            ("need_ids", "in", tuple(self.price.ids)): self.at_risk | self.lost,
            ("need_ids", "=", self.credit.id): self.loyal,
            ("need_ids", "ilike", "pric"): self.at_risk | self.lost,
            ("need_ids.name", "=", "Price"): self.at_risk | self.lost,
            ("need_ids", "!=", False): self.at_risk | self.lost | self.loyal,
            ("need_ids", "=", False): self.customers - self.at_risk - self.lost - self.loyal,
            ("need_ids", "not in", tuple(self.price.ids)): self.customers
            - self.at_risk
            - self.lost,
        }.items():
            with self.subTest(domain=domain):
                found = partners.search([domain, ("id", "in", self.customers.ids)])
                self.assertEqual(found, expected & found | expected)
                self.assertEqual(self.customers.filtered_domain([domain]), expected)
                rows = self.env["crm.customer.profile"].search(
                    [domain, ("company_id", "=", self.company.id)]
                )
                self.assertEqual(rows.partner_id, expected - self.stranger)

    def test_a_list_of_customers_with_needs_takes_as_many_queries_as_one(self):
        self.say(self.at_risk, self.price)
        self.say(self.loyal, self.credit)
        counts = []
        for customers in (self.at_risk, self.customers):
            for _time in range(2):
                self.env.invalidate_all()
                with self.queries() as queries:
                    customers.mapped("need_ids.name")
            counts.append(len([query for query in queries if "crm_customer_need" in query]))
        self.assertEqual(counts, [1, 1])

    # ------------------------------------------------ contacts that opt out, merge and move

    def test_of_who_refuses_profiling_nothing_is_kept(self):
        said = self.say(self.at_risk, self.price)
        ended = self.say(self.at_risk, self.credit)
        ended.active = False
        self.at_risk.profiling_optout = True
        self.assertFalse((said | ended).exists())
        with self.assertRaisesRegex(ValidationError, "At Risk wants no profile"):
            self.say(self.contact, self.price)

    def test_who_is_archived_keeps_his_needs(self):
        said = self.say(self.at_risk, self.price)
        self.at_risk.action_archive()
        self.assertTrue(said.exists())

    def test_merged_customers_leave_one_record_of_each_need(self):
        self.say(self.at_risk, self.price, date="2025-01-01", note="old")
        latest = self.say(self.loyal, self.price, date="2025-05-01", note="latest")
        credit = self.say(self.loyal, self.credit)
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((self.at_risk | self.loyal).ids, self.at_risk, extra_checks=False)
        self.env.invalidate_all()
        self.assertEqual(self.of(self.at_risk), latest | credit)

    def test_who_comes_below_another_takes_his_needs_along(self):
        self.say(self.at_risk, self.price, date="2025-05-01")
        kept = self.say(self.loyal, self.price, date="2025-06-01")
        self.say(self.lost, self.credit)
        (self.at_risk | self.lost).parent_id = self.loyal
        (self.at_risk | self.lost).is_company = False
        self.env.flush_all()
        self.assertEqual(self.at_risk.commercial_partner_id, self.loyal)
        self.assertEqual(self.of(self.loyal).need_id, self.price | self.credit)
        self.assertIn(kept, self.of(self.loyal))
        self.assertFalse(self.of(self.at_risk) | self.of(self.lost))


@tagged("post_install", "-at_install")
class TestBenefits(NeedsCase):
    """What salespeople can give to customers of a tier."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tier, cls.other = cls.row(cls.loyal).tier_id, cls.row(cls.at_risk).tier_id
        if cls.tier == cls.other:
            cls.other = cls.company._loyalty_tiers() - cls.tier
        cls.driver, cls.days, cls.rebate, cls.elsewhere = cls.env["crm.loyalty.benefit"].create(
            [
                {"tier_id": cls.tier.id, "name": "Own driver", "sequence": 1},
                {"tier_id": cls.tier.id, "name": "15 days of credit", "need_id": cls.credit.id},
                {"tier_id": cls.tier.id, "name": "Yearly rebate", "need_id": cls.price.id},
                {"tier_id": cls.other[:1].id, "name": "Nothing", "need_id": cls.credit.id},
            ]
        )

    def given(self, user=None):
        row = self.row(self.loyal)
        return list(self.as_user(row, user or self.bert).benefit_ids.mapped("name"))

    def test_who_has_declared_no_need_gets_what_all_of_the_tier_get(self):
        self.assertEqual(self.given(), ["Own driver"])

    def test_what_answers_a_declared_need_comes_first(self):
        self.say(self.loyal, self.credit)
        self.assertEqual(self.given(), ["15 days of credit", "Own driver"])
        self.say(self.loyal, self.price)
        self.assertEqual(self.given(), ["15 days of credit", "Yearly rebate", "Own driver"])
        self.rebate.active = False
        self.assertEqual(self.given(), ["15 days of credit", "Own driver"])

    def test_a_customer_without_tier_gets_nothing(self):
        self.assertFalse(self.row(self.prospect).benefit_ids)

    def test_benefits_go_with_their_tier(self):
        tier = self.env["crm.loyalty.tier"].create(
            {"name": "Platinum", "threshold": 99, "company_id": self.company.id}
        )
        benefit = self.env["crm.loyalty.benefit"].create({"tier_id": tier.id, "name": "Dinner"})
        tier.unlink()
        self.assertFalse(benefit.exists())

    def test_managers_write_benefits_and_salespeople_read_them(self):
        self.as_user(self.driver, self.make_user("manager")).name = "Our own driver"
        self.assertEqual(self.as_user(self.driver, self.bert).name, "Our own driver")
        with QUIET, self.assertRaises(AccessError):
            self.as_user(self.driver, self.bert).name = "Free of charge"

    def test_benefits_of_another_company_are_not_seen(self):
        tier = self.other_company._loyalty_tiers()[:1]
        foreign = self.env["crm.loyalty.benefit"].create({"tier_id": tier.id, "name": "Theirs"})
        manager = self.make_user("manager")
        self.assertFalse(
            self.as_user("crm.loyalty.benefit", manager).search([("id", "=", foreign.id)])
        )
