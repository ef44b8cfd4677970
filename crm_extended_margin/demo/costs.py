from datetime import timedelta
from decimal import Decimal

from odoo.tools import SQL

from odoo.addons.crm_extended.demo.catalog import PRODUCTS, at_age, product_name
from odoo.addons.crm_extended.demo.world import NAMESPACE


def freeze_costs(env, company):
    """Put the cost of its day on each order line of the demo's products, as if Margins had been
    there from the beginning."""
    products = _demo_products(env).with_company(company)
    costs = {product.id: Decimal(str(product.standard_price)) for product in products}
    env["sale.order"].flush_model()
    env["sale.order.line"].flush_model()
    lines = env.execute_query(
        SQL(
            """SELECT line.id, line.product_id, sale.date_order, sale.currency_rate
                 FROM sale_order_line AS line
                 JOIN sale_order AS sale ON sale.id = line.order_id
                WHERE sale.company_id = %s AND line.product_id = ANY(%s)""",
            company.id,
            products.ids,
        )
    )
    if not lines:
        return
    today = company._customer_today()
    _write_costs(
        env,
        [
            (line, at_age(costs[product], (today - moment.date()).days) * Decimal(str(rate or 1)))
            for line, product, moment, rate in lines
        ],
    )
    first = min(moment for _line, _product, moment, _rate in lines)
    company.customer_margin_since = first - timedelta(days=1)


def _demo_products(env):
    products = env["product.product"]
    for product in PRODUCTS:
        name = f"{NAMESPACE}.{product_name(product)}"
        products |= env.ref(name, raise_if_not_found=False) or products
    return products


def _write_costs(env, rows):
    """Costs, and the margins that Odoo derives from them."""
    env.cr.execute_values(
        """UPDATE sale_order_line AS line
              SET purchase_price = ROUND(cost.cost, 2),
                  margin = line.price_subtotal - ROUND(cost.cost, 2) * line.product_uom_qty,
                  margin_percent = 1 - ROUND(cost.cost, 2) * line.product_uom_qty
                                       / NULLIF(line.price_subtotal, 0)
             FROM (VALUES %s) AS cost (id, cost)
            WHERE line.id = cost.id""",
        rows,
        page_size=1000,
    )
    env.cr.execute(
        SQL(
            """UPDATE sale_order AS sale
                  SET margin = line.margin,
                      margin_percent = line.margin / NULLIF(sale.amount_untaxed, 0)
                 FROM (SELECT order_id, SUM(margin) AS margin
                         FROM sale_order_line
                        GROUP BY order_id
                       HAVING BOOL_OR(id = ANY(%s))
                 ) AS line
                WHERE line.order_id = sale.id""",
            [line for line, _cost in rows],
        )
    )
    env.invalidate_all()
