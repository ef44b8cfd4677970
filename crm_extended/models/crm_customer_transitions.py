from typing import NamedTuple

from odoo import api, fields, models
from odoo.tools import SQL

SHOWN_EVENTS = 20


class Transition(NamedTuple):
    """Something that may have changed between ``shown`` (yesterday's row, NULLs for a new one)
    and ``staged`` (today's).

    ``kind``: an SQL expression that gives the kind of the event, NULL for none; ``settings``: the
    keys of the frozen settings that it depends on: a night on which these changed tells nothing of
    it, because it was the rules that moved and not the customers.
    """

    kind: SQL
    settings: tuple[str, ...]


class CrmCustomerTransitions(models.Model):
    """Notes every change of stage, flag and tier for delivery, while publishing."""

    _inherit = "crm.customer.profile"

    event_ids = fields.Many2many(
        "crm.customer.event",
        string="Timeline",
        compute="_compute_event_ids",
        help="What changed about the customer, latest first.",
    )

    @api.depends_context("uid")
    @api.depends("partner_id", "company_id")
    def _compute_event_ids(self):
        events = self.env["crm.customer.event"]
        for profile in self:
            profile.event_ids = events.search(
                [
                    ("partner_id", "=", profile.partner_id.id),
                    ("company_id", "=", profile.company_id.id),
                ],
                limit=SHOWN_EVENTS,
            )

    @api.model
    def _transitions(self, run) -> list[Transition]:
        rules = tuple(self._stage_rules())
        tiers = SQL("%s::integer[]", [tier["id"] for tier in run.settings["tiers"]["tiers"]])

        def flag(name: str, raised: str) -> SQL:
            return SQL(
                "CASE WHEN staged.%(flag)s AND shown.%(flag)s IS FALSE THEN %(raised)s"
                " WHEN shown.%(flag)s AND staged.%(flag)s IS NOT TRUE THEN %(lowered)s END",
                flag=SQL.identifier(name),
                raised=raised,
                lowered=f"{raised}_over",
            )

        return [
            Transition(
                SQL(
                    """CASE
                        WHEN shown.lifecycle_stage != staged.lifecycle_stage
                          OR (shown.id IS NULL AND staged.lifecycle_stage = 'new')
                        THEN staged.lifecycle_stage
                    END"""
                ),
                rules,
            ),
            # the flag is raised with the stage, which is told above
            Transition(
                SQL(
                    "CASE WHEN shown.retention_flag AND NOT staged.retention_flag"
                    " THEN 'at_risk_over' END"
                ),
                rules,
            ),
            Transition(flag("winback_flag", "to_win_back"), rules),
            Transition(flag("loss_maker_flag", "loss_maker"), ("source", "unit_costs")),
            Transition(flag("collect_first", "collect_first"), ("credit", "payments")),
            Transition(
                SQL(
                    """CASE SIGN(array_position(%(tiers)s, staged.tier_id)
                                 - array_position(%(tiers)s, shown.tier_id))
                        WHEN 1 THEN 'tier_up'
                        WHEN -1 THEN 'tier_down'
                    END""",
                    tiers=tiers,
                ),
                ("source", "tiers", "prices", "payments"),
            ),
        ]

    def _queue_tier_event(self, before):
        """A tier that somebody changed by a lock is told as one that was earned."""
        for row in self.filtered(lambda row: before and row.tier_id and row.tier_id != before):
            tiers = row.company_id._loyalty_tiers().ids
            if before.id not in tiers or row.tier_id.id not in tiers:
                continue
            is_up = tiers.index(row.tier_id.id) > tiers.index(before.id)
            # sudo: nobody may write the queue; who may lock tiers tells of them
            queue = self.env["crm.customer.event.queue"].sudo()
            queue.create(
                {
                    "partner_id": row.partner_id.id,
                    "company_id": row.company_id.id,
                    "date": row.company_id._customer_today(),
                    "kind": "tier_up" if is_up else "tier_down",
                    "old_stage": row.lifecycle_stage,
                    "old_tier_id": before.id,
                    "tier_id": row.tier_id.id,
                    "attempts": 0,
                }
            )
            queue._trigger_delivery()

    @api.model
    def _before_publishing(self, run):
        result = super()._before_publishing(run)
        self._queue_events(run)
        return result

    @api.model
    def _queue_events(self, run):
        """Write what changed since the published refresh into the queue. Nothing at the first
        refresh of a company, nor when an earlier day is restated, nor after that: what was told
        before would be told again."""
        before = run.company_id.customer_run_id
        if not before or run._is_look_back() or before._is_look_back():
            return
        changed = run._changed_inputs()
        kinds = [
            transition.kind
            for transition in self._transitions(run)
            if not changed & set(transition.settings)
        ]
        if not kinds:
            return
        self.env.cr.execute(
            SQL(
                """INSERT INTO crm_customer_event_queue
                          (partner_id, company_id, run_id, date, kind, old_stage, old_tier_id,
                           tier_id, attempts)
                   SELECT staged.partner_id, %(company)s, %(run)s, %(as_of)s, event.kind,
                          shown.lifecycle_stage, shown.tier_id, staged.tier_id, 0
                     FROM %(results)s AS staged
                     JOIN res_partner AS partner ON partner.id = staged.partner_id
                     LEFT JOIN crm_customer_profile AS shown
                       ON shown.partner_id = staged.partner_id
                      AND shown.company_id = %(company)s
                     CROSS JOIN LATERAL (VALUES %(kinds)s) AS event (kind)
                    WHERE event.kind IS NOT NULL
                      AND %(due)s
                    ORDER BY staged.partner_id""",
                company=run.company_id.id,
                run=run.id,
                as_of=run.as_of,
                results=run._staging("result"),
                kinds=SQL(", ").join(SQL("(%s)", kind) for kind in kinds),
                due=self._sql_is_due(run),
            )
        )
        if self.env.cr.rowcount:
            self.env["crm.customer.event.queue"]._trigger_delivery()
