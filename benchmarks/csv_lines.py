"""Lines of a CSV of transactions: read, classified and counted, without a database."""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path
from typing import IO

UNKNOWN_BUYER = "Unknown buyer"
ONLINE_RETAIL_CHARGES = ("POST", "DOT", "D", "M", "m", "S", "B", "BANK CHARGES", "AMAZONFEE",
                         "CRUK")  # fmt: skip

KINDS = {
    "no_customer": f"booked on the walk-in partner '{UNKNOWN_BUYER}'",
    "cancellation": "booked on a credit note",
    "negative_quantity": "a return on the document it stands on; on a credit note when the"
    " document's total is negative",
    "negative_price": "booked as it stands (a discount or a write-off)",
    "zero_price": "booked as a line of amount 0",
    "charge": "booked on a service product",
    "below_cent": "booked with the amount rounded to the currency, and the price that gives it",
    "no_description": "booked under the product's name from other lines, else its code",
    "unreadable": "skipped",
}
"""Kinds of dirty lines and what happens to them; a line may be of several kinds."""


@dataclass(frozen=True)
class Layout:
    """Which column holds what, and what marks the special lines."""

    invoice: str = "InvoiceNo"
    product: str = "StockCode"
    description: str = "Description"
    quantity: str = "Quantity"
    date: str = "InvoiceDate"
    price: str = "UnitPrice"
    customer: str = "CustomerID"
    country: str = "Country"
    charges: frozenset[str] = frozenset()
    """Product codes of what is charged but is no product (postage, fees)."""
    cancel_prefix: str = ""
    """What the number of a cancelled document begins with; empty: no such mark."""
    date_format: str = ""
    """As for ``strptime``; empty: ISO 8601."""
    delimiter: str = ","
    encoding: str = "utf-8-sig"

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.invoice, self.product, self.description, self.quantity, self.date,
                self.price, self.customer, self.country)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One line of the file; ``amount`` is quantity times price, rounded to the currency."""

    number: int
    invoice: str
    product: str
    description: str
    quantity: Decimal
    date: datetime
    price: Decimal
    customer: str
    country: str
    amount: Decimal
    kinds: tuple[str, ...]


@dataclass
class Report:
    """What was in the file and what became of it; amounts in the company's currency."""

    lines: int = 0
    booked_lines: int = 0
    amount: Decimal = Decimal(0)
    """Sum of the booked lines as read from the file, each rounded to the currency."""
    kinds: Counter = field(default_factory=Counter)
    skipped: Counter = field(default_factory=Counter)
    """Lines left out, by the reason: unreadable, asked for by ``skip``, or already loaded."""
    rounding: Decimal = Decimal(0)
    """What rounding the lines to the currency added to the exact products."""
    unreadable_examples: list[str] = field(default_factory=list)
    unknown_countries: list[str] = field(default_factory=list)
    several_countries: int = 0
    """Customers with lines from several countries; the most frequent one is taken."""
    several_days: int = 0
    """Documents whose lines bear several dates; the first is taken."""
    positive_cancellations: int = 0
    """Documents marked as cancelled whose total is positive: loaded as invoices."""
    negative_invoices: int = 0
    """Documents not marked as cancelled whose total is negative: loaded as credit notes."""
    partners: int = 0
    products: int = 0
    invoices: int = 0
    credit_notes: int = 0
    walk_in_partner_id: int | None = None
    seconds: float = 0

    def as_text(self) -> str:
        """The report as a table for people."""
        rows = [
            f"{self.lines:>9,} lines read, {self.booked_lines:,} booked,"
            f" {sum(self.skipped.values()):,} left out",
            f"{self.partners:>9,} new partners",
            f"{self.products:>9,} new products",
            f"{self.invoices:>9,} invoices posted",
            f"{self.credit_notes:>9,} credit notes posted",
            f"{self.amount:>12,} booked in all, credit notes deducted",
            "",
            "Dirty lines (a line may be of several kinds):",
        ]
        rows += [
            f"{number:>9,} {kind}: {KINDS[kind]}"
            for kind, number in sorted(self.kinds.items(), key=lambda item: -item[1])
            if kind in KINDS
        ]
        rows += [f"{number:>9,} left out: {why}" for why, number in sorted(self.skipped.items())]
        rows += [f"          {example}" for example in self.unreadable_examples]
        notes = (
            (self.several_days, "documents with several times or days: the first day is taken"),
            (self.several_countries, "customers in several countries: the most frequent is taken"),
            (self.negative_invoices, "uncancelled documents below zero: loaded as credit notes"),
            (self.positive_cancellations, "cancellations above zero: loaded as invoices"),
        )
        rows += [f"{number:>9,} {text}" for number, text in notes if number]
        if self.unknown_countries:
            rows.append(f"Countries left empty: {', '.join(self.unknown_countries)}")
        if self.rounding:
            rows.append(f"Rounding to the currency changed the sum by {self.rounding:+}")
        rows.append(f"{self.seconds:.0f} s")
        return "\n".join(rows)

    def as_json(self) -> str:
        return json.dumps(vars(self), default=str)


