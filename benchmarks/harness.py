"""Measurements, their targets, and where their results are kept."""

from __future__ import annotations

import json
import operator
import os
import platform
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
RESULTS_JSON = FOLDER / "results.jsonl"
RESULTS_TABLE = FOLDER / "RESULTS.md"


@dataclass(frozen=True)
class Scale:
    """How large the databases are; customers unless said otherwise."""

    name: str
    main: int
    """The nightly refresh and the screens; 4.3 invoices a customer, with margins."""
    loop: int
    """How many of the 10,000 customers of the comparison the per-customer loop goes through; its
    time is proportional."""
    tenth: int
    """The smaller of two databases that differ in size alone."""
    whole: int
    """The larger one: ten times as many."""
    crash: int
    """The refresh that is killed again and again."""
    kills: int
    """How often."""
    rounds: int
    """Repetitions of which the median counts."""
    loyal: int
    """The simulated year of nights."""
    nights: int
    """How many of them."""


FULL = Scale("full", 300_000, 10_000, 100_000, 1_000_000, 60_000, kills=20, rounds=3,
             loyal=5_000, nights=365)  # fmt: skip
QUICK = Scale("quick", 30_000, 1_000, 10_000, 100_000, 20_000, kills=4, rounds=3,
              loyal=500, nights=60)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """A bound and the side of it on which a value is good."""

    relation: str
    bound: float

    RELATIONS = {"<=": operator.le, "<": operator.lt, ">=": operator.ge, "=": operator.eq}

    def is_met(self, value: float) -> bool:
        return self.RELATIONS[self.relation](value, self.bound)

    def __str__(self) -> str:
        return f"{self.relation} {self.bound:g}"


def at_most(bound: float) -> Target:
    return Target("<=", bound)


def below(bound: float) -> Target:
    return Target("<", bound)


def at_least(bound: float) -> Target:
    return Target(">=", bound)


def exactly(bound: float) -> Target:
    return Target("=", bound)


@dataclass
class Result:
    """One number. Status: ok, missed, failed (with the reason as note), skipped, or info."""

    name: str
    value: float | None = None
    unit: str = ""
    target: Target | None = None
    note: str = ""
    status: str = ""

    def __post_init__(self) -> None:
        if not self.status:
            if self.target is None:
                self.status = "info"
            else:
                self.status = "ok" if self.target.is_met(self.value) else "missed"

    def as_record(self, scale: str, machine: dict) -> dict:
        """What is written to ``results.jsonl``."""
        value = round(self.value, 4) if isinstance(self.value, float) else self.value
        return {
            "name": self.name,
            "value": value,
            "unit": self.unit,
            "target": str(self.target) if self.target else "",
            "status": self.status,
            "note": self.note,
            "scale": scale,
            "machine": machine,
        }


@dataclass(frozen=True)
class Measurement:
    """A function that yields results, the databases it needs and the time it may take."""

    name: str
    function: Callable[[Bench], Iterator[Result]]
    databases: tuple[str, ...]
    timeout: float
    """Seconds after which it has failed."""

    @property
    def summary(self) -> str:
        return (self.function.__doc__ or "").strip().split("\n")[0]


@dataclass
class Bench:
    """What a measurement is given: the scale, and the names of its databases."""

    scale: Scale
    names: dict[str, str] = field(default_factory=dict)

    def database(self, recipe: str) -> str:
        return self.names[recipe]


REGISTRY: dict[str, Measurement] = {}


def measure(name: str, *databases: str, timeout: float = 1200) -> Callable:
    """Register a measurement under a name. It runs in a process of its own."""

    def register(function: Callable[[Bench], Iterator[Result]]) -> Callable:
        REGISTRY[name] = Measurement(name, function, databases, timeout)
        return function

    return register


def machine(database_version: str = "") -> dict:
    """What the numbers depend on, without naming the machine."""
    memory = 0
    try:
        memory = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    except (ValueError, OSError):
        pass
    return {
        "cores": os.cpu_count(),
        "memory_gib": memory,
        "cpu": _cpu_model(),
        "python": platform.python_version(),
        "postgresql": database_version,
    }


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.machine()


