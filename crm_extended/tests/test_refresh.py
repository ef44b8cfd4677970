from contextlib import contextmanager
from datetime import date, datetime, timedelta
from unittest.mock import patch

from freezegun import freeze_time
from psycopg2 import errors

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.crm_extended.models import crm_customer_job, crm_customer_steps, crm_model_run
from odoo.addons.crm_extended.models.crm_model_run import RUN_LOCK, WORK_LOCK

from .common import CustomerCase
from .ledger import stored_rows

CONFLICTS = (errors.SerializationFailure, errors.DeadlockDetected, errors.LockNotAvailable)
SURROGATES = ("id", "xmin")


class RefreshCase(CustomerCase):
    """A company with a few customers, as of ``cls.as_of``; the job runs on that day."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.profile = cls.env["crm.customer.profile"]
        cls.cron = cls.env.ref("crm_extended.ir_cron_customer_refresh")
        cls.customers = [cls.make_customer(f"Buyer {number}") for number in range(4)]
        for number, customer in enumerate(cls.customers):
            cls.make_purchases(customer, every=20 + number, count=3 + number, last=40 * number)
        cls.lead = cls.make_lead(cls.customers[3])

    def rows(self, company=None):
        """The published rows without what tells one writing from another."""
        return {
            partner: {name: value for name, value in row.items() if name != "id"}
            for partner, row in stored_rows(self.env, company or self.company).items()
        }

    def versions(self):
        """What changes when PostgreSQL writes a row anew."""
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT partner_id, xmin::text, ctid::text FROM crm_customer_profile"
            " WHERE company_id = %s ORDER BY partner_id",
            (self.company.id,),
        )
        return self.env.cr.fetchall()

    def staging(self):
        self.env.cr.execute(
            "SELECT tablename FROM pg_tables WHERE tablename LIKE %s", ("crm_customer_staging_%",)
        )
        return [name for [name] in self.env.cr.fetchall()]

    def runs(self, company=None):
        return self.env["crm.model.run"].search(
            [("company_id", "=", (company or self.company).id)], order="id"
        )

    @contextmanager
    def on(self, moment):
        with freeze_time(moment):
            yield

    def run_job(self, day=None):
        """The scheduled action, as the scheduler runs it, with its commits."""
        moment = datetime.combine(day or self.as_of, datetime.min.time()).replace(hour=2)
        with freeze_time(moment), self.enter_registry_test_mode():
            self.cron.method_direct_trigger()

    def patched(self, method, function):
        return patch.object(type(self.profile), method, function)

    def failing(self, method, error, times=None, company=None):
        """A step that fails so many times (default: always), for one company (default: all)."""
        original = getattr(type(self.profile), method)
        calls = []

        def step(profile, run):
            if company and run.company_id != company:
                return original(profile, run)
            calls.append(run.id)
            if times is None or len(calls) <= times:
                raise error
            return original(profile, run)

        step.calls = calls
        return self.patched(method, step), calls


@tagged("post_install", "-at_install")
class TestSameInputsSameRows(RefreshCase):
    def test_second_refresh_rewrites_no_row(self):
        self.refresh()
        before = self.versions()
        self.assertEqual(len(before), 4)
        self.refresh()
        self.assertEqual(self.versions(), before, "R4: what did not change is not touched")

    def test_changed_row_is_rewritten_and_the_others_are_not(self):
        self.refresh()
        before = self.versions()
        # a second invoice of the same day: more money, the same rhythm for everybody
        self.make_invoice(self.customers[1], 40)
        self.refresh()
        changed = {new[0] for new, old in zip(self.versions(), before, strict=True) if new != old}
        self.assertEqual(changed, {self.customers[1].id})

    def test_order_of_days_does_not_matter(self):
        self.refresh()
        alone = self.rows()
        for days in (90, -40, 0):
            self.refresh(self.ago(days))
        self.assertEqual(self.rows(), alone, "rows depend on the day, not on what ran before")

    def test_order_of_companies_does_not_matter(self):
        other = self.make_company("Other Company")
        self.make_invoices([(customer, 30, 10) for customer in self.customers], other)
        self.refresh(companies=self.company + other)
        together = self.rows(), self.rows(other)
        self.refresh(companies=other)
        self.refresh(companies=self.company)
        self.assertEqual((self.rows(), self.rows(other)), together)

    def test_row_of_who_is_no_longer_due_is_deleted(self):
        self.refresh()
        self.runs().invalidate_recordset()
        self.customers[0].active = False
        self.refresh()
        self.assertFalse(self.row(self.customers[0]), "archived contacts are no customers")

    def test_contacts_are_never_written(self):
        self.env.flush_all()
        query = "SELECT id, xmin::text, ctid::text FROM res_partner ORDER BY id"
        self.env.cr.execute(query)
        before = self.env.cr.fetchall()
        self.refresh()
        self.env.cr.execute(query)
        self.assertEqual(self.env.cr.fetchall(), before)

    def test_staging_is_dropped_at_the_end(self):
        before = self.staging()
        self.refresh()
        self.assertEqual(self.staging(), before)

    def test_explicit_day_of_the_past_restates_the_rows(self):
        self.refresh()
        [run] = self.refresh(self.ago(30))
        self.assertEqual(self.row(self.customers[0]).last_purchase_date, self.ago(40))
        self.assertEqual(self.row(self.customers[0]).as_of, self.ago(30))
        self.assertEqual((run.kind, self.company.customer_run_id), ("explicit", run))

    def test_day_of_the_future_is_refused(self):
        with freeze_time(self.as_of), self.assertRaisesRegex(UserError, "has not come yet"):
            self.refresh(self.ago(-2))
        self.assertFalse(self.runs())

    def test_day_may_be_given_as_text(self):
        [run] = self.refresh("2025-06-30")
        self.assertEqual(run.as_of, date(2025, 6, 30))

    def test_number_of_queries_does_not_grow_with_the_customers(self):
        def queries(company):
            self.refresh(companies=company)
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.refresh(companies=company)
            return self.env.cr.sql_log_count - before

        other = self.make_company("Large Company")
        many = self.env["res.partner"].create(
            [{"name": f"Buyer {number}", "is_company": True} for number in range(40)]
        )
        self.make_invoices([(customer, 30, 10) for customer in many], other)
        self.assertEqual(queries(other), queries(self.company), "40 customers cost as many as 4")

    def test_run_says_what_it_found(self):
        [run] = self.refresh()
        self.assertEqual((run.state, run.progress, run.customer_count), ("done", 100, 4))
        self.assertTrue(run.published_at)
        self.assertEqual(run.sudo().statistics["staged_documents"], 3 + 4 + 5 + 6)

    def test_branch_is_a_company_of_its_own(self):
        branch = self.make_company("Branch")
        # Odoo refuses to make a company a branch later; a branch from the start shares accounts
        self.env.cr.execute(
            "UPDATE res_company SET parent_id = %s, parent_path = %s WHERE id = %s",
            (self.company.id, f"{self.company.id}/{branch.id}/", branch.id),
        )
        self.env.invalidate_all()
        self.make_invoice(self.customers[0], 3, 1000, company=branch)
        self.refresh(companies=self.company + branch)
        self.assertEqual(self.row(self.customers[0], branch).revenue_total, 1000)
        self.assertEqual(
            self.row(self.customers[0]).revenue_total, 300, "the parent does not add it up"
        )

    def test_archived_company_is_skipped_and_keeps_its_rows(self):
        other = self.make_company("Old Company")
        self.make_invoice(self.customers[0], 3, company=other)
        self.refresh(companies=other)
        self.env.user.company_ids -= other
        other.active = False
        self.assertFalse(self.profile.sudo().refresh(self.ago(-9), other), "no run for it")
        self.assertTrue(self.row(self.customers[0], other))


@tagged("post_install", "-at_install")
class TestWhoMayRefresh(RefreshCase):
    def test_salesperson_is_refused(self):
        for role in ("salesperson", "salesperson_all", "user", "finance", "employee"):
            with self.subTest(role=role), self.assertRaises(AccessError):
                self.as_user("crm.customer.profile", self.make_user(role)).refresh(self.as_of)

    def test_manager_refreshes_his_companies(self):
        manager = self.make_user("manager")
        runs = self.as_user("crm.customer.profile", manager).refresh(self.as_of)
        self.assertEqual((runs.company_id, runs.state), (self.company, "done"))
        self.assertEqual(len(self.rows()), 4)

    def test_manager_is_refused_a_foreign_company(self):
        other = self.make_company("Foreign Company")
        profile = self.as_user("crm.customer.profile", self.make_user("manager"))
        for companies in (other, self.company + other):
            with self.assertRaisesRegex(AccessError, "Foreign Company"):
                profile.with_context(allowed_company_ids=other.ids).refresh(self.as_of, companies)
        self.assertFalse(self.runs(other), "nothing was begun")

    def test_nobody_writes_runs_by_hand(self):
        [run] = self.refresh()
        manager = self.make_user("manager")
        for attempt in (
            lambda: self.as_user(run, manager).write({"state": "done"}),
            lambda: self.as_user(run, manager).unlink(),
            lambda: self.as_user("crm.model.run", manager).create(
                {"company_id": self.company.id, "as_of": self.as_of, "kind": "explicit"}
            ),
        ):
            with self.assertRaises(AccessError):
                attempt()


@tagged("post_install", "-at_install")
class TestFailingCompany(RefreshCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.make_company("Other Company")
        cls.make_invoice(cls.customers[0], 3, company=cls.other)

    def test_failing_company_stops_no_other(self):
        step, _calls = self.failing(
            "_refresh_rows", ValueError("broken data"), company=self.company
        )
        with step, mute_logger("odoo.addons.crm_extended.models.crm_customer_profile"):
            runs = self.profile.sudo().refresh(self.as_of, self.company + self.other)
        self.assertEqual(runs.mapped("state"), ["failed", "done"])
        self.assertEqual(runs[0].message, "broken data")
        self.assertFalse(self.rows(), "nothing of it was published")
        self.assertEqual(len(self.rows(self.other)), 1)

    def test_error_of_the_database_stops_no_other(self):
        def step(profile, run):
            profile.env.cr.execute("SELECT 1 / (%s - %s)", (run.id, run.id))

        with (
            self.patched("_refresh_publish", step),
            mute_logger("odoo.sql_db", "odoo.addons.crm_extended.models.crm_customer_profile"),
        ):
            [run] = self.profile.sudo().refresh(self.as_of, self.company)
        self.assertEqual(run.state, "failed")
        self.assertIn("division by zero", run.message)
        self.refresh(companies=self.other)
        self.assertEqual(len(self.rows(self.other)), 1, "the transaction is still usable")

    def test_failing_company_keeps_yesterdays_numbers(self):
        [published] = self.refresh(self.ago(1))
        before = self.rows()
        step, _calls = self.failing("_refresh_leads", ValueError("too late"))
        with step, mute_logger("odoo.addons.crm_extended.models.crm_customer_profile"):
            self.profile.sudo().refresh(self.as_of, self.company)
        self.assertEqual(self.rows(), before)
        self.assertEqual(self.company.customer_run_id, published)

    def test_job_goes_on_after_a_failing_company(self):
        step, _calls = self.failing("_refresh_days", ValueError("broken"), company=self.company)
        with step, mute_logger("odoo.addons.crm_extended.models.crm_customer_job"):
            self.run_job()
        self.assertEqual(self.runs()[-1:].state, "failed")
        self.assertEqual(self.runs()[-1:].message, "broken")
        self.assertEqual(self.runs(self.other)[-1:].state, "done")

    def test_job_fails_where_every_company_failed(self):
        step, _calls = self.failing("_refresh_days", ValueError("broken"))
        loggers = ("odoo.addons.base.models.ir_cron", crm_customer_job.__name__)
        with step, mute_logger(*loggers):
            self.run_job()
        self.assertEqual(self.cron.failure_count, 1, "the scheduler knows")
        self.assertEqual(set(self.runs().mapped("state")), {"failed"})

    def test_failing_job_is_not_repeated_in_the_same_minute(self):
        step, calls = self.failing("_refresh_days", ValueError("broken"), company=self.company)
        with step, mute_logger(crm_customer_job.__name__):
            self.run_job()
        self.assertEqual(len(calls), 1, "an error that stays an error is not tried again")


@tagged("post_install", "-at_install")
class TestConflicts(RefreshCase):
    """R3: errors that a new transaction mends."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.steps = [step.method for step in cls.profile._refresh_steps()]
        cls.startClassPatcher(patch.object(crm_model_run.time, "sleep"))

    def test_conflict_in_any_step_is_tried_again(self):
        for number, method in enumerate(self.steps):
            with self.subTest(step=method):
                error = CONFLICTS[number % len(CONFLICTS)]
                step, calls = self.failing(method, error(), times=5, company=self.company)
                with step:
                    self.run_job(self.ago(-number))
                self.assertEqual(self.runs()[-1:].state, "done")
                self.assertGreaterEqual(len(calls), 6, "five retries, then it went well")
                self.assertEqual(self.company.customer_run_id, self.runs()[-1:])
                self.assertEqual(len(self.rows()), 4)

    def test_conflict_that_stays_is_recorded_after_five_retries(self):
        self.refresh(self.ago(1))
        before = self.rows()
        until_published = self.steps[: self.steps.index("_refresh_publish") + 1]
        for number, method in enumerate(until_published):
            with self.subTest(step=method):
                error = CONFLICTS[number % len(CONFLICTS)]
                step, calls = self.failing(method, error("no way"), company=self.company)
                with step, mute_logger(crm_customer_job.__name__):
                    self.run_job(self.ago(-number))
                self.assertEqual(len(calls), 6, "one attempt and five retries")
                run = self.runs()[-1:]
                self.assertEqual((run.state, run.message), ("failed", "no way"))
                self.assertEqual(self.rows(), before, "never done with rows unwritten")
                self.assertFalse(self.staging(), "nothing is left behind")

    def test_every_slice_has_its_own_retries(self):
        step, calls = self.failing("_refresh_facts", CONFLICTS[0](), times=5)
        other, _calls = self.failing("_refresh_publish", CONFLICTS[1](), times=5)
        with step, other:
            self.run_job()
        self.assertEqual(self.runs()[-1:].state, "done")

    def test_conflict_outside_of_the_job_is_left_to_who_opened_the_transaction(self):
        step, _calls = self.failing("_refresh_publish", CONFLICTS[0]())
        with step, self.assertRaises(CONFLICTS[0]):
            self.profile.sudo().refresh(self.as_of, self.company)

    def test_conflict_after_publishing_never_unpublishes(self):
        for number, method in enumerate(("_refresh_backtest", "_refresh_leads")):
            with self.subTest(step=method):
                step, _calls = self.failing(method, CONFLICTS[2]("locked"))
                day = self.ago(-number)
                with (
                    step,
                    mute_logger(crm_customer_job.__name__, "odoo.addons.base.models.ir_cron"),
                ):
                    self.run_job(day)
                self.assertEqual(self.runs()[-1:].state, "failed", "it did not end")
                self.assertEqual(len(self.rows()), 4, "the numbers are there")
                self.assertEqual(self.company.customer_run_id.as_of, day)


