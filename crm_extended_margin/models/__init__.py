from . import crm_customer_profile, ir_demo, res_company, res_config_settings
