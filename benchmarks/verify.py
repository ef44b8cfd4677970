"""Ask Odoo whether it accepts documents that were written without it.

    dev/python -m benchmarks.verify --database DB --sample 40

Random documents are taken through what a user or an accountant would do with them, always in a
transaction that is rolled back:

- ``recompute``: every stored computed field of document and lines is computed again by the ORM
  and must come out as it stands;
- ``repost``: back to draft and posted again, totals and journal items must be the same;
- ``twin``: the same document is made through the ORM, and its rows are compared column by column;
- ``form``: the web client's form view is read with every field in it;
- ``receivable``: per customer, what he owes by his documents, by the journal items of his
  receivable account (the aged receivable) and by ``res.partner.credit`` is one amount.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING

from .odoo_env import command_line

if TYPE_CHECKING:
    from odoo.api import Environment
    from odoo.models import BaseModel

CENT = 0.005
"""Amounts that differ by less than half a cent are equal (the ORM reads numeric as float)."""

OWN_COLUMNS = frozenset(
    {"id", "name", "sequence_number", "payment_reference", "move_id", "move_name", "create_date",
     "write_date", "create_uid", "write_uid", "access_token", "message_main_attachment_id"}
)  # fmt: skip
"""Columns in which two equal documents differ."""


def sample_moves(env: Environment, size: int, seed: int = 1) -> BaseModel:
    """Random posted customer documents, credit notes among them."""
    Move = env["account.move"]
    chooser = random.Random(seed)
    found = Move
    for move_type in ("out_invoice", "out_refund"):
        env.cr.execute(
            "SELECT id FROM account_move WHERE move_type = %s AND state = 'posted' ORDER BY id",
            [move_type],
        )
        ids = [move_id for (move_id,) in env.cr.fetchall()]
        found |= Move.browse(chooser.sample(ids, min(size // 2 or 1, len(ids))))
    return found


def _values(record: BaseModel, name: str) -> object:
    value = record[name]
    return tuple(value.ids) if hasattr(value, "ids") else value


def _same(first: object, second: object) -> bool:
    numbers = isinstance(first, (int, float)) and isinstance(second, (int, float))
    return abs(first - second) < CENT if numbers else (first or None) == (second or None)


def _stored_computed(records: BaseModel) -> list[str]:
    """Stored fields that only Odoo computes: what a user may type is no longer the default."""
    return sorted(
        name
        for name, field in records._fields.items()
        if field.store and field.compute and field.column_type and field.readonly
    )


def check_recompute(moves: BaseModel) -> list[str]:
    """Stored computed fields that the ORM would compute otherwise."""
    env, problems = moves.env, []
    groups = [moves, moves.line_ids]
    if "sale_line_ids" in moves.line_ids._fields:
        order_lines = moves.line_ids.sale_line_ids
        groups += [order_lines, order_lines.order_id]
    for records in groups:
        names = _stored_computed(records)
        before = {(record.id, name): _values(record, name) for record in records for name in names}
        for name in names:
            env.add_to_compute(records._fields[name], records)
            for record in records:
                old, new = before[record.id, name], _values(record, name)
                if not _same(old, new):
                    problems.append(f"{record} {name}: stored {old!r}, computed {new!r}")
    return problems


def _totals(move: BaseModel) -> list:
    head = [move.amount_untaxed, move.amount_total, move.amount_residual, move.payment_state]
    lines = sorted(
        (line.display_type, line.account_id.id, line.product_id.id, line.debit, line.credit)
        for line in move.line_ids
    )
    return [*head, move.name, move.date, *lines]


def check_repost(moves: BaseModel) -> list[str]:
    """Documents that come back different from draft; reconciled ones are left as they are."""
    problems = []
    for move in moves:
        if move.line_ids.full_reconcile_id or move.line_ids.matched_debit_ids:
            continue
        before = _totals(move)
        move.button_draft()
        move.action_post()
        after = _totals(move)
        if before != after:
            problems.append(f"{move}: {before} became {after}")
    return problems


def _row(env: Environment, table: str, record_id: int) -> dict:
    env.cr.execute(f"SELECT * FROM {table} WHERE id = %s", [record_id])
    names = [column.name for column in env.cr.description]
    row = dict(zip(names, env.cr.fetchone(), strict=True))
    return {name: value for name, value in row.items() if name not in OWN_COLUMNS}


def _twin(move: BaseModel) -> BaseModel:
    """The same document, made by the ORM from what a user would type."""
    from odoo.fields import Command

    env = move.env
    lines = move.invoice_line_ids.sorted("id")
    twin = env["account.move"].create(
        {
            "move_type": move.move_type,
            "journal_id": move.journal_id.id,
            "partner_id": move.partner_id.id,
            "invoice_user_id": move.invoice_user_id.id,
            "invoice_date": move.invoice_date,
            "date": move.date,
            "invoice_date_due": move.invoice_date_due,
            "ref": move.ref,
            "invoice_origin": move.invoice_origin,
            "invoice_line_ids": [
                Command.create(
                    {
                        "product_id": line.product_id.id,
                        "quantity": line.quantity,
                        "price_unit": line.price_unit,
                        "tax_ids": [Command.clear()],
                    }
                )
                for line in lines
            ],
        }
    )
    twin.action_post()
    return twin


def check_twin(moves: BaseModel) -> list[str]:
    """Columns in which a document differs from its twin made by the ORM."""
    env, problems = moves.env, []
    for move in moves:
        if move.reversed_entry_id or move.reversal_move_ids or move.line_ids.sale_line_ids:
            continue
        twin = _twin(move)
        env.flush_all()
        pairs = [("account_move", move, twin)]
        mine, other = move.line_ids.sorted("id"), twin.line_ids.sorted("id")
        for display_type in ("product", "payment_term"):
            pairs += zip(
                ["account_move_line"] * len(mine),
                mine.filtered(lambda line, kind=display_type: line.display_type == kind),
                other.filtered(lambda line, kind=display_type: line.display_type == kind),
                strict=False,
            )
        if len(mine) != len(other):
            problems.append(f"{move} has {len(mine)} journal items, its twin {len(other)}")
        for table, record, its_twin in pairs:
            here, there = _row(env, table, record.id), _row(env, table, its_twin.id)
            problems += [
                f"{record} {name}: {here[name]!r}, through the ORM {there[name]!r}"
                for name in here
                if not _same(here[name], there[name])
            ]
    return problems


def check_form(moves: BaseModel) -> list[str]:
    """Documents whose form can't be opened."""
    from lxml import etree

    problems = []
    view = moves.get_views([(False, "form")])["views"]["form"]
    tree = etree.fromstring(view["arch"])
    names = {node.get("name") for node in tree.xpath("//field[not(ancestor::field)]")}
    specification = {name: {} for name in names if name in moves._fields}
    specification["invoice_line_ids"] = specification["line_ids"] = {
        "fields": {"display_name": {}, "product_id": {"fields": {"display_name": {}}},
                   "price_subtotal": {}}
    }  # fmt: skip
    for move in moves:
        try:
            (record,) = move.web_read(specification)
        except Exception as error:
            problems.append(f"{move}: {error!r}")
            continue
        if not record["invoice_line_ids"]:
            problems.append(f"{move}: no lines in the form")
    return problems


