"""What some customers have told of what they spend, and with whom."""

from dateutil.relativedelta import relativedelta

from odoo import Command

from .world import World

# every so many buyers told an amount, so many times what they buy from us, so many days ago
DECLARED = (
    (6, 1.3, 30, "Their buyer, on the phone"),
    (10, 2.5, 110, "The owner, at the trade fair"),
    (14, 4.0, 250, "From their tender"),
    (22, 2.0, 420, "Told at the visit last year"),
)
# or which place we have among their suppliers
RANKED = ((9, 2, 3, 60), (13, 1, 2, 20), (19, 3, 5, 140))
COMPETITORS = ("Northgate Parts", "Bolt & Sons")


def make_wallets(world: World):
    """Amounts and places, some of them expired, with the shares of others."""
    values = []
    for every, factor, age, note in DECLARED:
        sales = _sales(world, age)
        for partner in _some(world, sales, every, 1):
            values.append(
                _said(world, partner, age, note)
                | {
                    "source": "declared",
                    "amount": float(f"{sales[partner] * factor:.2g}") + 1,
                    "competitor_ids": [
                        Command.create(
                            {
                                "name": COMPETITORS[every % 2],
                                "share": round((1 - 1 / factor) * 0.6, 2),
                                "source": note,
                            }
                        )
                    ],
                }
            )
    for every, rank, suppliers, age in RANKED:
        sales = _sales(world, age)
        for partner in _some(world, sales, every, 2):
            values.append(
                _said(world, partner, age, None)
                | {"source": "rank", "rank": rank, "supplier_count": suppliers}
            )
    world.env["crm.customer.wallet"].create(values)


def _sales(world: World, age: int) -> dict:
    """Net sales of the 12 months up to so many days ago, of those who bought for something."""
    until = world.today - relativedelta(days=age)
    groups = world.env["crm.customer.fact"]._read_group(
        [
            ("company_id", "=", world.company.id),
            ("date", ">", until - relativedelta(months=12)),
            ("date", "<=", until),
        ],
        ["partner_id"],
        ["amount:sum"],
    )
    return {partner: amount for partner, amount in groups if amount > 0}


def _some(world: World, sales: dict, every: int, first: int) -> list:
    buyers = [
        world.partners[number]
        for number in sorted(world.partners)
        if world.partners[number] in sales and not world.partners[number].profiling_optout
    ]
    return buyers[first::every]


def _said(world: World, partner, age: int, note: str | None) -> dict:
    return {
        "partner_id": partner.id,
        "company_id": world.company.id,
        "currency_id": world.company.currency_id.id,
        "date": world.today - relativedelta(days=age),
        "user_id": partner.user_id.id or world.env.uid,
        "note": note,
    }
