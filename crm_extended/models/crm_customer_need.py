from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError

NEED_SOURCES = [
    ("call", "Call"),
    ("meeting", "Meeting"),
    ("email", "E-mail"),
    ("survey", "Survey"),
    ("observed", "Observed"),
]
# tomorrow has begun somewhere already
ONE_DAY = timedelta(days=1)


class CrmCustomerNeed(models.Model):
    """What a customer said matters to him, when, and to whom.

    There is one record per company, customer and need. Declared again it is renewed: it takes the
    new date and author, and matters again if it had ended. What is said by a contact is kept with
    his customer. A need that is met still matters; one that matters no more is archived. Of who
    refused profiling nothing is kept.
    """

    _name = "crm.customer.need"
    _description = "Need of a Customer"
    _order = "date DESC, id DESC"
    _rec_name = "need_id"

    partner_id = fields.Many2one(
        "res.partner",
        "Customer",
        required=True,
        ondelete="cascade",
        domain="[('commercial_partner_id', '=', id)]",
    )
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        ondelete="cascade",
        default=lambda self: self.env.company,
    )
    need_id = fields.Many2one("crm.need", required=True, index=True, ondelete="restrict")
    date = fields.Date(
        "Said On",
        required=True,
        default=fields.Date.context_today,
        help="Day on which the customer said so last.",
    )
    source = fields.Selection(
        NEED_SOURCES,
        "Learned By",
        required=True,
        default="call",
        help="How it was learned. Observed: he did not say so himself.",
    )
    note = fields.Text(help="In his own words.")
    user_id = fields.Many2one(
        "res.users",
        "Author",
        readonly=True,
        default=lambda self: self.env.user,
        help="Who learned it last.",
    )
    is_met = fields.Boolean(
        "Met", help="What he gets from us answers this need. It still matters to him."
    )
    active = fields.Boolean(
        "Matters", default=True, help="Off when it does not matter to the customer any more."
    )
    salesperson_id = fields.Many2one(related="partner_id.user_id", string="Salesperson")

    # a constraint, not a unique index: see the rows
    _partner_company_need_unique = models.Constraint(
        "UNIQUE (partner_id, company_id, need_id)",
        "This need of the customer is on record already: change its date there.",
    )

    @api.constrains("date")
    def _check_date(self):
        for need in self:
            if need.date > fields.Date.context_today(need) + ONE_DAY:
                raise ValidationError(
                    self.env._(
                        "%(day)s has not come yet: enter the day on which %(customer)s said so.",
                        day=need.date,
                        customer=need.partner_id.display_name,
                    )
                )

    @api.constrains("partner_id")
    def _check_optout(self):
        for need in self:
            if need.partner_id.profiling_optout:
                raise ValidationError(
                    self.env._(
                        "%(customer)s wants no profile: what matters to him is not kept. “No "
                        "Profiling” on the contact says so.",
                        customer=need.partner_id.display_name,
                    )
                )

    @api.depends("partner_id", "need_id")
    def _compute_display_name(self):
        for need in self:
            need.display_name = self.env._(
                "%(customer)s: %(need)s",
                customer=need.partner_id.display_name,
                need=need.need_id.name,
            )

    @api.model_create_multi
    def create(self, vals_list):
        """Needs that are on record are renewed instead of doubled."""
        defaults = self.default_get(["partner_id", "company_id", "need_id", "date"])
        vals_list = [self._of_customer(defaults | vals) for vals in vals_list]
        known = self._find_known(vals_list)
        fresh = {}
        for vals in vals_list:
            key = self._key(vals)
            if key in known:
                known[key]._renew(vals)
            else:
                fresh[key] = fresh.get(key, {}) | vals
        known |= dict(zip(fresh, super().create(list(fresh.values())), strict=True))
        self._forget_needs()
        return self.browse(known[self._key(vals)].id for vals in vals_list)

    def write(self, vals):
        if "partner_id" in vals:
            vals = self._of_customer(vals)
        if not self.env.su:
            # who learned it is no matter of opinion
            vals = {name: value for name, value in vals.items() if name != "user_id"}
            if "date" in vals:
                vals["user_id"] = self.env.uid
        result = super().write(vals)
        if vals.keys() & {"partner_id", "company_id"}:
            # nobody hands it to a customer of others
            self.check_access("write")
        self._forget_needs()
        return result

    def unlink(self):
        result = super().unlink()
        self._forget_needs()
        return result

    def _renew(self, vals):
        """Declared again. What was said earlier than what is on record changes nothing."""
        if fields.Date.to_date(vals["date"]) >= self.date:
            self.write({"active": True, "user_id": self.env.uid} | vals)

    @api.model
    def _forget_needs(self):
        """They are computed from these records, on others that don't depend on them."""
        self.env["res.partner"].invalidate_model(["need_ids"])
        self.env["crm.customer.profile"].invalidate_model(["need_ids", "benefit_ids"])

    @api.model
    def _of_customer(self, vals) -> dict:
        """The values with the customer of a contact."""
        partner = self.env["res.partner"].browse(vals.get("partner_id"))
        vals = vals | {"partner_id": partner.commercial_partner_id.id or partner.id}
        if not self.env.su:
            vals.pop("user_id", None)
        return vals

    @api.model
    def _key(self, vals) -> tuple:
        return vals.get("partner_id"), vals.get("company_id"), vals.get("need_id")

    @api.model
    def _find_known(self, vals_list) -> dict:
        """``{(customer, company, need): record}`` of those that are on record."""
        if not vals_list:
            return {}
        partners, companies, needs = map(set, zip(*map(self._key, vals_list), strict=True))
        # sudo: renewing one that the user may not see is refused; unseen, it would be doubled
        known = (
            self.sudo()
            .with_context(active_test=False)
            .search(
                [
                    ("partner_id", "in", partners),
                    ("company_id", "in", companies),
                    ("need_id", "in", needs),
                ]
            )
        )
        return {
            (need.partner_id.id, need.company_id.id, need.need_id.id): self.browse(need.id)
            for need in known
        }

    @api.model
    def _keep_latest(self, partners, partner):
        """Of contacts that become one, the needs become the one's: the latest record of each
        need, those that still matter first."""
        # sudo: who merges or moves contacts need not see what they said
        records = self.sudo().with_context(active_test=False)
        records = records.search(
            [("partner_id", "in", (partners | partner).ids)],
            order="active DESC, date DESC, id DESC",
        )
        kept = {}
        for record in records:
            kept.setdefault((record.company_id, record.need_id), record)
        kept = records.browse(record.id for record in kept.values())
        (records - kept).unlink()
        kept.filtered(lambda record: record.partner_id != partner).partner_id = partner
