from datetime import date, timedelta

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from odoo.tests import tagged

from . import reference
from .ledger import CUSTOMERS, LedgerMaker
from .outcome_ledger import OutcomeLedgerCase


@tagged("post_install", "-at_install")
class TestOutcomesOfLedgers(OutcomeLedgerCase):
    @settings(
        max_examples=8,
        deadline=None,
        derandomize=True,
        database=None,
        # a seed does not shrink to a simpler ledger
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        seed=st.integers(0, 10**6),
        as_of=st.dates(date(2023, 2, 28), date(2025, 12, 31)),
        source=st.sampled_from(("invoice", "invoice", "order")),
        timezone=st.sampled_from(("UTC", "Asia/Tehran", "America/New_York")),
        ages=st.lists(st.tuples(st.integers(1, 400), st.integers(1, 200)), min_size=1, max_size=4),
    )
    def test_outcomes_of_random_ledgers_equal_the_reference(
        self, seed, as_of, source, timezone, ages
    ):
        ledger = LedgerMaker(seed, CUSTOMERS, as_of).make()
        rules = reference.Settings(source=source, timezone=timezone)
        windows = [
            (as_of - timedelta(days=age), as_of - timedelta(days=age - length))
            # most of them have bought in the first
            for age, length in [(400, 350), *ages]
        ]
        self.assert_outcomes_equal_reference(ledger, as_of, rules, windows)
