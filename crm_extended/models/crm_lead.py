from odoo import api, fields, models
from odoo.tools import SQL
from odoo.tools.sql import column_exists, create_column

from .crm_customer_lifecycle import LIFECYCLE_STAGES
from .crm_customer_mirror import RowFloat
from .crm_customer_rfm import RFM_SEGMENTS

# bands of a lead, and the fields of the customer's row that they copy
BANDS = {
    "lifecycle_stage": "lifecycle_stage",
    "rfm_segment": "rfm_segment",
    "loyalty_tier_id": "tier_id",
}
# leads updated at once, and ids looked at for them
BATCH = 1000
RANGE = 5 * BATCH


class CrmLead(models.Model):
    """The bands of a lead's customer, stored, so that lists, filters and Odoo's predictive lead
    scoring can use them.

    They are set when the lead is made or gets another customer, and brought up to date after
    each refresh, while the lead is open. A closed lead keeps the bands of the day it was closed:
    otherwise every win would teach the scoring that loyal customers win. They are those of the
    lead's company; a lead without one belongs to the company of its salesperson, else of who made
    it.
    """

    _name = "crm.lead"
    _inherit = ["crm.lead", "crm.customer.mirror"]

    lifecycle_stage = fields.Selection(
        LIFECYCLE_STAGES,
        "Customer Stage",
        compute="_compute_customer_bands",
        store=True,
        groups="crm_extended.group_user",
        help="Where the customer of this lead stands, as of the last refresh; on closed leads as "
        "of the day it was closed.",
    )
    rfm_segment = fields.Selection(
        RFM_SEGMENTS,
        "Customer Segment",
        compute="_compute_customer_bands",
        store=True,
        groups="crm_extended.group_user",
        help="Recency, frequency and money of the customer of this lead, in one word, as of the "
        "last refresh; on closed leads as of the day it was closed.",
    )
    loyalty_tier_id = fields.Many2one(
        "crm.loyalty.tier",
        "Customer Tier",
        compute="_compute_customer_bands",
        store=True,
        ondelete="set null",
        groups="crm_extended.group_user",
        help="Loyalty tier of the customer of this lead, as of the last refresh; on closed leads "
        "as of the day it was closed.",
    )
    wallet_share = RowFloat(
        related="partner_id.customer_profile_id.wallet_share",
        string="Share of Wallet",
        help="Part of what the customer of this lead spends that is bought from us, 0 to 1, as of "
        "now.",
    )
    wallet_source = fields.Selection(
        related="partner_id.customer_profile_id.wallet_source",
        string="Wallet Source",
        groups="crm_extended.group_user",
    )
    customer_reason = fields.Char(
        compute="_compute_customer_reason",
        groups="crm_extended.group_user",
        help="Why the customer stands where he stands, and what to do, as of the last refresh.",
    )

    def _auto_init(self):
        # empty at installation: computing them for all leads there are would take minutes, and
        # closed leads would get today's bands
        for name in BANDS:
            if not column_exists(self.env.cr, self._table, name):
                column_type = self._fields[name].column_type[1]
                create_column(self.env.cr, self._table, name, column_type)
        return super()._auto_init()

    @api.depends("partner_id", "company_id")
    def _compute_customer_bands(self):
        open_leads = self.filtered(lambda lead: lead.active and lead.won_status == "pending")
        rows = open_leads._customer_rows(self.env["crm.customer.profile"].sudo())
        for lead in self:
            # a closed lead keeps what it has
            if lead not in open_leads:
                lead.update({name: lead[name] for name in BANDS})
                continue
            row = rows.get(lead)
            lead.update({name: row[copied] if row else False for name, copied in BANDS.items()})

    @api.depends("partner_id", "company_id")
    @api.depends_context("uid", "lang", "allowed_company_ids")
    def _compute_customer_reason(self):
        # the reader's own rights: he reads the reason of customers that he may see
        rows = self._customer_rows(self.env["crm.customer.profile"])
        for lead in self:
            lead.customer_reason = rows[lead].reason if lead in rows else False

    def _customer_rows(self, profiles) -> dict:
        """``{lead: row}``, searched once for all with the rights of ``profiles``."""
        # sudo: whose row it is must not depend on what the reader sees of users and contacts
        leads = self.sudo()
        partners = {lead: lead.partner_id.commercial_partner_id for lead in leads}
        companies = {
            lead: lead.company_id
            or lead.user_id.company_id
            or (lead.create_uid or self.env.user).company_id
            for lead in leads
        }
        found = profiles.search_fetch(
            [
                ("partner_id", "in", [partner.id for partner in partners.values()]),
                ("company_id", "in", [company.id for company in companies.values()]),
            ],
            ["partner_id", "company_id", *BANDS.values()],
            order="id",
        )
        by_key = {(row.partner_id.id, row.company_id.id): row for row in found}
        rows = {lead: by_key.get((partners[lead].id, companies[lead].id)) for lead in self}
        return {lead: row for lead, row in rows.items() if row}

    @api.model
    def _is_customer_figure(self, name):
        return name in BANDS or super()._is_customer_figure(name)

    @api.model
    def _refresh_customer_bands(self, run) -> float:
        """Bring the bands of one batch of open leads up to date; the share of leads looked at.

        Leads that somebody is editing are left for the next night. Neither the date of the last
        update nor the chatter of a lead is touched.
        """
        self.flush_model()
        self.env["res.partner"].flush_model(["commercial_partner_id"])
        self.env["res.users"].flush_model(["company_id"])
        after = (run.position or {}).get("lead", 0)
        self.env.cr.execute(
            SQL(
                """WITH outdated AS (%s)
                   UPDATE crm_lead AS lead
                      SET %s
                     FROM outdated
                    WHERE lead.id = outdated.id
                   RETURNING lead.id""",
                self._sql_outdated_bands(run, after),
                SQL(", ").join(
                    SQL("%s = outdated.%s", SQL.identifier(name), SQL.identifier(copied))
                    for name, copied in BANDS.items()
                ),
            )
        )
        updated = [lead for [lead] in self.env.cr.fetchall()]
        self.invalidate_model(BANDS)
        # a full batch may have left some of its range
        position = max(updated) if len(updated) == BATCH else after + RANGE
        [[last]] = self.env.execute_query(SQL("SELECT COALESCE(MAX(id), 0) FROM crm_lead"))
        if position >= last:
            return 1
        run.position = {"lead": position}
        return position / last

    @api.model
    def _sql_outdated_bands(self, run, after: int) -> SQL:
        """Open leads of the run's company whose bands differ from their customer's row."""
        return SQL(
            """SELECT lead.id, %(copied)s
                 FROM crm_lead AS lead
                 LEFT JOIN res_users AS salesperson ON salesperson.id = lead.user_id
                 LEFT JOIN res_users AS creator ON creator.id = lead.create_uid
                 LEFT JOIN res_partner AS partner ON partner.id = lead.partner_id
                 LEFT JOIN crm_customer_profile AS profile
                   ON profile.partner_id = partner.commercial_partner_id
                  AND profile.company_id = %(company)s
                WHERE lead.id > %(after)s
                  AND lead.id <= %(until)s
                  AND lead.active
                  AND lead.won_status = 'pending'
                  AND COALESCE(lead.company_id, salesperson.company_id, creator.company_id)
                      = %(company)s
                  AND (%(bands)s) IS DISTINCT FROM (%(copied)s)
                ORDER BY lead.id
                LIMIT %(batch)s
                  FOR NO KEY UPDATE OF lead SKIP LOCKED""",
            copied=SQL(", ").join(SQL.identifier("profile", name) for name in BANDS.values()),
            bands=SQL(", ").join(SQL.identifier("lead", name) for name in BANDS),
            company=run.company_id.id,
            after=after,
            until=after + RANGE,
            batch=BATCH,
        )
