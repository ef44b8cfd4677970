"""Ledgers for the tests: made at random, and written to the database as Odoo stores them."""

import random
from contextlib import closing
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from . import reference
from .common import CustomerCase
from .reference import Invoice, InvoiceLine, Ledger, Order, OrderLine, rounded

CUSTOMERS = 60
EXACT = (
    "lifecycle_stage",
    "purchase_count",
    "first_purchase_date",
    "last_purchase_date",
    "last_order_date",
    "expected_leave_date",
    "retention_flag",
    "winback_flag",
    "revenue_total",
    "revenue_12m",
    "revenue_prev_12m",
    "revenue_best_year",
    "avg_purchase_value",
    "cost_to_serve_12m",
    "r_score",
    "f_score",
    "m_score",
    "rfm_segment",
    "life_stage",
    "prediction_state",
    "next_order_from",
    "next_order_to",
    "peer_count",
    "wallet_source",
)
# what is rounded, and by how much it may differ
NEARLY = {
    "purchase_interval_days": 0.011,
    "return_rate_12m": 1e-12,
    "p_order_30d": 1e-5,
    "p_order_60d": 1e-5,
    "p_order_90d": 1e-5,
    "expected_orders_365d": 1e-4,
    "wallet_headroom": 0.011,
    "wallet_headroom_low": 0.011,
    "wallet_headroom_high": 0.011,
}
CENT = Decimal("0.01")
RATES = (Decimal(1), Decimal("1.25"), Decimal("0.84"), Decimal("41.373195"))
UNITS = (Decimal(1), Decimal(12))


