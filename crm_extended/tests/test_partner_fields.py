from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common import SeveralCustomersCase

NUMBERS = ("integer", "float", "monetary")
# computed on the row: in the reader's language and rights, or by the clock
COMPUTED = ("reason", "is_stale")


@tagged("post_install", "-at_install")
class TestPartnerFields(SeveralCustomersCase):
    """A contact shows the row of his customer."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partners = cls.env["res.partner"]
        cls.figures = [
            name for name in cls.partners._fields if cls.partners._is_customer_figure(name)
        ]
        cls.boss = cls.make_user("margin", "boss")

    def test_every_figure_is_searchable_sortable_groupable_exportable_and_aggregated(self):
        descriptions = self.partners.fields_get(
            self.figures, ["searchable", "sortable", "groupable", "exportable", "aggregator"]
        )
        self.assertGreater(len(descriptions), 30)
        for name in set(self.figures) - set(COMPUTED):
            with self.subTest(field=name):
                description = descriptions[name]
                self.assertTrue(description["searchable"])
                self.assertTrue(description["sortable"])
                self.assertTrue(description["groupable"])
                self.assertTrue(description["exportable"])
                if self.partners._fields[name].type in NUMBERS:
                    self.assertEqual(
                        description["aggregator"],
                        self.env["crm.customer.profile"]._fields[name].aggregator,
                    )
        for name in COMPUTED:
            self.assertTrue(descriptions[name]["exportable"])

    def test_every_figure_of_the_contract_is_there_and_names_a_currency(self):
        for name in self.figures:
            field = self.partners._fields[name]
            with self.subTest(field=name):
                self.assertTrue(field.groups, "without groups the portal customer reads it")
                if field.type == "monetary":
                    self.assertEqual(
                        field.get_currency_field(self.partners), "customer_currency_id"
                    )
        self.assertEqual(self.at_risk.customer_currency_id, self.company.currency_id)

    def test_a_contact_shows_the_figures_of_his_commercial_partner(self):
        for name in self.figures:
            self.assertEqual(self.contact[name], self.at_risk[name], name)
        self.assertEqual(self.contact.customer_profile_id, self.row(self.at_risk))
        self.assertEqual(self.contact.lifecycle_stage, "at_risk")
        self.assertEqual(self.contact.revenue_12m, 600)

    def test_who_is_no_customer_shows_nothing(self):
        for name in self.figures:
            self.assertFalse(self.stranger[name], name)

    def test_an_unsaved_contact_shows_the_customer_it_is_made_for(self):
        contact = self.partners.new({"name": "New", "parent_id": self.at_risk.id})
        self.assertEqual(contact.lifecycle_stage, "at_risk")
        self.assertFalse(self.partners.new({"name": "New"}).lifecycle_stage)
        self.assertEqual(self.partners.new(origin=self.contact).revenue_12m, 600)
        with Form(self.partners) as form:
            form.name = "Saved"

    # ------------------------------------------------------------------- order and groups

    def test_who_has_no_number_is_listed_last_in_both_directions(self):
        for order, first in (("revenue_12m desc", self.loyal), ("last_purchase_date", self.lost)):
            with self.subTest(order=order):
                found = self.partners.search(
                    [("id", "in", self.customers.ids)], order=f"{order}, id"
                )
                self.assertEqual(found[0], first)
                self.assertEqual(found[-1], self.stranger)
        found = self.partners.search(
            [("id", "in", self.customers.ids)], order="last_purchase_date desc nulls first, id"
        )
        self.assertEqual(set(found[:2]), {self.prospect, self.stranger})
        self.assertTrue(self.partners.search([], order="customer_profile_id desc", limit=1))

    def test_groups_without_a_number_are_listed_last(self):
        self.stranger.country_id = self.env.ref("base.be")
        self.at_risk.country_id = self.env.ref("base.fr")
        groups = self.partners._read_group(
            [("id", "in", (self.stranger | self.at_risk).ids)],
            ["country_id"],
            ["revenue_12m:sum"],
            order="revenue_12m:sum desc",
        )
        self.assertEqual([country.code for country, _sum in groups], ["FR", "BE"])
        groups = self.partners._read_group(
            self.own_customers(), ["lifecycle_stage"], order="lifecycle_stage desc"
        )
        self.assertEqual(groups[-1], (False,))

    def test_a_company_with_contacts_counts_once(self):
        domain = [("id", "in", (self.at_risk | self.contact | self.loyal).ids)]
        [totals] = self.partners._read_group(
            domain,
            aggregates=[
                "__count",
                "revenue_12m:sum",
                "revenue_12m:sum_currency",
                "revenue_12m:avg",
                "purchase_count:sum",
                "purchase_count:count",
                "revenue_12m:max",
                "customer_profile_id:count_distinct",
            ],
        )
        self.assertEqual(totals, (3, 3000, 3000, 1500, 18, 2, 2400, 2))

    def test_customers_are_grouped_by_stage_day_and_path(self):
        stages = dict(
            self.partners._read_group(self.own_customers(), ["lifecycle_stage"], ["__count"])
        )
        self.assertEqual(
            stages,
            {"at_risk": 2, "loyal": 1, "lost": 1, "new": 2, "prospect": 1, False: 1},
        )
        months = self.partners._read_group(
            self.own_customers(), ["last_purchase_date:month"], ["revenue_12m:sum"]
        )
        self.assertIn(600.0, [revenue for _month, revenue in months])
        paths = self.partners._read_group(
            self.own_customers(), ["customer_profile_id.lifecycle_stage"], ["__count"]
        )
        self.assertEqual(dict(paths), stages)
        orders = self.env["crm.lead"]._read_group(
            [("partner_id", "=", self.prospect.id)], ["partner_id.lifecycle_stage"], ["__count"]
        )
        self.assertEqual(orders, [("prospect", 1)])

    def test_grouping_by_a_number_of_several_customers_keeps_them_apart(self):
        groups = self.partners._read_group(
            self.own_customers(),
            ["purchase_count"],
            ["revenue_12m:sum"],
            having=[("revenue_12m:sum", ">", 100)],
        )
        self.assertEqual(dict(groups), {6: 600, 12: 2400})

    def test_the_pivot_and_the_list_of_groups_read_the_same_sums(self):
        [row] = self.partners.formatted_read_group(
            [("id", "in", (self.at_risk | self.contact).ids)], [], ["revenue_12m:sum"]
        )
        self.assertEqual(row["revenue_12m:sum"], 600)
        grouped = self.partners.web_read_group(
            [("id", "in", (self.at_risk | self.contact).ids)],
            ["lifecycle_stage"],
            ["revenue_12m:sum"],
        )
        self.assertEqual(grouped["groups"][0]["revenue_12m:sum"], 600)
        sets = self.partners.formatted_read_grouping_sets(
            [("id", "in", (self.at_risk | self.contact).ids)],
            [["lifecycle_stage"], []],
            ["revenue_12m:sum"],
        )
        self.assertEqual([group[0]["revenue_12m:sum"] for group in sets], [600, 600])

    def test_figures_are_exported(self):
        [line] = self.at_risk.export_data(
            ["name", "lifecycle_stage", "revenue_12m", "reason", "last_purchase_date"]
        )["datas"]
        self.assertEqual(line[:3], ["At Risk", "At risk", 600.0])
        self.assertIn("silent for 71", line[3])
        self.assertEqual(line[4], self.ago(71))

    # ------------------------------------------------------- companies, users, read order

    def test_each_company_shows_its_own_figures(self):
        shared = self.shared.with_context(
            allowed_company_ids=(self.company | self.other_company).ids
        )
        self.assertEqual(shared.revenue_12m, 50)
        self.assertEqual(shared.with_company(self.other_company).revenue_12m, 7777)
        self.assertEqual(shared.revenue_12m, 50)
        self.assertFalse(self.at_risk.with_company(self.other_company).lifecycle_stage)

    def test_values_do_not_depend_on_who_read_them_first(self):
        """The contacts of a company are cached for sudo and the user alike."""
        company = self.make_customer("Parent of All")
        (self.at_risk | self.loyal).write({"parent_id": company.id, "is_company": True})
        self.refresh()
        self.assertEqual(self.at_risk.commercial_partner_id, self.at_risk)

        alone = self.as_user(company, self.anna)
        alone = {child.name: child.revenue_12m for child in alone.child_ids}
        self.assertEqual(alone, {"At Risk": 600, "Loyal": 0})
        after_sudo = self.as_user(company, self.anna)
        self.assertEqual(after_sudo.sudo().child_ids.mapped("revenue_12m"), [600, 0])
        self.assertEqual({child.name: child.revenue_12m for child in after_sudo.child_ids}, alone)
        self.assertEqual(
            {child.name: child.revenue_12m for child in after_sudo.with_user(self.boss).child_ids},
            {"At Risk": 600, "Loyal": 2400},
        )
        self.assertEqual({child.name: child.revenue_12m for child in after_sudo.child_ids}, alone)
        self.env.invalidate_all()
        [[total]] = after_sudo.sudo()._read_group(
            [("id", "in", company.child_ids.ids)], aggregates=["revenue_12m:sum"]
        )
        self.assertEqual(total, 600)

    def test_a_query_may_mix_conditions_with_and_without_sudo(self):
        partners = self.as_user("res.partner", self.anna)
        found = partners.search(
            [
                ("customer_profile_id.purchase_count", ">", 0),
                ("revenue_12m", ">", 0),
                ("id", "in", self.customers.ids),
            ],
            order="customer_profile_id, revenue_12m desc",
        )
        self.assertEqual(found, self.at_risk)

    def test_the_system_sees_all_rows_of_the_current_company(self):
        system = self.loyal.with_user(self.env.ref("base.user_root"))
        self.assertEqual(system.with_company(self.company).revenue_12m, 2400)
        self.assertEqual(system.with_company(self.other_company).revenue_12m, 0)

    # ------------------------------------------------------------------------- the pill

    def _pills(self, partner):
        return [
            pill["value"]
            for pill in partner.application_statistics or []
            if pill["iconClass"] == "fa-heartbeat"
        ]

    def test_contacts_at_risk_lost_or_loyal_carry_their_stage_in_every_list(self):
        self.assertEqual(self._pills(self.at_risk), ["At risk"])
        self.assertEqual(self._pills(self.contact), ["At risk"])
        self.assertEqual(self._pills(self.loyal), ["Loyal"])
        self.assertEqual(self._pills(self.lost), ["Lost"])
        self.assertEqual(self._pills(self.shared), [])
        self.assertEqual(self._pills(self.stranger), [])
        self.assertEqual(self._pills(self.as_user(self.loyal, self.anna)), [])

    def test_pills_do_not_depend_on_who_read_them_first(self):
        several = self.make_user("manager", companies=self.company | self.other_company)
        at_risk = self.as_user(self.at_risk, several, self.company | self.other_company)
        self.assertEqual(self._pills(at_risk), ["At risk"])
        self.assertEqual(self._pills(at_risk.with_company(self.other_company)), [])
        here = at_risk.with_context(allowed_company_ids=self.company.ids)
        self.assertEqual(self._pills(here.with_user(self.make_user("employee"))), [])
        self.assertEqual(self._pills(at_risk), ["At risk"])

    @mute_logger("odoo.addons.base.models.ir_rule")
    def test_who_may_not_see_stages_sees_no_pill(self):
        employee = self.make_user("employee")
        self.assertEqual(self._pills(self.as_user(self.at_risk, employee)), [])
        portal = self.make_user("portal")
        portal.partner_id.parent_id = self.at_risk
        self.assertEqual(self._pills(self.as_user(portal.partner_id, portal)), [])

    # ------------------------------------------------------------------------------ users

    def test_a_user_who_is_a_contact_of_a_customer_shows_his_figures(self):
        portal = self.make_user("portal")
        portal.partner_id.parent_id = self.at_risk
        found = self.env["res.users"].search(
            [("share", "=", True), ("revenue_12m", ">", 0)], order="revenue_12m desc"
        )
        self.assertEqual(found, portal)

    def test_copying_a_contact_copies_no_figure(self):
        self.assertFalse(self.at_risk.copy().lifecycle_stage)
        partner = self.partners.create(
            {"name": "With Contacts", "child_ids": [Command.create({"name": "One"})]}
        )
        self.assertFalse(partner.child_ids.lifecycle_stage)
