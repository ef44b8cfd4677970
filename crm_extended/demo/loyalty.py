"""What a company has decided about its customers: a price index, a locked tier."""

from dateutil.relativedelta import relativedelta

from .world import World

MONTHS = 60
YEARLY = 0.06


def make_loyalty(world: World):
    """Prices that rise a little every month, and a customer whose tier somebody decided on."""
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