@tagged("post_install", "-at_install")
class TestInterruption(RefreshCase):
    """Work that was committed is not done again; what was lost is."""

    def slices(self, day=None, stop_after=None):
        """Let the job do one slice per call, until the run ends; the number of calls."""
        moment = datetime.combine(day or self.as_of, datetime.min.time()).replace(hour=2)
        calls = 0
        cron = type(self.env["ir.cron"])
        with (
            freeze_time(moment),
            self.enter_registry_test_mode(),
            patch.object(crm_customer_steps, "SLICE_DOCUMENTS", 3),
            # no commit in a test; no time left after any slice
            patch.object(cron, "_commit_progress", lambda *args, **kwargs: 0),
        ):
            self._request_a_run()
            while calls != stop_after:
                self.profile._cron_refresh()
                calls += 1
                if not self._pending():
                    break
        return calls

    def _request_a_run(self):
        """The other companies of the database have been refreshed today."""
        if self._pending():
            return
        companies = self.env["res.company"].search([])
        self.env["crm.model.run"].create(
            [
                {
                    "company_id": company.id,
                    "as_of": company._customer_today(),
                    "kind": "scheduled",
                    "state": "queued" if company == self.company else "done",
                }
                for company in companies
            ]
        )

    def _pending(self):
        return self.runs().filtered(lambda run: run.state in ("queued", "running"))

    def test_run_goes_on_slice_by_slice_to_the_same_rows(self):
        self.refresh()
        expected = self.rows()
        self.env.cr.execute(
            "DELETE FROM crm_customer_profile WHERE company_id = %s", (self.company.id,)
        )
        calls = self.slices()
        self.assertGreater(calls, 8, "documents were read in several slices")
        self.assertEqual(self.runs()[-1:].state, "done")
        self.assertEqual(len(self.runs().filtered(lambda run: run.kind == "scheduled")), 1)
        self.assertEqual(self.rows(), expected)

    def test_progress_grows_and_readers_see_yesterday_until_the_end(self):
        self.refresh(self.ago(1))
        before = self.rows()
        progress = []
        for _number in range(9):
            self.slices(stop_after=1)
            progress.append(self.runs()[-1:].progress)
            self.assertEqual(self.rows(), before, "whole, or not at all")
        self.assertEqual(progress, sorted(progress))
        self.assertGreater(progress[-1], progress[0])
        self.assertTrue(self.runs()[-1:].step_label, "the step is named")

    def test_killed_slice_is_done_again(self):
        self.refresh()
        expected = self.rows()
        self.slices(stop_after=3)
        run = self.runs()[-1:]
        with patch.object(crm_customer_steps, "SLICE_DOCUMENTS", 3):
            savepoint = self.env.cr.savepoint()
            run._advance()
            savepoint.close(rollback=True)
            self.env.invalidate_all()
        self.slices()
        self.assertEqual((self.runs()[-1:], run.state), (run, "done"))
        self.assertEqual(self.rows(), expected)

    def test_lost_staging_begins_again(self):
        self.slices(stop_after=4)
        run = self.runs()[-1:]
        # what a crash of PostgreSQL does to unlogged tables
        for table in self.staging():
            self.env.cr.execute(f"TRUNCATE {table}")  # pylint: disable=sql-injection
        self.slices()
        self.assertEqual((run.state, run.message), ("failed", "Interrupted; begun again."))
        self.assertEqual(self.runs()[-1:].state, "done")
        self.assertEqual(len(self.rows()), 4)
        self.assertFalse(self.staging())

    def test_dropped_staging_begins_again(self):
        self.slices(stop_after=4)
        self.runs()[-1:]._drop_staging()
        self.slices()
        self.assertEqual(self.runs().mapped("state")[-2:], ["failed", "done"])
        self.assertEqual(len(self.rows()), 4)

    def test_run_of_yesterday_is_not_finished_today(self):
        self.slices(stop_after=4)
        self.slices(self.ago(-1))
        self.assertEqual(self.runs().mapped("state")[-2:], ["failed", "done"])
        self.assertEqual(self.company.customer_run_id.as_of, self.ago(-1))

    def test_changed_settings_begin_again(self):
        self.slices(stop_after=4)
        self.company.customer_lost_factor = 3
        self.slices()
        self.assertEqual(self.runs().mapped("state")[-2:], ["failed", "done"])
        self.assertEqual(self.runs()[-1:].sudo().settings["lost_factor"], 3)

    def test_who_opts_out_during_a_run_gets_no_row_from_it(self):
        self.refresh_all_but_publishing()
        self.customers[1].profiling_optout = True
        self.customers[2].active = False
        self.env["crm.customer.exclusion"].create({"partner_id": self.customers[3].id})
        self.slices()
        self.assertEqual(set(self.rows()), {self.customers[0].id})

    def test_who_opts_out_during_a_run_loses_the_row_he_had(self):
        self.refresh()
        self.refresh_all_but_publishing()
        self.customers[1].profiling_optout = True
        self.slices()
        self.assertNotIn(self.customers[1].id, self.rows())

    def refresh_all_but_publishing(self):
        steps = [step.name for step in self.profile._refresh_steps()]
        while not self._pending() or self._pending().step < steps.index("publish"):
            self.slices(stop_after=1)

    def test_job_asks_to_go_on_at_once(self):
        before = self.triggers()
        self.slices(stop_after=1)
        self.assertEqual(self.triggers(), before + 1, "not only in the next minute")

    def test_cancelled_run_stops_before_its_next_slice(self):
        self.refresh(self.ago(1))
        before = self.rows()
        self.slices(stop_after=3)
        run = self.runs()[-1:]
        self.as_user(run, self.make_user("manager")).action_cancel()
        self.assertEqual(self.slices(), 1)
        self.assertEqual(run.state, "cancelled")
        self.assertTrue(run.message, "it says so")
        self.assertEqual(self.rows(), before, "what was published stays")
        self.assertFalse(self.staging())

    def test_ended_run_cannot_be_cancelled(self):
        [run] = self.refresh()
        manager = self.make_user("manager")
        with self.assertRaisesRegex(UserError, "nothing to cancel"):
            self.as_user(run, manager).action_cancel()
        with self.assertRaises(AccessError):
            self.as_user(run, self.make_user("finance")).action_cancel()

    def test_old_runs_and_orphaned_staging_are_swept(self):
        [old] = self.refresh(self.ago(1))
        self.refresh()
        self.env.cr.execute(
            "UPDATE crm_model_run SET create_date = %s WHERE company_id = %s",
            (datetime.now() - timedelta(days=800), self.company.id),
        )
        self.env.cr.execute("CREATE UNLOGGED TABLE crm_customer_staging_0_row (id integer)")
        self.env.invalidate_all()
        self.env["crm.model.run"]._gc_runs()
        self.assertFalse(old.exists(), "older than 24 months")
        self.assertTrue(self.company.customer_run_id.exists(), "what is shown keeps its run")
        self.assertFalse(self.staging())


