from odoo.fields import Domain
from odoo.tests import tagged

from .common import SeveralCustomersCase


@tagged("post_install", "-at_install")
class TestPartnerSearch(SeveralCustomersCase):
    """Searching contacts by a figure finds those that filtering by it keeps."""

    def _domains(self):
        row, other_row = self.row(self.at_risk), self.row(self.loyal)
        return [
            [("lifecycle_stage", "=", "at_risk")],
            [("lifecycle_stage", "!=", "at_risk")],
            [("lifecycle_stage", "=", False)],
            [("lifecycle_stage", "!=", False)],
            [("lifecycle_stage", "in", ["at_risk", "loyal"])],
            [("lifecycle_stage", "in", ["at_risk", False])],
            [("lifecycle_stage", "not in", ["at_risk", "loyal"])],
            [("lifecycle_stage", "not in", ["at_risk", False])],
            ["!", ("lifecycle_stage", "=", "lost")],
            ["!", ("lifecycle_stage", "in", ["lost", False])],
            [("retention_flag", "=", True)],
            [("retention_flag", "=", False)],
            [("retention_flag", "!=", True)],
            [("purchase_count", "=", 0)],
            [("purchase_count", "=", 6)],
            [("purchase_count", "!=", 0)],
            [("purchase_count", "in", [0, 6])],
            [("purchase_count", ">", 5)],
            [("purchase_count", ">=", 0)],
            [("purchase_count", "<", 2)],
            [("purchase_count", "<=", 0)],
            [("purchase_count", ">", -1)],
            ["!", ("purchase_count", "<", 2)],
            ["!", ("purchase_count", ">", 5)],
            [("purchase_interval_days", "<", 31)],
            [("purchase_interval_days", "=", False)],
            [("last_purchase_date", "=", False)],
            [("last_purchase_date", "!=", False)],
            [("last_purchase_date", "<", self.ago(30))],
            [("last_purchase_date", ">=", self.ago(30))],
            ["!", ("last_purchase_date", "<", self.ago(30))],
            ["!", ("last_purchase_date", ">=", self.ago(30))],
            [("last_purchase_date.month_number", "=", 6)],
            [("as_of", "=", self.as_of)],
            [("reason_code", "=", "lost")],
            [("reason_code", "ilike", "LO")],
            [("reason_code", "not ilike", "lo")],
            [("reason_code", "=", False)],
            [("customer_profile_id", "=", False)],
            [("customer_profile_id", "!=", False)],
            [("customer_profile_id", "=", row.id)],
            [("customer_profile_id", "!=", row.id)],
            [("customer_profile_id", "in", [row.id, other_row.id])],
            [("customer_profile_id", "in", [row.id, False])],
            [("customer_profile_id", "not in", [row.id, False])],
            [("customer_profile_id", "any", [("lifecycle_stage", "=", "lost")])],
            [("customer_profile_id", "any", [("purchase_count", "<", 2)])],
            [("customer_profile_id", "not any", [("lifecycle_stage", "=", "lost")])],
            [("customer_profile_id", "not any", [("purchase_count", "<", 2)])],
            [("customer_profile_id.purchase_count", ">", 5)],
            [("customer_profile_id.lifecycle_stage", "!=", "lost")],
            [("customer_profile_id.partner_id.name", "ilike", "risk")],
            [("customer_profile_id", "ilike", "Loyal")],
            [("parent_id.lifecycle_stage", "=", "at_risk")],
            [("child_ids.purchase_count", ">", 5)],
            [("customer_currency_id", "=", self.company.currency_id.id)],
            [("customer_currency_id.name", "=", self.company.currency_id.name)],
            ["|", ("lifecycle_stage", "=", "lost"), ("purchase_count", "=", 0)],
            ["&", ("lifecycle_stage", "!=", "lost"), "!", ("purchase_count", "=", 0)],
            ["!", "&", ("lifecycle_stage", "!=", "lost"), ("purchase_count", "<", 8)],
            ["|", ("customer_profile_id", "=", False), ("rfm_segment", "=", False)],
        ]

    def _domains_with_amounts(self):
        return [
            [("revenue_12m", ">", 599.99)],
            [("revenue_12m", "<", 600)],
            [("revenue_12m", "<=", 600)],
            [("revenue_12m", "=", 0)],
            [("revenue_12m", "!=", 0)],
            [("revenue_12m", ">=", 0)],
            [("revenue_12m", ">", 0)],
            [("revenue_12m", "<", 0)],
            ["!", ("revenue_12m", "<", 600)],
            ["!", ("revenue_12m", ">", 0)],
            [("revenue_12m", "in", [600, 2400, False])],
            [("revenue_12m", "not in", [600, 0])],
            [("return_rate_12m", ">", 0.5)],
            [("return_rate_12m", "<=", 0.5)],
            [("customer_profile_id.revenue_12m", "<", 600)],
            [("revenue_12m", "=", False)],
            [("revenue_12m", ">", False)],
            # 0.0: of a stored monetary field that is NULL, Odoo finds no 0
            [("customer_profile_id", "any", [("revenue_12m", "=", 0.0)])],
            [("customer_profile_id", "not any", [("revenue_12m", "=", 0.0)])],
            ["|", ("revenue_12m", "=", 0), ("revenue_total", ">", 1000)],
        ]

    def _check_search(self, user, domains, companies=None, su=False):
        partners = self.as_user("res.partner", user, companies).sudo(su)
        everybody = partners.search(self.own_customers(), order="id")
        self.assertEqual(len(everybody), 8)
        for domain in domains:
            with self.subTest(user=user.login, domain=domain, su=su):
                found = partners.search(Domain(self.own_customers()) & Domain(domain), order="id")
                self.env.invalidate_all()
                self.assertEqual(
                    found.mapped("name"), everybody.filtered_domain(domain).mapped("name")
                )

    def test_search_finds_what_filtering_finds_for_each_user(self):
        domains = self._domains() + self._domains_with_amounts()
        for user in (self.anna, self.bert, self.make_user("margin")):
            self._check_search(user, domains)

    def test_search_finds_what_filtering_finds_in_each_company(self):
        several = self.make_user("salesperson_all", companies=self.company | self.other_company)
        domains = self._domains() + self._domains_with_amounts()
        self._check_search(several, domains, self.other_company | self.company)
        self._check_search(several, domains, self.other_company)

    def test_search_finds_what_filtering_finds_with_sudo_and_for_the_system(self):
        domains = self._domains() + self._domains_with_amounts()
        self._check_search(self.anna, domains, su=True)
        self._check_search(self.make_user("user"), self._domains())
        self._check_search(self.env.ref("base.user_root"), domains, companies=self.company, su=True)

    def test_search_without_access_to_the_rows_is_the_domain_without_rows(self):
        """Any code may search contacts with sudo on behalf of a portal user."""
        partners = self.as_user("res.partner", self.make_user("portal")).sudo()
        self.assertFalse(partners.search([("lifecycle_stage", "!=", False)]))
        self.assertFalse(partners.browse(self.at_risk.id).lifecycle_stage)
