from odoo import api, fields, models
from odoo.tools import SQL

# stays in a stage that have ended, to say what is usual there
FEWEST_STAYS = 10


class CrmFunnelStage(models.Model):
    """How long an opportunity was in a stage, and what became of it: one line per opportunity and
    stage, live from what Odoo tracks.

    Time runs as on the opportunity's own status bar: from creation, or from the tracked change
    into the stage, to the tracked change out of it; several stays add up. It stands still while
    the opportunity was archived or lost, and ends when it was closed. It is not known where
    nothing says when an archived one was archived. Won stages have no line: nothing is left to do
    there.

    An opportunity went on from a stage if it was in a later one afterwards, or was won. One that
    did not, and was lost, ended there. Of others nothing is known yet: they are in no rate.
    """

    _name = "crm.funnel.stage"
    _description = "Time in a Stage"
    _inherit = "crm.lead.report"
    _auto = False
    _log_access = False
    _order = "date_entered DESC, id DESC"
    _rec_name = "lead_id"
    _medians = {"days_median": "days"}

    stage_id = fields.Many2one(
        "crm.stage", readonly=True, help="Empty for stages that were deleted since."
    )
    stage_name = fields.Char(
        "Recorded Stage", readonly=True, help="The name that a deleted stage had."
    )
    date_entered = fields.Datetime("Entered", readonly=True, help="First day in this stage.")
    date_left = fields.Datetime(
        "Left", readonly=True, help="When it left the stage for the last time, or was closed in it."
    )
    days = fields.Float(
        readonly=True,
        aggregator="avg",
        digits=(16, 1),
        help="Days in this stage, up to now for those still in it, archived times left out. On "
        "average in groups.",
    )
    days_median = fields.Float(
        "Median Days",
        readonly=True,
        aggregator="avg",
        digits=(16, 1),
        help="Half of the opportunities of a group were shorter in this stage, half longer.",
    )
    stays = fields.Integer(
        readonly=True,
        aggregator="avg",
        help="How often it was in this stage. On average in groups.",
    )
    outcome = fields.Selection(
        [
            ("advanced", "Went on"),
            ("lost", "Lost"),
            ("here", "Still here"),
            ("back", "Moved back"),
            ("archived", "Archived"),
        ],
        readonly=True,
        help="Went on: to a later stage, or won. Lost: without ever going on from here. Moved "
        "back: open, in an earlier stage.",
    )
    advance_rate = fields.Float(
        "Went On, Share",
        readonly=True,
        aggregator="avg",
        help="Of those that went on or were lost without going on: the part that went on, 0 to 1.",
    )
    win_rate = fields.Float(
        "Won, Share",
        readonly=True,
        aggregator="avg",
        help="Of the closed opportunities that were in this stage: the part that was won, 0 to 1.",
    )
    days_usual = fields.Float(
        "Usual Days",
        readonly=True,
        aggregator=None,
        digits=(16, 1),
        help="Median of the stays in this stage that ended in the last 12 months, of the same "
        "company. Empty when fewer than ten ended.",
    )
    is_stuck = fields.Boolean(
        "Stuck",
        readonly=True,
        help="Still in this stage, for longer than nine of ten of those that left it in the last "
        "12 months.",
    )
    won_status = fields.Selection(
        [("won", "Won"), ("lost", "Lost"), ("pending", "Open")], "Opportunity Is", readonly=True
    )

    @property
    def _table_query(self) -> SQL:
        values = {
            "now": SQL("%s::timestamp", fields.Datetime.now()),
            "lead_columns": self._lead_columns(),
            "fewest": FEWEST_STAYS,
        }
        return SQL(
            """WITH %(timeline)s,
            passed AS (%(passed)s),
            usual AS (
                SELECT company_id, stage_id,
                       percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY days) AS days
                  FROM passed
                 WHERE NOT is_open
                   AND days IS NOT NULL
                   AND left_at > %(now)s - INTERVAL '1 year'
                 GROUP BY company_id, stage_id
                HAVING COUNT(*) >= %(fewest)s
            )
            SELECT lead.id::bigint * 4194304 + passed.stage_id AS id,
                   stage.id AS stage_id,
                   CASE WHEN stage.id IS NULL THEN passed.stage_name END AS stage_name,
                   passed.entered_at AS date_entered, passed.left_at AS date_left,
                   passed.days, passed.days AS days_median, passed.stays,
                   outcome.kind AS outcome, lead.won_status, %(lead_columns)s,
                   CASE outcome.kind WHEN 'advanced' THEN 1 WHEN 'lost' THEN 0 END::float8
                   AS advance_rate,
                   CASE lead.won_status WHEN 'won' THEN 1 WHEN 'lost' THEN 0 END::float8
                   AS win_rate,
                   usual.days[1] AS days_usual,
                   COALESCE(passed.is_open AND passed.days > usual.days[2], FALSE) AS is_stuck
              FROM passed
              JOIN crm_lead AS lead ON lead.id = passed.lead_id
              LEFT JOIN crm_stage AS stage ON stage.id = passed.stage_id
              LEFT JOIN usual
                ON usual.stage_id = passed.stage_id
               AND COALESCE(usual.company_id, 0) = COALESCE(passed.company_id, 0)
             CROSS JOIN LATERAL (
                SELECT CASE WHEN passed.is_advanced THEN 'advanced'
                            WHEN lead.won_status = 'lost' THEN 'lost'
                            WHEN NOT lead.active THEN 'archived'
                            WHEN passed.is_open THEN 'here'
                            WHEN stage.id IS NOT NULL THEN 'back'
                       END AS kind
             ) AS outcome
             WHERE stage.is_won IS NOT TRUE""",
            timeline=self._sql_timeline(values["now"]),
            passed=self._sql_passed(values["now"]),
            **values,
        )

    @api.model
    def _sql_tracked(self, name: str) -> SQL:
        """The tracked changes of a field of opportunities. What was merged into one brought its
        own along, some from before it was made: they say nothing of it."""
        for model in ("crm.stage", "mail.message", "mail.tracking.value"):
            self.env[model].flush_model()
        return SQL(
            """SELECT lead.id AS lead_id, lead.create_date, value.id, value.create_date AS at,
                      value.old_value_integer, value.old_value_char, value.new_value_integer
                 FROM mail_tracking_value AS value
                 JOIN mail_message AS message ON message.id = value.mail_message_id
                 JOIN crm_lead AS lead ON lead.id = message.res_id
                WHERE value.field_id = %s
                  AND message.model = 'crm.lead'
                  AND lead.type = 'opportunity'
                  AND value.create_date >= lead.create_date""",
            self.env["ir.model.fields"]._get("crm.lead", name).id,
        )

    @api.model
    def _sql_timeline(self, now: SQL) -> SQL:
        """``visits``: every stay of an opportunity in a stage, by ``move_id``, the change that
        ended it (the last one has none); ``pauses``: the times at which it was archived."""
        return SQL(
            """moves AS (%(moves)s),
            visits AS (
                SELECT lead_id, id AS move_id, old_value_integer AS stage_id,
                       old_value_char AS stage_name, FALSE AS is_open, at AS left_at,
                       LAG(at, 1, create_date) OVER (PARTITION BY lead_id ORDER BY id) AS entered_at
                  FROM moves
                UNION ALL
                SELECT lead.id, 2147483647, lead.stage_id, NULL, is_open,
                       CASE WHEN NOT is_open THEN date_closed END, COALESCE(at, create_date)
                  FROM crm_lead AS lead
                  LEFT JOIN (
                    SELECT lead_id, MAX(at) AS at FROM moves GROUP BY lead_id
                  ) AS last_move ON last_move.lead_id = lead.id
                 CROSS JOIN LATERAL (
                    SELECT lead.active AND lead.won_status = 'pending' AS is_open
                 ) AS status
                 WHERE lead.type = 'opportunity'
            ),
            pauses AS (
                SELECT lead_id, move_id,
                       SUM(EXTRACT(EPOCH FROM LEAST(until, COALESCE(left_at, %(now)s))
                                              - GREATEST(since, entered_at))) AS seconds
                  FROM visits
                  JOIN (
                    SELECT lead_id, new_value_integer, at AS since,
                           LEAD(at, 1, %(now)s) OVER (PARTITION BY lead_id ORDER BY id) AS until
                      FROM (%(archivings)s) AS archiving
                  ) AS archived USING (lead_id)
                 WHERE new_value_integer = 0
                   AND since < COALESCE(left_at, %(now)s)
                   AND until > entered_at
                 GROUP BY lead_id, move_id
            )""",
            moves=self._sql_tracked("stage_id"),
            archivings=self._sql_tracked("active"),
            now=now,
        )

    @api.model
    def _sql_passed(self, now: SQL) -> SQL:
        """The stays of each opportunity in each stage, added up. The place of a stage that was
        deleted is not known: who was in a later one afterwards, went on from before it."""
        return SQL(
            """SELECT lead_id, company_id, stage_id, MAX(stage_name) AS stage_name,
                      MIN(entered_at) AS entered_at,
                      CASE WHEN NOT BOOL_OR(is_open) THEN MAX(left_at) END AS left_at,
                      CASE WHEN COUNT(seconds) = COUNT(*) THEN SUM(seconds) / 86400 END::float8
                      AS days,
                      COUNT(*) AS stays, BOOL_OR(is_open) AS is_open,
                      BOOL_OR(furthest > place) AS is_advanced
                 FROM (
                    SELECT visits.*, lead.company_id, place,
                           -- none is shorter than nothing: some are moved after they were closed
                           CASE WHEN is_open OR left_at IS NOT NULL
                                THEN GREATEST(EXTRACT(EPOCH FROM COALESCE(left_at, %(now)s)
                                              - entered_at) - COALESCE(pauses.seconds, 0), 0)
                           END AS seconds,
                           MAX(place) OVER (PARTITION BY lead_id ORDER BY move_id DESC) AS furthest
                      FROM visits
                      JOIN crm_lead AS lead ON lead.id = visits.lead_id
                      LEFT JOIN pauses USING (lead_id, move_id)
                      LEFT JOIN (
                        SELECT id,
                               ROW_NUMBER() OVER (ORDER BY is_won IS TRUE, sequence, id) AS place
                          FROM crm_stage
                      ) AS stage ON stage.id = visits.stage_id
                 ) AS timed
                WHERE stage_id IS NOT NULL
                GROUP BY lead_id, company_id, stage_id""",
            now=now,
        )

    def action_open_lead(self):
        return self._open_lead()
