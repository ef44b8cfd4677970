"""Where the demo's customers came from, what it cost, and groups of potential ones."""

from dateutil.relativedelta import relativedelta

from .world import World

# source, medium, cost of a month
CHANNELS = (
    ("Trade fair", "Stand", 900),
    ("Search engine", "Website", 350),
    ("Newsletter", "Email", 60),
    ("Recommendation", None, None),
)
COST_MONTHS = 18
SEGMENTS = (
    (
        "Companies from the fair",
        "Met in person: call within a week, offer a first order on trial.",
        "[('source_id.name', '=', 'Trade fair'), ('partner_name', '!=', False)]",
    ),
    (
        "Asked on the website",
        "Compare prices: send the offer the same day.",
        "[('source_id.name', 'in', ['Search engine', 'Newsletter'])]",
    ),
    (
        "Recommended",
        "Name who recommended us, and thank him.",
        "[('source_id.name', '=', 'Recommendation')]",
    ),
)


def make_acquisition(world: World):
    env = world.env
    channels = [
        (_named(env["utm.source"], source), _named(env["utm.medium"], medium), cost)
        for source, medium, cost in CHANNELS
    ]
    # somebody who sees the leads of the company reads the rules
    owner = world.users["admin"]
    env["crm.prospect.segment"].create(
        [
            {
                "name": name,
                "description": description,
                "domain": domain,
                "company_id": world.company.id,
                "user_id": owner.id,
            }
            for name, description, domain in SEGMENTS
            if owner
        ]
    )
    _make_leads(world, channels)
    first = world.today.replace(day=1)
    env["crm.acquisition.cost"].create(
        [
            {
                "company_id": world.company.id,
                "month": first - relativedelta(months=months),
                "source_id": source.id,
                "amount": float(world.unit) * cost,
            }
            for source, _medium, cost in channels
            if cost
            for months in range(COST_MONTHS)
        ]
    )


def _named(records, name):
    return records.search([("name", "=", name)], limit=1) or (
        records.create({"name": name}) if name else records
    )


def _make_leads(world: World, channels):
    """Of every third customer the lead that he came through; as many that were lost, and open ones
    of who is no contact yet."""
    values, ages = [], []
    buyers = [customer for customer in world.plan.customers if customer.ages]
    for place, customer in enumerate(buyers[::3]):
        source, medium, _cost = channels[place % 7 % len(channels)]
        shared = {
            "type": "opportunity",
            "company_id": world.company.id,
            "team_id": world.team.id,
            "user_id": world.user(customer).id,
            "source_id": source.id,
            "medium_id": medium.id,
        }
        partner = world.partners[customer.number]
        won = {"name": "First order", "partner_id": partner.id}
        lost = {"name": "Asked for prices", "partner_name": f"Prospect {place + 1}"}
        for own, age in ((won, customer.ages[0] + 6), (lost, customer.ages[0] + 2)):
            values.append(shared | own)
            ages.append(age)
        if place % 6 == 0:
            values.append(shared | lost | {"country_id": partner.country_id.id})
            ages.append(place % 30)
    leads = world.env["crm.lead"].create(values)
    for lead, age in zip(leads, ages, strict=True):
        lead._write({"create_date": world.moment(age)})
    won = leads.filtered("partner_id")
    won.action_set_won()
    lost = leads.filtered(lambda lead: not lead.partner_id and not lead.country_id)
    lost.action_set_lost()
    for lead, age in zip(leads, ages, strict=True):
        if lead in won | lost:
            lead.date_closed = world.moment(max(age - 2, 0))
