from odoo import fields, models
from odoo.tools import SQL

# whose activities are those of selling
DOCUMENTS = ("crm.lead", "res.partner", "sale.order")


class CrmActivityDelay(models.Model):
    """When an activity was due and when it was done: those on opportunities, quotations, orders
    and contacts, live from Odoo's own.

    Odoo keeps done activities, archived, with their due date and the day on which they were done;
    those that were cancelled or whose document was archived leave nothing. An activity is late
    against the due date that it has now; how far that was put off since it was planned stands
    beside, for activities planned since this is recorded. Days are those of the person
    responsible.
    """

    _name = "crm.activity.delay"
    _description = "Delay of an Activity"
    _auto = False
    _log_access = False
    _order = "date_deadline DESC, id DESC"
    _rec_name = "summary"

    user_id = fields.Many2one("res.users", "Responsible", readonly=True)
    team_id = fields.Many2one(
        "crm.team",
        "Sales Team",
        readonly=True,
        help="That of the opportunity, else of the person responsible.",
    )
    company_id = fields.Many2one("res.company", readonly=True)
    activity_type_id = fields.Many2one("mail.activity.type", readonly=True)
    summary = fields.Char(readonly=True)
    res_model = fields.Selection(
        [
            ("crm.lead", "Opportunity"),
            ("res.partner", "Contact"),
            ("sale.order", "Quotation or Order"),
        ],
        "Kind of Document",
        readonly=True,
    )
    res_id = fields.Many2oneReference("Document Id", model_field="res_model", readonly=True)
    res_name = fields.Char("Document", readonly=True)
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True)
    date_deadline = fields.Date("Due", readonly=True)
    date_done = fields.Date("Done On", readonly=True)
    state = fields.Selection(
        [
            ("on_time", "Done on time"),
            ("late", "Done late"),
            ("overdue", "Open, overdue"),
            ("open", "Open, not due yet"),
            ("unknown", "Done, day not known"),
        ],
        "Result",
        readonly=True,
    )
    on_time_rate = fields.Float(
        "On Time, Share",
        readonly=True,
        aggregator="avg",
        help="Of the activities that were done or are overdue: the part that was done on its due "
        "date or before, 0 to 1.",
    )
    days_late = fields.Float(
        readonly=True,
        aggregator="avg",
        digits=(16, 1),
        help="Days between the due date and the day on which it was done; up to today where it is "
        "open and overdue. 0 if on time, empty if not due yet. On average in groups.",
    )
    days_postponed = fields.Float(
        "Days Put Off",
        readonly=True,
        aggregator="avg",
        digits=(16, 1),
        help="Days by which the due date was put off since the activity was planned. On average "
        "in groups.",
    )

    @property
    def _table_query(self) -> SQL:
        for model in ("mail.activity", "crm.lead", "sale.order", "res.users", "res.partner"):
            self.env[model].flush_model()
        return SQL(
            """SELECT activity.*, state.*,
                      CASE WHEN state = 'on_time' THEN 1
                           WHEN state IN ('late', 'overdue') THEN 0
                      END::float8 AS on_time_rate,
                      CASE WHEN state = 'on_time' THEN 0
                           WHEN state = 'late' THEN date_done - date_deadline
                           WHEN state = 'overdue' THEN today - date_deadline
                      END::float8 AS days_late
                 FROM (%s) AS activity
                CROSS JOIN LATERAL (
                    SELECT CASE WHEN active AND date_deadline < today THEN 'overdue'
                                WHEN active THEN 'open'
                                WHEN date_done IS NULL THEN 'unknown'
                                WHEN date_done <= date_deadline THEN 'on_time'
                                ELSE 'late'
                           END AS state
                ) AS state""",
            self._sql_activities(),
        )

    def _sql_activities(self) -> SQL:
        """The day on which Odoo says that it was done is that of Greenwich: where nothing was
        written since, the moment of the last update tells the day of who did it."""
        return SQL(
            """SELECT activity.id, activity.user_id, activity.activity_type_id,
                      activity.summary, activity.res_model, activity.res_id, activity.res_name,
                      activity.date_deadline, activity.active,
                      COALESCE(lead.team_id, sale.team_id, responsible.sale_team_id) AS team_id,
                      COALESCE(lead.company_id, sale.company_id, partner.company_id,
                               responsible.company_id) AS company_id,
                      COALESCE(partner.commercial_partner_id, partner.id) AS partner_id,
                      (activity.date_deadline - activity.date_planned)::float8 AS days_postponed,
                      (%(now)s::timestamp AT TIME ZONE 'UTC' AT TIME ZONE zone)::date AS today,
                      CASE WHEN activity.write_date::date = activity.date_done
                           THEN (activity.write_date AT TIME ZONE 'UTC' AT TIME ZONE zone)::date
                           ELSE activity.date_done
                      END AS date_done
                 FROM mail_activity AS activity
                CROSS JOIN LATERAL (SELECT COALESCE(activity.user_tz, 'UTC') AS zone) AS here
                 LEFT JOIN res_users AS responsible ON responsible.id = activity.user_id
                 LEFT JOIN crm_lead AS lead
                   ON activity.res_model = 'crm.lead' AND lead.id = activity.res_id
                 LEFT JOIN sale_order AS sale
                   ON activity.res_model = 'sale.order' AND sale.id = activity.res_id
                 LEFT JOIN res_partner AS partner
                   ON partner.id = COALESCE(lead.partner_id, sale.partner_id,
                       CASE WHEN activity.res_model = 'res.partner' THEN activity.res_id END)
                WHERE activity.res_model IN %(documents)s""",
            now=fields.Datetime.now(),
            documents=DOCUMENTS,
        )

    def action_open_document(self):
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": self.res_model,
            "res_id": self.res_id,
            "view_mode": "form",
            "views": [(False, "form")],
        }
