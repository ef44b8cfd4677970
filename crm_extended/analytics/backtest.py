"""How right predictions were: measures of chances against what then happened.

``chances`` are predicted chances, ``outcomes`` whether it happened, in the same order.
"""

from collections import defaultdict
from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

# of a normal distribution: 95 % lie within so many standard deviations
Z95 = 1.959964
FEWEST_CUSTOMERS = 200
FEWEST_BUYERS = 50


class Interval(NamedTuple):
    low: float
    high: float


class Bar(NamedTuple):
    """Customers of about the same chance: what was said, what came."""

    customers: int
    predicted: float
    actual: float
    interval: Interval


def _by_chance(chances, outcomes) -> list[tuple[float, list[bool]]]:
    """Outcomes of those with equal chances, the lowest chance first."""
    groups = defaultdict(list)
    for chance, outcome in zip(chances, outcomes, strict=True):
        groups[chance].append(bool(outcome))
    return sorted(groups.items())


def auc(chances: Sequence[float], outcomes: Sequence[bool]) -> float | None:
    """Share of pairs (one to whom it happened, one to whom it did not) in which the former had
    the higher chance; equal chances count half. None without both kinds.

    >>> auc([.1, .4, .35, .8], [False, False, True, True])
    0.75
    """
    positives = sum(map(bool, outcomes))
    negatives = len(outcomes) - positives
    if not positives or not negatives:
        return None
    ranks, seen = 0.0, 0
    for _chance, ties in _by_chance(chances, outcomes):
        ranks += sum(ties) * (seen + (len(ties) + 1) / 2)
        seen += len(ties)
    return (ranks - positives * (positives + 1) / 2) / (positives * negatives)


def auc_interval(value: float, positives: int, negatives: int) -> Interval:
    """95 % interval of an AUC (Hanley and McNeil, 1982).

    >>> low, high = auc_interval(.8, 100, 400)
    >>> round(low, 3), round(high, 3)
    (0.745, 0.855)
    """
    q1, q2 = value / (2 - value), 2 * value * value / (1 + value)
    variance = (
        value * (1 - value)
        + (positives - 1) * (q1 - value * value)
        + (negatives - 1) * (q2 - value * value)
    ) / (positives * negatives)
    error = Z95 * sqrt(max(variance, 0.0))
    return Interval(max(value - error, 0.0), min(value + error, 1.0))


def brier(chances: Sequence[float], outcomes: Sequence[bool]) -> float:
    """Mean squared difference between chance and outcome: 0 is perfect (Brier, 1950).

    >>> brier([1, .5], [True, False])
    0.125
    """
    return sum((c - bool(o)) ** 2 for c, o in zip(chances, outcomes, strict=True)) / len(chances)


def wilson(successes: int, trials: int) -> Interval:
    """95 % interval of a share (Wilson, 1927).

    >>> low, high = wilson(5, 10)
    >>> round(low, 3), round(high, 3)
    (0.237, 0.763)
    """
    share, z2 = successes / trials, Z95 * Z95
    middle = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z95 * sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials)) / (1 + z2 / trials)
    return Interval(max(min(middle - half, share), 0.0), min(max(middle + half, share), 1.0))


def calibration(chances: Sequence[float], outcomes: Sequence[bool], bars: int = 10) -> list[Bar]:
    """Customers by chance in groups of about equal size; equal chances stay together.

    >>> [bar.customers for bar in calibration([.1, .1, .1, .9], [0, 0, 0, 1], bars=2)]
    [3, 1]
    """
    groups: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    seen = 0
    for chance, ties in _by_chance(chances, outcomes):
        # the bar in which the middle of the equals lies
        position = int((seen + len(ties) / 2) * bars / len(chances))
        groups[position] += [(chance, outcome) for outcome in ties]
        seen += len(ties)
    return [
        Bar(
            len(group),
            sum(chance for chance, _ in group) / len(group),
            (happened := sum(outcome for _, outcome in group)) / len(group),
            wilson(happened, len(group)),
        )
        for group in groups.values()
    ]


