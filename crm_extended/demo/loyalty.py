"""What a company has decided about its customers: a price index, a locked tier, what its tiers
give; and what some customers have said matters to them."""

from dateutil.relativedelta import relativedelta

from .world import World

MONTHS = 60
YEARLY = 0.06
# place of the tier from the lowest up: what we give, and the need that it answers
BENEFITS = (
    (0, "Delivery twice a week", "delivery"),
    (0, "Answers from a person, the same day", None),
    (1, "15 days of credit", "credit"),
    (1, "Delivery within two days", "delivery"),
    (1, "Price promise for a quarter", "price"),
    (1, "A salesperson of their own", None),
    (2, "45 days of credit", "credit"),
    (2, "Delivery on the next morning, free of charge", "delivery"),
    (2, "Yearly rebate of 3 %", "price"),
    (2, "Stock kept for them", "stock"),
    (2, "New products four weeks before the others", "exclusivity"),
    (2, "Direct line to the management", None),
)
# every so many customers said so, so many days ago
SAID = (
    (7, "price", 12, "call", "Compares us with two others at every order"),
    (9, "credit", 40, "meeting", "His own customers pay after 60 days"),
    (11, "delivery", 5, "call", "Lost two jobs because goods came late"),
    (17, "stock", 90, "email", None),
    (23, "exclusivity", 150, "observed", None),
)


def make_loyalty(world: World):
    """Prices that rise a little every month, a customer whose tier somebody decided on, benefits
    and needs."""
    _make_benefits(world)
    _make_needs(world)
    env, company = world.env, world.company
    first = world.today.replace(day=1) - relativedelta(months=MONTHS - 1)
    env["crm.price.index"].create(
        [
            {
                "company_id": company.id,
                "month": first + relativedelta(months=number),
                "index": round(100 * (1 + YEARLY) ** (number / 12), 2),
            }
            for number in range(MONTHS)
        ]
    )
    silver = company._loyalty_tiers()[1:2]
    customer = world.partners[min(world.partners)]
    if silver:
        env["crm.loyalty.tier.lock"].create(
            {
                "partner_id": customer.id,
                "company_id": company.id,
                "tier_id": silver.id,
                "reason": "Opened the branch in the north with us; agreed until next summer",
                "date_from": world.today - relativedelta(months=2),
                "date_until": world.today + relativedelta(months=8),
            }
        )


def _need(env, name):
    return env.ref(f"crm_extended.crm_need_{name}", raise_if_not_found=False)


def _make_benefits(world: World):
    tiers = world.company._loyalty_tiers()
    world.env["crm.loyalty.benefit"].create(
        [
            {
                "tier_id": tiers[place].id,
                "name": text,
                "need_id": need and (_need(world.env, need) or world.env["crm.need"]).id,
                "sequence": number,
            }
            for number, (place, text, need) in enumerate(BENEFITS)
            if place < len(tiers)
        ]
    )


def _make_needs(world: World):
    customers = [
        world.partners[number]
        for number in sorted(world.partners)
        if not world.partners[number].profiling_optout
    ]
    world.env["crm.customer.need"].create(
        [
            {
                "partner_id": customer.id,
                "company_id": world.company.id,
                "need_id": _need(world.env, name).id,
                "date": world.today - relativedelta(days=age + number % 30),
                "source": source,
                "note": note,
                "user_id": customer.user_id.id or world.env.uid,
            }
            for every, name, age, source, note in SAID
            if _need(world.env, name)
            for number, customer in enumerate(customers)
            if number % every == 1
        ]
    )
