"""Orders, invoices, credit notes and bank transactions in bulk.

Odoo itself makes one order with its invoice, credit note and payment (``handmade.sell``); all
others are copies of its rows, in which what differs is replaced: columns of modules that this
code has never heard of are filled as Odoo fills them.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta

from odoo.tools import SQL

from .numbering import MoveNumbers, order_names
from .rows import Dossier, Move, copy_rows, new_ids
from .sales import DUE_DAYS, Line, Payment, Sale

MAX_INTEGER = 2147483647  # bank transactions are sorted by it less their sequence


class Books:
    """Collects the rows of sales and payments, then inserts them table by table."""

    def __init__(self, world, model: Dossier):
        self.world = world
        self.env = world.env
        self.model = model
        self.rows: dict[str, list[dict]] = defaultdict(list)  # field of the model: its copies
        self.moves: dict[str, list[Move]] = defaultdict(list)
        self.links: list[tuple[int, int]] = []  # invoice line, order line
        self.ids: dict[str, Iterator[int]] = {}
        self.labels = [product.display_name for product in world.products]
        self.positions: dict[int, int | None] = {}  # country: fiscal position
        self.order_names: Iterator[str] = iter(())

    def book(self, sales: list[Sale], payments: list[Payment]):
        self.env.flush_all()
        self._reserve_ids(sales, payments)
        sales = sorted(sales, key=lambda sale: -sale.age)
        self.order_names = order_names(self.env, sum(sale.has_order for sale in sales))
        invoices = {id(sale): self._add_sale(sale) for sale in sales}
        self._number_moves("invoice")
        self._number_moves("refund")
        for payment in payments:
            self._add_payment(payment, [invoices[id(sale)] for sale in payment.sales])
        self._number_moves("transfer")
        for kind in self.model._fields:
            if self.rows[kind]:
                copy_rows(getattr(self.model, kind), self.rows[kind])
        # without statistics of the new rows the next queries take minutes
        for table in self.ids:
            self.env.cr.execute(SQL("ANALYZE %s", SQL.identifier(table)))
        self._link()
        self.env.invalidate_all()

    def _link(self):
        """References that go both ways, and between invoice and order lines."""
        cr = self.env.cr
        cr.execute_values(
            "INSERT INTO sale_order_line_invoice_rel (invoice_line_id, order_line_id) VALUES %s",
            self.links,
            page_size=1000,
        )
        cr.execute(
            SQL(
                """UPDATE account_move AS move SET statement_line_id = statement.id
                     FROM account_bank_statement_line AS statement
                    WHERE statement.move_id = move.id AND statement.id = ANY(%s)""",
                [row["id"] for row in self.rows["statement"]],
            )
        )

    def _reserve_ids(self, sales, payments):
        lines = sum(len(sale.lines) for sale in sales)
        for table, number in {
            "sale_order": len(sales),
            "sale_order_line": lines,
            "account_move": 2 * len(sales) + len(payments),
            "account_move_line": 2 * lines + 2 * len(sales) + 2 * len(payments),
            "account_bank_statement_line": len(payments),
            "account_partial_reconcile": 2 * len(sales),
            "account_full_reconcile": len(payments),
        }.items():
            self.ids[table] = new_ids(self.env.cr, table, number)

    def _add(self, kind: str, **columns) -> dict:
        """One more copy of a record of the model."""
        table = getattr(self.model, kind)._table
        row = {"id": next(self.ids[table]), **columns}
        self.rows[kind].append(row)
        return row

    def _fiscal_position(self, partner) -> int | None:
        country = partner.country_id.id
        if country not in self.positions:
            position = self.env["account.fiscal.position"]._get_fiscal_position(partner)
            self.positions[country] = position.id or None
        return self.positions[country]

    # -------------------------------------------------------------------------- sales

    def _add_sale(self, sale: Sale) -> Move:
        order = self._add_order(sale) if sale.has_order else {"id": None, "name": None}
        order_lines = [
            self._add_order_line(sale, order, line)["id"] if sale.has_order else None
            for line in sale.lines
        ]
        invoice = self._add_move(
            "invoice",
            sale,
            sale.invoice_age,
            [
                (line, line.quantity, link)
                for line, link in zip(sale.lines, order_lines, strict=True)
            ],
            order["name"],
        )
        if sale.refund_age is not None:
            self._add_refund(sale, invoice, order_lines)
        return invoice

    def _add_order(self, sale: Sale) -> dict:
        world, buyer = self.world, self.world.buyer(sale)
        moment = world.moment(sale.age, 8 + sale.customer.number % 9)
        amount = world.amount(sale.amount)
        return self._add(
            "order",
            name=next(self.order_names),
            partner_id=buyer.id,
            partner_invoice_id=buyer.id,
            partner_shipping_id=buyer.id,
            user_id=world.user(sale.customer).id or None,
            fiscal_position_id=self._fiscal_position(buyer),
            date_order=moment,
            create_date=moment,
            validity_date=world.day(sale.age) + timedelta(days=30),
            amount_untaxed=amount,
            amount_total=amount,
            invoice_status="invoiced" if sale.refund_age is None else "no",
        )

    def _add_order_line(self, sale: Sale, order: dict, line: Line) -> dict:
        price = self.world.amount(line.price)
        amount = self.world.amount(line.amount)
        kept = line.quantity - line.returned
        return self._add(
            "order_line",
            order_id=order["id"],
            create_date=order["create_date"],
            order_partner_id=order["partner_id"],
            salesman_id=order["user_id"],
            product_id=self.world.products[line.product].id,
            name=self.labels[line.product],
            product_uom_qty=line.quantity,
            qty_delivered=kept,
            qty_invoiced=kept,
            price_unit=price,
            technical_price_unit=price,
            price_reduce_taxexcl=price,
            price_reduce_taxinc=price,
            price_subtotal=amount,
            price_total=amount,
            untaxed_amount_invoiced=kept * price,
            invoice_status="no" if line.returned else "invoiced",
        )

    def _add_refund(self, sale: Sale, invoice: Move, order_lines: list[int | None]):
        refund = self._add_move(
            "refund",
            sale,
            sale.refund_age,
            [
                (line, line.returned, link)
                for line, link in zip(sale.lines, order_lines, strict=True)
                if line.returned
            ],
            None,
        )
        refund.row["reversed_entry_id"] = invoice.row["id"]
        amount = refund.row["amount_total"]
        match = self._match(invoice, refund.due, amount, refund.day)
        invoice.matches.append((match, refund.due))
        self._settle(refund)
        self._settle(invoice, amount)
        for row in (invoice.due, refund.due):
            row["matching_number"] = f"P{match['id']}"

    # -------------------------------------------------------------------------- moves

    def _add_move(self, kind, sale: Sale, age: int, goods, origin: str | None) -> Move:
        """An invoice or credit note over ``goods``: lines, quantities and order lines."""
        world, buyer = self.world, self.world.buyer(sale)
        day = world.day(age)
        move = self._add(
            kind,
            partner_id=buyer.id,
            partner_shipping_id=buyer.id,
            commercial_partner_id=buyer.commercial_partner_id.id,
            invoice_partner_display_name=buyer.display_name,
            invoice_user_id=world.user(sale.customer).id or None,
            fiscal_position_id=self._fiscal_position(buyer),
            date=day,
            invoice_date=day,
            invoice_date_due=day + timedelta(days=DUE_DAYS),
            create_date=world.moment(age, 18),
            ref=origin,
            invoice_origin=origin,
            payment_state="not_paid",
        )
        lines = [self._add_product_line(kind, move, *line) for line in goods]
        amount = sum(line["price_total"] for line in lines)
        signed = amount if kind == "invoice" else -amount
        move |= self._totals(amount, signed)
        due = self._add_due_line(kind, move, signed)
        self.moves[kind].append(Move(move, [*lines, due], due))
        return self.moves[kind][-1]

    @staticmethod
    def _totals(amount, signed) -> dict:
        return {
            "amount_untaxed": amount,
            "amount_total": amount,
            "amount_residual": amount,
            "amount_untaxed_signed": signed,
            "amount_untaxed_in_currency_signed": signed,
            "amount_total_signed": signed,
            "amount_total_in_currency_signed": signed,
            "amount_residual_signed": signed,
        }

    @staticmethod
    def _line_columns(move: dict, balance) -> dict:
        return {
            "move_id": move["id"],
            "partner_id": move["commercial_partner_id"],
            "date": move["date"],
            "balance": balance,
            "amount_currency": balance,
            "debit": max(balance, 0),
            "credit": max(-balance, 0),
        }

    def _add_product_line(self, kind, move: dict, line: Line, quantity: int, link) -> dict:
        price = self.world.amount(line.price)
        amount = quantity * price
        row = self._add(
            f"{kind}_line",
            **self._line_columns(move, -amount if kind == "invoice" else amount),
            invoice_date=move["invoice_date"],
            ref=move["ref"],
            product_id=self.world.products[line.product].id,
            name=self.labels[line.product],
            quantity=quantity,
            price_unit=price,
            price_subtotal=amount,
            price_total=amount,
        )
        if link:
            self.links.append((row["id"], link))
        return row

    def _add_due_line(self, kind, move: dict, signed) -> dict:
        return self._add(
            f"{kind}_due",
            **self._line_columns(move, signed),
            invoice_date=move["invoice_date"],
            date_maturity=move["invoice_date_due"],
            ref=move["ref"],
            amount_residual=signed,
            amount_residual_currency=signed,
            reconciled=False,
            full_reconcile_id=None,
            matching_number=None,
        )

    # ----------------------------------------------------------------------- payments

    def _add_payment(self, payment: Payment, invoices: list[Move]):
        """One bank transaction that settles what is open of the invoices."""
        full = self._add("full_match")["id"]
        transfer = self._add_transfer(payment, invoices[0].row["commercial_partner_id"], full)
        reference = ", ".join(invoice.row["name"] for invoice in invoices[:3])
        statement = self._add(
            "statement",
            move_id=transfer.row["id"],
            partner_id=transfer.row["partner_id"],
            payment_ref=reference,
            amount=transfer.row["amount_total"],
        )
        sequence = f"{MAX_INTEGER - 1:0>10}{statement['id']:0>10}"
        statement["internal_index"] = f"{transfer.day:%Y%m%d}{sequence}"
        for line in transfer.lines:
            line.update(statement_line_id=statement["id"], name=reference)
        for invoice in invoices:
            amount, day = invoice.row["amount_residual"], max(transfer.day, invoice.day)
            match = self._match(invoice, transfer.due, amount, day)
            invoice.matches.append((match, transfer.due))
            self._settle(invoice)
            self._close(invoice, full)

    def _add_transfer(self, payment: Payment, partner_id: int, full: int) -> Move:
        day = self.world.day(payment.age)
        amount = self.world.amount(payment.amount)
        partner = self.env["res.partner"].browse(partner_id)
        row = self._add(
            "transfer",
            # set when the statement is there, which refers back
            statement_line_id=None,
            partner_id=partner.id,
            commercial_partner_id=partner.id,
            invoice_partner_display_name=partner.display_name,
            fiscal_position_id=self._fiscal_position(partner),
            date=day,
            create_date=self.world.moment(payment.age, 19),
            amount_total=amount,
            amount_total_signed=amount,
            amount_total_in_currency_signed=amount,
        )
        bank = self._add(
            "bank_line",
            **self._line_columns(row, amount),
            price_subtotal=amount,
            price_total=amount,
            amount_residual=amount,
            amount_residual_currency=amount,
        )
        customer = self._add(
            "customer_line",
            **self._line_columns(row, -amount),
            price_subtotal=-amount,
            price_total=-amount,
            full_reconcile_id=full,
            matching_number=str(full),
        )
        self.moves["transfer"].append(Move(row, [bank, customer], customer))
        return self.moves["transfer"][-1]

    def _match(self, invoice: Move, credit: dict, amount, day: date) -> dict:
        return self._add(
            "match",
            debit_move_id=invoice.due["id"],
            credit_move_id=credit["id"],
            full_reconcile_id=None,
            amount=amount,
            debit_amount_currency=amount,
            credit_amount_currency=amount,
            max_date=day,
        )

    @staticmethod
    def _settle(move: Move, amount=None):
        """Take an amount, or all, from what is open of a document."""
        left = 0 if amount is None else move.row["amount_residual"] - amount
        sign = 1 if move.due["balance"] > 0 else -1
        move.row.update(
            amount_residual=left,
            amount_residual_signed=sign * left,
            payment_state="partial" if left else "paid",
        )
        move.due.update(
            amount_residual=sign * left, amount_residual_currency=sign * left, reconciled=not left
        )

    @staticmethod
    def _close(invoice: Move, full: int):
        """All that was matched with an invoice belongs together now."""
        for match, credit in invoice.matches:
            match["full_reconcile_id"] = full
            credit.update(full_reconcile_id=full, matching_number=str(full))
        invoice.due.update(full_reconcile_id=full, matching_number=str(full))

    # ------------------------------------------------------------------------ numbers

    def _number_moves(self, kind: str):
        """Number the documents of a kind in order of their dates, after those that are there."""
        model = getattr(self.model, kind)
        numbers = MoveNumbers(self.env, model.journal_id, model.move_type)
        for move in sorted(self.moves[kind], key=lambda move: move.day):
            name, prefix, number = numbers.next(move.day)
            move.row.update(name=name, sequence_prefix=prefix, sequence_number=number)
            for line in move.lines:
                line["move_name"] = name
            if kind == "invoice":
                origin = move.row["invoice_origin"]
                move.row["payment_reference"] = name
                move.due["name"] = f"{origin} - {name}" if origin else name
