import time
from typing import NamedTuple

from dateutil.relativedelta import relativedelta
from psycopg2 import errors

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

# first key of the advisory locks; the second is the company
RUN_LOCK = 0x63726D78
WORK_LOCK = RUN_LOCK + 1
# what a new transaction mends
RETRY_ON = (errors.SerializationFailure, errors.DeadlockDetected, errors.LockNotAvailable)
KEEP_MONTHS = 24
STAGING_PREFIX = "crm_customer_staging_"
RETRIES = 5
SEASON_TOLERANCE = 0.15


def retried(env, work):
    """What ``work()`` returns. After a conflict with another transaction it is rolled back and
    done again, up to five times, each time later; then the conflict is raised."""
    for attempt in range(RETRIES + 1):
        try:
            return work()
        except RETRY_ON:
            env.cr.rollback()
            env.invalidate_all()
            if attempt == RETRIES:
                raise
            time.sleep(0.1 * 2**attempt)


class Asked(NamedTuple):
    """One customer of whom a run is asked once more: the ids of all his contacts."""

    contacts: tuple[int, ...]


class CrmModelRun(models.Model):
    """One refresh of the customers of one company: what it saw, what it froze, how it went.

    A run goes through the steps of ``crm.customer.profile._refresh_steps`` slice by slice; what
    it has worked out so far lies in unlogged tables of its own, so that a run whose process was
    killed goes on where it had committed.
    """

    _name = "crm.model.run"
    _description = "Customer Refresh"
    _order = "id DESC"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True, ondelete="cascade"
    )
    as_of = fields.Date(required=True, readonly=True, help="The last day whose facts count.")
    kind = fields.Selection(
        [("scheduled", "Nightly"), ("requested", "Recompute now"), ("explicit", "As of a date")],
        required=True,
        readonly=True,
    )
    state = fields.Selection(
        [
            ("queued", "Waiting"),
            ("running", "Running"),
            ("done", "Done"),
            ("busy", "Already running"),
            ("cancelled", "Cancelled"),
            ("failed", "Failed"),
        ],
        "Status",
        default="queued",
        required=True,
        readonly=True,
    )
    requested_by_id = fields.Many2one("res.users", readonly=True)
    cancel_requested = fields.Boolean(readonly=True)
    step = fields.Integer("Step Number", readonly=True)
    step_label = fields.Char("Step", compute="_compute_step_label")
    position = fields.Json("Position in the Step", readonly=True)
    progress = fields.Integer(readonly=True, help="Per cent of the work.")
    started_at = fields.Datetime("Started", readonly=True)
    published_at = fields.Datetime(
        "Published", readonly=True, help="When these numbers became the ones that are shown."
    )
    customer_count = fields.Integer("Customers", readonly=True)
    message = fields.Text(readonly=True, help="Why the refresh stopped, where it did not end.")
    settings = fields.Json(
        readonly=True,
        groups="crm_extended.group_manager",
        help="The settings that this run used.",
    )
    cut_on = fields.Date(
        "Scores Cut On", readonly=True, help="The day whose population cuts the RFM scores."
    )
    cut_points = fields.Json(
        "Cut-points",
        readonly=True,
        groups="crm_extended.group_manager",
        help="What separates the RFM scores.",
    )
    tier_thresholds = fields.Json(
        readonly=True,
        groups="crm_extended.group_margin",
        help="What the tiers began at, in money of the as-of month: a place among the customers is "
        "the measure of one of them.",
    )
    price_basis = fields.Selection(
        [("real", "Real"), ("nominal", "Nominal")],
        "Prices",
        readonly=True,
        help="Real: years are compared in the prices of the as-of month. Nominal: no price index "
        "covers them, and price rises count as growth.",
    )
    model = fields.Json(
        readonly=True,
        groups="crm_extended.group_manager",
        help="What was learned: parameters of the MBG/NBD model (time in trading days), from whom, "
        "how well it fits.",
    )
    leaving_is_seen = fields.Boolean(
        readonly=True,
        help="Whether the purchases tell that customers leave for good. Where they don't, silences "
        "end sooner or later, and nobody's leave date is known.",
    )
    season = fields.Json(
        readonly=True,
        help="Shares of the twelve months that forecasts follow, where they gain from it, and what "
        "was found.",
    )
    population = fields.Json(
        readonly=True,
        help="What customers are grouped by where forecasts gain from learning groups apart, and "
        "what was found.",
    )
    value_model = fields.Json(
        readonly=True,
        groups="crm_extended.group_margin",
        help="What was learned of the value of orders (Gamma-Gamma), and the rates of margin and "
        "cost of all customers.",
    )
    offers = fields.Json(
        readonly=True,
        groups="crm_extended.group_manager",
        help="How the next products were found: method, setting, chance by score, and the day they "
        "were found on.",
    )
    statistics = fields.Json(
        readonly=True,
        groups="crm_extended.group_manager",
        help="What was found: intervals, exclusions, staged rows.",
    )

    @api.depends("company_id", "as_of")
    def _compute_display_name(self):
        for run in self:
            run.display_name = f"{run.company_id.name}, {fields.Date.to_string(run.as_of)}"

    @api.depends("step", "state")
    def _compute_step_label(self):
        steps = self.env["crm.customer.profile"]._refresh_steps()
        for run in self:
            run.step_label = (
                steps[run.step].label if run.state == "running" and run.step < len(steps) else ""
            )

    # -------------------------------------------------------------- seams of a refresh

    def _windows(self, column: str) -> dict[str, SQL]:
        """The time windows of the measures, as conditions on a date column.

        ``12m``: the 12 months up to the as-of date; ``prev``: the 12 before; ``early``: the 12
        months up to half a year before the as-of date. The first day of a window is excluded.
        """

        return {
            name: SQL(
                "(%(column)s > %(after)s::date AND %(column)s <= %(until)s::date)",
                column=SQL.identifier(column),
                after=after,
                until=until,
            )
            for name, (after, until) in self._window_days().items()
        }

    def _window_days(self) -> dict[str, tuple]:
        """``{window: (the day before its first, its last day)}``"""
        return {
            name: tuple(self.as_of - relativedelta(months=months) for months in window)
            for name, window in {"12m": (12, 0), "prev": (24, 12), "early": (18, 6)}.items()
        }

    def _of_whom(self, partner: SQL, table: str | None = None) -> SQL:
        """Whether a contact is one of whose figures are asked: of all in a refresh, of one
        customer in an explanation. For what reads large tables.

        :param partner: the column of a contact's id
        :param table: or the column of the id of this table, which has a ``partner_id``
        """
        asked = self.env.context.get("customer_asked")
        # no context from outside holds one
        if not isinstance(asked, Asked):
            return SQL("TRUE")
        if table:
            return SQL(
                "%s IN (SELECT id FROM %s WHERE partner_id IN %s)",
                partner,
                SQL.identifier(table),
                asked.contacts,
            )
        return SQL("%s IN %s", partner, asked.contacts)

    def _staging(self, name: str) -> SQL:
        return SQL.identifier(f"{STAGING_PREFIX}{self.id}_{name}")

    def _frozen_cut_points(self, cut_on, customers: int) -> dict | None:
        """The cut-points that an earlier run of the company froze at a day, if one did and the
        population of that day is still the same but for a tenth (history may be imported)."""
        run = self.search(
            [
                ("company_id", "=", self.company_id.id),
                ("state", "=", "done"),
                ("cut_on", "=", cut_on),
            ],
            limit=1,
        )
        frozen = run.cut_points
        if not frozen or run.settings["source"] != self.settings["source"]:
            return None
        if self._prices_until(cut_on) != run._prices_until(cut_on):
            return None
        same = abs(customers - frozen["customers"]) <= frozen["customers"] / 10
        return frozen if same else None

    def _is_look_back(self) -> bool:
        """Whether this restates a day before the latest one that was published."""
        latest = self.company_id.customer_latest_as_of
        return bool(latest and self.as_of < latest)

    def _changed_inputs(self) -> set[str]:
        """The settings, and what else is no deed of a customer, that differ from those of the
        published refresh; all where there is none."""
        before = self.company_id.customer_run_id
        used, known = self.settings or {}, before.settings or {}
        changed = {key for key, value in used.items() if value != known.get(key)}
        # a month more is no other index
        changed.discard("prices")
        if before.price_basis and before.price_basis != self.price_basis:
            changed.add("prices")
        profiles = self.env["crm.customer.profile"]
        if profiles._is_predicting(before) != profiles._is_predicting(self):
            changed.add("model")
        if self._other_season(before):
            changed.add("season")
        if self._grouping() != before._grouping():
            changed.add("population")
        if profiles._records_payments(before) != profiles._records_payments(self):
            changed.add("payments")
        return changed

    def _other_season(self, before) -> bool:
        """Whether a month counts for another share, by more than what a month more tells."""
        ours, theirs = ((run.season or {}).get("shares") or [1] * 12 for run in (self, before))
        return any(
            abs(share - other) > SEASON_TOLERANCE for share, other in zip(ours, theirs, strict=True)
        )

    def _month(self) -> str:
        return str(self.as_of.replace(day=1))

    def _decided_this_month(self, name: str):
        """What an earlier refresh of the same month decided, on the same settings; else nothing."""
        decided = self.company_id.customer_run_id[name] or {}
        same = decided.get("month") == self._month() and not self._changed_inputs() & {
            "source",
            "calendar",
        }
        return decided if same else False

    def _grouping(self) -> tuple:
        """What customers are grouped by, and the groups learned apart."""
        population = self.population or {}
        return population.get("dimension"), tuple(population.get("groups") or ())

    def _prices_until(self, day) -> dict:
        prices = self.settings.get("prices") or {}
        return {month: index for month, index in prices.items() if month <= str(day)}

    # -------------------------------------------------------------------- running

    def _start(self):
        self.ensure_one()
        self.write(
            {
                "state": "running",
                "step": 0,
                "position": False,
                "progress": 0,
                "started_at": fields.Datetime.now(),
                "settings": self.company_id._customer_settings(),
                "statistics": False,
                "tier_thresholds": False,
                "model": False,
                "season": False,
                "population": False,
                "value_model": False,
                "offers": False,
            }
        )

    def _advance(self) -> bool:
        """Do one slice of work in the current transaction; whether more is left."""
        self.ensure_one()
        if not self._try_lock(WORK_LOCK):
            self._stop("busy", self.env._("A refresh of this company is already running."))
            return False
        if self.cancel_requested:
            published = self.env._("Cancelled on request; the numbers were published already.")
            unchanged = self.env._("Cancelled on request; nothing was changed.")
            self._stop("cancelled", published if self.published_at else unchanged)
            return False
        if self.state == "queued":
            self._start()
        profile = self.env["crm.customer.profile"]
        steps = profile._refresh_steps()
        done_share = getattr(profile, steps[self.step].method)(self)
        values = {"progress": int(100 * (self.step + min(done_share, 1)) / len(steps))}
        if done_share >= 1:
            values |= {"step": self.step + 1, "position": False}
        if values.get("step") == len(steps):
            values |= {"state": "done"}
        self.write(values)
        if self.state == "done":
            self._drop_staging()
        return self.state == "running"

    def _note(self, **values):
        """Add to what the run found."""
        self.statistics = (self.statistics or {}) | values

    def _stop(self, state: str, message: str):
        self.write({"state": state, "message": message})
        self._drop_staging()

    def _try_lock(self, key: int) -> bool:
        """Take the company's lock until the end of the transaction, without waiting."""
        [[locked]] = self.env.execute_query(
            SQL("SELECT pg_try_advisory_xact_lock(%s, %s)", key, self.company_id.id)
        )
        return locked

    @api.model
    def _try_lock_all(self) -> bool:
        """Take the locks of all companies: whether no refresh is running."""
        rows = self.env.execute_query(
            SQL(
                "SELECT pg_try_advisory_xact_lock(key, id) FROM res_company,"
                " (VALUES (%s), (%s)) AS locks (key)",
                RUN_LOCK,
                WORK_LOCK,
            )
        )
        return all(locked for [locked] in rows)

    def _create_staging(self):
        self._drop_staging()
        self._create_parent(
            "document",
            "partner_id integer, document_id bigint, date date, purchase_date date,"
            " purchases numeric, returns numeric, gross numeric, margin numeric, known numeric",
        )

    def _create_parent(self, name: str, columns: str):
        """An empty staging table that others become parts of."""
        table = self._staging(name)
        self.env.cr.execute(SQL("DROP TABLE IF EXISTS %s CASCADE", table))
        self.env.cr.execute(SQL("CREATE UNLOGGED TABLE %s (%s)", table, SQL(columns)))

    def _stage(self, name: str, select: SQL, parent: str | None = None):
        """Put what a select gives into a staging table, as a part of a parent table if given.

        ``CREATE TABLE AS`` and not ``INSERT``: PostgreSQL reads in parallel for the one only.
        """
        table = self._staging(name)
        self.env.cr.execute(SQL("DROP TABLE IF EXISTS %s", table))
        self.env.cr.execute(SQL("CREATE UNLOGGED TABLE %s AS %s", table, select))
        count = self.env.cr.rowcount
        if parent:
            self.env.cr.execute(SQL("ALTER TABLE %s INHERIT %s", table, self._staging(parent)))
        self.env.cr.execute(SQL("ANALYZE %s", table))
        return count

    def _drop_staging(self):
        """Drop the tables of these runs; of all runs when called on none."""
        patterns = [f"{STAGING_PREFIX}{run.id}_%" for run in self] or [f"{STAGING_PREFIX}%"]
        rows = self.env.execute_query(
            SQL(
                "SELECT tablename FROM pg_tables WHERE schemaname = current_schema"
                " AND tablename LIKE ANY(%s)",
                [pattern.replace("_", r"\_") for pattern in patterns],
            )
        )
        if rows:
            names = SQL(", ").join(SQL.identifier(name) for [name] in rows)
            self.env.cr.execute(SQL("DROP TABLE %s", names))

    def _is_intact(self) -> bool:
        """Whether the staged documents are those that were committed: a crash of the database
        empties unlogged tables."""
        staged = (self.statistics or {}).get("staged_documents")
        if staged is None:
            return True
        name = f"{STAGING_PREFIX}{self.id}_document"
        [[exists]] = self.env.execute_query(SQL("SELECT to_regclass(%s) IS NOT NULL", name))
        if not exists:
            return False
        [[count]] = self.env.execute_query(
            SQL("SELECT COUNT(*) FROM %s", self._staging("document"))
        )
        return count == staged

    # ------------------------------------------------------------------- actions

    def action_cancel(self):
        """Ask a waiting or running refresh to stop; what is published stays as it is."""
        self.env.user._check_customer_manager()
        runs = self.filtered(lambda run: run.state in ("queued", "running"))
        runs.check_access("read")
        if not runs:
            raise UserError(self.env._("This refresh has ended; there is nothing to cancel."))
        # runs have no write right for anyone: the job writes them
        runs.sudo().write({"cancel_requested": True})

    def _notify_requester(self):
        for run in self.filtered("requested_by_id"):
            user = run.requested_by_id
            env = self.with_context(lang=user.lang).env
            messages = {
                "done": env._("Customers are up to date."),
                "cancelled": env._("The refresh was cancelled; nothing was changed."),
                "busy": env._("A refresh of this company is already running."),
                "failed": env._("The refresh failed; see its message."),
            }
            user._bus_send(
                "simple_notification",
                {
                    "type": "success" if run.state == "done" else "warning",
                    "title": run.company_id.name,
                    "message": messages[run.state],
                },
            )

    @api.autovacuum
    def _gc_runs(self):
        """Drop runs older than 24 months, and what killed runs left staged."""
        horizon = fields.Datetime.now() - relativedelta(months=KEEP_MONTHS)
        limit = 1000
        published = self.env["res.company"].with_context(active_test=False).search([])
        old = self.search(
            [
                ("create_date", "<", horizon),
                ("id", "not in", published.customer_run_id.ids),
            ],
            limit=limit,
        )
        count = len(old)
        old.unlink()
        if self._try_lock_all():
            running = self.search([("state", "in", ("queued", "running"))])
            if not running:
                self.browse()._drop_staging()
        return count, count == limit
