"""The next numbers of orders and journal entries, many at a time."""

from collections.abc import Iterator
from datetime import date

from odoo.tools import SQL


def order_names(env, number: int) -> Iterator[str]:
    """The next names of sales orders."""
    sequence = env["ir.sequence"].search(
        [("code", "=", "sale.order"), ("company_id", "in", [env.company.id, False])],
        order="company_id",
        limit=1,
    )
    if sequence.implementation != "standard" or sequence.use_date_range:
        return (sequence._next() for _order in range(number))
    first = sequence._next()
    prefix, suffix = sequence._get_prefix_suffix()
    start = int(first[len(prefix) : len(first) - len(suffix)])
    sequence.number_next_actual = start + number * sequence.number_increment
    return (
        f"{prefix}{start + index * sequence.number_increment:0{sequence.padding}}{suffix}"
        for index in range(number)
    )


class MoveNumbers:
    """Numbers of journal entries as Odoo gives them, on from the last one that is there."""

    def __init__(self, env, journal, move_type: str):
        self.env = env
        self.journal = journal
        self.move_type = move_type
        self.formats: dict[date, tuple[str, int]] = {}  # month: prefix, digits
        self.last: dict[str, int] = {}  # prefix: number

    def next(self, day: date) -> tuple[str, str, int]:
        """Name, prefix and number of one more entry of a day."""
        month = day.replace(day=1)
        if month not in self.formats:
            self.formats[month] = self._format(month)
        prefix, digits = self.formats[month]
        if prefix not in self.last:
            self.last[prefix] = self._last_number(prefix)
        self.last[prefix] += 1
        return f"{prefix}{self.last[prefix]:0{digits}}", prefix, self.last[prefix]

    def _format(self, day: date) -> tuple[str, int]:
        move = self.env["account.move"].new(
            {
                "move_type": self.move_type,
                "journal_id": self.journal.id,
                "date": day,
                "invoice_date": day,
            }
        )
        start = move._get_starting_sequence()
        prefix = start.rstrip("0")
        return prefix, len(start) - len(prefix)

    def _last_number(self, prefix: str) -> int:
        [[number]] = self.env.execute_query(
            SQL(
                "SELECT COALESCE(MAX(sequence_number), 0) FROM account_move"
                " WHERE journal_id = %s AND sequence_prefix = %s",
                self.journal.id,
                prefix,
            )
        )
        return number
