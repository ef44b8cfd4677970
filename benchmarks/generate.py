"""Make a database with N customers whose true margins are known.

    dev/python -m benchmarks.generate --database DB --customers 300000

Customers differ as they do in life: a third bought once, some buy every week; rates are
log-normal, arrivals spread over the window, two in five have left. Documents have two or three
lines; more than half of the invoices come from a sale order confirmed some days before, whose
lines know what the goods cost (when sale_margin is installed). Some invoices are reversed, wholly
or in part, and some are addressed to a contact of the customer.

Every random number is a hash of seed, stream and row, so the same seed gives the same data,
whatever plan the database chooses. Everything is set-based SQL in one transaction.

``bench_truth`` keeps per customer and day what the generator knows: ``revenue``,
``revenue_known`` (of lines whose cost is recorded) and ``margin`` of those.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from .odoo_env import command_line, die

if TYPE_CHECKING:
    from odoo.api import Environment

    from .prototypes import Prototypes

    Cursor = object

SPREAD = 1.2
"""Standard deviation of the logarithm of customers' purchase rates."""


@dataclass(frozen=True)
class Mix:
    """What to generate; the defaults give 1.3 million invoices for 300,000 customers."""

    customers: int = 10_000
    as_of: date = field(default_factory=date.today)
    """Last day on which something happens."""
    months: int = 26
    invoices: float = 4.3
    """Mean per customer."""
    lines: float = 2.5
    """Mean per document; 2.5 means that half have two and half three."""
    order_share: float = 0.6
    """Share of invoices that come from an order."""
    refund_share: float = 0.03
    """Share of invoices with a credit note; a third of them reverse the whole invoice."""
    contact_share: float = 0.05
    """Share of customers with a contact to whom half of their invoices go."""
    unknown_cost_share: float = 0.02
    """Share of products whose cost is not recorded."""
    products: int = 2_000
    salespeople: int = 8
    """A fifth of the customers has none."""
    seed: int = 1


@dataclass
class Summary:
    """How many rows were made, and how long each step took (seconds)."""

    counts: dict[str, int] = field(default_factory=dict)
    steps: dict[str, float] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        return sum(self.steps.values())

    def as_text(self) -> str:
        rows = [f"{number:>12,} {name}" for name, number in self.counts.items()]
        rows += [f"{seconds:>10.1f} s {name}" for name, seconds in self.steps.items()]
        return "\n".join([*rows, f"{self.seconds:>10.1f} s in all"])


def generate(env: Environment, mix: Mix | None = None, rebuild_indexes: bool = True) -> Summary:
    """Fill the company of ``env``; commits nothing. Vacuum afterwards (``bulk.vacuum``).

    ``rebuild_indexes`` drops the indexes meanwhile: much faster, but nobody else may work in the
    database.
    """
    return _Generator(env, mix or Mix()).run(rebuild_indexes)


