from importlib.util import find_spec

from . import (
    test_actions,
    test_bad_settings,
    test_demo,
    test_exclusion,
    test_explanation,
    test_facts,
    test_growth,
    test_installation,
    test_lead_bands,
    test_lifecycle,
    test_needs,
    test_noninterference,
    test_opportunity_kind,
    test_partner_changes,
    test_partner_fields,
    test_partner_search,
    test_query_counts,
    test_readiness,
    test_reason,
    test_refresh,
    test_refresh_concurrency,
    test_retention,
    test_rfm,
    test_rights,
    test_rights_rpc,
    test_segments,
    test_settings,
    test_tours,
    test_translations,
    test_unknown_is_not_zero,
    test_value,
    test_wallet,
    test_winback,
    test_winback_tours,
)

# a server without the test tools runs the rest
if find_spec("hypothesis"):
    from . import test_ledger
