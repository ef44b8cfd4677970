"""What a row looks like when Odoo itself writes it.

A set-based ``INSERT`` must fill every column that the ORM would have filled, also those of
modules it has never heard of. Instead of listing them, each kind of document is made twice
through the ORM, with different values, and rolled back. Columns that are equal in both rows are
constants and are copied; columns that differ must be given by the caller. A column forgotten is
therefore an error, never a NULL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import SQL
from odoo.tools.misc import Callbacks

if TYPE_CHECKING:
    from odoo.api import Environment
    from odoo.models import BaseModel

    Cursor = object

COPIES = 2
"""Rows made of each kind; two are enough to tell constants from values."""


@dataclass(frozen=True)
class Prototype:
    """The constant columns of a kind of row, and the names of those that vary."""

    table: str
    constants: Mapping[str, SQL] = field(default_factory=dict)
    varying: frozenset[str] = frozenset()

    def insert(self, cr: Cursor, source: SQL, columns: Mapping[str, SQL]) -> int:
        """``INSERT`` one row per row of ``source`` (a FROM clause); return their number.

        ``columns`` gives an expression for each varying column, and for any constant one that
        shall be something else. ``id`` comes from the table's sequence unless it is given.
        """
        forgotten = self.varying - set(columns) - {"id"}
        if forgotten:
            raise ValueError(f"{self.table}: no value for {', '.join(sorted(forgotten))}")
        values = {**self.constants, **columns}
        cr.execute(
            SQL(
                "INSERT INTO %s (%s) SELECT %s FROM %s",
                SQL.identifier(self.table),
                SQL(", ").join(SQL.identifier(name) for name in values),
                SQL(", ").join(values.values()),
                source,
            )
        )
        return cr.rowcount


@dataclass(frozen=True)
class Document:
    """Prototypes of an invoice or a credit note."""

    move: Prototype
    product_line: Prototype
    term_line: Prototype


@dataclass(frozen=True)
class Prototypes:
    """Everything that loader and generator insert, as this database's Odoo writes it."""

    company_id: int
    journal_id: int
    currency_rounding: float
    partner: Prototype
    contact: Prototype
    templates: Mapping[str, Prototype]
    """By product type: ``consu`` and ``service``."""
    variants: Mapping[str, Prototype]
    documents: Mapping[str, Document]
    """``invoice`` and ``refund`` made by hand; ``order_invoice`` and ``order_refund`` from an
    order."""
    partial_reconcile: Prototype
    full_reconcile: Prototype
    order: Prototype
    order_line: Prototype

    @property
    def has_costs(self) -> bool:
        """Whether order lines record what the goods cost (sale_margin is installed)."""
        return "purchase_price" in self.order_line.varying


def read_prototype(records: BaseModel) -> Prototype:
    """The prototype of records of one kind that the ORM has just written.

    A foreign key among the constants points to something that was there before (a journal, a
    user), because what was made for the prototype differs from copy to copy.
    """
    cr, table = records.env.cr, records._table
    if len(records) != COPIES:
        raise ValueError(f"{table}: {COPIES} records expected, not {len(records)}")
    cr.execute(
        SQL(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
            table,
        )
    )
    types = dict(cr.fetchall())
    cr.execute(
        SQL(
            "SELECT pair.key, array_agg(pair.value), count(pair.value) FROM %s AS record,"
            " jsonb_each_text(to_jsonb(record)) AS pair WHERE record.id IN %s GROUP BY pair.key",
            SQL.identifier(table),
            tuple(records.ids),
        )
    )
    constants, varying = {}, set()
    for column, values, filled in sorted(cr.fetchall()):
        if filled and len(set(values)) > 1:
            varying.add(column)
        elif filled:
            constants[column] = SQL("%s::" + types[column], values[0])
    constants.pop("id", None)
    return Prototype(table, constants, frozenset(varying))


def _read_document(moves: BaseModel) -> Document:
    lines = moves.line_ids
    return Document(
        move=read_prototype(moves),
        product_line=read_prototype(lines.filtered(lambda line: line.display_type == "product")),
        term_line=read_prototype(lines.filtered(lambda line: line.display_type == "payment_term")),
    )


def _post(env: Environment, values: dict, number: int, day: date, **extra) -> BaseModel:
    """A posted document of one line, with nothing in it that equals the other copy's."""
    move = env["account.move"].create(
        {
            "invoice_date": day,
            "date": day,
            "invoice_date_due": day + timedelta(days=30 + number),
            "ref": f"reference {number}",
            "invoice_line_ids": [
                Command.create(
                    {
                        **values,
                        "quantity": 10 + number,
                        "price_unit": 3.5 + number,
                        "tax_ids": [Command.clear()],
                    }
                )
            ],
            **extra,
        }
    )
    move.action_post()
    if move.date != day:
        raise UserError(
            f"The books of {move.company_id.name} are closed on {day}: open them until the"
            " documents are loaded."
        )
    return move


def _reverse(move: BaseModel, day: date, number: int) -> BaseModel:
    """The posted and reconciled reversal of an invoice."""
    refund = move._reverse_moves([{"invoice_date": day, "date": day, "ref": f"reversal {number}"}])
    refund.action_post()
    return refund


def _countries(env: Environment) -> BaseModel:
    """The company's country and another one: taxes and e-invoicing depend on which it is."""
    home = env.company.account_fiscal_country_id or env.company.country_id
    return home + env["res.country"].search([("id", "!=", home.id)], limit=COPIES)


