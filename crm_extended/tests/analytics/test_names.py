from bisect import bisect_left
from datetime import date
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from ...analytics import rfm

STAGES = ("prospect", "new", "normal", "loyal", "at_risk", "lost", "won_back")
NAMES = {
    *("prospects", "new", "promising", "active", "loyal", "champions", "needs_attention"),
    *("at_risk", "almost_lost", "previously_loyal", "dormant"),
}
cuts = st.lists(st.integers(0, 50), min_size=4, max_size=4).map(sorted) | st.lists(
    st.integers(0, 50), min_size=2, max_size=2
).map(sorted)
repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=200)


@tagged("post_install", "-at_install")
class TestNames(BaseCase):
    def test_every_customer_who_is_scored_has_a_name_whatever_his_scores(self):
        scores = range(1, 6)
        found = {
            rfm.segment(*combination) for combination in product(STAGES, scores, scores, scores)
        }
        self.assertEqual(found, NAMES, "eleven names, each of them used")

    def test_more_of_anything_is_never_a_worse_name(self):
        order = ["needs_attention", "promising", "active", "loyal", "champions"]
        for recency, frequency, money in product(range(1, 6), range(1, 6), range(1, 5)):
            worse = rfm.segment("normal", recency, frequency, money)
            better = rfm.segment("normal", recency, frequency, money + 1)
            self.assertLessEqual(order.index(worse), order.index(better))

    def test_scores_that_are_missing_have_no_name(self):
        for stage in STAGES[1:]:
            self.assertIsNone(rfm.segment(stage, None, None, None))

    @repeatable
    @given(value=st.integers(-5, 60), points=cuts)
    def test_score_is_between_one_and_five_and_equal_values_score_equally(self, value, points):
        score = rfm.score(value, points)
        self.assertIn(score, range(1, 6))
        self.assertEqual(score, 1 + bisect_left(points, value) * 4 // len(points))

    @repeatable
    @given(low=st.integers(0, 60), more=st.integers(0, 60), points=cuts)
    def test_more_never_scores_lower_and_longer_silence_never_higher(self, low, more, points):
        self.assertLessEqual(rfm.score(low, points), rfm.score(low + more, points))
        self.assertGreaterEqual(
            rfm.recency_score(low, points), rfm.recency_score(low + more, points)
        )

    @repeatable
    @given(customers=st.integers(0, 200))
    def test_few_customers_are_scored_coarsely_or_not_at_all(self, customers):
        groups = len(rfm.quantiles_for(customers)) + 1
        self.assertEqual(groups, 1 if customers < 20 else 3 if customers < 50 else 5)

    @repeatable
    @given(day=st.dates(date(2000, 1, 1), date(2100, 1, 1)))
    def test_scores_are_cut_on_the_first_day_of_the_quarter(self, day):
        cut = rfm.cut_date(day)
        self.assertEqual((cut.day, cut.month % 3), (1, 1))
        self.assertLessEqual(cut, day)
        self.assertLess((day - cut).days, 92, "it is this quarter")
