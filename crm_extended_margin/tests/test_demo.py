from odoo.tests import TransactionCase, tagged

from odoo.addons.crm_extended.demo.load import load
from odoo.addons.crm_extended.demo.stories import LOSS_MAKERS


@tagged("post_install", "-at_install")
class TestDemoCosts(TransactionCase):
    def test_the_demo_s_loss_makers_are_those_of_its_stories(self):
        company = self.env["res.company"].create({"name": "Demo Test"})
        world = load(self.env, company, size=40, walk_ins=20)
        profiles = self.env["crm.customer.profile"].with_company(company)
        profiles.refresh(companies=company)
        flagged = profiles.search(
            [("company_id", "=", company.id), ("loss_maker_flag", "=", True)]
        ).partner_id
        meant = [
            world.partners[customer.number].id
            for customer in world.plan.customers
            if customer.story.key in LOSS_MAKERS
        ]
        self.assertEqual(sorted(flagged.ids), sorted(meant))
