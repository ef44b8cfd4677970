"""Processes that measurements start beside themselves, to load or to kill them.

    python -m benchmarks.tasks nightly DATABASE
    python -m benchmarks.tasks deliver DATABASE
    python -m benchmarks.tasks user DATABASE NUMBER SECONDS

Each prints one JSON object at its end, and ``ready`` on a line of its own when Odoo is loaded.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import Counter
from contextlib import contextmanager

from benchmarks.odoo_env import environment

READY, GIVEN_UP = "ready", "given up"
"""Lines on standard output: Odoo is loaded; Odoo refused to call a job that died too often."""


def _say(message: str) -> None:
    sys.stdout.write(message + "\n")
    sys.stdout.flush()


@contextmanager
def _counted_conflicts():
    """Errors of concurrency that the database raised, also those that the code retried."""
    import psycopg2

    from odoo.sql_db import Cursor

    conflicts: Counter[str] = Counter()
    execute = Cursor.execute

    def counting_execute(self, *args, **kwargs):
        try:
            return execute(self, *args, **kwargs)
        except psycopg2.Error as error:
            if (error.pgcode or "")[:2] in ("40", "55"):
                conflicts[error.pgcode] += 1
            raise

    Cursor.execute = counting_execute
    try:
        yield conflicts
    finally:
        Cursor.execute = execute


def nightly(database: str) -> None:
    """The scheduled action until it is done; says how long it took and its conflicts."""
    from benchmarks.measures.common import finish_nightly

    with environment(database) as env:
        env["crm.model.run"].search([], limit=1)
    _say(READY)
    start = time.monotonic()
    with _counted_conflicts() as conflicts:
        calls = finish_nightly(database, lambda: _say(GIVEN_UP))
    seconds = time.monotonic() - start
    _say(json.dumps({"seconds": seconds, "calls": calls, "conflicts": dict(conflicts)}))


def deliver(database: str) -> None:
    """The scheduled action that delivers events."""
    with environment(database) as env:
        env["crm.customer.event.queue"].search([], limit=1)
    _say(READY)
    with environment(database) as env:
        env.ref("crm_extended.ir_cron_customer_events").method_direct_trigger()
    _say("{}")


def user(database: str, number: str, seconds: str) -> None:
    """A user who edits his partners, or (number 0) an importer who adds some, until time is up.

    Each user has partners of his own, so that nobody waits for a colleague.
    """
    chooser = random.Random(int(number))
    with environment(database) as env:
        env.cr.execute(
            "SELECT id FROM res_partner WHERE ref LIKE 'C%%' AND id %% 8 = %s LIMIT 20000",
            [int(number) % 8],
        )
        ids = [partner_id for (partner_id,) in env.cr.fetchall()]
        env["res.partner"].browse(ids[0]).read(["name", "phone"])
    _say(READY)
    sys.stdin.readline()
    durations, failures = [], 0
    end = time.monotonic() + float(seconds)
    with _counted_conflicts() as conflicts:
        while time.monotonic() < end:
            start = time.monotonic()
            try:
                with environment(database, uid=2) as env:
                    if int(number):
                        _edit(env, chooser.choice(ids), chooser)
                    else:
                        _import(env, chooser)
            except Exception as error:
                failures += 1
                sys.stderr.write(f"user {number}: {error!r}\n")
            durations.append(time.monotonic() - start)
            time.sleep(0.05)
    _say(
        json.dumps(
            {
                "transactions": len(durations),
                "failures": failures,
                "conflicts": dict(conflicts),
                "longest": max(durations),
            }
        )
    )


def _edit(env, partner_id: int, chooser: random.Random) -> None:
    partner = env["res.partner"].browse(partner_id)
    partner.write({"phone": f"+44 20 7946 {chooser.randrange(10000):04d}", "city": "London"})


def _import(env, chooser: random.Random) -> None:
    start = chooser.randrange(10**9)
    rows = [[f"Imported {start + number}", f"I{start + number}"] for number in range(20)]
    messages = env["res.partner"].load(["name", "ref"], rows)["messages"]
    if messages:
        raise RuntimeError(messages)


if __name__ == "__main__":
    {"nightly": nightly, "deliver": deliver, "user": user}[sys.argv[1]](*sys.argv[2:])
