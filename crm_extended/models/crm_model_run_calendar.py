from datetime import date
from functools import lru_cache

from odoo import fields, models
from odoo.tools import SQL

from ..analytics.trading_days import ORIGIN, ROUNDING, Span, TradingCalendar, in_years

FIRST_YEAR = 1970
# how far ahead quiet periods of every year are laid out
YEARS_AHEAD = 12
# how far back a season is
YEARS_BACK = 20


@lru_cache(maxsize=64)
def _calendar(holidays: tuple, quiet: tuple, season: tuple | None, year: int) -> TradingCalendar:
    """Of what a run of a year froze; see ``res.company._customer_settings``."""
    spans = [
        Span(fields.Date.to_date(first), fields.Date.to_date(last), 0.0) for first, last in holidays
    ]
    for first, last, share, is_yearly in quiet:
        span = Span(fields.Date.to_date(first), fields.Date.to_date(last), share)
        spans += in_years(span, range(FIRST_YEAR, year + YEARS_AHEAD)) if is_yearly else [span]
    end = date(year + YEARS_AHEAD, 1, 1)
    spans = [span._replace(last=min(span.last, end)) for span in spans if span.first < end]
    return TradingCalendar(spans, season, range(year - YEARS_BACK, year + YEARS_AHEAD))


class CrmModelRunCalendar(models.Model):
    """The trading days of a run: days to numbers and back, in Python and in SQL."""

    _inherit = "crm.model.run"

    def _trading_calendar(self) -> TradingCalendar:
        """The calendar that the run froze; see ``analytics.trading_days``."""
        return self._calendar_of((self.season or {}).get("shares"))

    def _calendar_of(self, shares) -> TradingCalendar:
        """The same with another season; None is without."""
        frozen = (self.settings or {}).get("calendar") or {}
        return _calendar(
            *(tuple(map(tuple, frozen.get(name, []))) for name in ("holidays", "quiet")),
            tuple(shares) if shares else None,
            self.as_of.year,
        )

    def _sql_number(self, day: SQL) -> SQL:
        """``TradingCalendar.number`` in SQL: trading time up to the end of a day."""
        calendar = self._trading_calendar()
        if len(calendar.starts) == 1:
            return SQL("(%s - %s::date + 1)::float8", day, ORIGIN)
        piece = SQL("width_bucket(%s, %s::date[])", day, calendar.starts)
        return SQL(
            "((%(numbers)s::float8[])[%(piece)s] + (%(shares)s::float8[])[%(piece)s]"
            " * (%(day)s - (%(starts)s::date[])[%(piece)s] + 1))",
            numbers=calendar.numbers,
            shares=calendar.shares,
            starts=calendar.starts,
            piece=piece,
            day=day,
        )

    def _sql_day(self, number: SQL) -> SQL:
        """``TradingCalendar.day`` in SQL: the first day whose number is no less."""
        calendar = self._trading_calendar()
        number = SQL("(%s - %s)", number, ROUNDING)
        if len(calendar.starts) == 1:
            return SQL("(%s::date + CEIL(%s)::integer - 1)", ORIGIN, number)
        piece = SQL("width_bucket(%s, %s::float8[])", number, calendar.numbers)
        return SQL(
            "((%(starts)s::date[])[%(piece)s] - 1 + CEIL((%(number)s"
            " - (%(numbers)s::float8[])[%(piece)s]) / (%(shares)s::float8[])[%(piece)s])::integer)",
            numbers=calendar.numbers,
            shares=calendar.shares,
            starts=calendar.starts,
            piece=piece,
            number=number,
        )
