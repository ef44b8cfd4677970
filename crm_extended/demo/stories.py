"""The stories that the demo tells, in plain Python and in days before today ("ages").

A story says how often a customer bought and when last, where he should stand today, and where
he stood 30 days ago. Silence is measured in his own rhythm, as the addon does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log
from random import Random

HISTORY = 790  # days: 26 months
COMPANY_INTERVAL = 30  # days, the median over the customers; the stories are made for it
SHRINKAGE = 3
FASTEST, SLOWEST = 18, 42  # days between two purchases of most customers

Ages = list[int]


def usual_interval(ages: Ages) -> float:
    """The geometric mean of the intervals, shrunk to the company's.

    >>> usual_interval([60, 40, 20, 0]), usual_interval([0])
    (25.0, 30.0)
    """
    gaps = [older - newer for older, newer in zip(ages, ages[1:], strict=False)]
    own = exp(sum(map(log, gaps)) / len(gaps)) if gaps else 0
    shrunk = (len(gaps) * own + SHRINKAGE * COMPANY_INTERVAL) / (len(gaps) + SHRINKAGE)
    return round(shrunk, 2)


def shift(ages: Ages, days: int) -> Ages:
    """
    >>> shift([50, 20], 7)
    [57, 27]
    """
    return [age + days for age in ages]


def visits(rng: Random, interval: float, span: int, noise: float = 0.25) -> Ages:
    """Regular purchases over at most a span, the last one today, four at least.

    >>> visits(Random(1), 30, 100, noise=0)
    [90, 60, 30, 0]
    """
    ages = [0]
    while True:
        age = ages[-1] + max(2, round(interval * rng.uniform(1 - noise, 1 + noise)))
        if age > span and len(ages) > 3:
            return ages[::-1]
        ages.append(age)


# ------------------------------------------------------------- plans: (rng, interval) -> ages


def no_purchase(rng: Random, interval: float) -> Ages:
    return []


def first_order(rng: Random, interval: float) -> Ages:
    return [rng.randint(4, 46)]


def first_orders(rng: Random, interval: float) -> Ages:
    ages = [rng.randint(2, 12)]
    while ages[-1] < 62 and len(ages) < 4:
        ages.append(ages[-1] + rng.randint(15, 24))
    return ages[::-1]


def regular(rng: Random, interval: float) -> Ages:
    ages = visits(rng, interval, rng.randint(250, HISTORY - 60))
    return shift(ages, rng.randint(1, round(interval)))


def slow_and_regular(rng: Random, interval: float) -> Ages:
    """A fixed number of days would call him lost."""
    ages = visits(rng, rng.uniform(75, 90), rng.randint(560, 690), noise=0.1)
    return shift(ages, rng.randint(55, 75))


def declining(rng: Random, interval: float) -> Ages:
    return shift(visits(rng, interval, HISTORY - 60), rng.randint(1, round(interval)))


def irregular(rng: Random, interval: float) -> Ages:
    """One long pause, months ago."""
    recent = visits(rng, interval, rng.randint(120, 210))
    recent = shift(recent, rng.randint(1, round(interval * 0.8)))
    before = visits(rng, interval, rng.randint(150, 300))
    pause = round(2.7 * usual_interval(before))
    return shift(before, recent[0] + pause) + recent


def few_orders(rng: Random, interval: float) -> Ages:
    last = rng.randint(10, 40)
    middle = last + rng.randint(50, 68)
    return [middle + rng.randint(50, 68), middle, last]


def silent_lately(rng: Random, interval: float) -> Ages:
    """Beyond twice the usual interval for a few days."""
    ages = visits(rng, interval, rng.randint(240, 600))
    return shift(ages, int(2 * usual_interval(ages)) + rng.randint(4, 20))


def silent(rng: Random, interval: float) -> Ages:
    """Beyond twice the usual interval for more than a month, not yet four times."""
    ages = visits(rng, max(interval, 28), rng.randint(240, 600))
    usual = usual_interval(ages)
    return shift(ages, rng.randint(int(2 * usual) + 35, int(4 * usual) - 6))


def silent_for_a_fast_buyer(rng: Random, interval: float) -> Ages:
    """Four weeks: nothing for others, long for him."""
    ages = visits(rng, rng.uniform(7, 10), rng.randint(300, 450))
    return shift(ages, round(2.9 * usual_interval(ages)))


def one_order_and_silent(rng: Random, interval: float) -> Ages:
    return [rng.randint(72, 104)]


def gone_lately(rng: Random, interval: float) -> Ages:
    ages = visits(rng, max(interval, 22), rng.randint(240, 560))
    return shift(ages, int(4 * usual_interval(ages)) + rng.randint(4, 20))


def gone(rng: Random, interval: float) -> Ages:
    ages = visits(rng, interval, rng.randint(120, 340))
    return shift(ages, int(4 * usual_interval(ages)) + rng.randint(45, 230))


def one_order_long_ago(rng: Random, interval: float) -> Ages:
    return [rng.randint(190, 740)]


def back_lately(rng: Random, interval: float) -> Ages:
    before = visits(rng, interval, rng.randint(150, 350))
    back = rng.randint(3, 24)
    pause = int(4 * usual_interval(before)) + rng.randint(45, 120)
    return shift(before, back + pause) + [back]


def back_for_weeks(rng: Random, interval: float) -> Ages:
    before = visits(rng, interval, rng.randint(150, 350))
    back = rng.randint(50, 78)
    pause = int(4 * usual_interval(before)) + rng.randint(20, 90)
    since = list(range(back, 2, -rng.randint(17, 23)))
    return shift(before, back + pause) + since


def recovered(rng: Random, interval: float) -> Ages:
    """At risk a month ago, then he ordered."""
    before = visits(rng, max(interval, 28), rng.randint(240, 500))
    back = rng.randint(10, 24)
    pause = int(2 * usual_interval(before)) + 35 - back + rng.randint(2, 8)
    return shift(before, back + pause) + [back]


def order_after_silence(rng: Random, interval: float) -> Ages:
    """The purchases before the order that waits to be invoiced."""
    ages = visits(rng, max(interval, 28), rng.randint(240, 500))
    return shift(ages, int(2 * usual_interval(ages)) + 42)


def order_after_loss(rng: Random, interval: float) -> Ages:
    ages = visits(rng, interval, rng.randint(150, 400))
    return shift(ages, int(6 * usual_interval(ages)) + 60)


def many_small_orders(rng: Random, interval: float) -> Ages:
    return shift(visits(rng, rng.uniform(10, 13), HISTORY - 60), rng.randint(1, 9))


def many_orders(rng: Random, interval: float) -> Ages:
    return shift(visits(rng, rng.uniform(19, 26), HISTORY - 60), rng.randint(1, 15))


def few_regular_orders(rng: Random, interval: float) -> Ages:
    return shift(visits(rng, rng.uniform(36, 42), 190), rng.randint(4, 26))


def one_order_reversed(rng: Random, interval: float) -> Ages:
    return [rng.randint(12, 20)]


@dataclass(frozen=True)
class Story:
    """``stages`` are those that the customer may stand in today, ``before`` those of 30 days
    ago; an empty tuple means that he has no row, None that it does not matter."""

    key: str
    count: int  # of 400
    plan: Callable[[Random, float], Ages]
    stages: tuple[str, ...]
    before: tuple[str, ...] | None = None
    value: float = 450  # of a usual order
    trend: float = 1.1  # value of today's orders over those of two years ago

    def times(self, size: int) -> int:
        """How many customers of a demo of that size have this story."""
        return max(1, round(self.count * size / 400))


FINE = ("loyal", "normal")

STORIES = (
    Story("new", 14, first_order, ("new",)),
    Story("new_active", 12, first_orders, ("new",)),
    Story("irregular", 30, irregular, ("normal",), ("normal",)),
    Story("few", 24, few_orders, ("normal",)),
    Story("shrinking", 14, declining, ("at_risk",), ("at_risk",), value=900, trend=0.05),
    Story("loyal", 92, regular, ("loyal",), ("loyal",)),
    Story("loyal_slow", 10, slow_and_regular, ("loyal",), ("loyal",), value=2200, trend=1.4),
    Story("loyal_large", 8, regular, ("loyal",), ("loyal",), value=4200, trend=1.4),
    Story("at_risk_lately", 16, silent_lately, ("at_risk",), FINE),
    Story("at_risk", 12, silent, ("at_risk",), ("at_risk",)),
    Story("at_risk_large", 4, silent_lately, ("at_risk",), FINE, value=3200),
    Story("at_risk_fast", 7, silent_for_a_fast_buyer, ("at_risk",), FINE, value=160),
    Story("at_risk_quoted", 6, silent_lately, ("at_risk",), FINE, value=800),
    Story("at_risk_overdue", 5, silent_lately, ("at_risk",), FINE, value=1100),
    Story("at_risk_once", 12, one_order_and_silent, ("at_risk",)),
    Story("at_risk_reversed", 2, silent_lately, ("at_risk",)),
    Story("lost_lately", 8, gone_lately, ("lost",), ("at_risk",)),
    Story("lost", 34, gone, ("lost",), ("lost",)),
    Story("lost_large", 4, gone, ("lost",), ("lost",), value=2600),
    Story("lost_once", 20, one_order_long_ago, ("lost",), ("lost",)),
    Story("won_back_lately", 8, back_lately, ("won_back",), ("lost",)),
    Story("won_back", 6, back_for_weeks, ("won_back",), ("won_back",)),
    Story("recovered", 6, recovered, ("normal",), ("at_risk",)),
    Story("waiting", 3, order_after_silence, FINE, ("at_risk",)),
    Story("waiting_won_back", 1, order_after_loss, ("won_back",), ("lost",)),
    Story("prospect", 24, no_purchase, ("prospect",)),
    Story("loss_small", 6, many_small_orders, FINE, FINE, value=28, trend=1),
    Story("loss_returns", 4, many_orders, FINE, FINE, value=105, trend=1),
    Story("loss_price", 4, many_orders, FINE, FINE, value=900, trend=1),
    Story("foreign", 3, few_regular_orders, FINE, value=1500),
    Story("down_payment", 2, few_regular_orders, FINE, value=2400),
    Story("reversed_only", 1, one_order_reversed, (), ()),
    Story("opt_out", 2, regular, (), ()),
)
BY_KEY = {story.key: story for story in STORIES}
LOSS_MAKERS = tuple(key for key in BY_KEY if key.startswith("loss_"))
# whose sales Odoo itself makes, document by document: all of them, or the last
HANDMADE = {"foreign": "all", "down_payment": "last", "reversed_only": "all"}


def spread(index: int) -> float:
    """The interval of a story's customers: evenly spread, so that the median holds at any size.

    >>> [round(spread(index)) for index in range(5)]
    [30, 21, 36, 26, 41]
    """
    share = (index * 0.6180339887 + 0.5) % 1
    return FASTEST + share * (SLOWEST - FASTEST)
