import random
from collections import defaultdict
from datetime import date, timedelta

import pytest

from ...analytics.mbg_nbd import MbgNbd
from ...analytics.season import confirm, season_of
from ...analytics.trading_days import Span, TradingCalendar, in_years

BEGIN, UNTIL = date(2023, 1, 1), date(2025, 12, 31)
STRONG = [0.6, 0.6, 1, 1, 1, 1, 0.7, 0.7, 1, 1, 1.4, 2]


def histories(season, customers=700):
    """Purchase days of customers who come faster in strong months."""
    chance = random.Random(11)
    length = (UNTIL - BEGIN).days
    for _ in range(customers):
        day = chance.randrange(length)
        rate = chance.gammavariate(1.5, 1 / 60)
        days = [BEGIN + timedelta(days=day)]
        while chance.random() > 0.05:
            while True:
                day += 1
                if day > length:
                    break
                share = season[(BEGIN + timedelta(days=day)).month - 1]
                if chance.random() < rate * share:
                    break
            if day > length:
                break
            days.append(BEGIN + timedelta(days=day))
        yield days


def found(season, until=UNTIL):
    histories_x, customers, orders = [], defaultdict(float), defaultdict(float)
    for days in histories(season):
        days = [day for day in days if day <= until]
        if not days:
            continue
        histories_x.append((len(days) - 1, (days[-1] - days[0]).days, (until - days[0]).days))
        customers[days[0]] += 1
        for day in days[1:]:
            orders[day.replace(day=1)] += 1
    model = MbgNbd().fit(*zip(*histories_x, strict=True))
    return season_of(model, customers, orders, until, TradingCalendar())


def verdict(season, until=UNTIL):
    purchases = [
        known for days in histories(season) if (known := [day for day in days if day <= until])
    ]
    years = range(2020, 2030)
    return confirm(purchases, until, lambda shares: TradingCalendar((), shares, years), 90)


def test_season_is_used_only_where_forecasts_gain_from_it():
    assert verdict(STRONG).verdict == "confirmed"
    assert verdict(STRONG).shares[11] > 1.4, "December"
    assert verdict([1] * 12).verdict == "rejected"
    assert verdict(STRONG, until=date(2024, 11, 30)).verdict == "unknown"


def test_quiet_period_is_no_season_of_its_own():
    """What the calendar says already is not counted twice."""
    august = in_years(Span(date(2023, 8, 1), date(2023, 8, 31), 0.2), range(2020, 2030))
    season = [0.2 if month == 8 else 1 for month in range(1, 13)]
    years = range(2020, 2030)
    purchases = list(histories(season))
    found = confirm(purchases, UNTIL, lambda shares: TradingCalendar(august, shares, years), 90)
    assert found.verdict == "rejected" or min(found.shares) > 0.7


def test_season_of_a_history_that_is_just_too_short_is_not_confirmed():
    for days in range(0, 90, 15):
        found = verdict(STRONG, until=date(2024, 12, 1) + timedelta(days=days))
        assert (found.verdict == "confirmed") == bool(found.shares)


def test_strong_and_weak_months_are_found():
    mean = sum(STRONG) / 12
    assert found(STRONG) == pytest.approx([share / mean for share in STRONG], abs=0.2)


def test_without_a_season_all_months_are_alike():
    assert found([1] * 12) == pytest.approx([1] * 12, abs=0.15)


def test_customers_who_never_came_again_tell_no_season():
    days = [[BEGIN + timedelta(days=3 * number)] for number in range(250)]
    assert confirm(days, UNTIL, lambda shares: TradingCalendar(), 90).verdict == "unknown"


def test_less_than_two_years_tell_no_season():
    assert found(STRONG, until=date(2024, 11, 30)) is None
