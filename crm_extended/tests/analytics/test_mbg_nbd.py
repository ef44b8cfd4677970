"""The published numbers of the field, and the edges on which other implementations break."""

import random
import warnings
from datetime import date
from math import isfinite

import pytest

from ...analytics import mbg_nbd
from ...analytics.mbg_nbd import BgNbd, MbgNbd, history
from .datasets import cdnow_days, cdnow_summary

PUBLISHED = {"r": 0.524838, "alpha": 6.182993, "a": 0.891356, "b": 1.613998}
# (x, t_x, T) in weeks: P(alive), P(order in 13 weeks), E[orders in 39 weeks]
VECTORS = {
    (0, 0, 38.86): (0.389716, 0.048561, 0.153954),
    (0, 0, 26.71): (0.429591, 0.068895, 0.222865),
    (1, 1.71, 38.86): (0.170819, 0.054777, 0.188789),
    (2, 30.43, 38.86): (0.706126, 0.333871, 1.262671),
    (2, 10, 38.86): (0.234201, 0.110735, 0.418790),
    (7, 38, 38.86): (0.893151, 0.760634, 4.542659),
    (26, 12, 38.86): (0, 0, 0),
}


@pytest.fixture(params=["numpy", "plain Python"])
def arithmetic(request, monkeypatch):
    if request.param == "plain Python":
        monkeypatch.setattr(mbg_nbd, "numpy", None)
    elif mbg_nbd.numpy is None:
        pytest.skip("numpy is optional, and not installed here")


@pytest.fixture(autouse=True)
def no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def sample():
    rows = cdnow_summary()
    return (
        [int(row["frequency"]) for row in rows],
        [float(row["recency"]) for row in rows],
        [float(row["T"]) for row in rows],
    )


def calibration_of_all():
    until = date(1997, 9, 30).toordinal()
    histories = [history(days, until) for days in cdnow_days().values()]
    return [(x, t_x / 7, T / 7) for x, t_x, T in filter(None, histories)]


@pytest.mark.parametrize(
    ("model", "parameters", "log_likelihood"),
    [
        (MbgNbd, PUBLISHED, -9582.1327),
        (BgNbd, {"r": 0.242593, "alpha": 4.413532, "a": 0.792886, "b": 2.425753}, -9582.4256),
    ],
)
def test_maximum_likelihood_is_the_published_one(arithmetic, model, parameters, log_likelihood):
    fitted = model(prior=None).fit(*sample())
    assert fitted.parameters_ == pytest.approx(parameters, abs=1e-5)
    assert fitted.log_likelihood_ == pytest.approx(log_likelihood, abs=1e-4)
    assert fitted.converged_


def test_maximum_likelihood_of_all_customers(arithmetic):
    fitted = MbgNbd(prior=None).fit(*zip(*calibration_of_all(), strict=True))
    assert fitted.n_customers_ == 23570
    expected = {"r": 0.6371, "alpha": 7.3103, "a": 0.8075, "b": 1.2284}
    assert fitted.parameters_ == pytest.approx(expected, abs=6e-5)
    assert fitted.log_likelihood_ == pytest.approx(-95336.96, abs=0.01)


@pytest.mark.parametrize(("customer", "expected"), VECTORS.items())
def test_golden_vectors(customer, expected):
    model = MbgNbd.of(**PUBLISHED)
    found = (
        model.p_alive(*customer),
        model.p_order(13, *customer),
        model.expected_orders(39, *customer),
    )
    assert found == pytest.approx(expected, abs=1e-5)


def test_expected_orders_of_the_holdout_by_repeated_orders():
    expected = [0.1852, 0.5514, 1.0490, 1.4929, 2.1043, 2.5636, 3.3608, 5.8485]
    model = MbgNbd.of(**PUBLISHED)
    customers = list(zip(*sample(), strict=True))
    for repeats, mean in enumerate(expected):
        group = [c for c in customers if min(c[0], 7) == repeats]
        found = sum(model.expected_orders(39, *c) for c in group) / len(group)
        assert found == pytest.approx(mean, rel=5e-5, abs=6e-5)


def test_gradient_is_that_of_the_value(arithmetic):
    x, t_x, T = sample()
    groups = MbgNbd()._grouped(x[:200], t_x[:200], T[:200], None)
    sums = mbg_nbd._group_sums(groups)
    counts = {}
    for repeats, _, _, weight in groups:
        counts[repeats] = counts.get(repeats, 0) + weight
    logs = [-0.5, 1.6, -0.2, 0.4]
    for model in (MbgNbd(), BgNbd()):
        _, gradient = model._log_likelihood(logs, sums, counts)
        for i, slope in enumerate(gradient):
            high, low = list(logs), list(logs)
            high[i] += 1e-5
            low[i] -= 1e-5
            rise = model._log_likelihood(high, sums, counts)[0]
            rise -= model._log_likelihood(low, sums, counts)[0]
            assert slope == pytest.approx(rise / 2e-5, rel=1e-4, abs=1e-4)


