"""What a playbook or a campaign earned, from the sums of its days of assignment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Literal, NamedTuple

from .experiment import FEWEST_BUYERS, Arm, Effect, Naive, Pooled, Verdict, Wave, naive, pool
from .sample_size import missing_customers

Grain = Literal["day", "week", "month"]
GRAINS: tuple[Grain, ...] = ("day", "week", "month")
NOBODY = Arm(0, 0, 0)
Moment = tuple[object, date]
"""Which playbook, and the day of assignment: those of one are alike but for chance."""


class Found(NamedTuple):
    """The result of one measure."""

    pooled: Pooled
    counted: Naive
    net: Effect
    """Per contacted customer, the cost of a contact taken off."""
    missing: int | None
    """Customers more that it takes to tell; None where it is told or nobody can say."""

    @property
    def verdict(self) -> Verdict:
        return self.net.verdict

    @property
    def earned(self) -> tuple[float, float, float] | None:
        """Of all contacted customers together, and its interval.

        >>> found = judge([(Arm.of([9, 1, 8]), Arm.of([1, 2, 3]))], cost=1)
        >>> round(found.earned[0], 6), found.verdict
        (9.0, 'cannot_tell')
        """
        if self.net.low is None:
            return None
        customers = self.net.treated
        return tuple(customers * end for end in (self.net.difference, self.net.low, self.net.high))


def judge(waves: Sequence[Wave], cost: float = 0) -> Found:
    """Pool the waves and take off what a contact costs."""
    pooled = pool(waves)
    net = pooled.effect.net(1, cost)
    return Found(pooled, naive(waves), net, missing_customers(net))


def first_day(day: date, grain: Grain) -> date:
    """
    >>> [str(first_day(date(2025, 5, 30), grain)) for grain in GRAINS]
    ['2025-05-30', '2025-05-26', '2025-05-01']
    """
    if grain == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if grain == "month" else day


def grouped(days: Mapping[Moment, Wave], grain: Grain) -> dict[Moment, Wave]:
    """Days of assignment as the waves of a calendar week or month, in order.

    >>> wave = (Arm(2, 4, 8), Arm(1, 1, 1))
    >>> waves = grouped({(7, date(2025, 5, 30)): wave, (7, date(2025, 5, 2)): wave}, "month")
    >>> waves[7, date(2025, 5, 1)]
    (Arm(count=4, total=8, squares=16), Arm(count=2, total=2, squares=2))
    """
    waves: dict[Moment, Wave] = {}
    for (key, day), wave in sorted(days.items(), key=lambda item: item[0][::-1]):
        moment = (key, first_day(day, grain))
        before = waves.get(moment, (NOBODY, NOBODY))
        waves[moment] = (before[0].plus(wave[0]), before[1].plus(wave[1]))
    return waves


def grain_of(days: Iterable[tuple[Moment, int, int]]) -> Grain:
    """The finest grain at which the usual wave has enough customers in both arms, else months:
    small waves know little of their own mean, and many of them less together than few large ones.

    :param days: day of assignment, customers contacted, customers held out

    >>> day = date(2025, 5, 5)
    >>> grain_of([((7, day), 200, 60)]), grain_of([((7, day), 200, 9)])
    ('day', 'month')
    >>> grain_of([((7, day + timedelta(days=n)), 20, 10) for n in range(5)])
    'week'
    """
    days = list(days)
    for grain in GRAINS[:-1]:
        sizes: dict[Moment, list[int]] = {}
        for (key, day), treated, held_out in days:
            size = sizes.setdefault((key, first_day(day, grain)), [0, 0])
            size[0] += treated
            size[1] += held_out
        smaller = sorted(min(size) for size in sizes.values())
        if smaller and smaller[len(smaller) // 2] >= FEWEST_BUYERS:
            return grain
    return GRAINS[-1]


def two_digits(number: int) -> int:
    """Rounded up: more would not be known.

    >>> [two_digits(number) for number in (7, 87, 1_234, 98_765)]
    [7, 87, 1300, 99000]
    """
    step = 10 ** max(len(str(number)) - 2, 0)
    return -(-number // step) * step
