from importlib.util import find_spec

from . import (
    test_demo,
    test_letting_go,
    test_letting_go_tours,
    test_margin,
    test_offer_margin,
    test_playbook_margin,
)

if find_spec("hypothesis"):
    from . import test_margin_ledger, test_playbook_margin_ledger
