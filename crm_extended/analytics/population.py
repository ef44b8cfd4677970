"""Groups of customers that are better learned apart."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from datetime import date, timedelta

from .mbg_nbd import MbgNbd
from .trading_days import TradingCalendar
from .trial import Gain, gain

# a smaller group is learned with all others
FEWEST_APART = 300
TRIALS = 2


def large_groups(keys: Iterable[Hashable | None]) -> set[Hashable]:
    """Keys of the groups that are large enough; who has no key belongs to none.

    >>> large_groups([7] * 300 + [8] * 299 + [None] * 500)
    {7}
    """
    return {key for key, n in Counter(keys).items() if key is not None and n >= FEWEST_APART}


def gain_apart(
    purchases: Sequence[Sequence[date]],
    keys: Sequence[Hashable | None],
    until: date,
    calendar: TradingCalendar,
    horizon: int,
) -> Gain | None:
    """What chances gain when large groups are learned apart: tried one and two horizons ago, on
    what then happened. None where there is no group large enough by then, or nobody outside it.

    :param purchases: purchase days of each customer, in order
    :param keys: the group of each customer
    :param until: the last day that is known
    :param horizon: days of a forecast
    """
    pooled: list[float] = []
    apart: list[float] = []
    came: list[bool] = []
    number = calendar.number
    for trial in range(1, TRIALS + 1):
        day = until - timedelta(days=trial * horizon)
        end, today = day + timedelta(days=horizon), number(day)
        known = [
            (days, key, [d for d in days if d <= day])
            for days, key in zip(purchases, keys, strict=True)
            if days[0] <= day
        ]
        groups = large_groups([key for _, key, _ in known])
        if not groups or all(key in groups for _, key, _ in known) and len(groups) == 1:
            return None
        histories = [
            (
                len(before) - 1,
                number(before[-1]) - number(before[0]),
                today - number(before[0]),
            )
            for _, _, before in known
        ]
        of_all = MbgNbd().fit(*zip(*histories, strict=True))
        models = {
            group: MbgNbd().fit(
                *zip(
                    *(h for h, (_, key, _) in zip(histories, known, strict=True) if key == group),
                    strict=True,
                )
            )
            for group in groups
        }
        ahead = number(end) - today
        for history, (days, key, _) in zip(histories, known, strict=True):
            pooled.append(of_all.p_order(ahead, *history))
            apart.append(models.get(key, of_all).p_order(ahead, *history))
            came.append(any(day < d <= end for d in days))
    return gain(pooled, apart, came)
