"""What a customer would have brought in the last twelve months on other terms.

Every answer assumes that he buys the same. How much less he may buy before the company is worse
off than now stands beside it, counted carefully: his orders get smaller, and what is done for him
costs as much as before.
"""

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10
from typing import NamedTuple

# the ladder, from its first rung; ``keep`` is none of them
LADDER = ("price", "minimum_order", "channel", "delivery_fee", "payment", "let_go")
# values are per cent
SHARES = ("price", "channel", "payment")
# what customers bear at once
HIGHEST_RISE = 10
REPLACED_CONTACTS = 80


class Year(NamedTuple):
    """Twelve months of a customer.

    ``margin`` is net of credit notes, before the cost to serve; ``orders`` are the amounts of his
    purchase days, in their order; ``units`` how often each driver occurred (``delay``: what was
    paid late, as an amount for a year), ``unit_costs`` what one costs.
    """

    revenue: float
    margin: float
    orders: Sequence[float]
    units: Mapping[str, float]
    unit_costs: Mapping[str, float]

    def cost(self, *drivers: str) -> float:
        """Of these drivers; of all, where none is named."""
        return sum(
            self.units.get(driver, 0) * self.unit_costs.get(driver, 0)
            for driver in drivers or self.units
        )

    @property
    def contribution(self) -> float:
        return self.margin - self.cost()


class Outcome(NamedTuple):
    """``contribution`` of the twelve months; ``leeway``: the share that he may buy less before it
    is worse than it was (1: whatever he does), None where he buys nothing any more."""

    contribution: float
    leeway: float | None


def merged_orders(orders: Sequence[float], minimum: float) -> int:
    """How many orders there would have been, had he collected what he needs until it reaches the
    minimum; what is left over goes with the last one.

    >>> merged_orders([30, 30, 50, 100, 20], 100)
    2
    >>> merged_orders([30, 30], 100), merged_orders([], 100), merged_orders([30, 30], 0)
    (1, 0, 2)
    """
    if minimum <= 0:
        return len(orders)
    count, collected = 0, 0.0
    for amount in orders:
        collected += amount
        if collected >= minimum:
            count, collected = count + 1, 0.0
    return max(count, 1) if orders else 0


def what_if(year: Year, measure: str, value: float) -> Outcome:
    """The year under one measure.

    :param value: price: per cent more; minimum_order: amount of an order; channel: per cent of
        calls and meetings that are not needed any more; delivery_fee: amount per delivery; payment:
        per cent of what was paid late that is paid in time

    >>> year = Year(1000, 100, [50] * 20, {"delivery": 20, "call": 10}, {"delivery": 10, "call": 3})
    >>> year.contribution
    -130
    >>> what_if(year, "delivery_fee", 5)
    Outcome(contribution=-30, leeway=1.0)
    >>> what_if(year, "minimum_order", 100)
    Outcome(contribution=-30.0, leeway=1.0)
    >>> what_if(year, "price", 10)
    Outcome(contribution=-30.0, leeway=0.5)
    >>> what_if(year, "let_go", 0)
    Outcome(contribution=0, leeway=None)
    """
    if measure == "let_go":
        return Outcome(0, None)
    # what changes with the amount that he buys, and what does not
    variable, fixed = year.margin, -year.cost()
    match measure:
        case "price":
            rise = max(year.revenue, 0) * value / 100
            variable += rise
            # more money is late as well
            fixed -= year.cost("delay") * value / 100
        case "minimum_order":
            left = merged_orders(year.orders, value) / len(year.orders) if year.orders else 1
            fixed += (1 - left) * year.cost("order", "delivery")
        case "channel":
            fixed += year.cost("call", "meeting") * value / 100
        case "delivery_fee":
            fixed += year.units.get("delivery", 0) * value
        case "payment":
            fixed += year.cost("delay") * value / 100
        case "keep":
            pass
        case _:
            raise ValueError(f"unknown measure: {measure}")
    gain = variable + fixed - year.contribution
    # who is sold to below cost costs less the less he buys
    leeway = 1.0 if variable <= 0 else min(gain / variable, 1.0)
    return Outcome(variable + fixed, leeway)


def first_rung(year: Year, values: Mapping[str, float]) -> str:
    """The measure to begin with: the first rung of the ladder that ends the loss alone; else the
    one that brings most. Letting go is for whom nothing else helps.

    >>> year = Year(1000, 100, [50] * 20, {"delivery": 20}, {"delivery": 10})
    >>> first_rung(year, {"price": 5, "minimum_order": 150, "delivery_fee": 5})
    'minimum_order'
    >>> first_rung(year, {"price": 5, "delivery_fee": 4})
    'delivery_fee'
    >>> first_rung(year, {"price": 0})
    'let_go'
    """
    before = year.contribution
    outcomes = {
        measure: what_if(year, measure, values[measure]).contribution
        for measure in LADDER
        if measure in values and measure != "let_go"
    }
    helping = {measure: after for measure, after in outcomes.items() if after > before}
    enough = [measure for measure, after in helping.items() if after >= 0]
    if enough:
        return enough[0]
    return max(helping, key=helping.get) if helping else "let_go"


def suggested_values(year: Year) -> dict[str, float]:
    """What to try first: the rise that would end the loss, as far as customers bear it; the order
    that pays for its own handling; most contacts by themselves; the delivery at its cost; payment
    in time.

    >>> year = Year(1000, 100, [50] * 20, {"delivery": 20}, {"delivery": 8})
    >>> suggested_values(year)["price"], suggested_values(year)["minimum_order"]
    (6, 80)
    >>> suggested_values(year)["delivery_fee"]
    8
    """
    rise = ceil(-year.contribution / year.revenue * 100) if year.revenue > 0 else 1
    minimum = 0
    if year.margin > 0 and year.orders:
        handling = year.cost("order", "delivery") / len(year.orders)
        minimum = _rounded_up(handling * year.revenue / year.margin)
    return {
        "price": min(max(rise, 1), HIGHEST_RISE),
        "minimum_order": minimum,
        "channel": REPLACED_CONTACTS,
        "delivery_fee": year.unit_costs.get("delivery", 0),
        "payment": 100,
        "let_go": 0,
    }


def _rounded_up(amount: float) -> float:
    """To two digits: terms are easy to remember.

    >>> _rounded_up(1234), _rounded_up(80), _rounded_up(0)
    (1300, 80, 0)
    """
    if amount <= 0:
        return 0
    step = 10 ** (floor(log10(amount)) - 1)
    # what a float adds to a round amount is no reason for the next step
    return round(ceil(round(amount / step, 6)) * step, 6)
