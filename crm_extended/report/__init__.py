from . import crm_acquisition_report, crm_customer_fact, crm_customer_fact_price
