from odoo import api, models


class IrDemo(models.TransientModel):
    """Demo data; what makes them is imported where they are wanted only."""

    _inherit = "ir.demo"

    @api.model
    def _load_customers(self):
        """Make the demo's customers in the current company, once."""
        if self.env.ref("crm_extended_demo.customer_loyal", raise_if_not_found=False):
            return
        from ..demo.load import load

        load(self.env, is_shown=True)

    @api.model
    def _complete_customers(self, company):
        """Other addons add what they know to the documents of the demo's products."""
