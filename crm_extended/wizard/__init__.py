from . import (
    base_partner_merge,
    crm_customer_migration,
    crm_customer_need_note,
    crm_customer_segment_add,
    crm_lead_scoring_check,
    crm_loyalty_dry_run,
    crm_price_index_currency,
    crm_price_index_own,
)