class LedgerMaker:
    """Makes a ledger from a seed: customers of different rhythm, and every kind of document that
    the rules on purchases tell apart."""

    def __init__(self, seed: int, customers: int, as_of: date):
        self.random = random.Random(seed)
        self.customers = customers
        self.as_of = as_of
        self.ledger = Ledger()

    def make(self) -> Ledger:
        for customer in range(self.customers):
            interval = self.random.choice((1, 7, 7, 14, 30, 31, 45, 90, 200))
            day = self.as_of - timedelta(days=self.random.randrange(1100))
            for _number in range(self.random.choice((0, 1, 2, 3, 5, 8, 13))):
                self._buy(customer, day)
                day += timedelta(days=self._pause(interval))
            if self.random.random() < 0.3:
                lead_day = self.as_of - timedelta(days=self.random.randrange(-3, 40))
                self.ledger.leads[customer] = lead_day
        self.ledger.excluded = {
            customer for customer in range(self.customers) if self.random.random() < 0.05
        }
        return self.ledger

    def _pause(self, interval: int) -> int:
        regular = self.random.choice((0, 0, 1, 3)) + interval
        return regular * self.random.choice((1, 1, 1, 1, 1, 4, 5, 9))

    def _buy(self, customer: int, day: date):
        kinds = {
            self._direct_invoice: 6,
            self._order_and_invoice: 6,
            self._two_deliveries: 2,
            self._down_payment: 2,
            self._consolidated: 1,
            self._unconfirmed: 1,
            self._waiting_order: 1,
            self._old_concession: 1,
        }
        [kind] = self.random.choices(list(kinds), list(kinds.values()))
        kind(customer, day)

    # --------------------------------------------------------------- kinds of purchase

    def _direct_invoice(self, customer, day):
        invoice = self._invoice(customer, day, [self._free_line() for _line in self._some()])
        invoice.kind = self.random.choice(("out_invoice", "out_invoice", "out_receipt"))
        self._perhaps_credit(invoice)

    def _order_and_invoice(self, customer, day):
        order = self._order(customer, day)
        lines = [self._billed(line) for line in order.lines]
        if self.random.random() < 0.2:
            lines.append(self._free_line())
        invoice = self._invoice(customer, day + self._delay(), lines, order.rate)
        self._perhaps_credit(invoice)

    def _two_deliveries(self, customer, day):
        order = self._order(customer, day)
        for number in (1, 2):
            lines = [self._billed(line, share=Decimal("0.5")) for line in order.lines]
            invoice = self._invoice(customer, day + number * self._delay(), lines, order.rate)
            if number == 2:
                self._perhaps_credit(invoice)

    def _down_payment(self, customer, day):
        order = self._order(customer, day)
        share = self.random.choice((Decimal("0.3"), Decimal(1)))
        paid = (sum(line.subtotal for line in order.lines) * share).quantize(CENT)
        advance = OrderLine(Decimal(0), paid, is_downpayment=True, order=order)
        order.lines.append(advance)
        first = InvoiceLine(Decimal(1), paid, [advance], is_downpayment=True)
        self._invoice(customer, day + self._delay(), [first], order.rate)
        if self.random.random() < 0.8:
            lines = [self._billed(line) for line in order.lines if line is not advance]
            lines.append(InvoiceLine(Decimal(-1), -paid, [advance], is_downpayment=True))
            final = self._invoice(customer, day + 2 * self._delay(), lines, order.rate)
            self._perhaps_credit(final)

    def _consolidated(self, customer, day):
        orders = [self._order(customer, day - timedelta(days=number)) for number in (9, 4, 0)]
        rate = orders[0].rate
        lines = [self._billed(line) for order in orders[:2] for line in order.lines]
        for order in orders:
            order.rate = rate
        # one line bills a line of two orders
        lines[0].order_lines.append(orders[2].lines[0])
        lines[0].units = self.random.choice(UNITS)
        if self.random.random() < 0.5:
            lines.append(self._free_line())
        self._invoice(customer, day + self._delay(), lines, rate)

    def _unconfirmed(self, customer, day):
        state = self.random.choice(("draft", "cancel"))
        self._invoice(customer, day, [self._free_line()]).state = state
        self._order(customer, day).state = self.random.choice(("draft", "sent", "cancel"))

    def _waiting_order(self, customer, day):
        self._order(customer, day)

    def _old_concession(self, customer, day):
        line = InvoiceLine(Decimal(1), self._price(), is_goods=self.random.random() < 0.3)
        self._invoice(customer, day, [line]).kind = "out_refund"

    def _perhaps_credit(self, invoice: Invoice):
        chance = self.random.random()
        if chance > 0.2:
            return
        share = 1 if chance < 0.1 else self.random.choice((Decimal("0.25"), Decimal("0.5")))
        lines = []
        for line in invoice.lines:
            if line.is_downpayment and share != 1:
                continue
            amount = (line.amount * share).quantize(CENT)
            copy = InvoiceLine(line.quantity * share, amount, list(line.order_lines), line.units)
            copy.is_downpayment = line.is_downpayment
            copy.is_goods = line.is_goods
            lines.append(copy)
        refund = self._invoice(invoice.customer, invoice.day + self._delay(), lines, invoice.rate)
        refund.kind = "out_refund"
        refund.state = self.random.choice(("posted", "posted", "posted", "draft"))
        refund.reverses = invoice

    # ------------------------------------------------------------------------ parts

    def _order(self, customer, day) -> Order:
        moment = datetime.combine(day, time(self.random.randrange(24), self.random.choice((0, 45))))
        lines = []
        for _line in self._some():
            price = self._price()
            share = self.random.choice((0, *[Decimal("0.7")] * 8, Decimal("1.1")))
            cost = (price * share).quantize(CENT)
            line = OrderLine(self._quantity(), price, cost, self.random.choice(UNITS))
            line.costed_at = moment
            lines.append(line)
        if self.random.random() < 0.15:
            lines.append(OrderLine(Decimal(1), -(self._price() / 10).quantize(CENT)))
            lines[-1].costed_at = moment
        order = Order(customer, moment, lines, rate=self.random.choice(RATES))
        self.ledger.orders.append(order)
        return order

    def _invoice(self, customer, day, lines, rate=None) -> Invoice:
        if self.random.random() < 0.1:
            lines.append(InvoiceLine(Decimal(0), Decimal(0), is_text=True))
        rate = rate or self.random.choice(RATES)
        invoice = Invoice(customer, day, lines, rate=rate)
        self.ledger.invoices.append(invoice)
        return invoice

    def _billed(self, line: OrderLine, share=Decimal(1)) -> InvoiceLine:
        """An invoice line for a share of an order line, in its own unit."""
        amount = (line.subtotal * share).quantize(CENT)
        return InvoiceLine(line.quantity * share, amount, [line], line.units, is_goods=True)

    def _free_line(self) -> InvoiceLine:
        quantity = self._quantity()
        if self.random.random() < 0.05:
            quantity = -quantity
        amount = (quantity * self._price()).quantize(CENT)
        return InvoiceLine(quantity, amount, is_goods=self.random.random() < 0.5)

    def _some(self):
        return range(self.random.choice((1, 1, 2, 3)))

    def _quantity(self) -> Decimal:
        return Decimal(self.random.choice((1, 1, 2, 5, 12)))

    def _price(self) -> Decimal:
        return Decimal(self.random.randrange(1, 50_000)) / 100

    def _delay(self) -> timedelta:
        return timedelta(days=self.random.choice((0, 0, 1, 3, 20)))


