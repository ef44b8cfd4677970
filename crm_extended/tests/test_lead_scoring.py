from odoo.exceptions import AccessError
from odoo.tests import tagged

from ..models.crm_lead_tooltip import SCORED_BANDS
from ..wizard.crm_lead_scoring_check import PARAMETER
from .common import CustomerCase

CHECK = "crm.lead.scoring.check"


@tagged("post_install", "-at_install")
class TestLeadScoring(CustomerCase):
    """Odoo's lead scoring may use the bands of leads, when somebody says so."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.make_user("sales_manager")
        cls.admin = cls.make_user("sales_manager")
        cls.admin.group_ids += cls.env.ref("base.group_system")
        cls.parameters = cls.env["ir.config_parameter"].sudo()
        cls.parameters.set_param(PARAMETER, "country_id,source_id")
        cls.parameters.set_param("crm.pls_start_date", "2020-01-01")
        cls.cron = cls.env.ref("crm.website_crm_score_cron").sudo()

    def check(self, user):
        return self.as_user(CHECK, user).create({})

    def make_leads(self, count, stage, is_won, created):
        """Closed leads with a band, as of the day they were closed."""
        leads = self.env["crm.lead"].create(
            [{"name": "Lead", "company_id": self.company.id, "type": "opportunity"}] * count
        )
        if is_won:
            leads.action_set_won()
        else:
            leads.action_set_lost()
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE crm_lead SET create_date = %s, lifecycle_stage = %s WHERE id IN %s",
            [self.ago(created), stage, tuple(leads.ids)],
        )
        self.env.invalidate_all()

    def test_nothing_is_changed_before_somebody_presses_the_button(self):
        check = self.check(self.admin)
        self.assertTrue(check.missing_text and not check.is_used)
        self.assertEqual(self.parameters.get_param(PARAMETER), "country_id,source_id")
        self.assertFalse(self.cron.active)

    def test_the_button_adds_the_bands_and_lets_odoo_recompute(self):
        check = self.check(self.admin)
        check.action_use_bands()
        used = self.parameters.get_param(PARAMETER).split(",")
        self.assertEqual(used, ["country_id", "source_id", *SCORED_BANDS])
        self.assertTrue(self.cron.active)
        triggers = self.env["ir.cron.trigger"].sudo()
        self.assertTrue(triggers.search_count([("cron_id", "=", self.cron.id)]))
        # Odoo's own settings offer and show them
        settings = self.env["res.config.settings"].create({})
        chosen = settings.predictive_lead_scoring_fields.mapped("field_id.name")
        self.assertLessEqual(set(SCORED_BANDS), set(chosen))
        check = self.check(self.admin)
        self.assertTrue(check.is_used)
        check.action_use_bands()
        self.assertEqual(self.parameters.get_param(PARAMETER).split(","), used)

    def test_only_an_administrator_may_press_it(self):
        check = self.check(self.manager)
        self.assertFalse(check.may_change)
        with self.assertRaises(AccessError):
            check.action_use_bands()

    def test_odoo_learns_from_the_bands(self):
        """Selections and links are counted by their value, and move the chance of open leads."""
        self.make_leads(12, "loyal", is_won=True, created=60)
        self.make_leads(4, "lost", is_won=True, created=60)
        self.make_leads(4, "loyal", is_won=False, created=60)
        self.make_leads(12, "lost", is_won=False, created=60)
        self.check(self.admin).action_use_bands()
        leads = [self.make_lead(created=None) for _number in range(2)]
        for lead, stage in zip(leads, ("loyal", "lost"), strict=True):
            self.env.flush_all()
            self.env.cr.execute(
                "UPDATE crm_lead SET lifecycle_stage = %s WHERE id = %s", [stage, lead.id]
            )
        self.env.invalidate_all()
        self.env["crm.lead"]._cron_update_automated_probabilities()
        self.env.invalidate_all()
        loyal, lost = (lead.automated_probability for lead in leads)
        self.assertGreater(loyal, lost + 20)
        data = leads[0].prepare_pls_tooltip_data()
        entries = {entry["field"]: entry["value"] for entry in data["top_3_data"]}
        self.assertEqual(entries.get("Customer Stage"), "Loyal")

    def test_few_closed_leads_tell_nothing_yet(self):
        check = self.check(self.manager)
        self.assertIn("Cannot tell yet", check.verdict)
        self.assertFalse(check.is_measured)

    def test_what_the_bands_add_is_measured_on_later_leads(self):
        for created in (200, 100):
            count = 60 if created == 200 else 25
            for stage, is_won in (("loyal", True), ("lost", False)):
                self.make_leads(count - 5, stage, is_won, created)
                self.make_leads(5, stage, not is_won, created)
        check = self.check(self.manager)
        self.assertTrue(check.is_measured)
        self.assertEqual(check.auc_without, 0.5)
        self.assertGreater(check.auc_with, 0.7)
        self.assertLess(check.loss_with, check.loss_without)
        self.assertIn("make it better", check.verdict)

    def test_bands_that_say_nothing_are_said_to_add_nothing(self):
        for created in (200, 100):
            for stage in ("loyal", "lost"):
                for is_won in (True, False):
                    self.make_leads(47 if created == 200 else 20, stage, is_won, created)
        self.assertIn("Cannot tell yet", self.check(self.manager).verdict)
