import random

import numpy
import pytest

from ...analytics import offers
from ...analytics.offers import Calibration, Ease, Judged, Past, Setting


def _world(customers=400, seed=7):
    """Products 0–4 are bought together, and 5–9; nobody buys of both halves but big buyers."""
    dice = random.Random(seed)
    baskets, later = [], []
    for number in range(customers):
        half = range(5) if number % 2 else range(5, 10)
        if number % 20 == 0:
            half = range(10)
        bought = dice.sample(list(half), 3)
        rest = [product for product in half if product not in bought]
        baskets.append(sorted(bought))
        later.append({dice.choice(rest)})
    return Past(baskets, later, numpy.ones(10), [True] * 10)


def test_weights_are_those_of_a_ridge_regression_of_each_product_on_all_others():
    dice = numpy.random.default_rng(3)
    bought = (dice.random((60, 6)) < 0.4).astype(float)
    together = bought.T @ bought
    weights = Ease(Setting(ridge=5.0)).fit(together).weights_
    for product in range(6):
        others = [other for other in range(6) if other != product]
        x, y = bought[:, others], bought[:, product]
        solved = numpy.linalg.solve(x.T @ x + 5 * numpy.eye(5), x.T @ y)
        assert weights[others, product] == pytest.approx(solved, abs=1e-4)
        assert weights[product, product] == 0


def test_what_is_bought_together_is_offered_and_named_as_the_reason():
    past = _world()
    model = Ease().fit(offers.bought_together(past.baskets, 10))
    [first, second] = model.offers([[0, 1], [7]], [True] * 10, 3)
    assert {offer.product for offer in first} == {2, 3, 4}
    assert {offer.because for offer in first} <= {0, 1}
    assert {offer.product for offer in second} <= {5, 6, 8, 9}
    assert [offer.because for offer in second] == [7] * len(second)


def test_neither_what_was_bought_nor_what_may_not_be_sold_is_offered():
    past = _world()
    model = Ease().fit(offers.bought_together(past.baskets, 10))
    allowed = [product != 2 for product in range(10)]
    [found] = model.offers([[0, 1]], allowed, 10)
    assert not {0, 1, 2} & {offer.product for offer in found}


def test_big_buyers_count_less():
    small, big = [[0, 1]] * 3, [list(range(30))] * 3
    counts = offers.bought_together(small + big, 30)
    assert counts[0, 1] > 2 * counts[2, 3] * 1.9
    assert counts.diagonal().sum() == pytest.approx(
        sum(len(basket) ** 0.5 for basket in small + big)
        / (sum(len(basket) ** -0.5 for basket in small + big) / 6)
    )
    plain = offers.bought_together(small + big, 30, is_weighted=False)
    assert (plain[0, 1], plain[2, 3], plain[0, 0]) == (6, 3, 6)


def test_offers_find_more_of_what_was_bought_next_than_popularity():
    past = _world()
    model = Ease().fit(offers.bought_together(past.baskets, 10))
    [found] = offers.judge(lambda block: [model.score(block)], past)
    [popular] = offers.judge(offers.popularity(past), past)
    assert found.customers == popular.customers == 400
    assert found.hits_5 > popular.hits_5


def test_only_what_is_new_to_a_customer_is_a_hit_and_only_who_bought_such_is_judged():
    past = Past([[0], [0], []], [{0}, {1}, {2}], [1, 1, 1], [True] * 3)
    assert past.judged().later == ({1},)
    [found] = offers.judge(lambda block: [numpy.ones((len(block), 3))], past)
    assert found == Judged(1, 1.0, 1.0)


def test_a_setting_is_chosen_by_what_was_bought_next_and_the_usual_one_without_it():
    past = _world()
    assert offers.tune(past).ridge in {100, 300, 1000} | {100 / 3**n for n in range(1, 4)} | {
        1000 * 3**n for n in range(1, 4)
    }
    assert offers.tune(past._replace(later=[set()] * 400)) == Setting()


def test_a_trend_lifts_what_is_bought_of_late():
    past = _world()
    trend = offers.trends([0, 0, 0, 30, 0] + [0] * 5, [40] * 10)
    model = Ease(Setting(trend=1.0)).fit(offers.bought_together(past.baskets, 10), trend)
    [found] = model.offers([[0, 1]], [True] * 10, 1)
    assert found[0].product == 3


@pytest.mark.parametrize("products", [0, 1])
def test_no_product_and_one_product_give_no_offer(products):
    baskets = [[0]] * 5 if products else [[]] * 5
    model = Ease().fit(offers.bought_together(baskets, products))
    assert model.offers(baskets, [True] * products) == [[]] * 5


def test_chances_never_fall_with_the_score_and_add_up():
    dice = random.Random(5)
    scores = [dice.random() for _number in range(5000)]
    bought = [dice.random() < score / 4 for score in scores]
    calibration = Calibration().fit(scores, bought)
    chances = [calibration.chance(number / 100) for number in range(101)]
    assert chances == sorted(chances)
    assert calibration.chance(0.5) == pytest.approx(0.125, abs=0.03)
    assert sum(map(calibration.chance, scores)) == pytest.approx(sum(bought), rel=0.02)


def test_without_a_past_no_chance_is_known():
    assert Calibration().fit([], []).chance(0.5) is None
