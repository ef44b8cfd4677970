"""Measure what the addon promises: ``make bench``, or ``make bench QUICK=1``.

    dev/python benchmarks/run.py [--quick] [--only NAME…] [--keep] [--list]

Full size takes up to an hour on 2 cores, ``--quick`` (or ``QUICK=1``) some five minutes at a tenth
of the size. Results go to ``results.jsonl`` (one JSON object each) and ``RESULTS.md`` (a table that
says how to read it); results of the other size, and with ``--only`` those of other measurements,
stay in them. A target that is not reached is marked "missed" and is no error; the exit code is 1
when something could not be measured. ``--keep`` leaves the databases for the next run, which takes
them as they are, also when the addon was changed meanwhile.

Where things are:

- ``run.py``, ``harness.py``: this program; what a measurement, a target and a result are.
- ``measures/``: the measurements, by subject; each is a function with its meaning as docstring.
- ``databases.py``: the databases they need, made from templates when first needed, dropped after.
- ``load_csv.py``: loads a CSV of transaction lines (``csv_lines.py``) as documents that Odoo
  accepts.
- ``generate.py``: makes N customers with their documents and known margins.
- ``verify.py``: asks Odoo whether it accepts what loader and generator wrote.
- ``prototypes.py``, ``parties.py``, ``documents.py``, ``bulk.py``: set-based writing, below both.
- ``tests/``: ``dev/python -m pytest benchmarks/tests``.

Each measurement runs in a process of its own, with Odoo as a library; one that fails is recorded
with its reason and stops no other. Environment: ``QUICK``, ``BENCH_DATA`` (folder of
``online_retail.csv.gz`` and ``hillstrom.csv.gz``, default ``../shared/data``; without a file its
measurements are skipped), and the usual ``PG…`` and ``ODOO_RC`` (``dev/python`` sets them).
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

if not __package__:  # started as a file: the folder of this file is no place to import from
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks import databases, harness
from benchmarks.harness import FULL, QUICK, Bench, Result, Scale


def main(arguments: list[str] | None = None) -> int:
    options = _parse(arguments)
    scale = QUICK if options.quick else FULL
    if options.build:
        databases.RECIPES[options.build].build(databases.database_name(options.build, scale), scale)
        return 0
    if options.child:
        return _measure_here(options.child, scale, Path(options.output))
    return _measure_all(options, scale)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks/run.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    quick = os.environ.get("QUICK", "") not in ("", "0")
    parser.add_argument("--quick", action="store_true", default=quick, help="a tenth of the size")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these measurements alone")
    parser.add_argument("--keep", action="store_true", help="reuse and keep the databases")
    parser.add_argument("--list", action="store_true", help="list the measurements and end")
    parser.add_argument("--build", choices=databases.RECIPES, help=argparse.SUPPRESS)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--output", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


# In the process of one measurement


def _measure_here(name: str, scale: Scale, output: Path) -> int:
    """Run one measurement and write its results, one a line, as they come."""
    _load_measures()
    measurement = harness.REGISTRY[name]
    names = {recipe: databases.database_name(recipe, scale) for recipe in measurement.databases}
    with output.open("w") as stream:
        for result in measurement.function(Bench(scale, names)):
            stream.write(harness.result_to_json(result) + "\n")
            stream.flush()
    return 0


def _load_measures() -> None:
    import benchmarks.measures  # noqa: F401


# In the process that runs all


def _measure_all(options: argparse.Namespace, scale: Scale) -> int:
    _load_measures()
    unknown = set(options.only or ()) - set(harness.REGISTRY)
    if unknown:
        sys.exit(f"benchmarks: no measurement is called {', '.join(sorted(unknown))}; see --list")
    chosen = [
        measurement
        for name, measurement in harness.REGISTRY.items()
        if not options.only or name in options.only
    ]
    if options.list:
        for measurement in chosen:
            sys.stdout.write(f"{measurement.name:18} {measurement.summary}\n")
        return 0
    # An end from outside cleans up as well.
    signal.signal(signal.SIGTERM, lambda *_arguments: sys.exit("benchmarks: terminated"))
    start = time.monotonic()
    host = harness.machine(databases.server_version())
    records: list[dict] = []
    try:
        for position, measurement in enumerate(chosen):
            results = _measure(measurement, scale, options.keep)
            for result in results:
                records.append(result.as_record(scale.name, host))
                _print(result)
            names = [item.name for item in chosen[: position + 1]]
            _write(records, names)
            if not options.keep:
                _drop_unneeded(scale, chosen[position + 1 :])
    finally:
        if not options.keep:
            _drop_all(scale)
    minutes = (time.monotonic() - start) / 60
    counts = {
        status: sum(record["status"] == status for record in records)
        for status in ("ok", "missed", "failed", "skipped")
    }
    sys.stdout.write(
        ", ".join(f"{number} {status}" for status, number in counts.items())
        + f" in {minutes:.1f} minutes; see benchmarks/RESULTS.md\n"
    )
    return 1 if counts["failed"] else 0


def _measure(measurement: harness.Measurement, scale: Scale, keep: bool) -> list[Result]:
    """Results of one measurement; its failure is a result too."""
    results: list[Result] = []
    try:
        for recipe in measurement.databases:
            _ensure(recipe, scale, keep)
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "results"
            output.touch()
            error = _run(
                ["--child", measurement.name, "--output", str(output)], scale, measurement.timeout
            )
            results = [
                harness.result_from_json(line) for line in output.read_text().splitlines() if line
            ]
    except RuntimeError as failure:
        error = str(failure)
    if error:
        results.append(Result(measurement.name, status="failed", note=error))
    return results


def _run(arguments: list[str], scale: Scale, timeout: float) -> str:
    """Run this program again as a child; return what went wrong, or nothing."""
    command = [sys.executable, "-m", "benchmarks.run", *arguments]
    if scale is QUICK:
        command.append("--quick")
    environment = {**os.environ, "QUICK": "1" if scale is QUICK else "0"}
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            command, cwd=harness.FOLDER.parent, stderr=errors, env=environment
        )
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            return f"not done after {timeout:.0f} s"
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        errors.seek(0)
        text = errors.read().strip()
    if code:
        sys.stderr.write(text + "\n")
        return text.splitlines()[-1] if text else f"ended with {code}"
    return ""


def _ensure(recipe: str, scale: Scale, keep: bool) -> None:
    """Make a database, and its template, unless it is there. One half made is dropped."""
    name = databases.database_name(recipe, scale)
    if name in _made or (keep and databases.exists(name)):
        return
    parent = databases.RECIPES[recipe].parent
    if parent:
        _ensure(parent, scale, keep)
        databases.copy(databases.database_name(parent, scale), name)
    else:
        databases.drop(name)
    start = time.monotonic()
    error = _run(["--build", recipe], scale, 3600)
    if error:
        databases.drop(name)
        raise RuntimeError(f"database {recipe}: {error}")
    _made.add(name)
    sys.stdout.write(f"        made {name} in {time.monotonic() - start:.0f} s\n")
    sys.stdout.flush()


_made: set[str] = set()


def _drop_unneeded(scale: Scale, remaining: list[harness.Measurement]) -> None:
    """Give back the room of databases that no later measurement needs; templates are small."""
    needed = {recipe for measurement in remaining for recipe in measurement.databases}
    parents = {recipe.parent for recipe in databases.RECIPES.values()}
    for recipe in databases.RECIPES:
        name = databases.database_name(recipe, scale)
        if recipe not in needed | parents and name in _made:
            databases.drop(name)
            _made.discard(name)


def _drop_all(scale: Scale) -> None:
    for recipe in databases.RECIPES:
        databases.drop(databases.database_name(recipe, scale))


def _write(records: list[dict], measured: list[str]) -> None:
    merged = harness.merge_records(harness.read_records(), records, measured)
    order = list(harness.REGISTRY)
    merged.sort(key=lambda record: order.index(record["name"].partition(".")[0]))
    harness.write_records(merged)
    harness.RESULTS_TABLE.write_text(harness.table(merged))


def _print(result: Result) -> None:
    target = f" (target {result.target})" if result.target else ""
    value = "" if result.value is None else f"{result.value:,.4g} {result.unit}{target}"
    sys.stdout.write(f"{result.status:8}{result.name:32}{value}  {result.note}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
