"""Predictions, made inside Odoo as of a past day and judged by what then happened."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple
from unittest.mock import patch

from benchmarks.databases import RETAIL_FILE, retail_path
from benchmarks.harness import FOLDER, Bench, Result, Target, at_least, at_most, measure
from benchmarks.measures.common import Stopwatch, environment, nightly, prepare_margins, spoil

if TYPE_CHECKING:
    from odoo.api import Environment

CDNOW_DAY = date(1997, 12, 31)
RETAIL_DAY = date(2011, 12, 9) - timedelta(days=90)
SEVERAL_DAYS = 5
"""Purchase days from which a customer's rhythm can be judged."""


class Customer(NamedTuple):
    """What the row says as of a day, and the days on which he then bought."""

    history: tuple[int, float, float]
    chance: float
    interval: float | None
    is_silent: bool
    later: list[date]


def predicted(env: Environment, day: date) -> tuple[dict, list[Customer]]:
    """What was learned as of a day, and its customers."""
    company = env.company
    # what an earlier measurement published is not to hold this one back
    company.write({"customer_run_id": False, "customer_latest_as_of": False})
    run = env["crm.customer.profile"].refresh(day, company)
    if run.state != "done":
        raise RuntimeError(f"the refresh ended as {run.state}: {run.message}")
    later = defaultdict(list)
    before = defaultdict(list)
    for partner, bought in purchase_days(env, day + timedelta(days=180)):
        (later if bought > day else before)[partner].append(bought)
    env.cr.execute(
        "SELECT partner_id, p_order_90d, purchase_interval_days,"
        " lifecycle_stage IN ('at_risk', 'lost') FROM crm_customer_profile"
        " WHERE purchase_count > 0"
    )
    return run.model | {"interval": run.statistics["company_interval"]}, [
        Customer(_history(before[partner], day), chance, interval, is_silent, later[partner])
        for partner, chance, interval, is_silent in env.cr.fetchall()
    ]


def _history(days: list[date], day: date) -> tuple[int, float, float]:
    return len(days) - 1, (max(days) - min(days)).days, (day - min(days)).days


def purchase_days(env: Environment, day: date) -> list[tuple[int, date]]:
    """Every purchase day of every customer up to a day, by the addon's own facts."""
    from odoo.tools import SQL

    sources = env["crm.customer.fact"]._fact_sources(day, env.company)
    return env.execute_query(
        SQL(
            "SELECT partner_id, purchase_date FROM (%s) AS fact WHERE purchase_date IS NOT NULL"
            " GROUP BY 1, 2 HAVING SUM(amount) FILTER (WHERE kind = 'purchase') > 0 ORDER BY 1, 2",
            SQL(" UNION ALL ").join(sources),
        )
    )


def bought_within(customer: Customer, day: date, horizon: int) -> int:
    return sum(bought <= day + timedelta(days=horizon) for bought in customer.later)


def judged(
    name: str,
    learned: dict,
    customers: list[Customer],
    day: date,
    horizon: int,
    bounds: dict[str, Target],
) -> Iterator[Result]:
    """AUC, Brier score, calibration and orders of a horizon, beside the simple rules."""
    from odoo.addons.crm_extended.analytics import backtest
    from odoo.addons.crm_extended.analytics.mbg_nbd import MbgNbd

    model = MbgNbd.of(**{key: learned[key] for key in ("r", "alpha", "a", "b")})
    forecasts, outcomes = [], []
    for customer in customers:
        x, last, length = customer.history
        # the row's own chance where it has one for the horizon
        chance = customer.chance if horizon == 90 else model.p_order(horizon, *customer.history)
        orders = model.expected_orders(horizon, *customer.history)
        forecasts.append(
            backtest.Forecast(chance, orders, 0, length - last, last / x if x else None)
        )
        outcomes.append(backtest.Outcome(bought_within(customer, day, horizon), 0))
    found = backtest.judge(forecasts, outcomes)
    for measured, unit in (("auc", ""), ("brier", ""), ("calibration_error", "")):
        yield Result(
            f"{name}.{measured}", found[measured], unit, bounds.get(measured),
            f"{len(customers):,} customers, {found['buyers']:,} ordered within {horizon} days",
        )  # fmt: skip
    orders = found["orders_expected"] / found["orders_actual"] - 1
    yield Result(
        f"{name}.orders", abs(orders) * 100, "% off", bounds.get("orders"),
        f"{found['orders_expected']:,.0f} expected, {found['orders_actual']:,} came",
    )  # fmt: skip
    for rule in ("rule_days", "rule_interval"):
        yield Result(
            f"{name}.{rule}", found["auc"] - found[f"{rule}_auc"], "AUC better", at_least(0),
            f"AUC {found[f'{rule}_auc']:.3f}, Brier {found[f'{rule}_brier']:.3f}"
            f" against {found['brier']:.3f}",
        )  # fmt: skip
        yield Result(
            f"{name}.{rule}_brier", found[f"{rule}_brier"] - found["brier"], "Brier better",
            at_least(0),
        )  # fmt: skip
    yield Result(
        f"{name}.base_brier", found["base_brier"] - found["brier"], "Brier better", at_least(0),
        f"{found['buyers'] / len(customers):.1%} announced to all: {found['base_brier']:.3f}",
    )  # fmt: skip


