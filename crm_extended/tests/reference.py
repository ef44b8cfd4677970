"""The customer rows in plain Python: slow, obvious, and independent of the SQL under test. What is
learned and predicted comes from ``analytics``, which has published numbers of its own to meet.

A ``Ledger`` is a list of orders, invoices and leads; ``customers(ledger, as_of)`` says what the
row of each customer must be, amounts as ``Decimal``. One function per rule of the design.
"""

import math
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from odoo.addons.crm_extended.analytics import rfm
from odoo.addons.crm_extended.analytics.mbg_nbd import MbgNbd, history
from odoo.addons.crm_extended.analytics.readiness import prediction_state

COMPANY_WEIGHT = 3
LOYAL_INTERVALS = 3
LOYAL_REVENUE = Decimal(2) / 3
FALL_ORDERS = 6
LEAST_PEERS = 15
POSSIBLE = {"wallet_headroom_low": 0.7, "wallet_headroom": 0.8, "wallet_headroom_high": 0.9}
SHORTEST_PAUSES = {"at_risk": 7, "lost": 28}
LOSS_MAKER_COVERAGE = Decimal("0.8")
LOSS_MAKER_DAYS = 183
TREND = Decimal("0.2")


@dataclass(eq=False)
class OrderLine:
    """Prices and costs are in the order's currency, per unit of the line."""

    quantity: Decimal
    price: Decimal
    cost: Decimal = Decimal(0)
    units: Decimal = Decimal(1)  # reference units in one unit of the line: 12 for a dozen
    is_downpayment: bool = False
    costed_at: datetime | None = None  # when the cost was frozen; None: with the order
    order: "Order | None" = None

    @property
    def subtotal(self) -> Decimal:
        return self.quantity * self.price


@dataclass(eq=False)
class Order:
    customer: int
    moment: datetime  # UTC
    lines: list[OrderLine] = field(default_factory=list)
    state: str = "sale"
    rate: Decimal = Decimal(1)  # units of the order's currency for one of the company's

    def __post_init__(self):
        for line in self.lines:
            line.order = self


@dataclass(eq=False)
class InvoiceLine:
    """``amount`` is untaxed and in the invoice's currency, negative where it lowers the total."""

    quantity: Decimal
    amount: Decimal
    order_lines: list[OrderLine] = field(default_factory=list)
    units: Decimal = Decimal(1)
    is_downpayment: bool = False
    is_goods: bool = False
    is_text: bool = False  # a section or a note


@dataclass(eq=False)
class Invoice:
    customer: int
    day: date
    lines: list[InvoiceLine]
    kind: str = "out_invoice"
    state: str = "posted"
    rate: Decimal = Decimal(1)
    reverses: "Invoice | None" = None

    @property
    def is_refund(self) -> bool:
        return self.kind == "out_refund"

    @property
    def goods(self) -> list[InvoiceLine]:
        return [line for line in self.lines if not (line.is_downpayment or line.is_text)]

    @property
    def goods_amount(self) -> Decimal:
        return sum(line.amount for line in self.goods)


@dataclass
class Ledger:
    orders: list[Order] = field(default_factory=list)
    invoices: list[Invoice] = field(default_factory=list)
    leads: dict[int, date] = field(default_factory=dict)  # customer → day of his open lead
    excluded: set[int] = field(default_factory=set)


@dataclass
class Settings:
    source: str = "invoice"
    timezone: str = "UTC"
    decimals: int = 2
    at_risk_factor: float = 2.0
    lost_factor: float = 4.0
    at_risk_chance: float = 0.2
    lost_chance: float = 0.02
    new_days: int = 90
    costs: dict[str, Decimal] = field(default_factory=dict)  # of order, delivery, return
    margin_since: datetime | None = None
    has_margins: bool = False


@dataclass
class Fact:
    """A purchase line: money in the company's currency, negative on returns."""

    customer: int
    document: object
    day: date
    purchase_day: date | None
    is_return: bool
    amount: Decimal
    margin: Decimal | None


# ------------------------------------------------------------------ what is a purchase


def local_day(moment: datetime, timezone: str) -> date:
    return moment.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(timezone)).date()


def rounded(amount: Decimal | Fraction, decimals: int) -> Decimal:
    """Halves are rounded away from zero."""
    units = math.floor(abs(Fraction(amount)) * 10**decimals + Fraction(1, 2))
    return Decimal(units if amount >= 0 else -units).scaleb(-decimals)


