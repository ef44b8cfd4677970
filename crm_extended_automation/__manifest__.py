{
    "name": "Customer Intelligence: Automation Rules",
    "summary": "Example automation rules on the stages of customers",
    "version": "19.0.1.0.0",
    "category": "Sales/CRM",
    "author": "The crm_extended contributors",
    "license": "LGPL-3",
    "depends": ["crm_extended", "base_automation"],
    "data": ["data/base_automation_data.xml"],
    "auto_install": True,
}
