from math import isfinite

import pytest

from ...analytics import gamma_gamma
from ...analytics.gamma_gamma import GammaGamma
from .datasets import cdnow_summary


@pytest.fixture(params=["numpy", "plain Python"])
def arithmetic(request, monkeypatch):
    if request.param == "plain Python":
        monkeypatch.setattr(gamma_gamma, "numpy", None)
    elif gamma_gamma.numpy is None:
        pytest.skip("numpy is optional, and not installed here")


def test_maximum_likelihood_is_the_published_one(arithmetic):
    rows = [
        row
        for row in cdnow_summary("cdnow_customers_summary_with_transactions.csv")
        if int(row["x"]) > 0
    ]
    model = GammaGamma(prior=None).fit(
        [int(row["x"]) for row in rows], [float(row["zbar"]) for row in rows]
    )
    assert model.n_customers_ == 946
    expected = {"p": 6.248802, "q": 3.744588, "v": 15.447748}
    assert model.parameters_ == pytest.approx(expected, abs=1e-5)
    assert model.log_likelihood_ == pytest.approx(-4055.92, abs=0.01)
    assert model.population_mean == pytest.approx(35.171, abs=1e-3)


def test_expected_value_lies_between_his_own_and_the_mean_of_all():
    model = GammaGamma.of(p=6.25, q=3.74, v=15.4)
    few, many = model.expected_value(1, 100), model.expected_value(50, 100)
    assert model.population_mean < few < many < 100
    assert model.uncertainty(1) > model.uncertainty(50)


@pytest.mark.parametrize(
    ("x", "m"),
    [
        ([3] * 20, [5e8] * 20),
        ([3] * 20 + [50], [5] * 20 + [1e6]),
        ([1, 1, 1], [10, 10, 10]),
        ([2000], [1e8]),
    ],
    ids=["all the same", "one with all the money", "three", "one"],
)
def test_edges_give_finite_values(arithmetic, x, m):
    model = GammaGamma().fit(x, m)
    assert model.q_ > 1.5, "the mean of the population stays bounded"
    for orders, mean in zip(x, m, strict=True):
        assert isfinite(model.expected_value(orders, mean))


def test_values_that_are_no_orders_are_refused():
    with pytest.raises(ValueError, match="leave the others out"):
        GammaGamma().fit([1, 2], [10, -3])
    with pytest.raises(ValueError, match="no customer"):
        GammaGamma().fit([], [])
    with pytest.raises(ValueError, match="q above 1"):
        GammaGamma.of(p=1, q=0.5, v=1)
