{
    "name": "Customer Intelligence",
    "summary": "Who your best customers are, who is slipping away and by when, whom to win back",
    # without it Odoo takes README.md for one, and reads Markdown as reStructuredText
    "description": "Customer intelligence from orders and invoices. See README.md.",
    "version": "19.0.1.0.0",
    "category": "Sales/CRM",
    "author": "The crm_extended contributors",
    "license": "LGPL-3",
    "depends": ["sale_crm"],
    "data": [
        "security/crm_extended_groups.xml",
        "security/ir.model.access.csv",
        "security/crm_extended_rules.xml",
        "data/ir_cron_data.xml",
        "views/crm_model_run_views.xml",
        "views/crm_customer_exclusion_views.xml",
        "views/crm_customer_fact_views.xml",
        "views/crm_customer_profile_views.xml",
        "views/res_partner_views.xml",
        "views/crm_lead_views.xml",
        "views/res_config_settings_views.xml",
        "views/crm_extended_menus.xml",
        "data/ir_filters_data.xml",
    ],
    "demo": [
        "demo/crm_extended_demo.xml",
    ],
    "assets": {
        "web.assets_backend": [
            "crm_extended/static/src/**/*",
        ],
        "web.assets_tests": [
            "crm_extended/static/tests/tours/**/*",
        ],
    },
    "application": True,
    "uninstall_hook": "uninstall_hook",
}
