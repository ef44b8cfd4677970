"""Tiers, events and real money: what must hold night after night, and how fast events arrive."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING

from dateutil.relativedelta import relativedelta

from benchmarks.databases import query
from benchmarks.harness import Bench, Result, at_most, exactly, measure
from benchmarks.measures.common import Stopwatch, environment, prepare_margins, refresh
from benchmarks.measures.reliability import start_and_kill

if TYPE_CHECKING:
    from odoo.api import Environment

EVENTS = 10_000
KILLS = 5
GUARANTEE = 90
"""Days: short, so that a year sees tiers end."""
INFLATION = 0.5
"""A year."""


@measure("nights", "loyal", timeout=2400)
def nights(bench: Bench) -> Iterator[Result]:
    """A year of nights: nobody moves two tiers at once, nobody flaps, equals have equal tiers."""
    database = bench.database("loyal")
    prepare_margins(database)
    today = date.today()
    days = [today - timedelta(days=ago) for ago in reversed(range(bench.scale.nights))]
    begin_anew(database)
    jumps = flaps = moves = 0
    last: dict[int, int] = {}
    moved: dict[int, tuple[date, int]] = {}
    with Stopwatch() as watch:
        for day in days:
            with environment(database) as env:
                refresh(env, day)
                ranks = _ranks(env)
            for partner, rank in ranks.items():
                step = rank - last.get(partner, rank)
                if not step:
                    continue
                moves += 1
                jumps += abs(step) > 1
                before_day, before_step = moved.get(partner, (date.min, step))
                # down after an up within the guarantee: the promise was not kept
                flaps += step < 0 < before_step and (day - before_day).days <= GUARANTEE
                moved[partner] = (day, step)
            last = ranks
    size = f"{bench.scale.loyal:,} customers, {len(days)} nights, {moves:,} moves"
    yield Result("nights.jumps", jumps, "moves", exactly(0), f"by two tiers in a night; {size}")
    yield Result(
        "nights.flaps",
        flaps,
        "moves",
        exactly(0),
        f"down within {GUARANTEE} days after an up; {size}",
    )
    with environment(database) as env:
        twins = _unequal_twins(env)
    yield Result("nights.equals", twins, "pairs", exactly(0), "same purchases, another tier")
    yield Result("nights.seconds", watch.seconds / len(days), "s", note="a night, at this size")


def begin_anew(database: str) -> None:
    """Forget what earlier refreshes knew; twins buy what others buy."""
    with environment(database) as env:
        env.company.customer_tier_guarantee = GUARANTEE
        env.cr.execute(
            "DELETE FROM crm_loyalty_tier_history; DELETE FROM crm_customer_profile;"
            " DELETE FROM crm_customer_event_queue; UPDATE res_company"
            " SET customer_run_id = NULL, customer_latest_as_of = NULL"
        )
        env.invalidate_all()
        if not env["res.partner"].search_count([("ref", "=like", "TWIN%")], limit=1):
            _make_twins(env)


def _make_twins(env: Environment) -> None:
    """Ten pairs who buy the same on the same days."""
    from benchmarks.csv_lines import Layout
    from benchmarks.load_csv import load_stream

    chooser = random.Random(7)
    rows = []
    for pair in range(10):
        for purchase in range(20):
            day = date.today() - timedelta(days=chooser.randrange(700))
            price = chooser.randrange(10, 900)
            rows += [
                (f"T{pair}-{purchase}-{twin}", day, price, f"TWIN{pair}-{twin}") for twin in "AB"
            ]
    load_stream(env, _csv(rows), Layout())


def _csv(rows: list[tuple[str, date, object, str]]) -> io.StringIO:
    """Invoices of one line each, in the loader's format."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(
        ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice",
         "CustomerID", "Country")
    )  # fmt: skip
    for invoice, day, price, customer in rows:
        writer.writerow((invoice, "GOODS", "Goods", 1, day.isoformat(), price, customer, ""))
    stream.seek(0)
    return stream


def _ranks(env: Environment) -> dict[int, int]:
    """Customer → number of his tier from below."""
    tiers = env.company._loyalty_tiers().ids
    env.cr.execute(
        "SELECT partner_id, array_position(%s, tier_id) FROM crm_customer_profile"
        " WHERE tier_id IS NOT NULL",
        [tiers],
    )
    return dict(env.cr.fetchall())


def _unequal_twins(env: Environment) -> int:
    env.cr.execute(
        """
        SELECT count(*) FROM (
            SELECT left(partner.ref, 5)
              FROM crm_customer_profile AS profile
              JOIN res_partner AS partner ON partner.id = profile.partner_id
             WHERE partner.ref LIKE 'TWIN%%'
             GROUP BY 1
            HAVING count(DISTINCT tier_id) > 1
        ) AS pairs
        """
    )
    return env.cr.fetchone()[0]


