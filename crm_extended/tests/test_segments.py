import random
from datetime import timedelta
from unittest.mock import patch

from odoo import SUPERUSER_ID
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common import CustomerCase, SeveralCustomersCase

SEGMENT, MEMBER = "crm.customer.segment", "crm.customer.segment.member"
ADD, MIGRATION = "crm.customer.segment.add", "crm.customer.migration"
NIGHTS = 30
RECENT_DAYS = 10


def recently(days=RECENT_DAYS) -> str:
    return f"[('last_purchase_date', '>', 'today -{days}d')]"


class SegmentTools:
    """Makes segments and reads who is in them, past all rules."""

    @classmethod
    def make_segment(cls, domain="[('purchase_count', '>', 0)]", owner=None, **values):
        values = {"name": "Segment", "domain": domain, "company_id": cls.company.id} | values
        return cls.env[SEGMENT].create(values | {"user_id": (owner or cls.manager).id})

    @classmethod
    def lines(cls, segment, **values):
        """``{(customer, day from, day to or nothing), …}``"""
        domain = [("segment_id", "=", segment.id)]
        domain += [(name, "=", value) for name, value in values.items()]
        return {
            (line.partner_id, line.date_from, line.date_to or None)
            for line in cls.env[MEMBER].sudo().search(domain)
        }

    @classmethod
    def members(cls, segment, company=None):
        company = company or cls.company
        lines = cls.env[MEMBER].sudo().search(
            [
                ("segment_id", "=", segment.id),
                ("company_id", "=", company.id),
                ("date_to", "=", False),
            ]
        )  # fmt: skip
        return lines.partner_id


