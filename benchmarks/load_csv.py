"""Load a CSV of transaction lines into an Odoo database, as documents Odoo itself would accept.

    dev/python -m benchmarks.load_csv --database DB lines.csv.gz \\
        --invoice InvoiceNo --product StockCode --description Description \\
        --quantity Quantity --date InvoiceDate --price UnitPrice \\
        --customer CustomerID --country Country \\
        --charges "POST,DOT,M,BANK CHARGES" --cancel-prefix C

Customers become partners, product codes products, and each document a posted invoice, or a
posted credit note where its total is negative. Prices are taken as prices of the company's
currency, without tax. Everything is written in one transaction, by a few SQL statements; a
document that an earlier load has already brought is left alone, so a second run changes nothing.

No line is dropped in silence: the report counts every kind of dirty line, says what happened to
it, and the sum of what was booked is compared with the sum of the file before anything stays.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
import time
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import IO, TYPE_CHECKING

from .csv_lines import (
    KINDS,
    ONLINE_RETAIL_CHARGES,
    UNKNOWN_BUYER,
    Layout,
    Reader,
    Report,
    open_text,
)
from .odoo_env import command_line, die

if TYPE_CHECKING:
    from odoo.api import Environment

    Cursor = object


def load_csv(
    env: Environment,
    path: Path | str,
    layout: Layout | None = None,
    skip: Iterable[str] = (),
    due_days: int = 30,
) -> Report:
    """Load a file into the company of ``env`` and return the report. Commits nothing.

    ``skip`` names kinds of lines to leave out; ``due_days`` is the time customers have to pay.
    """
    layout = layout or Layout()
    with open_text(Path(path), layout.encoding) as stream:
        return load_stream(env, stream, layout, skip=skip, due_days=due_days)


def load_stream(
    env: Environment,
    stream: IO[str],
    layout: Layout,
    skip: Iterable[str] = (),
    due_days: int = 30,
) -> Report:
    """As :func:`load_csv`, from an open text stream."""
    return _Loader(env, layout, skip, due_days).run(stream)


class _Loader:
    """One load: stage the lines, then make partners, products and documents of them."""

    def __init__(
        self, env: Environment, layout: Layout, skip: Iterable[str], due_days: int
    ) -> None:
        self.env = env
        self.cr = env.cr
        self.layout = layout
        self.due_days = due_days
        rounding = Decimal(str(env.company.currency_id.rounding))
        self.reader = Reader(layout, rounding, skip)
        self.report = self.reader.report

    def run(self, stream: IO[str]) -> Report:
        from odoo.exceptions import UserError

        from . import documents, parties, prototypes

        start = time.monotonic()
        self.env.flush_all()
        self._stage_lines(stream)
        self._drop_known_documents()
        first_day = self._first_day()
        if first_day:
            self.prototypes = prototypes.capture(self.env, first_day)
            trusted = documents.trust_references(self.cr)
            parties.create_stages(self.cr)
            documents.create_stages(self.cr)
            self._stage_products()
            self._stage_partners()
            self._stage_documents()
            self.report.partners = parties.insert_partners(self.cr, self.prototypes)
            self.report.products = parties.insert_products(self.cr, self.prototypes)
            documents.number_documents(self.env, self.prototypes)
            numbers = documents.insert_documents(self.cr, self.prototypes)
            self.report.invoices = numbers.get("invoice", 0)
            self.report.credit_notes = numbers.get("refund", 0)
            problems = documents.check_ledger(self.cr) + self._check_amount()
            if trusted:
                problems += documents.check_references(self.cr)
            if problems:
                raise UserError("Nothing was loaded: " + "; ".join(problems))
            self.cr.execute(
                "ANALYZE account_move; ANALYZE account_move_line; ANALYZE res_partner;"
                " ANALYZE product_template; ANALYZE product_product"
            )
        self.env.invalidate_all()
        self.report.seconds = time.monotonic() - start
        return self.report

    # Reading

    def _stage_lines(self, stream: IO[str]) -> None:
        self.cr.execute(
            """
            DROP TABLE IF EXISTS stage_source, stage_known, stage_code, stage_customer, stage_group;
            CREATE TEMP TABLE stage_source (
                number integer, invoice text, product text, description text, quantity numeric,
                moment timestamp, price numeric, customer text, country text, amount numeric,
                is_charge boolean, is_cancelled boolean
            ) ON COMMIT DROP
            """
        )
        rows = io.StringIO()
        writer = csv.writer(rows)
        for line in self.reader.read(stream):
            writer.writerow(
                (line.number, line.invoice, line.product, line.description, line.quantity,
                 line.date.isoformat(), line.price, line.customer, line.country, line.amount,
                 "charge" in line.kinds, "cancellation" in line.kinds)
            )  # fmt: skip
        rows.seek(0)
        self.cr.copy_expert(
            "COPY stage_source FROM STDIN (FORMAT csv, FORCE_NOT_NULL (description, customer,"
            " country))",
            rows,
        )
        self.cr.execute("ANALYZE stage_source")

    def _drop_known_documents(self) -> None:
        """Leave out documents of an earlier load: same reference and same customer."""
        self.cr.execute(
            """
            CREATE TEMP TABLE stage_known ON COMMIT DROP AS
            SELECT DISTINCT move.ref AS invoice, coalesce(partner.ref, '') AS customer
              FROM account_move AS move
              JOIN res_partner AS partner ON partner.id = move.commercial_partner_id
             WHERE move.company_id = %s
               AND move.move_type IN ('out_invoice', 'out_refund')
               AND move.ref IN (SELECT invoice FROM stage_source)
            """,
            [self.env.company.id],
        )
        self.cr.execute(
            "DELETE FROM stage_source AS source USING stage_known AS known"
            " WHERE known.invoice = source.invoice AND known.customer = source.customer"
            " RETURNING source.amount::text"
        )
        known = [Decimal(amount) for (amount,) in self.cr.fetchall()]
        if known:
            report = self.report
            report.skipped["already loaded"] = len(known)
            report.booked_lines -= len(known)
            report.amount -= sum(known)

    def _first_day(self):
        self.cr.execute("SELECT min(moment)::date FROM stage_source")
        return self.cr.fetchone()[0]

    # Staging what Odoo shall hold

    def _stage_products(self) -> None:
        """Known products by their internal reference, new ones under their commonest name."""
        self.cr.execute(
            """
            CREATE TEMP TABLE stage_code ON COMMIT DROP AS
            WITH names AS (
                SELECT DISTINCT ON (product) product, description
                  FROM stage_source
                 WHERE description <> ''
                 GROUP BY product, description
                 ORDER BY product, count(*) DESC, description
            ),
            codes AS (
                SELECT product AS code,
                       bool_or(is_charge) AS is_charge,
                       percentile_disc(.5) WITHIN GROUP (ORDER BY price)
                           FILTER (WHERE price > 0) AS list_price
                  FROM stage_source
                 GROUP BY product
            ),
            existing AS (
                SELECT variant.default_code AS code, min(variant.id) AS id
                  FROM product_product AS variant
                  JOIN product_template AS template ON template.id = variant.product_tmpl_id
                 WHERE variant.active
                   AND (template.company_id IS NULL OR template.company_id = %s)
                   AND variant.default_code IN (SELECT product FROM stage_source)
                 GROUP BY variant.default_code
            )
            SELECT codes.code,
                   coalesce(names.description, codes.code) AS name,
                   CASE WHEN codes.is_charge THEN 'service' ELSE 'consu' END AS type,
                   coalesce(codes.list_price, 0) AS list_price,
                   existing.id IS NULL AS is_new,
                   coalesce(existing.id, nextval('product_product_id_seq'))::integer AS id
              FROM codes
              LEFT JOIN names ON names.product = codes.code
              LEFT JOIN existing ON existing.code = codes.code
            """,
            [self.env.company.id],
        )
        self.cr.execute(
            """
            INSERT INTO stage_product (id, template_id, type, code, name, list_price)
            SELECT id, nextval('product_template_id_seq'), type, code, name, list_price
              FROM stage_code WHERE is_new ORDER BY code;
            ANALYZE stage_code
            """
        )

    def _stage_partners(self) -> None:
        """Known partners by their reference; one walk-in partner for lines without a customer."""
        self.cr.execute(
            """
            CREATE TEMP TABLE stage_customer ON COMMIT DROP AS
            WITH countries AS (
                SELECT DISTINCT ON (customer) customer, country,
                       count(*) OVER (PARTITION BY customer) AS number
                  FROM stage_source
                 GROUP BY customer, country
                 ORDER BY customer, count(*) DESC, country
            ),
            existing AS (
                SELECT coalesce(ref, '') AS code, min(id) AS id
                  FROM res_partner
                 WHERE active AND parent_id IS NULL
                   AND (company_id IS NULL OR company_id = %(company)s)
                   AND (ref IN (SELECT customer FROM stage_source)
                        OR ref IS NULL AND name = %(walk_in)s)
                 GROUP BY coalesce(ref, '')
            )
            SELECT countries.customer AS code, countries.country, countries.number,
                   existing.id IS NULL AS is_new,
                   coalesce(existing.id, nextval('res_partner_id_seq'))::integer AS id
              FROM countries
              LEFT JOIN existing ON existing.code = countries.customer
             ORDER BY countries.customer
            """,
            {"company": self.env.company.id, "walk_in": UNKNOWN_BUYER},
        )
        countries = self._countries()
        self.cr.execute(
            """
            WITH countries AS (
                SELECT key AS name, value::integer AS id FROM jsonb_each_text(%(countries)s)
            ),
            numbers AS (
                SELECT customer, count(DISTINCT invoice) AS documents
                  FROM stage_source GROUP BY customer
            )
            INSERT INTO stage_partner (id, name, ref, country_id, is_company, documents)
            SELECT customer.id,
                   CASE WHEN customer.code = '' THEN %(walk_in)s
                        ELSE 'Customer ' || customer.code END,
                   nullif(customer.code, ''),
                   CASE WHEN customer.code <> '' THEN countries.id END,
                   customer.code <> '',
                   numbers.documents
              FROM stage_customer AS customer
              JOIN numbers ON numbers.customer = customer.code
              LEFT JOIN countries ON countries.name = customer.country
             WHERE customer.is_new
            """,
            {"countries": json.dumps(countries), "walk_in": UNKNOWN_BUYER},
        )
        self._stage_countries()
        self.cr.execute(
            """
            UPDATE res_partner AS partner
               SET customer_rank = coalesce(customer_rank, 0) + numbers.documents
              FROM (SELECT customer, count(DISTINCT invoice) AS documents
                      FROM stage_source GROUP BY customer) AS numbers
              JOIN stage_customer AS customer ON customer.code = numbers.customer
             WHERE partner.id = customer.id AND NOT customer.is_new
            """
        )
        self.cr.execute(
            "SELECT count(*) FILTER (WHERE number > 1 AND code <> ''),"
            " max(id) FILTER (WHERE code = '') FROM stage_customer"
        )
        self.report.several_countries, self.report.walk_in_partner_id = self.cr.fetchone()

    def _countries(self) -> dict[str, int]:
        """Ids of the file's country names; names Odoo does not know are reported."""
        aliases = {"EIRE": "IE", "RSA": "ZA", "USA": "US", "UK": "GB", "Czech Republic": "CZ"}
        by_code, by_name = {}, {}
        for country in self.env["res.country"].with_context(lang="en_US").search([]):
            by_code[country.code] = country.id
            by_name[country.name.lower()] = country.id
        self.cr.execute("SELECT DISTINCT country FROM stage_source WHERE country <> '' ORDER BY 1")
        found = {}
        for (name,) in self.cr.fetchall():
            country_id = by_name.get(name.lower()) or by_code.get(aliases.get(name, name))
            if country_id:
                found[name] = country_id
            else:
                self.report.unknown_countries.append(name)
        return found

    def _stage_countries(self) -> None:
        from . import parties

        self.cr.execute(
            """
            SELECT DISTINCT country_id FROM stage_partner
             UNION SELECT country_id FROM res_partner
                    WHERE id IN (SELECT id FROM stage_customer WHERE NOT is_new)
             ORDER BY 1
            """
        )
        country_ids = [country_id for (country_id,) in self.cr.fetchall()]
        parties.stage_countries(self.env, self.prototypes, country_ids)

    def _stage_documents(self) -> None:
        """One document per number and customer; a negative total makes it a credit note."""
        self.cr.execute(
            """
            CREATE TEMP TABLE stage_group ON COMMIT DROP AS
            SELECT nextval('account_move_id_seq')::integer AS id, grouped.*,
                   grouped.total < 0 OR grouped.total = 0 AND grouped.is_cancelled AS is_refund
              FROM (
                SELECT invoice, customer, min(moment) AS moment, sum(amount) AS total,
                       bool_or(is_cancelled) AS is_cancelled,
                       count(DISTINCT moment::date) AS days
                  FROM stage_source
                 GROUP BY invoice, customer
                 ORDER BY min(moment), invoice, customer
              ) AS grouped;
            ANALYZE stage_group
            """
        )
        self.cr.execute(
            """
            INSERT INTO stage_document (
                id, term_id, kind, partner_id, commercial_id, partner_name,
                fiscal_position_id, day, due, ref, total)
            SELECT document.id,
                   nextval('account_move_line_id_seq'),
                   CASE WHEN document.is_refund THEN 'refund' ELSE 'invoice' END,
                   customer.id,
                   customer.id,
                   coalesce(staged.name, partner.complete_name),
                   country.fiscal_position_id,
                   document.moment::date,
                   document.moment::date + %(due_days)s::integer,
                   document.invoice,
                   abs(document.total)
              FROM stage_group AS document
              JOIN stage_customer AS customer ON customer.code = document.customer
              LEFT JOIN stage_partner AS staged ON staged.id = customer.id
              LEFT JOIN res_partner AS partner ON partner.id = customer.id
              LEFT JOIN stage_country AS country
                ON country.id IS NOT DISTINCT FROM coalesce(staged.country_id, partner.country_id)
            """,
            {"due_days": self.due_days},
        )
        self.cr.execute(
            """
            INSERT INTO stage_line (id, document_id, product_id, label, quantity, price, subtotal)
            SELECT nextval('account_move_line_id_seq'),
                   document.id,
                   product.id,
                   '[' || product.code || '] ' || product.name,
                   CASE WHEN document.is_refund THEN -1 ELSE 1 END * source.quantity,
                   -- taxes may be rounded per document: then parts of a cent would add up
                   CASE WHEN source.amount = source.quantity * source.price THEN source.price
                        ELSE source.amount / source.quantity END,
                   CASE WHEN document.is_refund THEN -1 ELSE 1 END * source.amount
              FROM stage_source AS source
              JOIN stage_group AS document
                ON document.invoice = source.invoice AND document.customer = source.customer
              JOIN stage_code AS product ON product.code = source.product
             ORDER BY document.id, source.number
            """
        )
        self.cr.execute(
            "SELECT count(*) FILTER (WHERE days > 1),"
            " count(*) FILTER (WHERE is_cancelled AND NOT is_refund),"
            " count(*) FILTER (WHERE is_refund AND NOT is_cancelled) FROM stage_group"
        )
        report = self.report
        report.several_days, report.positive_cancellations, report.negative_invoices = (
            self.cr.fetchone()
        )

    def _check_amount(self) -> list[str]:
        """The booked sum must be the file's sum, and no line may be missing."""
        self.cr.execute(
            """
            SELECT (SELECT coalesce(sum(amount_untaxed_signed), 0)::text FROM account_move
                     WHERE id IN (SELECT id FROM stage_document)),
                   (SELECT count(*) FROM account_move_line
                     WHERE move_id IN (SELECT id FROM stage_document)
                       AND display_type = 'product')
            """
        )
        amount, lines = self.cr.fetchone()
        problems = []
        if Decimal(amount) != self.report.amount:
            problems.append(f"{amount} was booked, the file has {self.report.amount}")
        if lines != self.report.booked_lines:
            problems.append(f"{lines} lines were booked, the file has {self.report.booked_lines}")
        return problems


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line; every column has Online Retail's name as default."""
    default = Layout()
    parser = argparse.ArgumentParser(
        prog="benchmarks.load_csv",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("path", type=Path, help="CSV file, plain or .gz")
    parser.add_argument("-d", "--database", required=True)
    for name in ("invoice", "product", "description", "quantity", "date", "price", "customer",
                 "country"):  # fmt: skip
        parser.add_argument(f"--{name}", default=getattr(default, name), help="column name")
    parser.add_argument(
        "--charges", default=",".join(ONLINE_RETAIL_CHARGES), help="codes that are no products"
    )
    parser.add_argument("--cancel-prefix", default="C", help="begins a cancelled document's number")
    parser.add_argument("--date-format", default="", help="as for strptime; default ISO 8601")
    parser.add_argument("--delimiter", default=default.delimiter)
    parser.add_argument("--encoding", default=default.encoding)
    parser.add_argument(
        "--skip", action="append", default=[], choices=sorted(set(KINDS) - {"unreadable"}),
        help="leave out lines of this kind (they are counted); may be repeated",
    )  # fmt: skip
    parser.add_argument("--due-days", type=int, default=30, help="time customers have to pay")
    parser.add_argument("--json", action="store_true", help="report as one JSON object")
    parser.add_argument("--dry-run", action="store_true", help="load, check, report, undo")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    options = parse_arguments(arguments)
    if not options.path.is_file():
        die(f"there is no file {options.path}")
    layout = Layout(
        **{
            name: getattr(options, name)
            for name in ("invoice", "product", "description", "quantity", "date", "price",
                         "customer", "country", "cancel_prefix", "date_format", "delimiter",
                         "encoding")
        },
        charges=frozenset(filter(None, options.charges.split(","))),
    )  # fmt: skip
    with command_line(options.database) as env:
        report = load_csv(env, options.path, layout, options.skip, options.due_days)
        if options.dry_run:
            env.cr.rollback()
    sys.stdout.write((report.as_json() if options.json else report.as_text()) + "\n")


if __name__ == "__main__":
    main()
