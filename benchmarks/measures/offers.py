"""What is offered next, what is needed again, and the matrix of white space."""

from __future__ import annotations

import resource
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING
from unittest.mock import patch

from benchmarks import bulk
from benchmarks.databases import RETAIL_FILE, query, retail_path
from benchmarks.harness import Bench, Result, at_least, at_most, below, measure
from benchmarks.measures.common import (
    Stopwatch,
    cold,
    environment,
    nightly,
    salesperson,
    seconds_by_step,
    timed_slices,
)

if TYPE_CHECKING:
    from odoo.api import Environment

DAY = date(2011, 9, 9)
NEEDS_DAY = date(2011, 10, 9)
STEPS = ("baskets", "spaces", "show_spaces", "offers")
CATEGORIES = 50
Baskets = dict[int, dict[int, set[date]]]
"""Days by customer and product."""


@measure("offers", "retail", timeout=1800)
def offers(bench: Bench) -> Iterator[Result]:
    """Online Retail: the products stored for each customer against what he then bought."""
    if not retail_path().exists():
        yield _skipped("offers")
        return
    with environment(bench.database("retail")) as env:
        until, later = _sold(env, DAY), _sold(env, DAY + timedelta(days=90))
        wanted = _first_bought(until, later)
        for name, available, target, seconds in (
            ("ease", True, 0.51, 20), ("cosine", False, 0.45, 60),
        ):  # fmt: skip
            yield from _offered(env, name, available, wanted, (target, seconds))
        yield Result(
            "offers.popularity", _hits(wanted, _popular(until, wanted), 10), "of customers",
            note=f"at 5: {_hits(wanted, _popular(until, wanted), 5):.3f}",
        )  # fmt: skip
        lift = _by_lift(until, wanted)
        yield Result(
            "offers.max_lift", _hits(wanted, lift, 10), "of customers",
            note=f"at 5: {_hits(wanted, lift, 5):.3f}; pairs bought by 5 customers or more",
        )  # fmt: skip
        env.cr.rollback()


def _skipped(name: str) -> Result:
    return Result(
        name, status="skipped", note=f"{RETAIL_FILE} is not there; BENCH_DATA names its folder"
    )


def _sold(env: Environment, day: date) -> Baskets:
    """What known customers bought up to a day, of codes that begin with five digits."""
    env.cr.execute(
        """SELECT DISTINCT move.partner_id, line.product_id, move.invoice_date
             FROM account_move_line AS line
             JOIN account_move AS move ON move.id = line.move_id
             JOIN res_partner AS partner ON partner.id = move.partner_id
             JOIN product_product AS product ON product.id = line.product_id
            WHERE move.state = 'posted' AND line.quantity > 0 AND line.price_unit > 0
              AND move.move_type = 'out_invoice' AND move.invoice_date <= %s
              AND product.default_code ~ '^[0-9]{5}' AND partner.name ~ '[0-9]{5}$'""",
        (day,),
    )
    baskets: Baskets = defaultdict(lambda: defaultdict(set))
    for partner, product, bought in env.cr.fetchall():
        baskets[partner][product].add(bought)
    return baskets


def _first_bought(until: Baskets, later: Baskets) -> dict[int, set[int]]:
    """What new products customers with a history bought after it, of those sold by then."""
    known = {product for basket in until.values() for product in basket}
    found = {
        partner: {product for product in later[partner] if product in known} - basket.keys()
        for partner, basket in until.items()
    }
    return {partner: new for partner, new in found.items() if new}


def _offered(env, name, available, wanted, targets) -> Iterator[Result]:
    from odoo.addons.crm_extended.analytics import offers as learning

    env.company.write({"customer_run_id": False, "customer_latest_as_of": False})
    with (
        patch.object(learning, "is_available", lambda: available),
        _peak_memory() as peak,
        timed_slices() as slices,
    ):
        [run] = env["crm.customer.profile"].refresh(DAY, env.company)
    if run.state != "done" or run.statistics.get("offers_error"):
        raise RuntimeError(f"{run.state}: {run.message or run.statistics.get('offers_error')}")
    env.cr.execute(
        "SELECT partner_id, array_agg(product_id ORDER BY rank) FROM crm_customer_recommendation"
        " WHERE state = 'open' AND kind = 'cross_sell' GROUP BY partner_id"
    )
    found = dict(env.cr.fetchall())
    setting = {key: run.offers[key] for key in ("ridge", "trend")}
    yield Result(
        f"offers.{name}", _hits(wanted, found, 10), "of customers", at_least(targets[0]),
        f"{len(wanted):,} customers; at 5: {_hits(wanted, found, 5):.3f}; {setting}",
    )  # fmt: skip
    chosen = [(seconds, step) for seconds, step in slices if step in STEPS]
    yield Result(
        f"offers.{name}_seconds", sum(seconds for seconds, _step in chosen), "s",
        at_most(targets[1]), seconds_by_step(chosen, 1),
    )  # fmt: skip
    yield Result(f"offers.{name}_memory", peak[0], "MB", below(1024), "peak of the whole process")


@contextmanager
def _peak_memory() -> Iterator[list[float]]:
    """MB, in the list's only item afterwards."""
    with open("/proc/self/clear_refs", "w") as control:
        control.write("5")
    peak = [0.0]
    yield peak
    peak[0] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM"):
                peak[0] = int(line.split()[1]) / 1024


