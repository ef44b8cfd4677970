"""Time that passes only while a company trades: holidays count 0, quiet periods less than 1.

Days are given as ``date``; a *number* is the trading time up to the end of a day, so that the
trading time between two days is the difference of their numbers.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import pairwise
from math import ceil
from typing import NamedTuple

ORIGIN = date(1, 1, 1)
ONE_DAY = timedelta(days=1)
# what is left of a difference of numbers that ought to be nothing
ROUNDING = 1e-9


class Span(NamedTuple):
    """Days, both ends included, that count for a share of a day; the lowest of several holds."""

    first: date
    last: date
    share: float


def in_years(span: Span, years: Iterable[int]) -> list[Span]:
    """The same days of other years; the 29th of February becomes the 28th.

    >>> [s.last for s in in_years(Span(date(2024, 2, 20), date(2024, 2, 29), 0), [2023, 2028])]
    [datetime.date(2023, 2, 28), datetime.date(2028, 2, 29)]
    """

    def moved(day: date, year: int) -> date:
        try:
            return day.replace(year=year)
        except ValueError:
            return day.replace(year=year, day=28)

    over = span.last.year - span.first.year
    return [
        Span(moved(span.first, year), moved(span.last, year + over), span.share) for year in years
    ]


class TradingCalendar:
    """Numbers of days, and back.

    :param spans: days that count for less
    :param season: shares of the twelve months, from January on, 1 on average: in a strong month
        more trading time passes than in a weak one; laid out over ``years``

    ``starts``, ``shares`` and ``numbers`` describe the pieces on which a share is the same: the
    first day of each, its share, and the number of the day before it.

    >>> nowruz = Span(date(2026, 3, 21), date(2026, 3, 24), 0)
    >>> calendar = TradingCalendar([nowruz])
    >>> calendar.number(date(2026, 3, 30)) - calendar.number(date(2026, 3, 20))
    6.0
    >>> calendar.day(calendar.number(date(2026, 3, 20)) + 1)
    datetime.date(2026, 3, 25)
    """

    def __init__(
        self,
        spans: Iterable[Span] = (),
        season: Sequence[float] | None = None,
        years: range = range(0),
    ):
        spans = list(spans)
        edges = {ORIGIN}
        for span in spans:
            edges |= {max(span.first, ORIGIN), span.last + ONE_DAY}
        if season:
            edges |= {date(year, month, 1) for year in years for month in range(1, 13)}
            edges.add(date(years.stop, 1, 1))
        self.starts: list[date] = []
        self.shares: list[float] = []
        for start in sorted(edge for edge in edges if edge >= ORIGIN):
            share = min((s.share for s in spans if s.first <= start <= s.last), default=1.0)
            if season and start.year in years:
                share *= season[start.month - 1]
            if not self.shares or self.shares[-1] != share:
                self.starts.append(start)
                self.shares.append(share)
        self.numbers: list[float] = [0.0]
        for (start, end), share in zip(pairwise(self.starts), self.shares, strict=False):
            self.numbers.append(self.numbers[-1] + share * (end - start).days)

    def number(self, day: date) -> float:
        """Trading time until the end of a day, from the year 1 on."""
        piece = bisect_right(self.starts, day) - 1
        days = (day - self.starts[piece]).days + 1
        return self.numbers[piece] + self.shares[piece] * days

    def history(self, days: Sequence[date], until: date) -> tuple[int, float, float]:
        """``(x, t_x, T)`` of a customer in trading days, as ``analytics.mbg_nbd`` has them: of his
        purchase days, in order, those up to a day, which is no earlier than the first.

        >>> calendar = TradingCalendar([Span(date(2026, 3, 21), date(2026, 3, 24), 0)])
        >>> calendar.history([date(2026, 3, 20), date(2026, 3, 26)], until=date(2026, 3, 30))
        (1, 2.0, 6.0)
        """
        known = [day for day in days if day <= until]
        first = self.number(known[0])
        return len(known) - 1, self.number(known[-1]) - first, self.number(until) - first

    def day(self, number: float) -> date:
        """The first day whose number is no less than this one."""
        number -= ROUNDING
        piece = max(bisect_left(self.numbers, number) - 1, 0)
        days = ceil((number - self.numbers[piece]) / self.shares[piece])
        return self.starts[piece] + timedelta(days=days - 1)
