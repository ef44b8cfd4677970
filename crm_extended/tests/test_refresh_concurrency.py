from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from unittest.mock import patch

from freezegun import freeze_time
from psycopg2 import errors

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tests import BaseCase, tagged
from odoo.tests.common import get_db_name
from odoo.tools import mute_logger

from odoo.addons.crm_extended.models import crm_customer_job, crm_model_run

from .ledger import LedgerWriter
from .reference import Invoice, InvoiceLine, Ledger

AS_OF = date(2025, 6, 30)
BUYERS = 5


@tagged("post_install", "-at_install")
class TestConcurrentTransactions(BaseCase):
    """R1, R3, R5 with real transactions that really conflict: a committed world of a few
    invoices of the main company, removed at the end."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = Registry(get_db_name())
        with cls.transaction() as env:
            company = env.ref("base.main_company")
            cls.company_id = company.id
            cls.published_before = company.customer_run_id.id
            cls.last_run_before = max(env["crm.model.run"].search([]).ids, default=0)
            buyers = env["res.partner"].create(
                [{"name": f"Committed buyer {number}"} for number in range(BUYERS)]
            )
            cls.buyer_ids = buyers.ids
            cls.addClassCleanup(cls.remove_world)
            product = env["product.product"].create({"name": "Committed product"})
            cls.template_ids = product.product_tmpl_id.ids
            cls.writer(env, buyers, product).write_documents(
                Ledger(
                    invoices=[
                        Invoice(
                            number,
                            AS_OF - timedelta(days=30 * purchase + number),
                            [InvoiceLine(Decimal(1), Decimal(100))],
                        )
                        for number in range(BUYERS)
                        for purchase in range(4)
                    ]
                )
            )

    @classmethod
    @contextmanager
    def transaction(cls):
        with cls.registry.cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})

    @classmethod
    def writer(cls, env, buyers, product):
        company = env["res.company"].browse(cls.company_id)
        unit = env.ref("uom.product_uom_unit")
        return LedgerWriter(
            company,
            [[buyer] for buyer in buyers],
            product,
            product,
            {Decimal(1): unit},
            {Decimal(1): company.currency_id},
        )

    @classmethod
    def remove_world(cls):
        with cls.transaction() as env:
            env.cr.execute(
                "UPDATE res_company SET customer_run_id = %s WHERE id = %s",
                (cls.published_before or None, cls.company_id),
            )
            env.cr.execute(
                "DELETE FROM crm_model_run WHERE id > %s AND company_id = %s",
                (cls.last_run_before, cls.company_id),
            )
            env.cr.execute("DELETE FROM account_move WHERE name LIKE 'LEDGER/%%'")
            env.cr.execute("DELETE FROM product_template WHERE id = ANY(%s)", (cls.template_ids,))
            # the rows go with the contacts
            env.cr.execute("DELETE FROM res_partner WHERE id = ANY(%s)", (cls.buyer_ids,))
            env["crm.model.run"]._drop_staging()
        cls.registry.clear_cache()

    def setUp(self):
        super().setUp()
        with self.transaction() as env:
            self.refresh(env, AS_OF - timedelta(days=1))

    def refresh(self, env, as_of=AS_OF):
        company = env["res.company"].browse(self.company_id)
        [run] = env["crm.customer.profile"].refresh(as_of, company)
        return run

    def run_job(self, env):
        """The job on a connection of its own, for the one company that asked."""
        company = env["res.company"].browse(self.company_id)
        with freeze_time(AS_OF):
            run = env["crm.model.run"].create(
                {"company_id": company.id, "as_of": AS_OF, "kind": "requested"}
            )
            env.cr.commit()
            env["crm.customer.profile"]._refresh_committing(run)
        return run

    def last_dates(self):
        with self.transaction() as env:
            env.cr.execute(
                "SELECT partner_id, last_purchase_date FROM crm_customer_profile"
                " WHERE partner_id = ANY(%s)",
                (self.buyer_ids,),
            )
            return dict(env.cr.fetchall())

    def buy_today(self, env):
        buyer = env["res.partner"].browse(self.buyer_ids[1])
        product = env["product.template"].browse(self.template_ids).product_variant_id
        lines = [InvoiceLine(Decimal(1), Decimal(10))]
        self.writer(env, buyer, product).write_documents(
            Ledger(invoices=[Invoice(0, AS_OF, lines)])
        )

    def write_row_elsewhere(self):
        """What merging or moving a contact does to his row, while a refresh is at work."""
        with self.transaction() as other:
            other.cr.execute(
                "UPDATE crm_customer_profile SET is_outdated = NOT is_outdated"
                " WHERE partner_id = ANY(%s)",
                (self.buyer_ids,),
            )

    def test_row_written_meanwhile_is_a_conflict_that_the_job_mends(self):
        attempts = []
        model = self.registry["crm.customer.profile"]
        publish = model._refresh_publish

        def interrupted(profile, run):
            # the transaction of this slice has its snapshot already
            attempts.append(run.id)
            if len(attempts) == 1:
                self.write_row_elsewhere()
            return publish(profile, run)

        with (
            self.transaction() as env,
            patch.object(model, "_refresh_publish", interrupted),
            patch.object(crm_model_run.time, "sleep"),
            mute_logger("odoo.sql_db"),
        ):
            run = self.run_job(env)
            self.assertEqual(run.state, "done", "a serialization failure is tried again")
        self.assertEqual(len(attempts), 2, "once in vain, once well")

    def test_row_locked_for_long_fails_and_leaves_yesterday_as_it_is(self):
        before = self.last_dates()
        model = self.registry["crm.customer.profile"]
        limits = model._refresh_limits

        def impatient(profile):
            limits(profile)
            profile.env.cr.execute("SET LOCAL lock_timeout = '20ms'")

        with (
            self.transaction() as other,
            self.transaction() as env,
            patch.object(model, "_refresh_limits", impatient),
            patch.object(crm_model_run.time, "sleep"),
            mute_logger("odoo.sql_db", crm_customer_job.__name__),
        ):
            self.buy_today(env)
            env.cr.commit()
            other.cr.execute(
                "SELECT FROM crm_customer_profile WHERE partner_id = ANY(%s) FOR UPDATE",
                (self.buyer_ids,),
            )
            run = self.run_job(env)
            self.assertEqual(run.state, "failed")
            self.assertIn("lock timeout", run.message)
            other.cr.rollback()
        self.assertEqual(self.last_dates(), before, "never done with rows unwritten")

    def test_users_edit_contacts_while_numbers_are_published(self):
        with self.transaction() as env:
            self.buy_today(env)
            run = self.refresh(env)
            self.assertEqual(run.state, "done")
            # not committed yet: whoever edits a contact now must not wait
            with self.transaction() as user:
                user.cr.execute("SET LOCAL lock_timeout = '200ms'")
                user.cr.execute(
                    "UPDATE res_partner SET comment = 'edited' WHERE id = ANY(%s)",
                    (self.buyer_ids,),
                )
        self.assertEqual(len(self.last_dates()), BUYERS)

    def test_contacts_edited_during_a_refresh_are_no_conflict_for_it(self):
        with self.transaction() as env:
            # so that rows are inserted, with references to those contacts
            env.cr.execute(
                "DELETE FROM crm_customer_profile WHERE partner_id = ANY(%s)", (self.buyer_ids,)
            )
        with self.transaction() as env:
            env.cr.execute("SELECT 1")
            with self.transaction() as user:
                user.cr.execute(
                    "UPDATE res_partner SET comment = 'again' WHERE id = ANY(%s)",
                    (self.buyer_ids,),
                )
            try:
                run = self.refresh(env)
            except errors.SerializationFailure:
                self.fail("a refresh takes nothing from a contact that an edit could change")
            self.assertEqual(run.state, "done")

    def test_readers_see_yesterday_whole_until_today_is_whole(self):
        before = self.last_dates()
        with self.transaction() as env:
            self.buy_today(env)
            self.refresh(env)
            self.assertEqual(self.last_dates(), before, "nothing of it before the commit")
        self.assertNotEqual(self.last_dates(), before)

    def test_second_worker_says_that_a_refresh_is_running(self):
        with self.transaction() as env, self.transaction() as other:
            self.assertEqual(self.refresh(env).state, "done")
            self.assertEqual(self.refresh(other).state, "busy", "the first did not commit yet")
            other.cr.rollback()
        with self.transaction() as env:
            self.assertEqual(self.refresh(env).state, "done", "the lock goes with its transaction")

    def test_job_frees_its_lock_even_if_the_process_dies(self):
        profile = self.registry["crm.customer.profile"]
        with self.assertRaises(KeyboardInterrupt), self.transaction() as env:
            with patch.object(profile, "_refresh_rows", side_effect=KeyboardInterrupt):
                self.run_job(env)
        with self.transaction() as env:
            self.assertEqual(self.refresh(env).state, "done")