class LedgerWriter:
    """Writes ledgers by SQL, the columns that Odoo itself would fill and the facts are read from.

    ``units`` maps the units of a ledger to uom records, ``goods`` and ``service`` are products.
    """

    def __init__(self, company, partners, goods, service, units, currencies):
        self.env = company.env
        self.company = company
        self.partners = partners
        self.products = {True: goods, False: service}
        self.units = units
        self.currencies = currencies
        self.journal = self.env["account.journal"].search(
            [("company_id", "=", company.id), ("type", "=", "sale")], limit=1
        )
        self.has_costs = "purchase_price" in self.env["sale.order.line"]._fields

    def write_documents(self, ledger: Ledger):
        """``partners[customer]`` are the contacts whose documents are the customer's."""
        self.env.flush_all()
        self.ids = {}
        self.series = self._next_series()
        self._write_orders(ledger)
        self._write_invoices(ledger)
        self._write_links(ledger)
        self.env.invalidate_all()

    def _next_series(self) -> int:
        self.env.cr.execute("SELECT nextval('account_move_id_seq')")
        return self.env.cr.fetchone()[0]

    def _partner(self, document, number: int) -> int:
        contacts = self.partners[document.customer]
        return contacts[number % len(contacts)].id

    def _insert(self, table: str, rows: list[dict], records: list):
        if not rows:
            return
        columns = list(rows[0])
        query = f"INSERT INTO {table} ({', '.join(columns)}) VALUES %s RETURNING id"  # pylint: disable=sql-injection
        found = self.env.cr.execute_values(
            query, [tuple(row[name] for name in columns) for row in rows], fetch=True
        )
        self.ids |= {record: id_ for record, (id_,) in zip(records, found, strict=True)}

    def _write_orders(self, ledger: Ledger):
        self._insert(
            "sale_order",
            [
                {
                    "name": f"LEDGER/{self.series}/S{number}",
                    "company_id": self.company.id,
                    "partner_id": self._partner(order, number),
                    "partner_invoice_id": self._partner(order, 0),
                    "partner_shipping_id": self._partner(order, 0),
                    "state": order.state,
                    "date_order": order.moment,
                    "currency_id": self.currencies[order.rate].id,
                    "currency_rate": order.rate,
                }
                for number, order in enumerate(ledger.orders)
            ],
            ledger.orders,
        )
        lines = [line for order in ledger.orders for line in order.lines]
        self._insert(
            "sale_order_line",
            [
                {
                    "name": "Line",
                    "order_id": self.ids[line.order],
                    "company_id": self.company.id,
                    "product_id": self.products[True].id,
                    "product_uom_id": self.units[line.units].id,
                    "product_uom_qty": line.quantity,
                    "price_unit": line.price,
                    "price_subtotal": line.subtotal,
                    "customer_lead": 0,
                    "is_downpayment": line.is_downpayment,
                    "create_date": line.costed_at or line.order.moment,
                }
                | ({"purchase_price": line.cost} if self.has_costs else {})
                for line in lines
            ],
            lines,
        )

    def _write_invoices(self, ledger: Ledger):
        self._insert(
            "account_move",
            [
                {
                    "name": f"LEDGER/{self.series}/{number}",
                    "state": invoice.state,
                    "move_type": invoice.kind,
                    "company_id": self.company.id,
                    "journal_id": self.journal.id,
                    "currency_id": self.currencies[invoice.rate].id,
                    "partner_id": self._partner(invoice, number),
                    "commercial_partner_id": self._partner(invoice, 0),
                    "auto_post": "no",
                    "date": invoice.day,
                    "invoice_date": invoice.day,
                    "amount_untaxed": self._untaxed(invoice),
                    "amount_untaxed_signed": (-1 if invoice.is_refund else 1)
                    * rounded(self._untaxed(invoice) / invoice.rate, 2),
                }
                for number, invoice in enumerate(ledger.invoices)
            ],
            ledger.invoices,
        )
        for invoice in ledger.invoices:
            if invoice.reverses:
                self.env.cr.execute(
                    "UPDATE account_move SET reversed_entry_id = %s WHERE id = %s",
                    (self.ids[invoice.reverses], self.ids[invoice]),
                )
        lines = [(invoice, line) for invoice in ledger.invoices for line in invoice.lines]
        self._insert(
            "account_move_line",
            [self._invoice_line(invoice, line) for invoice, line in lines],
            [line for _invoice, line in lines],
        )

    @staticmethod
    def _untaxed(invoice: Invoice) -> Decimal:
        return sum(line.amount for line in invoice.lines)

    def _invoice_line(self, invoice: Invoice, line: InvoiceLine) -> dict:
        sign = 1 if invoice.is_refund else -1
        product = None if line.is_text else self.products[line.is_goods]
        return {
            "move_id": self.ids[invoice],
            "company_id": self.company.id,
            "currency_id": self.currencies[invoice.rate].id,
            "display_type": "line_note" if line.is_text else "product",
            "account_id": None if line.is_text else self.journal.default_account_id.id,
            "is_downpayment": line.is_downpayment,
            "product_id": product and product.id,
            "product_uom_id": None if line.is_text else self.units[line.units].id,
            "quantity": line.quantity,
            "price_unit": line.amount / line.quantity if line.quantity else 0,
            "amount_currency": sign * line.amount,
            "balance": sign * rounded(line.amount / invoice.rate, 2),
        }

    def _write_links(self, ledger: Ledger):
        links = [
            (self.ids[line], self.ids[linked])
            for invoice in ledger.invoices
            for line in invoice.lines
            for linked in line.order_lines
        ]
        if links:
            self.env.cr.execute_values(
                "INSERT INTO sale_order_line_invoice_rel (invoice_line_id, order_line_id)"
                " VALUES %s",
                links,
            )


