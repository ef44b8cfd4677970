"""What the refresh must survive: people at work meanwhile, and being killed."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

from benchmarks.databases import connect, query
from benchmarks.harness import FOLDER, Bench, Result, below, exactly, measure
from benchmarks.measures.common import (
    environment,
    nightly,
    prepare_margins,
    refresh,
    rows_hash,
    spoil,
)
from benchmarks.tasks import GIVEN_UP, READY

USERS = 8
IMPORTER = 0
WATCH_EVERY = 0.01
"""Seconds between two looks at the lock table."""


def _start(*arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.tasks", *arguments],
        cwd=FOLDER.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _await_ready(process: subprocess.Popen) -> None:
    for line in process.stdout:
        if line.strip() == READY:
            return
    raise RuntimeError(f"{process.args[2:]} ended with {process.wait()} before it was ready")


def _outcome(process: subprocess.Popen) -> dict:
    text = process.stdout.read().strip()
    if process.wait() or not text:
        raise RuntimeError(f"{process.args[2:]} ended with {process.returncode}")
    return json.loads(text.splitlines()[-1])


class LockWatch(threading.Thread):
    """Looks every 10 ms who waits for a lock, and since when."""

    def __init__(self, database: str) -> None:
        super().__init__(daemon=True)
        self.connection = connect(database)
        self.stopped = threading.Event()
        self.longest = 0.0
        """Seconds; what begins and ends between two looks is not seen."""
        self.waits: set[tuple] = set()

    def run(self) -> None:
        with self.connection.cursor() as cursor:
            while not self.stopped.wait(WATCH_EVERY):
                cursor.execute(
                    "SELECT pid, waitstart::text,"
                    " extract(epoch FROM clock_timestamp() - waitstart)::float"
                    " FROM pg_locks JOIN pg_stat_activity USING (pid)"
                    " WHERE NOT granted AND waitstart IS NOT NULL AND datname = current_database()"
                )
                for pid, since, seconds in cursor.fetchall():
                    self.waits.add((pid, since))
                    self.longest = max(self.longest, seconds)
        self.connection.close()

    def stop(self) -> None:
        self.stopped.set()
        self.join()


@measure("busy", "whole", timeout=2400)
def busy(bench: Bench) -> Iterator[Result]:
    """R1: 8 users edit partners and an importer adds some while every row is refreshed."""
    database = bench.database("whole")
    alone = nightly(database)
    spoil(database)
    seconds = max(20.0, 1.5 * alone + 10)
    people = [_start("user", database, str(number), str(seconds)) for number in range(USERS + 1)]
    job = _start("nightly", database)
    watch = LockWatch(database)
    try:
        for process in people:
            _await_ready(process)
        watch.start()
        for process in people:
            process.stdin.write("go\n")
            process.stdin.flush()
        _await_ready(job)
        done = _outcome(job)
        outcomes = [_outcome(process) for process in people]
    finally:
        for process in (job, *people):
            if process.poll() is None:
                process.kill()
        watch.stop()
    size = f"{bench.scale.whole:,} customers"
    transactions = sum(outcome["transactions"] for outcome in outcomes)
    yield Result(
        "busy.wait", watch.longest * 1000, "ms", below(100),
        f"longest lock wait, {len(watch.waits)} seen; {size}, {transactions} transactions of"
        f" {USERS} users and an importer, refresh {done['seconds']:.1f} s",
    )  # fmt: skip
    conflicts = Counter(done["conflicts"])
    yield Result("busy.refresh_conflicts", sum(conflicts.values()), "errors", exactly(0), size)
    user_conflicts = sum(sum(outcome["conflicts"].values()) for outcome in outcomes)
    failures = sum(outcome["failures"] for outcome in outcomes)
    yield Result(
        "busy.user_conflicts", user_conflicts + failures, "errors", exactly(0),
        f"longest transaction of a user {max(outcome['longest'] for outcome in outcomes):.2f} s",
    )  # fmt: skip


@measure("killed", "crash", timeout=2400)
def killed(bench: Bench) -> Iterator[Result]:
    """R2: killed at random moments and restarted until done: the rows of the undisturbed run."""
    database = bench.database("crash")
    prepare_margins(database)
    yesterday = date.today() - timedelta(days=30)

    def reset() -> None:
        with environment(database) as env:
            refresh(env, yesterday)

    reset()
    spent = nightly(database)
    expected = rows_hash(database)
    chooser = random.Random(2)
    kills = completions = wrong = refused = 0
    reset()
    while kills < bench.scale.kills:
        was_killed, given_up = start_and_kill("nightly", database, spent, chooser)
        refused += given_up
        if was_killed:
            kills += 1
        else:
            completions += 1
            wrong += rows_hash(database) != expected
            reset()
    _wait_for_orphans(database)
    nightly(database)
    final = rows_hash(database)
    wrong += final != expected
    yield Result(
        "killed.rows", wrong, "differences", exactly(0),
        f"{kills} kills within {spent:.1f} s each, {completions + 1} completions compared,"
        f" {final[0]:,} rows",
    )  # fmt: skip
    runs = query("SELECT state, count(*) FROM crm_model_run GROUP BY state", database=database)
    unfinished = sum(count for state, count in runs if state in ("queued", "running"))
    left = query(
        "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'crm\\_customer\\_staging\\_%%'",
        database=database,
    )[0][0]
    yield Result(
        "killed.left_behind", unfinished + left, "runs and tables", exactly(0),
        ", ".join(f"{count} {state}" for state, count in sorted(runs)),
    )  # fmt: skip
    yield Result(
        "killed.given_up", refused, "times", exactly(0),
        "how often Odoo put the job off to the next night, because it had died three times without"
        " having reported progress",
    )  # fmt: skip


def start_and_kill(
    task: str, database: str, spent: float, chooser: random.Random
) -> tuple[bool, int]:
    """Start a job and kill it at a random moment; whether it was still at work, and how often
    Odoo refused to call it."""
    job = _start(task, database)
    try:
        _await_ready(job)
        time.sleep(chooser.uniform(0, spent))
    finally:
        done = job.poll() is not None
        if not done:
            job.send_signal(signal.SIGKILL)
        output = job.stdout.read()
        job.wait()
    if done and job.returncode:
        raise RuntimeError("the job failed after a kill; see above")
    return not done, output.splitlines().count(GIVEN_UP)


def _wait_for_orphans(database: str) -> None:
    """A killed process's statement goes on in the server until its end."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        [(busy_backends,)] = query(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
            " AND state <> 'idle'",
            (database,),
        )
        if not busy_backends:
            return
        time.sleep(0.2)
    raise RuntimeError("statements of killed processes did not end within two minutes")