@measure("cdnow", "cdnow")
def cdnow(bench: Bench) -> Iterator[Result]:
    """CDNOW as of the end of 1997: chances of an order in 90 and 180 days, judged."""
    with environment(bench.database("cdnow")) as env:
        learned, customers = predicted(env, CDNOW_DAY)
        yield from judged(
            "cdnow.90", learned, customers, CDNOW_DAY, 90,
            {"auc": at_least(0.795), "brier": at_most(0.106), "calibration_error": at_most(0.02),
             "orders": at_most(10)},
        )  # fmt: skip
        yield from judged(
            "cdnow.180", learned, customers, CDNOW_DAY, 180,
            {"auc": at_least(0.79), "brier": at_most(0.132), "calibration_error": at_most(0.03),
             "orders": at_most(8)},
        )  # fmt: skip
        env.cr.rollback()


@measure("retail_prediction", "retail")
def retail_prediction(bench: Bench) -> Iterator[Result]:
    """Online Retail 90 days before its end: chances judged, and what the flagged then ordered."""
    if not retail_path().exists():
        yield Result(
            "retail_prediction", status="skipped",
            note=f"{RETAIL_FILE} is not there; BENCH_DATA names its folder",
        )  # fmt: skip
        return
    with environment(bench.database("retail")) as env:
        learned, customers = predicted(env, RETAIL_DAY)
        yield from judged(
            "retail_prediction.90", learned, customers, RETAIL_DAY, 90,
            {"auc": at_least(0.73), "brier": at_most(0.22)},
        )  # fmt: skip
        yield from _flagged(learned, customers)
        env.cr.rollback()


def _flagged(learned: dict, customers: list[Customer]) -> Iterator[Result]:
    """Orders within 90 days of who is shown at risk or lost, over those at the rate he had."""
    regular = [customer for customer in customers if customer.history[0] >= SEVERAL_DAYS - 1]

    def rate(flagged: list[Customer]) -> float:
        usual = sum(c.history[0] / max(c.history[1], 1) * 90 for c in flagged)
        return sum(bought_within(c, RETAIL_DAY, 90) for c in flagged) / usual

    def is_long(customer: Customer) -> bool:
        x, last, length = customer.history
        usual = (x * customer.interval + 3 * learned["interval"]) / (x + 3)
        return length - last > int(2 * usual)

    by_model = [customer for customer in regular if customer.is_silent]
    by_interval = [customer for customer in regular if is_long(customer)]
    yield Result(
        "retail_prediction.flagged", rate(by_model), "of their rate", at_most(0.65),
        f"{len(by_model)} of {len(regular)} with {SEVERAL_DAYS} purchase days or more;"
        f" all of them: {rate(regular):.2f}",
    )  # fmt: skip
    yield Result(
        "retail_prediction.against_interval", rate(by_interval) - rate(by_model), "better",
        at_least(0), f"twice the usual interval flags {len(by_interval)}: {rate(by_interval):.2f}",
    )  # fmt: skip


