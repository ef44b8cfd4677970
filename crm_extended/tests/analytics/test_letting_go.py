import random

import pytest

from ...analytics.letting_go import (
    LADDER,
    Year,
    first_rung,
    merged_orders,
    suggested_values,
    what_if,
)
from ...analytics.whale import cumulate, gini, share_of_best, whale

# 14 small deliveries, paid late: margin 150, costs 14·20 + 6·5 + 40·0.5 = 330
COSTLY = Year(
    revenue=1400,
    margin=150,
    orders=[100] * 14,
    units={"order": 14, "delivery": 14, "call": 6, "delay": 40},
    unit_costs={"order": 0, "delivery": 20, "call": 5, "delay": 0.5},
)


def test_contribution_is_margin_less_all_costs():
    assert COSTLY.contribution == 150 - 280 - 30 - 20


@pytest.mark.parametrize(
    ("measure", "value", "expected"),
    [
        # 10 % of 1,400 more, and 10 % more of it late
        ("price", 10, -180 + 140 - 2),
        # 14 orders of 100 become 7 of 200
        ("minimum_order", 200, -180 + 7 * 20),
        ("minimum_order", 50, -180),
        ("channel", 50, -180 + 15),
        ("delivery_fee", 12.5, -180 + 14 * 12.5),
        ("payment", 100, -180 + 20),
        ("let_go", 0, 0),
        ("keep", 0, -180),
    ],
)
def test_each_measure_is_what_one_computes_by_hand(measure, value, expected):
    assert what_if(COSTLY, measure, value).contribution == pytest.approx(expected)


def test_leeway_is_where_less_of_the_same_brings_what_it_brought_before():
    for measure, value in suggested_values(COSTLY).items():
        outcome = what_if(COSTLY, measure, value)
        if outcome.leeway is None or outcome.leeway == 1:
            continue
        # his margin and the rise shrink, what is done for him does not
        rise = COSTLY.revenue * value / 100 if measure == "price" else 0
        lost = outcome.leeway * (COSTLY.margin + rise)
        assert outcome.contribution - lost == pytest.approx(COSTLY.contribution), measure


def test_who_is_sold_to_below_cost_may_buy_as_little_as_he_likes():
    below_cost = COSTLY._replace(margin=-100)
    assert what_if(below_cost, "delivery_fee", 1).leeway == 1


def test_nothing_gained_is_no_leeway():
    assert what_if(COSTLY, "keep", 0).leeway == 0


def test_unknown_measure_is_refused():
    with pytest.raises(ValueError, match="unknown measure"):
        what_if(COSTLY, "magic", 1)


def test_orders_that_reach_the_minimum_stay_alone():
    assert merged_orders([500, 20, 30, 50, 500], 100) == 3
    assert merged_orders([10] * 10, 1000) == 1


def test_suggestions_are_sound_for_whoever_it_is():
    dice = random.Random(3)
    for _number in range(500):
        orders = [dice.uniform(1, 500) for _order in range(dice.randrange(20))]
        year = Year(
            sum(orders) * dice.choice((1, 0.5, -0.1)),
            dice.uniform(-300, 300),
            orders,
            {"order": len(orders), "delivery": len(orders) * 2, "call": dice.randrange(9)},
            {"order": dice.uniform(0, 5), "delivery": dice.choice((0, 12.5)), "call": 3},
        )
        values = suggested_values(year)
        assert set(values) == set(LADDER)
        assert 1 <= values["price"] <= 10
        first = first_rung(year, values)
        after = what_if(year, first, values[first]).contribution
        if first != "let_go":
            assert after > year.contribution
        # the first rung that ends the loss is taken, if one does
        ends = [
            measure
            for measure in LADDER[:-1]
            if max(year.contribution, -1e-9) < what_if(year, measure, values[measure]).contribution
        ]
        if ends and year.contribution < 0:
            assert first == ends[0]


def parts_of(amounts, ranks=198):
    """As the rows are grouped: by rank, earners apart."""
    ranked = sorted(amounts, reverse=True)
    groups = {}
    for rank, amount in enumerate(ranked):
        groups.setdefault((rank * ranks // len(ranked), amount > 0), []).append(amount)
    return [(len(group), sum(group), min(group)) for group in groups.values()]


def test_whale_of_groups_is_exact_at_the_peak():
    dice = random.Random(5)
    amounts = [round(dice.gauss(20, 60), 2) for _number in range(3000)]
    points = cumulate(parts_of(amounts))
    found = whale(points)
    earned = sum(amount for amount in amounts if amount > 0)
    assert len(points) <= 200
    assert found.peak == pytest.approx(earned)
    assert found.earners == sum(amount > 0 for amount in amounts)
    assert found.total == pytest.approx(sum(amounts))
    assert found.lost == pytest.approx(-sum(a for a in amounts if a < 0) / earned)
    best = sum(sorted(amounts, reverse=True)[:300]) / sum(amounts)
    assert share_of_best(points, 0.1) == pytest.approx(best, abs=0.002)


def test_gini_of_groups_is_that_of_the_customers():
    dice = random.Random(7)
    amounts = [dice.paretovariate(1.5) for _number in range(2000)]
    n, ordered = len(amounts), sorted(amounts)
    exact = sum((2 * rank - n - 1) * x for rank, x in enumerate(ordered, 1)) / (n * sum(ordered))
    assert gini(cumulate(parts_of(amounts))) == pytest.approx(exact, abs=0.003)


def test_of_nobody_nothing_is_told():
    points = cumulate([])
    assert whale(points).lost is None
    assert gini(points) is None
    assert share_of_best(points, 0.2) is None
