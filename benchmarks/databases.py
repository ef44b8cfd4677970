"""The databases that measurements need, and how each is made.

Templates with the addons installed are made once; the others are copies of a template
(``CREATE DATABASE … TEMPLATE``) filled by the generator or the loader. All are named
``bench_…`` and are dropped after the run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from benchmarks.harness import FOLDER, Scale
from benchmarks.odoo_env import configure

ADDON = "crm_extended"
WEEK = timedelta(days=7)
RETAIL_FILE = "online_retail.csv.gz"
HILLSTROM_FILE = "hillstrom.csv.gz"
AUTOMATION = "crm_extended_automation"
ORDER_MODULES = "sale_crm"
"""What the addon depends on."""


@dataclass(frozen=True)
class Recipe:
    """How a database is made: a copy of ``parent``, then ``build(name, scale)`` in a process of
    its own."""

    parent: str | None
    build: Callable[[str, Scale], None]
    doc: str


# The server


def connect(database: str = "postgres"):
    """A plain connection in autocommit, by the usual PG variables."""
    import psycopg2

    connection = psycopg2.connect(dbname=database)
    connection.autocommit = True
    return connection


def query(statement: str, parameters: tuple = (), database: str = "postgres") -> list[tuple]:
    """Rows of one statement."""
    connection = connect(database)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def server_version() -> str:
    return query("SHOW server_version")[0][0].split()[0]


def exists(name: str) -> bool:
    return bool(query("SELECT 1 FROM pg_database WHERE datname = %s", (name,)))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def drop(name: str) -> None:
    """Drop a database of ours, with its file store."""
    if not name.startswith("bench_"):
        raise ValueError(f"{name} is none of ours")
    query(f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")
    from odoo.tools import config

    configure(name)
    shutil.rmtree(config.filestore(name), ignore_errors=True)


def copy(parent: str, name: str) -> None:
    drop(name)
    files = int(query("SHOW server_version_num")[0][0]) >= 150000
    strategy = " STRATEGY FILE_COPY" if files else ""
    query(f"CREATE DATABASE {_quoted(name)} TEMPLATE {_quoted(parent)}{strategy}")


# Modules


def odoo_command(database: str, *arguments: str) -> list[str]:
    """The command line of an Odoo that serves nobody."""
    return [sys.executable, "-m", "odoo", "-d", database, "--no-http", "--max-cron-threads=0",
            "--stop-after-init", "--log-level=error", *arguments]  # fmt: skip


def install(database: str, modules: str) -> tuple[float, float]:
    """Install modules in a process of its own; its seconds and its peak memory in MB."""
    start = time.monotonic()
    process = subprocess.Popen(odoo_command(database, "-i", modules), cwd=FOLDER.parent)
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"installation of {modules} ended with {process.returncode}")
    return time.monotonic() - start, usage.ru_maxrss / 1024


# Recipes


def _build_core(name: str, scale: Scale) -> None:
    install(name, ORDER_MODULES)


def _build_margin(name: str, scale: Scale) -> None:
    install(name, "sale_margin")


def _build_addon(name: str, scale: Scale) -> None:
    install(name, ADDON)


def _generate(name: str, **mix: object) -> None:
    from benchmarks import bulk
    from benchmarks.generate import Mix, generate
    from benchmarks.odoo_env import environment

    with environment(name) as env:
        generate(env, Mix(**mix))
    bulk.vacuum(name)


LOOP_CUSTOMERS = 10_000


def _build_main(name: str, scale: Scale) -> None:
    _generate(name, customers=scale.main)


def _build_small(name: str, scale: Scale) -> None:
    _generate(name, customers=LOOP_CUSTOMERS)


def _build_crash(name: str, scale: Scale) -> None:
    _generate(name, customers=scale.crash)


def _build_tiny(name: str, scale: Scale) -> None:
    _generate(name, customers=200, products=50)


def _build_loyal(name: str, scale: Scale) -> None:
    _generate(name, customers=scale.loyal, months=38, invoices=8.0)


def _build_events(name: str, scale: Scale) -> None:
    """10,000 customers for 10,000 events, and automation rules."""
    _generate(name, customers=10_500, invoices=1.0, lines=1.0)
    install(name, AUTOMATION)


def _build_prices(name: str, scale: Scale) -> None:
    """Filled by its measurement."""


LEAN = {"invoices": 2.0, "lines": 1.5}
"""Documents of the two databases that differ in size alone: fewer, so that a million fits."""


def _build_tenth(name: str, scale: Scale) -> None:
    _generate(name, customers=scale.tenth, **LEAN)
    install(name, ADDON)


def _build_whole(name: str, scale: Scale) -> None:
    """Installs on top of the partners, and keeps what that took for ``measures/install.py``."""
    _generate(name, customers=scale.whole, **LEAN)
    before = partner_versions(name)
    seconds, memory = install(name, ADDON)
    rewritten = before != partner_versions(name)
    query("CREATE TABLE bench_installation (record text)", database=name)
    record = {"seconds": seconds, "memory": memory, "rewritten": rewritten}
    query("INSERT INTO bench_installation VALUES (%s)", (json.dumps(record),), database=name)


def partner_versions(name: str) -> tuple:
    """Table file and row versions of res_partner: equal if and only if no row was rewritten."""
    return query(
        "SELECT pg_relation_filenode('res_partner'), count(*),"
        " sum(hashtextextended(concat(id, ' ', xmin, ' ', ctid), 0)) FROM res_partner"
        " WHERE id NOT IN (SELECT partner_id FROM res_users)",
        database=name,
    )[0]


def data_path(name: str) -> Path:
    """Where a data set is: ``BENCH_DATA`` names the folder, else ``../shared/data``."""
    folder = os.environ.get("BENCH_DATA")
    return (Path(folder) if folder else FOLDER.parent.parent / "shared" / "data") / name


def retail_path() -> Path:
    """Where Online Retail is."""
    return data_path(RETAIL_FILE)


def _build_cdnow(name: str, scale: Scale) -> None:
    """Loads the data set as a CSV of one line a purchase."""
    import csv
    import runpy
    import tempfile
    from datetime import date

    from benchmarks.csv_lines import Layout
    from benchmarks.load_csv import load_csv
    from benchmarks.odoo_env import environment

    # its package would import the addon, and that Odoo
    reader = runpy.run_path(str(FOLDER.parent / "crm_extended/tests/analytics/datasets.py"))
    with tempfile.TemporaryDirectory() as folder, environment(name) as env:
        path = Path(folder) / "cdnow.csv"
        with path.open("w", newline="") as stream:
            lines = csv.writer(stream)
            lines.writerow(Layout().columns)
            for number, (customer, day, value) in enumerate(reader["cdnow_purchases"](), 1):
                lines.writerow(
                    (number, "CD", "Records", 1, date.fromordinal(day), value, customer, "")
                )
        load_csv(env, path, Layout())


MAILED_ON = date(2024, 3, 20)
"""The day on which the mailings of ``hillstrom`` went out."""


def _build_campaign(name: str, scale: Scale) -> None:
    """The customers of Hillstrom's test with what they had spent before, and what they then did."""
    import csv
    import gzip
    import tempfile

    from benchmarks.csv_lines import Layout
    from benchmarks.load_csv import load_csv
    from benchmarks.odoo_env import environment

    if not data_path(HILLSTROM_FILE).exists():
        return
    with tempfile.TemporaryDirectory() as folder, environment(name) as env:
        path = Path(folder) / "hillstrom.csv"
        with (
            path.open("w", newline="") as stream,
            gzip.open(data_path(HILLSTROM_FILE), "rt", newline="") as source,
        ):
            lines = csv.writer(stream)
            lines.writerow(Layout().columns)
            for number, row in enumerate(csv.DictReader(source), 1):
                before = MAILED_ON - timedelta(days=30 * int(row["recency"]))
                bought = [("H", before, row["history"]), ("S", MAILED_ON + WEEK, row["spend"])]
                for mark, day, amount in bought:
                    if float(amount):
                        lines.writerow(
                            (f"{mark}{number}", "GOODS", "Goods", 1, day, amount, number, "")
                        )
        load_csv(env, path, Layout())
    from benchmarks import bulk

    bulk.vacuum(name)


