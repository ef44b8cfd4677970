"""Copies of rows that Odoo has written, in bulk."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from odoo.tools import SQL


class Dossier(NamedTuple):
    """One sale as Odoo books it, each field a single record; in the order of foreign keys."""

    order: object
    order_line: object
    full_match: object
    invoice: object
    refund: object
    transfer: object
    statement: object
    invoice_line: object
    invoice_due: object
    refund_line: object
    refund_due: object
    bank_line: object
    customer_line: object
    match: object


@dataclass
class Move:
    """The rows of a journal entry; it gets its number when all of its kind are known."""

    row: dict
    lines: list[dict]
    due: dict  # the line that is to be paid or that pays
    matches: list[tuple[dict, dict]] = field(default_factory=list)  # match, line that pays

    @property
    def day(self) -> date:
        return self.row["date"]


def copy_rows(record, rows: list[dict]) -> None:
    """Insert one copy of a record's row for each dict of columns that differ."""
    record.env.cr.execute(
        SQL(
            """INSERT INTO %(table)s
               SELECT copy.*
                 FROM %(table)s AS copied_row,
                      jsonb_populate_recordset(copied_row, %(rows)s::jsonb) AS copy
                WHERE copied_row.id = %(id)s""",
            table=SQL.identifier(record._table),
            rows=json.dumps(rows, default=str),
            id=record.id,
        )
    )


def new_ids(cr, table: str, number: int) -> Iterator[int]:
    cr.execute(
        SQL(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            table,
            number,
        )
    )
    return iter([number for (number,) in cr.fetchall()])
