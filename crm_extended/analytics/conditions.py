"""Whether the conditions of a search domain exclude each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
LOWER, UPPER = {">": True, ">=": False}, {"<": True, "<=": False}


def contradiction(domain: list) -> str | None:
    """The field whose conditions nobody can fulfil at once, if there is one.

    Looks at what must hold together, at comparisons with numbers and with dates.

    >>> contradiction([("count", ">", 5), ("count", "<", 3)])
    'count'
    >>> contradiction(["|", ("count", ">", 5), ("count", "<", 3)])
    >>> contradiction([("count", ">=", 5), ("count", "<=", 5)])
    >>> contradiction([("count", ">", 5), ("count", "<=", 5)])
    'count'
    >>> contradiction([("count", "=", 5), ("count", ">", 7), ("name", "=", "x")])
    'count'
    >>> contradiction([("day", ">", "2025-03-01"), ("day", "<=", "2025-02-01")])
    'day'
    >>> contradiction(["|", ("a", "=", 1), "&", ("day", ">", 5), ("day", "<", 4), ("b", "=", 2)])

    What is negated or not comparable is left alone, and so are alternatives of which one may hold.

    >>> contradiction(["!", ("count", ">", 5), ("count", "<", 3)])
    >>> contradiction([("count", ">", 5), ("count", "<", "x")])
    """
    bounds: dict[tuple[str, type], list] = {}
    for field, operator, value in _together(domain):
        value = _comparable(value)
        if value is None:
            continue
        kind = float if isinstance(value, int | float) else type(value)
        # (bound, whether the bound itself is excluded)
        found = bounds.setdefault((field, kind), [None, None])
        if operator == "=" or operator in LOWER:
            new = (value, LOWER.get(operator, False))
            found[0] = new if found[0] is None else max(found[0], new)
        if operator == "=" or operator in UPPER:
            new = (value, not UPPER.get(operator, False))
            found[1] = new if found[1] is None else min(found[1], new)
    for (field, _kind), (low, high) in bounds.items():
        if low and high and (low[0] > high[0] or low[0] == high[0] and (low[1] or not high[1])):
            return field
    return None


def _comparable(value: Any) -> Any:
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and DATE.fullmatch(value):
        return date.fromisoformat(value)
    return value if isinstance(value, int | float | date) else None


def _together(domain: list) -> Iterator[tuple]:
    """The leaves of which none is an alternative to another."""
    position = 0
    while position < len(domain):
        end = _term_end(domain, position)
        term = domain[position]
        if term == "&":
            middle = _term_end(domain, position + 1)
            yield from _together(domain[position + 1 : middle])
            yield from _together(domain[middle:end])
        elif not isinstance(term, str) and len(term) == 3:
            yield tuple(term)
        position = end


def _term_end(domain: list, position: int) -> int:
    """The position after the term, in prefix notation, that begins at one."""
    missing = 1
    while missing and position < len(domain):
        term = domain[position]
        if term in ("&", "|"):
            missing += 1
        elif term != "!":
            missing -= 1
        position += 1
    return position