@measure("fit", "cdnow", timeout=1800)
def fit(bench: Bench) -> Iterator[Result]:
    """Learning from 23,570 customers and from a million, against the ``lifetimes`` package."""
    with environment(bench.database("cdnow")) as env:
        days = defaultdict(list)
        for partner, bought in purchase_days(env, date(1997, 9, 30)):
            days[partner].append(bought)
        from odoo.addons.crm_extended.analytics import mbg_nbd
    histories = [_history(bought, date(1997, 9, 30)) for bought in days.values()]
    times = {}
    for name, module in (("numpy", mbg_nbd.numpy), ("plain Python", None)):
        if name == "numpy" and module is None:
            continue
        with patch.object(mbg_nbd, "numpy", module):
            times[name] = median(_fit_seconds(mbg_nbd, histories) for _round in range(3))
    reference = _lifetimes_seconds(histories, 1)
    if reference is None:
        yield Result("fit", status="skipped", note="the lifetimes package can't be installed here")
        return
    for name, seconds in times.items():
        yield Result(
            f"fit.{name.split()[0]}", seconds / reference, "×", at_most(1),
            f"{len(histories):,} customers, {name}: {seconds:.2f} s, lifetimes {reference:.2f} s",
        )  # fmt: skip
    copies = 1_000_000 // len(histories)
    million = _lifetimes_seconds(histories, copies)
    sample = [histories[number % len(histories)] for number in range(50_000)]
    with patch.object(mbg_nbd, "numpy", None):
        seconds = _fit_seconds(mbg_nbd, sample)
    yield Result(
        "fit.million", seconds / million, "×", at_most(0.1),
        f"50,000 of a million in plain Python: {seconds:.2f} s, lifetimes on all {million:.1f} s",
    )  # fmt: skip


def _fit_seconds(mbg_nbd, histories) -> float:
    with Stopwatch() as watch:
        mbg_nbd.MbgNbd().fit(*zip(*histories, strict=True))
    return watch.seconds


LIFETIMES = """
import json, sys, time, warnings
import numpy
from lifetimes import ModifiedBetaGeoFitter
warnings.simplefilter("ignore")
histories = json.load(open(sys.argv[1]))
columns = [numpy.tile(column, int(sys.argv[2])) for column in numpy.array(histories, float).T]
columns[1:] = [column / 7 for column in columns[1:]]
started = time.monotonic()
ModifiedBetaGeoFitter().fit(*columns)
print(time.monotonic() - started)
"""


def _lifetimes_seconds(histories, copies: int) -> float | None:
    """Seconds of the reference on so many copies; None where it can't be had."""
    python = _reference_python()
    if python is None:
        return None
    with tempfile.NamedTemporaryFile("w", suffix=".json") as stream:
        json.dump(histories, stream)
        stream.flush()
        done = subprocess.run(
            [python, "-c", LIFETIMES, stream.name, str(copies)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    return float(done.stdout)


def _reference_python() -> str | None:
    """An interpreter with the reference, in a place of its own: it needs old packages."""
    home = Path(sys.prefix).parent / "lifetimes"
    python = home / "bin/python"
    if not python.exists():
        requirements = FOLDER / "requirements-lifetimes.txt"
        try:
            subprocess.run([sys.executable, "-m", "venv", home], check=True, capture_output=True)
            subprocess.run(
                [python, "-m", "pip", "install", "--quiet", "-r", requirements],
                check=True, capture_output=True,
            )  # fmt: skip
        except (OSError, subprocess.CalledProcessError):
            return None
    return str(python)


@measure("scoring", "main", timeout=1800)
def scoring(bench: Bench) -> Iterator[Result]:
    """What learning, scoring, keeping and judging add to a refresh in which every row changes."""
    database = bench.database("main")
    prepare_margins(database)
    nightly(database)
    times: dict[bool, list[float]] = {True: [], False: []}
    for _round in range(bench.scale.rounds):
        for predicting in times:
            spoil(database)
            with _too_little_data(not predicting):
                times[predicting].append(nightly(database))
    added = median(times[True]) / median(times[False]) - 1
    yield Result(
        "scoring", added * 100, "% more", at_most(30),
        f"{median(times[True]):.1f} s, {median(times[False]):.1f} s without",
    )  # fmt: skip


@contextmanager
def _too_little_data(applies: bool) -> Iterator[None]:
    if not applies:
        yield
        return
    from odoo.addons.crm_extended.models import crm_customer_prediction

    with patch.object(crm_customer_prediction, "prediction_state", lambda *_args: "insufficient"):
        yield
