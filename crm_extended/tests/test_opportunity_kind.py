from odoo.tests import Form, tagged

from .common import SeveralCustomersCase


@tagged("post_install", "-at_install")
class TestOpportunityKind(SeveralCustomersCase):
    """What kind of business an opportunity is."""

    def from_button(self, customer, user=None):
        """The opportunity that the button on the customer makes, as the user saves it."""
        row = self.as_user(self.row(customer), user or self.make_user("salesperson_all"))
        action = row.action_new_opportunity()
        self.assertEqual(action["res_model"], "crm.lead")
        with Form(row.env["crm.lead"].with_context(**action["context"])) as form:
            form.name = "Opportunity"
        return form.record

    def test_an_opportunity_made_from_a_customer_is_of_the_kind_of_his_stage(self):
        user = self.make_user("salesperson_all")
        kinds = {
            self.prospect: "new",
            self.at_risk: "retention",
            self.lost: "win_back",
            self.loyal: False,
            self.shared: False,
        }
        for customer, kind in kinds.items():
            lead = self.from_button(customer, user)
            self.assertEqual((lead.partner_id, lead.opportunity_kind), (customer, kind))

    def test_the_kind_may_be_changed_and_left_empty(self):
        lead = self.from_button(self.at_risk)
        lead.opportunity_kind = "cross_sell"
        lead.opportunity_kind = False
        self.assertFalse(lead.opportunity_kind)
        self.assertFalse(self.make_lead(self.at_risk).opportunity_kind)

    def test_the_kind_stays_when_a_lead_is_converted(self):
        lead = self.make_lead(self.lost, type="lead", opportunity_kind="win_back")
        lead.convert_opportunity(self.lost)
        self.assertEqual((lead.type, lead.opportunity_kind), ("opportunity", "win_back"))

    def test_merged_opportunities_keep_the_kind_of_the_first_that_has_one(self):
        first = self.make_lead(self.lost, probability=80)
        second = self.make_lead(self.lost, probability=10, opportunity_kind="win_back")
        merged = (first | second).merge_opportunity()
        self.assertEqual(merged.opportunity_kind, "win_back")
        third = self.make_lead(self.lost, probability=1, opportunity_kind="new")
        self.assertEqual((merged | third).merge_opportunity().opportunity_kind, "win_back")

    def test_a_refresh_leaves_the_kind_alone(self):
        lead = self.make_lead(self.lost, opportunity_kind="new")
        self.refresh()
        lead.invalidate_recordset()
        self.assertEqual(lead.opportunity_kind, "new")

    def test_opportunities_are_filtered_and_grouped_by_kind(self):
        leads = self.make_lead(opportunity_kind="new") | self.make_lead(opportunity_kind="up_sell")
        leads |= self.make_lead()
        groups = self.env["crm.lead"]._read_group(
            [("id", "in", leads.ids)], ["opportunity_kind"], ["__count"]
        )
        self.assertEqual(dict(groups), {"new": 1, "up_sell": 1, False: 1})
        arch = self.env["crm.lead"].get_view(
            self.env.ref("crm.view_crm_case_opportunities_filter").id, "search"
        )["arch"]
        self.assertIn("group_opportunity_kind", arch)
        for kind in ("new", "cross_sell", "up_sell", "retention", "win_back"):
            self.assertIn(f"kind_{kind}", arch)
