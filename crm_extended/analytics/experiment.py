"""What a campaign brought: those who were contacted against those who were held out by chance.

Outcomes (orders, revenue, margin of each customer, 0 for who did not buy) come as three sums an
arm, so that the database can deliver them: ``count(*)``, ``sum(x)`` and ``sum(x * x)``, as numeric.
All who were assigned count, contacted or not: otherwise the arms are not alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from math import sqrt
from statistics import NormalDist
from typing import Literal, NamedTuple

from .special import student_quantile

ALPHA = 0.05
# Few customers make most of the revenue. An arm with fewer effective buyers than these knows too
# little of its spread: measured on orders of 2 to 30 % of the customers with log-normal amounts,
# a campaign without any effect then "works" in up to 17 of 100 cases instead of 2.5
FEWEST_BUYERS = 50

Number = int | float | Decimal
Verdict = Literal["works", "harms", "cannot_tell"]


class Arm(NamedTuple):
    """One side of a comparison: customers, sum of their outcomes, sum of the squares."""

    count: int
    total: Number
    squares: Number

    def plus(self, other: Arm) -> Arm:
        """
        >>> Arm.of([0, 3]).plus(Arm.of([4]))
        Arm(count=3, total=7, squares=25)
        """
        return Arm(*(mine + its for mine, its in zip(self, other, strict=True)))

    @classmethod
    def of(cls, outcomes: Iterable[Number]) -> Arm:
        """
        >>> Arm.of([0, 3, 4])
        Arm(count=3, total=7, squares=25)
        """
        values = list(outcomes)
        return cls(len(values), sum(values), sum(value * value for value in values))

    @property
    def mean(self) -> Fraction:
        return Fraction(self.total) / self.count

    @property
    def variance(self) -> float:
        """Of a customer. Exact fractions: large amounts of little spread lose nothing."""
        squares = Fraction(self.squares) - self.mean * Fraction(self.total)
        return max(float(squares / (self.count - 1)), 0.0)


Wave = tuple[Arm, Arm]
"""The contacted, and the hold-out, of one time at which a playbook ran."""


class Effect(NamedTuple):
    """What it brought per contacted customer; None where that is not known."""

    treated: int
    held_out: int
    difference: float | None = None
    """Mean of the contacted less mean of the hold-out."""
    error: float | None = None
    """Standard error of the difference."""
    low: float | None = None
    """Interval of 95 %."""
    high: float | None = None

    @property
    def verdict(self) -> Verdict:
        if self.low is None or self.low <= 0 <= self.high:
            return "cannot_tell"
        return "works" if self.low > 0 else "harms"

    def net(self, margin_rate: float, cost: float) -> Effect:
        """What is left per contacted customer after the cost of a contact.

        :param margin_rate: margin per unit of the outcome; 1 where the outcome is margin
        :param cost: of one contact

        >>> effect = Effect(100, 100, difference=8, error=1, low=6, high=10)
        >>> effect.net(.5, 1)
        Effect(treated=100, held_out=100, difference=3.0, error=0.5, low=2.0, high=4.0)
        >>> effect.verdict, effect.net(.5, 3.5).verdict, effect.net(.5, 6).verdict
        ('works', 'cannot_tell', 'harms')
        """
        if self.difference is None:
            return self
        net = self._replace(difference=self.difference * margin_rate - cost)
        if self.error is None:
            return net
        low, high = sorted(end * margin_rate - cost for end in (self.low, self.high))
        return net._replace(error=self.error * abs(margin_rate), low=low, high=high)


def effect(
    n: int, total: Number, squares: Number, n0: int, total0: Number, squares0: Number
) -> Effect:
    """Difference of the means with Welch's interval (Biometrika, 1947; degrees of freedom of
    Satterthwaite, 1946); the second three sums are those of the hold-out.

    An arm with few effective buyers takes the spread of the other where that is larger. Nothing
    is known with fewer than two customers in an arm; no interval where nobody differs.

    >>> found = effect(4, 20, 110, 4, 12, 40)
    >>> found.difference, found.verdict
    (2.0, 'cannot_tell')
    >>> effect(1, 20, 400, 4, 12, 40).difference is None
    True
    >>> effect(4, 20, 100, 4, 0, 0)
    Effect(treated=4, held_out=4, difference=5.0, error=None, low=None, high=None)
    """
    return _weighted([(Arm(n, total, squares), Arm(n0, total0, squares0))])


class _Side(NamedTuple):
    """All waves of an arm, weighted."""

    variance: float
    """Of a customer."""
    part: float
    """Variance of the weighted mean, in variances of a customer."""
    freedom: float
    buyers: float
    """As many who spend equally would vary as much (Kish, "Survey Sampling", 1965)."""

    @classmethod
    def of(cls, arms: Sequence[Arm], weights: Sequence[float]) -> _Side:
        parts = [weight**2 / arm.count for arm, weight in zip(arms, weights, strict=True)]
        part = sum(parts)
        squares = sum(Fraction(arm.squares) for arm in arms)
        total = sum(Fraction(arm.total) for arm in arms)
        return cls(
            sum(p * arm.variance for p, arm in zip(parts, arms, strict=True)) / part,
            part,
            part**2 / sum(p**2 / (arm.count - 1) for p, arm in zip(parts, arms, strict=True)),
            float(total**2 / squares) if squares else 0.0,
        )


def _precision(wave: Wave) -> float:
    """Inverse variance of its difference, if all customers vary alike."""
    treated, held_out = wave
    return treated.count * held_out.count / (treated.count + held_out.count)


def _difference(wave: Wave) -> float:
    return float(wave[0].mean - wave[1].mean)


def _weighted(waves: Sequence[Wave]) -> Effect:
    counts = [sum(arm.count for arm in arms) for arms in zip(*waves, strict=True)] or [0, 0]
    if not waves or not all(map(_is_known, waves)):
        return Effect(*counts)
    precision = sum(map(_precision, waves))
    weights = [_precision(wave) / precision for wave in waves]
    found = Effect(*counts, sum(w * _difference(v) for w, v in zip(weights, waves, strict=True)))
    sides = [_Side.of(arms, weights) for arms in zip(*waves, strict=True)]
    most = max(side.variance for side in sides)
    if not most:
        return found
    parts = [s.part * (most if s.buyers < FEWEST_BUYERS else s.variance) for s in sides]
    freedom = sum(parts) ** 2 / sum(p**2 / s.freedom for p, s in zip(parts, sides, strict=True))
    error = sqrt(sum(parts))
    half = student_quantile(1 - ALPHA / 2, freedom) * error
    return found._replace(error=error, low=found.difference - half, high=found.difference + half)


def _is_known(wave: Wave) -> bool:
    return min(arm.count for arm in wave) >= 2


class Pooled(NamedTuple):
    """Several waves of one playbook as one result."""

    effect: Effect
    waves: int
    left_out: int
    """Waves with fewer than two customers in an arm."""
    q: float | None
    """Cochran's Q: about ``waves - 1`` where the effect is the same in all. None for one wave."""
    chance: float | None
    """Chance of so large a Q where it is the same: below .05 the waves differ."""
    treated_mean: float | None = None
    """Per contacted customer, weighted as the difference."""
    held_out_mean: float | None = None

    @property
    def inconsistency(self) -> float | None:
        """I² (Higgins and Thompson, 2002): the share of what waves vary that is not chance."""
        return self.q and max(1 - (self.waves - 1) / self.q, 0.0)


