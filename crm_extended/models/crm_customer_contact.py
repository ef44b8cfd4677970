from datetime import datetime, time, timedelta

import pytz

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..sql import sql_columns


class CrmCustomerContact(models.Model):
    """When somebody last spoke with the customer, and how often.

    A contact is a done activity, a message to or from outside on the contact, his
    opportunities and quotations, or a meeting that has taken place.
    """

    _inherit = "crm.customer.profile"

    last_contact_date = fields.Date(
        "Last Contact",
        readonly=True,
        help="Day of the last call, message to or from outside, or meeting, up to the as-of date.",
    )

    @api.model
    def _contact_messages(self) -> Domain:
        """Messages that are contacts: done activities, and what came from outside or went
        there."""
        return (
            Domain("mail_activity_type_id", "!=", False)
            | Domain("message_type", "in", ["email", "sms"])
            | Domain("message_type", "in", ["comment", "email_outgoing"])
            & Domain("subtype_id", "=", self.env.ref("mail.mt_comment").id)
            & Domain("is_internal", "=", False)
        )

    @api.model
    def _contact_sources(self, run) -> list[SQL]:
        """Selects ``(partner_id, date, kind)``, one row a contact; ``partner_id`` may be any
        contact of the customer, ``kind`` is call, meeting or message."""
        zone = pytz.timezone(run.company_id._customer_timezone())
        midnight = datetime.combine(run.as_of + timedelta(days=1), time.min)
        until = zone.localize(midnight).astimezone(pytz.utc).replace(tzinfo=None)
        # sudo: that a customer was spoken with, not what was said
        messages = self.env["mail.message"].sudo()
        return [
            SQL(
                """SELECT document.partner_id,
                          %(day)s AS date,
                          CASE type.category WHEN 'phonecall' THEN 'call'
                                             WHEN 'meeting' THEN 'meeting'
                                             ELSE 'message'
                          END AS kind
                     FROM (%(messages)s) AS message
                     JOIN (%(documents)s) AS document ON document.id = message.res_id
                     LEFT JOIN mail_activity_type AS type
                       ON type.id = message.mail_activity_type_id""",
                day=self._sql_local_day(run, SQL("message.date")),
                messages=messages._search(
                    self._contact_messages()
                    & Domain("model", "=", model)
                    & Domain("date", "<", until)
                ).subselect("res_id", "date", "mail_activity_type_id"),
                documents=select,
            )
            for model, select in self._contact_documents(run).items()
        ] + [
            SQL(
                """SELECT attendee.res_partner_id, %(day)s, 'meeting'
                     FROM calendar_event AS event
                     JOIN calendar_event_res_partner_rel AS attendee
                       ON attendee.calendar_event_id = event.id
                    WHERE event.active AND event.stop < %(until)s AND %(whom)s""",
                day=self._sql_local_day(run, SQL("event.start")),
                until=until,
                whom=run._of_whom(SQL("attendee.res_partner_id")),
            )
        ]

    @api.model
    def _contact_documents(self, run) -> dict[str, SQL]:
        """``{model: (id, partner_id)}``: records on which messages are contacts with a
        customer."""
        return {
            "res.partner": SQL(
                "SELECT id, id AS partner_id FROM res_partner WHERE %s", run._of_whom(SQL("id"))
            ),
            "crm.lead": SQL(
                "SELECT id, partner_id FROM crm_lead"
                " WHERE (company_id IS NULL OR company_id = %s) AND %s",
                run.company_id.id,
                run._of_whom(SQL("partner_id")),
            ),
            "sale.order": SQL(
                "SELECT id, partner_id FROM sale_order WHERE company_id = %s AND %s",
                run.company_id.id,
                run._of_whom(SQL("partner_id")),
            ),
        }

    @api.model
    def _sql_local_day(self, run, moment: SQL) -> SQL:
        """The day of a UTC timestamp in the time zone of the run's company."""
        return SQL(
            "(%s AT TIME ZONE 'UTC' AT TIME ZONE %s)::date",
            moment,
            run.company_id._customer_timezone(),
        )

    @api.model
    def _customer_aggregates(self, run):
        for model in ("mail.message", "calendar.event", "crm.lead", "sale.order"):
            self.env[model].flush_model()
        counts = {
            f"{kind}_{name}": SQL("COUNT(*) FILTER (WHERE kind = %s AND %s)", kind, window)
            for kind in ("call", "meeting")
            for name, window in run._windows("date").items()
            if name != "prev"
        }
        return super()._customer_aggregates(run) | {
            "contact": SQL(
                """SELECT partner.commercial_partner_id AS partner_id,
                          MAX(date) AS last_contact_date,
                          %s
                     FROM (%s) AS contact
                     JOIN res_partner AS partner ON partner.id = contact.partner_id
                    GROUP BY partner.commercial_partner_id""",
                sql_columns(counts),
                SQL(" UNION ALL ").join(self._contact_sources(run)),
            )
        }

    @api.model
    def _customer_columns(self, run):
        return super()._customer_columns(run) | {
            "last_contact_date": SQL("contact.last_contact_date"),
            "call_12m": SQL("COALESCE(contact.call_12m, 0)"),
            "call_early": SQL("COALESCE(contact.call_early, 0)"),
            "meeting_12m": SQL("COALESCE(contact.meeting_12m, 0)"),
            "meeting_early": SQL("COALESCE(contact.meeting_early, 0)"),
        }