def _hits(wanted: dict[int, set[int]], offered: dict[int, Iterable[int]], count: int) -> float:
    hits = sum(not new.isdisjoint(list(offered.get(partner, ()))[:count])
               for partner, new in wanted.items())  # fmt: skip
    return hits / len(wanted)


def _popular(until: Baskets, wanted: Iterable[int]) -> dict[int, list[int]]:
    buyers = Counter(product for basket in until.values() for product in basket)
    order = [product for product, _count in buyers.most_common()]
    return {partner: _first_ten(order, until[partner]) for partner in wanted}


def _first_ten(order: Iterable[int], had: Iterable[int]) -> list[int]:
    free = (product for product in order if product not in had)
    return [product for product, _number in zip(free, range(10), strict=False)]


def _by_lift(until: Baskets, wanted: Iterable[int]) -> dict[int, list[int]]:
    """By the highest lift with anything the customer had: the rule of market baskets."""
    buyers = Counter(product for basket in until.values() for product in basket)
    both: dict[int, Counter] = defaultdict(Counter)
    for basket in until.values():
        for product in basket:
            both[product].update(basket.keys())
    lifts = {
        product: {
            other: count / buyers[other]
            for other, count in counts.items()
            if other != product and count >= 5
        }
        for product, counts in both.items()
    }
    found = {}
    for partner in wanted:
        scores: dict[int, float] = {}
        for product in until[partner]:
            for other, share in lifts[product].items():
                lift = share / buyers[product]
                if lift > scores.get(other, 0):
                    scores[other] = lift
        order = sorted(scores, key=lambda other: (-scores[other], other))
        found[partner] = _first_ten(order, until[partner])
    return found


@measure("needs", "retail")
def needs(bench: Bench) -> Iterator[Result]:
    """Online Retail: which products bought before are bought again within 60 days."""
    if not retail_path().exists():
        yield _skipped("needs")
        return
    with environment(bench.database("retail")) as env:
        from odoo.addons.crm_extended.analytics.backtest import auc
        from odoo.addons.crm_extended.analytics.needs import need_score, repeat_rate

        until, later = _sold(env, NEEDS_DAY), _sold(env, NEEDS_DAY + timedelta(days=60))
        env.cr.rollback()
    times = defaultdict(list)
    for basket in until.values():
        for product, days in basket.items():
            times[product].append(len(days))
    rates = {product: repeat_rate(counts) for product, counts in times.items()}
    scores, counts, overdue, again = [], [], [], []
    for partner, basket in until.items():
        visits = len(set().union(*basket.values()))
        for product, days in basket.items():
            age = (NEEDS_DAY - min(days)).days
            scores.append(need_score(len(days), rates[product], age, visits))
            counts.append(len(days))
            interval = (max(days) - min(days)).days / max(len(days) - 1, 1)
            overdue.append((NEEDS_DAY - max(days)).days / interval if interval else 0)
            again.append(any(day > NEEDS_DAY for day in later[partner][product]))
    repeated = [number for number, count in enumerate(counts) if count > 1]
    yield Result(
        "needs", auc(scores, again), "AUC", at_least(0.725),
        f"{len(again):,} pairs, {sum(again) / len(again):.1%} bought again;"
        f" plain count {auc(counts, again):.3f}; overdue, of those bought twice or more,"
        f" {auc([overdue[n] for n in repeated], [again[n] for n in repeated]):.3f}",
    )  # fmt: skip


@measure("white_space", "main", timeout=2400)
def white_space(bench: Bench) -> Iterator[Result]:
    """The matrix of 100 customers and 50 categories, and what reading products costs a night."""
    database = bench.database("main")
    _spread_over_categories(database)
    # products are read again tonight
    query("UPDATE crm_model_run SET offers = NULL", database=database)
    with timed_slices() as slices:
        nightly(database)
    reading = [(seconds, step) for seconds, step in slices if step in STEPS]
    with environment(database) as env:
        rows = env["crm.customer.profile"].search([("purchase_count", ">", 1)], limit=100)
        times, shape = [], (0, 0)
        for user_env in (env, salesperson(env)):
            cells = user_env["crm.customer.category"]
            own = rows if user_env is env else cells.env["crm.customer.profile"].search(
                [("purchase_count", ">", 1)], limit=100
            )  # fmt: skip
            ids = own.ids
            with Stopwatch() as watch:
                matrix = cells.white_space(ids)
            times.append(watch.seconds)
            shape = (len(matrix["cells"]), len(matrix["categories"]))
            milliseconds, queries = cold(partial(cells.white_space, ids), env)
        env.cr.execute("SELECT count(*) FROM crm_customer_category")
        [count] = env.cr.fetchone()
    yield Result(
        "white_space", max(times), "s", below(2),
        f"{shape[0]} × {shape[1]}, of {count:,} cells; {queries} queries, again {milliseconds:.0f}"
        " ms",
    )  # fmt: skip
    yield Result(
        "white_space.reading", sum(seconds for seconds, _step in reading), "s",
        note=f"once a week: {seconds_by_step(reading, 1)}; longest slice"
        f" {max(reading)[0]:.1f} s ({max(reading)[1]})",
    )  # fmt: skip


def _spread_over_categories(database: str) -> None:
    """Each product in one of the categories of the matrix."""
    with environment(database) as env:
        categories = env["product.category"].create(
            [{"name": f"Bench {number}"} for number in range(CATEGORIES)]
        )
        env.cr.execute(
            "UPDATE product_template SET categ_id = (%s::integer[])[1 + id %% %s]",
            (categories.ids, CATEGORIES),
        )
    bulk.vacuum(database, ["product_template"])
