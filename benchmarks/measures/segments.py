"""Segments: who entered and left, found after the numbers are published."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from benchmarks.harness import Bench, Result, at_most, measure
from benchmarks.measures.common import Stopwatch, environment, nightly

if TYPE_CHECKING:
    from odoo.api import Environment
    from odoo.models import BaseModel

RULES = (
    "[('lifecycle_stage', '=', 'at_risk')]",
    "[('lifecycle_stage', '=', 'loyal'), ('partner_id.country_id', '!=', False)]",
    "[('lifecycle_stage', '=', 'lost'), ('purchase_count', '>=', 5)]",
    "[('lifecycle_stage', '=', 'new')]",
    "[('purchase_count', '=', 1)]",
    "[('purchase_count', '>=', 3), ('last_purchase_date', '>', 'today -90d')]",
    "[('last_purchase_date', '<=', 'today -365d')]",
    "[('revenue_12m', '>', 0)]",
    "[('revenue_12m', '>', 1000), ('partner_id.user_id', '=', False)]",
    "[('m_score', '>=', 4), ('retention_flag', '=', True)]",
    "[('m_score', '=', 5)]",
    "[('r_score', '<=', 2), ('f_score', '>=', 4)]",
    "[('life_stage', '=', 'declining')]",
    "[('life_stage', '=', 'growing'), ('collect_first', '=', False)]",
    "[('overdue_since', '<=', 'today -30d')]",
    "[('next_tier_id', '!=', False), ('next_tier_days', '<=', 60)]",
    "[('wallet_source', 'not in', ['declared', 'rank', 'benchmark'])]",
    "[('tier_valid_until', '<=', 'today +60d')]",
    "['|', ('winback_flag', '=', True), ('retention_flag', '=', True)]",
    "[('partner_id.name', 'ilike', '7')]",
)


@measure("segments", "main", timeout=1800)
def segments(bench: Bench) -> Iterator[Result]:
    """Twenty segments over all customers: found at first, in a night after which one in a hundred
    has moved, and in a night in which nobody has."""
    database = bench.database("main")
    nightly(database)
    with environment(database) as env:
        segments = _make_segments(env)
        company = env.company
        run = company.customer_run_id
        env.cr.execute(
            "SELECT count(*) FROM crm_customer_profile WHERE company_id = %s", (company.id,)
        )
        [customers] = env.cr.fetchone()
        first, longest = _refreshed(segments, run)
        env.cr.execute(
            "SELECT count(*) FROM crm_customer_segment_member WHERE segment_id = ANY(%s)",
            (segments.ids,),
        )
        [members] = env.cr.fetchone()
        yield Result(
            "segments.first", first, "s",
            note=f"{len(segments)} over {customers:,} customers, {members:,} members; longest"
            f" {longest:.1f} s",
        )  # fmt: skip
        env.cr.execute(
            """UPDATE crm_customer_profile
                  SET lifecycle_stage = 'lost', m_score = 1, revenue_12m = 0, purchase_count = 6
                WHERE company_id = %s AND id %% 100 = 7""",
            (company.id,),
        )
        env.invalidate_all()
        for name, days in (("segments", 1), ("segments.unmoved", 2)):
            run.as_of += timedelta(days=1)
            company.customer_latest_as_of = run.as_of
            seconds, longest = _refreshed(segments, run)
            yield Result(
                name, seconds, "s", at_most(10),
                f"{len(segments)} over {customers:,} customers, night {days} after; longest"
                f" {longest:.1f} s",
            )  # fmt: skip
        env.cr.rollback()


def _make_segments(env: Environment) -> BaseModel:
    """Owned by a manager, as a rule that the superuser owns is refused."""
    owner = env["res.users"].create(
        {
            "name": "Bench Owner of Segments",
            "login": "bench_segments",
            "company_id": env.company.id,
            "company_ids": env.company.ids,
            "group_ids": [(4, env.ref("crm_extended.group_manager").id)],
        }
    )
    # saving a rule finds its members: that is measured apart
    return env["crm.customer.segment"].with_context(install_mode=True).create(
        [
            {
                "name": f"Bench {number}",
                "domain": rule,
                "user_id": owner.id,
                "company_id": env.company.id,
            }
            for number, rule in enumerate(RULES)
        ]
    )  # fmt: skip


def _refreshed(segments: BaseModel, run: BaseModel) -> tuple[float, float]:
    """Seconds of all and of the longest."""
    segments.env["crm.customer.profile"]._refresh_limits()
    times = []
    for segment in segments.with_context(install_mode=False):
        with Stopwatch() as watch:
            segment._refresh_in(run)
        if segment.error:
            raise RuntimeError(f"{segment.name}: {segment.error}")
        times.append(watch.seconds)
    return sum(times), max(times)
