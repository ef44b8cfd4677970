from odoo import fields, models
from odoo.tools import SQL


class CrmDealResult(models.Model):
    """A closed opportunity: why it was won or lost, and what was known of it.

    The reason is what somebody chose; without one, nothing is guessed. What won deals have in
    common (kind, source, tier, time, number of contacts) can be compared with what lost ones have:
    it is no cause.
    """

    _name = "crm.deal.result"
    _description = "Closed Opportunity"
    _inherit = "crm.lead.report"
    _auto = False
    _log_access = False
    _order = "date_closed DESC, id DESC"
    _rec_name = "lead_id"
    _medians = {"days_median": "days_to_close"}

    currency_id = fields.Many2one("res.currency", readonly=True)
    stage_id = fields.Many2one("crm.stage", "Last Stage", readonly=True)
    won_status = fields.Selection([("won", "Won"), ("lost", "Lost")], "Result", readonly=True)
    lost_reason_id = fields.Many2one("crm.lost.reason", readonly=True)
    won_reason_id = fields.Many2one("crm.won.reason", readonly=True)
    has_reason = fields.Boolean("Reason Is Known", readonly=True)
    lost_to = fields.Char(readonly=True, help="The supplier who got the order.")
    offered_category_id = fields.Many2one("product.category", readonly=True)
    date_closed = fields.Datetime("Closed On", readonly=True)
    expected_revenue = fields.Monetary(
        readonly=True, help="As it stands on the opportunity, in the currency of its company."
    )
    win_rate = fields.Float(
        "Won, Share",
        readonly=True,
        aggregator="avg",
        help="The part of the closed opportunities that was won, 0 to 1.",
    )
    days_to_close = fields.Float(
        readonly=True,
        aggregator="avg",
        digits=(16, 1),
        help="Days from creation to closing. On average in groups.",
    )
    days_median = fields.Float(
        "Median Days to Close",
        readonly=True,
        aggregator="avg",
        digits=(16, 1),
        help="Half of the opportunities of a group were closed sooner, half later.",
    )
    contact_count = fields.Float(
        "Contacts",
        readonly=True,
        aggregator="avg",
        digits=(16, 1),
        help="E-mails, comments and done activities on the opportunity up to its closing. On "
        "average in groups.",
    )

    @property
    def _table_query(self) -> SQL:
        self.env["mail.message"].flush_model()
        return SQL(
            """SELECT lead.id, %(lead_columns)s, company.currency_id, lead.stage_id,
                      lead.won_status, lead.lost_reason_id, lead.won_reason_id, lead.lost_to,
                      CASE lead.won_status WHEN 'won' THEN lead.won_reason_id
                           ELSE lead.lost_reason_id END IS NOT NULL AS has_reason,
                      lead.offered_category_id, lead.date_closed,
                      NULLIF(lead.expected_revenue, 0) AS expected_revenue,
                      CASE lead.won_status WHEN 'won' THEN 1 ELSE 0 END::float8 AS win_rate,
                      %(days)s AS days_to_close, %(days)s AS days_median,
                      (
                        SELECT COUNT(*)
                          FROM mail_message AS message
                         WHERE message.model = 'crm.lead'
                           AND message.res_id = lead.id
                           AND message.date <= lead.date_closed
                           AND (message.message_type IN ('email', 'email_outgoing', 'comment')
                                OR message.mail_activity_type_id IS NOT NULL)
                      )::float8 AS contact_count
                 FROM crm_lead AS lead
                 LEFT JOIN res_company AS company
                   ON company.id = COALESCE(lead.company_id, %(company)s)
                WHERE lead.won_status IN ('won', 'lost')
                  AND lead.type = 'opportunity'""",
            lead_columns=self._lead_columns(),
            days=SQL(
                "GREATEST(EXTRACT(EPOCH FROM lead.date_closed - lead.create_date) / 86400, 0)"
            ),
            company=self.env.company.id,
        )

    def action_open_lead(self):
        return self._open_lead()