def read_records(path: Path = RESULTS_JSON) -> list[dict]:
    """The records of earlier runs; [] when there are none."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def merge_records(old: Iterable[dict], new: Iterable[dict], measured: Iterable[str]) -> list[dict]:
    """Earlier records, without those of the measurements and scale that were measured again.

    ``name`` is ``measurement`` or ``measurement.detail``.

    >>> old = [{"name": "a.x", "scale": "full", "value": 1}, {"name": "a.x", "scale": "quick"}]
    >>> merge_records(old, [{"name": "a.y", "scale": "full", "value": 2}], ["a"])
    [{'name': 'a.x', 'scale': 'quick'}, {'name': 'a.y', 'scale': 'full', 'value': 2}]
    """
    new = list(new)
    scales = {record["scale"] for record in new}
    again = set(measured)
    kept = [
        record
        for record in old
        if record["scale"] not in scales or record["name"].partition(".")[0] not in again
    ]
    return kept + new


def write_records(records: Iterable[dict], path: Path = RESULTS_JSON) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


_HOW_TO_READ = """\
# Measured results

Written by `make bench` (full size, up to an hour on 2 cores) and `make bench QUICK=1` (a tenth of
the size, some five minutes). Don't edit: run it again. The same numbers, one JSON object a line,
are in `results.jsonl`.

How to read it:

- **status** — *ok*: the target is reached; **missed**: it was measured and is not reached;
  **failed**: it could not be measured, and the note says why; *skipped*: something it needs is not
  there; *info*: a number without a target.
- A **×** is a ratio of two times of the same run on the same machine, so that it can be compared
  between machines. Seconds and milliseconds can't.
- The *floor* is what the database needs at least for such a refresh: one plain
  `CREATE UNLOGGED TABLE AS` of the per-customer sums over the same tables (invoices, their lines,
  and the costs on order lines) plus one plain `INSERT` of as many rows and columns as the customer
  table has, without its indexes.
- Full size: {full}. Quick: {quick}. Quick results show that nothing is broken; fixed costs weigh
  more in them, so judge by full size.
- What each measurement does is said in its docstring in `benchmarks/measures/`.
"""


def _describe(scale: Scale) -> str:
    return (
        f"{scale.main:,} customers (scaling: {scale.tenth:,} against"
        f" {scale.whole:,}; kills: {scale.kills})"
    )


def table(records: Iterable[dict]) -> str:
    """The records as the text of ``RESULTS.md``."""
    parts = [_HOW_TO_READ.format(full=_describe(FULL), quick=_describe(QUICK))]
    records = list(records)
    for scale, title in (("full", "Full size"), ("quick", "Quick")):
        chosen = [record for record in records if record["scale"] == scale]
        if not chosen:
            continue
        host = chosen[-1]["machine"]
        parts.append(
            f"## {title}\n\n"
            f"{host['cores']} cores ({host['cpu']}), {host['memory_gib']} GiB,"
            f" PostgreSQL {host['postgresql']}, Python {host['python']}\n\n"
            "| measurement | value | unit | target | status | note |\n"
            "| --- | ---: | --- | --- | --- | --- |"
        )
        parts[-1] += "".join(_row(record) for record in chosen) + "\n"
    return "\n".join(parts)


def _row(record: dict) -> str:
    status = record["status"]
    shown = f"**{status}**" if status in ("missed", "failed") else status
    cells = [
        f"`{record['name']}`",
        _shown(record["value"]),
        record["unit"],
        record["target"],
        shown,
        record["note"].replace("|", "\\|").replace("\n", " "),
    ]
    return "\n| " + " | ".join(cells) + " |"


def _shown(value: float | None) -> str:
    """
    >>> _shown(1234567), _shown(3.14159), _shown(0.0123), _shown(None)
    ('1,234,567', '3.14', '0.0123', '')
    """
    if value is None:
        return ""
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.2f}" if abs(value) >= 0.1 else f"{value:.3g}"


def result_to_json(result: Result) -> str:
    """A result as a child process reports it to its parent."""
    values = asdict(result)
    values["target"] = result.target and [result.target.relation, result.target.bound]
    return json.dumps(values)


def result_from_json(text: str) -> Result:
    """
    >>> result_from_json(result_to_json(Result("a", 3, "x", at_most(4)))).status
    'ok'
    """
    values = json.loads(text)
    values["target"] = values["target"] and Target(*values["target"])
    return Result(**values)
