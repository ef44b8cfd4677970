"""What a campaign brought, against what a count of all orders would claim."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from benchmarks.databases import HILLSTROM_FILE, data_path
from benchmarks.harness import Bench, Result, exactly, measure
from benchmarks.odoo_env import configure

CONTROL = "No E-Mail"
# per customer, with interval; what is counted over what was caused
KNOWN = {
    "mens": ("Mens E-Mail", (0.770, 0.485, 1.055), 1.85),
    "womens": ("Womens E-Mail", (0.424, 0.169, 0.680), 2.54),
}


@measure("hillstrom")
def hillstrom(bench: Bench) -> Iterator[Result]:
    """Hillstrom's test: spend per customer of each mailing against control, and how much a count
    of all that the mailed customers spent overstates it: their whole spend over the spend that
    they would not have made without, which is mean of the mailed / difference of the means."""
    path = data_path(HILLSTROM_FILE)
    if not path.exists():
        yield Result(
            "hillstrom", status="skipped",
            note=f"{HILLSTROM_FILE} is not there; BENCH_DATA names its folder",
        )  # fmt: skip
        return
    # the addon's package imports Odoo; no database is opened
    configure("")
    from odoo.addons.crm_extended.analytics.experiment import Arm, effect, naive

    spent: dict[str, list[Decimal]] = defaultdict(list)
    with gzip.open(path, "rt", newline="") as stream:
        for line in csv.DictReader(stream):
            spent[line["segment"]].append(Decimal(line["spend"]))
    control = Arm.of(spent[CONTROL])
    for name, (segment, interval, factor) in KNOWN.items():
        mailed = Arm.of(spent[segment])
        found = effect(*mailed, *control)
        customers = f"{found.treated:,} mailed, {found.held_out:,} not: {found.verdict}"
        values = (found.difference, found.low, found.high)
        notes = (customers, "lower end of 95 %", "upper end of 95 %")
        for part, value, known, note in zip(
            ("", "_low", "_high"), values, interval, notes, strict=True
        ):
            yield Result(
                f"hillstrom.{name}{part}", round(value, 3), "a customer", exactly(known), note
            )
        counted = naive([(mailed, control)])
        yield Result(
            f"hillstrom.{name}_naive", round(counted.overstatement, 2), "×", exactly(factor),
            f"counts {counted.claimed:,.0f}, caused {counted.caused:,.0f}",
        )  # fmt: skip
