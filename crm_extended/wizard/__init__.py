from . import (
    base_partner_merge,
    crm_customer_migration,
    crm_customer_need_note,
    crm_customer_reassign,
    crm_customer_segment_add,
    crm_customer_what_if,
    crm_lead_scoring_check,
    crm_loyalty_dry_run,
    crm_playbook_sample_size,
    crm_price_index_currency,
    crm_price_index_own,
    crm_winback_note,
)
