from odoo import api, fields, models
from odoo.tools import SQL

from ..sql import sql_columns

CREDIT_STATES = [("good", "Good"), ("watch", "Watch"), ("blocked", "Collect first")]


class CrmCustomerCredit(models.Model):
    """What a customer owes, since when, and how long he takes to pay.

    Open receivables count by due date, as Odoo's aged receivable counts them: payments and
    credit notes that are matched with nothing yet are deducted by their own date. Whoever is
    overdue for longer than the company allows, or beyond Odoo's own credit limit, is watched or
    blocked. A company that has recorded no payment for twelve months does not record them in
    Odoo: nobody is sent to accounting first on the strength of that.
    """

    _inherit = "crm.customer.profile"

    open_amount = fields.Monetary(
        "Open Receivables",
        readonly=True,
        groups="crm_extended.group_amount",
        help="What the customer owes on the as-of date, taxes included, due or not.",
    )
    overdue_amount = fields.Monetary(
        "Overdue",
        readonly=True,
        groups="crm_extended.group_amount",
        help="Open receivables past their due date on the as-of date, taxes included, unmatched "
        "payments deducted.",
    )
    overdue_since = fields.Date(
        readonly=True, help="Due date of the oldest receivable that is overdue."
    )
    payment_days_12m = fields.Float(
        "Payment Days 12 Months",
        readonly=True,
        digits=(16, 1),
        aggregator="avg",
        help="Days from invoice to payment, weighted by amount, of what was paid in the 12 months "
        "up to the as-of date. Empty if nothing was.",
    )
    payment_is_known = fields.Boolean(
        "Payments Known", readonly=True, help="Something was paid in the last 12 months."
    )
    credit_state = fields.Selection(
        CREDIT_STATES,
        "Credit",
        readonly=True,
        help="By the age of what is overdue (limits in the settings) and Odoo's credit limit.",
    )
    collect_first = fields.Boolean(
        readonly=True,
        help="Overdue for too long: accounting comes before sales. Never set in a company that "
        "records no payments in Odoo.",
    )

    @api.model
    def _credit_sources(self, run) -> list[SQL]:
        """Selects of receivables as of the run's day: ``(partner_id, issued_on, due_on, amount,
        settled_on)``.

        ``issued_on`` is asked for what is settled; ``amount`` in company currency, positive when
        the customer owes it; ``settled_on`` the day a part was paid, NULL for what is open. Other
        addons add what is owed elsewhere, as cheques on their way.
        """
        # named one by one: the planner knows how many lines each account has
        accounts = self.env["account.account"].sudo().with_company(run.company_id)
        accounts = accounts.search(
            [("account_type", "=", "asset_receivable"), ("non_trade", "=", False)]
        )
        values = {
            "company": run.company_id.id,
            "as_of": run.as_of,
            "accounts": tuple(accounts.ids) or (0,),
            "whom": run._of_whom(SQL("line.partner_id")),
        }
        return [
            SQL(
                """SELECT line.partner_id,
                          NULL::date AS issued_on,
                          COALESCE(line.date_maturity, line.date) AS due_on,
                          line.balance - COALESCE(debit.amount, 0) + COALESCE(credit.amount, 0)
                              AS amount,
                          NULL::date AS settled_on
                     FROM account_move_line AS line
                     LEFT JOIN (%(debits)s) AS debit ON debit.line_id = line.id
                     LEFT JOIN (%(credits)s) AS credit ON credit.line_id = line.id
                    WHERE line.company_id = %(company)s
                      AND line.parent_state = 'posted'
                      AND line.account_id IN %(accounts)s
                      AND line.date <= %(as_of)s
                      AND line.partner_id IS NOT NULL
                      AND %(whom)s
                      AND (line.reconciled IS NOT TRUE OR debit.is_later OR credit.is_later)""",
                debits=self._sql_matched(run, "debit_move_id"),
                credits=self._sql_matched(run, "credit_move_id"),
                **values,
            ),
            SQL(
                """SELECT line.partner_id,
                          COALESCE(move.invoice_date, line.date),
                          COALESCE(line.date_maturity, line.date),
                          match.amount,
                          match.max_date
                     FROM account_partial_reconcile AS match
                     JOIN account_move_line AS line ON line.id = match.debit_move_id
                     JOIN account_move AS move ON move.id = line.move_id
                     JOIN account_move_line AS payment ON payment.id = match.credit_move_id
                     JOIN account_move AS payment_move ON payment_move.id = payment.move_id
                    WHERE line.company_id = %(company)s
                      AND match.max_date <= %(as_of)s
                      AND match.max_date > %(as_of)s::date - INTERVAL '18 months'
                      AND line.parent_state = 'posted'
                      AND line.account_id IN %(accounts)s
                      AND line.partner_id IS NOT NULL
                      AND %(whom)s
                      AND payment_move.move_type != 'out_refund'
                      -- a gain on the exchange rate is nobody's payment
                      AND move.id NOT IN (
                        SELECT exchange_move_id FROM account_partial_reconcile
                         WHERE exchange_move_id IS NOT NULL
                      )""",
                **values,
            ),
        ]

    @api.model
    def _sql_matched(self, run, side: str) -> SQL:
        """``(line_id, amount, is_later)``: what was matched with a line up to the as-of date,
        and whether something was matched later."""
        return SQL(
            """SELECT %(side)s AS line_id,
                      SUM(amount) FILTER (WHERE max_date <= %(as_of)s) AS amount,
                      BOOL_OR(max_date > %(as_of)s) AS is_later
                 FROM account_partial_reconcile
                WHERE %(whom)s
                GROUP BY %(side)s""",
            side=SQL.identifier(side),
            whom=run._of_whom(SQL.identifier(side), "account_move_line"),
            as_of=run.as_of,
        )

    @api.model
    def _customer_aggregates(self, run):
        for model in ("account.move", "account.move.line", "account.partial.reconcile"):
            self.env[model].flush_model()
        items = SQL(" UNION ALL ").join(self._credit_sources(run))
        is_overdue = SQL("settled_on IS NULL AND due_on < %s", run.as_of)
        is_paid = SQL("settled_on IS NOT NULL AND %s", run._windows("settled_on")["12m"])
        columns = {
            "open_amount": SQL("SUM(amount) FILTER (WHERE settled_on IS NULL)"),
            "unmatched": SQL("SUM(amount) FILTER (WHERE settled_on IS NULL AND amount < 0)"),
            "overdue_amount": SQL("SUM(amount) FILTER (WHERE %s)", is_overdue),
            "overdue_since": SQL("MIN(due_on) FILTER (WHERE %s AND amount > 0)", is_overdue),
            "payment_days_12m": SQL(
                "SUM(amount * (settled_on - issued_on)) FILTER (WHERE %(paid)s)"
                " / NULLIF(SUM(amount) FILTER (WHERE %(paid)s), 0)",
                paid=is_paid,
            ),
        } | {
            f"delay_{window}": SQL("SUM(%s) FILTER (WHERE amount > 0)", self._sql_delay(*days))
            if run.settings["unit_costs"]["delay"]
            else SQL("NULL::numeric")
            for window, days in run._window_days().items()
            if window != "prev"
        }
        return super()._customer_aggregates(run) | {
            "credit": SQL(
                """SELECT partner.commercial_partner_id AS partner_id, %s
                     FROM (%s) AS item
                     JOIN res_partner AS partner ON partner.id = item.partner_id
                    GROUP BY partner.commercial_partner_id""",
                sql_columns(columns),
                items,
            ),
            "arrears": self._sql_arrears(run, items),
        }

    @api.model
    def _sql_arrears(self, run, items: SQL) -> SQL:
        """Since when those are late who have paid something that nobody has matched yet: it pays
        what was due first."""
        return SQL(
            """SELECT partner_id, MIN(due_on) FILTER (WHERE owed > -unmatched) AS late_since
                 FROM (
                    SELECT credit.partner_id, due_on, unmatched,
                           SUM(amount) OVER (PARTITION BY credit.partner_id ORDER BY due_on) AS owed
                      FROM (%(items)s) AS item
                      JOIN res_partner AS partner ON partner.id = item.partner_id
                      JOIN %(credit)s AS credit ON credit.partner_id = partner.commercial_partner_id
                     WHERE credit.unmatched < 0 AND settled_on IS NULL AND amount > 0
                       -- mostly nobody: then nothing is read again
                       AND (SELECT EXISTS (SELECT FROM %(credit)s WHERE unmatched < 0))
                 ) AS owing
                WHERE due_on < %(as_of)s
                GROUP BY partner_id""",
            items=items,
            credit=run._staging("credit"),
            as_of=run.as_of,
        )

    @api.model
    def _sql_delay(self, after, until) -> SQL:
        """Money-years that a receivable was late in a window."""
        return SQL(
            "amount * GREATEST(0, LEAST(COALESCE(settled_on, %(until)s::date), %(until)s::date)"
            " - GREATEST(due_on, %(after)s::date)) / 365",
            after=after,
            until=until,
        )

    @api.model
    def _customer_columns(self, run):
        return super()._customer_columns(run) | {
            "open_amount": SQL("COALESCE(credit.open_amount, 0)"),
            "overdue_amount": SQL("GREATEST(credit.overdue_amount, 0)"),
            "overdue_since": SQL(
                "CASE WHEN credit.overdue_amount <= 0 THEN NULL"
                " WHEN credit.unmatched < 0 THEN arrears.late_since"
                " ELSE credit.overdue_since END"
            ),
            "payment_days_12m": SQL("ROUND(credit.payment_days_12m, 1)::float8"),
            "payment_is_known": SQL("COALESCE(credit.payment_days_12m IS NOT NULL, FALSE)"),
            "delay_12m": SQL("credit.delay_12m"),
            "delay_early": SQL("credit.delay_early"),
            "credit_limit": self._sql_credit_limit(run),
        }

    @api.model
    def _sql_credit_limit(self, run) -> SQL:
        """Odoo's own credit limit of a ``partner``, where the company uses it."""
        partners = self.env["res.partner"].with_company(run.company_id)
        if not run.company_id.account_use_credit_limit:
            return SQL("NULL::numeric")
        return SQL(
            "NULLIF(%s, 0)::numeric", partners.sudo()._field_to_sql("partner", "credit_limit")
        )

    @api.model
    def _population_statistics(self, run):
        [[count]] = self.env.execute_query(
            SQL(
                "SELECT COUNT(*) FROM %s WHERE payment_days_12m IS NOT NULL", run._staging("credit")
            )
        )
        return super()._population_statistics(run) | {"paying_customers": count}

    @api.model
    def _records_payments(self, run) -> bool:
        return bool((run.statistics or {}).get("paying_customers"))

    @api.model
    def _customer_layers(self, run):
        limits = run.settings["credit"]
        values = {
            "as_of": run.as_of,
            "minimum": limits["minimum"],
            "blocked": limits["blocked_days"],
            "watch": limits["watch_days"],
        }
        return super()._customer_layers(run) + [
            {
                "overdue_days": SQL(
                    "CASE WHEN overdue_amount > %(minimum)s::numeric AND overdue_since IS NOT NULL"
                    " THEN %(as_of)s::date - overdue_since ELSE 0 END",
                    **values,
                ),
            },
            {
                "credit_state": SQL(
                    """CASE
                        WHEN purchase_count = 0 AND open_amount = 0 THEN NULL
                        WHEN overdue_days >= %(blocked)s THEN 'blocked'
                        WHEN overdue_days >= %(watch)s OR open_amount > credit_limit THEN 'watch'
                        ELSE 'good'
                    END""",
                    **values,
                ),
            },
            {
                "collect_first": SQL(
                    "COALESCE(credit_state = 'blocked', FALSE) AND %s", self._records_payments(run)
                ),
            },
        ]
