from contextlib import contextmanager
from unittest.mock import patch

from odoo import SUPERUSER_ID, Command, api
from odoo.exceptions import AccessError, ValidationError
from odoo.modules.registry import Registry
from odoo.tests import BaseCase, tagged
from odoo.tests.common import get_db_name
from odoo.tools import mute_logger

from ..models import crm_lead, crm_lead_prospect
from .common import CustomerCase

SEGMENT = "crm.prospect.segment"


class ProspectTools:
    """Makes prospect segments, and sorts leads as a night does."""

    @classmethod
    def make_segment(cls, name="Segment", domain="[('country_id.code', '=', 'DE')]", **values):
        values = {"name": name, "domain": domain, "company_id": cls.company.id} | values
        return cls.env[SEGMENT].create({"user_id": cls.manager.id} | values)

    def sort_leads(self, company=None):
        """What the last step of a refresh does, and how many slices it took."""
        company = company or self.company
        run = company.sudo().customer_run_id
        if not run:
            run = self.env["crm.model.run"].sudo().create(
                {"company_id": company.id, "as_of": self.as_of, "kind": "explicit"}
            )  # fmt: skip
        run.position = False
        shares = []
        while not shares or shares[-1] < 1:
            shares.append(self.env["crm.lead"].sudo()._refresh_prospect_bands(run))
            self.assertLess(len(shares), 1000, "it never ends")
        self.assertEqual(shares, sorted(shares))
        self.env.invalidate_all()
        return len(shares)


