from odoo import Command
from odoo.tests import tagged

from .test_margin import MarginCase


@tagged("post_install", "-at_install")
class TestOfferMargin(MarginCase):
    """Offers are ranked by what they bring, where costs are recorded."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # 100 for 95; 40 for 10; 60 for 90
        cls.dear, cls.fat, cls.loss = (
            cls.make_product(name, standard_price=cost)
            for name, cost in (("Dear", 95), ("Fat", 10), ("Loss", 90))
        )
        prices = {cls.product: 100, cls.dear: 100, cls.fat: 40, cls.loss: 60}
        for number in range(12):
            cls.buy(cls.make_customer(f"Other {number}"), prices)
        cls.buy(cls.customer, {cls.product: 100})
        cls.refresh()

    @classmethod
    def buy(cls, customer, prices):
        order = cls.make_order(
            customer,
            20,
            order_line=[
                Command.create(
                    {
                        "product_id": product.id,
                        "product_uom_qty": 1,
                        "price_unit": price,
                        "tax_ids": [Command.clear()],
                    }
                )
                for product, price in prices.items()
            ],
        )
        cls.invoice_order(order, 20)

    def test_margin_goes_before_amount_and_what_loses_money_is_not_offered(self):
        offers = self.env["crm.customer.recommendation"].search(
            [("partner_id", "=", self.customer.id), ("company_id", "=", self.company.id)],
            order="rank",
        )
        self.assertEqual(offers.product_id.mapped("name"), ["Fat", "Dear"])
        self.assertEqual(offers.mapped("usual_margin"), [30, 5])
