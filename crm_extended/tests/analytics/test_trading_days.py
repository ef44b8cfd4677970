from datetime import date, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ...analytics.trading_days import Span, TradingCalendar

ON_BUSY_MACHINES = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

BEGIN = date(2024, 1, 1)
days = st.integers(0, 700).map(lambda n: BEGIN + timedelta(days=n))
spans = st.lists(
    st.builds(
        lambda first, length, share: Span(first, first + timedelta(days=length), share),
        days,
        st.integers(0, 40),
        st.sampled_from([0, 0.25, 0.5]),
    ),
    max_size=6,
)


def share(day, spans):
    return min((span.share for span in spans if span.first <= day <= span.last), default=1)


@ON_BUSY_MACHINES
@given(spans, days, days)
def test_time_between_days_is_the_sum_of_their_shares(spans, first, last):
    first, last = sorted((first, last))
    calendar = TradingCalendar(spans)
    counted = sum(
        share(first + timedelta(days=n), spans) for n in range(1, (last - first).days + 1)
    )
    assert calendar.number(last) - calendar.number(first) == counted


@ON_BUSY_MACHINES
@given(spans, days, st.integers(1, 200))
def test_day_of_a_number_is_the_first_that_reaches_it(spans, day, ahead):
    calendar = TradingCalendar(spans)
    wanted = calendar.number(day) + ahead
    found = calendar.day(wanted)
    assert calendar.number(found) >= wanted > calendar.number(found - timedelta(days=1))


def test_without_holidays_time_is_days():
    calendar = TradingCalendar()
    assert calendar.number(date(2026, 3, 1)) - calendar.number(date(2026, 2, 1)) == 28
    assert calendar.day(calendar.number(BEGIN) + 366) == date(2025, 1, 1)
