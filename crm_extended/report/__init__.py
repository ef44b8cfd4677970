from . import (
    crm_acquisition_report,
    crm_activity_delay,
    crm_customer_fact,
    crm_customer_fact_price,
    crm_lead_report,
    crm_deal_result,
    crm_funnel_stage,
)
