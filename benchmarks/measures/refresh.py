"""The nightly refresh: against the floor, by size, in memory, unchanged, against a loop."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from statistics import median
from typing import TYPE_CHECKING

from dateutil.relativedelta import relativedelta

from benchmarks.harness import QUICK, Bench, Result, at_least, at_most, below, exactly, measure
from benchmarks.measures.common import (
    Stopwatch,
    environment,
    finish_nightly,
    nightly,
    peak_memory,
    prepare_margins,
    refresh,
    rewritten_rows,
    row_columns,
    row_versions,
    seconds_by_step,
    spoil,
    timed_slices,
)

if TYPE_CHECKING:
    from odoo.api import Environment

SUMS = """
    CREATE UNLOGGED TABLE bench_floor_sums AS
    SELECT move.commercial_partner_id AS partner_id,
           count(DISTINCT move.id) AS documents,
           min(move.invoice_date) AS first_date,
           max(move.invoice_date) AS last_date,
           sum(-line.balance) AS revenue_total,
           sum(-line.balance) FILTER (WHERE move.invoice_date > %(year_ago)s) AS revenue_12m,
           sum(-line.balance) FILTER (WHERE move.invoice_date <= %(year_ago)s
                                        AND move.invoice_date > %(two_years_ago)s) AS revenue_prev
           {margin}
      FROM account_move_line AS line
      JOIN account_move AS move ON move.id = line.move_id
      {costs}
     WHERE line.display_type = 'product'
       AND move.state = 'posted'
       AND move.move_type IN ('out_invoice', 'out_refund')
     GROUP BY move.commercial_partner_id
"""
"""Per-customer sums over the tables that the refresh reads, as simply as one can write them."""
MARGIN = """
         , sum(-line.balance - cost.unit_cost * line.quantity
               * CASE WHEN move.move_type = 'out_refund' THEN -1 ELSE 1 END)
               FILTER (WHERE move.invoice_date > %(year_ago)s) AS margin_12m
"""
COSTS = """
      LEFT JOIN (
        SELECT rel.invoice_line_id, avg(order_line.purchase_price) AS unit_cost
          FROM sale_order_line_invoice_rel AS rel
          JOIN sale_order_line AS order_line ON order_line.id = rel.order_line_id
         GROUP BY rel.invoice_line_id
      ) AS cost ON cost.invoice_line_id = line.id
