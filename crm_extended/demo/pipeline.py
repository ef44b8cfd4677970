"""How opportunities went through the pipeline: moves, reasons, and what was done on time."""

from datetime import timedelta
from random import Random

from .contacts import CALL, LEAD_NAMES, MEETING

SEED = 7
CLOSED_OF = 4  # one closed opportunity per so many customers
# how often opportunities are won, by kind
CHANCES = {"new": 0.35, "cross_sell": 0.6, "up_sell": 0.55, "retention": 0.5, "win_back": 0.25}
RIVALS = ("Asia Tools", "Pars Supply", "Nordic Parts", None)
EARLY, LATE = -2, 9  # days of what is done, after the due date
SUMMARIES = ("Call about the offer", "Send the price list", "Ask for a decision", "Bring a sample")


def make_pipeline(world):
    rng = Random(SEED)
    _close_opportunities(world, rng)
    world.env.flush_all()
    world.env.invalidate_all()
    leads = world.env["crm.lead"].with_context(active_test=False)
    leads = leads.search([("company_id", "=", world.company.id), ("type", "=", "opportunity")])
    _track_moves(world, rng, leads)
    _give_reasons(world, rng, leads)
    _finish_activities(world, rng, leads)


def _close_opportunities(world, rng: Random):
    """Won and lost ones of the last year."""
    customers = [customer for customer in world.plan.customers if len(customer.ages) > 1]
    customers = rng.sample(customers, len(customers) // CLOSED_OF)
    stages = world.env["crm.stage"].search([("is_won", "=", False)])
    kinds = [rng.choice(list(CHANCES)) for _customer in customers]
    leads = world.env["crm.lead"].create(
        [
            {
                "name": rng.choice(LEAD_NAMES),
                "type": "opportunity",
                "partner_id": world.partners[customer.number].id,
                "user_id": world.user(customer).id,
                "team_id": world.team.id,
                "company_id": world.company.id,
                "stage_id": rng.choice(stages).id,
                "opportunity_kind": kind,
                "expected_revenue": float(world.unit) * 100 * round(customer.usual_value / 10),
            }
            for customer, kind in zip(customers, kinds, strict=True)
        ]
    )
    won = leads.filtered(lambda lead: rng.random() < CHANCES[lead.opportunity_kind])
    won.action_set_won()
    (leads - won).action_set_lost()
    for lead in leads:
        closed = rng.randint(3, 350)
        lead.date_closed = world.moment(closed, 15)
        lead._write({"create_date": world.moment(closed + rng.randint(6, 70))})


def _track_moves(world, rng: Random, leads):
    """As if each had gone through the stages before its own, the later the slower."""
    stages = world.env["crm.stage"].search([])
    field = world.env["ir.model.fields"]._get("crm.lead", "stage_id")
    moves = []
    for lead in leads:
        path = stages.filtered(lambda stage, lead=lead: stage.sequence <= lead.stage_id.sequence)
        end = lead.date_closed or world.moment(0)
        shares = sorted(rng.random() ** 0.7 for _stage in path[1:])
        moves += [
            (lead, before, after, lead.create_date + (end - lead.create_date) * share)
            for before, after, share in zip(path, path[1:], shares, strict=False)
        ]
    messages = world.env["mail.message"].create(
        [
            {
                "model": "crm.lead",
                "res_id": lead.id,
                "message_type": "notification",
                "subtype_id": world.env.ref("crm.mt_lead_stage").id,
                "author_id": (lead.user_id or world.env.user).partner_id.id,
                "date": moment,
            }
            for lead, _before, _after, moment in moves
        ]
    )
    values = world.env["mail.tracking.value"].create(
        [
            {
                "field_id": field.id,
                "mail_message_id": message.id,
                "old_value_integer": before.id,
                "old_value_char": before.name,
                "new_value_integer": after.id,
                "new_value_char": after.name,
            }
            for message, (_lead, before, after, _moment) in zip(messages, moves, strict=True)
        ]
    )
    for value, (_lead, _before, _after, moment) in zip(values, moves, strict=True):
        value._write({"create_date": moment})


def _give_reasons(world, rng: Random, leads):
    """Salespeople gave one for most."""
    lost, won = (world.env[f"crm.{kind}.reason"].search([]) for kind in ("lost", "won"))
    for lead in leads.filtered(lambda lead: lead.won_status != "pending"):
        if rng.random() < 0.2:
            continue
        if lead.won_status == "won":
            lead.won_reason_id = rng.choice(won)
        elif lost:
            lead.lost_reason_id = rng.choice(lost)
            lead.lost_to = rng.choice(RIVALS)


def _finish_activities(world, rng: Random, leads):
    """Most were done, some late, some put off before, a few are waiting."""
    kinds = [world.env.ref(f"mail.{kind}", raise_if_not_found=False) for kind in (CALL, MEETING)]
    kinds = [kind for kind in kinds if kind]
    model = world.env["ir.model"]._get_id("crm.lead")
    open_leads = leads.filtered(lambda lead: lead.active and lead.won_status == "pending")
    activities = world.env["mail.activity"].create(
        [
            {
                "res_model_id": model,
                "res_id": lead.id,
                "activity_type_id": rng.choice(kinds).id if kinds else False,
                "summary": rng.choice(SUMMARIES),
                "date_deadline": world.day(rng.randint(-6, 85)),
                "user_id": lead.user_id.id or world.env.uid,
            }
            for lead in open_leads
            for _number in range(2)
        ]
    )
    done = {activity: _done_on(world, rng, activity.date_deadline) for activity in activities}
    activities.filtered(done.get).action_archive()
    # what Odoo computes is written before the days are put back
    world.env.flush_all()
    for activity in activities:
        if done[activity]:
            activity._write({"date_done": done[activity]})
        if rng.random() < 0.3:
            planned = activity.date_deadline - timedelta(days=rng.randint(1, 12))
            activity._write({"date_planned": planned})
    world.env.invalidate_all()


def _done_on(world, rng: Random, due):
    """On the due day or around it; nothing for what still waits."""
    day = due + timedelta(days=rng.randint(EARLY, LATE) * rng.randint(0, 1))
    return day if day < world.today and rng.random() < 0.9 else None