class _Generator:
    """One generation; each step is one or two statements on the staging tables."""

    def __init__(self, env: Environment, mix: Mix) -> None:
        self.env = env
        self.cr = env.cr
        self.mix = mix
        self.summary = Summary()

    def run(self, rebuild_indexes: bool) -> Summary:
        from contextlib import nullcontext

        from odoo.exceptions import UserError

        from . import bulk, documents, parties, prototypes

        cr = self.cr
        cr.execute("SELECT to_regclass('bench_truth')")
        if cr.fetchone()[0]:
            raise UserError("This database has generated customers already: take a new one.")
        self.prototypes = prototypes.capture(self.env, self.mix.as_of)
        salespeople = self._make_salespeople()
        self.env.flush_all()
        documents.trust_references(cr)
        cr.execute("SET LOCAL work_mem = '256MB'")
        parties.create_stages(cr)
        documents.create_stages(cr)
        self._define_chance()
        context = bulk.without_indexes(cr) if rebuild_indexes else nullcontext()
        with context:
            self._step("products", self._stage_products)
            self._step("customers", lambda: self._stage_customers(salespeople))
            self._step("invoices", self._stage_invoices)
            self._step("lines", self._stage_lines)
            self._step("credit notes", self._stage_refunds)
            self._step("numbers", lambda: documents.number_documents(self.env, self.prototypes))
            self._step("matching", lambda: documents.reconcile_refunds(cr, self.prototypes))
            self._step("write partners and products", self._insert_parties)
            self._step("write orders", self._insert_orders)
            self._step("write documents", self._insert_documents)
            self._step("truth", self._keep_truth)
            start = time.monotonic()
        self.summary.steps["indexes"] = time.monotonic() - start
        problems = self._step("checks", lambda: documents.check_ledger(cr))
        if problems:
            raise UserError("The generated books are wrong: " + "; ".join(problems))
        self.env.invalidate_all()
        return self.summary

    def _step(self, name: str, work: Callable[[], object]) -> object:
        start = time.monotonic()
        result = work()
        self.summary.steps[name] = self.summary.steps.get(name, 0) + time.monotonic() - start
        return result

    # Chance

    def _define_chance(self) -> None:
        """``chance(stream, n)`` in [0, 1) and ``bell(stream, n)``, standard normal."""
        self.cr.execute(
            """
            CREATE OR REPLACE FUNCTION pg_temp.chance(stream integer, n bigint)
            RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
                -- Once is not enough: neighbouring numbers come out correlated.
                SELECT ((hashint8extended(hashint8extended(n, stream), %(seed)s) >> 11)
                        & 9007199254740991) / 9007199254740992.0::double precision
            $$;
            CREATE OR REPLACE FUNCTION pg_temp.bell(stream integer, n bigint)
            RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
                SELECT sqrt(-2 * ln(1 - pg_temp.chance(stream, n)))
                       * cos(2 * pi() * pg_temp.chance(stream + 1, n))
            $$
            """,
            {"seed": self.mix.seed},
        )

    # Who and what

    def _make_salespeople(self) -> list[int]:
        """Users who see only their own documents, as most salespeople do."""
        group = self.env.ref("sales_team.group_sale_salesman")
        users = self.env["res.users"].with_context(no_reset_password=True).create(
            [
                {"name": f"Salesperson {number}", "login": f"bench_sales_{number}",
                 "group_ids": [(4, group.id)]}
                for number in range(1, self.mix.salespeople + 1)
            ]
        )  # fmt: skip
        return users.ids

    def _stage_products(self) -> None:
        self.cr.execute(
            """
            CREATE TEMP TABLE stage_goods ON COMMIT DROP AS
            SELECT n,
                   nextval('product_product_id_seq')::integer AS id,
                   nextval('product_template_id_seq')::integer AS template_id,
                   'G' || lpad(n::text, 5, '0') AS code,
                   'Goods ' || n AS name,
                   round((2 + 8 * exp(pg_temp.bell(1, n)))::numeric, 2) AS list_price,
                   round((.45 + .47 * pg_temp.chance(3, n))::numeric, 2) AS cost_rate,
                   pg_temp.chance(4, n) < %(unknown_cost_share)s AS is_unknown
              FROM generate_series(1, %(products)s) AS n;
            INSERT INTO stage_product (id, template_id, type, code, name, list_price)
            SELECT id, template_id, 'consu', code, name, list_price FROM stage_goods;
            ALTER TABLE stage_goods ADD COLUMN cost numeric;
            UPDATE stage_goods
               SET cost = CASE WHEN is_unknown THEN 0 ELSE round(list_price * cost_rate, 2) END;
            ANALYZE stage_goods
            """,
            vars(self.mix),
        )

    def _stage_customers(self, salespeople: list[int]) -> None:
        """Who they are and how they buy: first and last day, number of invoices, size, discount."""
        from . import parties

        home = self.env.company.account_fiscal_country_id or self.env.company.country_id
        abroad = self.env["res.country"].search([("code", "in", ("DE", "FR", "ES", "NL", "IT"))])
        countries = [home.id or None, *(abroad - home).ids]
        parties.stage_countries(self.env, self.prototypes, countries)
        rate = self._calibrated_rate()
        self.cr.execute(
            """
            CREATE TEMP TABLE stage_behaviour ON COMMIT DROP AS
            SELECT n,
                   nextval('res_partner_id_seq')::integer AS partner_id,
                   first_offset, span, purchases,
                   exp(.7 * pg_temp.bell(20, n)) AS size,
                   CASE WHEN pg_temp.chance(22, n) < .15
                        THEN round((.35 * pg_temp.chance(23, n))::numeric, 2) ELSE 0
                    END AS discount,
                   .1 + 1.5 * pg_temp.chance(24, n) AS jitter,
                   pg_temp.chance(25, n) < %(contact_share)s AS has_contact
              FROM ("""
            + _BEHAVIOUR
            + """) AS behaviour;
            ALTER TABLE stage_behaviour ADD COLUMN contact_id integer, ADD COLUMN user_id integer,
                  ADD COLUMN country_id integer, ADD COLUMN name text;
            UPDATE stage_behaviour
               SET contact_id = CASE WHEN has_contact THEN nextval('res_partner_id_seq') END,
                   user_id = (%(salespeople)s::integer[])[
                       1 + floor(pg_temp.chance(26, n) * 1.25 * %(number)s)::integer],
                   country_id = CASE WHEN pg_temp.chance(27, n) < .85 THEN (%(countries)s)[1]
                       ELSE (%(countries)s::integer[])[
                           1 + floor(pg_temp.chance(28, n) * %(abroad)s)::integer] END,
                   name = 'Customer ' || lpad(n::text, 7, '0');
            ANALYZE stage_behaviour;
            INSERT INTO stage_partner (
                id, name, ref, country_id, user_id, is_company, parent_id, documents)
            SELECT partner_id, name, 'C' || lpad(n::text, 7, '0'), country_id, user_id,
                   has_contact OR pg_temp.chance(29, n) < .7, NULL, purchases
              FROM stage_behaviour
             UNION ALL
            SELECT contact_id, 'Contact ' || n, NULL, country_id, user_id, FALSE, partner_id, 0
              FROM stage_behaviour WHERE has_contact;
            ANALYZE stage_partner
            """,
            {
                **self._behaviour_parameters(rate, self.mix.customers),
                "contact_share": self.mix.contact_share,
                "salespeople": salespeople,
                "number": len(salespeople),
                "countries": countries,
                "abroad": len(countries),
            },
        )

    def _behaviour_parameters(self, rate: float, customers: int) -> dict:
        return {
            "rate": rate,
            "customers": customers,
            "spread": SPREAD,
            "as_of": self.mix.as_of,
            "months": self.mix.months,
        }

    def _calibrated_rate(self) -> float:
        """The median rate that gives the asked mean number of invoices, by bisection."""
        low, high = -6.0, 6.0
        for _step in range(20):
            middle = (low + high) / 2
            self.cr.execute(
                "SELECT avg(purchases)::float FROM (" + _BEHAVIOUR + ") AS behaviour",
                self._behaviour_parameters(middle, min(self.mix.customers, 20_000)),
            )
            low, high = (
                (middle, high) if self.cr.fetchone()[0] < self.mix.invoices else (low, middle)
            )
        return (low + high) / 2

    # What happened

    def _stage_invoices(self) -> None:
        """One row per invoice; ``order_id`` and ``ordered_at`` where an order is behind it."""
        self.cr.execute(
            """
            CREATE TEMP TABLE stage_sale ON COMMIT DROP AS
            SELECT nextval('account_move_id_seq')::integer AS id,
                   nextval('account_move_line_id_seq')::integer AS term_id,
                   sale.*,
                   CASE WHEN sale.has_order THEN nextval('sale_order_id_seq')::integer
                    END AS order_id,
                   CASE WHEN sale.has_order
                        THEN sale.day - (1 + floor(12 * pg_temp.chance(35, sale.n) ^ 2))::integer
                             + interval '1 hour' * (6 + floor(12 * pg_temp.chance(36, sale.n)))
                    END AS ordered_at
              FROM (
                SELECT customer.n::bigint * 512 + k AS n,
                       customer.partner_id AS commercial_id,
                       CASE WHEN customer.has_contact
                             AND pg_temp.chance(30, customer.n::bigint * 512 + k) < .5
                            THEN customer.contact_id ELSE customer.partner_id END AS partner_id,
                       customer.user_id, customer.country_id, customer.size, customer.discount,
                       %(first)s::date + least(customer.last, greatest(0, floor(
                           customer.first_offset + customer.span * (
                               k - 1 + (pg_temp.chance(31, customer.n::bigint * 512 + k) - .5)
                                       * customer.jitter
                           ) / greatest(customer.purchases - 1, 1)
                       )))::integer AS day,
                       pg_temp.chance(32, customer.n::bigint * 512 + k) < %(order_share)s
                           AS has_order
                  FROM (SELECT *, %(as_of)s::date - %(first)s::date AS last
                          FROM stage_behaviour) AS customer
                 CROSS JOIN generate_series(1, customer.purchases) AS k
                 ORDER BY day, n
              ) AS sale;
            ANALYZE stage_sale
            """,
            {**vars(self.mix), "first": self._first_day()},
        )

    def _first_day(self) -> date:
        from dateutil.relativedelta import relativedelta

        return self.mix.as_of - relativedelta(months=self.mix.months)

    def _stage_lines(self) -> None:
        """Lines of the invoices; those with an order get their order line's id and cost."""
        self.cr.execute(
            """
            CREATE TEMP TABLE stage_sold ON COMMIT DROP AS
            SELECT nextval('account_move_line_id_seq')::integer AS id,
                   CASE WHEN sold.order_id IS NOT NULL
                        THEN nextval('sale_order_line_id_seq')::integer END AS order_line_id,
                   sold.id AS document_id, sold.order_id, sold.k,
                   goods.id AS product_id,
                   '[' || goods.code || '] ' || goods.name AS label,
                   sold.quantity::numeric AS quantity,
                   round(goods.list_price * (1 - sold.discount), 2) AS price,
                   sold.quantity * round(goods.list_price * (1 - sold.discount), 2) AS subtotal,
                   goods.cost
              FROM (
                SELECT sale.id, sale.order_id, sale.discount, k,
                       1 + floor(%(products)s * pg_temp.chance(40, sale.n * 8 + k) ^ 2.2)::integer
                           AS goods,
                       1 + floor(-3 * sale.size * ln(1 - pg_temp.chance(41, sale.n * 8 + k)))
                           ::integer AS quantity
                  FROM stage_sale AS sale
                 CROSS JOIN generate_series(
                     1, floor(%(lines)s)::integer
                        + (pg_temp.chance(42, sale.n) < %(lines)s - floor(%(lines)s))::integer
                 ) AS k
              ) AS sold
              JOIN stage_goods AS goods ON goods.n = sold.goods;
            ANALYZE stage_sold;
            INSERT INTO stage_line (id, document_id, product_id, label, quantity, price, subtotal)
            SELECT id, document_id, product_id, label, quantity, price, subtotal FROM stage_sold
            """,
            vars(self.mix),
        )
        self._stage_orders()
        self.cr.execute(
            """
            INSERT INTO stage_document (
                id, term_id, kind, partner_id, commercial_id, partner_name, fiscal_position_id,
                user_id, day, due, ref, origin, total)
            SELECT sale.id, sale.term_id,
                   CASE WHEN sale.order_id IS NULL THEN 'invoice' ELSE 'order_invoice' END,
                   sale.partner_id, sale.commercial_id,
                   concat_ws(', ', parent.name, partner.name), country.fiscal_position_id,
                   sale.user_id, sale.day, sale.day + 30, orders.name, orders.name, totals.total
              FROM stage_sale AS sale
              JOIN (SELECT document_id, sum(subtotal) AS total
                      FROM stage_sold GROUP BY document_id) AS totals
                ON totals.document_id = sale.id
              JOIN stage_partner AS partner ON partner.id = sale.partner_id
              LEFT JOIN stage_partner AS parent ON parent.id = partner.parent_id
              LEFT JOIN stage_country AS country
                ON country.id IS NOT DISTINCT FROM sale.country_id
              LEFT JOIN stage_order AS orders ON orders.id = sale.order_id
            """
        )

    def _stage_orders(self) -> None:
        """Names go on where the sequence of orders stands, and the sequence is moved on."""
        self.cr.execute(
            """
            CREATE TEMP TABLE stage_order ON COMMIT DROP AS
            SELECT sale.order_id AS id,
                   row_number() OVER (ORDER BY sale.ordered_at, sale.order_id) AS number,
                   sale.partner_id, sale.user_id, sale.ordered_at, country.fiscal_position_id,
                   sold.amount, sold.margin, NULL::text AS name
              FROM stage_sale AS sale
              JOIN (SELECT order_id, sum(subtotal) AS amount,
                           sum(subtotal - quantity * cost) AS margin
                      FROM stage_sold WHERE order_id IS NOT NULL GROUP BY order_id) AS sold
                ON sold.order_id = sale.order_id
              LEFT JOIN stage_country AS country
                ON country.id IS NOT DISTINCT FROM sale.country_id
            """
        )
        self.summary.counts["orders"] = self.cr.rowcount
        sequence = self.env["ir.sequence"].search(
            [("code", "=", "sale.order"), ("company_id", "in", (self.env.company.id, False))],
            order="company_id", limit=1,
        )  # fmt: skip
        prefix, _suffix = sequence._get_prefix_suffix()
        first = sequence.number_next_actual
        self.cr.execute(
            "UPDATE stage_order SET name = %s || lpad((%s + number - 1)::text,"
            " greatest(%s, length((%s + number - 1)::text)), '0')",
            [prefix, first, sequence.padding, first],
        )
        sequence.number_next_actual = first + self.summary.counts["orders"]
        self.env.flush_all()
        self.cr.execute("ANALYZE stage_order")

    def _stage_refunds(self) -> None:
        """Credit notes 5 to 30 days later: a third of whole invoices, else half of one line."""
        self.cr.execute(
            """
            CREATE TEMP TABLE stage_return ON COMMIT DROP AS
            SELECT nextval('account_move_id_seq')::integer AS id, chosen.*
              FROM (
                SELECT sale.id AS sale_id,
                       sale.day + 5 + floor(26 * pg_temp.chance(51, sale.n))::integer AS day,
                       pg_temp.chance(52, sale.n) < 1 / 3.0 AS is_whole
                  FROM stage_sale AS sale
                 WHERE pg_temp.chance(50, sale.n) < %(refund_share)s
                 ORDER BY sale.day, sale.id
              ) AS chosen
             WHERE chosen.day <= %(as_of)s::date;
            CREATE TEMP TABLE stage_returned ON COMMIT DROP AS
            SELECT nextval('account_move_line_id_seq')::integer AS id,
                   back.id AS document_id, sold.id AS sold_id, sold.order_line_id, sold.product_id,
                   sold.label, sold.price, sold.cost,
                   CASE WHEN back.is_whole THEN sold.quantity ELSE ceil(sold.quantity / 2)
                    END AS quantity,
                   sold.price * CASE WHEN back.is_whole THEN sold.quantity
                                     ELSE ceil(sold.quantity / 2) END AS subtotal
              FROM stage_return AS back
              JOIN stage_sold AS sold ON sold.document_id = back.sale_id
             WHERE back.is_whole OR sold.k = 1;
            INSERT INTO stage_line (id, document_id, product_id, label, quantity, price, subtotal)
            SELECT id, document_id, product_id, label, quantity, price, subtotal
              FROM stage_returned;
            INSERT INTO stage_document (
                id, term_id, kind, partner_id, commercial_id, partner_name, fiscal_position_id,
                user_id, day, due, reversed_id, total)
            SELECT back.id, nextval('account_move_line_id_seq'), 'order_refund',
                   sale.partner_id, sale.commercial_id, sale.partner_name, sale.fiscal_position_id,
                   sale.user_id, back.day, back.day, sale.id, totals.total
              FROM stage_return AS back
              JOIN stage_document AS sale ON sale.id = back.sale_id
              JOIN (SELECT document_id, sum(subtotal) AS total
                      FROM stage_returned GROUP BY document_id) AS totals
                ON totals.document_id = back.id
            """,
            vars(self.mix),
        )

    # Writing

    def _insert_parties(self) -> None:
        from . import parties

        self.summary.counts["partners"] = parties.insert_partners(self.cr, self.prototypes)
        self.summary.counts["products"] = parties.insert_products(self.cr, self.prototypes)

    def _insert_orders(self) -> None:
        self.cr.execute(
            """
            CREATE TEMP TABLE stage_order_line ON COMMIT DROP AS
            SELECT sold.*, sold.quantity - coalesce(returned.quantity, 0) AS invoiced,
                   sold.subtotal - coalesce(returned.subtotal, 0) AS invoiced_amount
              FROM stage_sold AS sold
              LEFT JOIN stage_returned AS returned ON returned.sold_id = sold.id
             WHERE sold.order_id IS NOT NULL;
            ANALYZE stage_order_line;
            CREATE TEMP TABLE stage_open_order ON COMMIT DROP AS
            SELECT DISTINCT order_id FROM stage_order_line WHERE invoiced < quantity
            """
        )
        _insert_orders(self.cr, self.prototypes)
        self.summary.counts["order lines"] = _insert_order_lines(self.cr, self.prototypes)
        self.cr.execute(
            """
            INSERT INTO sale_order_line_invoice_rel (invoice_line_id, order_line_id)
            SELECT id, order_line_id FROM stage_order_line
             UNION ALL
            SELECT id, order_line_id FROM stage_returned WHERE order_line_id IS NOT NULL
            """
        )

    def _insert_documents(self) -> None:
        from . import documents

        self.summary.counts.update(documents.insert_documents(self.cr, self.prototypes))
        documents.insert_reconciliations(self.cr, self.prototypes)
        self.cr.execute("SELECT count(*) FROM stage_line")
        self.summary.counts["invoice lines"] = self.cr.fetchone()[0]

    def _keep_truth(self) -> None:
        """Margins only where an order line knows the cost: elsewhere nobody can know it."""
        known = "order_line_id IS NOT NULL AND cost <> 0" if self.prototypes.has_costs else "FALSE"
        self.cr.execute(
            f"""
            CREATE TABLE bench_truth AS
            SELECT document.commercial_id AS partner_id, document.day,
                   sum(line.subtotal) AS revenue,
                   coalesce(sum(line.subtotal) FILTER (WHERE line.is_known), 0) AS revenue_known,
                   coalesce(sum(line.margin) FILTER (WHERE line.is_known), 0) AS margin
              FROM (
                SELECT document_id, subtotal, subtotal - quantity * cost AS margin,
                       {known} AS is_known
                  FROM stage_sold
                 UNION ALL
                SELECT document_id, -subtotal, -(subtotal - quantity * cost), {known}
                  FROM stage_returned
              ) AS line
              JOIN stage_document AS document ON document.id = line.document_id
             GROUP BY document.commercial_id, document.day
            """
        )


