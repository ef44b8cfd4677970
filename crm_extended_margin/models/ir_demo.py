from odoo import api, models


class IrDemo(models.TransientModel):
    _inherit = "ir.demo"

    @api.model
    def _load_customer_costs(self):
        """For the demo's customers that were made before Margins was installed."""
        self._complete_customers(self.env.company)

    @api.model
    def _complete_customers(self, company):
        from ..demo.costs import freeze_costs

        freeze_costs(self.env, company)
        return super()._complete_customers(company)