def is_wholly_reversed(invoice: Invoice, ledger: Ledger, as_of: date) -> bool:
    refunds = [
        refund
        for refund in ledger.invoices
        if refund.reverses is invoice and refund.state == "posted" and refund.day <= as_of
    ]
    taken_back = sum(refund.goods_amount for refund in refunds)
    return bool(refunds) and taken_back >= invoice.goods_amount


def purchase_days(invoice: Invoice, settings: Settings) -> dict[InvoiceLine, date | None]:
    """The day of the order behind each line. Where some lines have one, the others were bought
    with it and have no day of their own; where none has, all have the invoice's."""
    days = {
        line: min(
            invoice.day,
            *(local_day(linked.order.moment, settings.timezone) for linked in line.order_lines),
        )
        for line in invoice.goods
        if line.order_lines
    }
    return {line: days.get(line, None if days else invoice.day) for line in invoice.goods}


def facts_of_invoices(ledger: Ledger, as_of: date, settings: Settings) -> list[Fact]:
    facts = []
    for invoice in ledger.invoices:
        if invoice.state != "posted" or invoice.day > as_of:
            continue
        sign = -1 if invoice.is_refund else 1
        days = purchase_days(invoice, settings)
        no_purchase = invoice.is_refund or is_wholly_reversed(invoice, ledger, as_of)
        for line in invoice.goods:
            amount = sign * rounded(
                Fraction(line.amount) / Fraction(invoice.rate), settings.decimals
            )
            facts.append(
                Fact(
                    invoice.customer,
                    invoice,
                    invoice.day,
                    None if no_purchase else days[line],
                    invoice.is_refund or line.quantity < 0,
                    amount,
                    margin_of_invoice_line(line, amount, sign, invoice, settings),
                )
            )
    return facts


def facts_of_orders(ledger: Ledger, as_of: date, settings: Settings) -> list[Fact]:
    facts = []
    for order in ledger.orders:
        day = local_day(order.moment, settings.timezone)
        if order.state != "sale" or day > as_of:
            continue
        for line in order.lines:
            if line.is_downpayment:
                continue
            is_return = line.quantity < 0
            margin = None
            if settings.has_margins and cost_is_known(line, settings):
                margin = rounded(
                    Fraction(line.subtotal - line.cost * line.quantity) / Fraction(order.rate),
                    settings.decimals,
                )
            facts.append(
                Fact(
                    order.customer,
                    order,
                    day,
                    None if is_return else day,
                    is_return,
                    rounded(Fraction(line.subtotal) / Fraction(order.rate), settings.decimals),
                    margin,
                )
            )
    return facts


def facts(ledger: Ledger, as_of: date, settings: Settings) -> list[Fact]:
    read = facts_of_orders if settings.source == "order" else facts_of_invoices
    return read(ledger, as_of, settings)


# ------------------------------------------------------------------------- margin


def cost_is_known(line: OrderLine, settings: Settings) -> bool:
    frozen_at = max(line.costed_at or line.order.moment, line.order.moment)
    return (line.cost != 0 or line.price <= 0) and (
        settings.margin_since is None or frozen_at >= settings.margin_since
    )


def unit_cost(lines: list[OrderLine]) -> Fraction:
    """Cost of one reference unit in company currency, over all order lines behind."""
    cost = sum(
        Fraction(line.cost) / Fraction(line.order.rate) * Fraction(line.quantity) for line in lines
    )
    return cost / Fraction(sum(line.quantity * line.units for line in lines))


def margin_of_invoice_line(line, amount, sign, invoice, settings) -> Decimal | None:
    if not settings.has_margins:
        return None
    if not line.order_lines:
        # a price concession takes no cost back
        return amount if invoice.is_refund and not line.is_goods else None
    if not all(cost_is_known(linked, settings) for linked in line.order_lines):
        return None
    cost = sign * Fraction(line.quantity * line.units) * unit_cost(line.order_lines)
    return rounded(Fraction(amount) - cost, settings.decimals)


# -------------------------------------------------------------------------- rows


def own_interval(gaps: list[int]) -> float | None:
    """Geometric mean of the days between purchases."""
    return round(math.exp(sum(map(math.log, gaps)) / len(gaps)), 2) if gaps else None