def _build_retail(name: str, scale: Scale) -> None:
    """Loads the file where it is there, and keeps the load's report in the database."""
    from benchmarks.csv_lines import ONLINE_RETAIL_CHARGES, Layout
    from benchmarks.load_csv import load_csv
    from benchmarks.odoo_env import environment

    record = "null"
    if retail_path().exists():
        layout = Layout(charges=frozenset(ONLINE_RETAIL_CHARGES), cancel_prefix="C")
        with environment(name) as env:
            record = load_csv(env, retail_path(), layout).as_json()
    query("CREATE TABLE bench_load (record text)", database=name)
    query("INSERT INTO bench_load VALUES (%s)", (record,), database=name)


RECIPES: dict[str, Recipe] = {
    "core": Recipe(None, _build_core, "Odoo with what the addon depends on"),
    "margin": Recipe("core", _build_margin, "the same with sale_margin"),
    "addon": Recipe("margin", _build_addon, "the same with the addon and its margin part"),
    "main": Recipe("addon", _build_main, "the standard mix"),
    "small": Recipe("addon", _build_small, "the standard mix, for the per-customer loop"),
    "crash": Recipe("addon", _build_crash, "the standard mix, for kills"),
    "tenth": Recipe("core", _build_tenth, "a lean mix, then the addon installed"),
    "whole": Recipe("core", _build_whole, "ten times as much, then the addon installed"),
    "without": Recipe("margin", _build_tiny, "200 customers without the addon"),
    "with": Recipe("addon", _build_tiny, "the same 200 customers with the addon"),
    "loyal": Recipe("addon", _build_loyal, "three years of customers, for a year of nights"),
    "events": Recipe("addon", _build_events, "the same with automation rules"),
    "prices": Recipe("addon", _build_prices, "no customer yet"),
    "cdnow": Recipe("addon", _build_cdnow, "CDNOW"),
    "own_prices": Recipe("addon", _build_prices, "the same, for an index of its own"),
    "retail": Recipe("addon", _build_retail, "Online Retail"),
    "campaign": Recipe("addon", _build_campaign, "Hillstrom's test"),
}


def database_name(recipe: str, scale: Scale) -> str:
    return f"bench_{scale.name}_{recipe}"
