from datetime import date
from decimal import Decimal

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from odoo.tests import tagged

from . import reference
from .ledger import CUSTOMERS, LedgerCase, LedgerMaker


@tagged("post_install", "-at_install")
class TestLedger(LedgerCase):
    @settings(
        max_examples=12,
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
        as_of=st.dates(date(2023, 2, 28), date(2025, 12, 31)) | st.just(date(2024, 2, 29)),
        source=st.sampled_from(("invoice", "invoice", "order")),
        timezone=st.sampled_from(("UTC", "Asia/Tehran", "America/New_York")),
        factors=st.sampled_from(((2.0, 4.0), (1.5, 2.5))),
        new_days=st.sampled_from((30, 90)),
    )
    def test_rows_of_random_ledgers_equal_the_reference(
        self, seed, customers, as_of, source, timezone, factors, new_days
    ):
        ledger = LedgerMaker(seed, customers, as_of).make()
        rules = reference.Settings(
            source=source,
            timezone=timezone,
            at_risk_factor=factors[0],
            lost_factor=factors[1],
            new_days=new_days,
            costs={
                "order": Decimal("3.50"),
                "delivery": Decimal("12.25"),
                "return": Decimal("30"),
            },
        )
        self.assert_rows_equal_reference(ledger, as_of, rules)
