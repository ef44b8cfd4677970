"""The addon does nothing where salespeople and accountants write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING

from benchmarks.harness import Bench, Result, exactly, measure
from benchmarks.measures.common import counted_queries, environment, nightly

if TYPE_CHECKING:
    from odoo.api import Environment
    from odoo.models import BaseModel

REPETITIONS = 12
"""Odoo itself takes a query more now and then, by what it has fetched before."""


def _order(env: Environment, partner: BaseModel, product: BaseModel) -> BaseModel:
    line = {"product_id": product.id, "product_uom_qty": 3, "price_unit": 12.5}
    return env["sale.order"].create({"partner_id": partner.id, "order_line": [(0, 0, line)]})


def _invoice(env: Environment, partner: BaseModel, product: BaseModel) -> BaseModel:
    line = {"product_id": product.id, "quantity": 3, "price_unit": 12.5}
    return env["account.move"].create(
        {
            "move_type": "out_invoice",
            "partner_id": partner.id,
            "invoice_date": date.today(),
            "invoice_line_ids": [(0, 0, line)],
        }
    )


ACTIONS: dict[str, tuple[Callable, str]] = {
    "confirm": (_order, "action_confirm"),
    "post": (_invoice, "action_post"),
}


def _queries(database: str) -> dict[str, int]:
    """Queries of each action on a customer with a history, caches warm, least of some."""
    counts: dict[str, int] = {}
    with environment(database) as env:
        user = env(user=2)
        user.cr.execute("SELECT partner_id FROM bench_truth ORDER BY partner_id LIMIT 1")
        partner = user["res.partner"].browse(user.cr.fetchone()[0])
        product = user["product.product"].search([("default_code", "=like", "G%")], limit=1)
        for name, (make, method) in ACTIONS.items():
            measured = []
            for _repetition in range(REPETITIONS):
                record = make(user, partner, product)
                user.flush_all()
                user.invalidate_all()
                with counted_queries(user) as count:
                    getattr(record, method)()
                    user.flush_all()
                measured.append(count[0])
            counts[name] = min(measured)
        env.cr.rollback()
    return counts


@measure("posting", "without", "with")
def posting(bench: Bench) -> Iterator[Result]:
    """Queries to confirm an order and to post an invoice, against the same without the addon."""
    nightly(bench.database("with"))
    without, ours = _queries(bench.database("without")), _queries(bench.database("with"))
    for name in ACTIONS:
        yield Result(
            f"posting.{name}",
            ours[name] - without[name],
            "queries more",
            exactly(0),
            f"{without[name]} without",
        )
