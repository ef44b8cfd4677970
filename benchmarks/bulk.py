"""What makes large inserts fast: indexes built once at the end, and a vacuum afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from odoo.tools import SQL

if TYPE_CHECKING:
    Cursor = object

TABLES = (
    "res_partner", "product_template", "product_product", "account_move", "account_move_line",
    "account_partial_reconcile", "account_full_reconcile", "sale_order", "sale_order_line",
    "sale_order_line_invoice_rel",
)  # fmt: skip
"""What loader and generator write to."""


@contextmanager
def without_indexes(cr: Cursor, tables: Iterable[str] = TABLES) -> Iterator[None]:
    """Drop the tables' plain indexes and build them again at the end, in the same transaction.

    Primary keys and constraints stay. The tables are locked until the commit: for databases
    nobody else works in.
    """
    cr.execute(
        SQL(
            """
            SELECT index.indexrelid::regclass::text, pg_get_indexdef(index.indexrelid)
              FROM pg_index AS index
             WHERE index.indrelid::regclass::text IN %s
               AND NOT index.indisprimary
               AND NOT EXISTS (
                   SELECT FROM pg_constraint WHERE conindid = index.indexrelid AND contype <> 'f')
             ORDER BY 1
            """,
            tuple(tables),
        )
    )
    indexes = cr.fetchall()
    for name, _definition in indexes:
        cr.execute(SQL("DROP INDEX %s", SQL(name)))
    yield
    cr.execute("SET LOCAL maintenance_work_mem = '512MB'")
    for _name, definition in indexes:
        cr.execute(SQL(definition.replace("%", "%%")))


def vacuum(database: str, tables: Iterable[str] = TABLES) -> None:
    """Vacuum and analyse, as autovacuum would have done by the next morning."""
    from odoo.sql_db import db_connect

    with db_connect(database).cursor() as cr:
        cr.commit()
        cr._cnx.autocommit = True
        for table in tables:
            cr.execute("SELECT to_regclass(%s)", [table])
            if cr.fetchone()[0]:
                cr.execute(SQL("VACUUM (ANALYZE) %s", SQL.identifier(table)))
        cr._cnx.autocommit = False
