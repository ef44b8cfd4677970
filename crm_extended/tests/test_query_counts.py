from unittest.mock import patch

from lxml import etree

from odoo.tests import tagged

from .common import CustomerCase

CONTACT = {"name": {}, "email": {}, "phone": {}, "commercial_partner_id": {}, "child_ids": {}}
LIST = {"lifecycle_stage": {}, "retention_flag": {}, "revenue_12m": {}, "customer_currency_id": {}}
FORM = LIST | {
    "as_of": {},
    "is_stale": {},
    "reason": {},
    "first_purchase_date": {},
    "last_purchase_date": {},
    "last_contact_date": {},
    "purchase_count": {},
    "purchase_interval_days": {},
    "revenue_total": {},
    "revenue_prev_12m": {},
    "return_rate_12m": {},
    "avg_purchase_value": {},
    "winback_flag": {},
    "expected_leave_date": {},
    "rfm_segment": {},
    "application_statistics": {},
}
PILLS = {"application_statistics": {}}


@tagged("post_install", "-at_install")
class TestQueryCounts(CustomerCase):
    """What the figures cost who reads them, and who does something else."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.salesperson = cls.make_user("salesperson")
        cls.customers = cls.env["res.partner"].create(
            [{"name": f"Customer {number}", "user_id": cls.salesperson.id} for number in range(80)]
        )
        cls.make_invoices([(customer, 10, 100.0) for customer in cls.customers])
        cls.refresh()

    def _read_queries(self, partners, specification):
        """Of a read as the salesperson, with a warm registry and cold records."""
        for _time in range(2):
            partners = self.as_user(partners, self.salesperson)
            # every request has read them
            partners.env.company.fetch(["name"])
            partners.env.user.fetch(["name"])
            with self.queries() as queries:
                partners.web_read(specification)
        return queries

    def _added(self, partners, specification, standard):
        more = self._read_queries(partners, standard | specification)
        return len(more) - len(self._read_queries(partners, standard))

    def _figures_in_view(self, view_type):
        """What the views show of the row, as the web client asks for it."""
        partners = self.as_user("res.partner", self.salesperson)
        arch = etree.fromstring(partners.get_view(view_type=view_type)["arch"])
        return {
            name: {"fields": {"display_name": {}}}
            if partners._fields[name].type == "many2one"
            else {}
            for name in arch.xpath("//field[not(ancestor::field)]/@name")
            if name in ("reason", "customer_profile_id") or partners._is_customer_figure(name)
        }

    def test_a_list_of_80_contacts_costs_3_queries_more_at_most_and_as_many_as_of_1(self):
        for figures in (LIST, self._figures_in_view("list")):
            one = self._added(self.customers[:1], figures, CONTACT)
            self.assertEqual(self._added(self.customers, figures, CONTACT), one)
            self.assertLessEqual(one, 3)

    def test_a_contact_form_costs_4_queries_more_at_most(self):
        for figures in (FORM, self._figures_in_view("form")):
            self.assertLessEqual(
                self._added(self.customers[:1], figures, CONTACT | PILLS), 4, sorted(figures)
            )

    def test_the_pills_of_80_contacts_cost_one_query(self):
        ours = [
            query for query in self._read_queries(self.customers, PILLS) if "crm_customer" in query
        ]
        self.assertEqual(len(ours), 1)

    # --------------------------------------------------------- who does something else

    def _costs(self, action):
        """The queries of an action on cold records, after it was done twice on something like it,
        so that every cache of the registry is warm."""
        for _time in range(2):
            action()
            self.env.flush_all()
            self.env.invalidate_all()
        with self.queries() as queries:
            action()
        return queries

    def _assert_costs_nothing(self, action):
        queries = self._costs(action)
        self.assertFalse(
            [query for query in queries if "crm_customer" in query or "crm_model" in query]
        )
        partners = self.env.registry["res.partner"]
        with patch.object(partners, "_commercial_partners_before", lambda partner, vals: {}):
            self.assertEqual(len(queries), len(self._costs(action)))

    def test_confirming_an_order_costs_no_query(self):
        orders = iter([self.make_order(self.customers[0], confirm=False) for _number in range(6)])
        self._assert_costs_nothing(
            lambda: next(orders).with_user(self.salesperson).action_confirm()
        )

    def test_posting_an_invoice_costs_no_query(self):
        invoices = iter(
            self.make_invoices([(self.customers[0], 5, 10.0)] * 6).sorted("id").button_draft()
            or self.env["account.move"].search(
                [("company_id", "=", self.company.id), ("state", "=", "draft")], order="id"
            )
        )
        self._assert_costs_nothing(lambda: next(invoices).action_post())

    def test_editing_what_does_not_move_a_contact_costs_no_query(self):
        values = {
            "name": "Other Name",
            "email": "other@example.com",
            "user_id": self.env.uid,
            "country_id": self.env.ref("base.be").id,
            # sent again, not changed
            "parent_id": False,
            "is_company": False,
        }
        customers = iter(self.customers)
        self._assert_costs_nothing(lambda: next(customers).write(dict(values)))
        customers = iter(self.customers)
        self._assert_costs_nothing(lambda: next(customers).write({"phone": "+3212345678"}))

    def test_making_a_contact_costs_no_query(self):
        parent = self.customers[0]
        self._assert_costs_nothing(
            lambda: self.env["res.partner"].create({"name": "Contact", "parent_id": parent.id})
        )
