"""Documents that Odoo itself makes, one by one: the model for all others, and the special cases."""

from datetime import timedelta

from odoo import Command

from .rows import Dossier
from .sales import Sale

QUOTATION_AGES = {"at_risk_quoted": (9, 24), "prospect": (3, 40)}


class Desk:
    """Makes documents as a user would, each with its own date."""

    def __init__(self, world, pricelist):
        self.world = world
        self.env = world.env
        self.pricelist = pricelist
        self.bank = self.env["account.journal"].search(
            [("type", "=", "bank"), ("company_id", "=", world.company.id)], limit=1
        )

    # --------------------------------------------------------------- steps of a sale

    def order(self, sale: Sale, state: str = "sale"):
        """An order of the sale's day: ``sent`` is a quotation, ``sale`` is confirmed."""
        world, buyer = self.world, self.world.buyer(sale)
        is_foreign = sale.customer.story.key == "foreign"
        order = self.env["sale.order"].create(
            {
                "partner_id": buyer.id,
                "user_id": world.user(sale.customer).id,
                "date_order": world.moment(sale.age),
                "validity_date": world.day(sale.age) + timedelta(days=30),
                "pricelist_id": self.pricelist.id if is_foreign else False,
                "order_line": [
                    Command.create(
                        {
                            "product_id": world.products[line.product].id,
                            "product_uom_qty": line.quantity,
                            "price_unit": self._price(sale, line, is_foreign),
                        }
                    )
                    for line in sale.lines
                ],
            }
        )
        if state == "sale":
            order.action_confirm()
            order.date_order = world.moment(sale.age)
        else:
            order.state = state
        return order

    def _price(self, sale: Sale, line, is_foreign: bool) -> float:
        price = float(self.world.amount(line.price))
        if not is_foreign:
            return price
        return self.world.company.currency_id._convert(
            price, self.pricelist.currency_id, self.world.company, self.world.day(sale.age)
        )

    @staticmethod
    def deliver(order):
        for line in order.order_line:
            if not line.is_downpayment:
                line.qty_delivered = line.product_uom_qty

    def post(self, invoice, age: int):
        day = self.world.day(age)
        invoice.write({"invoice_date": day, "date": day})
        invoice.action_post()
        return invoice

    def invoice(self, order, age: int):
        self.deliver(order)
        return self.post(order._create_invoices(final=True), age)

    def refund(self, sale: Sale, order, invoice):
        """A credit note over the goods that came back."""
        day = self.world.day(sale.refund_age)
        refund = invoice._reverse_moves([{"invoice_date": day, "date": day}])
        for line, plan in zip(refund.invoice_line_ids, sale.lines, strict=True):
            line.quantity = plan.returned
        refund.invoice_line_ids.filtered(lambda line: not line.quantity).unlink()
        for line, plan in zip(order.order_line, sale.lines, strict=True):
            line.qty_delivered -= plan.returned
        refund.action_post()
        return refund

    def pay(self, invoice, age: int):
        """A bank transaction that settles what is open of an invoice."""
        due = invoice.line_ids.filtered(lambda line: line.display_type == "payment_term")
        day = self.world.day(age)
        company, currency = self.world.company, invoice.currency_id
        values = {
            "journal_id": self.bank.id,
            "date": day,
            "payment_ref": invoice.payment_reference,
            "partner_id": invoice.commercial_partner_id.id,
            "amount": invoice.amount_residual,
            "counterpart_account_id": due.account_id.id,
        }
        if currency != company.currency_id:
            values |= {
                "amount": currency._convert(
                    invoice.amount_residual, company.currency_id, company, day
                ),
                "foreign_currency_id": currency.id,
                "amount_currency": invoice.amount_residual,
            }
        statement = self.env["account.bank.statement.line"].create(values)
        paying = statement.move_id.line_ids.filtered(lambda line: line.account_id == due.account_id)
        (due + paying).reconcile()
        return statement

    # ---------------------------------------------------------------------- the model

    def sell(self, sale: Sale, paid_age: int) -> Dossier:
        """A whole sale with credit note and payment, as the model for the others."""
        order = self.order(sale)
        invoice = self.invoice(order, sale.invoice_age)
        refund = self.refund(sale, order, invoice)
        statement = self.pay(invoice, paid_age)
        self.env.flush_all()
        due, refund_due = (
            move.line_ids.filtered(lambda line: line.display_type == "payment_term")
            for move in (invoice, refund)
        )
        customer_line = statement.move_id.line_ids.filtered("reconciled")
        return Dossier(
            order=order,
            order_line=order.order_line[0],
            full_match=due.full_reconcile_id,
            invoice=invoice,
            refund=refund,
            transfer=statement.move_id,
            statement=statement,
            invoice_line=invoice.invoice_line_ids[0],
            invoice_due=due,
            refund_line=refund.invoice_line_ids[0],
            refund_due=refund_due,
            bank_line=statement.move_id.line_ids - customer_line,
            customer_line=customer_line,
            match=customer_line.matched_debit_ids,
        )

    # ------------------------------------------------------------------ special cases

    def make_special_cases(self):
        """Foreign currency, down payments, reversals, orders that wait, open quotations."""
        plan = self.world.plan
        latest = {sale.customer.number: sale for sale in plan.sales}
        for sale in plan.sales:
            if not sale.is_handmade:
                continue
            match sale.customer.story.key:
                case "down_payment":
                    self._with_down_payment(sale)
                case "reversed_only":
                    self._reversed(sale, refund_age=sale.age - 5)
                case _:
                    self._plain(sale)
        for customer in plan.customers:
            like = latest.get(customer.number) or plan.sales[customer.number]
            match customer.story.key:
                case "at_risk_reversed":
                    self._reversed(self._again(like, customer, 12), refund_age=8)
                case "waiting" | "waiting_won_back":
                    self.deliver(self.order(self._again(like, customer, 5)))
                case "at_risk_quoted" | "prospect" if (
                    customer.story.key != "prospect" or customer.number % 3 == 0
                ):
                    age = self.world.rng.randint(*QUOTATION_AGES[customer.story.key])
                    self.order(self._again(like, customer, age), state="sent")

    @staticmethod
    def _again(sale: Sale, customer, age: int) -> Sale:
        """The goods of a sale once more, for a customer and on another day."""
        return Sale(customer, age, age, sale.lines, contact=None)

    def _plain(self, sale: Sale):
        invoice = self.invoice(self.order(sale), sale.invoice_age)
        age = sale.invoice_age - sale.customer.pays_after
        if age >= 0:
            self.pay(invoice, age)

    def _with_down_payment(self, sale: Sale):
        """A third in advance; the final invoice carries the whole amount."""
        order = self.order(sale)
        wizard = (
            self.env["sale.advance.payment.inv"]
            .with_context(active_model="sale.order", active_ids=order.ids)
            .create({"advance_payment_method": "percentage", "amount": 30})
        )
        advance = self.post(wizard._create_invoices(order), sale.age)
        self.pay(advance, max(sale.age - 3, 0))
        self.invoice(order, sale.age // 2)

    def _reversed(self, sale: Sale, refund_age: int):
        """An invoice that was taken back whole: no purchase."""
        invoice = self.invoice(self.order(sale), sale.age)
        day = self.world.day(refund_age)
        invoice._reverse_moves([{"invoice_date": day, "date": day}], cancel=True)