def test_groups_count_as_many_customers_as_they_weigh(arithmetic):
    apart = MbgNbd().fit([0, 0, 2], [0, 0, 30], [50, 50, 60])
    grouped = MbgNbd().fit([0, 2], [0, 30], [50, 60], weights=[2, 1])
    assert apart.parameters_ == pytest.approx(grouped.parameters_)


def test_unit_of_time_does_not_matter():
    weeks = MbgNbd().fit(*sample())
    x, t_x, T = sample()
    days = MbgNbd().fit(x, [t * 7 for t in t_x], [t * 7 for t in T])
    assert days.alpha_ == pytest.approx(7 * weeks.alpha_, rel=1e-5)
    assert days.p_order(91, 2, 210, 270) == pytest.approx(weeks.p_order(13, 2, 30, 270 / 7))


@pytest.mark.parametrize(
    "customers",
    [
        [(0, 0, 100)] * 50,
        [(0, 0, 0)] * 5,
        [(2000, 360, 365)],
        [(10, 100, 105)] * 30,
        [(0, 0, 3), (1, 2, 3), (0, 0, 1)],
        [(0, 0, 30000), (1, 29000, 30000), (5, 100, 30000)],
    ],
    ids=["bought once", "today", "x = 2,000", "like clockwork", "three", "80 years"],
)
def test_edges_give_finite_numbers(arithmetic, customers):
    model = MbgNbd().fit(*zip(*customers, strict=True))
    for customer in customers:
        found = [
            model.p_alive(*customer),
            model.p_order(90, *customer),
            model.expected_orders(365, *customer),
            model.silence(*customer),
            *model.parameters_.values(),
        ]
        assert all(map(isfinite, found))
        assert all(0 <= chance <= 1 for chance in (*found[:2], found[3]))


def test_a_chance_to_leave_of_one_half_after_every_order():
    model = MbgNbd.of(r=0.7, alpha=60, a=1.0, b=1.0)
    assert isfinite(model.expected_orders(365, 3, 100, 120))


def test_impossible_histories_are_refused():
    with pytest.raises(ValueError, match="the last one lies between"):
        MbgNbd().fit([1], [50], [40])
    with pytest.raises(ValueError, match="no customer"):
        MbgNbd().fit([], [], [])
    with pytest.raises(ValueError, match="must be a finite number above 0"):
        MbgNbd.of(r=0.5, alpha=-1, a=1, b=1)


def simulated(leaving: bool, customers: int = 3000):
    chance = random.Random(7)
    for _ in range(customers):
        rate, length = chance.gammavariate(0.8, 1 / 60), chance.uniform(30, 365)
        quits = chance.betavariate(0.8, 2) if leaving else 0
        now, x, last = 0.0, 0, 0.0
        while chance.random() >= quits:
            now += chance.expovariate(rate)
            if now > length:
                break
            x, last = x + 1, now
        yield x, last, length


def test_leaving_is_seen_only_where_customers_leave():
    assert MbgNbd().fit(*zip(*simulated(leaving=True), strict=True)).leaving_is_seen_
    assert not MbgNbd().fit(*zip(*simulated(leaving=False), strict=True)).leaving_is_seen_


def simulated_orders(model, chance, x, t_x, T, ahead):
    """Orders within a time ahead of one customer, drawn from the model."""
    if chance.random() > model.p_alive(x, t_x, T):
        return 0
    rate = chance.gammavariate(model.r_ + x, 1 / (model.alpha_ + T))
    leaves = chance.betavariate(model.a_, model.b_ + x + 1)
    now, orders = 0.0, 0
    while True:
        now += chance.expovariate(rate)
        if now > ahead:
            return orders
        orders += 1
        if chance.random() < leaves:
            return orders


@pytest.mark.parametrize("customer", [(0, 0, 20), (2, 30, 38), (9, 36, 38)])
def test_mean_and_variance_of_orders_are_those_of_a_simulation(customer):
    model, chance = MbgNbd.of(**PUBLISHED), random.Random(5)
    drawn = [simulated_orders(model, chance, *customer, 104) for _ in range(20000)]
    mean = sum(drawn) / len(drawn)
    variance = sum((orders - mean) ** 2 for orders in drawn) / len(drawn)
    assert model.expected_orders(104, *customer) == pytest.approx(mean, rel=0.04)
    assert model.orders_variance(104, *customer) == pytest.approx(variance, rel=0.08)


def test_order_time_is_when_the_chance_is_reached():
    model, customer = MbgNbd.of(**PUBLISHED), (7, 38, 38.86)
    time = model.order_time(0.25, *customer)
    assert model.p_order(time, *customer) == pytest.approx(0.25)
    assert model.order_time(0.95, *customer) is None, "he has left with a chance of 11 %"


def test_silence_time_is_when_the_silence_is_reached():
    model = MbgNbd.of(**PUBLISHED)
    time = model.silence_time(0.1, 7, 38)
    assert model.silence(7, 38, time) == pytest.approx(0.1)
    assert model.silence(7, 38, 38) == 1
