from datetime import timedelta

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from odoo.tests import tagged

from odoo.addons.crm_extended.tests import reference
from odoo.addons.crm_extended.tests.common import AS_OF
from odoo.addons.crm_extended.tests.ledger import CUSTOMERS, LedgerMaker
from odoo.addons.crm_extended.tests.outcome_ledger import OutcomeLedgerCase


@tagged("post_install", "-at_install")
class TestMarginOutcomesOfLedgers(OutcomeLedgerCase):
    def _parts(self):
        """All."""
        return 5

    def apply(self, rules):
        self.company.customer_margin_since = rules.margin_since
        return super().apply(rules)

    @settings(
        max_examples=5,
        deadline=None,
        derandomize=True,
        database=None,
        # a seed does not shrink to a simpler ledger
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        seed=st.integers(0, 10**6),
        source=st.sampled_from(("invoice", "order")),
        ages=st.lists(st.tuples(st.integers(1, 400), st.integers(1, 200)), min_size=1, max_size=4),
    )
    def test_margins_of_random_ledgers_equal_the_reference(self, seed, source, ages):
        ledger = LedgerMaker(seed, CUSTOMERS, AS_OF).make()
        rules = reference.Settings(source=source, has_margins=True)
        windows = [
            (AS_OF - timedelta(days=age), AS_OF - timedelta(days=age - length))
            # most of them have bought in the first
            for age, length in [(400, 350), *ages]
        ]
        self.assert_outcomes_equal_reference(ledger, AS_OF, rules, windows)