def pool(waves: Sequence[Wave]) -> Pooled:
    """The fixed effect of several waves, weighted by inverse variance as if all customers varied
    alike, with an error that does not suppose so.

    Weights by each wave's own variance, as in most books, favour waves in which nobody happened to
    spend much: pooled so, the men's mailing of Hillstrom's test, cut into 20 waves, brings .64 per
    customer, into 100 waves .17, instead of .77. Hence Q with general weights as well (DerSimonian
    and Kacker, Contemporary Clinical Trials, 2007), and its chance by Wilson and Hilferty (1931).

    >>> wave, larger = (Arm(4, 20, 110), Arm(4, 12, 40)), (Arm(8, 72, 656), Arm(8, 24, 80))
    >>> pooled = pool([wave, larger, (Arm(3, 9, 30), Arm(0, 0, 0))])
    >>> round(pooled.effect.difference, 6), pooled.waves, pooled.left_out
    (4.666667, 2, 1)
    """
    known = [wave for wave in waves if _is_known(wave)]
    found = _weighted(known)
    q = chance = None
    if len(known) > 1 and found.error:
        freedom = len(known) - 1
        precision = sum(map(_precision, known))
        spread = sum(_precision(w) * (_difference(w) - found.difference) ** 2 for w in known)
        expected = sum(
            _precision(w) * (1 - _precision(w) / precision) * sum(a.variance / a.count for a in w)
            for w in known
        )
        q = freedom * spread / expected
        scale = 2 / (9 * freedom)
        chance = 1 - NormalDist().cdf(((q / freedom) ** (1 / 3) - 1 + scale) / sqrt(scale))
    means = [_pooled_mean(known, side) for side in (0, 1)]
    return Pooled(found, len(known), len(waves) - len(known), q, chance, *means)


def _pooled_mean(known: Sequence[Wave], side: int) -> float | None:
    precision = sum(map(_precision, known))
    if not precision:
        return None
    return sum(_precision(wave) * float(wave[side].mean) for wave in known) / precision


class Naive(NamedTuple):
    """What counting everything that the contacted bought would claim."""

    claimed: float
    caused: float
    """What they bought beyond what the hold-out bought per customer."""

    @property
    def overstatement(self) -> float | None:
        """How many times too much is claimed; None where nothing was caused."""
        return self.claimed / self.caused if self.caused > 0 else None


def naive(waves: Iterable[Wave]) -> Naive:
    """Both figures over all waves that have a hold-out.

    >>> found = naive([(Arm(100, 500, 9000), Arm(50, 150, 2000))])
    >>> found, found.overstatement
    (Naive(claimed=500.0, caused=200.0), 2.5)
    """
    compared = [wave for wave in waves if wave[0].count and wave[1].count]
    return Naive(
        float(sum(Fraction(treated.total) for treated, _held_out in compared)),
        float(sum(wave[0].count * (wave[0].mean - wave[1].mean) for wave in compared)),
    )
