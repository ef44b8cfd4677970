from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

REASONS = [
    ("walk_in", "Walk-in account"),
    ("employee", "Employee"),
    ("own_company", "Own company"),
    ("other", "Other"),
]


class CrmCustomerExclusion(models.Model):
    """A contact who is no customer, with the reason.

    Own companies, employees with a user, and contacts who refused profiling are left out by
    themselves; walk-in accounts and others are named here by a person. A refresh proposes
    contacts with a very large number of small sales and never decides on them.
    """

    _name = "crm.customer.exclusion"
    _description = "Contact Left Out of the Customers"
    _order = "state DESC, id DESC"
    _rec_name = "partner_id"

    partner_id = fields.Many2one(
        "res.partner",
        "Contact",
        required=True,
        index=True,
        ondelete="cascade",
        domain="[('commercial_partner_id', '=', id)]",
    )
    company_id = fields.Many2one(
        "res.company",
        index="btree_not_null",
        ondelete="cascade",
        help="Left out in this company only; empty: in all.",
    )
    reason = fields.Selection(REASONS, required=True, default="walk_in")
    note = fields.Char()
    state = fields.Selection(
        [("proposed", "Proposed"), ("confirmed", "Left out"), ("dismissed", "Is a customer")],
        "Decision",
        required=True,
        default="confirmed",
        help="Only what is confirmed is left out.",
    )

    _partner_company_unique = models.UniqueIndex(
        "(partner_id, COALESCE(company_id, 0))", "This contact is in the list already."
    )

    @api.model_create_multi
    def create(self, vals_list):
        exclusions = super().create(vals_list)
        exclusions._drop_rows()
        return exclusions

    def write(self, vals):
        result = super().write(vals)
        self._drop_rows()
        return result

    def action_confirm(self):
        self.write({"state": "confirmed"})

    def action_dismiss(self):
        self.write({"state": "dismissed"})

    def _drop_rows(self):
        """Who is left out disappears at once, not in the night."""
        for exclusion in self.filtered(lambda exclusion: exclusion.state == "confirmed"):
            domain = [("partner_id", "=", exclusion.partner_id.commercial_partner_id.id)]
            if exclusion.company_id:
                domain.append(("company_id", "=", exclusion.company_id.id))
            # rows have no delete right for anyone
            self.env["crm.customer.profile"].sudo().search(domain).unlink()
            # nor is anything told of him that waits to be told
            self.env["crm.customer.event.queue"].sudo().search(domain).unlink()
            self.env["res.partner"]._drop_offers(Domain(domain))

    # ---------------------------------------------------------------- for a refresh

    @api.model
    def _exclusion_sources(self, company) -> list[SQL]:
        """Selects ``(partner_id, reason)`` of those who are no customers of a company."""
        return [
            SQL("SELECT partner_id, 'own_company' AS reason FROM res_company"),
            SQL("SELECT partner_id, 'employee' FROM res_users WHERE share IS NOT TRUE"),
            SQL("SELECT id, 'opt_out' FROM res_partner WHERE profiling_optout"),
            SQL(
                """SELECT partner.commercial_partner_id, exclusion.reason
                     FROM crm_customer_exclusion AS exclusion
                     JOIN res_partner AS partner ON partner.id = exclusion.partner_id
                    WHERE exclusion.state = 'confirmed'
                      AND (exclusion.company_id IS NULL OR exclusion.company_id = %s)""",
                company.id,
            ),
        ]

    @api.model
    def _sql_exclusions(self, company) -> SQL:
        for model in ("res.company", "res.users", "res.partner", self._name):
            self.env[model].flush_model()
        return SQL(" UNION ALL ").join(self._exclusion_sources(company))

    @api.model
    def _count_exclusions(self, run) -> dict[str, int]:
        """How many buyers were left out, by reason."""
        rows = self.env.execute_query(
            SQL(
                """SELECT exclusion.reason, COUNT(DISTINCT exclusion.partner_id)
                     FROM (%s) AS exclusion
                    WHERE exclusion.partner_id IN (SELECT partner_id FROM %s)
                    GROUP BY exclusion.reason""",
                self._sql_exclusions(run.company_id),
                run._staging("day"),
            )
        )
        return dict(rows)

    @api.model
    def _propose_suspects(self, run):
        """Propose contacts with very many purchase documents as walk-in accounts."""
        rows = self.env.execute_query(
            SQL(
                "SELECT partner_id FROM %s WHERE delivery_12m >= %s ORDER BY partner_id",
                run._staging("row"),
                run.settings["suspect_documents"],
            )
        )
        known = self.search(
            [
                ("partner_id", "in", [partner for [partner] in rows]),
                ("company_id", "in", [run.company_id.id, False]),
            ]
        ).partner_id.ids
        self.create(
            [
                {
                    "partner_id": partner,
                    "company_id": run.company_id.id,
                    "reason": "walk_in",
                    "state": "proposed",
                }
                for [partner] in rows
                if partner not in known
            ]
        )
