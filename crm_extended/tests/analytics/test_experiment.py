from decimal import Decimal
from itertools import product
from random import Random
from statistics import fmean, variance

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ...analytics.experiment import Arm, Effect, Pooled, effect, naive, pool
from ...analytics.holdout import draw, holdout
from ...analytics.sample_size import detectable_effect, sample_size, sample_size_of_rates
from ...analytics.special import student_quantile

ON_BUSY_MACHINES = settings(
    deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
CUSTOMERS = range(1, 20_001)
# with fewer buyers an arm takes the spread of the other
regular = st.lists(st.integers(80, 120), min_size=60, max_size=90).filter(lambda v: len({*v}) > 1)


def compare(treated, held_out) -> Effect:
    return effect(*Arm.of(treated), *Arm.of(held_out))


def spend(random: Random, count: int, rate: float, scale: float = 1.0) -> list[float]:
    """Few buy, and few of them much."""
    return [
        scale * random.lognormvariate(3, 1) if random.random() < rate else 0 for _ in range(count)
    ]


# Who is held out


@pytest.mark.parametrize("share", [0.05, 0.1, 0.2, 0.5, 0.9])
def test_about_the_share_is_held_out(share):
    held_out = sum(holdout(partner, "playbook,7", share) for partner in CUSTOMERS)
    assert held_out / len(CUSTOMERS) == pytest.approx(share, abs=0.01)


def test_numbers_are_spread_evenly():
    bins = [0] * 20
    for partner in CUSTOMERS:
        bins[int(draw(partner, "playbook,7") * 20)] += 1
    expected = len(CUSTOMERS) / 20
    # 19 degrees of freedom: above it in 1 of 1,000 cases
    assert sum((found - expected) ** 2 / expected for found in bins) < 43.8


def test_playbooks_hold_out_independently_of_each_other():
    keys = [f"playbook,{number}" for number in range(1, 6)]
    held_out = {key: {p for p in CUSTOMERS if holdout(p, key, 0.2)} for key in keys}
    for first, second in product(keys, repeat=2):
        share = len(held_out[first] & held_out[second]) / len(CUSTOMERS)
        assert share == pytest.approx(0.2 if first == second else 0.04, abs=0.01)


def test_a_larger_share_holds_out_the_same_customers_and_more():
    small, large = ({p for p in CUSTOMERS if holdout(p, "a", share)} for share in (0.1, 0.2))
    assert small < large


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, float("nan")])
def test_a_hold_out_of_nobody_or_of_all_is_refused(share):
    with pytest.raises(ValueError, match="more than 0 % and less than 100 %"):
        holdout(1, "playbook,7", share)


@pytest.mark.parametrize("count", [sample_size, sample_size_of_rates])
def test_no_size_is_told_for_a_hold_out_of_all(count):
    with pytest.raises(ValueError, match="more than 0 % and less than 100 %"):
        count(1, 0.5, 0.1)


# What one campaign brought


def test_interval_is_that_of_other_programs():
    first = [17.2, 20.9, 22.6, 18.1, 21.7, 21.4, 23.5, 24.2, 14.7, 21.8] * 5
    second = [21.5, 22.8, 21.0, 23.0, 21.6, 23.6, 22.5, 20.7, 23.4, 21.8] * 5
    second += [20.7, 21.7, 21.5, 22.5, 23.6, 21.5, 22.5, 23.5, 21.5, 21.8] * 5
    found = compare(first, second)
    # scipy.stats.ttest_ind(first, second, equal_var=False)
    assert (found.difference, found.error) == pytest.approx((-1.525, 0.41794512), rel=1e-7)
    assert (found.low, found.high) == pytest.approx((-2.36287767, -0.68712233), rel=1e-7)


@pytest.mark.parametrize(
    "chance, freedom, value",
    [
        (0.6, 1, 0.32491969623290634),
        (0.995, 1, 63.656741162871526),
        (0.975, 2.5, 3.5746548420036817),
        (0.975, 999, 1.9623414611334493),
        (0.975, 1001, 1.9623367052808798),
    ],
)
def test_quantiles_are_those_of_other_programs(chance, freedom, value):
    # scipy.stats.t.ppf
    assert student_quantile(chance, freedom) == pytest.approx(value, rel=1e-10)


@ON_BUSY_MACHINES
@given(regular, regular)
def test_sums_say_the_same_as_the_outcomes_themselves(treated, held_out):
    found = compare(treated, held_out)
    error = (variance(treated) / len(treated) + variance(held_out) / len(held_out)) ** 0.5
    assert found.difference == pytest.approx(fmean(treated) - fmean(held_out))
    assert found.error == pytest.approx(error)
    # Student's t with 59 degrees of freedom or more
    assert 1.959 * error < found.high - found.difference < 2.002 * error
    assert found.high - found.difference == pytest.approx(found.difference - found.low)


