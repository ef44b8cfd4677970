import random

import pytest

from ...analytics.winback import FEWEST_CASES, SHRINKAGE, Ended, ReturnChance, last_good_year


def test_nothing_is_told_before_fifty_cases_have_ended():
    few = [Ended("price", 0, True, FEWEST_CASES - 1)]
    assert not ReturnChance().fit(few).is_learned_
    assert ReturnChance().fit([*few, Ended("price", 0, False)]).is_learned_
    assert not ReturnChance().fit([]).is_learned_


def test_no_chance_is_certain():
    learned = ReturnChance().fit([Ended("price", 0, True, 1000)])
    assert 0.99 < learned.chance("price", 0) < 1
    learned = ReturnChance().fit([Ended("price", 0, False, 1000)])
    assert 0 < learned.chance("price", 0) < 0.01


def test_few_cases_of_a_reason_are_drawn_towards_all():
    ended = [Ended("stock", 0, True, 1), Ended("price", 0, False, 80), Ended("price", 0, True, 20)]
    learned = ReturnChance().fit(ended)
    assert learned.rate_ < learned.chance("stock", 0) < 0.5
    expected = (1 + SHRINKAGE * learned.rate_) / (1 + SHRINKAGE)
    assert learned.reasons_["stock"] == pytest.approx(expected)


def test_an_absence_that_was_never_seen_has_the_rate_of_its_reason():
    learned = ReturnChance().fit([Ended("stock", 0, True, 40), Ended("price", 0, False, 40)])
    assert learned.chance("stock", 3) == learned.reasons_["stock"]
    assert learned.chance("never heard of", 0) == learned.rate_


def test_the_order_of_the_cases_changes_nothing():
    dice = random.Random(8)
    ended = [
        Ended(dice.choice("ab"), dice.randrange(4), dice.random() < 0.3) for _number in range(200)
    ]
    first = ReturnChance().fit(ended)
    dice.shuffle(ended)
    assert ReturnChance().fit(ended).cells_ == first.cells_


def test_many_cases_find_the_true_rates():
    dice = random.Random(9)
    truth = {("stock", 0): 0.6, ("stock", 3): 0.2, ("price", 0): 0.3, ("price", 3): 0.05}
    ended = [
        Ended(reason, absence, dice.random() < rate)
        for (reason, absence), rate in truth.items()
        for _number in range(2000)
    ]
    learned = ReturnChance().fit(ended)
    for cell, rate in truth.items():
        assert learned.chance(*cell) == pytest.approx(rate, abs=0.03)


def test_the_last_good_year_is_not_the_one_in_which_he_left():
    assert last_good_year([12, 30, 90, 100, 95]) == 2
    assert last_good_year([100, 30]) == 0
    assert last_good_year([0, 0]) is None
