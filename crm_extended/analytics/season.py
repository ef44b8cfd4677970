"""Strong and weak months of a year, seen through a model that knows none.

What the model expects of a month takes growth and leaving customers into account; what came over
what was expected is the month's share.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

from .backtest import FEWEST_CUSTOMERS
from .mbg_nbd import MbgNbd
from .trading_days import TradingCalendar
from .trial import Trial, gain, trials

# months of history without which a strong month can't be told from growth
FEWEST_MONTHS = 24
# of them, so many are known at the earlier of the days at which a season is tried
FEWEST_MONTHS_TRIED = 16
# expected orders of a month that weigh as much as knowing nothing of it
PRIOR_ORDERS = 30.0
# a month has no less and no more than so many times the orders of an average one
LOWEST_SHARE, HIGHEST_SHARE = 0.2, 5.0


def month_starts(first: date, until: date) -> list[date]:
    """The first of each month from ``first`` on, up to the one after ``until``.

    >>> [str(month) for month in month_starts(date(2025, 11, 20), date(2026, 1, 5))]
    ['2025-11-01', '2025-12-01', '2026-01-01', '2026-02-01']
    """
    starts = [first.replace(day=1)]
    while starts[-1] <= until:
        starts.append((starts[-1] + timedelta(days=32)).replace(day=1))
    return starts


def expected_by_month(
    model: MbgNbd,
    customers: dict[date, float],
    months: Sequence[date],
    calendar: TradingCalendar,
) -> list[float]:
    """Repeated orders that the model expects in each month.

    :param customers: how many bought for the first time, by day
    :param months: first days of months, one more than months
    :param calendar: the trading days in which the model was learned
    """
    known: dict[float, float] = {}
    number = calendar.number
    ends = [number(month - timedelta(days=1)) for month in months]
    firsts = [(number(day), count) for day, count in customers.items()]

    def since_first(days: float) -> float:
        if days <= 0:
            return 0.0
        if days not in known:
            known[days] = model.expected_orders(days, 0, 0, 0)
        return known[days]

    return [
        sum(
            count * (since_first(end - first) - since_first(start - first))
            for first, count in firsts
            if first < end
        )
        for start, end in pairwise(ends)
    ]


def season_of(
    model: MbgNbd,
    customers: dict[date, float],
    orders: dict[date, float],
    until: date,
    calendar: TradingCalendar,
    fewest_months: int = FEWEST_MONTHS,
) -> list[float] | None:
    """Shares of the twelve months, from January on, 1 on average; None from too short a history,
    or where nobody ordered again.

    Each is what came over what was expected, drawn towards 1 where little was expected.

    :param model: learned without a season
    :param calendar: the trading days in which it was learned
    :param customers: how many bought for the first time, by day
    :param orders: repeated orders by first day of the month
    :param until: the last day that is known; its month counts if it has ended
    :param fewest_months: shorter histories have none, the month of the first purchase included
    """
    months = month_starts(min(customers), until)
    if months[-1] > until + timedelta(days=1):
        months.pop()
    # the first month was not there from its beginning
    months = months[1:]
    if len(months) < fewest_months:
        return None
    expected = expected_by_month(model, customers, months, calendar)
    came: dict[int, float] = defaultdict(float)
    said: dict[int, float] = defaultdict(float)
    for start, orders_said in zip(months, expected, strict=False):
        came[start.month] += orders.get(start, 0.0)
        said[start.month] += orders_said
    if not sum(came.values()):
        return None
    level = sum(came.values()) / sum(said.values())
    shares = [
        (came[month] + PRIOR_ORDERS * level) / (said[month] + PRIOR_ORDERS) / level
        for month in range(1, 13)
    ]
    shares = [min(max(share, LOWEST_SHARE), HIGHEST_SHARE) for share in shares]
    mean = sum(shares) / 12
    return [round(share / mean, 4) for share in shares]


class Season(NamedTuple):
    """Whether forecasts follow a season, and which.

    ``verdict``: ``confirmed``, ``rejected`` (forecasts were no better for it) or ``unknown`` (too
    short a history, or less than 200 customers); ``gain``: by how much the Brier score got better,
    and its standard error.
    """

    verdict: str
    shares: list[float] | None = None
    gain: float | None = None
    gain_error: float | None = None


def confirm(
    purchases: Sequence[Sequence[date]],
    until: date,
    calendar: Callable[[Sequence[float] | None], TradingCalendar],
    horizon: int,
) -> Season:
    """Try a season on the past: what would have been said one and two horizons ago, with the season
    known by then and without, and what then happened.

    :param purchases: purchase days of each customer, in order
    :param until: the last day that is known
    :param calendar: gives the trading calendar with a season or without
    :param horizon: days of a forecast
    """
    if len(purchases) < FEWEST_CUSTOMERS:
        return Season("unknown")
    # a mistyped year of a few is no history
    first = sorted(days[0] for days in purchases)[len(purchases) // 100]
    purchases = [days for days in purchases if days[0] >= first]
    shares_now = _learn_season(purchases, until, calendar, FEWEST_MONTHS)
    if shares_now is None:
        return Season("unknown")
    plain: list[float] = []
    seasonal: list[float] = []
    came: list[bool] = []
    for trial in trials(purchases, until, horizon):
        known = [[day for day in purchases[who] if day <= trial.day] for who in trial.customers]
        shares = _learn_season(known, trial.day, calendar, FEWEST_MONTHS_TRIED)
        if shares is None:
            return Season("unknown")
        plain += _chances(known, trial, calendar(None))
        seasonal += _chances(known, trial, calendar(shares))
        came += trial.came
    found = gain(plain, seasonal, came)
    if not found.is_real():
        return Season("rejected", None, *found)
    return Season("confirmed", shares_now, *found)


def _histories(purchases, day: date, calendar: TradingCalendar) -> list[tuple[int, float, float]]:
    return [calendar.history(days, day) for days in purchases]


def _learn_season(purchases, day: date, calendar, fewest_months: int) -> list[float] | None:
    customers: dict[date, float] = defaultdict(float)
    orders: dict[date, float] = defaultdict(float)
    for days in purchases:
        customers[days[0]] += 1
        for bought in days[1:]:
            orders[bought.replace(day=1)] += 1
    plain = calendar(None)
    model = MbgNbd().fit(*zip(*_histories(purchases, day, plain), strict=True))
    return season_of(model, customers, orders, day, plain, fewest_months)


def _chances(purchases, trial: Trial, calendar: TradingCalendar) -> list[float]:
    histories = _histories(purchases, trial.day, calendar)
    model = MbgNbd().fit(*zip(*histories, strict=True))
    ahead = calendar.number(trial.end) - calendar.number(trial.day)
    return [model.p_order(ahead, *history) for history in histories]
