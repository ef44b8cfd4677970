"""Calls, e-mails, meetings and opportunities: who spoke with whom, and when."""

from datetime import timedelta

from .rows import copy_rows, new_ids
from .sales import Customer

CALL, MEETING, EMAIL = "mail_activity_data_call", "mail_activity_data_meeting", "email"
BODIES = {
    CALL: (
        "Asked how the last delivery went: all well.",
        "Wants a price for the coming quarter.",
        "Nobody answered; tried again and reached the workshop.",
        "Asked about delivery times.",
        "Compares our filters with those of another supplier.",
    ),
    MEETING: (
        "Went through the year's needs.",
        "Showed the new tools; interested in a sample.",
        "Walked through the workshop with the store keeper.",
    ),
    EMAIL: (
        "Please send us your current price list.",
        "Thank you, everything arrived.",
        "Can you deliver before the end of the week?",
    ),
}
KINDS, KIND_WEIGHTS = (CALL, EMAIL, MEETING), (55, 33, 12)
# contacted in the last days although, or because, they are silent
LATELY_CONTACTED = 4
LEAD_NAMES = ("Yearly supply of oil", "Tools for a new workshop", "Filters for the fleet")


def make_contacts(world):
    _make_messages(world)
    _make_meetings(world)
    _make_opportunities(world)
    _plan_activities(world)


def _contact_ages(world, customer: Customer) -> list[int]:
    """Every few months while he bought; silent customers were mostly left alone."""
    rng = world.rng
    if not customer.ages or customer.number not in world.partners:
        return [rng.randint(3, 45)]
    step = rng.randint(60, 130)
    last = max(customer.ages[-1] - rng.randint(0, 20), 2)
    ages = list(range(last + rng.randint(0, step), customer.ages[0] + 20, step))
    if customer.story.stages[:1] in (("at_risk",), ("lost",)):
        return [*ages, 5] if customer.number % LATELY_CONTACTED == 0 else ages
    return ages


def _make_messages(world):
    """Done activities and e-mails in the contacts' history."""
    env = world.env
    partner = world.partners[0]
    comment, done = env.ref("mail.mt_comment"), env.ref("mail.mt_activities")
    types = {kind: env.ref(f"mail.{kind}", raise_if_not_found=False) for kind in (CALL, MEETING)}
    message = {"model": "res.partner", "res_id": partner.id, "author_id": partner.id}
    models = {
        EMAIL: env["mail.message"].create(
            {**message, "message_type": "email", "subtype_id": comment.id}
        )
    } | {
        kind: env["mail.message"].create(
            {
                **message,
                "message_type": "notification",
                "subtype_id": done.id,
                "mail_activity_type_id": activity_type.id,
            }
        )
        for kind, activity_type in types.items()
        if activity_type
    }
    env.flush_all()
    rows = {kind: [] for kind in models}
    for customer in world.plan.customers:
        for age in _contact_ages(world, customer):
            kind = world.rng.choices(KINDS, KIND_WEIGHTS)[0]
            if kind in models and customer.story.key != "walk_in":
                rows[kind].append(_message_row(world, customer, kind, age))
    for kind, model in models.items():
        for row, number in zip(
            rows[kind], new_ids(env.cr, "mail_message", len(rows[kind])), strict=True
        ):
            row.update(id=number, message_id=f"<demo-{number}@kala.example>")
        copy_rows(model, rows[kind])
    for model in models.values():
        model.unlink()


def _message_row(world, customer: Customer, kind: str, age: int) -> dict:
    partner = world.partners[customer.number]
    seller = world.user(customer).partner_id or world.env.user.partner_id
    author = partner if kind == EMAIL else seller
    moment = world.moment(age, world.rng.randint(9, 16))
    return {
        "res_id": partner.id,
        "author_id": author.id,
        "email_from": author.email_formatted,
        "reply_to": author.email_formatted,
        "date": moment,
        "create_date": moment,
        "body": f"<p>{world.rng.choice(BODIES[kind])}</p>",
    }


def _make_meetings(world):
    """Visits in the calendar, most with those who buy much."""
    customers = sorted(
        (customer for customer in world.plan.customers if customer.ages and customer.salesperson),
        key=lambda customer: -customer.usual_value,
    )
    values = []
    for customer in customers[: 5 + len(customers) // 20]:
        partner, user = world.partners[customer.number], world.user(customer)
        for age in (world.rng.randint(20, 150), world.rng.randint(200, 380)):
            start = world.moment(age, 14)
            values.append(
                {
                    "name": f"Visit: {partner.name}",
                    "start": start,
                    "stop": start + timedelta(hours=1),
                    "user_id": user.id or world.env.uid,
                    "partner_ids": [(6, 0, (partner | user.partner_id).ids)],
                }
            )
    world.env["calendar.event"].create(values)


def _make_opportunities(world):
    """Open ones for prospects and some customers; won and lost ones of the past."""
    env, rng = world.env, world.rng
    stages = env["crm.stage"].search([("is_won", "=", False)])
    open_ones, closed = [], []
    for customer in world.plan.customers:
        if customer.story.key == "prospect":
            open_ones.append((customer, rng.randint(4, 75)))
        elif customer.story.key.startswith("loyal") and customer.number % 9 == 0:
            open_ones.append((customer, rng.randint(4, 40)))
        elif customer.ages and customer.number % 14 == 3:
            closed.append((customer, customer.ages[0] + rng.randint(5, 30)))
    leads = env["crm.lead"].create(
        [
            {
                "name": rng.choice(LEAD_NAMES),
                "type": "opportunity",
                "partner_id": world.partners[customer.number].id,
                "user_id": world.user(customer).id,
                "team_id": world.team.id,
                "company_id": world.company.id,
                "stage_id": rng.choice(stages).id,
                "expected_revenue": float(world.unit) * 100 * round(customer.usual_value / 10),
            }
            for customer, _age in open_ones + closed
        ]
    )
    for lead, (_customer, age) in zip(leads, open_ones + closed, strict=True):
        lead._write({"create_date": world.moment(age)})
    won = leads[len(open_ones) :: 2]
    won.action_set_won()
    (leads[len(open_ones) :] - won).action_set_lost()
    for lead, (_customer, age) in zip(leads[len(open_ones) :], closed, strict=True):
        lead.date_closed = world.moment(age - 3)


def _plan_activities(world):
    """Calls to make in the coming days."""
    activity_type = world.env.ref(f"mail.{CALL}", raise_if_not_found=False)
    model = world.env["ir.model"]._get_id("res.partner")
    world.env["mail.activity"].create(
        [
            {
                "res_model_id": model,
                "res_id": world.partners[customer.number].id,
                "activity_type_id": activity_type.id if activity_type else False,
                "summary": "Ask why he is silent",
                "date_deadline": world.day(customer.number % 7 - 3),
                "user_id": world.user(customer).id or world.env.uid,
            }
            for customer in world.plan.customers
            if customer.story.stages == ("at_risk",) and customer.number % 5 == 0
        ]
    )
