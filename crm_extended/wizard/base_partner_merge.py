from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL

ONE_PER_COMPANY = (
    "crm.customer.profile",
    "crm.customer.exclusion",
    "crm.loyalty.tier.lock",
)


class BasePartnerMerge(models.TransientModel):
    """Merged contacts leave one row and one exclusion per company: the target's own, else the
    oldest; of each need what was said last; one stay in each segment; and one open decision. The
    row is marked as outdated and soon recomputed."""

    _inherit = "base.partner.merge.automatic.wizard"

    def _update_foreign_keys(self, src_partners, dst_partner):
        for model in ONE_PER_COMPANY:
            self._keep_one_per_company(model, src_partners, dst_partner)
        self._keep_one_tier_history(src_partners, dst_partner)
        self.env["crm.customer.need"]._keep_latest(src_partners, dst_partner)
        self.env["crm.customer.segment.member"]._keep_one_open(src_partners, dst_partner)
        self.env["crm.customer.decision"]._keep_one_open(src_partners, dst_partner)
        # of one customer now, and said of others; what they answered stays true
        src_partners._delete_of("crm.customer.forecast")
        src_partners._drop_offers(Domain("partner_id", "in", (src_partners | dst_partner).ids))
        return super()._update_foreign_keys(src_partners, dst_partner)

    def _keep_one_per_company(self, model, src_partners, dst_partner):
        """Odoo moves what points to the sources and fails on a unique index; where there is a
        constraint, it drops all of the sources' when two are in each other's way."""
        records = self.env[model]
        records.flush_model()
        self.env.cr.execute(
            SQL(
                """DELETE FROM %(table)s
                    WHERE id IN (
                        SELECT id
                          FROM (
                            SELECT id,
                                   ROW_NUMBER() OVER (
                                       PARTITION BY COALESCE(company_id, 0)
                                       ORDER BY partner_id = %(target)s DESC, id
                                   ) AS number
                              FROM %(table)s
                             WHERE partner_id = %(target)s OR partner_id = ANY(%(sources)s)
                          ) AS numbered
                         WHERE number > 1
                    )""",
                table=SQL.identifier(records._table),
                target=dst_partner.id,
                sources=src_partners.ids,
            )
        )
        records.invalidate_model()

    def _keep_one_tier_history(self, src_partners, dst_partner):
        """The tiers of two customers make no past of one: the target's goes on, else that of the
        source that has one for longest."""
        # sudo: who merges contacts need not read tiers
        history = self.env["crm.loyalty.tier.history"].sudo()
        lines = history.search(
            [("partner_id", "in", (src_partners | dst_partner).ids)], order="date, id"
        )
        for _company, of_company in lines.grouped("company_id").items():
            own = of_company.filtered(lambda line: line.partner_id == dst_partner)
            kept = (own or of_company)[0].partner_id
            of_company.filtered(lambda line, kept=kept: line.partner_id != kept).unlink()

    def _log_merge_operation(self, src_partners, dst_partner):
        """The last step before the sources are deleted."""
        result = super()._log_merge_operation(src_partners, dst_partner)
        self.env.invalidate_all()
        (dst_partner | dst_partner.commercial_partner_id)._customers_moved()
        # sudo: who merges contacts need not read exclusions
        exclusions = self.env["crm.customer.exclusion"].sudo()
        exclusions.search([("partner_id", "=", dst_partner.id)])._drop_rows()
        return result
