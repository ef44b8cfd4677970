from odoo import api, models
from odoo.tools import SQL


class CrmCustomerFact(models.Model):
    """Margin of a purchase line from the cost frozen on its order lines.

    Invoice lines: ``amount - sign · quantity · uom factor · unit cost``, where the unit cost is
    the quantity-weighted mean over all order lines behind, per reference unit and in company
    currency. It is known when every order line behind has a cost, or a price of zero or less
    (discounts cost nothing), and was confirmed since costs are frozen. Credit notes of goods take
    their cost back; one without order and goods is a price concession and takes none.
    """

    _inherit = "crm.customer.fact"

    @api.model
    def _fact_companies_columns(self, company):
        return super()._fact_companies_columns(company) | {
            "margin_since": SQL("%s::timestamp", company.customer_margin_since or "-infinity")
        }

    @api.model
    def _order_link_joins(self):
        return super()._order_link_joins() + [
            SQL("LEFT JOIN uom_uom AS order_uom ON order_uom.id = order_line.product_uom_id"),
        ]

    @api.model
    def _order_link_columns(self):
        price = SQL(
            "(COALESCE(order_line.purchase_price, 0)::float8"
            " / COALESCE(NULLIF(sale.currency_rate, 0), 1)::float8)"
        )
        quantity = SQL("order_line.product_uom_qty::float8")
        factor = SQL("COALESCE(NULLIF(order_uom.factor, 0), 1)::float8")
        return super()._order_link_columns() | {
            # ordered quantities of zero (added on delivery): the plain mean
            "unit_cost": SQL(
                """COALESCE(
                    SUM(%(price)s * %(quantity)s) / NULLIF(SUM(%(quantity)s * %(factor)s), 0),
                    AVG(%(price)s / %(factor)s)
                )""",
                price=price,
                quantity=quantity,
                factor=factor,
            ),
            "cost_is_known": SQL("BOOL_AND(%s)", self._sql_cost_is_recorded("order_line")),
            "costed_at": SQL("MIN(%s)", self._sql_costed_at("order_line")),
        }

    @api.model
    def _sql_cost_is_recorded(self, line: str) -> SQL:
        return SQL(
            "(COALESCE(%s, 0) <> 0 OR %s <= 0)",
            SQL.identifier(line, "purchase_price"),
            SQL.identifier(line, "price_unit"),
        )

    @api.model
    def _sql_costed_at(self, line: str) -> SQL:
        """When a cost was frozen: with the line, or with its order where that came later (an
        imported order may carry an older date)."""
        return SQL("GREATEST(%s, sale.date_order)", SQL.identifier(line, "create_date"))

    @api.model
    def _invoice_joins(self, as_of, companies, part):
        return super()._invoice_joins(as_of, companies, part) + [
            SQL("LEFT JOIN uom_uom AS line_uom ON line_uom.id = line.product_uom_id"),
            SQL("LEFT JOIN product_product AS product ON product.id = line.product_id"),
            SQL("LEFT JOIN product_template AS template ON template.id = product.product_tmpl_id"),
        ]

    @api.model
    def _invoice_columns(self):
        return super()._invoice_columns() | {
            "margin": SQL(
                """CASE
                    WHEN link.cost_is_known AND link.costed_at >= company.margin_since THEN
                        ROUND(
                            -line.balance
                            - (CASE WHEN move.move_type = 'out_refund' THEN -1 ELSE 1 END
                               * line.quantity * COALESCE(line_uom.factor, 1)
                               * link.unit_cost)::numeric,
                            company.decimals
                        )
                    WHEN link.order_id IS NULL
                         AND move.move_type = 'out_refund'
                         AND COALESCE(template.type, 'service') = 'service' THEN -line.balance
                END"""
            ),
        }

    @api.model
    def _order_columns(self):
        return super()._order_columns() | {
            "margin": SQL(
                """CASE WHEN %s AND %s >= company.margin_since THEN
                    ROUND(
                        ((line.price_subtotal - COALESCE(line.purchase_price, 0)
                          * line.product_uom_qty)
                         / COALESCE(NULLIF(sale.currency_rate, 0), 1))::numeric,
                        company.decimals
                    )
                END""",
                self._sql_cost_is_recorded("line"),
                self._sql_costed_at("line"),
            ),
        }
