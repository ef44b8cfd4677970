import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ...analytics import backtest

ON_BUSY_MACHINES = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

judged = st.lists(
    st.tuples(st.sampled_from([0, 0.1, 0.25, 0.5, 0.9, 1]), st.booleans()), min_size=1, max_size=40
)


@ON_BUSY_MACHINES
@given(judged)
def test_auc_counts_the_pairs_in_the_right_order(pairs):
    chances, outcomes = zip(*pairs, strict=True)
    happened = [c for c, o in pairs if o]
    did_not = [c for c, o in pairs if not o]
    found = backtest.auc(chances, outcomes)
    if not happened or not did_not:
        assert found is None
        return
    points = [(h > n) + (h == n) / 2 for h in happened for n in did_not]
    assert found == pytest.approx(sum(points) / len(points))


@ON_BUSY_MACHINES
@given(judged)
def test_bars_hold_every_customer_once(pairs):
    chances, outcomes = zip(*pairs, strict=True)
    bars = backtest.calibration(chances, outcomes)
    assert sum(bar.customers for bar in bars) == len(pairs)
    assert sum(bar.customers * bar.actual for bar in bars) == pytest.approx(sum(outcomes))
    assert sum(bar.customers * bar.predicted for bar in bars) == pytest.approx(sum(chances))
    assert [bar.predicted for bar in bars] == sorted(bar.predicted for bar in bars)
    assert all(bar.interval.low <= bar.actual <= bar.interval.high for bar in bars)


@ON_BUSY_MACHINES
@given(judged)
def test_equal_chances_stand_in_one_bar(pairs):
    chances, outcomes = zip(*pairs, strict=True)
    assert len(backtest.calibration(chances, outcomes)) <= len(set(chances))


def test_chances_that_come_true_have_no_error():
    bars = backtest.calibration([0.25] * 4 + [0.75] * 4, [0, 0, 0, 1, 1, 1, 1, 0], bars=2)
    assert backtest.calibration_error(bars) == 0


def test_the_same_chance_for_all_ranks_nobody():
    assert backtest.auc([0.3] * 10, [True] * 3 + [False] * 7) == 0.5
    assert backtest.top_lift([0.3] * 10, [True] * 3 + [False] * 7) == pytest.approx(1)


def test_few_customers_get_no_grade():
    assert backtest.grade(0.9, 0.01, 0.1, 0.2, customers=199, buyers=100) is None
    assert backtest.grade(0.9, 0.01, 0.1, 0.2, customers=500, buyers=49) is None
