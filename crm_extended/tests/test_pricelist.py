from odoo.tests import tagged

from .common import CustomerCase


@tagged("post_install", "-at_install")
class TestTierPricelist(CustomerCase):
    """The price list of a tier applies without being written anywhere."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.config.settings"].create({"group_product_pricelist": True}).execute()
        cls.bronze, cls.silver, cls.gold = cls.set_tiers(
            0, 500, 1000, measure="revenue", guarantee=0
        )
        pricelists = cls.env["product.pricelist"].with_context(allowed_company_ids=cls.company.ids)
        cls.own, cls.of_gold, cls.default = (
            pricelists.create({"name": name, "company_id": cls.company.id, "sequence": number})
            for number, name in ((30, "Own"), (20, "Gold"), (1, "Default"))
        )
        cls.gold.pricelist_id = cls.of_gold
        cls.customer = cls.make_customer()
        cls.contact = cls.make_contact(cls.customer)
        cls.make_invoice(cls.customer, 10, 1000)
        cls.refresh()

    def pricelist(self, partner=None):
        self.env.invalidate_all()
        return (partner or self.customer).property_product_pricelist

    def test_list_of_the_tier_applies_to_the_customer_and_his_contacts(self):
        self.assertEqual(self.pricelist(), self.of_gold)
        self.assertEqual(self.pricelist(self.contact), self.of_gold)
        self.assertFalse(self.customer.specific_property_product_pricelist)
        self.assertEqual(self.customer.pricelist_origin, "From the tier Gold")

    def test_own_list_comes_first(self):
        self.customer.property_product_pricelist = self.own
        self.assertEqual(self.pricelist(), self.own)
        self.assertEqual(self.customer.pricelist_origin, "Chosen for this contact")

    def test_choosing_the_list_of_the_tier_stores_nothing(self):
        self.customer.property_product_pricelist = self.own
        self.customer.property_product_pricelist = self.of_gold
        self.assertFalse(self.customer.specific_property_product_pricelist)
        self.assertEqual(self.pricelist(), self.of_gold)

    def test_choosing_the_default_list_takes_the_tiers_away(self):
        self.customer.property_product_pricelist = self.default
        self.assertEqual(self.pricelist(), self.default)

    def test_with_the_tier_goes_its_list_and_quotations_keep_theirs(self):
        quotation = self.make_order(self.customer, confirm=False)
        self.assertEqual(quotation.pricelist_id, self.of_gold)
        self.refresh(self.ago(-400))
        self.assertEqual(self.row(self.customer).tier_id, self.silver)
        self.assertEqual(self.pricelist(), self.default)
        quotation.invalidate_recordset()
        self.assertEqual(quotation.pricelist_id, self.of_gold)

    def test_archived_list_applies_to_nobody(self):
        self.of_gold.active = False
        self.assertEqual(self.pricelist(), self.default)

    def test_list_of_an_archived_tier_applies_to_nobody(self):
        self.gold.active = False
        partners = self.customer.with_context(active_test=False)
        self.assertEqual(self.pricelist(partners), self.default)
        self.assertEqual(self.pricelist(), self.default)

    def test_price_does_not_depend_on_what_the_user_may_see(self):
        self.customer.user_id = self.make_user("salesperson")
        stranger = self.make_user("salesperson")
        partner = self.as_user(self.customer, stranger)
        self.assertEqual(partner.property_product_pricelist.id, self.of_gold.id)
        for role in ("portal", "public"):
            user = self.make_user(role)
            found = self.as_user("product.pricelist", user).sudo()
            found = found._get_partner_pricelist_multi(self.customer.ids)
            self.assertEqual(found[self.customer.id], self.of_gold, role)

    def test_quotation_shows_the_tier(self):
        quotation = self.make_order(self.customer, confirm=False)
        salesperson = self.make_user("salesperson_all")
        self.assertEqual(self.as_user(quotation, salesperson).loyalty_tier_id.id, self.gold.id)
