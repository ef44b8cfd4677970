"""What several measurements need: the nightly job, row versions, times and query counts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

from odoo.tools import SQL

from benchmarks.odoo_env import environment

if TYPE_CHECKING:
    from odoo.api import Environment
    from odoo.models import BaseModel

CRON = "crm_extended.ir_cron_customer_refresh"
ROWS = "crm_customer_profile"
MAX_CALLS = 200
"""Calls of the job after which it will never end."""


class Stopwatch:
    """Seconds of a ``with`` block."""

    seconds: float = 0

    def __enter__(self) -> Stopwatch:
        self._start = time.monotonic()
        return self

    def __exit__(self, *_error: object) -> None:
        self.seconds = time.monotonic() - self._start


def nightly(database: str) -> float:
    """Run the scheduled action as the scheduler does, until its run is done; return seconds."""
    with environment(database):
        pass  # loads Odoo, which is no part of the job
    with Stopwatch() as watch:
        finish_nightly(database)
    return watch.seconds


def finish_nightly(database: str, given_up: Callable[[], object] | None = None) -> int:
    """The same; return how many calls it took (the job splits its work into slices).

    ``given_up`` is called whenever Odoo refuses the call because the job died three times in a
    row without having reported progress; it would then wait for the next night.
    """
    with environment(database) as env:
        before = _progress(env)
    for call in range(1, MAX_CALLS + 1):
        with environment(database) as env:
            if not _trigger(env):
                if given_up:
                    given_up()
                continue
        with environment(database) as env:
            state, *_rest = now = _progress(env)
            if now == before or state in ("failed", "cancelled"):
                reason = _last_run(env).message
                raise RuntimeError(f"the refresh did not run: {state or ''} {reason or ''}")
        if state == "done":
            return call
        if state == "busy":
            time.sleep(0.2)
    raise RuntimeError(f"the refresh was not done after {MAX_CALLS} calls")


def _trigger(env: Environment) -> bool:
    """Call the scheduled action; whether Odoo did."""
    try:
        env.ref(CRON).method_direct_trigger()
    except TypeError:
        # The job was given up, and Odoo stumbles over its own message about it.
        return False
    return True


def _progress(env: Environment) -> tuple:
    """What tells whether the job has done anything."""
    run = _last_run(env)
    return run.state, run.id, run.step, run.published_at


@contextmanager
def timed_slices() -> Iterator[list[tuple[float, str]]]:
    """Seconds and step of each slice (one transaction) of the refreshes of the block."""
    from odoo.addons.crm_extended.models.crm_model_run import CrmModelRun

    slices: list[tuple[float, str]] = []
    advance = CrmModelRun._advance

    def timed_advance(run):
        steps = run.env["crm.customer.profile"]._refresh_steps()
        name = steps[min(run.step, len(steps) - 1)].name
        with Stopwatch() as watch:
            more = advance(run)
        slices.append((watch.seconds, name))
        return more

    CrmModelRun._advance = timed_advance
    try:
        yield slices
    finally:
        CrmModelRun._advance = advance


def seconds_by_step(slices: list[tuple[float, str]], refreshes: int) -> str:
    """Mean seconds of each step, as text."""
    sums: dict[str, float] = {}
    for seconds, name in slices:
        sums[name] = sums.get(name, 0) + seconds / refreshes
    return ", ".join(f"{name} {seconds:.1f} s" for name, seconds in sums.items())


def _last_run(env: Environment) -> BaseModel:
    """The newest run of the job; a run that was killed is gone on with under its old number."""
    return env["crm.model.run"].search([("kind", "!=", "explicit")], order="id DESC", limit=1)


def refresh(env: Environment, as_of: date | None = None) -> None:
    """Refresh within the transaction of ``env``, and insist on success."""
    for run in env["crm.customer.profile"].refresh(as_of=as_of):
        if run.state != "done":
            raise RuntimeError(f"the refresh ended as {run.state}: {run.message or ''}")


def spoil(database: str) -> int:
    """Change a stored figure of every row, so that the next refresh must write them all."""
    from benchmarks import bulk

    with environment(database) as env:
        env.cr.execute("UPDATE crm_customer_profile SET revenue_total = revenue_total + 1")
        rows = env.cr.rowcount
    bulk.vacuum(database, [ROWS])
    return rows


def prepare_margins(database: str) -> None:
    """Costs on generated orders are right for all time, not only since the installation."""
    with environment(database) as env:
        companies = env["res.company"].search([])
        if "customer_margin_since" in companies._fields:
            companies.customer_margin_since = False


def rewritten_rows(before: dict[int, str], after: dict[int, str]) -> int:
    """Rows of another version, added or gone."""
    return sum(before.get(row) != after.get(row) for row in before.keys() | after.keys())


def row_versions(database: str) -> dict[int, str]:
    """Version of each customer row: it changes when the row is written, even with equal values."""
    with environment(database) as env:
        env.cr.execute("SELECT id, xmin::text || ctid::text FROM crm_customer_profile")
        return dict(env.cr.fetchall())


def rows_hash(database: str) -> tuple[int, str]:
    """Number and hash of all customer rows, without their ids."""
    with environment(database) as env:
        env.cr.execute(
            """
            SELECT count(*),
                   coalesce(sum(hashtextextended((to_jsonb(row) - 'id')::text, 0)), 0)::text
              FROM crm_customer_profile AS row
            """
        )
        return env.cr.fetchone()


def row_columns(env: Environment) -> list[str]:
    env.cr.execute(
        SQL(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
            " AND NOT attisdropped ORDER BY attnum",
            ROWS,
        )
    )
    return [name for (name,) in env.cr.fetchall()]


def peak_memory() -> float:
    """Highest resident memory of this process so far, in MB."""
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    raise RuntimeError("this system does not tell a process's peak memory")


@contextmanager
def counted_queries(env: Environment) -> Iterator[list[int]]:
    """Number of queries of the block, in the list's only item afterwards."""
    count = [0]
    start = env.cr.sql_log_count
    yield count
    count[0] = env.cr.sql_log_count - start


def salesperson(env: Environment) -> Environment:
    """As a salesperson who sees his own customers and those without an owner."""
    user = env["res.users"].search([("login", "=", "bench_sales_1")])
    return env(user=user.id, context={"lang": "en_US"})


def cold(work: Callable[[], object], env: Environment) -> tuple[float, int]:
    """Milliseconds and queries of ``work`` with an empty record cache, as in a new request."""
    env.invalidate_all()
    with counted_queries(env) as count, Stopwatch() as watch:
        work()
    return watch.seconds * 1000, count[0]