def median(numbers: list[float]) -> float | None:
    ranked = sorted(numbers)
    middle = len(ranked) // 2
    if not ranked:
        return None
    if len(ranked) % 2:
        return ranked[middle]
    return (ranked[middle - 1] + ranked[middle]) / 2


def usual_interval(count: int, own: float | None, company: float | None) -> float | None:
    if company is None:
        return None
    return (count * (own or 0) + COMPANY_WEIGHT * company) / (count + COMPANY_WEIGHT)


class Window:
    """From ``first_month`` to ``last_month`` months before a day; the first day is excluded."""

    def __init__(self, as_of: date, first_month: int, last_month: int):
        self.after = as_of - relativedelta(months=first_month)
        self.until = as_of - relativedelta(months=last_month)

    def __contains__(self, day: date) -> bool:
        return self.after < day <= self.until


def customers(ledger: Ledger, as_of: date, settings: Settings) -> dict[int, dict]:
    """``{customer: row}`` of customers and prospects."""
    all_facts = facts(ledger, as_of, settings)
    rows = {}
    for customer in sorted({fact.customer for fact in all_facts} | set(ledger.leads)):
        own = [fact for fact in all_facts if fact.customer == customer]
        days = days_of(own)
        is_prospect = customer in ledger.leads and ledger.leads[customer] <= as_of
        if customer not in ledger.excluded and (days or is_prospect):
            rows[customer] = {"days": days} | value(own, days, as_of, settings)
            rows[customer]["halves"] = halves(own, days, as_of)
    company = median([row["purchase_interval_days"] for row in rows.values() if row["gaps"]])
    rhythm = Rhythm(company, learn(rows, as_of), settings)
    for customer, row in rows.items():
        row |= life_cycle(customer, row, rhythm, ledger, as_of, settings)
        row |= prediction(customer, row, rhythm, ledger, as_of, settings)
        row["life_stage"] = life_stage(row, as_of)
    score(rows, all_facts, as_of)
    headroom(rows, settings)
    return rows


def days_of(own: list[Fact]) -> list[date]:
    """Distinct days on which something was bought for money."""
    bought = {}
    for fact in own:
        if fact.purchase_day:
            bought.setdefault(fact.purchase_day, Decimal(0))
            bought[fact.purchase_day] += 0 if fact.is_return else fact.amount
    return sorted(day for day, amount in bought.items() if amount > 0)


def total(own: list[Fact], window=None, returns=None) -> Decimal:
    return sum(
        (
            fact.amount
            for fact in own
            if (window is None or fact.day in window) and returns in (None, fact.is_return)
        ),
        Decimal(0),
    )


def value(own: list[Fact], days: list[date], as_of: date, settings: Settings) -> dict:
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    year = Window(as_of, 12, 0)
    bought = total(own, year, returns=False)
    years = {}
    for fact in own:
        age = 0
        while fact.day not in Window(as_of, 12 * age + 12, 12 * age):
            age += 1
        years[age] = years.get(age, Decimal(0)) + fact.amount
    row = {
        "gaps": gaps,
        "purchase_count": len(days),
        "first_purchase_date": min(days, default=None),
        "last_purchase_date": max(days, default=None),
        "purchase_interval_days": own_interval(gaps),
        "revenue_total": total(own) if own else None,
        "revenue_12m": total(own, year) if own else None,
        "revenue_prev_12m": total(own, Window(as_of, 24, 12)) if own else None,
        "revenue_best_year": max(years.values(), default=None),
        "return_rate_12m": float(-total(own, year, returns=True) / bought) if bought else None,
        "avg_purchase_value": rounded(Fraction(total(own)) / len(days), settings.decimals)
        if days
        else None,
    }
    return row | contribution(own, days, as_of, settings)


def contribution(own: list[Fact], days: list[date], as_of: date, settings: Settings) -> dict:
    now = result_of_window(own, days, Window(as_of, 12, 0), settings)
    early = result_of_window(own, days, Window(as_of, 18, 6), settings)
    loses = all(
        window["contribution"] is not None
        and window["contribution"] < 0
        and window["coverage"] is not None
        and window["coverage"] >= LOSS_MAKER_COVERAGE
        for window in (now, early)
    )
    return {
        "margin_12m": now["margin"],
        "margin_coverage": now["coverage"] if now["coverage"] is None else float(now["coverage"]),
        "cost_to_serve_12m": now["cost"],
        "contribution_12m": now["contribution"],
        "loss_maker_flag": bool(
            loses and days and days[0] <= as_of - timedelta(days=LOSS_MAKER_DAYS)
        ),
    }


