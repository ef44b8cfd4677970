from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

from .crm_lead import BANDS

MOVES = ("parent_id", "is_company")
# what is worked out of a customer, and what somebody said of him or he answered
FOUND = (
    "crm.customer.profile", "crm.customer.event.queue", "crm.customer.event",
    "crm.loyalty.tier.lock", "crm.loyalty.tier.history",
)  # fmt: skip
SAID = (
    "crm.customer.wallet", "crm.customer.need", "crm.customer.recommendation",
    "crm.customer.outcome", "crm.winback.case", "crm.customer.decision",
)  # fmt: skip


class ResPartnerChanges(models.Model):
    """Changes of a contact that change whose row it is.

    Who opts out of profiling or is archived loses his row at once, in all companies. Where
    contacts move to another commercial partner, rows of those who are none any more go, and the
    rows of both sides are marked and soon recomputed. Nothing else that is edited costs a query.
    """

    _inherit = "res.partner"

    @api.model
    def _commercial_fields(self):
        return super()._commercial_fields() + ["profiling_optout", "customer_size"]

    def write(self, vals):
        # read before super, which takes values out
        is_opted_out = bool(vals.get("profiling_optout"))
        is_archived = not vals.get("active", True)
        commercial_before = self._commercial_partners_before(vals)
        result = super().write(vals)
        if is_opted_out or is_archived:
            self._drop_customers()
        if is_opted_out:
            self._drop_lead_bands()
            # what was said of who wants nothing kept; an archived contact keeps his history
            for model in SAID:
                self._unlink_of(model)
            self._delete_of("crm.customer.segment.member")
        moved = [
            (partner.id, before, partner.commercial_partner_id.id)
            for partner, before in commercial_before.items()
            if partner.commercial_partner_id.id != before
        ]
        if moved:
            self.browse(set().union(*moved))._customers_moved()
        return result

    def _commercial_partners_before(self, vals) -> dict:
        """``{partner: id}`` of these and all below them, where a write is about to move them."""
        if not vals.keys() & set(MOVES):
            return {}
        changing = self.filtered(
            lambda partner: any(
                partner._fields[name].convert_to_write(partner[name], partner) != vals[name]
                for name in MOVES
                if name in vals
            )
        )
        if not changing:
            return {}
        # sudo: also those below whom the user does not see
        family = changing.sudo().with_context(active_test=False)
        family = family.search([("id", "child_of", changing.ids)])
        return {partner: partner.commercial_partner_id.id for partner in family}

    def _drop_customers(self):
        for model in FOUND:
            self._unlink_of(model)
        self._delete_of("crm.customer.forecast")
        self._drop_offers(Domain("partner_id", "in", self.ids))

    @api.model
    def _drop_offers(self, domain: Domain):
        """What customers could be offered and buy more of; what they answered is history."""
        is_open = Domain("state", "=", "open")
        # sudo: neither has a delete right for anyone
        self.env["crm.customer.recommendation"].sudo().search(domain & is_open).unlink()
        self.env["crm.customer.category"].sudo().search(domain).unlink()

    def _unlink_of(self, model):
        # sudo: users delete none of these
        records = self.env[model].sudo().with_context(active_test=False)
        records.search([("partner_id", "in", self.ids)], order="id").unlink()

    def _delete_of(self, model):
        """In one statement: it may be a line a night of two years."""
        records = self.env[model]
        records.flush_model()
        self.env.cr.execute(
            SQL(
                "DELETE FROM %s WHERE partner_id = ANY(%s)",
                SQL.identifier(records._table),
                self.ids,
            )
        )
        records.invalidate_model()

    def _drop_lead_bands(self):
        """Also of closed opportunities: the customer wants no profile of him kept."""
        leads = self.env["crm.lead"]
        leads.flush_model(["partner_id", *BANDS])
        self.flush_model(["commercial_partner_id"])
        self.env.cr.execute(
            SQL(
                """UPDATE crm_lead AS lead
                      SET %(emptied)s
                     FROM res_partner AS partner
                    WHERE partner.id = lead.partner_id
                      AND partner.commercial_partner_id = ANY(%(customers)s)
                      AND (%(filled)s)""",
                emptied=SQL(", ").join(SQL("%s = NULL", SQL.identifier(name)) for name in BANDS),
                filled=SQL(" OR ").join(
                    SQL("%s IS NOT NULL", SQL.identifier("lead", name)) for name in BANDS
                ),
                customers=self.ids,
            )
        )
        leads.invalidate_model(list(BANDS))

    def _customers_moved(self):
        """Among these, rows of who is no commercial partner go, the others are to be
        recomputed."""
        # sudo: rows have no write right for anyone, and nobody may wake the job
        rows = self.env["crm.customer.profile"].sudo()
        rows = rows.search(Domain("partner_id", "in", self.ids), order="id")
        if not rows:
            return
        kept = rows.filtered(lambda row: row.partner_id.commercial_partner_id == row.partner_id)
        self._drop_offers(Domain("partner_id", "in", (rows - kept).partner_id.ids))
        (rows - kept).unlink()
        kept.is_outdated = True
        self.env.ref("crm_extended.ir_cron_customer_refresh").sudo()._trigger()
