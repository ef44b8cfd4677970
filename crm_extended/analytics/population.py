"""Groups of customers that are better learned apart."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from datetime import date

from .mbg_nbd import MbgNbd
from .trading_days import TradingCalendar
from .trial import Gain, gain, trials

# a smaller group is learned with all others
FEWEST_APART = 300


def large_groups(keys: Iterable[Hashable | None]) -> set[Hashable]:
    """Keys of the groups that are large enough; who has no key belongs to none.

    >>> large_groups([7] * 300 + [8] * 299 + [None] * 500)
    {7}
    """
    return {key for key, n in Counter(keys).items() if key is not None and n >= FEWEST_APART}


def fit_apart(
    histories: Sequence[tuple[int, float, float]],
    keys: Sequence[Hashable | None],
    groups: Iterable[Hashable],
) -> dict[Hashable | None, MbgNbd]:
    """The model of all under None, and one for each of the groups that has a history.

    :param histories: ``(x, t_x, T)`` of each customer
    :param keys: the group of each customer
    :param groups: those that are learned apart
    """
    models: dict[Hashable | None, MbgNbd] = {None: MbgNbd().fit(*zip(*histories, strict=True))}
    for group in groups:
        own = [history for history, key in zip(histories, keys, strict=True) if key == group]
        if own:
            models[group] = MbgNbd().fit(*zip(*own, strict=True))
    return models


def gain_apart(
    purchases: Sequence[Sequence[date]],
    keys: Sequence[Hashable | None],
    until: date,
    calendar: TradingCalendar,
    horizon: int,
) -> Gain | None:
    """What chances gain when large groups are learned apart: tried on the past, by what then
    happened. None where there is no group large enough by then, or nobody outside it.

    :param purchases: purchase days of each customer, in order
    :param keys: the group of each customer
    :param until: the last day that is known
    :param horizon: days of a forecast
    """
    pooled: list[float] = []
    apart: list[float] = []
    came: list[bool] = []
    for trial in trials(purchases, until, horizon):
        own = [keys[who] for who in trial.customers]
        groups = large_groups(own)
        if not groups or set(own) == groups and len(groups) == 1:
            return None
        histories = [calendar.history(purchases[who], trial.day) for who in trial.customers]
        models = fit_apart(histories, own, groups)
        ahead = calendar.number(trial.end) - calendar.number(trial.day)
        for history, key in zip(histories, own, strict=True):
            pooled.append(models[None].p_order(ahead, *history))
            apart.append(models.get(key, models[None]).p_order(ahead, *history))
        came += trial.came
    return gain(pooled, apart, came)