def result_of_window(own: list[Fact], days: list[date], window: Window, settings) -> dict:
    inside = [fact for fact in own if fact.day in window]
    known = [fact for fact in inside if fact.margin is not None]
    margin = sum((fact.margin for fact in known), Decimal(0))
    if inside and not known or (not inside and not (own and settings.has_margins)):
        margin = None
    gross = sum(abs(fact.amount) for fact in inside)
    returned = {}
    for fact in inside:
        if fact.is_return:
            key = (fact.document, fact.purchase_day)
            returned[key] = returned.get(key, Decimal(0)) + fact.amount
    # an invoice over several orders counts once for each of their days
    deliveries = {(fact.document, fact.purchase_day) for fact in inside if fact.purchase_day}
    counts = {
        "order": len([day for day in days if day in window]),
        "delivery": len(deliveries),
        "return": len([amount for amount in returned.values() if amount]),
    }
    cost = sum(
        (number * settings.costs.get(driver, Decimal(0)) for driver, number in counts.items()),
        Decimal(0),
    )
    return {
        "margin": margin,
        "coverage": sum(abs(fact.amount) for fact in known) / gross if gross else None,
        "cost": cost,
        "contribution": None if margin is None else margin - cost,
    }


# ------------------------------------------------------------------- buying trend


