from typing import NamedTuple

from odoo import api, fields, models
from odoo.tools import SQL

from ..sql import sql_columns

INVOICE_SOURCE = 1
ORDER_SOURCE = 2


class Slice(NamedTuple):
    """A range of document ids of one source, read in bulk; ``links`` is the staged table of the
    order lines behind them (see ``_order_links``), ``reversals`` that of their credit notes (see
    ``_bulk_reversals``)."""

    first: int
    last: int
    links: SQL
    reversals: SQL


class CrmCustomerFact(models.Model):
    """What counts as a purchase, at line grain.

    Money comes from posted customer invoices and credit notes (or from confirmed orders, as the
    company chose), rhythm from the order dates behind them. ``purchase_date`` is the day that
    counts as a purchase; it is empty on credit notes and on invoices that were wholly reversed.
    Down payments are no purchase: the final invoice carries the whole amount.

    Other addons add sources in ``_fact_sources``, columns and joins in the ``_invoice_*``,
    ``_order_*`` and ``_order_link_*`` methods.
    """

    _name = "crm.customer.fact"
    _description = "Purchase Line"
    _auto = False
    _log_access = False
    _order = "date DESC, id DESC"
    _rec_name = "document_name"

    company_id = fields.Many2one("res.company", readonly=True)
    partner_id = fields.Many2one(
        "res.partner", "Customer", readonly=True, help="The commercial partner who bought."
    )
    product_id = fields.Many2one("product.product", readonly=True)
    product_categ_id = fields.Many2one(related="product_id.categ_id", string="Product Category")
    currency_id = fields.Many2one("res.currency", readonly=True)
    date = fields.Date(readonly=True, help="Day on which the money counts.")
    purchase_date = fields.Date(
        "Purchase Day",
        readonly=True,
        help="Day of the order behind the line, else of the invoice. Empty on credit notes and on "
        "invoices that were wholly reversed: they are no purchase.",
    )
    kind = fields.Selection([("purchase", "Purchase"), ("return", "Return")], readonly=True)
    quantity = fields.Float(readonly=True, help="In the unit of the line; negative on returns.")
    uom_id = fields.Many2one("uom.uom", "Unit", readonly=True)
    amount = fields.Monetary(
        "Net Amount",
        readonly=True,
        groups="crm_extended.group_amount",
        help="Untaxed, in the company's currency at the document's own rate; negative on returns.",
    )
    margin = fields.Monetary(
        readonly=True,
        groups="crm_extended.group_margin",
        help="Net amount less the cost frozen on the order. Empty where the cost is not known.",
    )
    margin_is_known = fields.Boolean(
        "Cost Is Known",
        readonly=True,
        groups="crm_extended.group_margin",
        help="Whether the cost behind the line was recorded when it was ordered.",
    )
    move_id = fields.Many2one("account.move", "Invoice", readonly=True)
    order_id = fields.Many2one("sale.order", "Sales Order", readonly=True)
    document_name = fields.Char("Document", readonly=True)

    @property
    def _table_query(self) -> SQL:
        companies = self.env["res.company"].sudo().search([])
        return SQL(
            "SELECT fact.*, fact.margin IS NOT NULL AS margin_is_known FROM (%s) AS fact",
            SQL(" UNION ALL ").join(self._fact_sources(None, companies)),
        )

    @api.model
    def _fact_sources(self, as_of, companies, slices=None) -> list[SQL]:
        """The selects whose union is all purchase lines of the companies up to a day.

        :param as_of: last day that counts; None is today in each company's time zone
        :param companies: the companies whose documents count
        :param slices: None, or ``{source: Slice}``: only these sources and documents, in bulk
        """
        sources = []
        for source, select in (
            (INVOICE_SOURCE, self._invoice_facts),
            (ORDER_SOURCE, self._order_facts),
        ):
            chosen = companies.filtered(lambda company, key=source: company._fact_source() == key)
            if chosen and (slices is None or source in slices):
                sources.append(select(as_of, chosen, slices and slices[source]))
        return sources or [self._invoice_facts(as_of, companies.browse(), None)]

    @api.model
    def _fact_tables(self, company) -> dict[int, str]:
        """The table of documents that each source of a company reads, for reading in slices."""
        source = company._fact_source()
        return {source: "account_move" if source == INVOICE_SOURCE else "sale_order"}

    @api.model
    def _bulk_links(self, source: int, first: int, last: int) -> SQL:
        """``_order_links`` of all invoices in a range of ids."""
        lines = [(1, 0)]
        if source == INVOICE_SOURCE:
            lines = self.env.execute_query(
                SQL(
                    # the offset keeps PostgreSQL from walking the ids in search of the first
                    "SELECT COALESCE(MIN(id), 1), COALESCE(MAX(id), 0) FROM ("
                    "SELECT id FROM account_move_line WHERE move_id BETWEEN %s AND %s"
                    " AND display_type = 'product' OFFSET 0) AS line",
                    first,
                    last,
                )
            )
        return self._order_links(SQL("BETWEEN %s AND %s", *lines[0]))

    @api.model
    def _fact_companies(self, as_of, companies) -> SQL:
        """One row per company with what the selects need of it."""
        rows = [
            self._fact_companies_columns(company)
            | {"as_of": SQL("%s::date", as_of or company._customer_today())}
            for company in companies
        ]
        if not rows:
            # no company reads this source: a well-formed, empty list
            empty = self.env.company
            rows = [self._fact_companies_columns(empty) | {"as_of": SQL("NULL::date")}]
        return SQL(
            "(VALUES %s) AS company (%s)",
            SQL(", ").join(SQL("(%s)", SQL(", ").join(row.values())) for row in rows),
            SQL(", ").join(SQL.identifier(name) for name in rows[0]),
        )

    @api.model
    def _fact_companies_columns(self, company) -> dict[str, SQL]:
        return {
            "company_id": SQL("%s", company.id),
            "tz": SQL("%s", company._customer_timezone()),
            "currency_id": SQL("%s", company.currency_id.id),
            "decimals": SQL("%s", company.currency_id.decimal_places),
        }

    # ---------------------------------------------------------------- invoices

    @api.model
    def _invoice_facts(self, as_of, companies, part: Slice | None) -> SQL:
        self.env["account.move"].flush_model()
        self.env["account.move.line"].flush_model()
        self.env["sale.order"].flush_model()
        self.env["sale.order.line"].flush_model()
        self.env["res.partner"].flush_model(["commercial_partner_id"])
        columns = self._invoice_columns()
        return SQL(
            """(
            SELECT %(columns)s
              FROM account_move_line AS line
              JOIN account_move AS move ON move.id = line.move_id
              JOIN %(companies)s ON company.company_id = move.company_id
              JOIN res_partner AS partner ON partner.id = move.partner_id
              %(joins)s
             WHERE move.state = 'posted'
               AND move.move_type IN ('out_invoice', 'out_refund', 'out_receipt')
               AND move.invoice_date <= company.as_of
               AND %(goods)s
               AND move.company_id IN %(company_ids)s
               AND %(range)s
            )""",
            columns=sql_columns(columns),
            companies=self._fact_companies(as_of, companies),
            joins=SQL(" ").join(self._invoice_joins(as_of, companies, part)),
            goods=self._sql_are_goods("line"),
            company_ids=tuple(companies.ids) or (0,),
            range=self._document_range(part, ("move", "id"), ("line", "move_id")),
        )

    @api.model
    def _document_range(self, part: Slice | None, *columns: tuple[str, str]) -> SQL:
        """The documents of a slice. Said of both sides of a join: PostgreSQL derives no range."""
        if not part:
            return SQL("TRUE")
        return SQL(" AND ").join(
            SQL("%s BETWEEN %s AND %s", SQL.identifier(*column), part.first, part.last)
            for column in columns
        )

    @api.model
    def _invoice_columns(self) -> dict[str, SQL]:
        sign = SQL("CASE WHEN move.move_type = 'out_refund' THEN -1 ELSE 1 END")
        return {
            "id": SQL("line.id::bigint * 8 + %s", INVOICE_SOURCE),
            "company_id": SQL("move.company_id"),
            "partner_id": SQL("partner.commercial_partner_id"),
            "product_id": SQL("line.product_id"),
            "currency_id": SQL("company.currency_id"),
            "date": SQL("move.invoice_date"),
            "purchase_date": SQL(
                """CASE
                    WHEN move.move_type = 'out_refund' OR %s THEN NULL
                    ELSE LEAST(
                        (link.ordered_at AT TIME ZONE 'UTC' AT TIME ZONE company.tz)::date,
                        move.invoice_date
                    )
                END""",
                self._sql_is_reversed(),
            ),
            "kind": SQL(
                "CASE WHEN move.move_type = 'out_refund' OR line.quantity < 0"
                " THEN 'return' ELSE 'purchase' END"
            ),
            "quantity": SQL("%s * line.quantity", sign),
            "uom_id": SQL("line.product_uom_id"),
            "amount": SQL("-line.balance"),
            "margin": SQL("NULL::numeric"),
            "move_id": SQL("move.id"),
            "order_id": SQL("link.order_id"),
            "document_name": SQL("move.name"),
            "document_id": SQL("move.id::bigint * 8 + %s", INVOICE_SOURCE),
        }

    @api.model
    def _sql_is_reversed(self) -> SQL:
        """Whether credit notes took back all goods of an invoice. Its total doesn't tell: of a
        prepaid invoice it is a rest."""
        return SQL(
            """(reversal.credited IS NOT NULL AND (
                SELECT CASE WHEN reversal.currency_id = move.currency_id
                             AND reversal.last_currency_id = move.currency_id
                            THEN SUM(own.amount_currency) + reversal.credited >= 0
                            ELSE SUM(own.balance) + reversal.credited_balance >= 0
                       END
                  FROM account_move_line AS own
                 WHERE own.move_id = move.id AND %s
            ))""",
            self._sql_are_goods("own"),
        )

    @api.model
    def _sql_are_goods(self, line: str) -> SQL:
        """Product lines but down payments."""
        return SQL(
            "%(line)s.display_type = 'product' AND %(line)s.is_downpayment IS NOT TRUE",
            line=SQL.identifier(line),
        )

    @api.model
    def _invoice_joins(self, as_of, companies, part: Slice | None) -> list[SQL]:
        """The order lines behind an invoice line (aggregated before joining: there may be
        several) and the credit notes of an invoice, up to the day."""
        if part:
            link = SQL("LEFT JOIN %s AS link ON link.invoice_line_id = line.id", part.links)
        else:
            link = SQL(
                "LEFT JOIN LATERAL (%s) AS link ON TRUE", self._order_links(SQL("= line.id"))
            )
        return [link, self._reversal_join(as_of, companies, part)]

    @api.model
    def _reversal_join(self, as_of, companies, part: Slice | None) -> SQL:
        if part:
            return SQL(
                "LEFT JOIN %s AS reversal ON reversal.reversed_entry_id = move.id", part.reversals
            )
        return SQL(
            "LEFT JOIN LATERAL (%s) AS reversal ON TRUE",
            self._reversals(as_of, companies, SQL("= move.id")),
        )

    @api.model
    def _bulk_reversals(self, as_of, companies, first: int, last: int) -> SQL:
        """``_reversals`` of all invoices in a range of ids."""
        return self._reversals(as_of, companies, SQL("BETWEEN %s AND %s", first, last))

    @api.model
    def _reversals(self, as_of, companies, moves: SQL) -> SQL:
        """What credit notes took back of invoices, one row per invoice that has any.

        :param moves: a condition that follows the id, as ``= move.id`` or ``BETWEEN 1 AND 9``
        """
        return SQL(
            """SELECT refund.reversed_entry_id,
                      SUM(goods.amount_currency) AS credited,
                      SUM(goods.balance) AS credited_balance,
                      MIN(refund.currency_id) AS currency_id,
                      MAX(refund.currency_id) AS last_currency_id
                 FROM account_move AS refund
                 JOIN account_move_line AS goods ON goods.move_id = refund.id
                 JOIN %s ON company.company_id = refund.company_id
                WHERE refund.state = 'posted'
                  AND refund.move_type = 'out_refund'
                  AND refund.invoice_date <= company.as_of
                  AND %s
                  AND refund.reversed_entry_id %s
                GROUP BY refund.reversed_entry_id""",
            self._fact_companies(as_of, companies),
            self._sql_are_goods("goods"),
            moves,
        )

    @api.model
    def _order_links(self, lines: SQL) -> SQL:
        """What the orders behind invoice lines say, one row per line that has any.

        :param lines: a condition that follows the id, as ``= 7`` or ``BETWEEN 1 AND 9``
        """
        return SQL(
            """SELECT rel.invoice_line_id, %(columns)s
                 FROM sale_order_line_invoice_rel AS rel
                 JOIN sale_order_line AS order_line ON order_line.id = rel.order_line_id
                 JOIN sale_order AS sale ON sale.id = order_line.order_id
                 %(joins)s
                WHERE rel.invoice_line_id %(lines)s
                GROUP BY rel.invoice_line_id""",
            columns=sql_columns(self._order_link_columns()),
            joins=SQL(" ").join(self._order_link_joins()),
            lines=lines,
        )

    @api.model
    def _order_link_columns(self) -> dict[str, SQL]:
        """Aggregates over the order lines behind one invoice line (``rel``, ``order_line``,
        ``sale``)."""
        return {
            "ordered_at": SQL("MIN(sale.date_order)"),
            "order_id": SQL("MIN(sale.id)"),
        }

    @api.model
    def _order_link_joins(self) -> list[SQL]:
        return []

    # ------------------------------------------------------------------ orders

    @api.model
    def _order_facts(self, as_of, companies, part: Slice | None) -> SQL:
        self.env["sale.order"].flush_model()
        self.env["sale.order.line"].flush_model()
        self.env["res.partner"].flush_model(["commercial_partner_id"])
        return SQL(
            """(
            SELECT %(columns)s
              FROM sale_order_line AS line
              JOIN sale_order AS sale ON sale.id = line.order_id
              JOIN %(companies)s ON company.company_id = sale.company_id
              JOIN res_partner AS partner ON partner.id = sale.partner_id
             WHERE sale.state = 'sale'
               AND (sale.date_order AT TIME ZONE 'UTC' AT TIME ZONE company.tz)::date
                   <= company.as_of
               AND line.display_type IS NULL
               AND line.is_downpayment IS NOT TRUE
               AND sale.company_id IN %(company_ids)s
               AND %(range)s
            )""",
            columns=sql_columns(self._order_columns()),
            companies=self._fact_companies(as_of, companies),
            company_ids=tuple(companies.ids) or (0,),
            range=self._document_range(part, ("sale", "id"), ("line", "order_id")),
        )

    @api.model
    def _order_columns(self) -> dict[str, SQL]:
        day = SQL("(sale.date_order AT TIME ZONE 'UTC' AT TIME ZONE company.tz)::date")
        return {
            "id": SQL("line.id::bigint * 8 + %s", ORDER_SOURCE),
            "company_id": SQL("sale.company_id"),
            "partner_id": SQL("partner.commercial_partner_id"),
            "product_id": SQL("line.product_id"),
            "currency_id": SQL("company.currency_id"),
            "date": day,
            "purchase_date": SQL("CASE WHEN line.product_uom_qty < 0 THEN NULL ELSE %s END", day),
            "kind": SQL("CASE WHEN line.product_uom_qty < 0 THEN 'return' ELSE 'purchase' END"),
            "quantity": SQL("line.product_uom_qty"),
            "uom_id": SQL("line.product_uom_id"),
            "amount": SQL(
                "ROUND((line.price_subtotal / COALESCE(NULLIF(sale.currency_rate, 0), 1))::numeric,"
                " company.decimals)"
            ),
            "margin": SQL("NULL::numeric"),
            "move_id": SQL("NULL::integer"),
            "order_id": SQL("sale.id"),
            "document_name": SQL("sale.name"),
            "document_id": SQL("sale.id::bigint * 8 + %s", ORDER_SOURCE),
        }