@measure("inflation", "prices")
def inflation(bench: Bench) -> Iterator[Result]:
    """Constant purchases while prices rise by half a year: real change, and moves of tier."""
    database = bench.database("prices")
    today = date.today()
    with environment(database) as env:
        _load_constant_purchases(env, today)
    worst, moves = 0.0, 0
    last: dict[int, int] = {}
    for ago in range(330, -1, -15):
        with environment(database) as env:
            refresh(env, today - timedelta(days=ago))
            ranks = _ranks(env)
            env.cr.execute(
                "SELECT max(abs(real_change_12m)) FROM crm_customer_profile"
                " WHERE real_change_12m IS NOT NULL"
            )
            worst = max(worst, env.cr.fetchone()[0] or 0)
        moves += sum(last.get(partner, rank) != rank for partner, rank in ranks.items())
        last = ranks
    yield Result(
        "inflation.real_change", 100 * worst, "%", at_most(2),
        "largest of 60 customers on 23 days of a year",
    )  # fmt: skip
    yield Result("inflation.moves", moves, "moves", exactly(0), "of tier, by amounts of money")


def _load_constant_purchases(env: Environment, today: date) -> None:
    """60 customers buy the same goods on the same day of every month for 36 months, each on a day
    of his own; prices rise day by day, the index knows the mean of each month."""
    from benchmarks.csv_lines import Layout
    from benchmarks.load_csv import load_stream

    def level(day: date) -> float:
        return (1 + INFLATION) ** ((day - today).days / 365.25)

    rows = []
    for customer in range(60):
        goods = 10 * (1 + customer)
        for ago in range(37):
            day = today.replace(day=1 + customer % 28) - relativedelta(months=ago)
            if day <= today:
                price = round(goods * level(day), 2)
                rows.append((f"P{customer}-{ago}", day, price, f"CONSTANT{customer}"))
    load_stream(env, _csv(rows), Layout())
    months = [today.replace(day=1) - relativedelta(months=ago) for ago in range(40)]
    env["crm.price.index"].create(
        [
            {
                "company_id": env.company.id,
                "month": month,
                "index": 100 * level(min(month + timedelta(days=14), today)),
            }
            for month in months
        ]
    )
    company = env.company
    company.customer_tier_measure = "revenue"
    company.customer_tier_basis = "amount"
    _bronze, silver, gold = company._loyalty_tiers()
    gold.threshold = 12 * 405
    silver.threshold = 12 * 205


@measure("delivery", "events", timeout=1200)
def delivery(bench: Bench) -> Iterator[Result]:
    """10,000 events with an automation rule on them: seconds, and each once although killed."""
    database = bench.database("events")
    with environment(database) as env:
        env.ref("crm_extended_automation.base_automation_call_who_is_at_risk").active = True
    _fill_queue(database)
    with Stopwatch() as watch:
        _deliver_all(database)
    yield Result(
        "delivery", watch.seconds, "s", at_most(60),
        f"{EVENTS:,} events, each with a rule that plans a call",
    )  # fmt: skip
    wrong = _wrongly_delivered(database)
    _fill_queue(database)
    chooser, kills = random.Random(3), 0
    while kills < KILLS:
        was_killed, _given_up = start_and_kill("deliver", database, watch.seconds / KILLS, chooser)
        kills += was_killed
    _deliver_all(database)
    wrong += _wrongly_delivered(database)
    yield Result(
        "delivery.once", wrong, "events", exactly(0),
        f"missing, doubled or without its call; {KILLS} kills",
    )  # fmt: skip


def _deliver_all(database: str) -> None:
    """The scheduled action, called again as often as it asks for."""
    while True:
        with environment(database) as env:
            env.ref("crm_extended.ir_cron_customer_events").method_direct_trigger()
        with environment(database) as env:
            if not env["crm.customer.event.queue"]._count_waiting():
                return


def _fill_queue(database: str) -> None:
    query(
        "DELETE FROM mail_activity; DELETE FROM crm_customer_event;"
        " DELETE FROM crm_customer_event_queue;"
        " INSERT INTO crm_customer_event_queue (partner_id, company_id, date, kind, attempts)"
        " SELECT id, 1, current_date, 'at_risk', 0 FROM res_partner WHERE ref LIKE 'C%%'"
        f" ORDER BY id LIMIT {EVENTS}",
        database=database,
    )


def _wrongly_delivered(database: str) -> int:
    [(events, partners, calls, waiting)] = query(
        "SELECT (SELECT count(*) FROM crm_customer_event),"
        " (SELECT count(DISTINCT partner_id) FROM crm_customer_event),"
        " (SELECT count(*) FROM mail_activity WHERE res_model = 'res.partner'),"
        " (SELECT count(*) FROM crm_customer_event_queue)",
        database=database,
    )
    return abs(events - EVENTS) + abs(partners - EVENTS) + abs(calls - EVENTS) + waiting
