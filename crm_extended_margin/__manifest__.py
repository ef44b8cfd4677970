{
    "name": "Customer Intelligence: Margins",
    "summary": "Margin, contribution and loss makers from the costs frozen on sales orders",
    "version": "19.0.1.0.0",
    "category": "Sales/CRM",
    "author": "The crm_extended contributors",
    "license": "LGPL-3",
    "depends": ["crm_extended", "sale_margin"],
    "data": ["views/res_config_settings_views.xml"],
    "demo": ["demo/crm_extended_margin_demo.xml"],
    "auto_install": True,
    "post_init_hook": "post_init_hook",
}
