from odoo import api, fields, models
from odoo.tools import SQL

from ..report.crm_customer_fact import INVOICE_SOURCE
from .crm_customer_steps import RefreshStep

# invoices and credit notes of purchases in a window that come so many days after it still count
LATE_DAYS = 30
OUTCOMES = ("order_count", "revenue", "margin", "gross", "gross_known", "outcome_state")


class CrmPlaybookCaseOutcome(models.Model):
    """What a customer bought in the window of his case, whether he was contacted or not.

    The window begins on the day after the assignment and ends with its last day, whenever the case
    was closed. What was bought in it counts, also where it is invoiced up to 30 days later; a
    credit note counts with the invoice that it takes back, one of no invoice on its own day. The
    night writes outcomes until those 30 days are over; they are final then.
    """

    _inherit = "crm.playbook.case"

    order_count = fields.Integer(
        "Orders", readonly=True, help="Distinct purchase days in the window, up to the last night."
    )
    revenue = fields.Monetary(
        readonly=True,
        groups="crm_extended.group_amount",
        help="Untaxed, credit notes deducted, of what was bought in the window.",
    )
    margin = fields.Monetary(
        readonly=True,
        groups="crm_extended.group_margin",
        help="Net amount less cost of what was bought in the window, of the lines whose cost is "
        "known.",
    )
    gross = fields.Monetary(
        "Amounts",
        readonly=True,
        groups="crm_extended.group_margin",
        help="Bought and returned in the window, added up without sign.",
    )
    gross_known = fields.Monetary(
        "Amounts of Known Cost", readonly=True, groups="crm_extended.group_margin"
    )
    margin_coverage = fields.Float(
        compute="_compute_margin_coverage",
        groups="crm_extended.group_margin",
        help="Share of the amounts whose cost is known, 0 to 1.",
    )
    outcome_state = fields.Selection(
        [("running", "So far"), ("final", "Final")],
        "Result Is",
        readonly=True,
        help="So far: the window, or the 30 days after it in which invoices and credit notes of "
        "it still count, are not over. Empty: not known before the next night.",
    )

    # what a night looks up, and what results are added up from
    _outcome_open_idx = models.Index(
        "(company_id, date_assigned) WHERE outcome_state IS DISTINCT FROM 'final'"
    )

    @api.depends("gross", "gross_known")
    def _compute_margin_coverage(self):
        for case in self:
            case.margin_coverage = case.gross and case.gross_known / case.gross

    @api.model
    def _refresh_outcomes(self, run):
        """Write what is known as of now of the windows of a company that are not final."""
        self.flush_model()
        self.env.cr.execute(
            SQL(
                """WITH found AS MATERIALIZED (%(found)s)
                   UPDATE crm_playbook_case AS own
                      SET (%(names)s) = ROW(%(new)s)
                     FROM found
                    WHERE own.id = found.id AND (%(shown)s) IS DISTINCT FROM (%(new)s)""",
                found=self._sql_outcomes(run),
                names=SQL(", ").join(map(SQL.identifier, OUTCOMES)),
                new=SQL(", ").join(SQL.identifier("found", name) for name in OUTCOMES),
                shown=SQL(", ").join(SQL.identifier("own", name) for name in OUTCOMES),
            )
        )
        self.invalidate_model(OUTCOMES)

    @api.model
    def _sql_outcomes(self, run) -> SQL:
        """``(id, …)``: the outcomes of the cases that are not final."""
        margin_of_nothing = (
            SQL("0::numeric")
            if self.env["crm.customer.profile"]._margin_is_recorded(run.company_id)
            else SQL("NULL::numeric")
        )
        return SQL(
            """WITH cases AS MATERIALIZED (
                SELECT id, partner_id, date_assigned, date_end, date_end + %(late)s AS late_end
                  FROM crm_playbook_case
                 WHERE company_id = %(company)s
                   AND date_assigned < %(as_of)s
                   AND outcome_state IS DISTINCT FROM 'final'
            ),
            lines AS MATERIALIZED (%(lines)s),
            days AS (
                SELECT cases.id, lines.purchase_date, SUM(purchases) AS purchases,
                       SUM(purchases + returns) AS revenue, SUM(margin) AS margin,
                       SUM(gross) AS gross, SUM(known) AS known
                  FROM cases
                  JOIN lines ON lines.partner_id = cases.partner_id
                   AND lines.day > cases.date_assigned
                   AND lines.day <= cases.date_end
                   AND lines.date <= cases.late_end
                 GROUP BY cases.id, lines.purchase_date
            )
            SELECT cases.id,
                   (COUNT(days.purchase_date) FILTER (WHERE purchases > 0))::integer
                       AS order_count,
                   COALESCE(SUM(revenue), 0) AS revenue,
                   CASE WHEN COUNT(days.id) = 0 THEN %(nothing)s ELSE SUM(margin) END AS margin,
                   COALESCE(SUM(gross), 0) AS gross,
                   COALESCE(SUM(known), 0) AS gross_known,
                   CASE WHEN MIN(late_end) <= %(as_of)s THEN 'final' ELSE 'running' END
                       AS outcome_state
              FROM cases
              LEFT JOIN days ON days.id = cases.id
             GROUP BY cases.id""",
            late=LATE_DAYS,
            company=run.company_id.id,
            as_of=run.as_of,
            lines=self._sql_lines_by_purchase(run),
            nothing=margin_of_nothing,
        )

    @api.model
    def _sql_lines_by_purchase(self, run) -> SQL:
        """The staged documents of the customers of ``cases``, with the ``day`` of the purchase
        that each is of."""
        return SQL(
            """WITH own AS MATERIALIZED (
                SELECT * FROM %(documents)s WHERE partner_id IN (SELECT partner_id FROM cases)
            ),
            origins AS MATERIALIZED (
                SELECT document_id, COALESCE(MIN(purchase_date), MIN(date)) AS day
                  FROM own
                 GROUP BY document_id
            )
            SELECT own.*, COALESCE(own.purchase_date, reversed.day, itself.day) AS day
              FROM own
              JOIN origins AS itself ON itself.document_id = own.document_id
              LEFT JOIN account_move AS refund
                ON own.purchase_date IS NULL
               AND own.document_id %% 8 = %(invoices)s
               AND refund.id = own.document_id / 8
              LEFT JOIN origins AS reversed
                ON reversed.document_id = refund.reversed_entry_id::bigint * 8 + %(invoices)s""",
            documents=run._staging("document"),
            invoices=INVOICE_SOURCE,
        )


class CrmPlaybookOutcomeStep(models.Model):
    """Finds outcomes and results of playbooks after the numbers are published."""

    _inherit = "crm.customer.profile"

    @api.model
    def _refresh_steps(self):
        finding = RefreshStep("outcomes", self.env._("Finding results"), "_refresh_outcomes")
        return [*super()._refresh_steps(), finding]

    @api.model
    def _refresh_outcomes(self, run) -> float:
        """Restated figures of an earlier day change nothing."""
        if run._is_look_back():
            return 1
        self._refresh_limits()
        if not run.position:
            self.env["crm.playbook.case"]._refresh_outcomes(run)
            run.position = {"outcomes": 1}
            return 0.5
        results = self.env["crm.playbook.result"]
        days = results._days(run)
        results._refresh_in(run, days)
        self.env["crm.customer.receipt"]._refresh_in(run, days)
        return 1
