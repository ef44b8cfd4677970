from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import SeveralCustomersCase

QUIET = mute_logger(
    "odoo.orm.models", "odoo.models", "odoo.addons.base.models.ir_rule", "odoo.orm.domains"
)
AMOUNT = "crm_extended.group_amount"
MARGIN = "crm_extended.group_margin"
# models that show a contact, and the path to him
POINTING = {
    "crm.lead": "partner_id",
    "sale.order": "partner_id",
    "res.partner": "parent_id",
    "crm.customer.profile": "partner_id",
}


@tagged("post_install", "-at_install")
class TestRights(SeveralCustomersCase):
    """Who sees what."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lead = cls.make_lead(cls.at_risk, user_id=cls.anna.id)
        cls.order = cls.make_order(cls.at_risk, user_id=cls.anna.id, confirm=False)
        cls.plain = cls.make_user("user", "plain")
        cls.employee = cls.make_user("employee", "employee")
        cls.portal = cls.make_user("portal", "portal")
        cls.portal.partner_id.parent_id = cls.at_risk
        cls.public = cls.make_user("public", "visitor")
        # they may export, so that the fields alone are what refuses
        cls.env.ref("base.group_allow_export").user_ids += cls.anna | cls.plain | cls.employee
        cls.samples = {
            "res.partner": cls.at_risk,
            "res.users": cls.anna,
            "crm.customer.profile": cls.row(cls.at_risk),
        }
        cls.pointing = {
            "crm.lead": cls.lead,
            "sale.order": cls.order,
            "res.partner": cls.contact,
            "crm.customer.profile": cls.row(cls.at_risk),
        }
        cls.restricted = {
            (model, name): field
            for model in cls.samples
            for name, field in cls.env[model]._fields.items()
            if field.groups in (AMOUNT, MARGIN)
        }

    def _restricted_for(self, user):
        return [
            (model, name)
            for (model, name), field in self.restricted.items()
            if not user.has_groups(field.groups)
        ]

    def _refused_users(self):
        """Everyone who lacks some amount: with what he lacks."""
        self.set_salespeople_see_amounts(False)
        users = (self.anna, self.plain, self.employee, self.portal, self.public)
        return [(user, self._restricted_for(user)) for user in users]

    def assert_refused(self, call, **what):
        with self.subTest(**what), QUIET, self.assertRaises(AccessError):
            call()

    # --------------------------------------------------------- the groups and the switch

    def test_every_amount_of_the_row_is_restricted_on_the_contact_too(self):
        for model in self.samples:
            names = {name for other, name in self.restricted if other == model}
            self.assertGreaterEqual(len(names), 12, model)
        for name, field in self.env["crm.customer.profile"]._fields.items():
            if field.type == "monetary":
                self.assertIn(field.groups, (AMOUNT, MARGIN), name)
            mirrored = self.env["res.partner"]._fields.get(name)
            if field.groups and mirrored:
                self.assertEqual(mirrored.groups, field.groups, name)

    def test_salespeople_see_amounts_of_their_customers_unless_the_switch_is_off(self):
        self.assertEqual(self.as_user(self.at_risk, self.anna).revenue_12m, 600)
        self.assertEqual(self.as_user(self.loyal, self.anna).revenue_12m, 0)
        self.assertEqual(self.as_user(self.lost, self.anna).revenue_total, 500)
        self.set_salespeople_see_amounts(False)
        with QUIET, self.assertRaises(AccessError):
            self.as_user(self.at_risk, self.anna).revenue_12m  # noqa: B018
        self.assertEqual(self.as_user(self.at_risk, self.anna).lifecycle_stage, "at_risk")
        self.set_salespeople_see_amounts(True)
        self.assertEqual(self.as_user(self.at_risk, self.anna).revenue_12m, 600)

    def test_finance_and_sales_managers_see_amounts_whatever_the_switch(self):
        self.set_salespeople_see_amounts(False)
        for role in ("finance", "manager", "sales_manager", "invoicing"):
            user = self.make_user(role)
            self.assertEqual(self.as_user(self.loyal, user).revenue_12m, 2400, role)
            with QUIET, self.assertRaises(AccessError, msg=role):
                self.as_user(self.loyal, user).margin_12m  # noqa: B018

    def test_nobody_sees_margins_until_somebody_gives_the_group(self):
        group = self.env.ref(MARGIN)
        self.assertFalse(group.all_implied_by_ids - group)
        self.assertTrue(self.as_user(self.loyal, self.make_user("margin")).margin_state)

    def test_salespeople_see_their_own_customers_and_those_of_nobody(self):
        rows = self.as_user("crm.customer.profile", self.anna).search([])
        self.assertEqual(rows.partner_id, self.at_risk | self.lost | self.returner | self.prospect)
        partners = self.as_user("res.partner", self.anna)
        found = partners.search([("lifecycle_stage", "!=", False)])
        self.assertEqual(
            found,
            self.at_risk
            | self.contact
            | self.portal.partner_id
            | self.lost
            | self.returner
            | self.prospect,
        )
        with QUIET, self.assertRaises(AccessError):
            self.as_user(self.row(self.loyal), self.anna).read(["lifecycle_stage"])
        for role in ("salesperson_all", "finance", "manager", "user"):
            rows = self.as_user("crm.customer.profile", self.make_user(role)).search([])
            self.assertEqual(len(rows), 6, role)

    def test_a_contact_belongs_to_the_salesperson_of_his_company(self):
        self.contact.user_id = self.bert
        self.assertEqual(self.as_user(self.contact, self.anna).lifecycle_stage, "at_risk")
        self.assertFalse(self.as_user(self.contact, self.bert).lifecycle_stage)

    def test_employees_portal_and_public_see_nothing(self):
        for user in (self.employee, self.portal, self.public):
            with self.subTest(user=user.login), QUIET:
                for model in (
                    "crm.customer.profile",
                    "crm.customer.fact",
                    "crm.model.run",
                    "crm.customer.exclusion",
                ):
                    with self.assertRaises(AccessError):
                        self.as_user(model, user).search([])
                partner = self.as_user(self.portal.partner_id, user)
                described = partner.fields_get()
                for name in partner._fields:
                    if name == "customer_profile_id" or partner._is_customer_figure(name):
                        self.assertNotIn(name, described)
                        with self.assertRaises(AccessError):
                            partner.mapped(name)

    def test_nobody_writes_rows_and_runs(self):
        admin = self.env.ref("base.user_admin")
        for user in (admin, self.make_user("manager"), self.anna):
            for record in (self.row(self.at_risk), self.company.customer_run_id):
                record = record.sudo().with_user(user)
                with QUIET:
                    self.assert_refused(record.unlink, user=user.login, model=record._name)
                    self.assert_refused(lambda record=record: record.write({}), user=user.login)
                    self.assert_refused(
                        lambda record=record: record.create({"company_id": self.company.id}),
                        user=user.login,
                    )

    # ---------------------------------------------- R11: each restricted field by each way

    def _leaks(self, ways):
        """Those of ``ways(records, name)`` that answer a user who may not see a field.

        ``ways`` gives ``{way: call}`` for a model as the user and the name of a field that he may
        not read there. Everything is tried before anything is reported.
        """
        leaks = []
        for user, fields in self._refused_users():
            records = {
                model: self.as_user(records.sudo(False), user)
                for model, records in self.samples.items()
            }
            with self.env.cr.savepoint(), QUIET:
                for model, name in fields:
                    for way, call in ways(records[model], name).items():
                        try:
                            answer = call()
                        except (UserError, ValueError):
                            continue
                        leaks.append((user.login, model, name, way, repr(answer)[:80]))
        return leaks

    def test_a_restricted_field_is_absent_from_what_a_user_is_told_of_a_model(self):
        for user, fields in self._refused_users():
            for model in self.samples:
                described = self.as_user(model, user).fields_get(attributes=["type"])
                self.assertFalse(
                    {name for other, name in fields if other == model} & described.keys()
                )
        [values] = self.as_user(self.samples["crm.customer.profile"], self.anna).read()
        self.assertIn("lifecycle_stage", values)
        self.assertNotIn("revenue_12m", values)
        self.assertNotIn("margin_12m", values)

    def test_a_restricted_field_is_refused_on_reading(self):
        def ways(record, name):
            field = record._fields[name]
            return {
                "read": lambda: record.read([name]),
                "attribute": lambda: record[name],
                "mapped": lambda: record.mapped(name),
                "web_read": lambda: record.web_read({name: {}}),
                "search_read": lambda: record.search_read([], [name]),
                "web_search_read": lambda: record.web_search_read([], {name: {}}),
                "export": lambda: record.export_data([name]),
                "filter": lambda: record.filtered_domain([(name, "=", 1)]),
                "onchange": lambda: record.onchange({}, [], {name: {}}),
                "format": lambda: record._read_format([name]),
                "convert": lambda: field.convert_to_export(record[name], record),
            }

        self.assertEqual(self._leaks(ways), [])

    def test_a_restricted_field_is_refused_in_domains(self):
        def ways(records, name):
            if records._fields[name].type == "json":
                return {}
            value = {"selection": "known", "boolean": True}.get(records._fields[name].type, 1)
            domains = [
                [(name, "=", False)],
                [(name, "!=", False)],
                [(name, "=", value)],
                [(name, "not in", [value])],
                ["!", (name, "=", value)],
                ["|", ("id", "=", 0), (name, "!=", value)],
            ]
            if value == 1:
                domains += [[(name, ">", 1)], [(name, "<", 1)], ["!", (name, ">", 1)]]
            return {
                f"{kind} {domain}": lambda domain=domain, call=call: call(domain)
                for domain in domains
                for kind, call in {
                    "search": records.search,
                    "count": records.search_count,
                    "name": lambda domain: records.name_search("", domain),
                    "group": lambda domain: records.formatted_read_group(domain, [], ["__count"]),
                }.items()
            }

        self.assertEqual(self._leaks(ways), [])

    def test_a_restricted_field_is_refused_behind_a_dotted_path(self):
        def ways(records, name):
            if records._name != "res.partner" or records._fields[name].type == "json":
                return {}
            paths = [(records.env[model], path) for model, path in POINTING.items()]
            paths += [
                (records, "child_ids"),
                (records, "customer_profile_id"),
                (records, "user_ids"),
            ]
            return {
                f"{way} {model._name} {path}": lambda model=model, path=path, call=call: call(
                    model, f"{path}.{name}"
                )
                for model, path in paths
                for way, call in {
                    "search": lambda model, dotted: model.search([(dotted, "!=", False)]),
                    "count": lambda model, dotted: model.search_count([(dotted, "=", 1)]),
                    "group": lambda model, dotted: model.formatted_read_group([], [dotted]),
                }.items()
            }

        self.assertEqual(self._leaks(ways), [])

    def test_a_restricted_field_is_refused_in_order_groups_and_aggregates(self):
        def ways(records, name):
            field = records._fields[name]
            if field.type == "json":
                return {}
            group = "company_id"
            function = "count_distinct" if field.type in ("boolean", "selection") else "sum"
            amount = f"{name}:{function}"
            grouped = records.formatted_read_group
            calls = {
                "order": lambda: records.search([], order=f"{name} desc"),
                "web order": lambda: records.web_search_read([], {"id": {}}, order=name),
                "aggregate": lambda: grouped([], [group], [amount]),
                "array": lambda: grouped([], [group], [f"{name}:array_agg"]),
                "maximum": lambda: grouped([], [group], [f"{name}:max"]),
                "having": lambda: grouped([], [group], ["__count"], having=[(amount, ">", 1)]),
                "group": lambda: grouped([], [name], ["__count"]),
                "group order": lambda: grouped([], [group], order=amount),
                "list of groups": lambda: records.web_read_group([], [name], ["__count"]),
                "pivot": lambda: records.formatted_read_grouping_sets([], [[group], []], [amount]),
                "progress bar": lambda: records.read_progress_bar(
                    [], group, {"field": name, "colors": {"1": "success"}}
                ),
                "read_group": lambda: records.read_group([], [amount], [group]),
            }
            if field.type == "monetary":
                calls["currency"] = lambda: grouped([], [group], [f"{name}:sum_currency"])
            return calls

        self.assertEqual(self._leaks(ways), [])

    def test_a_restricted_field_is_refused_in_nested_reads_and_exports(self):
        def ways(record, name):
            if record._name != "res.partner":
                return {}
            calls = {}
            for model, path in POINTING.items():
                pointing = self.pointing[model].sudo(False).with_env(record.env)
                specification = {path: {"fields": {name: {}}}}
                calls |= {
                    f"read {model}": lambda r=pointing, s=specification: r.web_read(s),
                    f"export {model}": lambda r=pointing, p=path: r.export_data([f"{p}/{name}"]),
                    f"mapped {model}": lambda r=pointing, p=path: r.mapped(f"{p}.{name}"),
                }
            return calls

        self.assertEqual(self._leaks(ways), [])

    def test_a_filter_that_a_manager_shares_shows_a_salesperson_no_amount(self):
        self.set_salespeople_see_amounts(False)
        shared = self.env["ir.filters"].create(
            {
                "name": "Large Customers",
                "model_id": "res.partner",
                "user_ids": [],
                "domain": "[('revenue_12m', '>', 100)]",
                "context": "{'group_by': ['revenue_12m']}",
                "sort": '["revenue_12m desc"]',
            }
        )
        self.assertTrue(self.as_user(shared, self.anna).sudo().exists())
        partners = self.as_user("res.partner", self.anna)
        domain = shared._get_eval_domain()
        self.assert_refused(lambda: partners.web_search_read(domain, {"name": {}}), way="domain")
        self.assert_refused(lambda: partners.web_read_group([], ["revenue_12m"]), way="group")
        self.assert_refused(lambda: partners.search([], order="revenue_12m desc"), way="sort")

    def test_purchase_lines_are_for_those_who_see_amounts(self):
        lines = self.as_user("crm.customer.fact", self.anna)
        self.assertEqual(lines.search([]).partner_id, self.at_risk | self.lost | self.returner)
        with QUIET, self.assertRaises(AccessError):
            lines.search([], order="margin")
        self.set_salespeople_see_amounts(False)
        for user in (self.anna, self.plain, self.employee, self.portal, self.public):
            self.assert_refused(
                lambda user=user: self.as_user("crm.customer.fact", user).search([]),
                user=user.login,
            )

    def test_a_reason_names_amounts_to_those_who_see_them_only(self):
        self.assertIn("600", self.as_user(self.at_risk, self.anna).reason)
        self.assertIn("600", self.as_user(self.lead, self.anna).customer_reason)
        self.set_salespeople_see_amounts(False)
        for record, name in (
            (self.at_risk, "reason"),
            (self.lead, "customer_reason"),
            (self.row(self.at_risk), "reason"),
        ):
            reason = self.as_user(record.sudo(False), self.anna)[name]
            self.assertIn("silent for 71", reason)
            self.assertNotIn("600", reason)
            self.assertNotIn("600", self.as_user(record.sudo(False), self.plain)[name])

    # ------------------------------------------------------------------ R10: companies

    def test_a_user_sees_the_figures_of_his_companies_only(self):
        """The contact is shared, his figures are not."""
        here = self.make_user("finance")
        self.assertEqual(self.as_user(self.shared, here).revenue_12m, 50)
        rows = self.as_user("crm.customer.profile", here).search(
            [("partner_id", "=", self.shared.id)]
        )
        self.assertEqual(rows.company_id, self.company)
        with QUIET, self.assertRaises(AccessError):
            self.as_user(self.row(self.shared, self.other_company).sudo(False), here).read(
                ["revenue_12m"]
            )
        lines = self.as_user("crm.customer.fact", here).search(
            [("partner_id", "=", self.shared.id)]
        )
        self.assertEqual(lines.company_id, self.company)
        runs = self.as_user("crm.model.run", here).search([])
        self.assertEqual(runs.company_id, self.company)

    def test_a_user_of_both_companies_reads_one_at_a_time_on_contacts(self):
        both = self.company | self.other_company
        user = self.make_user("finance", companies=both)
        self.env.ref("base.group_allow_export").user_ids += user
        for companies, revenue in (
            (both, 50),
            (self.other_company | self.company, 7777),
            (self.other_company, 7777),
        ):
            with self.subTest(companies=companies.mapped("name")):
                shared = self.as_user(self.shared, user, companies)
                self.assertEqual(shared.revenue_12m, revenue)
                self.assertEqual(shared.search([("revenue_12m", "=", revenue)]), shared)
                [group] = shared._read_group(
                    [("id", "=", shared.id)], aggregates=["revenue_12m:sum"]
                )
                self.assertEqual(group, (revenue,))
                [line] = shared.export_data(["revenue_12m"])["datas"]
                self.assertEqual(line, [revenue])
        rows = self.as_user("crm.customer.profile", user, both)
        self.assertEqual(len(rows.search([("partner_id", "=", self.shared.id)])), 2)
        rows = self.as_user("crm.customer.profile", user, self.company)
        self.assertEqual(len(rows.search([("partner_id", "=", self.shared.id)])), 1)

    def test_a_company_that_is_forged_into_the_context_is_refused(self):
        here = self.make_user("finance")
        self.env.ref("base.group_allow_export").user_ids += here
        for companies in (self.other_company, self.other_company | self.company):
            shared = self.as_user(self.shared, here, companies)
            lead = self.as_user(self.lead, here, companies)
            rows = self.as_user("crm.customer.profile", here, companies)
            for call in (
                lambda r=shared: r.revenue_12m,
                lambda r=shared: r.read(["revenue_12m"]),
                lambda r=shared: r.search([("revenue_12m", ">", 100)]),
                lambda r=shared: r.search([], order="revenue_12m desc"),
                lambda r=shared: r.formatted_read_group([], ["lifecycle_stage"]),
                lambda r=shared: r.formatted_read_grouping_sets([], [[]], ["revenue_12m:sum"]),
                lambda r=shared: r.export_data(["revenue_12m"]),
                lambda r=lead: r.customer_reason,
                lambda r=rows: r.search([]),
                lambda r=rows: r.formatted_read_group([], [], ["revenue_12m:sum"]),
            ):
                self.assert_refused(call, companies=companies.mapped("name"))

    def test_a_company_that_is_forged_into_a_context_with_sudo_shows_no_rows(self):
        """Code with sudo on behalf of a user does not check his companies."""
        here = self.make_user("finance")
        shared = self.as_user(self.shared, here, self.other_company).sudo()
        self.assertFalse(shared.customer_profile_id)
        self.assertEqual(shared.revenue_12m, 0)
        self.assertFalse(shared.search([("revenue_12m", ">", 100)]))

    def test_a_lead_shows_the_figures_of_its_company(self):
        both = self.company | self.other_company
        user = self.make_user("margin", companies=both)
        here = self.make_lead(self.shared)
        there = self.make_lead(self.shared, company_id=self.other_company.id)
        for companies in (both, self.other_company | self.company):
            self.assertIn("10 days", self.as_user(here, user, companies).customer_reason)
            self.assertIn("5 days", self.as_user(there, user, companies).customer_reason)
