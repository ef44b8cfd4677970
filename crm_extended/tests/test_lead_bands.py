from unittest.mock import patch

from odoo.tests import tagged

from ..models import crm_lead
from .common import SeveralCustomersCase


@tagged("post_install", "-at_install")
class TestLeadBands(SeveralCustomersCase):
    """A lead carries the bands of its customer."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.leads = cls.env["crm.lead"]
        # the segment is empty below 20 customers
        cls.update_row(cls.at_risk, rfm_segment="at_risk")
        cls.env.cr.execute("UPDATE crm_lead SET active = FALSE, probability = 0")
        cls.env.invalidate_all()

    def refresh_bands(self, company=None):
        """What the last step of a refresh does, and how many calls it took."""
        run = (company or self.company).sudo().customer_run_id
        run.position = False
        shares = []
        while not shares or shares[-1] < 1:
            shares.append(self.leads.sudo()._refresh_customer_bands(run))
            self.assertLess(len(shares), 1000, "it never ends")
        self.assertEqual(shares, sorted(shares))
        return len(shares)

    def bands(self, lead):
        lead.invalidate_recordset()
        return lead.lifecycle_stage, lead.rfm_segment

    # ------------------------------------------------------------------------ by the ORM

    def test_a_new_lead_has_the_bands_of_its_customer(self):
        self.assertEqual(self.bands(self.make_lead(self.at_risk)), ("at_risk", "at_risk"))
        self.assertEqual(self.bands(self.make_lead(self.contact)), ("at_risk", "at_risk"))
        self.assertEqual(self.bands(self.make_lead(self.stranger)), (False, False))
        self.assertEqual(self.bands(self.make_lead()), (False, False))

    def test_the_bands_are_those_of_the_lead_s_company(self):
        lead = self.make_lead(self.at_risk, company_id=self.other_company.id)
        self.assertEqual(self.bands(lead), (False, False))
        self.update_row(self.shared, self.other_company, lifecycle_stage="loyal")
        lead = self.make_lead(self.shared, company_id=self.other_company.id)
        self.assertEqual(self.bands(lead)[0], "loyal")
        self.assertEqual(self.bands(self.make_lead(self.shared))[0], "new")

    def test_a_lead_without_company_has_the_bands_of_its_salesperson_s(self):
        self.update_row(self.shared, self.other_company, lifecycle_stage="loyal")
        stranger = self.make_user("salesperson", companies=self.other_company)
        lead = self.make_lead(self.shared, company_id=False, user_id=stranger.id, team_id=False)
        self.env.cr.execute("UPDATE crm_lead SET company_id = NULL WHERE id = %s", [lead.id])
        self.env.invalidate_all()
        for company in (self.company, self.other_company, self.company):
            self.refresh_bands(company)
            self.assertEqual(self.bands(lead)[0], "loyal")

    def test_whoever_makes_the_lead_it_gets_the_same_bands(self):
        """A salesperson who may not see the customer makes a lead like everyone else's."""
        lead = self.as_user("crm.lead", self.bert).create(
            {"name": "By Bert", "partner_id": self.at_risk.id, "company_id": self.company.id}
        )
        self.assertEqual(self.bands(lead)[0], "at_risk")

    def test_a_lead_that_gets_another_customer_gets_his_bands(self):
        lead = self.make_lead(self.at_risk)
        lead.partner_id = self.loyal
        self.assertEqual(self.bands(lead), ("loyal", False))
        lead.partner_id = False
        self.assertEqual(self.bands(lead), (False, False))

    def test_a_closed_lead_keeps_the_bands_of_the_day_it_closed(self):
        won, lost = self.make_lead(self.at_risk), self.make_lead(self.at_risk)
        won.action_set_won()
        lost.action_set_lost()
        self.update_row(self.at_risk, lifecycle_stage="loyal", rfm_segment="champions")
        self.refresh_bands()
        (won | lost).partner_id = self.lost
        for lead in (won, lost):
            self.assertEqual(self.bands(lead), ("at_risk", "at_risk"))
        lost.toggle_active()
        self.refresh_bands()
        self.assertEqual(self.bands(lost)[0], "lost")

    def test_a_lead_made_closed_has_no_bands(self):
        """Of the day on which it was closed nothing is known."""
        stage = self.env["crm.stage"].search([("is_won", "=", True)], limit=1)
        won = self.make_lead(self.at_risk, stage_id=stage.id, probability=100)
        self.assertEqual(won.won_status, "won")
        self.assertEqual(self.bands(won), (False, False))

    def test_many_leads_are_made_with_as_many_queries_for_bands_as_one(self):
        values = {"name": "Lead", "partner_id": self.at_risk.id, "company_id": self.company.id}
        counts = []
        for number in (1, 40):
            self.env.invalidate_all()
            with self.queries() as queries:
                self.leads.create([dict(values) for _number in range(number)])
            counts.append(len([query for query in queries if "crm_customer" in query]))
        self.assertEqual(counts, [1, 1])

    def test_bands_cannot_be_written_by_hand_in_a_form(self):
        for name in crm_lead.BANDS:
            self.assertTrue(self.leads.fields_get([name])[name]["readonly"])

    # --------------------------------------------------------------------- by the refresh

    def test_a_refresh_brings_open_leads_up_to_date(self):
        lead, other = self.make_lead(self.at_risk), self.make_lead(self.loyal)
        self.update_row(self.at_risk, lifecycle_stage="lost", rfm_segment=None)
        self.assertEqual(self.refresh_bands(), 1)
        self.assertEqual(self.bands(lead), ("lost", False))
        self.assertEqual(self.bands(other), ("loyal", False))

    def test_a_refresh_empties_the_bands_of_who_is_no_customer_any_more(self):
        lead = self.make_lead(self.at_risk)
        self.at_risk.action_archive()
        self.refresh_bands()
        self.assertEqual(self.bands(lead), (False, False))

    def test_a_refresh_of_another_company_touches_no_lead(self):
        lead = self.make_lead(self.at_risk)
        self.update_row(self.at_risk, lifecycle_stage="lost")
        self.refresh_bands(self.other_company)
        self.assertEqual(self.bands(lead)[0], "at_risk")

    def test_a_refresh_leaves_date_and_chatter_of_a_lead_alone(self):
        lead = self.make_lead(self.at_risk)
        lead.flush_recordset()
        self.env.cr.execute(
            "UPDATE crm_lead SET write_date = '2024-01-01' WHERE id = %s", [lead.id]
        )
        messages = len(lead.message_ids)
        self.update_row(self.at_risk, lifecycle_stage="lost")
        self.refresh_bands()
        self.env.invalidate_all()
        self.assertEqual(str(lead.write_date), "2024-01-01 00:00:00")
        self.assertEqual(len(lead.message_ids), messages)

    def test_a_refresh_writes_only_what_differs(self):
        lead = self.make_lead(self.at_risk)
        self.env.flush_all()
        self.env.cr.execute("SELECT xmin FROM crm_lead WHERE id = %s", [lead.id])
        before = self.env.cr.fetchone()
        self.refresh_bands()
        self.env.cr.execute("SELECT xmin FROM crm_lead WHERE id = %s", [lead.id])
        self.assertEqual(self.env.cr.fetchone(), before)

    def test_a_refresh_works_in_batches_and_ends(self):
        leads = self.leads.create(
            [
                {"name": "Lead", "partner_id": self.at_risk.id, "company_id": self.company.id}
                for _number in range(10)
            ]
        )
        self.update_row(self.at_risk, lifecycle_stage="lost")
        with patch.object(crm_lead, "BATCH", 4):
            self.assertGreaterEqual(self.refresh_bands(), 3)
        self.assertEqual(set(leads.mapped("lifecycle_stage")), {"lost"})
        self.update_row(self.at_risk, lifecycle_stage="loyal")
        with patch.object(crm_lead, "RANGE", 3):
            self.assertGreater(self.refresh_bands(), 3)
        self.assertEqual(set(leads.mapped("lifecycle_stage")), {"loyal"})

    def test_a_refresh_skips_leads_that_somebody_is_editing(self):
        """It asks for the locks without waiting for them."""
        self.make_lead(self.at_risk)
        self.update_row(self.at_risk, lifecycle_stage="lost")
        with self.queries() as queries:
            self.refresh_bands()
        [update] = [query for query in queries if "UPDATE crm_lead" in query]
        self.assertIn("FOR NO KEY UPDATE OF lead SKIP LOCKED", update)

    # ----------------------------------------------------------------------- the reason

    def test_the_reason_on_a_lead_is_that_of_its_customer_for_its_reader(self):
        lead = self.make_lead(self.contact, user_id=self.anna.id)
        self.assertEqual(
            self.as_user(lead, self.anna).customer_reason,
            self.as_user(self.at_risk, self.anna).reason,
        )
        self.assertIn("600", self.as_user(lead, self.anna).customer_reason)
        # bert does not see the customer
        self.assertFalse(self.as_user(lead.with_user(self.bert).sudo(), self.bert).customer_reason)
        self.assertFalse(self.make_lead(self.stranger).customer_reason)
        self.assertFalse(self.make_lead().customer_reason)

    def test_the_reason_on_a_lead_is_that_of_the_lead_s_company(self):
        both = self.make_user("salesperson_all", companies=self.company | self.other_company)
        lead = self.make_lead(self.shared, company_id=self.other_company.id)
        self.assertIn(
            "5 days ago",
            self.as_user(lead, both, self.company | self.other_company).customer_reason,
        )

    def test_leads_are_sorted_and_grouped_by_band_with_empty_ones_last(self):
        leads = (
            self.make_lead(self.stranger)
            | self.make_lead(self.loyal)
            | self.make_lead(self.at_risk)
        )
        found = self.leads.search([("id", "in", leads.ids)], order="lifecycle_stage desc")
        self.assertEqual(found.mapped("lifecycle_stage"), ["loyal", "at_risk", False])
        groups = self.leads._read_group(
            [("id", "in", leads.ids)], ["lifecycle_stage"], order="lifecycle_stage desc"
        )
        self.assertEqual(groups, [("loyal",), ("at_risk",), (False,)])
