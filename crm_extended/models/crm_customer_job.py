import logging
from contextlib import contextmanager

from odoo import api, models
from odoo.exceptions import UserError

from .crm_model_run import RETRY_ON, RUN_LOCK, retried

_logger = logging.getLogger(__name__)


class CrmCustomerJob(models.Model):
    """The nightly job: every company, slice by slice, each slice committed."""

    _inherit = "crm.customer.profile"

    @api.model
    def _cron_refresh(self):
        """Refresh every company slice by slice, committing between slices.

        A slice takes at most some 20 s. Work goes on in the next call where the time of this one
        ends or its process dies. A failing company stops no other: its error stands in its run.
        """
        if not self.env.user.active and not self.env.su:
            raise UserError(
                self.env._(
                    "The user of the scheduled action “Customers: nightly refresh” is archived: "
                    "choose an active one."
                )
            )
        # the job sees every company's facts, whoever runs it
        self = self.sudo().with_context(lang=None)
        cron = self.env["ir.cron"]
        queue = self._queue_runs()
        cron._commit_progress(remaining=len(queue))
        failed = self.env["crm.model.run"]
        for position, run in enumerate(queue):
            if not self._refresh_committing(run):
                # time is over: go on at once rather than in the next minute
                self.env.ref("crm_extended.ir_cron_customer_refresh")._trigger()
                cron._commit_progress(remaining=len(queue) - position)
                return
            if run.state == "failed":
                failed |= run
            run._notify_requester()
            cron._commit_progress(1)
        cron._commit_progress(remaining=0)
        if failed:
            self._report_failures(failed, queue)

    @api.model
    def _report_failures(self, failed, queue):
        """Fail the job only where every company failed: Odoo switches a job off that fails for a
        week, and one broken company must not stop the others."""
        summary = "; ".join(f"{run.company_id.name}: {run.message}" for run in failed)
        if failed == queue:
            raise UserError(
                self.env._("The customers could not be refreshed. %(errors)s", errors=summary)
            )
        _logger.error("Customers could not be refreshed for some companies. %s", summary)

    @api.model
    def _queue_runs(self):
        """The runs to do, in order: what was asked for or interrupted, and every company that
        was not refreshed today; all companies when nothing is waiting."""
        runs = self.env["crm.model.run"]
        pending = runs.search([("state", "in", ("queued", "running"))], order="id")
        companies = self.env["res.company"].search([], order="id") - pending.company_id
        if pending:
            attempted = runs.search([("kind", "!=", "explicit")]).filtered(
                lambda run: run.as_of == run.company_id._customer_today()
            )
            companies -= attempted.company_id
        resumed = runs
        for run in pending:
            if not run.company_id.active:
                run._stop("cancelled", self.env._("The company is archived."))
                continue
            if run.state == "queued":
                # it may have waited past midnight, or for days
                run.as_of = run.company_id._customer_today()
            elif not self._may_resume(run):
                run._stop("failed", self.env._("Interrupted; begun again."))
                companies |= run.company_id
                continue
            resumed |= run
        return resumed | runs.create(
            [
                {
                    "company_id": company.id,
                    "as_of": company._customer_today(),
                    "kind": "scheduled",
                }
                for company in companies
            ]
        )

    @api.model
    def _may_resume(self, run) -> bool:
        return (
            run.as_of == run.company_id._customer_today()
            and run.settings == run.company_id._customer_settings()
            and run._is_intact()
        )

    @api.model
    def _refresh_committing(self, run) -> bool:
        """Do a run to its end, or until the time of the job is over; whether it ended."""
        cron = self.env["ir.cron"]
        with self._company_lock(run.company_id) as locked:
            if not locked:
                run._stop("busy", self.env._("A refresh of this company is already running."))
                return True
            last = self._last_nightly(run.company_id)
            if last and last.as_of > run.as_of:
                run._stop(
                    "cancelled",
                    self.env._(
                        "The numbers are as of %(last)s already and never go back by themselves. "
                        "Check the clock of the server.",
                        last=last.as_of,
                    ),
                )
                return True
            while self._advance_with_retries(run):
                if not cron._commit_progress():
                    return False
        return True

    @api.model
    def _last_nightly(self, company):
        """The latest refresh that the job did; one as of a chosen day does not bind it."""
        return self.env["crm.model.run"].search(
            [
                ("company_id", "=", company.id),
                ("state", "=", "done"),
                ("kind", "!=", "explicit"),
            ],
            order="as_of DESC, id DESC",
            limit=1,
        )

    @api.model
    def _advance_with_retries(self, run) -> bool:
        """One slice, committed; on a conflict with another transaction it is done again."""

        def advance():
            more = run._advance()
            # progress in every slice: Odoo gives a job up that died three times without any
            self.env["ir.cron"]._commit_progress(1, remaining=1)
            return more

        try:
            return retried(self.env, advance)
        except Exception as error:  # noqa: BLE001 - recorded in the run; others go on
            self._roll_back()
            if not isinstance(error, RETRY_ON):
                _logger.warning(
                    "Refresh of customers of company %s failed", run.company_id.id, exc_info=True
                )
            self._fail(run, error)
            return False

    @api.model
    def _roll_back(self):
        self.env.cr.rollback()
        self.env.invalidate_all()

    @api.model
    def _fail(self, run, error):
        run._stop("failed", str(error).strip())
        self.env["ir.cron"]._commit_progress()

    @contextmanager
    def _company_lock(self, company):
        """Hold the company's lock over the commits of a run, on a connection of its own: it is
        freed when the process dies."""
        with self.pool.cursor() as cr:
            cr.execute("SELECT pg_try_advisory_lock(%s, %s)", (RUN_LOCK, company.id))
            [locked] = cr.fetchone()
            # a connection of its own that wrote nothing: without the end of its transaction its
            # snapshot would keep vacuum from all that the run replaces
            cr.commit()  # pylint: disable=invalid-commit
            try:
                yield locked
            finally:
                if locked:
                    cr.execute("SELECT pg_advisory_unlock(%s, %s)", (RUN_LOCK, company.id))
