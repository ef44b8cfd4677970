"""Posted invoices and credit notes from two staging tables, without the ORM.

The caller fills ``stage_document`` and ``stage_line`` (temporary tables made by
:func:`create_stages`); :func:`number_documents` gives the documents their names,
:func:`insert_documents` writes moves and journal items, and :func:`reconcile_refunds` matches
credit notes with the invoices they reverse. Amounts are in the company's currency, without tax.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from odoo.tools import SQL

from .prototypes import Prototypes, number_range

if TYPE_CHECKING:
    from odoo.api import Environment

    Cursor = object

REFUND_KINDS = ("refund", "order_refund")


def create_stages(cr: Cursor) -> None:
    """Empty staging tables, dropped with the transaction.

    ``stage_document``: ``total`` is the sum of its lines and never negative, ``residual`` what is
    still open of it, ``day`` the date of invoice and booking, ``reversed_id`` the invoice that a
    credit note reverses. ``stage_line``: ``subtotal`` has the sign of quantity times price.
    """
    cr.execute(
        """
        DROP TABLE IF EXISTS stage_document, stage_line;
        CREATE TEMP TABLE stage_document (
            id integer PRIMARY KEY, term_id integer, kind text, partner_id integer,
            commercial_id integer, partner_name text, fiscal_position_id integer,
            user_id integer, day date, due date, ref text, origin text, reversed_id integer,
            total numeric, residual numeric, payment_state text, full_id integer,
            matching_number text, name text, prefix text, number integer
        ) ON COMMIT DROP;
        CREATE TEMP TABLE stage_line (
            id integer, document_id integer, product_id integer, label text, quantity numeric,
            price numeric, subtotal numeric
        ) ON COMMIT DROP
        """
    )


def trust_references(cr: Cursor) -> bool:
    """Until the end of the transaction, don't check foreign keys row by row, where allowed.

    The checks take five sixths of a load. They are replaced by :func:`check_references`, which
    asks the same in a few joins. Only a superuser of the database may do this; for others (False)
    the server goes on checking each row.
    """
    cr.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    if not cr.fetchone()[0]:
        return False
    cr.execute("SET LOCAL session_replication_role = replica")
    return True


def number_documents(env: Environment, prototypes: Prototypes) -> None:
    """Name the staged documents by journal, kind and year, without gaps, in order of date.

    Numbers go on after those that are already there. The open amount is set to the total.
    """
    cr = env.cr
    cr.execute(
        "SELECT DISTINCT kind LIKE '%refund', extract(year FROM day)::integer"
        " FROM stage_document ORDER BY 1, 2"
    )
    ranges = []
    for is_refund, year in cr.fetchall():
        kind = "refund" if is_refund else "invoice"
        prefix, first, digits = number_range(env, kind, prototypes.journal_id, year)
        ranges.append(SQL("(%s, %s, %s, %s, %s)", is_refund, year, prefix, first, digits))
    if not ranges:
        return
    cr.execute(
        SQL(
            """
            WITH ranges (is_refund, year, prefix, first, digits) AS (VALUES %s),
            numbers AS (
                SELECT document.id, ranges.prefix, ranges.digits,
                       ranges.first - 1 + row_number() OVER (
                           PARTITION BY ranges.prefix ORDER BY document.day, document.id
                       ) AS number
                  FROM stage_document AS document
                  JOIN ranges ON ranges.is_refund = (document.kind LIKE '%%refund')
                             AND ranges.year = extract(year FROM document.day)
            )
            UPDATE stage_document AS document
               SET prefix = numbers.prefix,
                   number = numbers.number,
                   name = numbers.prefix || lpad(
                       numbers.number::text, greatest(numbers.digits, length(numbers.number::text)),
                       '0'),
                   residual = document.total,
                   payment_state = CASE WHEN document.total = 0 THEN 'paid' ELSE 'not_paid' END
              FROM numbers
             WHERE numbers.id = document.id
            """,
            SQL(", ").join(ranges),
        )
    )
    cr.execute("ANALYZE stage_document; ANALYZE stage_line")


def reconcile_refunds(cr: Cursor, prototypes: Prototypes) -> int:
    """Match each staged credit note with its invoice, as posting a reversal does.

    One credit note per invoice, of at most its amount. Before :func:`insert_documents` this only
    changes the stage; :func:`insert_reconciliations` writes the matches afterwards.
    """
    cr.execute(
        """
        DROP TABLE IF EXISTS stage_match;
        CREATE TEMP TABLE stage_match ON COMMIT DROP AS
        SELECT nextval('account_partial_reconcile_id_seq')::integer AS id,
               invoice.id AS invoice_id, refund.id AS refund_id,
               invoice.term_id AS invoice_term_id, refund.term_id AS refund_term_id,
               refund.total AS amount, greatest(invoice.day, refund.day) AS day,
               CASE WHEN refund.total = invoice.total
                    THEN nextval('account_full_reconcile_id_seq')::integer END AS full_id
          FROM stage_document AS refund
          JOIN stage_document AS invoice ON invoice.id = refund.reversed_id
         WHERE refund.total > 0;
        UPDATE stage_document AS invoice
           SET residual = invoice.total - match.amount,
               payment_state = CASE WHEN match.full_id IS NULL THEN 'partial' ELSE 'reversed' END,
               full_id = match.full_id,
               matching_number = coalesce(match.full_id::text, 'P' || match.id)
          FROM stage_match AS match
         WHERE match.invoice_id = invoice.id;
        UPDATE stage_document AS refund
           SET residual = 0,
               payment_state = 'paid',
               full_id = match.full_id,
               matching_number = coalesce(match.full_id::text, 'P' || match.id)
          FROM stage_match AS match
         WHERE match.refund_id = refund.id
        """
    )
    return cr.rowcount


def insert_reconciliations(cr: Cursor, prototypes: Prototypes) -> None:
    """Write the matches that :func:`reconcile_refunds` has staged."""
    prototypes.full_reconcile.insert(
        cr, SQL("stage_match AS match WHERE full_id IS NOT NULL"), {"id": SQL("match.full_id")}
    )
    prototypes.partial_reconcile.insert(
        cr,
        SQL("stage_match AS match"),
        {
            "id": SQL("match.id"),
            "debit_move_id": SQL("match.invoice_term_id"),
            "credit_move_id": SQL("match.refund_term_id"),
            "full_reconcile_id": SQL("match.full_id"),
            "amount": SQL("match.amount"),
            "debit_amount_currency": SQL("match.amount"),
            "credit_amount_currency": SQL("match.amount"),
            "max_date": SQL("match.day"),
        },
    )


def insert_documents(cr: Cursor, prototypes: Prototypes) -> dict[str, int]:
    """Write the staged documents with their journal items; return the number of each kind."""
    cr.execute("SELECT kind, count(*) FROM stage_document GROUP BY kind ORDER BY kind")
    numbers = dict(cr.fetchall())
    for kind in numbers:
        _insert_moves(cr, prototypes, kind)
    # Checks of foreign keys are planned by these statistics.
    cr.execute("ANALYZE account_move; ANALYZE res_partner; ANALYZE product_product")
    for kind in numbers:
        _insert_product_lines(cr, prototypes, kind)
        _insert_term_lines(cr, prototypes, kind)
    return numbers


def _sign(kind: str) -> SQL:
    """+1 for what customers owe, -1 for what they get back."""
    return SQL("-1") if kind in REFUND_KINDS else SQL("1")


def _insert_moves(cr: Cursor, prototypes: Prototypes, kind: str) -> None:
    sign = _sign(kind)
    total, residual = SQL("document.total"), SQL("document.residual")
    signed, signed_residual = SQL("%s * document.total", sign), SQL("%s * document.residual", sign)
    is_refund = kind in REFUND_KINDS
    prototypes.documents[kind].move.insert(
        cr,
        SQL("stage_document AS document WHERE document.kind = %s", kind),
        {
            "id": SQL("document.id"),
            "name": SQL("document.name"),
            "sequence_prefix": SQL("document.prefix"),
            "sequence_number": SQL("document.number"),
            "partner_id": SQL("document.partner_id"),
            "partner_shipping_id": SQL("document.partner_id"),
            "commercial_partner_id": SQL("document.commercial_id"),
            "invoice_partner_display_name": SQL("document.partner_name"),
            "fiscal_position_id": SQL("document.fiscal_position_id"),
            "invoice_user_id": SQL("document.user_id"),
            "date": SQL("document.day"),
            "invoice_date": SQL("document.day"),
            "invoice_date_due": SQL("document.due"),
            "ref": SQL("document.ref"),
            "invoice_origin": SQL("document.origin"),
            "payment_reference": SQL("NULL") if is_refund else SQL("document.name"),
            "reversed_entry_id": SQL("document.reversed_id"),
            "payment_state": SQL("document.payment_state"),
            "amount_untaxed": total,
            "amount_total": total,
            "amount_residual": residual,
            "amount_untaxed_signed": signed,
            "amount_untaxed_in_currency_signed": signed,
            "amount_total_signed": signed,
            "amount_total_in_currency_signed": signed,
            "amount_residual_signed": signed_residual,
        },
    )


def _common_line_columns() -> dict[str, SQL]:
    return {
        "move_id": SQL("document.id"),
        "move_name": SQL("document.name"),
        "ref": SQL("document.ref"),
        "date": SQL("document.day"),
        "invoice_date": SQL("document.day"),
    }


def _amount_columns(balance: SQL) -> dict[str, SQL]:
    return {
        "balance": balance,
        "amount_currency": balance,
        "debit": SQL("greatest(%s, 0)", balance),
        "credit": SQL("greatest(-(%s), 0)", balance),
    }


def _insert_product_lines(cr: Cursor, prototypes: Prototypes, kind: str) -> None:
    prototypes.documents[kind].product_line.insert(
        cr,
        SQL(
            "stage_line AS line JOIN stage_document AS document"
            " ON document.id = line.document_id WHERE document.kind = %s",
            kind,
        ),
        {
            **_common_line_columns(),
            **_amount_columns(SQL("-1 * %s * line.subtotal", _sign(kind))),
            "id": SQL("line.id"),
            "partner_id": SQL("document.commercial_id"),
            "name": SQL("line.label"),
            "product_id": SQL("line.product_id"),
            "quantity": SQL("line.quantity"),
            "price_unit": SQL("line.price"),
            "price_subtotal": SQL("line.subtotal"),
            "price_total": SQL("line.subtotal"),
        },
    )


def _insert_term_lines(cr: Cursor, prototypes: Prototypes, kind: str) -> None:
    is_refund = kind in REFUND_KINDS
    residual = SQL("%s * document.residual", _sign(kind))
    prototypes.documents[kind].term_line.insert(
        cr,
        SQL("stage_document AS document WHERE document.kind = %s", kind),
        {
            **_common_line_columns(),
            **_amount_columns(SQL("%s * document.total", _sign(kind))),
            "id": SQL("document.term_id"),
            "partner_id": SQL("document.commercial_id"),
            "name": SQL("NULL")
            if is_refund
            else SQL("concat_ws(' - ', document.ref, document.name)"),
            "date_maturity": SQL("document.due"),
            "amount_residual": residual,
            "amount_residual_currency": residual,
            "reconciled": SQL("document.residual = 0"),
            "full_reconcile_id": SQL("document.full_id"),
            "matching_number": SQL("document.matching_number"),
        },
    )


def check_references(cr: Cursor) -> list[str]:
    """Foreign keys of the staged documents and their lines that lead nowhere, one sentence each."""
    problems = []
    for table, key in (("account_move", "id"), ("account_move_line", "move_id")):
        cr.execute(
            SQL(
                """
                SELECT attribute.attname, target.relname
                  FROM pg_constraint AS foreign_key
                  JOIN pg_attribute AS attribute
                    ON attribute.attrelid = foreign_key.conrelid
                   AND attribute.attnum = foreign_key.conkey[1]
                  JOIN pg_class AS target ON target.oid = foreign_key.confrelid
                 WHERE foreign_key.conrelid = %s::regclass AND foreign_key.contype = 'f'
                """,
                table,
            )
        )
        for column, target in cr.fetchall():
            cr.execute(
                SQL(
                    """
                    SELECT count(*) FROM (
                        SELECT DISTINCT row.%(column)s AS id
                          FROM %(table)s AS row
                         WHERE row.%(key)s IN (SELECT id FROM stage_document)
                           AND row.%(column)s IS NOT NULL
                    ) AS used
                     WHERE NOT EXISTS (SELECT FROM %(target)s AS target WHERE target.id = used.id)
                    """,
                    column=SQL.identifier(column),
                    table=SQL.identifier(table),
                    key=SQL.identifier(key),
                    target=SQL.identifier(target),
                )
            )
            missing = cr.fetchone()[0]
            if missing:
                problems.append(f"{table}.{column}: {missing} ids are not in {target}")
    return problems


_LEDGER_CHECKS = {
    "documents do not balance": """
        SELECT line.move_id
          FROM account_move_line AS line
          JOIN stage_document AS document ON document.id = line.move_id
         GROUP BY line.move_id
        HAVING sum(line.balance) <> 0 OR sum(line.amount_currency) <> 0
    """,
    "documents' totals are not the sums of their lines": """
        SELECT move.id
          FROM account_move AS move
          JOIN stage_document AS document ON document.id = move.id
          LEFT JOIN account_move_line AS line
            ON line.move_id = move.id AND line.display_type = 'product'
         GROUP BY move.id
        HAVING move.amount_untaxed <> coalesce(sum(line.price_subtotal), 0)
            OR move.amount_untaxed_signed <> -coalesce(sum(line.balance), 0)
    """,
    "documents' open amounts are not those of their receivables": """
        SELECT move.id
          FROM account_move AS move
          JOIN stage_document AS document ON document.id = move.id
          JOIN account_move_line AS line
            ON line.move_id = move.id AND line.display_type = 'payment_term'
         GROUP BY move.id
        HAVING move.amount_residual_signed <> sum(line.amount_residual)
    """,
}


def check_ledger(cr: Cursor) -> list[str]:
    """What is wrong in the books of the staged documents, one sentence each; [] when they agree."""
    problems = []
    for message, query in _LEDGER_CHECKS.items():
        cr.execute(SQL("SELECT count(*) FROM (%s) AS wrong", SQL(query)))
        wrong = cr.fetchone()[0]
        if wrong:
            problems.append(f"{wrong} {message}")
    return problems
