from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .crm_lead import BATCH, RANGE
from .crm_prospect_segment import BAND_FIELDS
from .crm_segment_rule import RuleError

LIKENESS = [
    ("very_alike", "Very alike"),
    ("alike", "Alike"),
    ("neutral", "Neither"),
    ("unlike", "Unlike"),
]
# whose lead it is, and the characteristics that are compared with those of customers
INPUTS = {
    "company_id", "user_id", "partner_id", "country_id", "state_id", "source_id", "medium_id",
    "tag_ids", "email_from", "partner_name", "contact_name",
}  # fmt: skip


class CrmLead(models.Model):
    """The prospect segment of a lead, and how alike it is to the best customers, stored, so that
    lists, filters and Odoo's predictive lead scoring can use them.

    Both are found when a lead is made and when one of the characteristics changes that they depend
    on, and brought up to date each night, while it is open. A closed lead keeps them: a segment
    tells then what became of the leads that were in it. Leads need no customer for it. Of who wants
    no profile neither is kept.
    """

    _inherit = "crm.lead"

    # no compute: installing the app must not sort all the leads there are
    prospect_segment_id = fields.Many2one(
        "crm.prospect.segment",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        groups="crm_extended.group_user",
        help="The first prospect segment whose rule this lead fulfils; on closed leads as of the "
        "day it was closed.",
    )
    lead_likeness = fields.Selection(
        LIKENESS,
        "Like the Best Customers",
        readonly=True,
        copy=False,
        groups="crm_extended.group_user",
        help="Odds of customers with these characteristics to become loyal, against those of all "
        "customers: very alike from 3 times, alike from 1.5 times, unlike below two thirds. Empty "
        "where too few customers tell, or where it did not hold for customers who came later. On "
        "closed leads as of the day it was closed.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        leads = super().create([self._without_bands(vals) for vals in vals_list])
        leads._update_prospect_bands()
        return leads

    def write(self, vals):
        vals = self._without_bands(vals)
        result = super().write(vals)
        if vals.keys() & (INPUTS | self._rule_inputs()):
            self._update_prospect_bands()
        return result

    @api.model
    def _without_bands(self, vals) -> dict:
        """What is found about a lead is not entered."""
        if self.env.su:
            return vals
        return {name: value for name, value in vals.items() if name not in BAND_FIELDS}

    @api.model
    def _rule_inputs(self) -> set[str]:
        """The fields whose change may move a lead: those of the rules, and those that these are
        computed from."""
        inputs, pending = set(), set(self.env["crm.prospect.segment"]._rule_roots())
        while pending:
            name = pending.pop()
            inputs.add(name)
            depends = self.pool.field_depends.get(self._fields.get(name), ())
            pending |= {path.split(".")[0] for path in depends} - inputs
        return inputs

    def _update_prospect_bands(self):
        """Find the bands of the open ones among these, in as many statements for many as for
        one."""
        # sudo: bands have no write right for anyone, and depend on nobody who reads them
        leads = self.sudo().filtered(lambda lead: lead.active and lead.won_status == "pending")
        for company, of_company in leads.grouped(lambda lead: lead._band_company()).items():
            of_company._update_prospect_bands_in(company)

    def _band_company(self):
        """The company whose customers and segments a lead is compared with."""
        return (
            self.company_id
            or self.user_id.company_id
            or (self.create_uid or self.env.user).company_id
        )

    def _update_prospect_bands_in(self, company):
        segments = self.env["crm.prospect.segment"]._of_company(company)
        model = company.customer_run_id.likeness or {}
        if (
            not segments
            and not model.get("levels")
            and not any(lead[name] for lead in self for name in BAND_FIELDS)
        ):
            return
        self.env.flush_all()
        scope = Domain("id", "in", self.ids)
        found = self.env.execute_query_dict(
            self._sql_bands(company, scope, SQL("lead.id IN %s", tuple(self.ids)), segments, model)
        )
        changed = {}
        for values in found:
            lead = self.browse(values.pop("id"))
            values = {name: value or False for name, value in values.items()}
            if any(lead._fields[name].convert_to_write(lead[name], lead) != value
                   for name, value in values.items()):  # fmt: skip
                changed.setdefault(tuple(values.items()), []).append(lead.id)
        for values, ids in changed.items():
            self.browse(ids).write(dict(values))

    # -------------------------------------------------------------------------- in SQL

    @api.model
    def _sql_bands(self, company, scope: Domain, where: SQL, segments, model, as_of=None) -> SQL:
        """``(id, prospect_segment_id, lead_likeness)`` of the open leads of a company.

        :param scope: which leads, for the rules; ``where``: the same, for SQL, on ``lead``
        """
        selects, kept = [], []
        for segment in segments:
            try:
                selects.append(segment._sql_leads(company, scope, as_of))
            except RuleError:
                # the night notes why
                kept.append(segment.id)
        return SQL(
            """SELECT lead.id,
                      CASE WHEN partner.profiling_optout THEN NULL
                           WHEN matched.segment_id IS NULL
                            AND lead.prospect_segment_id = ANY(%(kept)s)
                           THEN lead.prospect_segment_id
                           ELSE matched.segment_id
                      END AS prospect_segment_id,
                      CASE WHEN partner.profiling_optout THEN NULL ELSE scored.band
                      END AS lead_likeness
                 FROM crm_lead AS lead
                 LEFT JOIN res_users AS salesperson ON salesperson.id = lead.user_id
                 LEFT JOIN res_users AS creator ON creator.id = lead.create_uid
                 LEFT JOIN res_partner AS contact ON contact.id = lead.partner_id
                 LEFT JOIN res_partner AS partner ON partner.id = contact.commercial_partner_id
                 LEFT JOIN (
                    SELECT DISTINCT ON (id) id, segment_id
                      FROM (%(matches)s) AS matches
                     ORDER BY id, array_position(%(places)s::integer[], segment_id)
                 ) AS matched ON matched.id = lead.id
                 LEFT JOIN (%(scores)s) AS scored ON scored.lead_id = lead.id
                WHERE %(where)s
                  AND lead.active
                  AND lead.won_status = 'pending'
                  AND COALESCE(lead.company_id, salesperson.company_id, creator.company_id)
                      = %(company)s""",
            kept=kept,
            matches=SQL(" UNION ALL ").join(
                [SQL("SELECT NULL::integer AS id, NULL::integer AS segment_id"), *selects]
            ),
            places=segments.ids,
            scores=self._sql_likeness(where, model),
            where=where,
            company=company.id,
        )

    @api.model
    def _refresh_prospect_bands(self, run) -> float:
        """Sort one batch of open leads; the share of leads looked at.

        Leads that somebody is editing are left for the next night. Neither the date of the last
        update nor the chatter of a lead is touched.
        """
        self.env.flush_all()
        company, after = run.company_id, (run.position or {}).get("lead", 0)
        if not after:
            self.env["crm.prospect.segment"]._of_company(company)._note_errors(company, run.as_of)
        position = self._sort_range(company, after, run.likeness or {}, run.as_of)
        last = self._last_id()
        if position >= last:
            return 1
        run.position = {"lead": position}
        return position / last

    @api.model
    def _sort_open_leads(self, company):
        """Sort all open leads of a company, in the current transaction: on request."""
        self.env.flush_all()
        run = company.customer_run_id
        as_of = company._customer_today()
        self.env["crm.prospect.segment"]._of_company(company)._note_errors(company, as_of)
        position, last = 0, self._last_id()
        while position < last:
            position = self._sort_range(company, position, run.likeness or {}, as_of)

    @api.model
    def _last_id(self) -> int:
        [[last]] = self.env.execute_query(SQL("SELECT COALESCE(MAX(id), 0) FROM crm_lead"))
        return last

    @api.model
    def _sort_range(self, company, after: int, model: dict, as_of) -> int:
        """Write the bands of a batch of leads behind an id; the last id that is done."""
        until = after + RANGE
        found = self._sql_bands(
            company,
            Domain("id", ">", after) & Domain("id", "<=", until),
            SQL("lead.id > %s AND lead.id <= %s", after, until),
            self.env["crm.prospect.segment"]._of_company(company),
            model,
            as_of,
        )
        self.env.cr.execute(
            SQL(
                """WITH outdated AS (
                    SELECT lead.id, %(new)s
                      FROM crm_lead AS lead
                      JOIN (%(found)s) AS found ON found.id = lead.id
                     WHERE (%(shown)s) IS DISTINCT FROM (%(new)s)
                     ORDER BY lead.id
                     LIMIT %(batch)s
                       FOR NO KEY UPDATE OF lead SKIP LOCKED
                   )
                   UPDATE crm_lead AS lead
                      SET %(assignments)s
                     FROM outdated
                    WHERE lead.id = outdated.id
                   RETURNING lead.id""",
                found=found,
                new=SQL(", ").join(SQL.identifier("found", name) for name in BAND_FIELDS),
                shown=SQL(", ").join(SQL.identifier("lead", name) for name in BAND_FIELDS),
                batch=BATCH,
                assignments=SQL(", ").join(
                    SQL("%s = %s", SQL.identifier(name), SQL.identifier("outdated", name))
                    for name in BAND_FIELDS
                ),
            )
        )
        updated = [lead for [lead] in self.env.cr.fetchall()]
        self.invalidate_model(BAND_FIELDS)
        # a full batch may have left some of its range
        return max(updated) if len(updated) == BATCH else until


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _drop_lead_bands(self):
        """Also what was found about the leads of who wants no profile of him kept."""
        result = super()._drop_lead_bands()
        leads = self.env["crm.lead"].sudo().with_context(active_test=False)
        is_his = Domain("partner_id.commercial_partner_id", "in", self.ids)
        is_found = Domain.OR(Domain(name, "!=", False) for name in BAND_FIELDS)
        ids = leads.search(is_his & is_found).ids
        if ids:
            self.env.cr.execute(
                SQL(
                    "UPDATE crm_lead SET %s WHERE id IN %s",
                    SQL(", ").join(SQL("%s = NULL", SQL.identifier(name)) for name in BAND_FIELDS),
                    tuple(ids),
                )
            )
            leads.invalidate_model(BAND_FIELDS)
        return result
