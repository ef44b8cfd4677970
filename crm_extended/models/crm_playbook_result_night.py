from typing import NamedTuple

from odoo import api, models
from odoo.tools import SQL

from ..analytics.campaign import Found, grain_of, grouped, judge
from ..analytics.experiment import Arm
from .crm_playbook_result import MEASURES

# margins are compared where so much of the amounts of both arms has a known cost
COVERAGE = 0.8


class Totals(NamedTuple):
    """What the cases of a playbook, or of the playbooks of a campaign, are together."""

    playbook_ids: tuple[int, ...]
    treated: int
    """Of ended windows, as the next one."""
    held_out: int
    exempt: int
    running: int
    date_from: object
    date_to: object
    next_end: object
    coverage: float
    """Of the arm whose costs are known for less."""


class CrmPlaybookResultNight(models.Model):
    """Works out results in a refresh: sums of the cases in SQL, the rest from these alone."""

    _inherit = "crm.playbook.result"

    @api.model
    def _refresh_in(self, run, days):
        """Bring the results of a company up to date; what is as it was is not written.

        :param days: see ``_days``
        """
        company = run.company_id
        shown = {
            (result.kind, (result.playbook_id or result.campaign_id).id): result
            for result in self.search([("company_id", "=", company.id)])
        }
        totals = self._totals(run)
        missing = []
        for key, of_key in totals.items():
            values = self._values_of(run, of_key, days)
            result = shown.pop(key, None)
            if not result:
                kind, record_id = key
                values |= {f"{kind}_id": record_id, "kind": kind, "company_id": company.id}
                missing.append(values)
                continue
            changed = {
                name: value
                for name, value in values.items()
                if (result[name] or False) != (value or False)
            }
            if changed:
                result.write(changed)
        self.create(missing)
        self.browse([result.id for result in shown.values()]).unlink()
        self.env.flush_all()

    @api.model
    def _totals(self, run) -> dict[tuple[str, int], Totals]:
        """By ``("playbook", id)`` and ``("campaign", id)``."""
        rows = self.env.execute_query(
            SQL(
                """WITH arms AS (
                    SELECT playbook.id AS playbook_id, playbook.campaign_id, arm,
                           -- not for everybody who sees the campaign
                           COALESCE(playbook.shows_margins OR playbook.is_private, FALSE)
                               AS is_guarded,
                           COUNT(*) FILTER (WHERE %(ended)s) AS ended,
                           COUNT(*) FILTER (WHERE NOT %(ended)s) AS running,
                           MIN(date_assigned) AS date_from, MAX(date_assigned) AS date_to,
                           MIN(date_end) FILTER (WHERE NOT %(ended)s) AS next_end,
                           COALESCE(SUM(gross_known) FILTER (WHERE %(ended)s), 0)
                               / NULLIF(SUM(gross) FILTER (WHERE %(ended)s), 0) AS coverage
                      FROM crm_playbook_case AS own
                      JOIN crm_playbook AS playbook ON playbook.id = own.playbook_id
                     WHERE own.company_id = %(company)s
                     GROUP BY playbook.id, arm
                ),
                keyed AS (
                    SELECT 'playbook' AS kind, playbook_id AS key, * FROM arms
                    UNION ALL
                    SELECT 'campaign', campaign_id, * FROM arms
                     WHERE campaign_id IS NOT NULL AND NOT is_guarded
                )
                SELECT kind, key, array_agg(DISTINCT playbook_id),
                       COALESCE(SUM(ended) FILTER (WHERE arm = 'treated'), 0)::integer,
                       COALESCE(SUM(ended) FILTER (WHERE arm = 'held_out'), 0)::integer,
                       COALESCE(SUM(ended + running) FILTER (WHERE arm = 'exempt'), 0)::integer,
                       COALESCE(SUM(running) FILTER (WHERE arm <> 'exempt'), 0)::integer,
                       MIN(date_from), MAX(date_to),
                       MIN(next_end) FILTER (WHERE arm <> 'exempt'),
                       COALESCE(MIN(coverage) FILTER (WHERE arm <> 'exempt'), 1)::float8
                  FROM keyed
                 GROUP BY kind, key
                 ORDER BY kind, key""",
                ended=self._sql_has_ended(run),
                company=run.company_id.id,
            )
        )
        return {
            (kind, key): Totals(tuple(sorted(playbooks)), *rest)
            for kind, key, playbooks, *rest in rows
        }

    @api.model
    def _sql_has_ended(self, run) -> SQL:
        return SQL("(own.outcome_state IS NOT NULL AND own.date_end <= %s)", run.as_of)

    @api.model
    def _days(self, run) -> dict[tuple, dict[str, tuple[Arm, Arm]]]:
        """``{(playbook, day of assignment): {measure: (contacted, hold-out)}}`` of ended windows.

        Of an amount whose cost is not known, the margin is taken at the rate of the known ones of
        the same playbook and arm.
        """
        rows = self.env.execute_query(
            SQL(
                """WITH ended AS (
                    SELECT playbook_id, arm, date_assigned, order_count::bigint, revenue,
                           COALESCE(margin, 0) AS margin,
                           COALESCE(revenue * gross_known / NULLIF(gross, 0), 0) AS costed
                      FROM crm_playbook_case AS own
                     WHERE company_id = %(company)s AND arm <> 'exempt' AND %(ended)s
                ),
                rates AS (
                    SELECT playbook_id, arm,
                           COALESCE(SUM(margin) / NULLIF(SUM(costed), 0), 0) AS rate
                      FROM ended
                     GROUP BY playbook_id, arm
                ),
                filled AS (
                    SELECT ended.*,
                           ROUND(margin + (revenue - costed) * rate, 6) AS whole_margin
                      FROM ended
                      JOIN rates USING (playbook_id, arm)
                )
                SELECT playbook_id, date_assigned, arm, COUNT(*),
                       SUM(order_count), SUM(order_count * order_count),
                       SUM(revenue), SUM(revenue * revenue),
                       SUM(whole_margin), SUM(whole_margin * whole_margin)
                  FROM filled
                 GROUP BY playbook_id, date_assigned, arm""",
                company=run.company_id.id,
                ended=self._sql_has_ended(run),
            )
        )
        days = {}
        for playbook, day, arm, count, *sums in rows:
            of_day = days.setdefault((playbook, day), {name: {} for name in MEASURES})
            for number, name in enumerate(MEASURES):
                of_day[name][arm] = Arm(count, *sums[2 * number : 2 * number + 2])
        nobody = Arm(0, 0, 0)
        return {
            key: {
                name: tuple(arms.get(arm, nobody) for arm in ("treated", "held_out"))
                for name, arms in of_day.items()
            }
            for key, of_day in days.items()
        }

    @api.model
    def _values_of(self, run, totals: Totals, days) -> dict:
        own = {key: of_day for key, of_day in days.items() if key[0] in totals.playbook_ids}
        sizes = [(key, *(arm.count for arm in of_day["orders"])) for key, of_day in own.items()]
        grain = grain_of(sizes)
        playbooks = self.env["crm.playbook"].browse(totals.playbook_ids)
        cost = self._cost_of(playbooks, sizes)
        values = {
            "date_from": totals.date_from,
            "date_to": totals.date_to,
            "next_end": totals.next_end or False,
            "treated_count": totals.treated,
            "held_out_count": totals.held_out,
            "exempt_count": totals.exempt,
            "running_count": totals.running,
            "grain": grain,
            "contact_cost": run.company_id.currency_id.round(cost),
            "margin_coverage": round(totals.coverage, 4),
        }
        for name in MEASURES:
            values |= self._values_of_measure(run, name, totals, own, grain, cost)
        return values

    @api.model
    def _cost_of(self, playbooks, sizes) -> float:
        """Of a contact, on average over those who were contacted."""
        costs = {playbook.id: playbook.cost_per_contact for playbook in playbooks}
        treated = sum(size for _key, size, _held_out in sizes)
        total = sum(costs[playbook] * size for (playbook, _day), size, _held_out in sizes)
        return total / treated if treated else max(costs.values(), default=0)

    @api.model
    def _values_of_measure(self, run, name, totals, own, grain, cost) -> dict:
        if name == "margin" and not self._compares_margins(run, totals):
            return {f"margin_{part}": False for part in ("verdict", "found", "earned")}
        waves = grouped({key: of_day[name] for key, of_day in own.items()}, grain)
        found = judge(list(waves.values()), cost if name == "margin" else 0)
        earned = found.earned[0] if found.earned else 0
        currency = run.company_id.currency_id
        return {
            f"{name}_verdict": self._verdict_of(found, totals),
            f"{name}_found": self._as_json(found, waves),
            f"{name}_earned": round(earned, 1) if name == "orders" else currency.round(earned),
        }

    @api.model
    def _compares_margins(self, run, totals) -> bool:
        recorded = self.env["crm.customer.profile"]._margin_is_recorded(run.company_id)
        return recorded and totals.coverage >= COVERAGE

    @api.model
    def _verdict_of(self, found: Found, totals: Totals) -> str:
        if totals.treated and totals.held_out:
            return found.verdict
        return "too_early" if totals.running else "no_holdout"

    @api.model
    def _as_json(self, found: Found, waves) -> dict:
        pooled, net = found.pooled, found.net
        numbers = {
            "treated_mean": pooled.treated_mean,
            "held_out_mean": pooled.held_out_mean,
            "difference": pooled.effect.difference,
            "low": pooled.effect.low,
            "high": pooled.effect.high,
            "net": net.difference,
            "net_low": net.low,
            "net_high": net.high,
            "chance": pooled.chance,
            "claimed": found.counted.claimed,
            "caused": found.counted.caused,
            "overstatement": found.counted.overstatement,
        }
        return {name: value and round(value, 6) for name, value in numbers.items()} | {
            "customers": net.treated,
            "missing": found.missing,
            "left_out": pooled.left_out,
            "waves": [
                [
                    str(day),
                    treated.count,
                    held_out.count,
                    treated.count and round(float(treated.mean), 6),
                    held_out.count and round(float(held_out.mean), 6),
                ]
                for (_playbook, day), (treated, held_out) in waves.items()
            ],
        }
