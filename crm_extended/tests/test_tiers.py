from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from .common import CustomerCase
from .ledger import stored_rows


class TierCase(CustomerCase):
    """Bronze from 0, silver from 500, gold from 1000, by revenue, guaranteed for 100 days."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bronze, cls.silver, cls.gold = cls.set_tiers(
            0, 500, 1000, measure="revenue", guarantee=100, keep=80
        )
        cls.customer = cls.make_customer()

    def buy(self, day, amount):
        return self.make_invoice(self.customer, day, amount)

    def tier_on(self, days_ago):
        self.refresh(self.ago(days_ago))
        return self.row(self.customer).tier_id


@tagged("post_install", "-at_install")
class TestTiers(TierCase):
    def test_company_begins_with_three_tiers_that_fit_every_currency(self):
        company = self.env["res.company"].create({"name": "New Company"})
        tiers = company._loyalty_tiers()
        self.assertEqual(tiers.mapped("threshold"), [0, 60, 90])
        self.assertEqual(company.customer_tier_basis, "percentile")

    def test_who_is_placed_for_the_first_time_gets_the_tier_of_his_measure(self):
        self.buy(10, 1000)
        self.assertEqual(self.tier_on(0), self.gold)
        row = self.row(self.customer)
        self.assertEqual((row.tier_since, row.tier_valid_until), (self.as_of, self.ago(-100)))
        self.assertFalse(row.next_tier_id)

    def test_threshold_belongs_to_the_tier(self):
        self.buy(10, 999.99)
        self.assertEqual(self.tier_on(0), self.silver)
        self.assertEqual(self.row(self.customer).next_tier_gap, 0.01)

    def test_he_moves_up_by_one_tier_a_night(self):
        self.buy(60, 100)
        self.assertEqual(self.tier_on(50), self.bronze)
        self.buy(45, 5000)
        self.assertEqual(self.tier_on(45), self.silver)
        self.assertEqual(self.tier_on(44), self.gold)
        self.assertEqual(self.tier_on(43), self.gold)

    def test_guarantee_keeps_the_tier_whatever_is_bought(self):
        self.buy(460, 1000)
        self.assertEqual(self.tier_on(190), self.gold)
        self.assertEqual(self.tier_on(90), self.gold, "guaranteed up to this day, nothing bought")
        self.assertEqual(self.tier_on(89), self.silver, "then he moves by one")
        row = self.row(self.customer)
        self.assertEqual((row.tier_since, row.tier_valid_until), (self.ago(89), self.ago(-11)))
        self.assertEqual(self.tier_on(88), self.silver)

    def test_who_has_enough_left_keeps_the_tier_when_the_guarantee_ends(self):
        self.buy(300, 200)
        self.buy(200, 800)
        self.assertEqual(self.tier_on(190), self.gold)
        self.env["account.move"].search(
            [("partner_id", "=", self.customer.id), ("amount_total", "=", 200)]
        ).button_draft()
        self.assertEqual(self.tier_on(89), self.gold, "800 are 80 % of 1000")
        row = self.row(self.customer)
        self.assertEqual((row.tier_since, row.tier_valid_until), (self.ago(190), self.ago(-11)))

    def test_who_has_less_than_the_share_that_keeps_moves_down(self):
        self.buy(300, 201)
        self.buy(200, 799)
        self.assertEqual(self.tier_on(190), self.gold)
        self.env["account.move"].search(
            [("partner_id", "=", self.customer.id), ("amount_total", "=", 201)]
        ).button_draft()
        self.assertEqual(self.tier_on(89), self.silver)

    def test_tier_at_stake_is_told_before_it_is_lost(self):
        self.buy(520, 1000)
        self.tier_on(190)
        self.tier_on(140)
        row = self.row(self.customer)
        self.assertTrue(row.tier_is_short)
        self.assertEqual(row.tier_keep_gap, 800)
        reader = self.make_user("user")
        self.assertIn(
            "Gold for 50 days more; too little was bought to keep it.",
            self.as_user(row, reader).reason,
        )
        self.assertNotIn("800", self.as_user(row, reader).reason)
        self.assertIn("800 missing for Gold.", self.as_user(row, self.make_user("finance")).reason)

    def test_time_as_a_customer_can_be_asked_for(self):
        self.gold.tenure_days = 30
        self.buy(29, 2000)
        self.assertEqual(self.tier_on(0), self.silver)
        self.assertEqual(self.tier_on(-1), self.gold)

    def test_prospect_has_no_tier(self):
        self.make_lead(self.customer)
        self.refresh()
        row = self.row(self.customer)
        self.assertEqual(
            (row.lifecycle_stage, row.tier_id), ("prospect", self.env[row.tier_id._name])
        )

    def test_days_to_the_next_tier_are_those_of_usual_orders(self):
        for day in (70, 40, 10):
            self.buy(day, 100)
        self.refresh()
        row = self.row(self.customer)
        self.assertEqual((row.next_tier_id, row.next_tier_gap), (self.silver, 200))
        self.assertEqual(row.next_tier_days, 60, "two orders of 100, every 30 days")

    def test_second_refresh_of_the_day_changes_nothing(self):
        self.buy(10, 1000)
        self.refresh()
        before = stored_rows(self.env, self.company)
        history = self.history()
        self.refresh()
        self.assertEqual(stored_rows(self.env, self.company), before)
        self.assertEqual(self.history(), history)

    def test_look_back_leaves_no_trace(self):
        self.buy(200, 1000)
        self.refresh()
        history = self.history()
        self.refresh(self.ago(100))
        self.assertEqual(self.history(), history)

    def history(self):
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT ctid::text, tier_id, since FROM crm_loyalty_tier_history WHERE company_id = %s"
            " ORDER BY 1",
            [self.company.id],
        )
        return self.env.cr.fetchall()

    def test_without_tiers_nobody_has_one(self):
        self.buy(10, 1000)
        (self.gold + self.silver + self.bronze).unlink()
        self.refresh()
        self.assertFalse(self.row(self.customer).tier_id)

    def test_customers_of_an_archived_tier_are_placed_anew(self):
        self.buy(10, 1000)
        self.refresh()
        self.gold.active = False
        self.assertEqual(self.tier_on(-1), self.silver)


@tagged("post_install", "-at_install")
class TestMeasures(TierCase):
    def test_overdue_amounts_earn_no_tier_where_payments_are_recorded(self):
        self.make_payment(self.buy(300, 100), 290)
        self.make_invoice(self.customer, 50, 1000, invoice_date_due=self.ago(20))
        self.company.customer_tier_measure = "purchases"
        self.assertEqual(self.tier_on(0), self.bronze, "1000 are overdue")

    def test_where_no_payment_is_recorded_nothing_is_deducted(self):
        self.buy(50, 1000)
        self.company.customer_tier_measure = "purchases"
        self.assertEqual(self.tier_on(0), self.gold)

    def test_place_among_the_customers_is_shared_by_equals(self):
        customers = [self.make_customer(f"Customer {number}") for number in range(40)]
        self.make_invoices(
            [(customer, 10, 100 * (1 + number // 10)) for number, customer in enumerate(customers)]
        )
        self.silver.threshold = 25
        self.gold.threshold = 75
        self.company.customer_tier_basis = "percentile"
        self.refresh()
        tiers = [self.row(customer).tier_id for customer in customers]
        self.assertEqual(tiers, [self.bronze] * 10 + [self.silver] * 20 + [self.gold] * 10)

    def test_best_tenth_is_no_more_than_a_tenth(self):
        customers = [self.make_customer(f"Customer {number}") for number in range(20)]
        self.make_invoices(
            [(customer, 10, 100 + max(number, 3)) for number, customer in enumerate(customers)]
        )
        self.silver.threshold = 60
        self.gold.threshold = 90
        self.company.customer_tier_basis = "percentile"
        self.refresh()
        tiers = [self.row(customer).tier_id for customer in customers]
        self.assertEqual((tiers.count(self.gold), tiers.count(self.silver)), (2, 6))

    def test_where_most_are_equal_nobody_is_above_most(self):
        customers = [self.make_customer(f"Customer {number}") for number in range(30)]
        self.make_invoices([(customer, 10, 100) for customer in customers])
        self.silver.threshold = 60
        self.gold.threshold = 90
        self.company.customer_tier_basis = "percentile"
        self.refresh()
        self.assertEqual(self.row(customers[0]).tier_id, self.bronze)

    def test_less_than_20_buyers_have_no_places(self):
        customers = [self.make_customer(f"Customer {number}") for number in range(19)]
        self.make_invoices(
            [(customer, 10, 100 + number) for number, customer in enumerate(customers)]
        )
        self.silver.threshold = 50
        self.gold.threshold = 80
        self.company.customer_tier_basis = "percentile"
        self.refresh()
        rows = self.row(customers[0]) + self.row(customers[-1])
        self.assertEqual(rows.tier_id, self.bronze)
        self.assertEqual(rows.mapped("next_tier_gap"), [0, 0], "not known")

    def test_thresholds_of_a_margin_are_for_those_who_see_margins(self):
        """Who moves a threshold sees who passes it, and so his margin."""
        self.company.customer_tier_measure = "margin"
        self.refresh()
        manager = self.make_user("manager")
        with self.assertRaises(AccessError):
            self.as_user(self.gold, manager).threshold = 900
        trial = self.as_user("crm.loyalty.dry.run", manager)
        with self.assertRaises(AccessError):
            trial.create(trial.default_get(["company_id"])).action_try()
        with self.assertRaises(AccessError):
            self.as_user(self.company.customer_run_id, manager).tier_thresholds  # noqa: B018 - read
        self.company.customer_tier_measure = "revenue"
        with self.assertRaises(AccessError):
            trial.create(trial.default_get(["company_id"]) | {"measure": "margin"}).action_try()

    def test_gap_of_a_margin_is_for_those_who_see_margins(self):
        self.buy(10, 100)
        self.company.customer_tier_measure = "margin"
        self.refresh()
        row = self.row(self.customer)
        self.assertFalse(row.next_tier_gap)
        self.assertFalse(row.next_tier_days)
        with self.assertRaises(AccessError):
            self.as_user(row, self.make_user("manager")).next_tier_margin_gap  # noqa: B018 - read

    def test_unknown_margin_moves_nobody(self):
        self.buy(10, 1000)
        self.assertEqual(self.tier_on(0), self.gold)
        self.company.customer_tier_measure = "margin"
        self.company.customer_tier_guarantee = 0
        if not self.env["crm.customer.profile"]._margin_is_recorded(self.company):
            self.assertEqual(self.tier_on(-200), self.gold)


@tagged("post_install", "-at_install")
class TestLocks(TierCase):
    def lock(self, tier, **values):
        return self.env["crm.loyalty.tier.lock"].create(
            {
                "partner_id": self.customer.id,
                "company_id": self.company.id,
                "tier_id": tier.id,
                "reason": "Agreed with the owner",
                "date_from": self.as_of,
            }
            | values
        )

    def setUp(self):
        super().setUp()
        self.buy(10, 500)
        self.refresh()

    def test_lock_shows_at_once_and_survives_the_night(self):
        lock = self.lock(self.gold, date_until=self.ago(-30))
        row = self.row(self.customer)
        self.assertEqual((row.tier_id, row.tier_locked), (self.gold, True))
        self.refresh(self.ago(-1))
        self.assertEqual((row.tier_id, row.tier_locked), (self.gold, True))
        self.assertEqual(row.tier_valid_until, lock.date_until)
        self.assertEqual(row.earned_tier_id, self.silver)

    def test_when_the_lock_ends_he_has_what_he_earned_meanwhile(self):
        self.lock(self.gold, date_until=self.ago(-30))
        self.refresh(self.ago(-30))
        self.assertEqual(self.row(self.customer).tier_id, self.gold)
        self.refresh(self.ago(-31))
        row = self.row(self.customer)
        self.assertEqual((row.tier_id, row.tier_locked), (self.silver, False))

    def test_removing_the_lock_shows_at_once(self):
        self.lock(self.gold).unlink()
        row = self.row(self.customer)
        self.assertEqual((row.tier_id, row.tier_locked), (self.silver, False))
        self.assertEqual(row.tier_valid_until, self.ago(-100))

    def test_changing_the_lock_shows_at_once(self):
        self.lock(self.gold).tier_id = self.bronze
        self.assertEqual(self.row(self.customer).tier_id, self.bronze)

    def test_lock_of_a_running_refresh_is_not_overwritten(self):
        run = self.env["crm.model.run"].create(
            {"company_id": self.company.id, "as_of": self.ago(-1), "kind": "explicit"}
        )
        while run.step < 4:
            run._advance()
        self.lock(self.gold)
        while run._advance():
            pass
        self.assertEqual(self.row(self.customer).tier_id, self.gold)

    def test_lock_of_an_archived_tier_holds_no_longer(self):
        self.lock(self.gold)
        self.gold.active = False
        self.refresh(self.ago(-1))
        self.assertEqual(self.row(self.customer).tier_id, self.silver)

    def test_lock_says_nothing_of_the_days_before_it(self):
        self.lock(self.gold)
        self.refresh(self.ago(5))
        self.assertFalse(self.row(self.customer).tier_locked)

    def test_locked_customer_is_told_of_no_next_tier(self):
        self.assertTrue(self.row(self.customer).next_tier_gap)
        self.lock(self.bronze)
        row = self.row(self.customer)
        self.assertFalse(row.next_tier_gap or row.next_tier_id)
        self.refresh(self.ago(-1))
        self.assertFalse(row.next_tier_gap or row.next_tier_id)

    def test_lock_is_told_as_a_tier_move(self):
        lock = self.lock(self.gold)
        queue = self.env["crm.customer.event.queue"]
        domain = [("partner_id", "=", self.customer.id)]
        self.assertEqual(queue.search(domain).mapped("kind"), ["tier_up"])
        lock.unlink()
        self.assertEqual(queue.search(domain).mapped("kind"), ["tier_up", "tier_down"])

    def test_lock_goes_with_the_refusal_of_profiling(self):
        lock = self.lock(self.gold)
        self.customer.profiling_optout = True
        self.assertFalse(lock.exists())

    def test_lock_names_its_author(self):
        manager = self.make_user("manager")
        lock = self.as_user("crm.loyalty.tier.lock", manager).create(
            {
                "partner_id": self.customer.id,
                "company_id": self.company.id,
                "tier_id": self.gold.id,
                "reason": "Agreed",
            }
        )
        self.assertEqual(lock.write_uid, manager)
        self.assertTrue(self.row(self.customer).tier_locked)

    def test_lock_that_had_ended_and_is_set_again_begins_anew(self):
        lock = self.lock(self.gold, date_from=self.ago(300), date_until=self.ago(200))
        lock.date_until = False
        self.assertEqual(lock.date_from, fields.Date.context_today(lock))

    def test_lock_without_reason_is_refused(self):
        with self.assertRaisesRegex(ValidationError, "Say why the tier is locked"):
            self.lock(self.gold, reason="  ")

    def test_lock_that_ends_before_it_begins_is_refused(self):
        with self.assertRaisesRegex(ValidationError, "before it begins"):
            self.lock(self.gold, date_until=self.ago(1))

    def test_tier_of_another_company_is_refused(self):
        other = self.make_company("Other Company")
        with self.assertRaisesRegex(ValidationError, "another company"):
            self.lock(other._loyalty_tiers()[-1])

    def test_contact_of_a_customer_is_refused(self):
        contact = self.make_contact(self.customer)
        with self.assertRaisesRegex(ValidationError, "belongs to"):
            self.lock(self.gold, partner_id=contact.id)


@tagged("post_install", "-at_install")
class TestBadTiers(TierCase):
    """Each contradiction is a sentence that says what to change."""

    def test_lowest_tier_takes_everybody(self):
        with self.assertRaisesRegex(ValidationError, "Customers below 100 would have no tier"):
            self.bronze.threshold = 100

    def test_two_tiers_do_not_begin_at_the_same_threshold(self):
        with self.assertRaisesRegex(ValidationError, "both begin at 500"):
            self.gold.threshold = 500

    def test_nobody_is_above_all_customers(self):
        with self.assertRaisesRegex(ValidationError, "begin below 100"):
            self.company.customer_tier_basis = "percentile"

    def test_lowest_tier_is_not_archived_alone(self):
        with self.assertRaisesRegex(ValidationError, "let the lowest tier, Silver, begin at 0"):
            self.bronze.active = False

    def test_guarantee_is_not_negative(self):
        with self.assertRaisesRegex(ValidationError, "guaranteed for 0 to 3650 days"):
            self.company.customer_tier_guarantee = -1

    def test_share_that_keeps_a_tier_is_a_share(self):
        for share in (0, 101):
            with self.assertRaisesRegex(ValidationError, "per cent above 0, up to 100"):
                self.company.customer_tier_keep = share

    def test_tenure_is_in_reach(self):
        for days in (-1, 2_000_000_000):
            with self.assertRaisesRegex(ValidationError, "from 0 to 36500"):
                self.gold.tenure_days = days

    def test_tier_does_not_change_its_company(self):
        other = self.make_company("Other Company")
        with self.assertRaisesRegex(UserError, "stays in its company"):
            self.gold.company_id = other

    def test_price_list_is_of_the_company_and_its_currency(self):
        other = self.make_company("Other Company")
        pricelists = self.env["product.pricelist"]
        foreign = pricelists.create({"name": "Foreign", "company_id": other.id})
        with self.assertRaisesRegex(ValidationError, "belongs to another company"):
            self.gold.pricelist_id = foreign
        currency = self.env["res.currency"].create({"name": "TST", "symbol": "T"})
        dear = pricelists.create({"name": "Dear", "currency_id": currency.id})
        with self.assertRaisesRegex(ValidationError, "in the company's currency"):
            self.gold.pricelist_id = dear

    def test_tier_in_use_is_archived_and_not_deleted(self):
        self.buy(10, 1000)
        self.refresh()
        with self.assertRaisesRegex(UserError, "archive it instead"):
            self.gold.unlink()


@tagged("post_install", "-at_install")
class TestDryRun(TierCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.make_customer("Other")
        cls.make_invoices([(cls.customer, 10, 600), (cls.other, 10, 1000)])
        cls.refresh()
        cls.manager = cls.make_user("manager")

    def dry_run(self, **thresholds):
        trial = self.as_user("crm.loyalty.dry.run", self.manager)
        trial = trial.create(trial.default_get(["company_id"]))
        for line in trial.line_ids:
            if line.tier_id.name in thresholds:
                line.threshold = thresholds[line.tier_id.name]
        return trial

    def test_trial_says_who_would_move_and_changes_nothing(self):
        trial = self.dry_run(Gold=600)
        trial.action_try()
        self.assertEqual((trial.up_count, trial.down_count, trial.stay_count), (1, 0, 1))
        [move] = trial.move_ids
        self.assertEqual(move.partner_id, self.customer)
        self.assertEqual((move.old_tier_id, move.tier_id), (self.silver, self.gold))
        self.assertEqual(self.gold.threshold, 1000)
        self.assertEqual(self.row(self.customer).tier_id, self.silver)

    def test_trial_says_when_a_guarantee_ends(self):
        trial = self.dry_run(Gold=2000)
        trial.action_try()
        self.assertEqual((trial.down_count, trial.later_count), (0, 1))
        self.assertEqual(trial.move_ids.date, self.ago(-101), "the day after the guarantee")

    def test_applied_rules_are_those_of_the_next_refresh(self):
        trial = self.dry_run(Gold=600, Silver=400)
        trial.action_apply()
        self.assertEqual((self.silver.threshold, self.gold.threshold), (400, 600))
        self.assertEqual(self.tier_on(-1), self.gold)

    def test_places_are_tried_as_amounts_are(self):
        others = [self.make_customer(f"Buyer {number}") for number in range(30)]
        self.make_invoices([(other, 10, 10 + number) for number, other in enumerate(others)])
        self.refresh(self.ago(-1))
        trial = self.dry_run(Silver=60, Gold=90)
        trial.basis = "percentile"
        trial.action_try()
        self.assertEqual(trial.up_count, 12, "the best 40 % of 32 but who has it already")

    def test_locked_customers_do_not_move(self):
        self.env["crm.loyalty.tier.lock"].create(
            {
                "partner_id": self.customer.id,
                "company_id": self.company.id,
                "tier_id": self.silver.id,
                "reason": "Agreed",
                "date_from": self.as_of,
            }
        )
        trial = self.dry_run(Gold=600)
        trial.action_try()
        self.assertEqual((trial.up_count, trial.stay_count), (0, 1))

    def test_rules_of_other_companies_are_not_shown(self):
        other = self.make_company("Other Company")
        trial = self.as_user("crm.loyalty.dry.run", self.manager)
        with self.assertRaises(AccessError):
            trial.with_context(default_company_id=other.id).default_get(["company_id"])

    def test_contradictions_are_refused_before_anything_is_tried(self):
        with self.assertRaisesRegex(ValidationError, "both begin at 500"):
            self.dry_run(Gold=500).action_try()
        self.assertEqual(self.gold.threshold, 1000)

    def test_trial_is_for_managers(self):
        with self.assertRaises(AccessError):
            self.as_user("crm.loyalty.dry.run", self.make_user("salesperson")).create({})
