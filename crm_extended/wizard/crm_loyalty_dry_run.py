from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from ..models.crm_loyalty_tier import TIER_BASES, TIER_MEASURES

LISTED_MOVES = 500


class CrmLoyaltyDryRun(models.TransientModel):
    """Tries new rules of the loyalty programme on the published customers before they apply: who
    would move, when, and what it changes. The figures are those of the last refresh."""

    _name = "crm.loyalty.dry.run"
    _description = "Dry Run of Loyalty Rules"

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    measure = fields.Selection(TIER_MEASURES, "Tiers Are Earned By", required=True)
    basis = fields.Selection(TIER_BASES, "Thresholds Are", required=True)
    guarantee = fields.Integer("Guaranteed For", help="Days.")
    keep = fields.Float("Kept From", help="Per cent of the threshold.")
    line_ids = fields.One2many("crm.loyalty.dry.run.line", "dry_run_id", "Tiers")
    move_ids = fields.One2many("crm.loyalty.dry.run.move", "dry_run_id", "Who Moves", readonly=True)
    is_done = fields.Boolean(readonly=True)
    up_count = fields.Integer("Up", readonly=True)
    down_count = fields.Integer("Down", readonly=True)
    later_count = fields.Integer("Down Later", readonly=True)
    stay_count = fields.Integer("Stay", readonly=True)
    more_count = fields.Integer("More", readonly=True)

    def _compute_display_name(self):
        self.display_name = self.env._("Try New Rules")

    @api.model
    def default_get(self, fields_list):
        values = super().default_get(fields_list)
        company = self.env["res.company"].browse(values.get("company_id") or self.env.company.id)
        self._check_company(company)
        rules = company.sudo()
        return values | {
            "measure": rules.customer_tier_measure,
            "basis": rules.customer_tier_basis,
            "guarantee": rules.customer_tier_guarantee,
            "keep": rules.customer_tier_keep,
            "line_ids": [
                Command.create(
                    {
                        "tier_id": tier.id,
                        "threshold": tier.threshold,
                        "tenure_days": tier.tenure_days,
                    }
                )
                for tier in company._loyalty_tiers()
            ],
        }

    def action_try(self):
        """Compute who would move, in the last refresh's figures, and show it."""
        self.ensure_one()
        self._check_manager()
        run = self.company_id.sudo().customer_run_id
        if not run:
            raise UserError(
                self.env._("There are no customers yet to try rules on: refresh them first.")
            )
        with self.env.cr.savepoint() as trial:
            self._write_rules()
            rules = self.company_id._customer_settings()["tiers"]
            trial.close(rollback=True)
        self.env.invalidate_all()
        self.move_ids.sudo().unlink()
        self._keep_moves(self._moves(run.sudo(), rules))
        return self._reopen()

    def action_apply(self):
        """Make these the rules; customers move in the refresh that is started."""
        self.ensure_one()
        self._check_manager()
        self._write_rules()
        profiles = self.env["crm.customer.profile"].with_company(self.company_id)
        return profiles.action_recompute()

    def _check_manager(self):
        self.env.user._check_customer_manager()
        self._check_company(self.company_id)
        self.company_id._check_may_set_thresholds(self.measure)

    @api.model
    def _check_company(self, company):
        if company not in self.env.user.company_ids:
            raise AccessError(self.env._("This is not one of your companies."))

    def _write_rules(self):
        """The same checks as everywhere: contradictions are refused before anything is tried."""
        # sudo: a customer intelligence manager need not be an administrator
        company = self.company_id.sudo()
        tiers = company._loyalty_tiers()
        # one after the other they could stand in each other's way: all at once
        thresholds = {line.tier_id: line for line in self.line_ids}
        company.with_context(customer_tiers_unchecked=True).write(
            {
                "customer_tier_measure": self.measure,
                "customer_tier_basis": self.basis,
                "customer_tier_guarantee": self.guarantee,
                "customer_tier_keep": self.keep,
            }
        )
        for tier in tiers & self.line_ids.tier_id:
            line = thresholds[tier]
            values = {"threshold": line.threshold, "tenure_days": line.tenure_days}
            if tier.threshold != line.threshold:
                values["priced_on"] = fields.Date.context_today(self)
            tier.with_context(customer_tiers_unchecked=True).write(values)
        company._check_tiers()

    def _moves(self, run, rules) -> list[tuple]:
        """``(customer, tier before, tier after, when)`` of all customers under new rules."""
        profiles = self.env["crm.customer.profile"].sudo()
        day = run.as_of
        columns = (
            "partner_id",
            "purchase_count",
            "first_purchase_date",
            "revenue_12m",
            "revenue_real_12m",
            "margin_real_12m",
            "overdue_amount",
            "cost_to_serve_12m",
            "earned_tier_id",
        )
        rows = SQL(
            """SELECT %s,
                      profile.earned_tier_id AS old_tier_id,
                      profile.earned_tier_since AS old_tier_since,
                      profile.earned_tier_valid_until AS old_tier_valid_until
                 FROM crm_customer_profile AS profile
                WHERE profile.company_id = %s
                  AND profile.purchase_count > 0
                  AND profile.tier_locked IS NOT TRUE""",
            SQL(", ").join(SQL.identifier("profile", name) for name in columns),
            self.company_id.id,
        )
        profiles.flush_model()
        records_payments = profiles._records_payments(run)
        thresholds = profiles._tier_thresholds(run, rules, rows)
        query = rows
        for layer in profiles._tier_layers(rules, thresholds, day, records_payments):
            query = profiles._sql_layer(layer, query)
        return self.env.execute_query(
            SQL(
                """SELECT partner_id, old_tier_id, (%(ids)s)[COALESCE(target, old_tier)],
                          revenue_12m,
                          CASE WHEN target < old_tier AND NOT tier_is_over
                               THEN old_tier_valid_until + 1 ELSE %(day)s::date END
                     FROM (
                        SELECT *, CASE WHEN tier_measure IS NULL THEN old_tier
                                       WHEN reached_tier > COALESCE(old_tier, 0) THEN reached_tier
                                       WHEN kept_tier < old_tier THEN old_tier - 1
                                       ELSE old_tier END AS target
                          FROM (%(rows)s) AS tiers
                     ) AS moves
                    ORDER BY revenue_12m DESC NULLS LAST, partner_id""",
                ids=SQL("%s::integer[]", [tier["id"] for tier in rules["tiers"]]),
                day=day,
                rows=query,
            )
        )

    def _keep_moves(self, rows):
        tiers = self.company_id._loyalty_tiers()
        rank = {tier.id: number for number, tier in enumerate(tiers)}
        today = self.company_id.sudo().customer_run_id.as_of
        moves, counts = [], {"up": 0, "down": 0, "later": 0, "stay": 0}
        for partner, old, new, revenue, when in rows:
            if old == new:
                counts["stay"] += 1
                continue
            is_up = rank.get(new, -1) > rank.get(old, -1)
            counts["up" if is_up else "down" if when <= today else "later"] += 1
            moves.append(
                {
                    "dry_run_id": self.id,
                    "partner_id": partner,
                    "old_tier_id": old,
                    "tier_id": new,
                    "direction": "up" if is_up else "down",
                    "date": when,
                    "revenue_12m": revenue,
                }
            )
        # sudo: nobody may write moves, their dry run does
        self.env["crm.loyalty.dry.run.move"].sudo().create(moves[:LISTED_MOVES])
        self.write(
            {
                "is_done": True,
                "more_count": max(len(moves) - LISTED_MOVES, 0),
                **{f"{name}_count": count for name, count in counts.items()},
            }
        )

    def _reopen(self):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Try New Rules"),
            "res_model": self._name,
            "res_id": self.id,
            "views": [[False, "form"]],
            "target": "current",
        }


