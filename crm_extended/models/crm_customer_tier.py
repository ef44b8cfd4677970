from decimal import Decimal

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..analytics.rfm import TERTILES_FROM
from .crm_loyalty_tier import MARGIN_MEASURES

EMPTY_WHEN_LOCKED = (
    "next_tier_id",
    "next_tier_gap",
    "next_tier_margin_gap",
    "next_tier_days",
    "tier_keep_gap",
)


class CrmCustomerTier(models.Model):
    """The loyalty tier of a customer.

    Whoever is placed for the first time gets the tier of his measure. After that he moves by one
    tier a night: up as soon as his measure reaches the next threshold, down only when the
    guarantee of his tier has ended and he has less than the share of its threshold that keeps it.
    Otherwise the guarantee begins anew. With less than 20 buyers there are no places among the
    customers, and everybody has the lowest tier.
    """

    _inherit = "crm.customer.profile"

    tier_id = fields.Many2one(
        "crm.loyalty.tier", readonly=True, ondelete="restrict",
        help="Loyalty tier, as of the last refresh.",
    )  # fmt: skip
    tier_color = fields.Integer(
        related="tier_id.color", string="Color of the Tier", aggregator=False
    )
    tier_since = fields.Date("In Tier Since", readonly=True)
    tier_valid_until = fields.Date(
        "Tier Guaranteed Until",
        readonly=True,
        help="Last day on which the tier is kept whatever is bought. Empty for the lowest tier, "
        "and where a lock has no end.",
    )
    tier_locked = fields.Boolean(
        readonly=True, help="Somebody decided on the tier; what is bought does not change it."
    )
    earned_tier_id = fields.Many2one(
        "crm.loyalty.tier", readonly=True, ondelete="restrict",
        help="The tier without the lock.",
    )  # fmt: skip
    earned_tier_since = fields.Date(readonly=True)
    earned_tier_valid_until = fields.Date("Earned Tier Guaranteed Until", readonly=True)
    next_tier_id = fields.Many2one(
        "crm.loyalty.tier", readonly=True, ondelete="set null",
        help="The tier above the present one.",
    )  # fmt: skip
    next_tier_gap = fields.Monetary(
        readonly=True,
        aggregator="avg",
        groups="crm_extended.group_amount",
        help="What is missing for the next tier, in prices of the as-of month. Empty where tiers "
        "are earned by margin.",
    )
    next_tier_margin_gap = fields.Monetary(
        readonly=True,
        aggregator="avg",
        groups="crm_extended.group_margin",
        help="What is missing for the next tier where tiers are earned by margin or contribution.",
    )
    next_tier_days = fields.Integer(
        "Days to the Next Tier",
        readonly=True,
        aggregator="avg",
        groups="crm_extended.group_amount",
        help="Days in which usual orders at the usual interval fill the gap. 0 where not known.",
    )
    tier_is_short = fields.Boolean(
        "Tier at Stake",
        readonly=True,
        help="As things are, the customer would move down when the guarantee of his tier ends.",
    )
    tier_keep_gap = fields.Monetary(
        "Missing to Keep the Tier",
        readonly=True,
        aggregator="avg",
        groups="crm_extended.group_amount",
        help="What is missing on the as-of date to keep the tier when its guarantee ends. Empty "
        "where nothing is, and where tiers are earned by margin.",
    )

    @api.model
    def _customer_aggregates(self, run):
        return super()._customer_aggregates(run) | {
            "tier_state": self._sql_tier_state(run.company_id, run.as_of)
        }

    @api.model
    def _sql_tier_state(self, company, day) -> SQL:
        """The last line of the history of each customer before a day."""
        self.env["crm.loyalty.tier.history"].flush_model()
        return SQL(
            """SELECT DISTINCT ON (partner_id)
                      partner_id,
                      tier_id AS old_tier_id,
                      since AS old_tier_since,
                      valid_until AS old_tier_valid_until
                 FROM crm_loyalty_tier_history
                WHERE company_id = %s AND date < %s
                ORDER BY partner_id, date DESC""",
            company.id,
            day,
        )

    @api.model
    def _customer_columns(self, run):
        return super()._customer_columns(run) | {
            name: SQL.identifier("tier_state", name)
            for name in ("old_tier_id", "old_tier_since", "old_tier_valid_until")
        }

    # ---------------------------------------------------------------- rules and measure

    @api.model
    def _freeze_tiers(self, run):
        """Note the thresholds of the tiers on the run, in money of the as-of month."""
        rules = run.settings["tiers"]
        # the contribution is computed from other columns, the other measures are there
        rows = (
            self._sql_layers(run)
            if rules["measure"] == "contribution"
            else SQL("SELECT * FROM %s", run._staging("row"))
        )
        thresholds = self._tier_thresholds(run, rules, rows)
        run.tier_thresholds = [
            None if threshold is None else str(threshold) for threshold in thresholds
        ]

    @api.model
    def _tier_thresholds(self, run, rules, rows: SQL) -> list:
        """The threshold of each tier in money of the as-of month. A place among the customers is
        the measure at that place of those who bought in 12 months (``rows``); nobody reaches a
        tier whose place can't be told (None)."""
        if rules["basis"] == "amount":
            return [
                Decimal(str(tier["threshold"]))
                * self._real_ratio(run, fields.Date.to_date(tier["priced_on"]))
                for tier in rules["tiers"]
            ]
        shares = [float(tier["threshold"]) / 100 for tier in rules["tiers"]]
        # ranks and not quantiles: equals share a place, and a tenth is no more than a tenth
        [[count, *values]] = self.env.execute_query(
            SQL(
                """SELECT COUNT(*), %(places)s
                     FROM (
                        SELECT measure, PERCENT_RANK() OVER (ORDER BY measure) AS place
                          FROM (SELECT %(measure)s AS measure FROM (%(rows)s) AS row) AS measured
                         WHERE measure > 0
                     ) AS ranked""",
                places=SQL(", ").join(
                    # text: the driver makes floats of numerics
                    SQL("(MIN(measure) FILTER (WHERE place >= %s))::text", share)
                    for share in shares
                ),
                measure=self._sql_tier_measure(rules["measure"], self._records_payments(run)),
                rows=rows,
            )
        )
        if count < TERTILES_FROM:
            values = [None] * len(shares)
        return [
            Decimal(0) if not share else value and Decimal(value)
            for share, value in zip(shares, values, strict=True)
        ]

    @api.model
    def _sql_tier_measure(self, measure: str, records_payments: bool) -> SQL:
        """What tiers are earned by, over columns of the row."""
        paid = SQL("GREATEST(revenue_real_12m - overdue_amount, 0)")
        return {
            "purchases": paid if records_payments else SQL("revenue_real_12m"),
            "revenue": SQL("revenue_real_12m"),
            "margin": SQL("margin_real_12m"),
            "contribution": SQL("(margin_real_12m - cost_to_serve_12m)"),
        }[measure]

    @api.model
    def _tier_layers(
        self, rules, thresholds, as_of, records_payments, is_new=False
    ) -> list[dict[str, SQL]]:
        """Who earns which tier: columns over those of the row and its old tier.

        :param rules: as frozen in a run's settings
        :param is_new: whether they are new: then customers move up to their tier in one step
        :param thresholds: of each tier, in money of the as-of month; None: out of reach
        """
        tiers = rules["tiers"]
        ids = [tier["id"] for tier in tiers]
        values = {
            "as_of": SQL("%s::date", as_of),
            "ids": SQL("%s::integer[]", ids),
            "ends": SQL("%s::date", as_of + relativedelta(days=rules["guarantee"])),
        }

        def highest(share: Decimal, with_tenure: bool) -> SQL:
            """The number of the highest tier that the measure reaches; the lowest is free."""
            conditions = [
                SQL(
                    "WHEN tier_measure >= %s::numeric AND %s THEN %s",
                    str(threshold * share),
                    SQL("first_purchase_date <= %s::date - %s", as_of, tier["tenure"])
                    if with_tenure and tier["tenure"]
                    else SQL("TRUE"),
                    number,
                )
                for number, (tier, threshold) in enumerate(
                    zip(tiers, thresholds, strict=True), start=1
                )
                if number > 1 and threshold is not None
            ]
            if not conditions:
                return SQL("1")
            return SQL("CASE %s ELSE 1 END", SQL(" ").join(reversed(conditions)))

        return [
            {
                "tier_measure": self._sql_tier_measure(rules["measure"], records_payments),
                "old_tier": SQL("array_position(%(ids)s, old_tier_id)", **values),
            },
            {
                "reached_tier": highest(Decimal(1), with_tenure=True),
                "kept_tier": highest(Decimal(rules["keep"]), with_tenure=False),
                "tier_is_over": SQL("COALESCE(old_tier_valid_until < %(as_of)s, TRUE)", **values),
            },
            {
                "earned_tier": SQL(
                    """CASE
                        WHEN purchase_count = 0 THEN NULL
                        -- an unknown measure moves nobody
                        WHEN tier_measure IS NULL THEN COALESCE(old_tier, 1)
                        WHEN old_tier IS NULL THEN reached_tier
                        WHEN reached_tier > old_tier THEN %s
                        WHEN kept_tier < old_tier AND tier_is_over THEN old_tier - 1
                        ELSE old_tier
                    END""",
                    SQL("reached_tier" if is_new else "old_tier + 1"),
                ),
            },
            {
                "earned_tier_id": SQL("(%(ids)s)[earned_tier]", **values),
                "earned_tier_since": SQL(
                    """CASE WHEN earned_tier = old_tier THEN old_tier_since
                            WHEN earned_tier IS NOT NULL THEN %(as_of)s
                       END""",
                    **values,
                ),
                "earned_tier_valid_until": SQL(
                    """CASE WHEN earned_tier = old_tier AND NOT tier_is_over
                            THEN old_tier_valid_until
                            WHEN earned_tier > 1 THEN %(ends)s
                       END""",
                    **values,
                ),
            },
        ]

    @api.model
    def _customer_layers(self, run):
        layers = super()._customer_layers(run)
        thresholds = run.tier_thresholds
        if not thresholds:
            # not frozen yet: this is what they are measured on; or there are no tiers
            return layers + [self._no_tier()]
        rules = run.settings["tiers"]
        thresholds = [threshold and Decimal(threshold) for threshold in thresholds]
        return (
            layers
            + self._tier_layers(
                rules,
                thresholds,
                run.as_of,
                self._records_payments(run),
                is_new="tiers" in run._changed_inputs(),
            )
            + [
                {
                    "tier_id": SQL("earned_tier_id"),
                    "tier_since": SQL("earned_tier_since"),
                    "tier_valid_until": SQL("earned_tier_valid_until"),
                    "tier_locked": SQL("FALSE"),
                },
                *self._tier_gaps(rules, thresholds, run.company_id.currency_id.decimal_places),
            ]
        )

    @api.model
    def _result_columns(self, run):
        return super()._result_columns(run) + [
            "old_tier_id",
            "old_tier_since",
            "old_tier_valid_until",
        ]

    @api.model
    def _no_tier(self) -> dict[str, SQL]:
        empty = {
            "many2one": SQL("NULL::integer"),
            "integer": SQL("NULL::integer"),
            "date": SQL("NULL::date"),
            "monetary": SQL("NULL::numeric"),
            "boolean": SQL("FALSE"),
        }
        return {
            name: empty[field.type]
            for name, field in self._fields.items()
            if field.store and name.startswith(("tier_", "earned_tier_", "next_tier_"))
        }

    @api.model
    def _tier_gaps(self, rules, thresholds, digits) -> list[dict[str, SQL]]:
        """What is missing for the next tier, and to keep the present one."""
        ids = SQL("%s::integer[]", [tier["id"] for tier in rules["tiers"]])
        # a place that can't be told has no distance
        amounts = SQL(
            "%s::numeric[]",
            [amount if amount is None else str(amount) for amount in thresholds],
        )
        is_margin = rules["measure"] in MARGIN_MEASURES
        unknown = SQL("NULL::numeric")
        return [
            {
                "next_tier_id": SQL("(%s)[earned_tier + 1]", ids),
                "gap": SQL(
                    # GREATEST takes no notice of unknowns
                    "CASE WHEN (%(amounts)s)[earned_tier + 1] > tier_measure"
                    " THEN ROUND((%(amounts)s)[earned_tier + 1] - tier_measure, %(digits)s) END",
                    amounts=amounts,
                    digits=digits,
                ),
                "keep_gap": SQL(
                    "ROUND((%s)[earned_tier] * %s::numeric - tier_measure, %s)",
                    amounts,
                    rules["keep"],
                    digits,
                ),
            },
            {
                "tier_is_short": SQL("earned_tier > 1 AND kept_tier < earned_tier"),
                "next_tier_gap": unknown if is_margin else SQL("gap"),
                "next_tier_margin_gap": SQL("gap") if is_margin else unknown,
                "next_tier_days": SQL("NULL::integer")
                if is_margin
                else SQL(
                    """CASE WHEN avg_purchase_value > 0 AND interval_count > 0
                            THEN LEAST(CEIL(gap / avg_purchase_value)
                                       * GREATEST(purchase_interval_days, 1), 36500)::integer
                       END"""
                ),
                "tier_keep_gap": unknown
                if is_margin
                else SQL("CASE WHEN earned_tier > 1 AND keep_gap > 0 THEN keep_gap END"),
            },
        ]

    # --------------------------------------------------------------------- publishing

    @api.model
    def _before_publishing(self, run):
        result = super()._before_publishing(run)
        self._stage_locks(run)
        self._write_tier_history(run)
        return result

    @api.model
    def _stage_locks(self, run):
        """Locks are read in the publishing transaction: one set a moment ago holds."""
        self.env["crm.loyalty.tier.lock"].flush_model()
        self.env["crm.loyalty.tier"].flush_model()
        self.env.cr.execute(
            SQL(
                """UPDATE %(staging)s AS staged
                      SET tier_id = lock.tier_id,
                          tier_since = lock.date_from,
                          tier_valid_until = lock.date_until,
                          tier_locked = TRUE,
                          tier_is_short = FALSE,
                          %(emptied)s
                     FROM crm_loyalty_tier_lock AS lock
                     JOIN crm_loyalty_tier AS tier ON tier.id = lock.tier_id AND tier.active
                    WHERE lock.partner_id = staged.partner_id
                      AND lock.company_id = %(company)s
                      AND lock.date_from <= %(as_of)s
                      AND (lock.date_until IS NULL OR lock.date_until >= %(as_of)s)""",
                staging=run._staging("result"),
                # what is missing for a tier says nothing while a person decides on it
                emptied=SQL(", ").join(
                    SQL("%s = NULL", SQL.identifier(name)) for name in EMPTY_WHEN_LOCKED
                ),
                company=run.company_id.id,
                as_of=run.as_of,
            )
        )

    @api.model
    def _write_tier_history(self, run):
        """What was earned on the run's day replaces what was written of that day before. A day
        that is restated later leaves no trace: rows depend on the nights, not on such looks back.
        """
        if run._is_look_back():
            return
        values = {
            "results": run._staging("result"),
            "company": run.company_id.id,
            "as_of": run.as_of,
            "changed": SQL(
                "(staged.earned_tier_id, staged.earned_tier_since, staged.earned_tier_valid_until)"
                " IS DISTINCT FROM (staged.old_tier_id, staged.old_tier_since,"
                " staged.old_tier_valid_until)"
            ),
        }
        self.env.cr.execute(
            SQL(
                """DELETE FROM crm_loyalty_tier_history AS history
                    WHERE company_id = %(company)s
                      AND date = %(as_of)s
                      AND NOT EXISTS (
                        SELECT FROM %(results)s AS staged
                         WHERE staged.partner_id = history.partner_id
                           AND (staged.earned_tier_id, staged.earned_tier_since,
                                staged.earned_tier_valid_until) IS NOT DISTINCT FROM
                               (history.tier_id, history.since, history.valid_until)
                           AND %(changed)s
                      )""",
                **values,
            )
        )
        self.env.cr.execute(
            SQL(
                """INSERT INTO crm_loyalty_tier_history
                          (partner_id, company_id, date, tier_id, since, valid_until)
                   SELECT staged.partner_id, %(company)s, %(as_of)s, staged.earned_tier_id,
                          staged.earned_tier_since, staged.earned_tier_valid_until
                     FROM %(results)s AS staged
                     JOIN res_partner AS partner ON partner.id = staged.partner_id
                    WHERE staged.earned_tier_id IS NOT NULL
                      AND %(changed)s
                      AND %(due)s
                   ON CONFLICT (partner_id, company_id, date) DO NOTHING""",
                due=self._sql_is_due(run),
                **values,
            )
        )

    def _apply_lock(self):
        """Show the lock of this row, or what was earned where there is none any more."""
        for row in self:
            day = row.as_of or row.company_id._customer_today()
            lock = self.env["crm.loyalty.tier.lock"].search(
                [
                    ("partner_id", "=", row.partner_id.id),
                    ("company_id", "=", row.company_id.id),
                    ("tier_id.active", "=", True),
                    "|",
                    ("date_until", "=", False),
                    ("date_until", ">=", day),
                ]
            )
            before = row.tier_id
            values = {
                "tier_id": (lock.tier_id or row.earned_tier_id).id,
                "tier_since": lock.date_from or row.earned_tier_since,
                "tier_valid_until": lock.date_until if lock else row.earned_tier_valid_until,
                "tier_locked": bool(lock),
            }
            if lock:
                # what is missing comes back with the next refresh
                values |= dict.fromkeys(EMPTY_WHEN_LOCKED, False) | {"tier_is_short": False}
            row.write(values)
            row._queue_tier_event(before)

    def action_lock_tier(self):
        """Decide on the tier of this customer, or change what was decided."""
        self.ensure_one()
        lock = self.env["crm.loyalty.tier.lock"].search(
            [("partner_id", "=", self.partner_id.id), ("company_id", "=", self.company_id.id)]
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Lock the Tier"),
            "res_model": "crm.loyalty.tier.lock",
            "res_id": lock.id,
            "views": [[False, "form"]],
            "target": "new",
            "context": {
                "default_partner_id": self.partner_id.id,
                "default_company_id": self.company_id.id,
                "default_tier_id": self.tier_id.id,
            },
        }
