"""What a campaign brought, against what a count of all orders would claim."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from benchmarks.databases import HILLSTROM_FILE, MAILED_ON, data_path
from benchmarks.harness import Bench, Result, exactly, measure
from benchmarks.measures.common import Stopwatch, refresh
from benchmarks.odoo_env import environment

if TYPE_CHECKING:
    from odoo.api import Environment
    from odoo.models import BaseModel

CONTROL = "No E-Mail"
WINDOW_DAYS = 14
# per customer, with interval; what is counted over what was caused
KNOWN = {
    "mens": ("Mens E-Mail", (0.770, 0.485, 1.055), 1.85),
    "womens": ("Womens E-Mail", (0.424, 0.169, 0.680), 2.54),
}


@measure("hillstrom", "campaign", timeout=3600)
def hillstrom(bench: Bench) -> Iterator[Result]:
    """Hillstrom's test as two mailings that were sent elsewhere: a manager imports who was mailed
    and who was not, a night finds what they bought in their invoices, and the result says what it
    brought: spend per customer of each mailing against control, and how much a count of all that
    the mailed customers spent overstates it: their whole spend over the spend that they would not
    have made without, which is mean of the mailed / difference of the means."""
    if not data_path(HILLSTROM_FILE).exists():
        yield Result(
            "hillstrom", status="skipped",
            note=f"{HILLSTROM_FILE} is not there; BENCH_DATA names its folder",
        )  # fmt: skip
        return
    with environment(bench.database("campaign")) as env:
        mailings = _make_mailings(env)
        with Stopwatch() as watch:
            cases = sum(_import(playbook, KNOWN[name][0]) for name, playbook in mailings.items())
        yield Result("hillstrom.import", watch.seconds, "s", note=f"{cases:,} customers")
        with Stopwatch() as watch:
            refresh(env, MAILED_ON + timedelta(days=60))
        yield Result("hillstrom.night", watch.seconds, "s", note="all of it, results among it")
        for name, playbook in mailings.items():
            result = playbook.sudo().result_ids
            yield from _results(name, result, *KNOWN[name][1:])
        env.cr.rollback()


def _make_mailings(env: Environment) -> dict[str, BaseModel]:
    """As a manager, who has them as playbooks of two campaigns."""
    manager = env["res.users"].create(
        {
            "name": "Bench Manager of Campaigns",
            "login": "bench_campaigns",
            "company_id": env.company.id,
            "company_ids": env.company.ids,
            "group_ids": [
                (4, env.ref("crm_extended.group_manager").id),
                (4, env.ref("sales_team.group_sale_manager").id),
            ],
        }
    )
    playbooks = env["crm.playbook"].with_user(manager)
    return {
        name: playbooks.create(
            {
                "name": segment,
                "trigger": "recorded",
                "window_days": WINDOW_DAYS,
                "campaign_id": env["utm.campaign"].create({"name": segment}).id,
            }
        )
        for name, (segment, *_known) in KNOWN.items()
    }


def _import(playbook: BaseModel, segment: str) -> int:
    """Import who was mailed and the control, as the web client does."""
    env = playbook.env
    env.cr.execute("SELECT ref, id FROM res_partner WHERE ref IS NOT NULL")
    partners = dict(env.cr.fetchall())
    arms = {segment: "treated", CONTROL: "held_out"}
    with gzip.open(data_path(HILLSTROM_FILE), "rt", newline="") as stream:
        rows = [
            [playbook.id, partners[str(number)], arms[line["segment"]], str(MAILED_ON)]
            for number, line in enumerate(csv.DictReader(stream), 1)
            if line["segment"] in arms
        ]
    columns = ["playbook_id/.id", "partner_id/.id", "arm", "date_assigned"]
    for start in range(0, len(rows), 2000):
        imported = env["crm.playbook.case"].load(columns, rows[start : start + 2000])
        if imported["messages"]:
            raise RuntimeError(imported["messages"][0]["message"])
    return len(rows)


def _results(name: str, result: BaseModel, interval, factor: float) -> Iterator[Result]:
    found = result.revenue_found
    customers = (
        f"{result.treated_count:,} mailed, {result.held_out_count:,} not:"
        f" {result.revenue_verdict}, {result.revenue_earned:,.0f} in all"
    )
    notes = (customers, "lower end of 95 %", "upper end of 95 %")
    values = (found["difference"], found["low"], found["high"])
    parts = ("", "_low", "_high")
    for part, value, known, note in zip(parts, values, interval, notes, strict=True):
        yield Result(f"hillstrom.{name}{part}", round(value, 3), "a customer", exactly(known), note)
    yield Result(
        f"hillstrom.{name}_naive", round(found["overstatement"], 2), "×", exactly(factor),
        f"counts {found['claimed']:,.0f}, caused {found['caused']:,.0f}",
    )  # fmt: skip
