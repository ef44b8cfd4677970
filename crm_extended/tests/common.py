from contextlib import contextmanager
from datetime import date, timedelta
from unittest.mock import patch

from dateutil.relativedelta import relativedelta

from odoo import Command
from odoo.sql_db import Cursor
from odoo.tests import HttpCase, TransactionCase, new_test_user

AS_OF = date(2025, 6, 30)
ROLES = {
    # own documents only; amounts as long as salespeople have them
    "salesperson": "sales_team.group_sale_salesman",
    "salesperson_all": "sales_team.group_sale_salesman_all_leads",
    "sales_manager": "sales_team.group_sale_manager,base.group_partner_manager",
    "invoicing": "account.group_account_invoice",
    "user": "crm_extended.group_user",
    "finance": "crm_extended.group_finance",
    "manager": "crm_extended.group_manager",
    "margin": "sales_team.group_sale_salesman_all_leads,crm_extended.group_margin",
    "employee": "base.group_user",
    "portal": "base.group_portal",
    "public": "base.group_public",
}


class CustomerWorld:
    """Builds the world of a test: a company of its own, users of each role, customers and
    their posted documents, made by the ORM, on days counted back from ``as_of``.

    ``cls.company`` is the only company of ``cls.env``; ``make_company`` adds others. Amounts are
    untaxed, prices are in the company's currency. Rows come from real documents by
    ``refresh``::

        customer = cls.make_customer("Ace", user_id=cls.make_user("salesperson").id)
        cls.make_purchases(customer, every=30, count=6, last=71)
        cls.refresh()
        self.assertEqual(self.row(customer).lifecycle_stage, "at_risk")
    """

    as_of = AS_OF

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(
            context=dict(
                cls.env.context,
                tracking_disable=True,
                no_reset_password=True,
                mail_create_nosubscribe=True,
                mail_notrack=True,
            )
        )
        cls.company = cls.make_company("Customer Test Company")
        cls.env = cls.in_company(cls.env)
        cls.product = cls.make_product("Widget")

    @classmethod
    def in_company(cls, env, *companies):
        """The environment with these companies allowed, the first one current."""
        ids = [company.id for company in companies or (cls.company,)]
        return env(context=dict(env.context, allowed_company_ids=ids))

    @classmethod
    def ago(cls, days) -> date:
        """The day so many days before ``as_of``."""
        return cls.as_of - timedelta(days=days)

    # ------------------------------------------------------------- companies and people

    @classmethod
    def make_company(cls, name, **values):
        """A company that can invoice: a receivable and an income account and a sales journal,
        and no chart of accounts beside (loading one takes seconds)."""
        company = cls.env["res.company"].create({"name": name} | values)
        cls.env.user.company_ids += company
        company_env = cls.in_company(cls.env, company)
        receivable, income = company_env["account.account"].create(
            [
                {
                    "name": account_type,
                    "code": code,
                    "account_type": account_type,
                    "reconcile": account_type == "asset_receivable",
                    "company_ids": [Command.set(company.ids)],
                }
                for code, account_type in (("121000", "asset_receivable"), ("400000", "income"))
            ]
        )
        company_env["account.journal"].create(
            {
                "name": "Customer Invoices",
                "code": "INV",
                "type": "sale",
                "company_id": company.id,
                "default_account_id": income.id,
            }
        )
        company.income_account_id = income
        company_env["ir.default"].set(
            "res.partner", "property_account_receivable_id", receivable.id, company_id=company.id
        )
        return company

    @classmethod
    def make_user(cls, role, login=None, companies=None, **values):
        """A user of a role of ``ROLES``; his password is his login.

        Public users are refused a log-in by Odoo: use them through ``with_user``.
        """
        companies = companies or cls.company
        login = login or f"{role}_{cls.env['res.users'].search_count([])}"
        return new_test_user(
            cls.env,
            login=login,
            password=login,
            groups=ROLES[role],
            company_id=companies[:1].id,
            company_ids=[Command.set(companies.ids)],
            **values,
        )

    @classmethod
    def as_user(cls, record_or_model, user, companies=None):
        """The records or the model (by name) as this user sees them, with an empty cache."""
        if isinstance(record_or_model, str):
            record_or_model = cls.env[record_or_model]
        companies = companies or user.company_ids
        cls.env.flush_all()
        cls.env.invalidate_all()
        return record_or_model.with_user(user).with_context(allowed_company_ids=companies.ids)

    @classmethod
    def set_salespeople_see_amounts(cls, see):
        """The switch of the settings."""
        cls.env["res.config.settings"].create(
            {"group_crm_extended_salesperson_amounts": see}
        ).execute()

    @classmethod
    def make_product(cls, name="Product", **values):
        return cls.env["product.product"].create(
            {
                "name": name,
                "type": "service",
                "list_price": 100.0,
                "invoice_policy": "order",
                "taxes_id": [Command.clear()],
            }
            | values
        )

    @classmethod
    def make_customer(cls, name="Customer", **values):
        """A company that may buy; ``user_id`` is its salesperson."""
        return cls.env["res.partner"].create({"name": name, "is_company": True} | values)

    @classmethod
    def make_contact(cls, customer, name="Contact", **values):
        return cls.env["res.partner"].create({"name": name, "parent_id": customer.id} | values)

    # ------------------------------------------------------------------- documents

    @classmethod
    def make_invoices(cls, documents, company=None, **values):
        """Post invoices at once: ``[(customer, days ago or date, amount), …]``. A negative
        amount makes a credit note. Other ``values`` go to every move."""
        company = company or cls.company
        moves = cls.in_company(cls.env, company)["account.move"].create(
            [
                {
                    "move_type": "out_invoice" if amount >= 0 else "out_refund",
                    "company_id": company.id,
                    "partner_id": customer.id,
                    "invoice_date": cls._day(day),
                    "date": cls._day(day),
                    "invoice_line_ids": [cls._invoice_line(abs(amount))],
                }
                | values
                for customer, day, amount in documents
            ]
        )
        moves.action_post()
        return moves

    @classmethod
    def make_baskets(cls, baskets):
        """Post invoices of several products at once: ``[(customer, days ago or date, {product:
        amount}), …]``."""
        moves = cls.env["account.move"].create(
            [
                {
                    "move_type": "out_invoice",
                    "company_id": cls.company.id,
                    "partner_id": customer.id,
                    "invoice_date": cls._day(day),
                    "date": cls._day(day),
                    "invoice_line_ids": [
                        cls._invoice_line(amount, product) for product, amount in basket.items()
                    ],
                }
                for customer, day, basket in baskets
            ]
        )
        moves.action_post()
        return moves

    @classmethod
    def make_invoice(cls, customer, day=0, amount=100.0, company=None, **values):
        return cls.make_invoices([(customer, day, amount)], company, **values)

    @classmethod
    def make_credit_note(cls, customer, day=0, amount=100.0, invoice=None, **values):
        """A posted credit note, of an invoice if one is named."""
        if invoice:
            values["reversed_entry_id"] = invoice.id
        return cls.make_invoices([(customer, day, -amount)], **values)

    @classmethod
    def make_purchases(cls, customer, every=30, count=4, last=0, amount=100.0, company=None):
        """``count`` invoices, ``every`` so many days, the latest ``last`` days ago."""
        return cls.make_invoices(
            [(customer, last + every * number, amount) for number in reversed(range(count))],
            company,
        )

    @classmethod
    def make_payment(cls, invoice, day=0, amount=None, match=True):
        """Money that came in for an invoice, matched with it unless told otherwise."""
        company_env = cls.in_company(cls.env, invoice.company_id)
        term = invoice.line_ids.filtered(lambda line: line.display_type == "payment_term")
        amount = invoice.amount_total if amount is None else amount
        accounts = company_env["account.account"]
        bank = accounts.search(
            [("code", "=", "101000"), ("company_ids", "in", invoice.company_id.ids)]
        ) or accounts.create(
            {
                "name": "Bank",
                "code": "101000",
                "account_type": "asset_cash",
                "company_ids": [Command.set(invoice.company_id.ids)],
            }
        )
        journals = company_env["account.journal"]
        journal = {"code": "PAY", "type": "general", "company_id": invoice.company_id.id}
        journal = journals.search(
            [(name, "=", value) for name, value in journal.items()]
        ) or journals.create({"name": "Payments"} | journal)
        entry = company_env["account.move"].create(
            {
                "move_type": "entry",
                "company_id": invoice.company_id.id,
                "journal_id": journal.id,
                "date": cls._day(day),
                "line_ids": [
                    Command.create({"account_id": bank.id, "debit": amount}),
                    Command.create(
                        {
                            "account_id": term.account_id.id,
                            "partner_id": term.partner_id.id,
                            "credit": amount,
                            "date_maturity": cls._day(day),
                        }
                    ),
                ],
            }
        )
        entry.action_post()
        if match:
            (entry.line_ids.filtered("credit") + term).reconcile()
        return entry

    @classmethod
    def set_prices(cls, last, months=36, yearly=0.5, company=None):
        """A price index that rises by a share a year, up to the month of a day."""
        company = company or cls.company
        cls.env["crm.price.index"].create(
            [
                {
                    "company_id": company.id,
                    "month": last.replace(day=1) - relativedelta(months=ago),
                    "index": 100 * (1 + yearly) ** ((months - ago) / 12),
                }
                for ago in range(months)
            ]
        )

    @classmethod
    def set_tiers(cls, *thresholds, company=None, **rules):
        """The only tiers of a company, from thresholds in money; further ``rules`` go to the
        company, without their prefix."""
        company = (company or cls.company).sudo()
        tiers = company._loyalty_tiers()
        company.write(
            {"customer_tier_basis": "amount"}
            | {f"customer_tier_{name}": value for name, value in rules.items()}
        )
        spare = tiers[len(thresholds) :]
        for tier, threshold in reversed(list(zip(tiers, thresholds, strict=False))):
            tier.threshold = threshold
        spare.unlink()
        return company._loyalty_tiers()

    @classmethod
    def make_order(
        cls, customer, day=0, amount=100.0, company=None, confirm=True, quantity=1, **values
    ):
        """A sales order of that day, confirmed unless told otherwise."""
        company = company or cls.company
        order = cls.in_company(cls.env, company)["sale.order"].create(
            {
                "partner_id": customer.id,
                "company_id": company.id,
                "date_order": cls._day(day),
                "order_line": [
                    Command.create(
                        {
                            "product_id": cls.product.id,
                            "product_uom_qty": quantity,
                            "price_unit": amount / quantity,
                            "tax_ids": [Command.clear()],
                        }
                    )
                ],
            }
            | values
        )
        if confirm:
            order.action_confirm()
            # confirming sets it to now
            order.date_order = cls._day(day)
        return order

    @classmethod
    def invoice_order(cls, order, day=0):
        """Invoice what is to be invoiced of an order, and post it."""
        move = order._create_invoices()
        move.write({"invoice_date": cls._day(day), "date": cls._day(day)})
        move.action_post()
        return move

    @classmethod
    def make_lead(cls, customer=None, created=30, **values):
        """An open opportunity, made ``created`` days before ``as_of`` (None: now)."""
        lead = cls.env["crm.lead"].create(
            {
                "name": "Lead",
                "type": "opportunity",
                "partner_id": customer.id if customer else False,
                "company_id": cls.company.id,
            }
            | values
        )
        if created is not None:
            cls.env.flush_all()
            cls.env.cr.execute(
                "UPDATE crm_lead SET create_date = %s WHERE id = %s", (cls._day(created), lead.id)
            )
            lead.invalidate_recordset(["create_date"])
        return lead

    @classmethod
    def _day(cls, day):
        return day if isinstance(day, date) else cls.ago(day)

    @classmethod
    def _invoice_line(cls, amount, product=None):
        return Command.create(
            {
                "product_id": (product or cls.product).id,
                "quantity": 1,
                "price_unit": amount,
                "tax_ids": [Command.clear()],
            }
        )

    # ------------------------------------------------------------------------ rows

    @classmethod
    def refresh(cls, as_of=None, companies=None):
        """Refresh the companies (default: the test's own) and return the runs; the test fails
        if one of them does not end well."""
        runs = (
            cls.env["crm.customer.profile"]
            .sudo()
            .refresh(as_of or cls.as_of, companies or cls.company)
        )
        for run in runs:
            assert run.state == "done", f"{run.company_id.name}: {run.state}, {run.message}"
        return runs

    @classmethod
    def row(cls, customer, company=None):
        """The row of a customer, or none, read past all rules."""
        return (
            cls.env["crm.customer.profile"]
            .sudo()
            .search(
                [
                    ("partner_id", "=", customer.id),
                    ("company_id", "=", (company or cls.company).id),
                ]
            )
        )

    @classmethod
    @contextmanager
    def queries(cls):
        """The statements that are executed inside, as a list of texts."""
        cls.env.flush_all()
        statements = []
        execute = Cursor.execute

        def spy(cursor, query, params=None, log_exceptions=True):
            statements.append(getattr(query, "code", query))
            return execute(cursor, query, params, log_exceptions)

        # random: no garbage collection of the bus inside
        with patch.object(Cursor, "execute", spy), patch("random.random", lambda: 1):
            yield statements
            cls.env.flush_all()

    @classmethod
    def triggers(cls) -> int:
        """How often the refresh was asked for and has not started yet."""
        cron = cls.env.ref("crm_extended.ir_cron_customer_refresh")
        return cls.env["ir.cron.trigger"].sudo().search_count([("cron_id", "=", cron.id)])

    @classmethod
    def update_row(cls, customer, company=None, **values):
        """Write a row past the refresh, for a test about reading that needs odd values."""
        cls.env.flush_all()
        assignments = ", ".join(f"{name} = %s" for name in values)
        cls.env.cr.execute(
            f"UPDATE crm_customer_profile SET {assignments} WHERE id = %s",  # pylint: disable=sql-injection
            [*values.values(), cls.row(customer, company).id],
        )
        cls.env.invalidate_all()


