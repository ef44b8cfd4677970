"""CDNOW, the reference data set of the field: customers who first bought early in 1997 from a
seller of records, their purchases until mid 1998. It ships with the ``lifetimes`` package, of
which only the files are read."""

import csv
from collections import defaultdict
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path


def _folder() -> Path:
    [package] = find_spec("lifetimes").submodule_search_locations
    return Path(package) / "datasets"


def cdnow_summary(name: str = "cdnow_customers_summary.csv") -> list[dict[str, str]]:
    """One row a customer of the tenth that papers use: weeks, until the end of September 1997."""
    with (_folder() / name).open() as lines:
        return list(csv.DictReader(lines))


def cdnow_purchases() -> list[tuple[str, int, float]]:
    """``(customer, day, value)`` of all 69,659 purchases, days as proleptic ordinals."""
    purchases = []
    with (_folder() / "CDNOW_master.txt").open() as lines:
        for line in lines:
            customer, day, _count, value = line.split()
            if customer.isdigit():
                ordinal = datetime.strptime(day, "%Y%m%d").toordinal()
                purchases.append((customer, ordinal, float(value)))
    return purchases


def cdnow_days() -> dict[str, list[int]]:
    days = defaultdict(list)
    for customer, day, _value in cdnow_purchases():
        days[customer].append(day)
    return days
