from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import SQL

from ..models import crm_lead_likeness
from .common import CustomerCase

# few more than it takes
CUSTOMERS = 80


class LikenessCase(CustomerCase):
    """Customers of whom a test says which are the best."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.germany, cls.france = cls.env.ref("base.de"), cls.env.ref("base.fr")
        cls.env["crm.prospect.segment"].search([]).active = False
        cls.salesperson = cls.make_user("salesperson")

    @classmethod
    def make_customers(cls, country):
        """Customers with their rows, past a refresh; the country of number n is what ``country``
        says."""
        partners = cls.env["res.partner"].create(
            [
                {
                    "name": f"Customer {number}",
                    "is_company": True,
                    "country_id": country(number).id,
                }
                for number in range(CUSTOMERS)
            ]
        )
        cls.make_invoices([(partner, 400 - n, 100) for n, partner in enumerate(partners)])
        return partners

    @classmethod
    def learn(cls, is_best):
        """A refresh in which the customers that ``is_best`` says are loyal."""
        profiles = cls.env["crm.customer.profile"]
        original = type(profiles)._learn_acquisition

        def learn(self, run):
            best = [partner.id for n, partner in enumerate(cls.partners) if is_best(n)]
            self.env.cr.execute(
                f"UPDATE crm_customer_staging_{run.id}_result"  # pylint: disable=sql-injection
                " SET rfm_segment = NULL, lifecycle_stage ="
                " CASE WHEN partner_id = ANY(%s) THEN 'loyal' ELSE 'normal' END",
                [best],
            )
            return original(self, run)

        with patch.object(type(profiles), "_learn_acquisition", learn):
            return cls.refresh().likeness

    @classmethod
    def make_world(cls, is_best, country):
        cls.partners = cls.make_customers(country)
        return cls.learn(is_best)

    def lead(self, **values):
        return self.make_lead(**({"created": None} | values))


@tagged("post_install", "-at_install")
class TestLeadLikeness(LikenessCase):
    """What tells the best customers from the others is learned from customers, and checked on those
    who came later."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()

        def country(number):
            return cls.germany if number % 2 else cls.france

        # of Germans three in four are among the best, of the French one in eight
        def is_best(number):
            return (number // 2) % 4 != 0 if number % 2 else (number // 2) % 8 == 0

        cls.is_best = staticmethod(is_best)
        cls.learned = cls.make_world(is_best, country)

    def test_what_tells_them_is_learned_and_shown_on_leads(self):
        learned = self.learned
        self.assertEqual(learned["state"], "learned")
        self.assertEqual(learned["customers"], CUSTOMERS)
        self.assertGreater(learned["auc_low"], 0.5)
        weights = {(trait, level): weight for trait, level, *_rest, weight in learned["levels"]}
        self.assertGreater(weights["country", str(self.germany.id)], 0.5)
        self.assertLess(weights["country", str(self.france.id)], -0.5)
        german, french = self.lead(country_id=self.germany.id), self.lead(country_id=self.france.id)
        self.assertIn(german.lead_likeness, ("alike", "very_alike"))
        self.assertEqual(french.lead_likeness, "unlike")
        self.assertFalse(self.lead().lead_likeness, "nothing is known of it")
        french.country_id = self.germany
        self.assertEqual(french.lead_likeness, german.lead_likeness)

    def test_a_lead_of_a_customer_has_his_country(self):
        customer = self.make_customer(country_id=self.germany.id)
        lead = self.lead(partner_id=customer.id, country_id=False)
        self.assertIn(lead.lead_likeness, ("alike", "very_alike"))

    def test_a_night_and_the_orm_find_the_same(self):
        leads = self.lead(country_id=self.germany.id) | self.lead(
            country_id=self.france.id, partner_name="Ltd", email_from="a@gmail.com"
        )
        found = leads.mapped("lead_likeness")
        self.env.flush_all()
        self.env.cr.execute("UPDATE crm_lead SET lead_likeness = NULL")
        self.env.invalidate_all()
        run = self.company.customer_run_id
        run.position = False
        self.env["crm.lead"]._refresh_prospect_bands(run)
        self.env.invalidate_all()
        self.assertEqual(leads.mapped("lead_likeness"), found)

    def test_the_reasons_are_sentences_without_amounts(self):
        lead = self.lead(country_id=self.germany.id, user_id=self.salesperson.id)
        [line] = self.as_user(lead, self.salesperson).lead_likeness_reason.splitlines()
        self.assertIn("Country Germany", line)
        self.assertIn(f"{CUSTOMERS // 2} customers", line)
        self.assertFalse(self.lead().lead_likeness_reason)

    def test_new_customers_are_not_judged(self):
        """They had no time to become one of the best."""
        late = self.make_customer(country_id=self.germany.id)
        self.make_invoice(late, crm_lead_likeness.JUDGED_DAYS - 1)
        self.assertEqual(self.learn(self.is_best)["customers"], CUSTOMERS)

    def test_mail_of_free_providers_is_told_from_own_domains(self):
        leads = self.lead(email_from="a@gmail.com") | self.lead(email_from="b@acme-garage.de")
        leads |= self.lead(contact_name="P") | self.lead(partner_name="C")
        self.env.flush_all()
        rows = self.env.execute_query(
            self.env["crm.lead"]._sql_lead_traits(SQL("lead.id IN %s", tuple(leads.ids)))
        )
        found = {(lead, trait): level for lead, trait, level in rows}
        self.assertEqual(found[leads[0].id, "mail"], "free")
        self.assertEqual(found[leads[1].id, "mail"], "own")
        self.assertEqual(found[leads[2].id, "kind"], "person")
        self.assertEqual(found[leads[3].id, "kind"], "company")

    def test_leads_cost_as_many_statements_for_80_as_for_one(self):
        values = {"name": "Lead", "country_id": self.germany.id, "company_id": self.company.id}
        self.env["crm.lead"].create([dict(values)])
        counts = []
        for number in (1, 80):
            self.env.invalidate_all()
            with self.queries() as queries:
                self.env["crm.lead"].create([dict(values) for _number in range(number)])
            counts.append(len([query for query in queries if "jsonb_to_recordset" in query]))
        self.assertEqual(counts, [1, 1])


@tagged("post_install", "-at_install")
class TestLikenessNotKnown(LikenessCase):
    """Where nothing is known, nothing is said."""

    def test_where_nothing_tells_them_no_lead_has_a_band(self):
        """Countries that have nothing to do with it: it does not hold for who came later."""
        learned = self.make_world(
            lambda number: number % 3 == 0,
            lambda number: self.germany if (number // 3) % 2 else self.france,
        )
        self.assertEqual(learned["state"], "unproven")
        self.assertIn("auc", learned)
        self.assertFalse(self.lead(country_id=self.germany.id).lead_likeness)

    def test_few_customers_tell_nothing(self):
        type(self).partners = self.make_customer() | self.make_customer()
        self.make_invoices([(partner, 300, 100) for partner in self.partners])
        learned = self.learn(lambda number: number == 0)
        self.assertEqual(learned, {"state": "too_few", "customers": 2, "best": 1})
        self.assertFalse(self.lead(country_id=self.germany.id).lead_likeness)