_BEHAVIOUR = """
    SELECT n, first_offset,
           least(whole.span, whole.last) AS span,
           least(400, 1 + floor(least(
               exp(%(rate)s + %(spread)s * pg_temp.bell(10, n)), 1 + whole.span / 2.0
           )))::integer AS purchases
      FROM (
        SELECT n, first_offset, last,
               CASE WHEN pg_temp.chance(14, n) < .6 THEN last - first_offset
                    ELSE (last - first_offset) * pg_temp.chance(15, n) END AS span
          FROM (
            SELECT n, last,
                   floor(CASE WHEN pg_temp.chance(12, n) < .4 THEN 60 * pg_temp.chance(13, n)
                              ELSE last * pg_temp.chance(13, n) END) AS first_offset
              FROM generate_series(1, %(customers)s) AS n,
                   (SELECT %(as_of)s::date
                           - (%(as_of)s::date - %(months)s * interval '1 month')::date AS last
                   ) AS period
          ) AS arrival
      ) AS whole
"""
"""First day (as offset into the window), days from first to last purchase, and purchases."""


def _insert_orders(cr: Cursor, prototypes: Prototypes) -> None:
    from odoo.tools import SQL

    amount, partner = SQL("orders.amount"), SQL("orders.partner_id")
    columns = {
        "id": SQL("orders.id"),
        "name": SQL("orders.name"),
        "partner_id": partner,
        "partner_invoice_id": partner,
        "partner_shipping_id": partner,
        "fiscal_position_id": SQL("orders.fiscal_position_id"),
        "user_id": SQL("orders.user_id"),
        "date_order": SQL("orders.ordered_at"),
        "validity_date": SQL("orders.ordered_at::date + 30"),
        "amount_untaxed": amount,
        "amount_total": amount,
        "invoice_status": SQL(
            "CASE WHEN open.order_id IS NULL THEN 'invoiced' ELSE 'to invoice' END"
        ),
    }
    if prototypes.has_costs:
        columns["margin"] = SQL("orders.margin")
        columns["margin_percent"] = SQL("orders.margin / nullif(orders.amount, 0)")
    prototypes.order.insert(
        cr,
        SQL(
            "stage_order AS orders LEFT JOIN stage_open_order AS open ON open.order_id = orders.id"
        ),
        columns,
    )