@tagged("post_install", "-at_install")
class TestOneAtATime(RefreshCase):
    """R5: a lock on another connection, as a second worker or an orphaned statement has it."""

    @contextmanager
    def held(self, key):
        with self.registry.cursor() as other:
            other.execute("SET lock_timeout = '5s'")
            # a refresh in this test before would have it until the end of the test
            other.execute("SELECT pg_try_advisory_lock(%s, %s)", (key, self.company.id))
            self.assertEqual(other.fetchone(), (True,), "the lock was free")
            try:
                yield
            finally:
                other.execute("SELECT pg_advisory_unlock(%s, %s)", (key, self.company.id))
                other.execute("RESET lock_timeout")

    def test_second_refresh_says_that_one_is_running(self):
        # no refresh before: this transaction would hold the locks itself
        before = self.versions()
        for key in (RUN_LOCK, WORK_LOCK):
            with self.held(key):
                [run] = self.profile.sudo().refresh(self.as_of, self.company)
            self.assertEqual(run.state, "busy")
            self.assertIn("already running", run.message)
            self.assertEqual(self.versions(), before, "nothing was written twice")

    def test_lock_of_one_company_holds_no_other_up(self):
        other = self.make_company("Other Company")
        with self.held(RUN_LOCK):
            runs = self.profile.sudo().refresh(self.as_of, self.company + other)
        self.assertEqual(runs.mapped("state"), ["busy", "done"])

    def test_lock_is_free_again_after_a_run_and_after_a_failure(self):
        step, _calls = self.failing("_refresh_rows", ValueError("broken"))
        with step, mute_logger("odoo.addons.crm_extended.models.crm_customer_profile"):
            self.profile.sudo().refresh(self.as_of, self.company)
        [run] = self.refresh()
        self.assertEqual(run.state, "done")

    def test_job_finds_the_lock_of_another_worker(self):
        cron = type(self.env["ir.cron"])
        with (
            self.held(RUN_LOCK),
            freeze_time(self.as_of),
            patch.object(cron, "_commit_progress", lambda *args, **kwargs: 9),
        ):
            self.profile._cron_refresh()
        self.assertEqual(self.runs()[-1:].state, "busy")
        self.assertFalse(self.rows())