def halves(own: list[Fact], days: list[date], as_of: date) -> tuple[Decimal, Decimal, Decimal]:
    """What was bought on the first day, and in the two halves of the time since; of an old
    customer nothing and the two last years."""
    if not days or days[0] <= as_of - relativedelta(months=24):
        years = Window(as_of, 24, 12), Window(as_of, 12, 0)
        return Decimal(0), *(total(own, year) for year in years)
    opening = [fact for fact in own if fact.purchase_day and fact.purchase_day <= days[0]]
    middle = days[0] + timedelta(days=(as_of - days[0]).days // 2)
    later = [fact for fact in own if fact not in opening and fact.day > middle]
    earlier = [fact for fact in own if fact not in opening and fact.day <= middle]
    return total(opening), total(earlier), total(later)


def life_stage(row: dict, as_of: date) -> str | None:
    opening, before, after = row["halves"]
    if not row["days"]:
        return None
    if row["lifecycle_stage"] == "lost":
        return "declining"
    if row["days"][0] > as_of - relativedelta(months=6):
        return "new"
    if after <= 0:
        return "declining"
    if after > (1 + TREND) * (opening + before):
        return "growing"
    return "declining" if after < (1 - TREND) * before else "stable"


# -------------------------------------------------------------------- life cycle


def waiting_orders(customer: int, last: date, ledger, as_of, settings) -> list[date]:
    """The days of the confirmed orders after the last purchase that no invoice bills yet."""
    billed = {
        linked.order
        for invoice in ledger.invoices
        if invoice.state == "posted" and invoice.day <= as_of
        for line in invoice.goods
        for linked in line.order_lines
    }
    days = [
        local_day(order.moment, settings.timezone)
        for order in ledger.orders
        if order.customer == customer and order.state == "sale" and order not in billed
    ]
    return sorted(day for day in days if last < day <= as_of)


def learn(rows: dict, as_of: date) -> MbgNbd | None:
    """The model of all customers, with as many digits as are kept; None from too little."""
    histories = [
        history([day.toordinal() for day in row["days"]], as_of.toordinal())
        for row in rows.values()
        if row["days"]
    ]
    repeaters = sum(x > 0 for x, _, _ in histories)
    lengths = [T for _, _, T in histories]
    length = percentile(lengths, 0.95) if lengths else 0
    state = prediction_state(len(histories), repeaters, length)
    if state == "insufficient":
        return None
    learned = MbgNbd().fit(*zip(*histories, strict=True))
    model = MbgNbd.of(**{name: float(f"{v:.8g}") for name, v in learned.parameters_.items()})
    model.leaving_is_seen_, model.state = learned.leaving_is_seen_, state
    return model


@dataclass
class Rhythm:
    """How long a pause may last, by the model or in usual intervals."""

    company: float | None
    model: MbgNbd | None
    settings: Settings

    def usual(self, gaps: list[int]) -> float | None:
        return usual_interval(len(gaps), own_interval(gaps), self.company)

    def longest_pause(self, level: str, gaps: list[int], x: int, t_x: int) -> float | None:
        """Days after an order from which a customer is at a level; None where it can't be told."""
        if self.model and x > 0:
            chance = getattr(self.settings, f"{level}_chance")
            return max(self.model.silence_time(chance, x, t_x) - t_x, SHORTEST_PAUSES[level])
        usual = self.usual(gaps)
        factor = getattr(self.settings, f"{level}_factor")
        return None if usual is None else math.floor(factor * usual) + 1


def comeback(row: dict, rhythm: Rhythm) -> date | None:
    """The last day that ended a pause beyond the lost limit, as the rhythm was known by then."""
    result = None
    for number, gap in enumerate(row["gaps"]):
        earlier = row["gaps"][:number]
        limit = rhythm.longest_pause("lost", earlier, number, sum(earlier))
        if limit is not None and gap >= limit:
            result = row["days"][number + 1]
    return result


def is_loyal(row: dict, usual: float | None, as_of: date, settings: Settings) -> bool:
    year = Window(as_of, 12, 0)
    recent = [gap for gap, day in zip(row["gaps"], row["days"][1:], strict=True) if day in year]
    return (
        usual is not None
        and len(row["gaps"]) >= LOYAL_INTERVALS
        and max(recent, default=0) <= settings.at_risk_factor * usual
        and row["revenue_12m"] >= LOYAL_REVENUE * row["revenue_prev_12m"]
    )


def fell(row: dict, as_of: date) -> bool:
    before = Window(as_of, 24, 12)
    return (
        sum(day in before for day in row["days"]) >= FALL_ORDERS
        and row["revenue_12m"] < LOYAL_REVENUE * row["revenue_prev_12m"]
    )


def life_cycle(customer, row, rhythm, ledger: Ledger, as_of: date, settings: Settings) -> dict:
    days, gaps = row["days"], row["gaps"]
    if not days:
        return {
            "lifecycle_stage": "prospect",
            "last_order_date": None,
            "retention_flag": False,
            "winback_flag": False,
            "expected_leave_date": None,
        }
    usual = rhythm.usual(gaps)
    waiting = waiting_orders(customer, days[-1], ledger, as_of, settings)
    last = max(waiting, default=days[-1])
    x, t_x = len(gaps) + bool(waiting), (last - days[0]).days
    lost, at_risk = (rhythm.longest_pause(level, gaps, x, t_x) for level in ("lost", "at_risk"))
    returned_on = comeback(row, rhythm)
    limit = rhythm.longest_pause("lost", gaps, len(gaps), sum(gaps))
    if waiting and limit is not None and (waiting[0] - days[-1]).days >= limit:
        returned_on = waiting[0]
    silence = (as_of - last).days
    since = as_of - timedelta(days=settings.new_days)
    if lost is not None and silence >= lost:
        stage = "lost"
    elif (at_risk is not None and silence >= at_risk) or fell(row, as_of):
        stage = "at_risk"
    elif returned_on and returned_on > since:
        stage = "won_back"
    elif days[0] > since:
        stage = "new"
    elif is_loyal(row, usual, as_of, settings):
        stage = "loyal"
    else:
        stage = "normal"
    return {
        "lifecycle_stage": stage,
        "last_order_date": last,
        "retention_flag": stage == "at_risk",
        "winback_flag": stage == "lost" and bool(gaps) and row["revenue_total"] > 0,
        "expected_leave_date": leave_date(rhythm.model, last, gaps, x, t_x, lost),
    }


def leave_date(model, last: date, gaps, x: int, t_x: int, lost_pause) -> date | None:
    if not gaps:
        return None
    if model is None:
        return last + timedelta(days=lost_pause)
    if not model.leaving_is_seen_:
        return None
    pause = model.silence_time(0.1, x, t_x) - t_x
    return last + timedelta(days=math.ceil(max(pause, SHORTEST_PAUSES["at_risk"])))


def prediction(customer, row, rhythm, ledger: Ledger, as_of: date, settings: Settings) -> dict:
    days, model = row["days"], rhythm.model
    chances = {
        "prediction_state": None,
        "p_order_30d": None,
        "p_order_60d": None,
        "p_order_90d": None,
        "expected_orders_365d": None,
        "next_order_from": None,
        "next_order_to": None,
    }
    if not days:
        return chances
    if not model:
        return chances | {"prediction_state": "insufficient"}
    waiting = waiting_orders(customer, days[-1], ledger, as_of, settings)
    seen = (
        len(row["gaps"]) + bool(waiting),
        (max(waiting, default=days[-1]) - days[0]).days,
        (as_of - days[0]).days,
    )
    chances["prediction_state"] = model.state
    for horizon in (30, 60, 90):
        chances[f"p_order_{horizon}d"] = model.p_order(horizon, *seen)
    chances["expected_orders_365d"] = model.expected_orders(365, *seen)
    for name, chance in (("next_order_from", 0.25), ("next_order_to", 0.75)):
        time = model.order_time(chance, *seen)
        if time is not None and time < 730:
            chances[name] = as_of + timedelta(days=math.ceil(time))
    return chances


# --------------------------------------------------------------------------- RFM


def percentile(values: list, share: float):
    """The smallest value that at least this share of the values does not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def cut_points(rows: dict, all_facts: list[Fact], cut_on: date) -> dict[str, list]:
    population = []
    buyers = [row for row in rows.values() if row["days"] and row["days"][0] <= cut_on]
    for customer, row in rows.items():
        days = [day for day in row["days"] if day <= cut_on]
        booked = [
            fact.amount for fact in all_facts if fact.customer == customer and fact.day <= cut_on
        ]
        if days and booked:
            population.append(((cut_on - days[-1]).days, len(days), sum(booked)))
    shares = rfm.quantiles_for(len(buyers))
    return {
        measure: [percentile([customer[number] for customer in population], q) for q in shares]
        for number, measure in enumerate(("recency", "frequency", "money"))
    }


def score(rows: dict, all_facts: list[Fact], as_of: date):
    cuts = cut_points(rows, all_facts, rfm.cut_date(as_of))
    if len(cuts["recency"]) < len(rfm.QUINTILES):
        cuts = cut_points(rows, all_facts, as_of)
    for row in rows.values():
        recency = frequency = money = None
        if cuts["recency"] and row["days"]:
            recency = rfm.recency_score((as_of - row["days"][-1]).days, cuts["recency"])
            frequency = rfm.score(len(row["days"]), cuts["frequency"])
            money = rfm.score(row["revenue_total"], cuts["money"])
        row |= {
            "r_score": recency,
            "f_score": frequency,
            "m_score": money,
            "rfm_segment": rfm.segment(row["lifecycle_stage"], recency, frequency, money),
        }


# ---------------------------------------------------------------------- similar customers


def between(values: list[float], share: float) -> float:
    """The value below which a share of the values lies, between two of them where it falls so."""
    values = sorted(values)
    place = share * (len(values) - 1)
    low, high = values[math.floor(place)], values[math.ceil(place)]
    return low + (place - math.floor(place)) * (high - low)


def headroom(rows: dict, settings: Settings):
    """Nobody told what he spends: who bought is compared with the buyers of his quarter, or with
    all. Industry, size and country are not known."""
    own = {
        number: float(row["revenue_12m"] or 0) if row["days"] else None
        for number, row in rows.items()
    }
    buyers = {number: revenue for number, revenue in own.items() if revenue and revenue > 0}
    cuts = [between(list(buyers.values()), share) for share in (0.25, 0.5, 0.75)] if buyers else []
    quarter = {
        number: sum(revenue > cut for cut in cuts)
        for number, revenue in own.items()
        if revenue is not None
    }
    for number, row in rows.items():
        row |= dict.fromkeys(("peer_count", "wallet_source", *POSSIBLE))
        if own[number] is None:
            continue
        same = {peer for peer in buyers if quarter[peer] == quarter[number]}
        for group in (same, set(buyers)):
            if len(group - {number}) >= LEAST_PEERS:
                row |= {"peer_count": len(group - {number}), "wallet_source": "peers"}
                for name, share in POSSIBLE.items():
                    possible = between([buyers[peer] for peer in group], share)
                    row[name] = max(0, possible - max(own[number], 0))
                break
