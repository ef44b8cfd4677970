"""Whether a refinement of the forecasts is worth having, tried on the past."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from math import sqrt
from typing import NamedTuple

# horizons ago at which forecasts are made once more
TRIALS = 2
# standard errors that a gain must exceed: by chance it does in 5 of 100 cases
GAIN_ERRORS = 1.645


class Trial(NamedTuple):
    """A day in the past, the end of its horizon, who had bought by then (positions among all),
    and whether each of them bought again within the horizon."""

    day: date
    end: date
    customers: list[int]
    came: list[bool]


def trials(purchases: Sequence[Sequence[date]], until: date, horizon: int) -> Iterator[Trial]:
    """One and two horizons ago.

    :param purchases: purchase days of each customer, in order
    :param until: the last day that is known
    :param horizon: days of a forecast

    >>> [last, _] = trials([[date(2026, 1, 1), date(2026, 3, 1)]], date(2026, 3, 31), 60)
    >>> last.came
    [True]
    """
    for number in range(1, TRIALS + 1):
        day = until - timedelta(days=number * horizon)
        end = day + timedelta(days=horizon)
        customers = [position for position, days in enumerate(purchases) if days[0] <= day]
        came = [any(day < bought <= end for bought in purchases[who]) for who in customers]
        yield Trial(day, end, customers, came)


class Gain(NamedTuple):
    """By how much the Brier score gets better, and the standard error of that."""

    mean: float
    error: float

    def is_real(self, alternatives: int = 1) -> bool:
        """Whether it is more than chance; the best of several alternatives must gain more.

        >>> Gain(.002, .001).is_real(), Gain(.002, .001).is_real(alternatives=4)
        (True, False)
        """
        return self.mean > (GAIN_ERRORS + 0.25 * (alternatives - 1)) * self.error


def gain(before: Sequence[float], after: Sequence[float], came: Sequence[bool]) -> Gain:
    """Gain of the chances ``after`` on the chances ``before``, for the same customers.

    >>> gain([.5, .5], [.9, .1], [True, False]).mean
    0.24
    """
    gains = [
        (first - happened) ** 2 - (second - happened) ** 2
        for first, second, happened in zip(before, after, came, strict=True)
    ]
    mean = sum(gains) / len(gains)
    error = sqrt(sum((value - mean) ** 2 for value in gains)) / len(gains)
    return Gain(round(mean, 12), error)
