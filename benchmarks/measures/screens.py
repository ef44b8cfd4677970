"""What the addon costs on the screens that people wait for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.harness import Bench, Result, at_most, below, exactly, measure
from benchmarks.measures.common import (
    cold,
    environment,
    nightly,
    prepare_margins,
    salesperson,
)

if TYPE_CHECKING:
    from odoo.api import Environment

PLAIN_COLUMNS = (
    "complete_name",
    "email",
    "phone",
    "city",
    "country_id",
    "user_id",
    "customer_rank",
)
"""Columns of a contact list without the addon."""
OUR_COLUMNS = ("lifecycle_stage", "retention_flag", "revenue_12m", "customer_currency_id")
"""Stage, status and revenue (with the currency that a list needs to show an amount)."""
CUSTOMERS = [("customer_rank", ">", 0)]
REPETITIONS = 15


def _specification(names: tuple[str, ...]) -> dict:
    relational = {"country_id", "user_id", "customer_currency_id"}
    return {name: {"fields": {"display_name": {}}} if name in relational else {} for name in names}


def _list(env: Environment, names: tuple[str, ...], ids: list[int]) -> dict:
    partners = env["res.partner"]
    return partners.web_search_read([("id", "in", ids)], _specification(names), limit=80)


def _refreshed(bench: Bench, recipe: str) -> str:
    database = bench.database(recipe)
    with environment(database) as env:
        env.cr.execute("SELECT count(*) FROM crm_customer_profile")
        rows = env.cr.fetchone()[0]
    if not rows:
        prepare_margins(database)
        nightly(database)
    return database


@measure("list", "main")
def partner_list(bench: Bench) -> Iterator[Result]:
    """List of 80 contacts with stage, status and revenue, against the same without them."""
    database = _refreshed(bench, "main")
    extra_queries = {}
    with environment(database) as env:
        user = salesperson(env)
        customers = user["res.partner"].search(
            [*CUSTOMERS, ("user_id", "=", user.uid), ("lifecycle_stage", "!=", False)], limit=80
        )
        columns = {False: PLAIN_COLUMNS, True: PLAIN_COLUMNS + OUR_COLUMNS}
        for number in (80, 1):
            ids = customers[:number].ids
            measured = {False: [], True: []}
            for _repetition in range(REPETITIONS):
                for with_ours, names in columns.items():
                    work = partial(_list, user, names, ids)
                    measured[with_ours].append(cold(work, user))
            plain, ours = measured[False], measured[True]
            extra_queries[number] = min(ours, key=_queries)[1] - min(plain, key=_queries)[1]
            if number == 80:
                milliseconds = median(ms for ms, _count in plain), median(ms for ms, _c in ours)
    yield Result("list.queries", extra_queries[80], "queries more", at_most(3), "80 contacts")
    yield Result(
        "list.queries_grow",
        extra_queries[80] - extra_queries[1],
        "queries",
        exactly(0),
        f"80 contacts: {extra_queries[80]} more, one: {extra_queries[1]} more",
    )
    yield Result(
        "list.time",
        milliseconds[1] - milliseconds[0],
        "ms more",
        at_most(15),
        f"{milliseconds[0]:.1f} ms without; medians of {REPETITIONS}",
    )


def _queries(measured: tuple[float, int]) -> int:
    return measured[1]


@measure("group_sort", "main")
def group_sort(bench: Bench) -> Iterator[Result]:
    """Group all contacts by stage, and sort them by revenue, with record rules."""
    database = _refreshed(bench, "main")
    with environment(database) as env:
        users = {"salesperson": salesperson(env), "administrator": env(user=2)}
        for role, user in users.items():
            partners = user["res.partner"]
            number = partners.search_count(CUSTOMERS)
            yield _timed(
                f"group_sort.stage_{role}",
                lambda partners=partners: partners.web_read_group(
                    CUSTOMERS, ["lifecycle_stage"], ["revenue_12m:sum"]
                ),
                user,
                f"{number:,} contacts, sum of revenue per stage",
            )
            yield _timed(
                f"group_sort.revenue_{role}",
                lambda partners=partners: partners.web_search_read(
                    CUSTOMERS,
                    _specification(PLAIN_COLUMNS + OUR_COLUMNS),
                    limit=80,
                    order="revenue_12m desc",
                ),
                user,
                f"{number:,} contacts, first page",
            )


def _timed(name: str, work, env: Environment, note: str) -> Result:
    cold(work, env)
    times = [cold(work, env)[0] / 1000 for _repetition in range(5)]
    return Result(name, median(times), "s", below(1), note)


@measure("form", "without", "with")
def partner_form(bench: Bench) -> Iterator[Result]:
    """Queries to open a customer's form, against the same without the addon."""
    queries, fields = {}, {}
    for recipe in ("without", "with"):
        database = bench.database(recipe) if recipe == "without" else _refreshed(bench, recipe)
        with environment(database) as env:
            user = salesperson(env)
            partner = user["res.partner"].search(
                [*CUSTOMERS, ("user_id", "=", user.uid)], order="id", limit=1
            )
            specification = _form_specification(partner)
            fields[recipe] = len(specification)
            counts = [
                cold(lambda: partner.web_read(specification), user)[1]  # noqa: B023
                for _repetition in range(5)
            ]
            queries[recipe] = min(counts)
    more = fields["with"] - fields["without"]
    if not more:
        raise RuntimeError("the addon shows this user no field on the form: nothing to measure")
    yield Result(
        "form", queries["with"] - queries["without"], "queries more", at_most(4),
        f"{queries['without']} without; {more} fields more",
    )  # fmt: skip


def _form_specification(record) -> dict:
    """What the web client asks for to show the form view."""
    from lxml import etree

    arch = record.get_views([(False, "form")])["views"]["form"]["arch"]
    tree = etree.fromstring(arch)
    names = {node.get("name") for node in tree.xpath("//field[not(ancestor::field)]")}
    return {
        name: {"fields": {"display_name": {}}} if record._fields[name].relational else {}
        for name in names
        if name in record._fields
    }


@measure("explain", "main")
def explain(bench: Bench) -> Iterator[Result]:
    """Open the purchase lines behind the row of the customer who has most of them."""
    database = _refreshed(bench, "main")
    with environment(database) as env:
        user = env(user=2)
        profile = user["crm.customer.profile"].search([], order="purchase_count DESC, id", limit=1)
        domain = profile.action_open_documents()["domain"]
        facts = user["crm.customer.fact"]
        names = ["date", "product_id", "quantity", "amount", "document_name"]
        times = [cold(lambda: facts.search_read(domain, names, limit=80), user)[0] / 1000
                 for _repetition in range(5)]  # fmt: skip
        yield Result(
            "explain", median(times), "s", note=f"80 of {facts.search_count(domain):,} lines"
        )