@ON_BUSY_MACHINES
@given(regular, regular)
def test_the_other_way_round_is_the_opposite(treated, held_out):
    found, turned = compare(treated, held_out), compare(held_out, treated)
    opposite = {"works": "harms", "harms": "works", "cannot_tell": "cannot_tell"}
    assert turned.difference == -found.difference
    assert turned.verdict == opposite[found.verdict]


def test_large_amounts_of_little_spread_lose_nothing():
    amounts = [10**15 + number % 2 for number in range(100)]
    found = compare(amounts, [amount - 1 for amount in amounts])
    assert found.difference == 1
    assert found.error == pytest.approx((2 * variance([0, 1] * 50) / 100) ** 0.5)
    as_of_the_database = [Decimal(total) for total in Arm.of(amounts)[1:]]
    assert Arm(100, *as_of_the_database).variance == pytest.approx(25 / 99)


@pytest.mark.parametrize("held_out", [60, 240])
def test_the_truth_lies_in_95_of_100_intervals(held_out):
    random, times = Random(7), 600
    hits = 0
    for _time in range(times):
        treated = [random.gauss(105, 30) for _ in range(240)]
        found = compare(treated, [random.gauss(100, 15) for _ in range(held_out)])
        hits += found.low <= 5 <= found.high
    assert hits / times == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(
    "customers, held_out, rate", [(180, 20, 0.3), (450, 50, 0.05), (800, 200, 0.02)]
)
def test_what_does_nothing_is_rarely_said_to_work_where_few_buy(customers, held_out, rate):
    random, times = Random(7), 300
    verdicts = [
        compare(spend(random, customers, rate), spend(random, held_out, rate)).verdict
        for _time in range(times)
    ]
    assert verdicts.count("works") <= 0.025 * times
    assert verdicts.count("harms") <= 0.025 * times


@pytest.mark.parametrize("count, held_out", [(0, 0), (0, 9), (1, 9), (9, 1), (9, 0)])
def test_of_fewer_than_two_customers_nothing_is_known(count, held_out):
    found = compare([5] * count, [1] * held_out)
    assert found == Effect(count, held_out)
    assert found.verdict == "cannot_tell" and found.net(0.3, 2) == found


def test_where_nobody_differs_there_is_no_interval():
    found = compare([0] * 50, [0] * 50)
    assert (found.difference, found.low, found.high) == (0, None, None)
    assert found.verdict == "cannot_tell"
    assert compare([5] * 50, [1] * 50).verdict == "cannot_tell"
    assert compare([5] * 50, [1] * 50).net(0.5, 1) == Effect(50, 50, 1.0)


def test_a_hold_out_that_bought_nothing_is_not_taken_for_certain():
    few, many = [100] * 2 + [0] * 38, [100] * 40 + [0] * 160
    assert compare(few, [0] * 10).verdict == "cannot_tell"
    assert compare(many, [0] * 100).verdict == "works"


def test_what_works_may_still_cost_more_than_it_brings():
    found = compare([60, 62] * 50, [50, 52] * 50)
    assert found.verdict == "works"
    assert found.net(0.4, 1).verdict == "works"
    assert found.net(0.4, 4).verdict == "cannot_tell"
    assert found.net(0.4, 9).verdict == "harms"
    assert found.net(0.4, 1).difference == pytest.approx(3)


# Several waves


def test_one_wave_pooled_is_that_wave():
    random = Random(7)
    wave = (Arm.of(spend(random, 300, 0.3)), Arm.of(spend(random, 200, 0.3)))
    pooled = pool([wave])
    assert pooled.effect == effect(*wave[0], *wave[1])
    assert (pooled.waves, pooled.q, pooled.chance, pooled.inconsistency) == (1, None, None, None)


def test_no_wave_tells_nothing():
    assert pool([]) == Pooled(Effect(0, 0), 0, 0, None, None)
    assert pool([(Arm(9, 3, 3), Arm(0, 0, 0))]).left_out == 1


def test_waves_hide_no_effect_that_is_there_and_find_none_that_is_not():
    """Weights by the variance of each wave itself would find a tenth too much."""
    random, times = Random(7), 60
    truth = 0.1 * 33.115  # a tenth more buy, for exp(3.5) each
    found = [
        pool(
            [
                (Arm.of(spend(random, 120, 0.2)), Arm.of(spend(random, 40, 0.1)))
                for _wave in range(12)
            ]
        )
        for _time in range(times)
    ]
    effects = [pooled.effect for pooled in found]
    # 4 standard errors of the mean of all
    tolerance = 4 * fmean(one.error for one in effects) / times**0.5
    assert fmean(one.difference for one in effects) == pytest.approx(truth, abs=tolerance)
    assert sum(one.low <= truth <= one.high for one in effects) >= 0.9 * times
    assert sum(pooled.chance < 0.05 for pooled in found) <= 0.15 * times
    assert fmean(pooled.q for pooled in found) == pytest.approx(11, abs=2.5)


