"""The price index that a company's own invoices give, against the inflation they were made with."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

from benchmarks.harness import Bench, Result, at_most, measure
from benchmarks.measures.common import Stopwatch, environment

INFLATION = 0.5
"""A year."""
MONTHS = 38
PRODUCTS = 600
CUSTOMERS = 200
PROMOTED = 1 / 12
"""Share of the products that are a quarter off for a month, and sell threefold."""
SOLD_OFF = 1 / 50
"""Share of the products that are sold off at 40 % off each month, and replaced."""
WRONG = 1 / 5000
"""Share of the lines with a price of ten times as much."""


@measure("own_index", "own_prices")
def own_index(bench: Bench) -> Iterator[Result]:
    """Prices rise by half a year amid promotions and new products: error of the own index."""
    from benchmarks.csv_lines import Layout
    from benchmarks.load_csv import load_stream

    database = bench.database("own_prices")
    with environment(database) as env:
        report = load_stream(env, as_csv(invoice_lines(date.today())), Layout())
    with environment(database) as env, Stopwatch() as watch:
        wizard = env["crm.price.index.own"].create({})
        wizard.action_take()
    with environment(database) as env:
        index = list(env.company._price_index().values())
    errors = [
        abs(later / earlier - 1 - INFLATION)
        for earlier, later in zip(index, index[12:], strict=False)
    ]
    size = f"{PRODUCTS} products, {report.booked_lines:,} lines of {len(index)} months"
    yield Result(
        "own_index", 100 * max(errors), "points", at_most(2),
        f"largest of {len(errors)} spans of a year; mean {100 * sum(errors) / len(errors):.2f};"
        f" {size}",
    )  # fmt: skip
    yield Result("own_index.seconds", watch.seconds, "s", note=f"finding and taking it; {size}")


def invoice_lines(today: date, seed: int = 1) -> Iterator[tuple]:
    """``(invoice, product, quantity, day, price, customer)`` of three years. Each product is
    priced anew after some 90 days, each customer has his own discount."""
    chance = random.Random(seed)
    first = today.replace(day=1) - relativedelta(months=MONTHS)
    discounts = [chance.choice((0, 0, 0.05, 0.1, 0.2)) for _customer in range(CUSTOMERS)]
    goods = [_Product(chance, first) for _product in range(PRODUCTS)]
    for ago in range(MONTHS, -1, -1):
        month = today.replace(day=1) - relativedelta(months=ago)
        for product in goods:
            product.begin_month(chance)
        sizes = [product.size for product in goods]
        for customer, discount in enumerate(discounts):
            for part in range(2):
                day = month + timedelta(days=14 * part + chance.randrange(14))
                if day > today:
                    continue
                for product in dict.fromkeys(chance.choices(goods, sizes, k=12)):
                    price = product.price(day) * (1 - discount)
                    if chance.random() < WRONG:
                        price *= 10
                    yield (f"{customer}-{month:%Y%m}-{part}", product.code,
                           chance.randrange(1, 30), day, round(price, 2), customer)  # fmt: skip
        goods = [_Product(chance, month) if product.is_ending else product for product in goods]


class _Product:
    """Its price stands still until it is brought to the level of the day."""

    made = 0

    def __init__(self, chance: random.Random, born: date) -> None:
        _Product.made += 1
        self.code = f"OWN{_Product.made}"
        self.base = chance.lognormvariate(4, 0.6)
        self.popularity = chance.lognormvariate(0, 0.6)
        self.every = chance.randrange(30, 150)
        self.priced_on = born - timedelta(days=chance.randrange(self.every))

    def begin_month(self, chance: random.Random) -> None:
        self.is_ending = chance.random() < SOLD_OFF
        is_promoted = chance.random() < PROMOTED
        self.cut = 0.4 if self.is_ending else 0.25 if is_promoted else 0
        self.size = self.popularity * (3 if self.cut else 1)

    def price(self, day: date) -> float:
        while (day - self.priced_on).days >= self.every:
            self.priced_on += timedelta(days=self.every)
        level = (1 + INFLATION) ** ((self.priced_on - date(2020, 1, 1)).days / 365.25)
        return self.base * level * (1 - self.cut)


def as_csv(lines: Iterator[tuple]) -> io.StringIO:
    """In the loader's format."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(
        ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice",
         "CustomerID", "Country")
    )  # fmt: skip
    for invoice, product, quantity, day, price, customer in lines:
        writer.writerow(
            (invoice, product, product, quantity, day.isoformat(), price, f"OWN{customer}", "")
        )
    stream.seek(0)
    return stream
