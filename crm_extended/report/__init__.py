from . import crm_acquisition_report, crm_customer_fact, crm_customer_fact_price
from . import (
    crm_customer_fact,
    crm_customer_fact_price,
    crm_lead_report,
    crm_funnel_stage,
    crm_activity_delay,
    crm_deal_result,
)