class Reader:
    """Reads and classifies lines.

    >>> import io
    >>> layout = Layout(charges=frozenset({"POST"}), cancel_prefix="C")
    >>> text = '''InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
    ... 1,A,Lamp,2,2024-01-05 10:00:00,1.50,17,France
    ... C2,POST,,-1,2024-01-06,3.005,,France
    ... 3,A,Lamp,two,2024-01-07,1.50,17,France'''
    >>> reader = Reader(layout)
    >>> [(line.invoice, str(line.amount), line.kinds) for line in reader.read(io.StringIO(text))]
    [('1', '3.00', ()), ('C2', '-3.01', ('no_customer', 'cancellation', 'charge', 'below_cent', \
'no_description'))]
    >>> reader.report.lines, dict(reader.report.skipped), reader.report.unreadable_examples
    (3, {'unreadable': 1}, ["line 4: quantity 'two' is no number"])
    """

    def __init__(
        self,
        layout: Layout,
        rounding: Decimal = Decimal("0.01"),
        skip: Iterable[str] = (),
        examples: int = 5,
    ) -> None:
        unknown = set(skip) - (set(KINDS) - {"unreadable"})
        if unknown:
            raise ValueError(f"No kind of line is called {', '.join(sorted(unknown))}")
        self.layout = layout
        self.rounding = rounding
        self.skip = tuple(skip)
        self.examples = examples
        self.report = Report()

    def read(self, stream: IO[str]) -> Iterator[Line]:
        """The lines to book, in the order of the file; the others are counted in the report."""
        rows = csv.reader(stream, delimiter=self.layout.delimiter)
        header = next(rows, [])
        missing = [name for name in self.layout.columns if name not in header]
        if missing:
            raise ValueError(f"The file has no column {', '.join(missing)}")
        positions = [header.index(name) for name in self.layout.columns]
        report = self.report
        for row in rows:
            if not row:
                continue
            report.lines += 1
            number = rows.line_num
            try:
                if len(row) != len(header):
                    raise ValueError(f"{len(row)} columns instead of {len(header)}")
                line = self._line(number, [row[position].strip() for position in positions])
            except ValueError as error:
                self._leave_out("unreadable", f"line {number}: {error}")
                report.kinds["unreadable"] += 1
                continue
            report.kinds.update(line.kinds)
            unwanted = next((kind for kind in self.skip if kind in line.kinds), None)
            if unwanted:
                self._leave_out(f"{unwanted} (as asked)")
                continue
            report.booked_lines += 1
            report.amount += line.amount
            report.rounding += line.amount - line.quantity * line.price
            yield line

    def _leave_out(self, why: str, example: str = "") -> None:
        self.report.skipped[why] += 1
        if example and len(self.report.unreadable_examples) < self.examples:
            self.report.unreadable_examples.append(example)

    def _line(self, number: int, values: list[str]) -> Line:
        invoice, product, description, quantity, day, price, customer, country = values
        if not invoice:
            raise ValueError("no document number")
        if not product and not description:
            raise ValueError("neither product code nor description")
        count, unit_price = _number(quantity, "quantity"), _number(price, "price")
        amount = _round(count * unit_price, self.rounding)
        is_cancelled = self._is_cancelled(invoice)
        kinds = {
            "no_customer": not customer,
            "cancellation": is_cancelled,
            "negative_quantity": count < 0 and not is_cancelled,
            "negative_price": unit_price < 0,
            "zero_price": unit_price == 0,
            "charge": product in self.layout.charges,
            "below_cent": amount != count * unit_price,
            "no_description": not description,
        }
        return Line(
            number=number,
            invoice=invoice,
            product=product or description,
            description=description,
            quantity=count,
            date=_moment(day, self.layout.date_format),
            price=unit_price,
            customer=customer,
            country=country,
            amount=amount,
            kinds=tuple(kind for kind, applies in kinds.items() if applies),
        )

    def _is_cancelled(self, invoice: str) -> bool:
        prefix = self.layout.cancel_prefix
        return bool(prefix) and invoice.startswith(prefix)


def _number(text: str, name: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{name} {text!r} is no number") from None
    if not number.is_finite():
        raise ValueError(f"{name} {text!r} is no number")
    return number


def _moment(text: str, date_format: str) -> datetime:
    try:
        return datetime.strptime(text, date_format) if date_format else datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"date {text!r} is not understood") from None


def _round(amount: Decimal, rounding: Decimal) -> Decimal:
    """To the nearest multiple of ``rounding``, halves away from zero, as Odoo does.

    >>> _round(Decimal("2.675"), Decimal("0.01")), _round(Decimal("-1.12"), Decimal("0.05"))
    (Decimal('2.68'), Decimal('-1.10'))
    """
    return (amount / rounding).to_integral_value(ROUND_HALF_UP) * rounding


def open_text(path: Path, encoding: str) -> IO[str]:
    """A text stream on a plain or gzipped file."""
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding=encoding, newline="")
    return path.open(encoding=encoding, newline="")