"""


def floor_seconds(env: Environment, margins: bool = True) -> float:
    """Time of the two plain statements that no refresh can do without."""
    cr = env.cr
    sums = SUMS.format(margin=MARGIN if margins else "", costs=COSTS if margins else "")
    today = date.today()
    windows = {
        "year_ago": today - relativedelta(years=1),
        "two_years_ago": today - relativedelta(years=2),
    }
    cr.execute("SET LOCAL work_mem = '256MB'; SET LOCAL hash_mem_multiplier = 2")
    cr.execute("DROP TABLE IF EXISTS bench_floor_sums, bench_floor_rows")
    cr.execute("CREATE TABLE bench_floor_rows (LIKE crm_customer_profile)")
    columns = ", ".join(f'"{name}"' for name in row_columns(env))
    cr.commit()
    cr.execute("SET LOCAL work_mem = '256MB'; SET LOCAL hash_mem_multiplier = 2")
    with Stopwatch() as watch:
        cr.execute(sums, windows)
        cr.execute(
            f"INSERT INTO bench_floor_rows ({columns}) SELECT {columns} FROM crm_customer_profile"
        )
        cr.commit()
    cr.execute("DROP TABLE bench_floor_sums, bench_floor_rows")
    cr.commit()
    return watch.seconds


@measure("refresh_floor", "main", timeout=1800)
def refresh_floor(bench: Bench) -> Iterator[Result]:
    """Nightly refresh with every row changing, as a multiple of the floor."""
    database = bench.database("main")
    prepare_margins(database)
    first = nightly(database)
    refreshes, floors, all_slices, rewritten = [], [], [], 0
    for _round in range(bench.scale.rounds):
        rows = spoil(database)
        before = row_versions(database)
        with timed_slices() as slices:
            refreshes.append(nightly(database))
        all_slices += slices
        rewritten = rewritten_rows(before, row_versions(database))
        with environment(database) as env:
            floors.append(floor_seconds(env))
    if rewritten != rows:
        raise RuntimeError(f"only {rewritten} of {rows} rows were rewritten")
    yield Result(
        "refresh_floor",
        median(refreshes) / median(floors),
        "×",
        # 4 without tiers, events, real money and credit
        at_most(4.5),
        f"{rows:,} rows in {median(refreshes):.1f} s, floor {median(floors):.1f} s;"
        f" medians of {bench.scale.rounds}; {seconds_by_step(all_slices, len(refreshes))}",
    )
    yield Result("refresh_floor.first", first, "s", note="first refresh: all rows inserted")


@measure("refresh_memory", "main")
def refresh_memory(bench: Bench) -> Iterator[Result]:
    """Peak memory of an Odoo process that starts and refreshes every row."""
    database = bench.database("main")
    nightly(database)
    before = peak_memory()
    spoil(database)
    nightly(database)
    yield Result(
        "refresh_memory", peak_memory(), "MB", below(512), f"{before:.0f} MB after the first run"
    )


@measure("refresh_unchanged", "main")
def refresh_unchanged(bench: Bench) -> Iterator[Result]:
    """Rows rewritten by a second refresh on the same data as of the same day."""
    database = bench.database("main")
    nightly(database)
    before = row_versions(database)
    seconds = nightly(database)
    after = row_versions(database)
    yield Result(
        "refresh_unchanged", rewritten_rows(before, after), "rows", exactly(0),
        f"of {len(before):,}, by xmin and ctid; {seconds:.1f} s",
    )  # fmt: skip


@measure("refresh_loop", "small")
def refresh_loop(bench: Bench) -> Iterator[Result]:
    """The refresh against one ``_read_group`` and one ``write`` per customer."""
    database = bench.database("small")
    prepare_margins(database)
    nightly(database)
    times = []
    for _round in range(bench.scale.rounds):
        spoil(database)
        times.append(nightly(database))
    with environment(database) as env:
        _add_loop_fields(env)
    for name, condition, limit in (
        ("refresh_loop", ("partner_id", "child_of"), bench.scale.loop),
        ("refresh_loop.commercial", ("commercial_partner_id", "="), QUICK.loop),
    ):
        with environment(database) as env, Stopwatch() as watch:
            done, customers = _loop(env, condition, limit)
        seconds = watch.seconds * customers / done
        yield Result(
            name,
            seconds / median(times),
            "×",
            at_least(30),
            f"loop by {condition[0]} {seconds:.1f} s, refresh {median(times):.2f} s,"
            f" {customers:,} customers"
            + ("" if done == customers else f" (loop over {done:,} of them)"),
        )


LOOP_FIELDS = {"x_bench_orders": "integer", "x_bench_revenue": "float", "x_bench_last": "date"}


def _add_loop_fields(env: Environment) -> None:
    """The stored fields on the partner that such an app has."""
    model = env["ir.model"]._get("res.partner")
    env["ir.model.fields"].create(
        [
            {"name": name, "ttype": kind, "model_id": model.id, "field_description": name}
            for name, kind in LOOP_FIELDS.items()
            if name not in env["res.partner"]._fields
        ]
    )


def _loop(env: Environment, condition: tuple[str, str], limit: int) -> tuple[int, int]:
    """Three figures per customer, one customer after the other, as the apps of the store do.

    The invoices of a customer are those to him and to his contacts: found by ``partner_id``,
    which is indexed, or by ``commercial_partner_id``, which is not. One flush at the end is the
    best case for the loop. Returns customers done, and customers there are.
    """
    env.cr.execute("SELECT partner_id FROM crm_customer_profile ORDER BY partner_id")
    customers = env["res.partner"].browse([partner_id for (partner_id,) in env.cr.fetchall()])
    Move = env["account.move"]
    for customer in customers[:limit]:
        domain = [
            (*condition, customer.id),
            ("state", "=", "posted"),
            ("move_type", "in", ("out_invoice", "out_refund")),
        ]
        aggregates = ["__count", "amount_untaxed_signed:sum", "invoice_date:max"]
        [(count, revenue, last)] = Move._read_group(domain, [], aggregates)
        customer.write({"x_bench_orders": count, "x_bench_revenue": revenue, "x_bench_last": last})
    env.flush_all()
    return min(limit, len(customers)), len(customers)


@measure("refresh_scaling", "tenth", "whole", timeout=2400)
def refresh_scaling(bench: Bench) -> Iterator[Result]:
    """Ten times the customers, the same mix: how much longer a refresh of every row takes."""
    times, calls = {}, {}
    for size in ("tenth", "whole"):
        database = bench.database(size)
        nightly(database)
        rounds = []
        for _round in range(bench.scale.rounds if size == "tenth" else 1):
            spoil(database)
            with Stopwatch() as watch:
                calls[size] = finish_nightly(database)
            rounds.append(watch.seconds)
        times[size] = median(rounds)
    yield Result(
        "refresh_scaling",
        times["whole"] / times["tenth"],
        "×",
        at_most(12),
        f"{bench.scale.whole:,} customers {times['whole']:.1f} s in {calls['whole']} calls,"
        f" {bench.scale.tenth:,} {times['tenth']:.1f} s",
    )
    with environment(bench.database("whole")) as env:
        floor = floor_seconds(env, margins=False)
    yield Result(
        "refresh_scaling.floor", times["whole"] / floor, "×", at_most(5),
        f"{bench.scale.whole:,} customers {times['whole']:.1f} s, floor {floor:.1f} s",
    )  # fmt: skip


@measure("refresh_slices", "whole", timeout=2400)
def refresh_slices(bench: Bench) -> Iterator[Result]:
    """Longest transaction of a refresh at the largest size: workers may be killed after 60 s."""
    database = bench.database("whole")
    spoil(database)
    with timed_slices() as slices:
        nightly(database)
    seconds, step = max(slices)
    yield Result(
        "refresh_slices", seconds, "s", at_most(20),
        f"step {step}, of {len(slices)} slices; {seconds_by_step(slices, 1)}",
    )  # fmt: skip


@measure("refresh_past", "small")
def refresh_past(bench: Bench) -> Iterator[Result]:
    """Rows of a refresh as of 90 days ago, done before and after one as of today."""
    from benchmarks.measures.common import rows_hash

    database = bench.database("small")
    past = date.today() - relativedelta(days=90)
    hashes = []
    for as_of in (past, None, past):
        with environment(database) as env:
            refresh(env, as_of)
        hashes.append(rows_hash(database))
    with environment(database) as env:
        refresh(env)
    yield Result(
        "refresh_past", int(hashes[0] != hashes[2]), "differences", exactly(0),
        f"{hashes[0][0]:,} rows then, {hashes[1][0]:,} today",
    )  # fmt: skip