class CrmLoyaltyDryRunLine(models.TransientModel):
    _name = "crm.loyalty.dry.run.line"
    _description = "Tier in a Dry Run"
    _order = "threshold, id"

    dry_run_id = fields.Many2one("crm.loyalty.dry.run", required=True, ondelete="cascade")
    tier_id = fields.Many2one("crm.loyalty.tier", required=True, readonly=True, ondelete="cascade")
    threshold = fields.Float("From", digits=(16, 2))
    tenure_days = fields.Integer("Customer For", help="Days.")


class CrmLoyaltyDryRunMove(models.TransientModel):
    _name = "crm.loyalty.dry.run.move"
    _description = "Move in a Dry Run"
    _order = "id"

    dry_run_id = fields.Many2one("crm.loyalty.dry.run", required=True, ondelete="cascade")
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True, ondelete="cascade")
    user_id = fields.Many2one(related="partner_id.user_id", string="Salesperson")
    old_tier_id = fields.Many2one(
        "crm.loyalty.tier", "Tier Before", readonly=True, ondelete="cascade"
    )
    tier_id = fields.Many2one("crm.loyalty.tier", "New Tier", readonly=True, ondelete="cascade")
    direction = fields.Selection([("up", "Up"), ("down", "Down")], readonly=True)
    date = fields.Date("When", readonly=True, help="The guarantee of a tier is kept.")
    currency_id = fields.Many2one(related="dry_run_id.company_id.currency_id")
    revenue_12m = fields.Monetary("Revenue 12 Months", readonly=True)
    new_pricelist_id = fields.Many2one(related="tier_id.pricelist_id", string="New Price List")
