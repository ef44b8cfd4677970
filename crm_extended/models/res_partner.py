from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .crm_customer_mirror import COUNTED_ONCE, RowFloat, RowInteger, RowLink, RowMonetary

USER = "crm_extended.group_user"
# worth a word in every list of contacts
STAGE_COLORS = {"loyal": 10, "at_risk": 2, "lost": 1}
CUSTOMER_SIZES = [
    ("1", "1–9 employees"),
    ("10", "10–49 employees"),
    ("50", "50–249 employees"),
    ("250", "250 employees and more"),
]


class ResPartner(models.Model):
    """A contact shows the row of his customer: of his commercial partner in the current company.

    Nothing of it is stored here. What each field means is said on ``crm.customer.profile``.
    """

    _name = "res.partner"
    _inherit = ["res.partner", "crm.customer.mirror"]

    profiling_optout = fields.Boolean(
        "No Profiling",
        help="This customer refused that his purchases are analysed: his row is deleted at once "
        "and none is made.",
    )
    customer_size = fields.Selection(
        CUSTOMER_SIZES,
        "Company Size",
        help="How many people work there. Customers are compared with others of their size.",
    )
    customer_profile_id = RowLink(
        "crm.customer.profile",
        "Customer Figures",
        compute="_compute_customer_profile_id",
        search="_search_customer_profile_id",
        groups=USER,
        help="The figures of this customer in the current company.",
    )
    customer_currency_id = fields.Many2one(
        related="customer_profile_id.currency_id", string="Customer Currency", groups=USER
    )
    as_of = fields.Date(related="customer_profile_id.as_of", groups=USER)
    is_stale = fields.Boolean(related="customer_profile_id.is_stale", groups=USER)

    first_purchase_date = fields.Date(
        related="customer_profile_id.first_purchase_date", groups=USER
    )
    last_purchase_date = fields.Date(related="customer_profile_id.last_purchase_date", groups=USER)
    last_order_date = fields.Date(related="customer_profile_id.last_order_date", groups=USER)
    last_contact_date = fields.Date(related="customer_profile_id.last_contact_date", groups=USER)
    purchase_count = RowInteger(related="customer_profile_id.purchase_count", groups=USER)
    purchase_interval_days = RowFloat(
        related="customer_profile_id.purchase_interval_days", groups=USER
    )

    # amounts: the groups are those of the row
    revenue_total = RowMonetary(
        related="customer_profile_id.revenue_total", currency_field="customer_currency_id"
    )
    revenue_12m = RowMonetary(
        related="customer_profile_id.revenue_12m", currency_field="customer_currency_id"
    )
    revenue_prev_12m = RowMonetary(
        related="customer_profile_id.revenue_prev_12m", currency_field="customer_currency_id"
    )
    revenue_best_year = RowMonetary(
        related="customer_profile_id.revenue_best_year", currency_field="customer_currency_id"
    )
    avg_purchase_value = RowMonetary(
        related="customer_profile_id.avg_purchase_value", currency_field="customer_currency_id"
    )
    return_rate_12m = RowFloat(related="customer_profile_id.return_rate_12m")
    margin_12m = RowMonetary(
        related="customer_profile_id.margin_12m", currency_field="customer_currency_id"
    )
    margin_coverage = RowFloat(related="customer_profile_id.margin_coverage")
    margin_state = fields.Selection(related="customer_profile_id.margin_state")
    cost_to_serve_12m = RowMonetary(
        related="customer_profile_id.cost_to_serve_12m", currency_field="customer_currency_id"
    )
    contribution_12m = RowMonetary(
        related="customer_profile_id.contribution_12m", currency_field="customer_currency_id"
    )
    loss_maker_flag = fields.Boolean(related="customer_profile_id.loss_maker_flag")
    value_class = fields.Selection(related="customer_profile_id.value_class")
    revenue_real_12m = RowMonetary(
        related="customer_profile_id.revenue_real_12m", currency_field="customer_currency_id"
    )
    revenue_real_prev_12m = RowMonetary(
        related="customer_profile_id.revenue_real_prev_12m", currency_field="customer_currency_id"
    )
    real_change_12m = RowFloat(related="customer_profile_id.real_change_12m")
    price_basis = fields.Selection(related="customer_profile_id.price_basis", groups=USER)
    open_amount = RowMonetary(
        related="customer_profile_id.open_amount", currency_field="customer_currency_id"
    )
    overdue_amount = RowMonetary(
        related="customer_profile_id.overdue_amount", currency_field="customer_currency_id"
    )

    overdue_since = fields.Date(related="customer_profile_id.overdue_since", groups=USER)
    payment_days_12m = RowFloat(related="customer_profile_id.payment_days_12m", groups=USER)
    credit_state = fields.Selection(related="customer_profile_id.credit_state", groups=USER)
    collect_first = fields.Boolean(related="customer_profile_id.collect_first", groups=USER)

    loyalty_tier_id = fields.Many2one(
        related="customer_profile_id.tier_id", string="Loyalty Tier", groups=USER
    )
    tier_since = fields.Date(related="customer_profile_id.tier_since", groups=USER)
    tier_valid_until = fields.Date(related="customer_profile_id.tier_valid_until", groups=USER)
    tier_locked = fields.Boolean(related="customer_profile_id.tier_locked", groups=USER)
    next_tier_id = fields.Many2one(related="customer_profile_id.next_tier_id", groups=USER)
    next_tier_gap = RowMonetary(
        related="customer_profile_id.next_tier_gap", currency_field="customer_currency_id"
    )
    next_tier_margin_gap = RowMonetary(
        related="customer_profile_id.next_tier_margin_gap", currency_field="customer_currency_id"
    )
    next_tier_days = RowInteger(related="customer_profile_id.next_tier_days")

    lifecycle_stage = fields.Selection(related="customer_profile_id.lifecycle_stage", groups=USER)
    stage_since = fields.Date(related="customer_profile_id.stage_since", groups=USER)
    life_stage = fields.Selection(related="customer_profile_id.life_stage", groups=USER)
    upsell_flag = fields.Boolean(related="customer_profile_id.upsell_flag")
    retention_flag = fields.Boolean(related="customer_profile_id.retention_flag", groups=USER)
    winback_flag = fields.Boolean(related="customer_profile_id.winback_flag", groups=USER)
    expected_leave_date = fields.Date(
        related="customer_profile_id.expected_leave_date", groups=USER
    )
    prediction_state = fields.Selection(related="customer_profile_id.prediction_state", groups=USER)
    p_order_30d = RowFloat(related="customer_profile_id.p_order_30d", groups=USER)
    p_order_60d = RowFloat(related="customer_profile_id.p_order_60d", groups=USER)
    p_order_90d = RowFloat(related="customer_profile_id.p_order_90d", groups=USER)
    expected_orders_365d = RowFloat(related="customer_profile_id.expected_orders_365d", groups=USER)
    next_order_from = fields.Date(related="customer_profile_id.next_order_from", groups=USER)
    next_order_to = fields.Date(related="customer_profile_id.next_order_to", groups=USER)
    expected_value_order = RowMonetary(
        related="customer_profile_id.expected_value_order", currency_field="customer_currency_id"
    )
    clv = RowMonetary(related="customer_profile_id.clv", currency_field="customer_currency_id")
    clv_low = RowMonetary(
        related="customer_profile_id.clv_low", currency_field="customer_currency_id"
    )
    clv_high = RowMonetary(
        related="customer_profile_id.clv_high", currency_field="customer_currency_id"
    )
    value_at_risk = RowMonetary(
        related="customer_profile_id.value_at_risk", currency_field="customer_currency_id"
    )
    wallet_amount = RowMonetary(
        related="customer_profile_id.wallet_amount", currency_field="customer_currency_id"
    )
    wallet_low = RowMonetary(
        related="customer_profile_id.wallet_low", currency_field="customer_currency_id"
    )
    wallet_high = RowMonetary(
        related="customer_profile_id.wallet_high", currency_field="customer_currency_id"
    )
    wallet_source = fields.Selection(related="customer_profile_id.wallet_source", groups=USER)
    wallet_date = fields.Date(related="customer_profile_id.wallet_date", groups=USER)
    wallet_expires_on = fields.Date(related="customer_profile_id.wallet_expires_on", groups=USER)
    wallet_share = RowFloat(related="customer_profile_id.wallet_share")
    wallet_share_change = RowFloat(related="customer_profile_id.wallet_share_change")
    wallet_headroom = RowMonetary(
        related="customer_profile_id.wallet_headroom", currency_field="customer_currency_id"
    )
    wallet_headroom_low = RowMonetary(
        related="customer_profile_id.wallet_headroom_low", currency_field="customer_currency_id"
    )
    wallet_headroom_high = RowMonetary(
        related="customer_profile_id.wallet_headroom_high", currency_field="customer_currency_id"
    )
    peer_count = RowInteger(related="customer_profile_id.peer_count", groups=USER)
    r_score = RowInteger(related="customer_profile_id.r_score", groups=USER)
    f_score = RowInteger(related="customer_profile_id.f_score", groups=USER)
    m_score = RowInteger(related="customer_profile_id.m_score", groups=USER)
    rfm_segment = fields.Selection(related="customer_profile_id.rfm_segment", groups=USER)
    reason_code = fields.Char(related="customer_profile_id.reason_code", groups=USER)
    reason_args = fields.Json(related="customer_profile_id.reason_args", groups=USER)
    reason = fields.Char(related="customer_profile_id.reason", groups=USER)

    @api.depends("commercial_partner_id")
    @api.depends_context("company", "uid")
    def _compute_customer_profile_id(self):
        rows = self._visible_customers()
        rows.add_where(
            SQL(
                "%s = ANY(%s)",
                SQL.identifier(rows.table, "partner_id"),
                self.commercial_partner_id.ids,
            )
        )
        # sudo: the query holds what the user may see; one query fetches the rows with their
        # columns, and each field is checked when it is read
        profiles = self.env["crm.customer.profile"].sudo()
        columns = [field for field in profiles._fields.values() if field.store and field.prefetch]
        by_partner = {
            profile.partner_id.id: profile.id for profile in profiles._fetch_query(rows, columns)
        }
        for partner in self:
            partner.customer_profile_id = by_partner.get(partner.commercial_partner_id._origin.id)

    @api.model
    def _search_customer_profile_id(self, operator, value):
        if operator not in ("in", "any", "any!"):
            return NotImplemented
        field = self._fields["customer_profile_id"]
        if isinstance(value, Domain):
            value = value.optimize_full(self.env[field.comodel_name])
        condition = Domain(field.name, operator, value)
        return Domain.custom(
            to_sql=lambda model, alias, query: field.condition_to_sql(
                field.name, operator, value, model, alias, query
            ),
            predicate=lambda partner: bool(partner.filtered_domain(condition)),
        )

    def _field_to_sql(self, alias, field_expr, query=None):
        if field_expr != "customer_profile_id":
            return super()._field_to_sql(alias, field_expr, query)
        field = self._fields[field_expr]
        self._check_field_access(field, "read")
        _profiles, row = field.join(self, alias, query)
        return SQL.identifier(row, "id")

    def _read_group_select(self, aggregate_spec, query):
        """A customer counts once, however many contacts it has."""
        aggregate = super()._read_group_select(aggregate_spec, query)
        name, _colon, function = aggregate_spec.partition(":")
        if function not in COUNTED_ONCE or not self._is_customer_figure(name):
            return aggregate
        return SQL(
            "%s FILTER (WHERE %s = %s)",
            aggregate,
            self._field_to_sql(self._table, "id", query),
            self._field_to_sql(self._table, "commercial_partner_id", query),
        )

    # the pills differ by company and reader, and so must what is cached
    @api.depends_context("company", "uid")
    def _compute_application_statistics(self):
        return super()._compute_application_statistics()

    def _compute_application_statistics_hook(self):
        data_list = super()._compute_application_statistics_hook()
        if not self.env.user.has_group(USER):
            return data_list
        labels = dict(self._fields["lifecycle_stage"]._description_selection(self.env))
        for partner in self.filtered(lambda partner: partner.lifecycle_stage in STAGE_COLORS):
            data_list[partner.id].append(
                {
                    "iconClass": "fa-heartbeat",
                    "value": labels[partner.lifecycle_stage],
                    "label": self.env._("Customer Stage"),
                    "tagClass": f"o_tag_color_{STAGE_COLORS[partner.lifecycle_stage]}",
                }
            )
        return data_list