@tagged("post_install", "-at_install")
class TestSchedule(RefreshCase):
    """R7 and R8: whoever runs the job, whenever it runs."""

    def test_job_refreshes_every_active_company(self):
        other = self.make_company("Other Company")
        self.make_invoice(self.customers[0], 3, company=other)
        self.run_job()
        for company in (self.company, other):
            self.assertEqual(self.runs(company).mapped("state"), ["done"])
            self.assertEqual(company.customer_run_id.as_of, self.as_of)
        self.assertEqual((len(self.rows()), len(self.rows(other))), (4, 1))

    def test_job_of_another_user_gives_identical_rows(self):
        self.run_job()
        expected = self.rows()
        self.env.cr.execute("DELETE FROM crm_customer_profile")
        self.env["res.lang"]._activate_lang("fr_FR")
        other = self.make_company("Other Company")
        self.cron.user_id = self.env["res.users"].create(
            {
                "name": "Scheduler",
                "login": "scheduler",
                "tz": "Pacific/Kiritimati",
                "lang": "fr_FR",
                "company_id": other.id,
                "company_ids": other.ids,
                "group_ids": [self.env.ref("base.group_system").id],
            }
        )
        self.run_job()
        self.assertEqual(self.rows(), expected, "company, time zone and language don't matter")

    def test_archived_user_of_the_job_is_a_clear_error(self):
        user = self.make_user("manager")
        user.active = False
        with self.assertRaisesRegex(UserError, "archived: choose an active one"):
            self.profile.with_user(user)._cron_refresh()

    def test_ten_nights_off_are_made_up_by_one_run(self):
        self.refresh(self.ago(10))
        self.run_job()
        runs = self.runs().filtered(lambda run: run.kind == "scheduled")
        self.assertEqual([(run.as_of, run.state) for run in runs], [(self.as_of, "done")])

    def test_run_that_waited_past_midnight_is_of_today(self):
        for state in ("scheduled", "requested"):
            self.env["crm.model.run"].create(
                {"company_id": self.company.id, "as_of": self.ago(2), "kind": state}
            )
        self.run_job()
        self.assertEqual(
            {(run.as_of, run.state) for run in self.runs()},
            {(self.as_of, "done")},
            "numbers are those of the day on which they are worked out",
        )

    def test_run_of_a_company_archived_meanwhile_is_cancelled(self):
        other = self.make_company("Old Company")
        for state in ("queued", "running"):
            self.env["crm.model.run"].create(
                {
                    "company_id": other.id,
                    "as_of": self.as_of,
                    "kind": "scheduled",
                    "state": state,
                }
            )
        self.env.user.company_ids -= other
        other.active = False
        self.run_job()
        self.assertEqual(self.runs(other).mapped("state"), ["cancelled"] * 2)

    def test_second_job_of_a_day_rewrites_nothing(self):
        self.run_job()
        before = self.versions()
        self.run_job()
        self.assertEqual(self.versions(), before)

    def test_night_after_a_refresh_as_of_tomorrow_is_not_skipped(self):
        with freeze_time(self.as_of):
            self.refresh(self.ago(-1))
        self.run_job()
        self.assertEqual(self.row(self.customers[0]).as_of, self.as_of)

    def test_clock_that_goes_back_changes_nothing(self):
        self.run_job()
        before = self.versions()
        published = self.company.customer_run_id
        with mute_logger(crm_customer_job.__name__):
            self.run_job(self.ago(1))
        run = self.runs()[-1:]
        self.assertEqual(run.state, "cancelled", "not silently back")
        self.assertIn("Check the clock", run.message)
        self.assertEqual(self.versions(), before)
        self.assertEqual(self.company.customer_run_id, published)
        self.run_job(self.ago(-1))
        self.assertEqual(self.company.customer_run_id.as_of, self.ago(-1), "then it goes on")

    def test_night_of_the_clock_change_is_one_day(self):
        self.company.resource_calendar_id.tz = "Europe/Berlin"
        for night, hours in (
            (date(2025, 10, 26), ("00:30", "01:30")),  # 02:30 comes twice
            (date(2026, 3, 29), ("00:30", "01:30")),  # 02:30 never comes
        ):
            for hour in hours:
                with freeze_time(f"{night} {hour}:00"), self.enter_registry_test_mode():
                    self.cron.method_direct_trigger()
                self.assertEqual(self.company.customer_run_id.as_of, night)
            self.assertEqual(
                self.runs().filtered(lambda run, night=night: run.as_of == night).mapped("state"),
                ["done", "done"],
                "each run ends, on the same day",
            )

    def test_company_far_in_the_east_has_its_own_day(self):
        east = self.make_company("Eastern Company")
        east.resource_calendar_id.tz = "Pacific/Kiritimati"
        with freeze_time("2025-06-30 12:00:00"), self.enter_registry_test_mode():
            self.cron.method_direct_trigger()
        self.assertEqual(self.company.customer_run_id.as_of, date(2025, 6, 30))
        self.assertEqual(east.customer_run_id.as_of, date(2025, 7, 1))

    def test_requested_run_is_done_and_its_requester_is_told(self):
        manager = self.make_user("manager")
        sent = []
        bus = type(self.env["res.users"])
        with (
            freeze_time(datetime.combine(self.as_of, datetime.min.time())),
            patch.object(bus, "_bus_send", lambda user, *message: sent.append((user, message))),
        ):
            action = self.as_user("crm.customer.profile", manager).action_recompute()
            run = self.env["crm.model.run"].browse(action["res_id"])
            self.assertEqual((run.state, run.requested_by_id), ("queued", manager))
            with self.enter_registry_test_mode():
                self.cron.method_direct_trigger()
        self.assertEqual(run.state, "done")
        [(user, (channel, notice))] = sent
        self.assertEqual(
            (user.id, channel, notice["type"]), (manager.id, "simple_notification", "success")
        )

    def test_rows_are_stale_after_26_hours(self):
        with freeze_time("2025-06-30 02:00:00"):
            self.refresh()
        row = self.row(self.customers[0])
        for moment, stale in (("2025-07-01 03:59:00", False), ("2025-07-01 04:01:00", True)):
            with freeze_time(moment):
                row.invalidate_recordset()
                self.assertEqual(row.is_stale, stale, f"as of {moment}")