def _make_copy(env: Environment, journal: BaseModel, day: date, number: int) -> dict:
    """One copy of everything, made as a user would; dates, amounts and names say which."""
    day += timedelta(days=number)
    partner = env["res.partner"].create(
        {
            "name": f"Prototype {number}",
            "is_company": True,
            "ref": f"P{number}",
            "country_id": _countries(env)[number].id,
            "user_id": env["res.users"]
            .with_context(active_test=False)
            .search([], offset=number, limit=1)
            .id,
        }
    )
    contact = env["res.partner"].create({"name": f"Contact {number}", "parent_id": partner.id})
    products = {
        kind: env["product.product"].create(
            {
                "name": f"Prototype {kind} {number}",
                "default_code": f"{kind}{number}",
                "type": kind,
                "list_price": 3.5 + number,
                "taxes_id": [Command.clear()],
            }
        )
        for kind in ("consu", "service")
    }
    goods = products["consu"]
    common = {"partner_id": partner.id, "journal_id": journal.id}
    line = {"product_id": goods.id}
    invoice = _post(env, line, number, day, move_type="out_invoice", **common)
    refund = _post(env, line, number, day, move_type="out_refund", **common)
    order = env["sale.order"].create(
        {
            "partner_id": partner.id,
            "user_id": partner.user_id.id,
            "validity_date": day + timedelta(days=30),
            "order_line": [
                Command.create(
                    {
                        "product_id": goods.id,
                        "product_uom_qty": 10 + number,
                        "price_unit": 3.5 + number,
                        "tax_ids": [Command.clear()],
                    }
                )
            ],
        }
    )
    if "purchase_price" in order.order_line._fields:
        order.order_line.purchase_price = 1 + number
    order.action_confirm()
    order.date_order = f"{day} 1{number}:00:00"
    order_invoice = order._create_invoices()
    order_invoice.write(
        {
            "journal_id": journal.id,
            "invoice_date": day,
            "date": day,
            "invoice_date_due": day + timedelta(days=30),
        }
    )
    order_invoice.action_post()
    order_refund = _reverse(order_invoice, day + timedelta(days=1), number)
    env.flush_all()
    return {
        "partner": partner,
        "contact": contact,
        "products": products,
        "invoice": invoice,
        "refund": refund,
        "order": order,
        "order_invoice": order_invoice,
        "order_refund": order_refund,
        "partials": order_refund.line_ids.matched_debit_ids,
    }


def _join(copies: list[dict], key: str) -> BaseModel:
    first, second = (copy[key] for copy in copies)
    return first + second


@contextmanager
def _undone(cr: Cursor) -> Iterator[None]:
    """What happens inside leaves no row and no hook behind, and the caller's hooks stay."""
    hooks = {name: getattr(cr, name) for name in ("precommit", "postcommit")}
    for name in hooks:
        setattr(cr, name, Callbacks())
    try:
        with closing(cr.savepoint()):
            yield
    finally:
        for name, callbacks in hooks.items():
            setattr(cr, name, callbacks)


def capture(env: Environment, day: date, journal: BaseModel | None = None) -> Prototypes:
    """The prototypes of this database, with documents dated about ``day``; nothing stays.

    Companies without a sales journal are refused with what to do.
    """
    env.flush_all()
    env = env(context={**env.context, "tracking_disable": True, "mail_notrack": True, "lang": None})
    company = env.company
    journal = journal or env["account.journal"].search(
        [("type", "=", "sale"), ("company_id", "=", company.id)], limit=1
    )
    if not journal:
        raise UserError(f"{company.name} has no sales journal: install a chart of accounts first.")
    with _undone(env.cr):
        copies = [_make_copy(env, journal, day, number) for number in range(COPIES)]
        types = ("consu", "service")
        products = {
            kind: copies[0]["products"][kind] + copies[1]["products"][kind] for kind in types
        }
        partials = _join(copies, "partials")
        orders = _join(copies, "order")
        result = Prototypes(
            company_id=company.id,
            journal_id=journal.id,
            currency_rounding=company.currency_id.rounding,
            partner=read_prototype(_join(copies, "partner")),
            contact=read_prototype(_join(copies, "contact")),
            templates={kind: read_prototype(products[kind].product_tmpl_id) for kind in types},
            variants={kind: read_prototype(products[kind]) for kind in types},
            documents={
                kind: _read_document(_join(copies, kind))
                for kind in ("invoice", "refund", "order_invoice", "order_refund")
            },
            partial_reconcile=read_prototype(partials),
            full_reconcile=read_prototype(partials.full_reconcile_id),
            order=read_prototype(orders),
            order_line=read_prototype(orders.order_line),
        )
    env.invalidate_all()
    return result


def number_range(env: Environment, kind: str, journal_id: int, year: int) -> tuple[str, int, int]:
    """Prefix, first free number and width of the names of a year's invoices or credit notes."""
    move = env["account.move"].new(
        {
            "move_type": "out_refund" if "refund" in kind else "out_invoice",
            "journal_id": journal_id,
            "date": date(year, 12, 31),
            "invoice_date": date(year, 12, 31),
        }
    )
    start = move._get_starting_sequence()
    digits = len(start) - len(start.rstrip("0"))
    prefix = start[: len(start) - digits]
    env.cr.execute(
        SQL(
            "SELECT coalesce(max(sequence_number), 0) + 1 FROM account_move"
            " WHERE journal_id = %s AND sequence_prefix = %s",
            journal_id,
            prefix,
        )
    )
    return prefix, env.cr.fetchone()[0], digits
