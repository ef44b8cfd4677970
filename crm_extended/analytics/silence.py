"""How often customers were silent who were said to be."""

from collections.abc import Iterable
from typing import NamedTuple

from .backtest import Interval, wilson

# who had a lower chance of an order was called silent
SILENT_BELOW = 0.5


class Silence(NamedTuple):
    """Of ``called`` customers who were said to be silent, ``silent`` did not order."""

    called: int
    silent: int
    interval: Interval

    @property
    def share(self) -> float:
        return self.silent / self.called


def called_silent(bars: Iterable[tuple[int, float, float]]) -> Silence | None:
    """From the bars of a back-test, ``(customers, chance of an order that was said, share that
    ordered)``. None where nobody was called silent.

    >>> found = called_silent([(100, 0.1, 0.08), (100, 0.3, 0.32), (100, 0.8, 0.8)])
    >>> found.called, found.silent, found.share
    (200, 160, 0.8)
    >>> called_silent([(10, 0.9, 1.0)])
    """
    silent = [(customers, actual) for customers, said, actual in bars if said < SILENT_BELOW]
    called = sum(customers for customers, _actual in silent)
    if not called:
        return None
    stayed = round(sum(customers * (1 - actual) for customers, actual in silent))
    return Silence(called, stayed, wilson(stayed, called))
