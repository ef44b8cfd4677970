"""The records that the demo's documents need: people, products, currency, settings."""

from collections import defaultdict
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import log10
from random import Random

import pytz
from dateutil.relativedelta import relativedelta

from odoo import Command

from .catalog import CATEGORIES, PRODUCTS, product_name
from .people import GIVEN_NAMES, PERSIAN_GIVEN_NAMES, ROLES, email
from .sales import DUE_DAYS, Customer, Plan, Sale

NAMESPACE = "crm_extended_demo"
RATE_MONTHS = 27
USERS = {  # login: name, group
    "sara": ("Sara Demo", "sales_team.group_sale_salesman"),
    "omid": ("Omid Demo", "sales_team.group_sale_salesman_all_leads"),
    "lena": ("Lena Demo", "sales_team.group_sale_manager"),
}
# in units of the currency: see World.unit
UNIT_COSTS = {"order": 5, "delivery": 12, "return": 30, "call": 4, "meeting": 45}


class World:
    """One company, today, and what the plan's numbers mean there."""

    def __init__(self, env, company, today: date, plan: Plan, rng: Random):
        self.env = env
        self.company = company
        self.today = today
        self.plan = plan
        self.rng = rng
        self.zone = pytz.timezone(company._customer_timezone())
        self.unit = self._find_unit()
        self.users = {None: env["res.users"]}
        self.team = env["crm.team"]
        self.products = env["product.product"]
        self.partners: dict[int, object] = {}  # customer's number: res.partner
        self.contacts = defaultdict(lambda: env["res.partner"])

    def _find_unit(self) -> Decimal:
        """What the catalog's prices are multiplied with, a power of ten: 1 for a dollar or a
        euro, 100 for a yen."""
        currency, dollar = self.company.currency_id, self.env.ref("base.USD")
        rate = dollar._convert(1.0, currency, self.company, self.today, round=False)
        power = max(round(log10(rate or 1)), 2 if currency.decimal_places < 2 else 0)
        return Decimal(10) ** power

    def day(self, age: int) -> date:
        return self.today - timedelta(days=age)

    def moment(self, age: int, hour: int = 10) -> datetime:
        """An hour of a day in the company's time zone, as Odoo stores it."""
        local = datetime.combine(self.day(age), time(hour))
        return self.zone.localize(local).astimezone(pytz.utc).replace(tzinfo=None)

    def buyer(self, sale: Sale):
        """Who orders: the company, or one of its contacts."""
        if sale.contact is None:
            return self.partners[sale.customer.number]
        return self.contacts[sale.customer.number][sale.contact]

    def user(self, customer: Customer):
        return self.users[customer.salesperson]

    def amount(self, amount: Decimal) -> Decimal:
        return amount * self.unit

    def name(self, **records):
        """Give records external ids, under a name that is no module's: uninstalling the addon
        would try in vain to delete what documents refer to."""
        self.env["ir.model.data"]._update_xmlids(
            [
                {"xml_id": f"{NAMESPACE}.{name}", "record": record, "noupdate": True}
                for name, record in records.items()
            ]
        )

    # ------------------------------------------------------------------------ records

    def set_costs(self):
        """What serving a customer costs, unless somebody has said so already."""
        fields = {driver: f"customer_cost_{driver}" for driver in UNIT_COSTS}
        if not any(self.company[field] for field in fields.values()):
            self.company.write(
                {
                    field: float(self.amount(Decimal(UNIT_COSTS[driver])))
                    for driver, field in fields.items()
                }
            )

    def make_users(self, is_shown: bool):
        """Three salespeople; the administrator sells too.

        :param is_shown: the salespeople may log in, with their login as password, and the
            administrator sees margins, which nobody does unless he is told to
        """
        self.team = self.env["crm.team"].search(
            [("company_id", "in", [self.company.id, False])], limit=1
        )
        users = self.env["res.users"].with_context(no_reset_password=True, active_test=False)
        for login, (name, group) in USERS.items():
            user = users.search([("login", "=", login)])
            if not user:
                user = users.create(
                    {
                        "name": name,
                        "login": login,
                        "email": f"{login}@kala.example",
                        "company_id": self.company.id,
                        "company_ids": [Command.set(self.company.ids)],
                        "group_ids": [Command.link(self.env.ref(group).id)],
                        **({"password": login} if is_shown else {}),
                    }
                )
                self.env["crm.team.member"].create(
                    {"user_id": user.id, "crm_team_id": self.team.id}
                )
                self.name(**{f"user_{login}": user})
            self.users[login] = user
        self.users["admin"] = self.env.ref("base.user_admin")
        if is_shown:
            self.users["admin"].group_ids += self.env.ref("crm_extended.group_margin")
        for login, user in self.users.items():
            # nobody sells for a company that he has no access to
            self.users[login] = user.filtered(lambda user: self.company in user.company_ids)

    def make_products(self):
        categories = {
            name: self.env["product.category"].create({"name": name}) for name in CATEGORIES
        }
        self.products = self.env["product.product"].create(
            [
                {
                    "name": product.name,
                    "default_code": product.code,
                    "categ_id": categories[product.category].id,
                    "list_price": float(self.amount(product.price)),
                    "standard_price": float(self.amount(product.cost)),
                    "type": "consu",
                    "invoice_policy": "delivery",
                    "taxes_id": [Command.clear()],
                    "supplier_taxes_id": [Command.clear()],
                }
                for product in PRODUCTS
            ]
        )
        self.name(
            **{
                product_name(plan): product
                for plan, product in zip(PRODUCTS, self.products, strict=True)
            }
        )

    def make_partners(self):
        plan = self.plan
        tags = self._make_tags()
        documents = defaultdict(int)
        for sale in plan.sales:
            if not sale.is_handmade:
                documents[sale.customer.number] += 1 if sale.refund_age is None else 2
        partners = self.env["res.partner"].create(
            [
                self._partner_values(customer, tags) | {"customer_rank": documents[customer.number]}
                for customer in plan.customers
            ]
        )
        self.partners = dict(enumerate(partners))
        self._make_contacts([customer for customer in plan.customers if customer.contacts])
        examples = {}
        for customer in plan.customers:
            examples.setdefault(f"customer_{customer.story.key}", self.partners[customer.number])
        self.name(**examples)

    def _make_tags(self) -> dict[str, object]:
        names = sorted({customer.company.tag for customer in self.plan.customers})
        tags = self.env["res.partner.category"].create(
            [{"name": name, "color": 1 + index} for index, name in enumerate(names)]
        )
        return dict(zip(names, tags, strict=True))

    def _partner_values(self, customer: Customer, tags) -> dict:
        company = customer.company
        country = self.company.country_id
        if company.country:
            country = self.env["res.country"].search([("code", "=", company.country)])
        industry = self.env.ref(
            f"base.res_partner_industry_{company.industry}", raise_if_not_found=False
        )
        return {
            "name": company.name,
            "is_company": True,
            "country_id": country.id,
            "phone": company.phone or False,
            "email": email(company.name, customer.number),
            "user_id": self.user(customer).id,
            "category_id": [Command.link(tags[company.tag].id)],
            "industry_id": industry.id if industry else False,
            "property_payment_term_id": self._payment_term().id,
            "profiling_optout": customer.story.key == "opt_out",
        }

    def _payment_term(self):
        term = self.env.ref("account.account_payment_term_30days", raise_if_not_found=False)
        return term or self.env["account.payment.term"].search(
            [("line_ids.nb_days", "=", DUE_DAYS)], limit=1
        )

    def _make_contacts(self, customers: list[Customer]):
        values = []
        for customer in customers:
            names = PERSIAN_GIVEN_NAMES if customer.company.is_persian else GIVEN_NAMES
            values += [
                {
                    "name": name,
                    "function": role,
                    "parent_id": self.partners[customer.number].id,
                    "user_id": self.user(customer).id,
                }
                for name, role in zip(
                    self.rng.sample(names, customer.contacts),
                    self.rng.sample(ROLES, customer.contacts),
                    strict=True,
                )
            ]
        contacts = iter(self.env["res.partner"].create(values))
        for customer in customers:
            for _number in range(customer.contacts):
                self.contacts[customer.number] |= next(contacts)

    def make_pricelist(self):
        """A price list in a foreign currency, with a rate for every month of the demo."""
        name = "USD" if self.company.currency_id.name == "EUR" else "EUR"
        currency = (
            self.env["res.currency"].with_context(active_test=False).search([("name", "=", name)])
        )
        currency.active = True
        today = self.company.currency_id._convert(
            1.0, currency, self.company, self.today, round=False
        )
        base = today if self.company.currency_id.name not in ("EUR", "USD") else 0.92
        company = self.company.root_id
        months = [
            self.today.replace(day=1) - relativedelta(months=months)
            for months in range(RATE_MONTHS + 1)
        ]
        known = self.env["res.currency.rate"].search(
            [("currency_id", "=", currency.id), ("company_id", "=", company.id)]
        )
        self.env["res.currency.rate"].create(
            [
                {
                    "name": month,
                    "currency_id": currency.id,
                    "company_id": company.id,
                    "rate": float(f"{base * (1 + 0.01 * (index % 7) - 0.002 * index):.6g}"),
                }
                for index, month in enumerate(months)
                if month not in known.mapped("name")
            ]
        )
        pricelists = self.env["product.pricelist"]
        home = {"currency_id": self.company.currency_id.id, "company_id": self.company.id}
        if not pricelists.search([("company_id", "in", [self.company.id, False])], limit=1):
            # whoever switches price lists on sells at home in the home currency
            pricelists.create({"name": "Default", "sequence": 1, **home})
        return pricelists.create(
            {"name": f"Export ({name})", "sequence": 20, **home, "currency_id": currency.id}
        )
