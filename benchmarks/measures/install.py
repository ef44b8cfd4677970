"""Installing the addon on a large database (R9)."""

from __future__ import annotations

import json
from collections.abc import Iterator

from benchmarks.databases import query
from benchmarks.harness import Bench, Result, below, exactly, measure


@measure("install", "whole")
def install(bench: Bench) -> Iterator[Result]:
    """R9: what installing on the largest database took; measured when that database was made."""
    [(text,)] = query("SELECT record FROM bench_installation", database=bench.database("whole"))
    record = json.loads(text)
    size = f"{bench.scale.whole:,} partners, without sale_margin"
    yield Result("install.time", record["seconds"], "s", below(60), f"{size}; whole process")
    yield Result("install.memory", record["memory"], "MB", below(512), size)
    yield Result(
        "install.rewritten", int(record["rewritten"]), "tables", exactly(0),
        "res_partner, by file, xmin and ctid",
    )  # fmt: skip
