from odoo import api, models
from odoo.tools import SQL

from .crm_customer_fact import Slice

LAST_ID = 2**31 - 1


class CrmCustomerFact(models.Model):
    _inherit = "crm.customer.fact"

    @api.model
    def _monthly_sales(self, company, as_of, since, until) -> list[tuple]:
        """``[(product, unit, number of the month, net amount, quantity), …]`` of a company's
        purchase lines from a day on and before another. Quantities are in the unit that all units
        of the line refer to: kilograms sold by the ton are kilograms; by the piece they are a
        product of their own."""
        self.env["product.template"].flush_model(["uom_id"])
        self.env["product.product"].flush_model(["product_tmpl_id"])
        self.env["uom.uom"].flush_model(["factor", "parent_path"])
        slices = self._unlinked_slices(as_of, company)
        return self.env.execute_query(
            SQL(
                """SELECT fact.product_id, SPLIT_PART(unit.parent_path, '/', 1),
                          EXTRACT(YEAR FROM fact.date)::integer * 12
                              + EXTRACT(MONTH FROM fact.date)::integer - 1,
                          SUM(fact.amount)::float8,
                          SUM(fact.quantity * unit.factor)::float8
                     FROM (%(facts)s) AS fact
                     JOIN product_product AS product ON product.id = fact.product_id
                     JOIN product_template AS template ON template.id = product.product_tmpl_id
                     JOIN uom_uom AS unit ON unit.id = COALESCE(fact.uom_id, template.uom_id)
                    WHERE fact.purchase_date IS NOT NULL
                      AND fact.kind = 'purchase'
                      AND fact.amount > 0
                      AND fact.quantity > 0
                      AND fact.date >= %(since)s
                      AND fact.date < %(until)s
                    GROUP BY 1, 2, 3
                    ORDER BY 3, 1, 2""",
                facts=SQL(" UNION ALL ").join(self._fact_sources(as_of, company, slices)),
                since=since,
                until=until,
            )
        )

    @api.model
    def _unlinked_slices(self, as_of, company) -> dict[int, Slice]:
        """All documents, without a look at the order lines behind each: prices don't need them."""
        nothing = SQL("(%s)", self._order_links(SQL("BETWEEN 1 AND 0")))
        reversals = SQL("(%s)", self._bulk_reversals(as_of, company, 1, LAST_ID))
        return {
            source: Slice(1, LAST_ID, nothing, reversals) for source in self._fact_tables(company)
        }
