import random
from datetime import date, timedelta

from ...analytics.population import gain_apart
from ...analytics.trading_days import TradingCalendar

BEGIN, UNTIL = date(2024, 1, 1), date(2025, 12, 31)


def purchases(mean_rate, leaving, customers, seed):
    """Purchase days of customers of about one rate, who leave with one chance."""
    chance = random.Random(seed)
    length = (UNTIL - BEGIN).days
    found = []
    for _ in range(customers):
        day = chance.randrange(length - 200)
        days = [day]
        rate = chance.gammavariate(6, mean_rate / 6)
        while chance.random() > leaving:
            day += max(1, round(chance.expovariate(rate)))
            if day > length:
                break
            days.append(day)
        found.append([BEGIN + timedelta(days=d) for d in sorted(set(days))])
    return found


def test_groups_of_another_rhythm_are_better_learned_apart():
    frequent, rare = purchases(1 / 10, 0.25, 400, 1), purchases(1 / 90, 0.02, 400, 2)
    found = gain_apart(frequent + rare, [1] * 400 + [2] * 400, UNTIL, TradingCalendar(), 90)
    assert found.is_real()


def test_groups_of_the_same_rhythm_gain_nothing():
    alike = purchases(1 / 30, 0.1, 800, 3)
    found = gain_apart(alike, [1, 2] * 400, UNTIL, TradingCalendar(), 90)
    assert not found.is_real()


def test_small_groups_are_not_tried():
    few = purchases(1 / 30, 0.1, 100, 3)
    assert gain_apart(few, [1, 2] * 50, UNTIL, TradingCalendar(), 90) is None
    many = purchases(1 / 30, 0.1, 400, 3)
    assert gain_apart(many, [1] * 400, UNTIL, TradingCalendar(), 90) is None, "that is everybody"
