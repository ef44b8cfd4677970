"""Who buys what: the stories' purchase days turned into orders, invoices, returns and payments.

Plain Python; days are ages, counted back from today.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

from .catalog import CATEGORIES, PRODUCTS, at_age
from .people import Company, companies
from .stories import BY_KEY, HANDMADE, HISTORY, LOSS_MAKERS, STORIES, Story, spread

DUE_DAYS = 30
SALESPEOPLE = ("sara", "omid", "lena", "admin", None)
SALESPEOPLE_WEIGHTS = (30, 28, 18, 14, 10)
WALK_IN = Story("walk_in", 1, BY_KEY["loyal"].plan, ("loyal", "normal"))


@dataclass
class Customer:
    number: int
    story: Story
    company: Company
    ages: list[int]
    salesperson: str | None
    contacts: int  # persons who order for him
    discount: Decimal
    pays_after: int  # days
    categories: list[str]
    usual_value: float


@dataclass
class Line:
    product: int  # index in the catalog
    quantity: int
    price: Decimal
    returned: int = 0

    @property
    def amount(self) -> Decimal:
        return self.quantity * self.price


@dataclass
class Sale:
    customer: Customer
    age: int  # of the order, or of an invoice without order
    invoice_age: int
    lines: list[Line]
    contact: int | None  # who orders, an index of the customer's contacts
    has_order: bool = True
    refund_age: int | None = None
    is_handmade: bool = False  # Odoo itself makes its documents

    @property
    def amount(self) -> Decimal:
        return sum(line.amount for line in self.lines)

    @property
    def returned(self) -> Decimal:
        return sum(line.returned * line.price for line in self.lines)


@dataclass
class Payment:
    """What a customer transfers in one amount for one or more sales."""

    age: int
    sales: list[Sale]

    @property
    def amount(self) -> Decimal:
        return sum(sale.amount - sale.returned for sale in self.sales)


@dataclass
class Plan:
    customers: list[Customer] = field(default_factory=list)
    sales: list[Sale] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)


def make_plan(rng: Random, size: int, walk_ins: int) -> Plan:
    """Everything that the demo holds.

    :param size: number of customers, roughly
    :param walk_ins: sales of one year to the account of passers-by
    """
    plan = Plan()
    names = companies(rng)
    for story in STORIES:
        for _copy in range(story.times(size)):
            number = len(plan.customers)
            plan.customers.append(_plan_customer(rng, number, story, next(names)))
    for customer in plan.customers:
        sales = [_plan_sale(rng, customer, age) for age in customer.ages]
        plan.sales += sales
        if customer.story.key in HANDMADE:
            for sale in sales if HANDMADE[customer.story.key] == "all" else sales[-1:]:
                sale.is_handmade = True
        plan.payments += _plan_payments(rng, customer, sales)
    _plan_walk_ins(rng, plan, walk_ins)
    return plan


def _plan_customer(rng: Random, number: int, story: Story, company: Company) -> Customer:
    share = rng.random()
    return Customer(
        number=number,
        story=story,
        company=company,
        ages=story.plan(rng, spread(number)),
        salesperson=rng.choices(SALESPEOPLE, SALESPEOPLE_WEIGHTS)[0],
        contacts=2 if number % 6 == 1 else 0,
        discount=Decimal(rng.choice((0, 0, 3, 5, 8))) / 100,
        # a few pay late; who is asked to pay first has stopped paying
        pays_after=rng.randint(52, 75) if share > 0.95 else rng.randint(12, 34),
        categories=rng.sample(CATEGORIES, 2),
        usual_value=story.value * rng.lognormvariate(0, 0.15 if story.key in LOSS_MAKERS else 0.4),
    )


def _plan_sale(rng: Random, customer: Customer, age: int) -> Sale:
    story = customer.story
    by_order = story.key in LOSS_MAKERS or story.key in HANDMADE
    trend = 1 + (story.trend - 1) * (HISTORY - age) / HISTORY
    value = customer.usual_value * trend * rng.uniform(0.7, 1.3)
    sale = Sale(
        customer=customer,
        age=age,
        invoice_age=max(1, age - rng.choice((0, 0, 1, 1, 2, 4))),
        lines=_plan_lines(rng, customer, age, value),
        contact=rng.choice((None, 0, 1)) if customer.contacts else None,
        has_order=by_order or rng.random() < 0.93,
    )
    if not sale.has_order:
        sale.invoice_age = age
    _plan_return(rng, sale)
    return sale


def _plan_lines(rng: Random, customer: Customer, age: int, value: float) -> list[Line]:
    affordable = [
        index
        for index, product in enumerate(PRODUCTS)
        if product.category in customer.categories and product.price < value / 2
    ]
    if not affordable:
        affordable = [min(range(len(PRODUCTS)), key=lambda index: PRODUCTS[index].price)]
    chosen = rng.sample(affordable, min(len(affordable), 1 if value < 60 else rng.randint(1, 3)))
    lines = []
    for index in chosen:
        product = PRODUCTS[index]
        price = at_age(product.price * (1 - customer.discount), age)
        if customer.story.key == "loss_price":
            price = at_age(product.cost * Decimal("0.94"), age)
        lines.append(Line(index, max(1, round(value / len(chosen) / float(price))), price))
    return lines


def _plan_return(rng: Random, sale: Sale) -> None:
    """Part of the goods comes back: often from those who make losses by it, else seldom."""
    often = sale.customer.story.key == "loss_returns"
    largest = max(sale.lines, key=lambda line: line.quantity)
    if sale.invoice_age < 14 or largest.quantity < 2 or rng.random() > (0.8 if often else 0.05):
        return
    sale.refund_age = sale.invoice_age - rng.randint(3, 12)
    for line in sale.lines if often else [largest]:
        line.returned = int(line.quantity * (0.6 if often else 0.4))
    if not sale.returned:
        largest.returned = 1


def _plan_payments(rng: Random, customer: Customer, sales: list[Sale]) -> Iterator[Payment]:
    unpaid = {"at_risk_overdue": 2, "lost": customer.number % 9 == 0}.get(customer.story.key, 0)
    for sale in sales[: len(sales) - unpaid]:
        if sale.is_handmade:
            continue
        age = sale.invoice_age - customer.pays_after - rng.randint(-6, 6)
        if sale.refund_age is not None:
            age = min(age, sale.refund_age)
        if age > 0:
            yield Payment(age, [sale])


def _plan_walk_ins(rng: Random, plan: Plan, number: int) -> None:
    """Many small sales over the counter, booked on one contact and banked every week."""
    company = Company("Walk-in customers", "Counter", "G", "", "", False)
    customer = Customer(
        number=len(plan.customers),
        story=WALK_IN,
        company=company,
        ages=sorted({1 + index * 363 // number for index in range(number)}, reverse=True),
        salesperson=None,
        contacts=0,
        discount=Decimal(0),
        pays_after=0,
        categories=list(CATEGORIES),
        usual_value=24,
    )
    plan.customers.append(customer)
    weeks = defaultdict(list)
    for index in range(number):
        age = 1 + index * 363 // number
        value = rng.lognormvariate(3.2, 0.5)
        lines = _plan_lines(rng, customer, age, value)
        sale = Sale(customer, age, age, lines, contact=None, has_order=False)
        plan.sales.append(sale)
        weeks[age // 7].append(sale)
    # banked on the last day of the week; the newest sales are still in the till
    plan.payments += [Payment(week * 7, weeks[week]) for week in sorted(weeks) if week]