def _insert_order_lines(cr: Cursor, prototypes: Prototypes) -> int:
    from odoo.tools import SQL

    subtotal, price = SQL("line.subtotal"), SQL("line.price")
    columns = {
        "id": SQL("line.order_line_id"),
        "order_id": SQL("line.order_id"),
        "order_partner_id": SQL("orders.partner_id"),
        "salesman_id": SQL("orders.user_id"),
        "product_id": SQL("line.product_id"),
        "name": SQL("line.label"),
        "product_uom_qty": SQL("line.quantity"),
        "price_unit": price,
        "technical_price_unit": price,
        "price_reduce_taxexcl": price,
        "price_reduce_taxinc": price,
        "price_subtotal": subtotal,
        "price_total": subtotal,
        "qty_invoiced": SQL("line.invoiced"),
        "qty_to_invoice": SQL("line.quantity - line.invoiced"),
        "untaxed_amount_invoiced": SQL("line.invoiced_amount"),
        "untaxed_amount_to_invoice": SQL("line.subtotal - line.invoiced_amount"),
        "invoice_status": SQL(
            "CASE WHEN line.invoiced < line.quantity THEN 'to invoice' ELSE 'invoiced' END"
        ),
    }
    if prototypes.has_costs:
        margin = SQL("line.subtotal - line.quantity * line.cost")
        columns["purchase_price"] = SQL("line.cost")
        columns["margin"] = margin
        columns["margin_percent"] = SQL("(%s) / nullif(line.subtotal, 0)", margin)
    return prototypes.order_line.insert(
        cr,
        SQL("stage_order_line AS line JOIN stage_order AS orders ON orders.id = line.order_id"),
        columns,
    )


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    default = Mix()
    parser = argparse.ArgumentParser(
        prog="benchmarks.generate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-d", "--database", required=True)
    parser.add_argument("--as-of", type=date.fromisoformat, default=default.as_of)
    for name, value in vars(default).items():
        if name != "as_of":
            flag = "--" + name.replace("_", "-")
            parser.add_argument(flag, type=type(value), default=value, help=f"default {value}")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    options = vars(parse_arguments(arguments))
    database = options.pop("database")
    mix = Mix(**options)
    if mix.customers < 1:
        die("at least one customer is needed")
    with command_line(database) as env:
        summary = generate(env, mix)
    from .bulk import vacuum

    start = time.monotonic()
    vacuum(database)
    summary.steps["vacuum"] = time.monotonic() - start
    sys.stdout.write(summary.as_text() + "\n")


if __name__ == "__main__":
    main()