def calibration_error(bars: Sequence[Bar]) -> float:
    """Mean distance between what was said and what came, weighted by customers."""
    customers = sum(bar.customers for bar in bars)
    return sum(bar.customers * abs(bar.predicted - bar.actual) for bar in bars) / customers


def top_lift(
    chances: Sequence[float], outcomes: Sequence[bool], share: float = 0.1
) -> float | None:
    """How many times more often it happened to those with the highest chances than to all; of
    equals at the border a part counts. None where it happened to nobody.

    >>> top_lift([.9, .5, .1, .1], [True, False, False, False], share=.25)
    4.0
    """
    happened = sum(map(bool, outcomes))
    if not happened:
        return None
    size = left = share * len(chances)
    hits = 0.0
    for _chance, ties in reversed(_by_chance(chances, outcomes)):
        hits += sum(ties) * min(left / len(ties), 1)
        left -= len(ties)
        if left <= 0:
            break
    return hits / size / (happened / len(chances))


def grade(
    area: float | None, error: float, score: float, base_score: float, customers: int, buyers: int
) -> str | None:
    """One letter for how far the chances may be trusted; None where too few were judged.

    A: ranks well (AUC from .75) and what was said came within 3 points; B: AUC from .7, within
    5; C: still better than announcing the same average chance to all; D: no better than that.

    >>> grade(.8, .01, .1, .12, 5000, 800), grade(.8, .04, .1, .12, 5000, 800)
    ('A', 'B')
    >>> grade(.6, .1, .2, .19, 500, 80), grade(.8, .01, .1, .12, 150, 80) is None
    ('D', True)
    """
    if customers < FEWEST_CUSTOMERS or buyers < FEWEST_BUYERS or area is None:
        return None
    if score >= base_score:
        return "D"
    if area >= 0.75 and error <= 0.03:
        return "A"
    return "B" if area >= 0.7 and error <= 0.05 else "C"


class Forecast(NamedTuple):
    """What was said of one customer: the chance of an order within the horizon, expected orders
    and revenue; and what simple rules look at: his silence, and his own mean interval (None after
    one order), in days."""

    chance: float
    orders: float
    revenue: float
    silence: float
    interval: float | None


class Outcome(NamedTuple):
    """What he did within the horizon."""

    orders: int
    revenue: float


def judge(forecasts: Sequence[Forecast], outcomes: Sequence[Outcome], rule_days: int = 90) -> dict:
    """All measures of a back-test, in one dictionary.

    Beside the chances two rules are judged that announce 1 or 0: "no order for 90 days" and
    "silent for more than twice his own interval", and the forecast that announces to everybody
    the share of those who ordered, as if it had been known.

    :raise ValueError: nobody to judge
    """
    if not forecasts:
        raise ValueError("there is nobody to judge")
    ordered = [outcome.orders > 0 for outcome in outcomes]
    chances = [forecast.chance for forecast in forecasts]
    buyers = sum(ordered)
    share = buyers / len(ordered)
    bars = calibration(chances, ordered)
    area = auc(chances, ordered)
    rules = {
        "rule_days": [float(f.silence <= rule_days) for f in forecasts],
        "rule_interval": [
            float(bool(f.interval) and f.silence <= 2 * f.interval) for f in forecasts
        ],
    }
    measures = {
        "customers": len(forecasts),
        "buyers": buyers,
        "auc": area,
        "auc_interval": area is not None and auc_interval(area, buyers, len(forecasts) - buyers),
        "brier": brier(chances, ordered),
        "base_brier": share * (1 - share),
        "calibration_error": calibration_error(bars),
        "lift": top_lift(chances, ordered),
        "bars": bars,
        "orders_expected": sum(forecast.orders for forecast in forecasts),
        "orders_actual": sum(outcome.orders for outcome in outcomes),
        "revenue_expected": sum(forecast.revenue for forecast in forecasts),
        "revenue_actual": sum(outcome.revenue for outcome in outcomes),
    }
    for name, announced in rules.items():
        measures[f"{name}_auc"] = auc(announced, ordered)
        measures[f"{name}_brier"] = brier(announced, ordered)
    measures["grade"] = grade(
        area,
        measures["calibration_error"],
        measures["brier"],
        measures["base_brier"],
        len(forecasts),
        buyers,
    )
    return measures
