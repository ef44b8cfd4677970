"""What a company lets follow by itself: some of the playbooks that are shipped, switched on."""

from .world import World

RUNNING = ("at_risk", "win_back", "new", "collect_first", "second_order")


def make_playbooks(world: World):
    """The refresh that follows takes those who are in the state already. They belong to the main
    company."""
    for name in RUNNING:
        playbook = world.env.ref(f"crm_extended.crm_playbook_{name}", raise_if_not_found=False)
        if playbook and playbook.company_id == world.company and playbook.active:
            playbook.action_switch_on()
            playbook.write({"includes_existing": True, "nightly_limit": 15})
