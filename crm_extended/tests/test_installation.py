from odoo.tests import TransactionCase, tagged


@tagged("at_install", "-post_install")
class TestInstallation(TransactionCase):
    """Installing computes nothing and rewrites nobody: the first refresh is a job."""

    def test_installation_makes_no_rows(self):
        for model in ("crm.customer.profile", "crm.model.run", "crm.customer.exclusion"):
            self.assertFalse(self.env[model].search_count([]), f"{model} fills with the first job")

    def test_installation_asks_for_the_first_refresh(self):
        cron = self.env.ref("crm_extended.ir_cron_customer_refresh")
        self.assertTrue(cron.active)
        self.assertTrue(
            self.env["ir.cron.trigger"].search_count([("cron_id", "=", cron.id)]),
            "nobody waits for the night to see his customers",
        )

    def test_installation_leaves_contacts_untouched(self):
        stored = {
            name
            for name, field in self.env["res.partner"]._fields.items()
            if field.store and field.column_type and field._module == "crm_extended"
        }
        self.assertEqual(
            stored, {"profiling_optout", "customer_size"}, "no figure is a column of the contact"
        )
        self.env.cr.execute("SELECT COUNT(*) FROM res_partner WHERE profiling_optout IS NOT NULL")
        self.assertEqual(self.env.cr.fetchone(), (0,), "a column without default rewrites no row")

    def test_installation_gives_leads_no_bands(self):
        self.env.cr.execute(
            "SELECT COUNT(*) FROM crm_lead"
            " WHERE lifecycle_stage IS NOT NULL OR rfm_segment IS NOT NULL"
            " OR opportunity_kind IS NOT NULL"
        )
        self.assertEqual(self.env.cr.fetchone(), (0,), "bands come with the first refresh")

    def test_rows_have_room_for_their_next_version(self):
        self.env.cr.execute(
            "SELECT reloptions FROM pg_class WHERE relname = 'crm_customer_profile'"
        )
        [[options]] = self.env.cr.fetchall()
        [fill_factor] = [option for option in options or [] if option.startswith("fillfactor=")]
        self.assertIn(int(fill_factor.split("=")[1]), range(50, 61))

    def test_volatile_columns_have_no_index(self):
        self.env.cr.execute(
            "SELECT indexdef FROM pg_indexes WHERE tablename = 'crm_customer_profile'"
        )
        for [definition] in self.env.cr.fetchall():
            self.assertRegex(
                definition,
                r"\((id|partner_id|company_id|partner_id, company_id)\)",
                "an index on what changes nightly costs every update its place",
            )