def check_receivable(moves: BaseModel) -> list[str]:
    """Customers whose debt is not the same in documents, journal items and on the contact."""
    env, problems = moves.env, []
    partners = moves.commercial_partner_id
    env.cr.execute(
        """
        SELECT partner_id, sum(amount_residual)
          FROM account_move_line
         WHERE partner_id = ANY(%s) AND parent_state = 'posted'
           AND account_id IN (SELECT id FROM account_account
                               WHERE account_type = 'asset_receivable')
         GROUP BY partner_id
        """,
        [partners.ids],
    )
    items = dict(env.cr.fetchall())
    documents = dict(
        env["account.move"]._read_group(
            [("commercial_partner_id", "in", partners.ids), ("state", "=", "posted")],
            ["commercial_partner_id"],
            ["amount_residual_signed:sum"],
        )
    )
    for partner in partners:
        figures = (items.get(partner.id, 0), documents.get(partner, 0), partner.credit)
        if max(figures) - min(figures) > CENT:
            problems.append(f"{partner}: journal items, documents, contact {figures}")
    env.cr.execute("SELECT sum(balance)::text FROM account_move_line WHERE parent_state = 'posted'")
    balance = env.cr.fetchone()[0]
    if float(balance or 0):
        problems.append(f"the trial balance is off by {balance}")
    return problems


CHECKS: dict[str, Callable[[BaseModel], list[str]]] = {
    "recompute": check_recompute,
    "repost": check_repost,
    "twin": check_twin,
    "form": check_form,
    "receivable": check_receivable,
}


def verify(moves: BaseModel) -> dict[str, list[str]]:
    """What each check found wrong in the documents; the database is left as it was."""
    env, results = moves.env, {}
    for name, check in CHECKS.items():
        with closing(env.cr.savepoint()):
            results[name] = check(moves)
        env.invalidate_all()
        env.cr.postcommit.clear()
    return results


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks.verify",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-d", "--database", required=True)
    parser.add_argument("--sample", type=int, default=40, help="documents per check")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    with command_line(options.database) as env:
        results = verify(sample_moves(env, options.sample, options.seed))
        env.cr.rollback()
    for name, problems in results.items():
        sys.stdout.write(f"{name}: {'agrees' if not problems else f'{len(problems)} differ'}\n")
        for problem in problems[:20]:
            sys.stdout.write(f"    {problem}\n")
    sys.exit(any(results.values()))


if __name__ == "__main__":
    main()
