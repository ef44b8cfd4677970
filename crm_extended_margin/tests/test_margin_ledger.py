from datetime import date, datetime
from decimal import Decimal

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from odoo.tests import tagged

from odoo.addons.crm_extended.tests import reference
from odoo.addons.crm_extended.tests.ledger import CUSTOMERS, EXACT, LedgerCase, LedgerMaker


@tagged("post_install", "-at_install")
class TestMarginLedger(LedgerCase):
    """Units, currencies, refunds, discounts, down payments, lines over several orders."""

    exact = (*EXACT, "margin_12m", "contribution_12m", "loss_maker_flag")
    nearly = LedgerCase.nearly | {"margin_coverage": 1e-12}

    def apply(self, rules):
        self.company.customer_margin_since = rules.margin_since
        return super().apply(rules)

    @settings(
        max_examples=10,
        deadline=None,
        derandomize=True,
        database=None,
        # a seed does not shrink to a simpler ledger
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        seed=st.integers(0, 10**6),
        customers=st.integers(15, CUSTOMERS),
        as_of=st.dates(date(2024, 1, 1), date(2025, 12, 31)),
        source=st.sampled_from(("invoice", "invoice", "order")),
        margin_since=st.sampled_from((None, None, datetime(2023, 9, 1))),
    )
    def test_margins_of_random_ledgers_equal_the_reference(
        self, seed, customers, as_of, source, margin_since
    ):
        ledger = LedgerMaker(seed, customers, as_of).make()
        rules = reference.Settings(
            source=source,
            has_margins=True,
            margin_since=margin_since,
            costs={"order": Decimal("2"), "delivery": Decimal("15.10"), "return": Decimal("40")},
        )
        self.assert_rows_equal_reference(ledger, as_of, rules)
