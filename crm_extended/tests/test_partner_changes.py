from odoo.fields import Command
from odoo.tests import tagged

from .common import CustomerCase


@tagged("post_install", "-at_install")
class TestPartnerChanges(CustomerCase):
    """What becomes of the row when its contact changes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_company = cls.make_company("Other Test Company")
        cls.customer = cls.make_customer("Ace")
        cls.contact = cls.make_contact(cls.customer, "Jane")
        cls.neighbour = cls.make_customer("Neighbour")
        cls.make_purchases(cls.customer, every=30, count=3, last=10)
        cls.make_invoice(cls.contact, 20, 40.0)
        cls.make_invoice(cls.customer, 20, 70.0, company=cls.other_company)
        cls.make_invoice(cls.neighbour, 15, 50.0)
        cls.companies = cls.company | cls.other_company
        cls.refresh(companies=cls.companies)
        cls.customer_rows = cls.rows_of(cls.customer)

    @classmethod
    def rows_of(cls, *partners):
        """The rows of partners in all companies."""
        cls.env.flush_all()
        rows = cls.env["crm.customer.profile"].sudo()
        return rows.search([("partner_id", "in", [partner.id for partner in partners])])

    def assert_one_row_per_customer(self):
        """No orphan, no double, no row of who is no commercial partner."""
        self.env.flush_all()
        self.env.cr.execute(
            """SELECT profile.id
                 FROM crm_customer_profile AS profile
                 LEFT JOIN res_partner AS partner ON partner.id = profile.partner_id
                WHERE partner.commercial_partner_id IS DISTINCT FROM partner.id
                   OR partner.active IS NOT TRUE"""
        )
        self.assertFalse(self.env.cr.fetchall())

    def assert_moved(self, gone=(), outdated=()):
        self.assertFalse(self.rows_of(*gone) if gone else None)
        for partner in outdated:
            self.assertTrue(self.row(partner).is_outdated, partner.name)
            self.assertTrue(self.row(partner).is_stale)
        self.assert_one_row_per_customer()
        self.assertGreater(self.triggers(), self.triggers_before)
        self.refresh(companies=self.companies)
        self.assertFalse(self.rows_of(self.customer, self.neighbour).filtered("is_outdated"))
        self.assert_one_row_per_customer()

    def setUp(self):
        super().setUp()
        self.triggers_before = self.triggers()

    # -------------------------------------------------------------------------- opt-out

    def test_who_refuses_profiling_loses_his_rows_in_all_companies_at_once(self):
        self.assertEqual(len(self.customer_rows), 2)
        self.customer.profiling_optout = True
        self.assertFalse(self.rows_of(self.customer))
        self.assertFalse(self.contact.customer_profile_id)
        self.assertTrue(self.row(self.neighbour))
        self.refresh(companies=self.companies)
        self.assertFalse(self.rows_of(self.customer))

    def test_the_refusal_of_a_company_holds_for_its_contacts(self):
        self.customer.profiling_optout = True
        self.assertTrue(self.contact.profiling_optout)
        late = self.make_contact(self.customer, "Late")
        self.assertTrue(late.profiling_optout)

    def test_who_allows_profiling_again_returns_with_the_next_refresh(self):
        self.customer.profiling_optout = True
        self.customer.profiling_optout = False
        self.assertFalse(self.rows_of(self.customer))
        self.refresh()
        self.assertEqual(self.row(self.customer).purchase_count, 4)

    def test_a_refusal_clears_the_bands_of_his_leads_even_closed_ones(self):
        lead = self.make_lead(self.customer)
        won = self.make_lead(self.contact)
        won.action_set_won()
        other = self.make_lead(self.neighbour)
        self.assertTrue(lead.lifecycle_stage and won.lifecycle_stage)
        self.customer.profiling_optout = True
        self.assertFalse(lead.lifecycle_stage or won.lifecycle_stage)
        self.assertTrue(other.lifecycle_stage)

    def test_a_salesperson_may_record_a_refusal(self):
        salesperson = self.make_user("sales_manager")
        self.as_user(self.customer, salesperson).profiling_optout = True
        self.assertFalse(self.rows_of(self.customer))

    def test_who_loses_his_row_while_a_refresh_is_under_way_does_not_get_it_back(self):
        changes = {
            "refusal": lambda: self.customer.write({"profiling_optout": True}),
            "archiving": self.customer.action_archive,
            "demotion": lambda: self.customer.write(
                {"is_company": False, "parent_id": self.neighbour.id}
            ),
            "exclusion": lambda: self.env["crm.customer.exclusion"].create(
                {"partner_id": self.customer.id}
            ),
        }
        for name, change in changes.items():
            with self.subTest(name), self.env.cr.savepoint() as savepoint:
                run = self.env["crm.model.run"].create(
                    {"company_id": self.company.id, "as_of": self.as_of, "kind": "explicit"}
                )
                steps = [step.name for step in self.env["crm.customer.profile"]._refresh_steps()]
                while run._advance() and steps[run.step] != "publish":
                    pass
                change()
                while run._advance():
                    pass
                self.assertEqual(run.state, "done")
                self.assertTrue(self.row(self.neighbour))
                self.assertFalse(self.row(self.customer))
                savepoint.rollback()
                self.env.invalidate_all()

    # ----------------------------------------------------------- archiving and deleting

    def test_who_is_archived_loses_his_rows_at_once_and_returns_when_restored(self):
        self.customer.action_archive()
        self.assertFalse(self.rows_of(self.customer))
        self.refresh(companies=self.companies)
        self.assertFalse(self.rows_of(self.customer))
        self.customer.action_unarchive()
        self.refresh(companies=self.companies)
        self.assertEqual(len(self.rows_of(self.customer)), 2)

    def test_archiving_a_contact_touches_no_row(self):
        self.contact.action_archive()
        self.assertEqual(self.rows_of(self.customer), self.customer_rows)
        self.assertFalse(self.customer_rows.filtered("is_outdated"))

    def test_a_deleted_contact_leaves_nothing(self):
        prospect = self.make_customer("Forget Me")
        lead = self.make_lead(prospect)
        self.env["crm.customer.exclusion"].create({"partner_id": prospect.id, "state": "proposed"})
        self.refresh()
        row = self.row(prospect)
        self.assertTrue(row)
        lead.partner_id = False
        prospect.unlink()
        self.assertFalse(row.exists())
        self.env.cr.execute(
            """SELECT table_name FROM information_schema.columns
                WHERE table_name LIKE 'crm\\_customer%' OR table_name LIKE 'crm\\_model%'
                GROUP BY table_name"""
        )
        tables = [table for [table] in self.env.cr.fetchall()]
        self.assertIn("crm_customer_profile", tables)
        for table in tables:
            self.env.cr.execute(
                f'SELECT COUNT(*) FROM "{table}" AS record WHERE record::text ILIKE %s',  # pylint: disable=sql-injection
                ["%Forget Me%"],
            )
            self.assertEqual(self.env.cr.fetchone(), (0,), table)

    # --------------------------------------------------------------- moves in the family

    def test_a_promoted_contact_takes_his_purchases_with_him(self):
        self.contact.is_company = True
        self.assert_moved(outdated=[self.customer])
        self.assertEqual(self.row(self.contact).purchase_count, 1)
        self.assertEqual(self.row(self.customer).purchase_count, 3)

    def test_a_customer_who_becomes_a_contact_hands_his_purchases_over(self):
        self.neighbour.write({"parent_id": self.customer.id, "is_company": False})
        self.assert_moved(gone=[self.neighbour], outdated=[self.customer])
        self.assertEqual(self.row(self.customer).revenue_total, 390)

    def test_a_contact_who_changes_his_employer_marks_both(self):
        self.contact.parent_id = self.neighbour
        self.assert_moved(outdated=[self.customer, self.neighbour])
        self.assertEqual(self.row(self.neighbour).revenue_total, 90)

    def test_a_contact_linked_from_his_employer_marks_both(self):
        self.neighbour.child_ids = [Command.link(self.contact.id)]
        self.assert_moved(outdated=[self.customer, self.neighbour])

    def test_a_contact_who_leaves_his_employer_becomes_a_customer(self):
        self.contact.parent_id = False
        self.assert_moved(outdated=[self.customer])
        self.assertTrue(self.row(self.contact))

    def test_those_below_a_moved_contact_move_with_him(self):
        person = self.make_customer("Branch", is_company=False)
        below = self.make_contact(person, "Below")
        self.make_invoice(below, 3, 11.0)
        self.refresh()
        self.triggers_before = self.triggers()
        person.parent_id = self.customer
        self.assertEqual(below.commercial_partner_id, self.customer)
        self.assert_moved(gone=[person, below], outdated=[self.customer])
        self.assertEqual(self.row(self.customer).revenue_total, 351)

    def test_a_company_made_for_a_contact_takes_over(self):
        self.neighbour.write({"is_company": False, "company_name": "Neighbour & Co"})
        self.neighbour.create_company()
        parent = self.neighbour.parent_id
        self.assert_moved(gone=[self.neighbour])
        self.assertEqual(self.row(parent).revenue_total, 50)

    def test_moving_who_is_no_customer_wakes_nobody(self):
        person = self.make_customer("Nobody", is_company=False)
        person.is_company = True
        person.parent_id = self.make_customer("Nothing")
        self.assertEqual(self.triggers(), self.triggers_before)

    # ---------------------------------------------------------------------- the merge

    def merge(self, target, *sources):
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        partners = [target.id, *(source.id for source in sources)]
        wizard._merge(partners, target)

    def test_merging_two_customers_leaves_one_outdated_row(self):
        rows = self.rows_of(self.neighbour)
        self.merge(self.customer, self.neighbour)
        self.assertFalse(self.neighbour.exists() or rows.exists())
        self.assert_moved(outdated=[self.customer])
        self.assertEqual(self.rows_of(self.customer), self.customer_rows)
        self.assertEqual(self.row(self.customer).revenue_total, 390)

    def test_merging_customers_into_who_is_none_leaves_one_row_per_company(self):
        target = self.make_customer("Target")
        self.merge(target, self.customer, self.neighbour)
        self.assertEqual(len(self.rows_of(target)), 2)
        self.assert_moved(outdated=[target])
        self.assertEqual(self.row(target).revenue_total, 390)
        self.assertEqual(self.row(target, self.other_company).revenue_total, 70)

    def test_rows_of_companies_that_the_target_lacks_are_kept(self):
        self.merge(self.neighbour, self.customer)
        self.assertEqual(len(self.rows_of(self.neighbour)), 2)
        self.assert_moved(outdated=[self.neighbour])

    def test_merging_into_a_contact_gives_his_company_the_purchases(self):
        self.neighbour.is_company = False
        self.merge(self.contact, self.neighbour)
        self.assert_moved(gone=[self.contact], outdated=[self.customer])
        self.assertEqual(self.row(self.customer).revenue_total, 390)

    def test_merging_a_company_into_a_contact_makes_him_a_customer(self):
        self.merge(self.contact, self.neighbour)
        self.assertEqual(self.contact.commercial_partner_id, self.contact)
        self.assert_moved(outdated=[self.contact, self.customer])
        self.assertEqual(self.row(self.contact).revenue_total, 90)
        self.assertEqual(self.row(self.customer).revenue_total, 300)

    def test_a_merge_keeps_a_refusal_of_either_side(self):
        self.neighbour.profiling_optout = True
        self.merge(self.customer, self.neighbour)
        self.assertTrue(self.customer.profiling_optout)
        self.assertFalse(self.rows_of(self.customer))

    def test_a_merge_keeps_one_exclusion_per_company(self):
        exclusions = self.env["crm.customer.exclusion"]
        for partner in (self.customer, self.neighbour):
            exclusions.create(
                [
                    {"partner_id": partner.id, "state": "proposed"},
                    {"partner_id": partner.id, "company_id": self.company.id, "state": "proposed"},
                ]
            )
        exclusions.create({"partner_id": self.neighbour.id, "company_id": self.other_company.id})
        self.merge(self.customer, self.neighbour)
        kept = exclusions.search([("partner_id", "=", self.customer.id)])
        self.assertEqual(len(kept), 3)
        self.assertTrue(self.row(self.customer))
        self.assertFalse(self.row(self.customer, self.other_company), "left out there")

    def test_merging_contacts_of_one_customer_marks_it(self):
        other = self.make_contact(self.customer, "Janet")
        self.merge(self.contact, other)
        self.assert_moved(outdated=[self.customer])

    def test_a_merge_of_who_is_no_customer_wakes_nobody(self):
        self.merge(self.make_customer("One"), self.make_customer("Two"))
        self.assertEqual(self.triggers(), self.triggers_before)