class SeveralCustomersWorld(CustomerWorld):
    """A refreshed world with one customer of each kind, two salespeople and two companies.

    ========  ===========  ========================  ==========================================
    customer  salesperson  stage                     revenue of 12 months, in ``cls.company``
    ========  ===========  ========================  ==========================================
    at_risk   anna         at risk                   600, and a contact of his own
    loyal     bert         loyal                     2400
    lost      nobody       lost                      0
    returner  anna         new                       0: all of it was credited
    shared    bert         new                       50 here, 7777 in ``cls.other_company``
    prospect  anna         prospect                  no number
    stranger  nobody       no row                    no number
    ========  ===========  ========================  ==========================================
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_company = cls.make_company("Other Test Company")
        cls.anna = cls.make_user("salesperson", "anna")
        cls.bert = cls.make_user("salesperson", "bert")
        anna, bert = cls.anna.id, cls.bert.id
        cls.at_risk = cls.make_customer("At Risk", user_id=anna)
        cls.contact = cls.make_contact(cls.at_risk, "Contact of At Risk")
        cls.loyal = cls.make_customer("Loyal", user_id=bert)
        cls.lost = cls.make_customer("Lost")
        cls.returner = cls.make_customer("Returner", user_id=anna)
        cls.shared = cls.make_customer("Shared", user_id=bert)
        cls.prospect = cls.make_customer("Prospect", user_id=anna)
        cls.stranger = cls.make_customer("Stranger")
        cls.customers = (
            cls.at_risk
            | cls.loyal
            | cls.lost
            | cls.returner
            | cls.shared
            | cls.prospect
            | cls.stranger
        )
        cls.make_purchases(cls.at_risk, every=30, count=6, last=71)
        cls.make_purchases(cls.loyal, every=30, count=12, last=10, amount=200.0)
        cls.make_purchases(cls.lost, every=30, count=5, last=400)
        invoice = cls.make_invoice(cls.returner, 20, 300.0)
        cls.make_purchases(cls.returner, every=30, count=1, last=40, amount=100.0)
        cls.make_credit_note(cls.returner, 5, 400.0, invoice=invoice)
        cls.make_invoice(cls.shared, 10, 50.0)
        cls.make_purchases(
            cls.shared, every=30, count=2, last=5, amount=3888.5, company=cls.other_company
        )
        cls.make_lead(cls.prospect, created=20)
        cls.refresh(companies=cls.company | cls.other_company)

    @classmethod
    def own_customers(cls):
        """Those of this world, for domains: the database may hold others."""
        return [("id", "in", (cls.customers | cls.contact).ids)]


class CustomerCase(CustomerWorld, TransactionCase):
    """A test in the world of ``CustomerWorld``."""


class CustomerHttpCase(CustomerWorld, HttpCase):
    """A test over HTTP in the world of ``CustomerWorld``."""


class SeveralCustomersCase(SeveralCustomersWorld, TransactionCase):
    """A test in the world of ``SeveralCustomersWorld``."""


class SeveralCustomersHttpCase(SeveralCustomersWorld, HttpCase):
    """A test over HTTP in the world of ``SeveralCustomersWorld``."""
