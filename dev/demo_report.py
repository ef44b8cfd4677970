"""Run by ``make demo`` in ``odoo shell``: refreshes the customers, prints what was found."""

from collections import Counter, defaultdict
from datetime import timedelta

from odoo import fields

env = globals()["env"]  # odoo shell's
Profile = env["crm.customer.profile"]
today = fields.Date.context_today(Profile)

if not Profile.search_count([], limit=1):
    # A past without a record: the later refreshes then find transitions, and a history.
    for days in range(180, 0, -30):
        Profile.refresh(as_of=today - timedelta(days=days))
Profile.refresh()
while env["crm.customer.event.queue"]._deliver_batch():
    pass
env.cr.commit()

labels = dict(Profile._fields["lifecycle_stage"]._description_selection(env))
counts = dict(Profile._read_group([], ["lifecycle_stage"], ["__count"]))
print(f"\nCustomers as of {today}: {sum(counts.values())}")
for stage in [*labels, False]:
    if stage in counts:
        print(f"  {labels.get(stage, 'Not known'):<20}{counts[stage]:>6}")
for title, flag in (
    ("At risk", "retention_flag"),
    ("Win-back", "winback_flag"),
    ("Loss makers", "loss_maker_flag"),
):
    print(f"{title:<22}{Profile.search_count([(flag, '=', True)]):>6}")

print(f"Collect first         {Profile.search_count([('collect_first', '=', True)]):>6}")
print("Tiers")
tiers = Counter()  # each company has its own of the same names
for tier, count in Profile._read_group([("tier_id", "!=", False)], ["tier_id"], ["__count"]):
    tiers[tier.name] += count
for name, count in tiers.items():
    print(f"  {name:<20}{count:>6}")
print(f"Changed in 30 days    {env['crm.customer.event'].search_count([]):>6} events")

at_stake = defaultdict(float)
for currency, amount in Profile._read_group(
    [("lifecycle_stage", "in", ("at_risk", "lost"))], ["currency_id"], ["revenue_12m:sum"]
):
    at_stake[currency] += amount
for currency, amount in at_stake.items():
    amount = currency.format(amount)
    print(f"Value at stake: {amount} (revenue of 12 months, customers at risk or lost)")