def test_waves_that_differ_are_told_from_those_that_do_not():
    random = Random(7)

    def wave(effect):
        return tuple(Arm.of([random.gauss(m, 10) for _ in range(100)]) for m in (50 + effect, 50))

    alike, different = pool([wave(5) for _ in range(6)]), pool([wave(e) for e in (0, 10) * 3])
    assert alike.chance > 0.05
    assert different.chance < 0.001 and different.inconsistency > 0.7
    assert alike.effect.verdict == different.effect.verdict == "works"


def test_more_waves_tell_what_one_can_not():
    random = Random(7)
    waves = [
        tuple(Arm.of([random.gauss(mean, 30) for _ in range(80)]) for mean in (106, 100))
        for _ in range(12)
    ]
    assert sum(pool([wave]).effect.verdict == "works" for wave in waves) < 6
    assert pool(waves).effect.verdict == "works"


# What counting everything would claim


def test_naive_count_claims_what_would_have_been_bought_anyway():
    first, second = (Arm(100, 500, 0), Arm(50, 150, 0)), (Arm(10, 90, 0), Arm(10, 40, 0))
    found = naive([first, second, (Arm(7, 70, 0), Arm(0, 0, 0))])
    assert found == (590, 250)
    assert found.overstatement == pytest.approx(2.36)


def test_what_caused_nothing_is_not_overstated_by_a_factor():
    assert naive([(Arm(10, 30, 0), Arm(10, 40, 0))]).overstatement is None
    assert naive([]) == (0, 0)


# How many it takes

designs = {"share": st.floats(0.02, 0.98), "sd": st.floats(1, 1e6), "ratio": st.floats(0.02, 2)}


@ON_BUSY_MACHINES
@given(**designs)
def test_size_is_the_smallest_that_detects_the_effect(share, sd, ratio):
    size = sample_size(share, sd, ratio * sd)
    assert detectable_effect(size, share, sd) <= ratio * sd
    if (size - 1) * min(share, 1 - share) >= 2:
        assert detectable_effect(size - 1, share, sd) > ratio * sd


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_at_that_size_the_effect_shows_in_80_of_100_cases(share):
    random, times = Random(7), 400
    held_out = round(share * (size := sample_size(share, sd=30, smallest_effect=12)))
    shown = 0
    for _time in range(times):
        treated = [random.gauss(112, 30) for _ in range(size - held_out)]
        shown += compare(treated, [random.gauss(100, 30) for _ in range(held_out)]).low > 0
    assert shown / times == pytest.approx(0.8, abs=0.06)


@pytest.mark.parametrize("share, rate, more", [(0.5, 0.3, 0.1), (0.2, 0.1, 0.04), (0.3, 0.3, -0.1)])
def test_so_do_effects_on_the_share_of_those_who_order(share, rate, more):
    random, times = Random(7), 200
    held_out = round(share * (size := sample_size_of_rates(share, rate, more)))
    wanted = "works" if more > 0 else "harms"
    shown = 0
    for _time in range(times):
        buyers = sum(random.random() < rate + more for _ in range(size - held_out))
        buyers0 = sum(random.random() < rate for _ in range(held_out))
        found = effect(size - held_out, buyers, buyers, held_out, buyers0, buyers0)
        shown += found.verdict == wanted
    assert shown / times == pytest.approx(0.8, abs=0.08)


def test_a_small_hold_out_takes_more_customers():
    sizes = [sample_size(share, 10, 5) for share in (0.5, 0.3, 0.2, 0.1, 0.05)]
    assert sizes == sorted(sizes)
    assert sample_size(0.3, 10, 5) == sample_size(0.7, 10, 5) == sample_size(0.3, 10, -5)


@pytest.mark.parametrize("sd, smallest", [(0, 5), (-1, 5), (10, 0)])
def test_sizes_need_a_spread_and_an_effect(sd, smallest):
    with pytest.raises(ValueError, match="must not be 0"):
        sample_size(0.2, sd, smallest)


@pytest.mark.parametrize("rate, more", [(0.1, 0), (0.9, 0.2), (0.1, -0.2), (1.5, -0.8)])
def test_rates_are_shares_of_the_customers(rate, more):
    with pytest.raises(ValueError, match="between 0 % and 100 %"):
        sample_size_of_rates(0.2, rate, more)


def test_too_few_customers_detect_nothing():
    with pytest.raises(ValueError, match="two customers or more in each arm"):
        detectable_effect(10, 0.1, 5)
