"""Playbooks: what must hold in every night of a year in which customers buy, refuse and return."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING

from benchmarks.databases import query
from benchmarks.harness import Bench, Result, at_most, exactly, measure
from benchmarks.measures.common import Stopwatch, environment, prepare_margins, refresh
from benchmarks.measures.loyalty import begin_anew

if TYPE_CHECKING:
    from odoo.api import Environment

WINDOW = 21
LIMIT = 20
PLAYBOOKS = {
    "at risk": {"event_kind": "at_risk", "reason": "at_risk", "holdout_share": 0.3},
    "at risk, other": {"event_kind": "at_risk", "reason": "at_risk", "creates_lead": True},
    "lost": {
        "event_kind": "lost",
        "reason": "win_back",
        "holdout_share": 0.3,
        "holdout_kind": "never",
        "mail_template_id": True,
    },
    "new": {"event_kind": "new", "reason": "new", "stops_on_purchase": False},
    "tier": {"event_kind": "tier_up", "reason": "tier", "holdout_share": 0.5, "pause_days": 10},
    "segment": {
        "trigger": "segment",
        "event_kind": False,
        "reason": "segment",
        "holdout_share": 0.3,
        "creates_lead": True,
    },
}


@measure("playbooks", "loyal", timeout=3600)
def playbooks(bench: Bench) -> Iterator[Result]:
    """A year of nights with six playbooks, while customers buy, opt out and are blacklisted,
    salespeople do a third of what is planned, and somebody approves the e-mails."""
    database = bench.database("loyal")
    prepare_margins(database)
    today = date.today()
    days = [today - timedelta(days=ago) for ago in reversed(range(bench.scale.nights))]
    begin_anew(database)
    with environment(database) as env:
        refresh(env, days[0] - timedelta(days=1))
        _switch_on(env)
    chooser, refused = random.Random(5), {}
    refreshing, working = Stopwatch(), Stopwatch()
    night, work = 0.0, 0.0
    for day in days:
        with environment(database) as env, refreshing:
            refresh(env, day)
        with environment(database) as env, working:
            _work(env)
        night, work = night + refreshing.seconds, work + working.seconds
        with environment(database) as env:
            _live(env, day, chooser, refused)
        if day == days[-1] - timedelta(days=WINDOW + 2):
            with environment(database) as env:
                env["crm.playbook"].search([("is_running", "=", True)]).action_switch_off()
    # what the last day changed
    with environment(database) as env:
        refresh(env, today)
        _work(env)
    size = _size(database, bench, len(days))
    yield Result("playbooks.twice", _open_twice(database), "pairs", exactly(0),
                 f"of cases open at once for a customer and a reason; {size}")  # fmt: skip
    yield Result("playbooks.held_out", _held_out_contacted(database), "contacts", exactly(0),
                 "of who was held out, by the same playbook, before the window ended")  # fmt: skip
    contacts = _refused_contacted(database, refused)
    yield Result("playbooks.refused", contacts, "contacts", exactly(0),
                 f"of {len(refused)} customers who had opted out or were blacklisted")  # fmt: skip
    [(left,)] = query(
        "SELECT count(*) FROM crm_playbook_case WHERE state != 'closed'", database=database
    )
    yield Result("playbooks.endless", left, "cases", exactly(0), "not ended with their window")
    [(most,)] = query(
        "SELECT coalesce(max(number), 0) FROM (SELECT count(*) AS number FROM crm_playbook_case"
        " GROUP BY playbook_id, date_assigned) AS night",
        database=database,
    )
    yield Result("playbooks.night", most, "cases", at_most(LIMIT), "most of a playbook in a night")
    yield Result("playbooks.seconds", work / len(days), "s",
                 note=f"the work of a night's cases, beside {night / len(days):.2f} s of its"
                 " refresh")  # fmt: skip


def _switch_on(env: Environment) -> None:
    """The only playbooks there are."""
    env["crm.playbook.case"].search([]).unlink()
    env["crm.playbook"].search([]).write({"is_running": False})
    env.cr.execute(
        "UPDATE res_partner SET email = lower(ref) || '@example.com',"
        " email_normalized = lower(ref) || '@example.com' WHERE ref LIKE 'C%%'"
    )
    env.invalidate_all()
    template = env["mail.template"].create(
        {
            "name": "Bench",
            "model_id": env["ir.model"]._get_id("res.partner"),
            "subject": "Bench",
            "body_html": "<p>Bench</p>",
            "email_from": "bench@example.com",
        }
    )
    owner = env.ref("base.user_admin")
    segment = env["crm.customer.segment"].create(
        {
            "name": "Bench: bought often, silent for two months",
            "domain": "[('purchase_count', '>', 4), ('last_purchase_date', '<', 'today -60d')]",
            "company_id": env.company.id,
            "user_id": owner.id,
        }
    )
    for name, values in PLAYBOOKS.items():
        values = dict(values)
        if "mail_template_id" in values:
            values["mail_template_id"] = template.id
        if values.get("trigger") == "segment":
            values["segment_id"] = segment.id
        playbook = env["crm.playbook"].create(
            {
                "name": f"Bench {name}",
                "company_id": env.company.id,
                "user_id": owner.id,
                "activity_type_id": env.ref("mail.mail_activity_data_call").id,
                "nightly_limit": LIMIT,
                "window_days": WINDOW,
                "pause_days": 60,
            }
            | values
        )
        playbook.action_switch_on()
        if playbook.has_state:
            playbook.includes_existing = True


def _work(env: Environment) -> None:
    """What the scheduled action does, and somebody who approves all e-mails."""
    cases = env["crm.playbook.case"]
    for _round in range(2):
        while cases._drop_batch():
            pass
        while cases._work_batch():
            pass
        waiting = cases.search([("state", "=", "approval"), ("approved_by_id", "=", False)])
        waiting.write({"approved_by_id": env.uid})
    failed = cases.search([("error", "!=", False), ("state", "!=", "closed")], limit=1)
    if failed:
        raise RuntimeError(f"a case failed: {failed.error}")


def _live(env: Environment, day: date, chooser: random.Random, refused: dict) -> None:
    """Salespeople do some of their activities; some customers want nothing more."""
    activities = env["mail.activity"].search([("playbook_case_id", "!=", False)], order="id")
    for activity in activities.filtered(lambda _activity: chooser.random() < 0.05):
        activity.action_feedback("Done")
    cases = env["crm.playbook.case"].search([("state", "!=", "closed")], order="id")
    partners = cases.partner_id.filtered("email").sorted("id")
    for number, partner in enumerate(chooser.sample(partners, min(2, len(partners)))):
        if number:
            partner.profiling_optout = True
        else:
            env["mail.blacklist"]._add(partner.email)
        refused[partner.id] = day


def _size(database: str, bench: Bench, nights: int) -> str:
    rows = query(
        "SELECT arm, close_reason FROM crm_playbook_case WHERE state = 'closed'", database=database
    )
    arms, ends = Counter(arm for arm, _end in rows), Counter(end for _arm, end in rows)
    return (
        f"{bench.scale.loyal:,} customers, {nights} nights, {len(rows):,} cases: "
        + ", ".join(f"{number:,} {name}" for name, number in sorted(arms.items()))
        + "; ended: "
        + ", ".join(f"{number:,} {name}" for name, number in sorted(ends.items()))
    )


def _open_twice(database: str) -> int:
    [(pairs,)] = query(
        """SELECT count(*)
             FROM crm_playbook_case AS first
             JOIN crm_playbook_case AS second USING (partner_id, company_id, reason)
            WHERE first.id < second.id
              AND second.date_assigned < COALESCE(first.date_closed, 'infinity')""",
        database=database,
    )
    return pairs


def _held_out_contacted(database: str) -> int:
    [(contacts,)] = query(
        """SELECT count(*)
             FROM crm_playbook_case AS held_out
             JOIN crm_playbook_case AS contact
               ON contact.playbook_id = held_out.playbook_id
              AND contact.partner_id = held_out.partner_id
              AND contact.date_assigned BETWEEN held_out.date_assigned AND held_out.date_closed
            WHERE held_out.arm = 'held_out'
              AND (contact.id = held_out.id
                   OR contact.date_assigned < LEAST(held_out.date_end, held_out.date_closed))
              AND (contact.lead_id IS NOT NULL OR contact.mail_id IS NOT NULL
                   OR contact.user_id IS NOT NULL
                   OR EXISTS (SELECT FROM mail_activity AS activity
                               WHERE activity.playbook_case_id = contact.id))""",
        database=database,
    )
    return contacts


def _refused_contacted(database: str, refused: dict[int, date]) -> int:
    """Cases opened later, activities still planned, e-mails that would go out."""
    count = 0
    for partner, day in refused.items():
        [(contacts,)] = query(
            """SELECT (SELECT count(*) FROM crm_playbook_case
                        WHERE partner_id = %(partner)s AND date_assigned > %(day)s)
                    + (SELECT count(*) FROM mail_activity AS activity
                         JOIN crm_playbook_case AS planned
                           ON planned.id = activity.playbook_case_id
                        WHERE planned.partner_id = %(partner)s AND activity.active)
                    + (SELECT count(*) FROM mail_mail AS mail
                         JOIN crm_playbook_case AS sent ON sent.mail_id = mail.id
                        WHERE sent.partner_id = %(partner)s AND mail.state = 'outgoing')""",
            {"partner": partner, "day": day},
            database=database,
        )
        count += contacts
    return count
