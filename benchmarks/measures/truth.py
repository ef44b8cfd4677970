"""The numbers are right: against a plain-Python sum, and against what the generator knows."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from dateutil.relativedelta import relativedelta

from benchmarks.csv_lines import open_text
from benchmarks.databases import RETAIL_FILE, query, retail_path
from benchmarks.harness import Bench, Result, exactly, measure
from benchmarks.measures.common import environment, nightly, prepare_margins, refresh

CENT = Decimal("0.01")
RETAIL_DAY = date(2011, 12, 10)
"""The day after the last line of the file."""


def retail_sums() -> dict[str, Decimal]:
    """Revenue of each known customer: a plain sum over the file, no line left out.

    A customer is who bought something for money on at least one day: customers whose lines are
    all cancellations, or all free, are none.
    """
    revenue: dict[str, Decimal] = defaultdict(Decimal)
    bought: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    with open_text(retail_path(), "utf-8") as stream:
        for row in csv.DictReader(stream):
            customer = row["CustomerID"]
            if not customer:
                continue
            quantity = Decimal(row["Quantity"])
            amount = (quantity * Decimal(row["UnitPrice"])).quantize(CENT, ROUND_HALF_UP)
            revenue[customer] += amount
            if quantity > 0 and not row["InvoiceNo"].startswith("C"):
                bought[customer, row["InvoiceDate"][:10]] += amount
    buyers = {customer for (customer, _day), amount in bought.items() if amount > 0}
    return {customer: amount for customer, amount in revenue.items() if customer in buyers}


@measure("retail", "retail")
def retail(bench: Bench) -> Iterator[Result]:
    """Online Retail: load time, customers and revenue against a plain sum over the CSV."""
    if not retail_path().exists():
        yield Result(
            "retail", status="skipped",
            note=f"{RETAIL_FILE} is not there; BENCH_DATA names its folder",
        )  # fmt: skip
        return
    database = bench.database("retail")
    [(record,)] = query("SELECT record FROM bench_load", database=database)
    report = json.loads(record)
    yield Result(
        "retail.load", report["seconds"], "s", _within_three_minutes(),
        f"{report['booked_lines']:,} lines, {report['invoices']:,} invoices,"
        f" {report['credit_notes']:,} credit notes",
    )  # fmt: skip
    expected = retail_sums()
    with environment(database) as env:
        walk_in = env["res.partner"].browse(report["walk_in_partner_id"])
        env["crm.customer.exclusion"].create({"partner_id": walk_in.id, "reason": "walk_in"})
        refresh(env, RETAIL_DAY)
        env.cr.execute(
            "SELECT partner.ref, profile.revenue_total::text FROM crm_customer_profile AS profile"
            " JOIN res_partner AS partner ON partner.id = profile.partner_id"
            " WHERE profile.purchase_count > 0"
        )
        found = {ref: Decimal(revenue) for ref, revenue in env.cr.fetchall()}
    yield Result(
        "retail.customers", len(found) - len(expected), "customers", exactly(0),
        f"{len(found):,} rows, {len(expected):,} customers in the file",
    )  # fmt: skip
    difference = sum(found.values()) - sum(expected.values())
    yield Result(
        "retail.revenue", float(difference), "money", exactly(0),
        f"{sum(found.values()):,} in the rows, {sum(expected.values()):,} in the file",
    )  # fmt: skip
    wrong = sum(found.get(ref) != expected.get(ref) for ref in found.keys() | expected.keys())
    yield Result("retail.wrong", wrong, "customers", exactly(0), "revenue off by a penny or more")


def _within_three_minutes():
    from benchmarks.harness import below

    return below(180)


@measure("margin", "main")
def margin(bench: Bench) -> Iterator[Result]:
    """Margin and revenue of twelve months per customer against the generator's known costs."""
    database = bench.database("main")
    prepare_margins(database)
    nightly(database)
    window = {"from": date.today() - relativedelta(months=12), "until": date.today()}
    with environment(database) as env:
        env.cr.execute(
            """
            WITH truth AS (
                SELECT partner_id,
                       sum(revenue) FILTER (WHERE day > %(from)s) AS revenue,
                       sum(margin) FILTER (WHERE day > %(from)s) AS margin,
                       sum(revenue) AS revenue_total
                  FROM bench_truth
                 WHERE day <= %(until)s
                 GROUP BY partner_id
            )
            SELECT count(*),
                   count(*) FILTER (WHERE coalesce(truth.margin, 0)
                                       <> coalesce(profile.margin_12m, 0)),
                   count(*) FILTER (WHERE coalesce(truth.revenue, 0)
                                       <> coalesce(profile.revenue_12m, 0)),
                   sum(profile.margin_12m)::text, sum(truth.margin)::text
              FROM crm_customer_profile AS profile
              FULL JOIN truth ON truth.partner_id = profile.partner_id
             -- whose purchases were all taken back is no customer and has no row
             WHERE profile.id IS NOT NULL OR truth.revenue_total <> 0
            """,
            window,
        )
        rows, wrong_margin, wrong_revenue, ours, true = env.cr.fetchone()
    yield Result(
        "margin.margin", wrong_margin, "customers", exactly(0),
        f"off by a cent or more, of {rows:,}; sums {ours} and {true}",
    )  # fmt: skip
    yield Result(
        "margin.revenue", wrong_revenue, "customers", exactly(0), f"off by a cent, of {rows:,}"
    )