@tagged("post_install", "-at_install")
class TestProspectSegments(ProspectTools, CustomerCase):
    """A lead is in the first segment whose rule it fulfils."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env[SEGMENT].search([]).active = False
        cls.manager = cls.make_user("sales_manager")
        cls.salesperson = cls.make_user("salesperson")
        cls.germany, cls.france = cls.env.ref("base.de"), cls.env.ref("base.fr")
        cls.fair = cls.env["utm.source"].create({"name": "Fair of the test"})
        cls.from_fair = cls.make_segment("Fair", f"[('source_id', '=', {cls.fair.id})]", sequence=1)
        cls.german = cls.make_segment("German", sequence=2)

    def lead(self, **values):
        return self.make_lead(**({"created": None} | values))

    # ------------------------------------------------------------------------ by the ORM

    def test_the_first_rule_in_the_list_wins(self):
        lead = self.lead(country_id=self.germany.id, source_id=self.fair.id)
        self.assertEqual(lead.prospect_segment_id, self.from_fair)
        self.from_fair.sequence = 9
        self.sort_leads()
        self.assertEqual(lead.prospect_segment_id, self.german)

    def test_leads_need_no_customer(self):
        self.assertEqual(self.lead(country_id=self.germany.id).prospect_segment_id, self.german)
        self.assertFalse(self.lead(country_id=self.france.id).prospect_segment_id)
        self.assertFalse(self.lead().prospect_segment_id)

    def test_a_lead_that_changes_moves_at_once(self):
        lead = self.lead()
        lead.country_id = self.germany
        self.assertEqual(lead.prospect_segment_id, self.german)
        lead.source_id = self.fair
        self.assertEqual(lead.prospect_segment_id, self.from_fair)
        lead.write({"source_id": False, "country_id": False})
        self.assertFalse(lead.prospect_segment_id)

    def test_a_field_that_follows_from_the_customer_counts_as_his(self):
        """The country of a lead is computed from its customer."""
        customer = self.make_customer(country_id=self.germany.id)
        lead = self.lead()
        lead.partner_id = customer
        self.assertEqual(lead.prospect_segment_id, self.german)

    def test_who_makes_the_lead_does_not_matter(self):
        lead = self.as_user("crm.lead", self.salesperson).create(
            {
                "name": "Mine",
                "country_id": self.germany.id,
                "prospect_segment_id": self.from_fair.id,
            }
        )
        self.assertEqual(lead.sudo().prospect_segment_id, self.german)
        lead.write({"prospect_segment_id": False})
        self.assertEqual(lead.sudo().prospect_segment_id, self.german, "it is not entered")

    def test_segments_are_those_of_the_lead_s_company(self):
        other = self.make_company("Other Test Company")
        self.assertFalse(
            self.lead(country_id=self.germany.id, company_id=other.id).prospect_segment_id
        )
        self.manager.company_ids += other
        self.german.company_id = False
        self.assertEqual(
            self.lead(country_id=self.germany.id, company_id=other.id).prospect_segment_id,
            self.german,
        )

    def test_a_closed_lead_keeps_its_segment(self):
        won, lost = (self.lead(country_id=self.germany.id) for _number in range(2))
        won.action_set_won()
        lost.action_set_lost()
        (won | lost).country_id = self.france
        self.sort_leads()
        self.assertEqual((won | lost).prospect_segment_id, self.german)
        lost.toggle_active()
        self.sort_leads()
        self.assertFalse(lost.prospect_segment_id)

    def test_a_lead_made_closed_is_in_none(self):
        stage = self.env["crm.stage"].search([("is_won", "=", True)], limit=1)
        self.assertFalse(
            self.lead(country_id=self.germany.id, stage_id=stage.id).prospect_segment_id
        )

    def test_80_leads_are_made_with_as_many_statements_for_segments_as_one(self):
        counts = []
        self.lead()
        for number in (1, 80):
            self.env.invalidate_all()
            with self.queries() as queries:
                self.env["crm.lead"].create(
                    [
                        {
                            "name": "Lead",
                            "country_id": self.germany.id,
                            "company_id": self.company.id,
                        }
                        for _number in range(number)
                    ]
                )
            counts.append(len([query for query in queries if "prospect_segment" in query]))
        self.assertEqual(*counts)
        self.assertLessEqual(counts[0], 8)

    def test_without_segments_leads_cost_no_further_statement(self):
        self.env[SEGMENT].search([]).active = False
        with self.queries() as queries:
            self.lead()
        found = [query for query in queries if "FROM (SELECT" in query and "crm_lead" in query]
        self.assertFalse(found)

    # --------------------------------------------------------------------- by the refresh

    def test_a_night_sorts_open_leads(self):
        lead = self.lead(country_id=self.germany.id)
        self.german.domain = f"[('country_id', '=', {self.france.id})]"
        self.sort_leads()
        self.assertFalse(lead.prospect_segment_id)

    def test_a_refresh_ends_with_it(self):
        lead = self.lead(country_id=self.germany.id)
        self.env.cr.execute("UPDATE crm_lead SET prospect_segment_id = NULL")
        self.env.invalidate_all()
        self.refresh()
        self.assertEqual(lead.prospect_segment_id, self.german)

    def test_a_night_leaves_date_and_chatter_of_a_lead_alone(self):
        lead = self.lead(country_id=self.germany.id)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE crm_lead SET write_date = '2024-01-01', prospect_segment_id = NULL"
            " WHERE id = %s",
            [lead.id],
        )
        self.env.invalidate_all()
        messages = len(lead.message_ids)
        self.sort_leads()
        self.assertEqual(lead.prospect_segment_id, self.german)
        self.assertEqual(str(lead.write_date), "2024-01-01 00:00:00")
        self.assertEqual(len(lead.message_ids), messages)

    def test_a_second_night_writes_nothing(self):
        lead = self.lead(country_id=self.germany.id)
        self.sort_leads()
        self.env.cr.execute("SELECT xmin FROM crm_lead WHERE id = %s", [lead.id])
        before = self.env.cr.fetchone()
        self.sort_leads()
        self.env.cr.execute("SELECT xmin FROM crm_lead WHERE id = %s", [lead.id])
        self.assertEqual(self.env.cr.fetchone(), before)

    def test_a_night_works_in_batches_and_ends(self):
        leads = self.env["crm.lead"].create(
            [
                {"name": "Lead", "country_id": self.germany.id, "company_id": self.company.id}
                for _number in range(10)
            ]
        )
        self.env.flush_all()
        for name, size in (("BATCH", 4), ("RANGE", 3)):
            self.env.cr.execute("UPDATE crm_lead SET prospect_segment_id = NULL")
            self.env.invalidate_all()
            with patch.object(crm_lead_prospect, name, size):
                self.assertGreaterEqual(self.sort_leads(), 3)
            self.assertEqual(leads.prospect_segment_id, self.german)
        self.assertEqual(crm_lead.BATCH, crm_lead_prospect.BATCH)

    def test_today_is_the_day_of_the_refresh(self):
        """A rule on recent leads finds those of the as-of day, whenever the night is done."""
        self.german.domain = "[('create_date', '>=', 'today -10d')]"
        recent, old = self.make_lead(created=5), self.make_lead(created=30)
        self.sort_leads()
        self.assertEqual((recent | old).mapped("prospect_segment_id"), self.german)
        self.assertFalse(old.prospect_segment_id)

    # ---------------------------------------------------------------------------- opt-out

    def test_who_wants_no_profile_has_no_segment(self):
        customer = self.make_customer(country_id=self.germany.id)
        lead = self.lead(partner_id=customer.id)
        won = self.lead(partner_id=customer.id)
        won.action_set_won()
        self.assertEqual((lead | won).prospect_segment_id, self.german)
        customer.profiling_optout = True
        self.assertFalse((lead | won).prospect_segment_id)
        self.sort_leads()
        self.assertFalse((lead | won).prospect_segment_id)
        self.assertFalse(self.lead(partner_id=customer.id).prospect_segment_id)

    # -------------------------------------------------------------------------- the rules

    def refused(self, domain, **values):
        with self.assertRaises(ValidationError) as refusal, self.env.cr.savepoint():
            self.make_segment("Bad", domain, **values)
        return str(refusal.exception)

    def test_what_is_wrong_with_a_rule_is_said(self):
        for domain, part in (
            ("[]", "Every lead would be in"),
            ("[('no_field', '=', 1)]", "no field “no_field”"),
            ("[('probability', '>', 50), ('probability', '<', 20)]", "exclude each other"),
            ("__import__('os')", "can't be read"),
            ("[('type', '=', 'nothing')]", "is no value"),
            ("[('prospect_segment_id', '=', 1)]", "can't depend on segments"),
        ):
            with self.subTest(domain):
                self.assertIn(part, self.refused(domain))

    def test_a_rule_may_not_ask_for_what_is_kept_from_some(self):
        """Everybody sees the segment of a lead: it must tell no amount."""
        for field in (
            "partner_id.customer_profile_id.revenue_12m",
            "partner_id.sale_order_ids.amount_total",
            "partner_id.opportunity_ids.expected_revenue",
            "order_ids.amount_total",
        ):
            with self.subTest(field):
                self.assertIn("not for everybody", self.refused(f"[('{field}', '>', 100)]"))
        self.make_segment("Stage", "[('partner_id.customer_profile_id', '=', False)]")
        self.make_segment("Tag", "[('tag_ids.name', 'ilike', 'x')]")
        self.make_segment("Industry", "[('partner_id.industry_id.name', 'ilike', 'x')]")
        self.make_segment("Team", "[('team_id.name', 'ilike', 'x'), ('lang_id.code', '=', 'fr')]")

    def test_a_rule_on_what_its_owner_may_not_read_is_refused(self):
        user = self.make_user("manager")
        message = self.refused("[('country_id.code', '=', 'DE')]", user_id=user.id)
        self.assertIn("may not see", message)

    def test_the_owner_is_who_wrote_the_rule(self):
        other = self.make_user("sales_manager")
        segment = self.as_user(self.german, other)
        segment.domain = "[('country_id.code', '=', 'FR')]"
        self.assertEqual(segment.user_id, other)
        with self.assertRaises(AccessError):
            segment.user_id = self.manager
        with self.assertRaises(AccessError):
            self.as_user(self.german, self.salesperson).name = "x"

    def test_a_rule_that_cannot_be_read_keeps_its_leads_and_says_so(self):
        lead, other = self.lead(country_id=self.germany.id), self.lead()
        self.manager.active = False
        self.sort_leads()
        self.assertIn("archived", self.german.error)
        self.assertEqual(lead.prospect_segment_id, self.german)
        other.country_id = self.germany
        self.assertFalse(other.prospect_segment_id, "nobody enters")
        self.manager.active = True
        self.sort_leads()
        self.assertFalse(self.german.error)
        self.assertEqual(other.prospect_segment_id, self.german)

    def test_a_rule_whose_field_has_gone_stops_neither_leads_nor_the_night(self):
        lead = self.lead(country_id=self.germany.id)
        self.env.cr.execute(
            "UPDATE crm_prospect_segment SET domain = %s WHERE id = %s",
            ["[('gone', '=', 1)]", self.from_fair.id],
        )
        self.env.invalidate_all()
        self.env.registry.clear_cache()
        self.assertEqual(self.lead(country_id=self.germany.id).prospect_segment_id, self.german)
        self.sort_leads()
        self.assertIn("no field “gone”", self.from_fair.error)
        self.assertEqual(lead.prospect_segment_id, self.german)

    def test_the_rule_is_read_with_the_rights_of_its_owner(self):
        """Leads that its owner may not see are in none of his segments."""
        seller = self.make_user("sales_manager")
        seller.group_ids = [Command.set(self.env.ref("sales_team.group_sale_salesman").ids)]
        self.german.user_id = seller
        mine = self.lead(country_id=self.germany.id, user_id=seller.id)
        others = self.lead(country_id=self.germany.id, user_id=self.manager.id)
        self.assertEqual(mine.prospect_segment_id, self.german)
        self.assertFalse(others.prospect_segment_id)

    def test_sorting_now_needs_no_night(self):
        lead = self.lead(country_id=self.germany.id)
        self.refresh()
        self.env.cr.execute("UPDATE crm_lead SET prospect_segment_id = NULL")
        self.env.invalidate_all()
        self.as_user(self.german, self.manager).action_sort_leads()
        self.env.invalidate_all()
        self.assertEqual(lead.prospect_segment_id, self.german)
        self.assertEqual(self.german.lead_count, 1)
        action = self.as_user(self.german, self.salesperson).action_open_leads()
        self.assertEqual(self.env["crm.lead"].search(action["domain"]), lead)
        with self.assertRaises(AccessError):
            self.as_user(self.german, self.salesperson).action_sort_leads()

    def test_a_copy_is_named_as_one(self):
        self.assertEqual(self.as_user(self.german, self.manager).copy().name, "German (copy)")


@tagged("post_install", "-at_install")
class TestLockedLeads(BaseCase):
    """Leads that somebody is editing, with real transactions."""

    @classmethod
    @contextmanager
    def transaction(cls):
        with Registry(get_db_name()).cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {"tracking_disable": True})

    def test_a_night_leaves_leads_that_somebody_is_editing_and_waits_for_none(self):
        with self.transaction() as env:
            owner = env.ref("base.user_admin")
            company = owner.company_id
            segment = env[SEGMENT].create(
                {
                    "name": "Committed",
                    "domain": "[('name', '=', 'Committed lead of a test')]",
                    "company_id": company.id,
                    "user_id": owner.id,
                    "sequence": -1,
                }
            )
            leads = env["crm.lead"].create(
                [
                    {"name": "Committed lead of a test", "company_id": company.id}
                    for _number in range(2)
                ]
            )
            ids, segment_id, company_id = leads.ids, segment.id, company.id
            env.flush_all()
            env.cr.execute("UPDATE crm_lead SET prospect_segment_id = NULL WHERE id IN %s",
                           [tuple(ids)])  # fmt: skip
        try:
            with self.transaction() as editing, self.transaction() as night:
                editing.cr.execute("SELECT FROM crm_lead WHERE id = %s FOR UPDATE", [ids[0]])
                night.cr.execute("SET LOCAL lock_timeout = '2s'")
                company = night["res.company"].browse(company_id)
                with mute_logger("odoo.sql_db"):
                    night["crm.lead"]._sort_range(company, min(ids) - 1, {}, None)
                leads = night["crm.lead"].browse(ids)
                self.assertEqual(
                    leads.mapped(lambda lead: lead.prospect_segment_id.id), [False, segment_id]
                )
                night.cr.rollback()
                editing.cr.rollback()
        finally:
            with self.transaction() as env:
                env["crm.lead"].browse(ids).unlink()
                env[SEGMENT].browse(segment_id).unlink()
