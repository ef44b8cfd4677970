from . import crm_customer_fact, crm_customer_fact_price