def stored_rows(env, company) -> dict[int, dict]:
    """``{partner id: columns}`` of the published rows, exactly as the database has them: NULL is
    None, numeric is Decimal."""
    env.flush_all()
    env.cr.execute(
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = current_schema AND table_name = 'crm_customer_profile'"
    )
    types = dict(env.cr.fetchall())
    columns = ", ".join(
        f"{name}::text AS {name}" if data_type == "numeric" else name
        for name, data_type in types.items()
    )
    env.cr.execute(
        f"SELECT {columns} FROM crm_customer_profile WHERE company_id = %s",  # pylint: disable=sql-injection
        (company.id,),
    )
    return {
        row["partner_id"]: {
            name: Decimal(value) if value and types[name] == "numeric" else value
            for name, value in row.items()
        }
        for row in env.cr.dictfetchall()
    }


class LedgerCase(CustomerCase):
    """Random ledgers in a company of their own: the rows equal the plain-Python reference."""

    exact = EXACT
    nearly = NEARLY

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partners = [
            [customer, cls.make_contact(customer)]
            for customer in (cls.make_customer(f"Buyer {number}") for number in range(CUSTOMERS))
        ]
        cls.number_of = {contacts[0].id: number for number, contacts in enumerate(cls.partners)}
        unit = cls.env.ref("uom.product_uom_unit")
        currencies = cls.env["res.currency"].create(
            [{"name": f"T{number:02}", "symbol": "¤"} for number in range(len(RATES) - 1)]
        )
        cls.writer = LedgerWriter(
            cls.company,
            cls.partners,
            goods=cls.make_product("Goods", type="consu"),
            service=cls.product,
            units={Decimal(1): unit, Decimal(12): cls.env.ref("uom.product_uom_dozen")},
            currencies=dict(zip(RATES, cls.company.currency_id + currencies, strict=True)),
        )

    def rows_of(self, ledger, as_of, rules):
        """The published rows of a ledger, by number of the customer."""
        self.writer.write_documents(ledger)
        self.env["crm.customer.exclusion"].create(
            [
                {"partner_id": self.partners[number][0].id, "company_id": self.company.id}
                for number in ledger.excluded
            ]
        )
        for number, day in ledger.leads.items():
            lead = self.make_lead(self.partners[number][number % 2])
            self.env.flush_all()
            self.env.cr.execute(
                "UPDATE crm_lead SET create_date = %s WHERE id = %s", (day, lead.id)
            )
        self.apply(rules)
        self.refresh(as_of)
        return {
            self.number_of[partner]: row
            for partner, row in stored_rows(self.env, self.company).items()
        }

    def apply(self, rules):
        self.company.resource_calendar_id.tz = rules.timezone
        self.company.write(
            {
                "customer_purchase_source": rules.source,
                "customer_at_risk_factor": rules.at_risk_factor,
                "customer_lost_factor": rules.lost_factor,
                "customer_new_days": rules.new_days,
            }
            | {f"customer_cost_{driver}": float(cost) for driver, cost in rules.costs.items()}
        )

    def assert_rows_equal_reference(self, ledger, as_of, rules):
        with closing(self.env.cr.savepoint()):
            rows = self.rows_of(ledger, as_of, rules)
        expected = reference.customers(ledger, as_of, rules)
        self.assertEqual(
            sorted(rows), sorted(expected), "every buyer and prospect has a row, nobody else"
        )
        differences = [
            f"customer {number}, {name}: {rows[number][name]}, by the rules {row[name]}"
            for number, row in expected.items()
            for name in (*self.exact, *self.nearly)
            if not self._agree(name, rows[number][name], row[name])
        ]
        self.assertFalse(differences, "\n".join(differences[:20]))

    def _agree(self, name, stored, expected):
        if stored is None or expected is None or name in self.exact:
            return stored == expected
        return abs(float(stored) - expected) <= self.nearly[name]
