"""How a company's profit, or revenue, is spread over its customers.

Whale curve (Kaplan and Narayanan, 2001): customers from the best to the worst, what they bring
added up. It rises as long as customers bring something, and falls over those who cost money.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple


class Point(NamedTuple):
    """The best so many ``customers`` bring ``amount`` together; each of them brings ``lowest`` or
    more."""

    customers: int
    amount: float
    lowest: float | None


class Whale(NamedTuple):
    """``peak``: what all who bring something bring, ``earners`` their number; ``lost``: what the
    others take of it again, as a share of the peak; ``height``: the peak as a share of the total.
    A share of nothing is None.
    """

    customers: int
    total: float
    peak: float
    earners: int
    lost: float | None
    height: float | None


def cumulate(parts: Iterable[tuple[int, float, float]]) -> list[Point]:
    """The curve of parts ``(customers, amount, lowest amount)``, the best first.

    >>> cumulate([(1, 60.0, 60.0), (2, 50.0, 20.0), (1, -10.0, -10.0)])[1:3]
    [Point(customers=1, amount=60.0, lowest=60.0), Point(customers=3, amount=110.0, lowest=20.0)]
    """
    points = [Point(0, 0.0, None)]
    for customers, amount, lowest in parts:
        last = points[-1]
        points.append(Point(last.customers + customers, last.amount + amount, lowest))
    return points


def whale(points: Sequence[Point]) -> Whale:
    """
    >>> whale(cumulate([(1, 80.0, 80.0), (1, 40.0, 40.0), (1, 0.0, 0.0), (1, -20.0, -20.0)]))
    Whale(customers=4, total=100.0, peak=120.0, earners=2, lost=0.16666666666666666, height=1.2)
    >>> whale(cumulate([(1, -5.0, -5.0)]))
    Whale(customers=1, total=-5.0, peak=0.0, earners=0, lost=None, height=None)
    """
    customers, total, _lowest = points[-1]
    # the first of several: who brings nothing is no earner
    peak = max(points, key=lambda point: point.amount)
    return Whale(
        customers,
        total,
        peak.amount,
        peak.customers,
        (peak.amount - total) / peak.amount if peak.amount > 0 else None,
        peak.amount / total if total > 0 else None,
    )


def share_of_best(points: Sequence[Point], share: float) -> float | None:
    """What the best ``share`` of the customers bring, as a share of the total; between two points
    of the curve on a straight line. None where there is no total to share.

    >>> curve = cumulate([(1, 60.0, 60.0), (1, 30.0, 30.0), (2, 10.0, 5.0)])
    >>> share_of_best(curve, 0.25), share_of_best(curve, 0.75)
    (0.6, 0.95)
    >>> share_of_best(cumulate([]), 0.1)
    """
    customers, total, _lowest = points[-1]
    if total <= 0:
        return None
    best = share * customers
    for before, after in pairwise(points):
        if best <= after.customers:
            part = (best - before.customers) / (after.customers - before.customers)
            return (before.amount + part * (after.amount - before.amount)) / total
    return 1.0


def gini(points: Sequence[Point]) -> float | None:
    """Gini coefficient of a curve without losses: 0 where all bring the same, near 1 where one
    brings all. Within a part customers count as equal.

    >>> gini(cumulate([(1, 5.0, 5.0)] * 4))
    0.0
    >>> gini(cumulate([(1, 12.0, 12.0), (3, 0.0, 0.0)]))
    0.75
    """
    customers, total, _lowest = points[-1]
    if total <= 0:
        return None
    area = sum(
        (after.customers - before.customers) * (before.amount + after.amount) / 2
        for before, after in pairwise(points)
    )
    return 2 * area / (customers * total) - 1