@tagged("post_install", "-at_install")
class TestSegmentNights(SegmentTools, CustomerCase):
    """Who enters and leaves, night after night."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.make_user("manager")

    def test_entering_and_leaving_is_exact_over_30_nights(self):
        """Against a count by hand, also where a night is done twice, an earlier day is restated
        in between, and a customer refuses to be profiled."""
        pick = random.Random(6)
        customers = [self.make_customer(f"Customer {number}") for number in range(12)]
        days = {
            customer: sorted(pick.sample(range(NIGHTS + 20), pick.randint(1, 6)))
            for customer in customers
        }
        sync = self.make_segment(recently())
        adding = self.make_segment(recently(), mode="add")
        refused, refused_on = customers[0], NIGHTS // 2
        for night in reversed(range(NIGHTS)):
            if night == refused_on:
                refused.profiling_optout = True
                del days[refused]
            nights = [night] * (1 + (night % 7 == 0)) + [night + 4] * (night % 11 == 5)
            for shown in nights:
                self._night(shown, days)
        for segment in (sync, adding):
            self.assertFalse(segment.error)
            expected = set()
            for customer, bought in days.items():
                expected |= self._expected(customer, bought, segment.mode)
            self.assertEqual(self.lines(segment), expected)

    def _night(self, night, days):
        """Rows as a refresh shows them, and its segments: thirty whole refreshes in one
        transaction need more locks than a server has."""
        self.env.cr.execute(
            "DELETE FROM crm_customer_profile WHERE company_id = %s", (self.company.id,)
        )
        for customer, bought in days.items():
            until = [day for day in bought if day >= night]
            if until:
                self.env.cr.execute(
                    "INSERT INTO crm_customer_profile"
                    " (partner_id, company_id, currency_id, last_purchase_date, purchase_count)"
                    " VALUES (%s, %s, %s, %s, %s)",
                    (customer.id, self.company.id, self.company.currency_id.id,
                     self.ago(min(until)), len(until)),
                )  # fmt: skip
        as_of = self.ago(night)
        run = self.env["crm.model.run"].create(
            {"company_id": self.company.id, "as_of": as_of, "kind": "scheduled"}
        )
        latest = self.company.customer_latest_as_of or as_of
        self.company.write({"customer_run_id": run.id, "customer_latest_as_of": max(as_of, latest)})
        self.env.flush_all()
        while run.env["crm.customer.profile"]._refresh_segments(run) < 1:
            pass

    def _expected(self, customer, bought, mode):
        lines, since = set(), None
        for night in reversed(range(NIGHTS)):
            is_in = any(night <= day < night + RECENT_DAYS for day in bought)
            if is_in and since is None:
                since = self.ago(night)
            elif since and not is_in and mode == "sync":
                lines.add((customer, since, self.ago(night)))
                since = None
        return lines | ({(customer, since, None)} if since else set())

    def test_who_enters_on_a_day_and_no_longer_fits_on_it_was_never_in(self):
        customer = self.make_customer()
        self.make_invoice(customer, 5)
        segment = self.make_segment(recently())
        self.refresh()
        self.assertEqual(self.lines(segment), {(customer, self.as_of, None)})
        self.make_credit_note(customer, 5, invoice=self.env["account.move"].search(
            [("partner_id", "=", customer.id)]
        ))  # fmt: skip
        self.make_invoice(customer, 50)
        self.refresh()
        self.assertFalse(self.lines(segment))

    def test_who_left_on_a_day_and_fits_again_on_it_never_left(self):
        customer = self.make_customer()
        self.make_invoice(customer, 11)
        segment = self.make_segment(recently())
        self.refresh(self.ago(3))
        self.refresh()
        self.assertEqual(self.lines(segment), {(customer, self.ago(3), self.as_of)})
        self.make_invoice(customer, 2)
        self.refresh()
        self.assertEqual(self.lines(segment), {(customer, self.ago(3), None)})

    def test_who_has_no_row_any_more_leaves_every_kind_of_segment(self):
        customer = self.make_customer()
        self.make_invoice(customer, 5)
        self.refresh(self.ago(1))
        sync, adding = self.make_segment(), self.make_segment(mode="add")
        by_hand = self.make_segment(kind="static")
        by_hand._enter(self.row(customer))
        customer.active = False
        self.refresh()
        left = {(customer, self.ago(1), self.as_of)}
        for segment in (sync, adding, by_hand):
            self.assertEqual(self.lines(segment), left, segment.kind)

    def test_who_refuses_profiling_leaves_no_trace_in_segments(self):
        customer = self.make_customer()
        self.make_invoice(customer, 5)
        self.refresh()
        segment = self.make_segment()
        self.assertEqual(self.members(segment), customer)
        customer.profiling_optout = True
        self.assertFalse(self.lines(segment))

    def test_members_are_found_when_the_rule_is_saved(self):
        customer, other = self.make_customer(), self.make_customer("Other")
        self.make_invoices([(customer, 5, 100), (other, 50, 100)])
        self.refresh()
        segment = self.make_segment(recently())
        self.assertEqual(self.members(segment), customer)
        segment.domain = recently(60)
        self.assertEqual(self.members(segment), customer | other)
        segment.domain = "[('last_purchase_date', '<=', 'today -20d')]"
        self.assertEqual(self.lines(segment), {(other, self.as_of, None)})

    def test_moves_are_told_from_the_second_night_on_and_once(self):
        customer, other = self.make_customer(), self.make_customer("Other")
        self.make_invoices([(customer, 11, 100), (other, 0, 100)])
        segment, told = self.make_segment(recently()), []

        def tell(segment, run, entered, left):
            told.append((segment, run.as_of, entered, left))

        with patch.object(self.env.registry[SEGMENT], "_members_changed", tell):
            self.refresh(self.ago(3))
            self.assertFalse(told)
            self.refresh()
            self.refresh()
            self.refresh(self.ago(2))
        self.assertEqual(told, [(segment, self.as_of, other.ids, customer.ids)])

    def test_a_segment_belongs_to_the_run_of_its_company(self):
        other = self.make_company("Second Company")
        self.manager.company_ids += other
        customer = self.make_customer()
        self.make_invoice(customer, 5)
        self.make_invoice(customer, 5, company=other)
        own, shared = self.make_segment(), self.make_segment(company_id=False)
        self.refresh(companies=other)
        self.assertFalse(self.members(own, other))
        self.assertEqual(self.members(shared, other), customer)
        self.assertFalse(self.members(shared))
        self.refresh()
        self.assertEqual(self.members(own), customer)
        self.assertEqual(self.members(shared), customer)
        self.assertEqual(shared.with_context(
            allowed_company_ids=(self.company | other).ids
        ).member_count, 2)  # fmt: skip

    def test_merged_contacts_stay_once_where_one_of_them_is(self):
        kept, gone = self.make_customer("Kept"), self.make_customer("Gone")
        self.make_invoices([(kept, 11, 100), (gone, 1, 100)])
        recent, by_hand = self.make_segment(recently()), self.make_segment(kind="static")
        self.refresh(self.ago(3))
        self.refresh(self.ago(1))
        by_hand._enter(self.row(kept) | self.row(gone))
        self.assertEqual(self.members(recent), gone)
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((kept | gone).ids, kept)
        self.assertEqual(self.members(by_hand), kept)
        self.assertEqual(
            self.lines(recent),
            {(kept, self.ago(3), self.ago(1)), (kept, self.ago(1), None)},
        )

    def test_a_night_takes_as_many_queries_for_many_customers_as_for_few(self):
        customers = self.env["res.partner"].create(
            [{"name": f"Customer {number}"} for number in range(40)]
        )
        self.make_invoices([(customer, 5, 100) for customer in customers[:2]])
        self.refresh(self.ago(2))
        segments = [self.make_segment(recently()) for _time in range(2)]
        counts = []
        for day in (1, 0):
            [run] = self.refresh(self.ago(day))
            with self.queries() as queries:
                segments[0]._refresh_in(run)
            counts.append(len(queries))
            self.make_invoices([(customer, 5, 100) for customer in customers[2:]])
        self.assertEqual(len(self.members(segments[1])), 40)
        self.assertEqual(counts[0], counts[1])


@tagged("post_install", "-at_install")
class TestSegmentRights(SegmentTools, SeveralCustomersCase):
    """Whose rights a rule is read with, and who sees what of it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.make_user("manager")
        cls.finance = cls.make_user("finance")
        cls.margin = cls.make_user("margin")

    def test_a_salespersons_segment_holds_his_own_customers_and_nobodys(self):
        segment = self.as_user(SEGMENT, self.anna).create(
            {"name": "Mine", "domain": "[('purchase_count', '>', 0)]"}
        )
        self.assertEqual(segment.user_id, self.anna)
        self.assertEqual(self.members(segment), self.at_risk | self.returner | self.lost)
        self.refresh(self.as_of + timedelta(1))
        self.assertEqual(self.members(segment), self.at_risk | self.returner | self.lost)

    def test_a_salesperson_sees_of_a_segment_the_customers_he_may_see(self):
        segment = self.make_segment()
        self.assertEqual(segment.member_count, 5)
        for_bert = self.as_user(segment, self.bert)
        self.assertEqual(for_bert.member_count, 3)
        self.assertEqual(
            for_bert.member_ids.partner_id, (self.loyal | self.shared | self.lost).with_env(
                for_bert.env)
        )  # fmt: skip
        rows = for_bert.env["crm.customer.profile"].search([("segment_ids", "in", segment.ids)])
        self.assertEqual(rows.partner_id.ids, rows.filtered("segment_ids").partner_id.ids)
        self.assertEqual(len(rows), 3)

    def test_a_rule_on_amounts_is_for_who_sees_amounts(self):
        segment = self.make_segment("[('revenue_12m', '>', 1000)]")
        self.assertEqual((segment.shows_amounts, segment.shows_margins), (True, False))
        user = self.make_user("user")
        for reader, count in ((self.finance, 1), (user, 0)):
            found = self.as_user(SEGMENT, reader).search([("id", "=", segment.id)])
            self.assertEqual(len(found), count)
        members = self.as_user(MEMBER, user).search([("segment_id", "=", segment.id)])
        self.assertFalse(members)

    def test_a_rule_on_margins_shows_neither_itself_nor_its_members_without_them(self):
        segment = self.make_segment("[('loss_maker_flag', '=', False)]", self.margin)
        self.assertTrue(segment.shows_margins and self.members(segment))
        self.assertFalse(self.as_user(SEGMENT, self.manager).search([("id", "=", segment.id)]))
        self.assertFalse(
            self.as_user(MEMBER, self.manager).search([("segment_id", "=", segment.id)])
        )
        row = self.as_user(self.row(self.loyal), self.manager)
        self.assertFalse(row.segment_ids)
        self.assertFalse(row.search([("segment_ids", "in", segment.ids)]))

    def test_a_user_changes_his_own_segments_and_a_manager_all(self):
        segment = self.make_segment(owner=self.anna)
        self.as_user(segment, self.anna).name = "Renamed"
        with self.assertRaises(AccessError):
            self.as_user(segment, self.bert).name = "Not mine"
        self.as_user(segment, self.manager).color = 3
        self.assertEqual(segment.user_id, self.anna)

    def test_nobody_reads_a_rule_with_the_rights_of_somebody_else(self):
        values = {"name": "Foreign", "domain": "[('purchase_count', '>', 0)]"}
        with self.assertRaisesRegex(AccessError, "Take Over"):
            self.as_user(SEGMENT, self.anna).create(values | {"user_id": self.manager.id})
        segment = self.make_segment(owner=self.anna)
        with self.assertRaisesRegex(AccessError, "Take Over"):
            self.as_user(segment, self.anna).user_id = self.manager
        with self.assertRaisesRegex(AccessError, "Take Over"):
            self.as_user(segment, self.manager).user_id = self.margin
        with self.assertRaises(AccessError):
            self.as_user(segment, self.bert).action_take_over()
        self.as_user(segment, self.manager).domain = "[('purchase_count', '>', 1)]"
        self.assertEqual(segment.user_id, self.manager)
        self.as_user(segment, self.anna).has_access("read")

    def test_what_is_found_is_not_entered(self):
        segment = self.as_user(SEGMENT, self.anna).create(
            {"name": "Mine", "domain": "[('revenue_12m', '>', 1)]", "shows_amounts": False}
        )
        self.assertTrue(segment.shows_amounts)
        segment.write({"shows_amounts": False, "error_kind": "archived"})
        self.assertTrue(segment.shows_amounts)
        self.assertFalse(segment.error)

    def test_a_copy_is_of_who_copies(self):
        copy = self.as_user(self.make_segment(), self.anna).copy()
        self.assertEqual((copy.user_id, copy.name), (self.anna, "Segment (copy)"))

    # ---------------------------------------------------------------------- bad input

    def assert_refused(self, sentence, domain=None, owner=None, **values):
        with self.assertRaisesRegex(ValidationError, sentence), self.env.cr.savepoint():
            self.make_segment(domain, owner, **values)

    def test_a_rule_on_what_the_owner_may_not_see_is_refused(self):
        user = self.make_user("user")
        for owner, domain, label in (
            (user, "[('revenue_12m', '>', 0)]", "Revenue 12 Months"),
            (self.manager, "[('contribution_12m', '>', 0)]", "Contribution"),
            (self.manager, "[('partner_id.contribution_12m', '>', 0)]", "Contribution"),
            (self.manager, "[('partner_id', 'any', [('margin_12m', '>', 0)])]", "Margin"),
        ):
            self.assert_refused(
                f"who owns this segment, may not see “.*{label}.*”: remove", domain, owner
            )
        self.assertEqual(
            self.members(self.make_segment("[('contribution_12m', '>', 0)]", self.margin)).ids, []
        )

    def test_each_bad_rule_is_refused_with_what_to_do(self):
        for domain, sentence in (
            ("[]", "add one, or keep the segment by hand"),
            ("[(1, '=', 1)]", "add one, or keep the segment by hand|build it with the editor"),
            ("nonsense(", "build it with the editor"),
            ("[('partner_id.user_id', '=', uid)]", "build it with the editor"),
            ("{'a': 1}", "build it with the editor"),
            ("['&', ('purchase_count', '>', 1)]", "build it with the editor"),
            ("[('no_such_field', '=', 1)]", "no field “no_such_field” on “Customer”"),
            ("[('partner_id.nothing', '=', 1)]", "no field “nothing” on “Contact”"),
            ("[('purchase_count', '~', 1)]", "can't compare by “~”: choose an operator"),
            ("[('partner_id', 'any!', [('name', '=', 'x')])]", "can't compare by “any!”"),
            ("[('reason', 'ilike', 'x')]", "can't be searched by “Reason”: choose another"),
            ("[('segment_ids', '!=', False)]", "can't depend on segments"),
            ("[('lifecycle_stage', '=', 'gone')]", "“gone” is no value of “Stage”"),
            ("[('purchase_count', '>', 5), ('purchase_count', '<', 3)]", "on “.*” exclude each"),
            (
                "[('last_purchase_date', '>', 'today'), ('last_purchase_date', '<', 'today -9d')]",
                "on “Last Purchase.*” exclude each other",
            ),
            (
                "[('lifecycle_stage', '=', 'new'), ('lifecycle_stage', '=', 'lost')]",
                "exclude each other",
            ),
            ("[('last_purchase_date', '>', 'some day')]", "change it. Odoo says"),
        ):
            with self.subTest(domain):
                self.assert_refused(sentence, domain)

    def test_an_owner_who_bypasses_rights_is_refused(self):
        root = self.env["res.users"].browse(SUPERUSER_ID)
        self.assert_refused("choose a person", "[('purchase_count', '>', 1)]", root)
        self.assertEqual(
            self.env[SEGMENT].with_user(SUPERUSER_ID).default_get(["user_id"])["user_id"],
            self.env.ref("base.user_admin").id,
        )

    def test_an_owner_outside_the_company_is_refused(self):
        self.assert_refused(
            "may not enter Other Test Company",
            "[('purchase_count', '>', 1)]",
            company_id=self.other_company.id,
        )

    def test_a_segment_whose_owner_lost_a_right_keeps_its_members_and_says_so(self):
        margin = self.make_segment("[('contribution_12m', '=', False)]", self.margin)
        archived, fine = self.make_segment(owner=self.finance), self.make_segment()
        before = self.lines(margin), self.lines(archived)
        self.assertTrue(all(before))
        self.margin.group_ids -= self.env.ref("crm_extended.group_margin")
        self.finance.active = False
        self.make_invoice(self.stranger, 0, 100.0)
        self.refresh(self.as_of + timedelta(1))
        self.assertEqual((self.lines(margin), self.lines(archived)), before)
        self.assertRegex(margin.error, "may not see “Contribution")
        self.assertRegex(archived.error, "is archived: press “Take Over”")
        self.assertIn(self.stranger, self.members(fine))
        self.assertFalse(fine.error)
        self.as_user(archived, self.manager).action_take_over()
        self.assertFalse(archived.error)
        self.assertIn(self.stranger, self.members(archived))

    def test_a_segment_that_fails_spoils_nothing_else(self):
        first, second = self.make_segment(), self.make_segment()
        find = type(first)._find_members

        def fail(segment, *args):
            if segment == first:
                segment.env.cr.execute("SELECT 1 / 0")
            return find(segment, *args)

        self.make_invoice(self.stranger, 0, 100.0)
        with (
            patch.object(self.env.registry[SEGMENT], "_find_members", fail),
            mute_logger("odoo.addons.crm_extended.models.crm_customer_segment_refresh",
                        "odoo.sql_db"),
        ):  # fmt: skip
            self.refresh(self.as_of + timedelta(1))
        self.assertIn("division by zero", first.error)
        self.assertIn(self.stranger, self.members(second))

    # ------------------------------------------------------------------- lists by hand

    def test_customers_are_put_into_a_list_and_taken_out_by_its_owner(self):
        rows = self.as_user(self.row(self.at_risk) | self.row(self.lost), self.anna)
        action = rows.action_add_to_segment()
        wizard = Form(rows.env[ADD].with_context(**action["context"]))
        wizard.name = "Fair"
        wizard.save().action_add()
        segment = rows.env[SEGMENT].search([("name", "=", "Fair")])
        self.assertEqual((segment.kind, segment.user_id), ("static", self.anna))
        self.assertEqual(self.members(segment), self.at_risk | self.lost)
        self.refresh(self.as_of + timedelta(1))
        self.assertEqual(self.members(segment), self.at_risk | self.lost)
        line = segment.member_ids.filtered(lambda line: line.partner_id == self.lost)
        with self.assertRaises(AccessError):
            self.as_user(line, self.bert).action_remove()
        line.action_remove()
        self.assertIn(
            (self.lost, self.as_of, self.as_of + timedelta(1)), self.lines(segment)
        )  # fmt: skip
        segment._enter(self.row(self.lost))
        self.assertIn((self.lost, self.as_of, None), self.lines(segment))

    def test_what_cannot_be_put_into_a_list_is_said(self):
        rows = self.as_user(self.row(self.at_risk), self.anna)
        add = rows.env[ADD]
        by_rule = self.make_segment(owner=self.anna)
        of_manager = self.make_segment(kind="static")
        with self.assertRaisesRegex(UserError, "Choose a segment, or name a new one"):
            add.create({"profile_ids": rows.ids}).action_add()
        with self.assertRaisesRegex(UserError, "Choose the customers"):
            add.create({"name": "Empty"}).action_add()
        with self.assertRaisesRegex(UserError, "are found by its rule"):
            add.create({"profile_ids": rows.ids, "segment_id": by_rule.id}).action_add()
        with self.assertRaises(AccessError):
            add.create({"profile_ids": rows.ids, "segment_id": of_manager.id}).action_add()
        with self.assertRaises(AccessError):
            add.create({"profile_ids": self.row(self.loyal).ids, "name": "X"}).action_add()
        with self.assertRaisesRegex(UserError, "leave the customers of Other Test Company out"):
            self.env[ADD].create(
                {
                    "profile_ids": self.row(self.shared, self.other_company).ids,
                    "segment_id": of_manager.id,
                }
            ).action_add()
        with self.assertRaisesRegex(UserError, "are found by its rule"):
            self.as_user(by_rule.member_ids[:1], self.anna).action_remove()

    # ---------------------------------------------------------------------- migration

    def _matrix(self, user, **values):
        migration = self.as_user(MIGRATION, user).create(
            {"date_from": self.as_of, "date_to": self.as_of + timedelta(40)} | values
        )
        return migration, migration._matrix()

    def test_the_matrix_counts_who_moved_between_segments_and_their_revenue(self):
        recent = self.make_segment(recently(30), name="Recent")
        silent = self.make_segment("[('last_purchase_date', '<=', 'today -30d')]", name="Silent")
        self.refresh(self.as_of + timedelta(40))
        values = {"kind": "segments", "segment_ids": (recent | silent).ids}
        migration, matrix = self._matrix(self.manager, **values)
        counts = {key: cell["count"] for key, cell in matrix["cells"].items()}
        self.assertEqual(
            counts,
            {
                (recent.id, silent.id): "2",
                (silent.id, silent.id): "3",
                (0, 0): "1",
            },
        )
        self.assertIn("2,250", matrix["cells"][recent.id, silent.id]["amount"])
        self.assertIn("Silent", migration.page)
        moved = self.env["crm.customer.profile"].search(migration.action_open_moved()["domain"])
        self.assertEqual(moved.partner_id, self.loyal | self.shared)
        _migration, matrix = self._matrix(self.bert, **values)
        self.assertEqual(matrix["cells"][silent.id, silent.id]["count"], "1")
        user = self.make_user("user")
        self.assertFalse(self._matrix(user, **values)[1]["cells"][0, 0]["amount"])

    def test_the_matrix_of_tiers_is_of_earned_ones(self):
        self.set_tiers(0, 500, 5000)
        self.refresh(self.as_of + timedelta(1))
        _migration, matrix = self._matrix(self.manager, date_to=self.as_of + timedelta(1))
        self.assertEqual(sum(int(cell["count"]) for cell in matrix["cells"].values()), 5)
        self.assertTrue(matrix["is_recorded"])
        names = [name for _state, name in matrix["states"]]
        self.assertEqual((len(names), names[-1]), (4, "No tier"))

    def test_a_matrix_needs_two_days_in_order(self):
        with self.assertRaisesRegex(UserError, "choose a later one"):
            self._matrix(self.manager, date_to=self.as_of)
