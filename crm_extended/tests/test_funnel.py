from datetime import datetime, timedelta

from freezegun import freeze_time

from odoo.tests import tagged

from .common import CustomerCase

NOW = datetime(2025, 6, 30, 12)


class FunnelTools:
    """Opportunities in stages of their own, moved on days counted back from ``NOW``."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time(NOW))
        cls.first, cls.second, cls.third, cls.won = cls.stages = cls.env["crm.stage"].create(
            [
                {"name": name, "sequence": 900 + number, "is_won": name == "Signed"}
                for number, name in enumerate(("Asked", "Offered", "Decided", "Signed"))
            ]
        )

    @classmethod
    def moment(cls, days):
        return NOW - timedelta(days=days)

    @classmethod
    def opportunity(cls, created, *moves, **values):
        """One made ``created`` days ago in the first stage, and moved: ``(days ago, stage)``."""
        lead = cls.make_lead(created=None, **{"stage_id": cls.first.id} | values)
        lead._write({"create_date": cls.moment(created)})
        lead.invalidate_recordset(["create_date"])
        for days, stage in moves:
            cls.track(lead, days, "stage_id", lead.stage_id, stage)
            lead.stage_id = stage
        return lead

    @classmethod
    def track(cls, lead, days, name, before, after):
        """What Odoo writes when a field of a lead is changed."""
        message = cls.env["mail.message"].create({"model": "crm.lead", "res_id": lead.id})
        values = {"old_value_integer": int(before), "new_value_integer": int(after)}
        if name == "stage_id":
            values |= {"old_value_char": before.name, "new_value_char": after.name}
        value = cls.env["mail.tracking.value"].create(
            {
                "field_id": cls.env["ir.model.fields"]._get("crm.lead", name).id,
                "mail_message_id": message.id,
            }
            | values
        )
        value._write({"create_date": cls.moment(days)})

    @classmethod
    def archive(cls, lead, days, lost=False):
        cls.track(lead, days, "active", True, False)
        lead.action_set_lost() if lost else lead.action_archive()
        lead.date_closed = cls.moment(days)

    @classmethod
    def restore(cls, lead, days):
        cls.track(lead, days, "active", False, True)
        lead.action_restore()

    def lines(self, lead):
        """``{stage: line}``"""
        self.env.flush_all()
        self.env.invalidate_all()
        lines = self.env["crm.funnel.stage"].search([("lead_id", "=", lead.id)])
        return {line.stage_id: line for line in lines}

    def days(self, lead):
        return {stage: round(line.days, 4) for stage, line in self.lines(lead).items()}

    def outcomes(self, lead):
        return {stage: line.outcome for stage, line in self.lines(lead).items()}


@tagged("post_install", "-at_install")
class TestFunnelTimes(FunnelTools, CustomerCase):
    """How long opportunities are in each stage."""

    def test_one_that_never_moved_is_in_its_stage_since_it_was_made(self):
        lead = self.opportunity(12)
        self.assertEqual(self.days(lead), {self.first: 12})
        line = self.lines(lead)[self.first]
        self.assertEqual((line.date_entered, line.date_left), (self.moment(12), False))
        self.assertEqual(line.outcome, "here")

    def test_each_move_ends_the_time_in_one_stage_and_begins_that_in_another(self):
        lead = self.opportunity(30, (20, self.second), (5, self.third))
        self.assertEqual(self.days(lead), {self.first: 10, self.second: 15, self.third: 5})
        self.assertEqual(
            self.outcomes(lead),
            {self.first: "advanced", self.second: "advanced", self.third: "here"},
        )

    def test_it_is_the_time_that_the_status_bar_of_the_opportunity_shows(self):
        lead = self.opportunity(30, (20, self.second), (12, self.first), (5, self.third))
        self.patch(self.env.cr, "now", lambda: NOW)
        shown = {int(stage): seconds / 86400 for stage, seconds in lead.duration_tracking.items()}
        self.assertEqual({stage.id: days for stage, days in self.days(lead).items()}, shown)

    def test_who_comes_back_to_a_stage_has_one_line_for_both_stays(self):
        lead = self.opportunity(30, (20, self.second), (12, self.first))
        lines = self.lines(lead)
        self.assertEqual(self.days(lead), {self.first: 22, self.second: 8})
        self.assertEqual((lines[self.first].stays, lines[self.second].stays), (2, 1))
        self.assertEqual(lines[self.first].date_entered, self.moment(30))
        # he went on from the first stage once, and from the second one back
        self.assertEqual(self.outcomes(lead), {self.first: "advanced", self.second: "back"})

    def test_time_ends_when_it_is_lost(self):
        lead = self.opportunity(30, (20, self.second))
        self.archive(lead, 8, lost=True)
        self.assertEqual(self.days(lead), {self.first: 10, self.second: 12})
        self.assertEqual(self.outcomes(lead), {self.first: "advanced", self.second: "lost"})
        self.assertEqual(self.lines(lead)[self.second].date_left, self.moment(8))

    def test_a_won_stage_takes_no_time_and_who_was_won_went_on(self):
        lead = self.opportunity(30, (20, self.second), (4, self.won))
        lead.action_set_won()
        self.assertEqual(self.days(lead), {self.first: 10, self.second: 16})
        self.assertEqual(set(self.outcomes(lead).values()), {"advanced"})

    def test_the_time_for_which_it_was_lost_does_not_count_when_it_is_opened_again(self):
        lead = self.opportunity(30, (25, self.second))
        self.archive(lead, 20, lost=True)
        self.restore(lead, 6)
        self.assertEqual(self.days(lead), {self.first: 5, self.second: 5 + 6})
        self.assertEqual(self.outcomes(lead)[self.second], "here")

    def test_it_is_not_known_how_long_an_archived_one_stayed_if_nothing_says_when(self):
        """Unknown is not zero, and an archived one is neither lost nor stuck."""
        lead = self.opportunity(30)
        lead.probability = 20
        lead._write({"active": False, "date_closed": None})
        lead.invalidate_recordset()
        line = self.lines(lead)[self.first]
        self.assertEqual((line.outcome, line.is_stuck), ("archived", False))
        [[days, rate]] = self.env["crm.funnel.stage"]._read_group(
            [("lead_id", "=", lead.id)], [], ["days:avg", "advance_rate:avg"]
        )
        self.assertEqual((days, rate), (False, False))

    def test_the_time_in_a_deleted_stage_is_kept_under_its_name(self):
        lead = self.opportunity(30, (20, self.second), (5, self.third))
        self.second.unlink()
        lines = self.lines(lead)
        self.assertEqual(
            {stage.id: round(line.days) for stage, line in lines.items()},
            {self.first.id: 10, False: 15, self.third.id: 5},
        )
        line = lines[self.env["crm.stage"]]
        self.assertEqual((line.stage_name, line.outcome), ("Offered", False))

    def test_what_was_tracked_of_a_merged_one_before_this_one_was_made_says_nothing(self):
        lead = self.opportunity(10)
        self.track(lead, 40, "stage_id", self.third, self.second)
        self.assertEqual(self.days(lead), {self.first: 10})

    def test_one_that_was_moved_after_it_was_closed_was_no_negative_time_there(self):
        lead = self.opportunity(30)
        self.archive(lead, 20, lost=True)
        self.track(lead, 12, "stage_id", self.first, self.second)
        lead.stage_id = self.second
        self.archive(lead, 20, lost=True)
        self.assertEqual(self.days(lead)[self.second], 0)

    def test_a_lead_is_in_the_funnel_when_it_is_an_opportunity(self):
        lead = self.opportunity(10, type="lead")
        self.assertFalse(self.lines(lead))


@tagged("post_install", "-at_install")
class TestFunnelRates(FunnelTools, CustomerCase):
    """What is usual in a stage, how many go on, and who is stuck."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # ten stays in the first stage, of 1 to 10 days
        cls.passed = [cls.opportunity(20, (20 - days, cls.second)) for days in range(1, 11)]

    def test_usual_is_the_median_and_stuck_is_longer_than_nine_of_ten(self):
        slow, quick = self.opportunity(10), self.opportunity(9)
        lines = {lead: self.lines(lead)[self.first] for lead in (slow, quick)}
        self.assertEqual({line.days_usual for line in lines.values()}, {5.5})
        self.assertEqual((lines[slow].is_stuck, lines[quick].is_stuck), (True, False))

    def test_nothing_is_usual_in_a_stage_that_fewer_than_ten_left(self):
        lead = self.opportunity(300, (290, self.third))
        line = self.lines(lead)[self.third]
        self.assertEqual((line.days_usual, line.is_stuck), (0, False))

    def test_what_is_usual_is_found_in_each_company_for_itself(self):
        other = self.make_company("Other")
        env = self.in_company(self.env, self.company, other)
        lead = self.opportunity(100, company_id=other.id, team_id=False).with_env(env)
        self.env.flush_all()
        line = env["crm.funnel.stage"].search([("lead_id", "=", lead.id)])
        self.assertEqual((line.days, line.days_usual, line.is_stuck), (100, 0, False))

    def test_groups_show_the_median_beside_the_average(self):
        self.opportunity(100, (90, self.second), (0, self.first))
        self.env.flush_all()
        domain = [("stage_id", "=", self.first.id), ("outcome", "=", "advanced")]
        [[median, average, count]] = self.env["crm.funnel.stage"]._read_group(
            domain, [], ["days_median:avg", "days:avg", "__count"]
        )
        self.assertEqual((median, count), (6, 11))
        self.assertAlmostEqual(average, (55 + 10) / 11)

    def test_only_who_went_on_or_was_lost_is_in_the_rate(self):
        self.archive(self.passed[0], 2, lost=True)
        self.archive(self.passed[1], 2, lost=True)
        self.passed[2].stage_id = self.third
        self.track(self.passed[2], 1, "stage_id", self.second, self.third)
        self.passed[3].probability = 20
        self.passed[3].action_archive()
        self.env.flush_all()
        rates = dict(
            self.env["crm.funnel.stage"]._read_group(
                [("stage_id", "in", self.stages.ids)], ["stage_id"], ["advance_rate:avg"]
            )
        )
        self.assertEqual(rates[self.first], 1)
        self.assertAlmostEqual(rates[self.second], 1 / 3)
        self.assertIs(rates[self.third], False, "one that is open has decided nothing")

    def test_a_salesperson_sees_the_stages_of_opportunities_that_he_may_see(self):
        anna, bert = (self.make_user("salesperson", name) for name in ("anna", "bert"))
        leads = {name: self.opportunity(3, user_id=user) for name, user in
                 (("own", anna.id), ("nobody's", False), ("foreign", bert.id))}  # fmt: skip
        self.env.flush_all()
        seen = self.as_user("crm.funnel.stage", anna).search(
            [("stage_id", "=", self.first.id), ("outcome", "=", "here")]
        )
        self.assertEqual(seen.lead_id, leads["own"] | leads["nobody's"])
        action = seen[0].action_open_lead()
        self.assertEqual((action["res_model"], action["res_id"]), ("crm.lead", seen[0].lead_id.id))


@tagged("post_install", "-at_install")
class TestDealResults(FunnelTools, CustomerCase):
    """Why opportunities were won and lost."""

    def result(self, lead):
        self.env.flush_all()
        self.env.invalidate_all()
        return self.env["crm.deal.result"].search([("lead_id", "=", lead.id)])

    def test_open_ones_are_no_result(self):
        self.assertFalse(self.result(self.opportunity(5)))

    def test_the_reason_the_supplier_and_the_stage_of_a_lost_one_are_kept(self):
        reason = self.env["crm.lost.reason"].create({"name": "Delivery time"})
        lead = self.opportunity(30, (20, self.second))
        self.env["crm.lead.lost"].create(
            {"lead_ids": lead.ids, "lost_reason_id": reason.id, "lost_to": " Rival "}
        ).action_lost_reason_apply()
        result = self.result(lead)
        self.assertEqual(
            (result.won_status, result.lost_reason_id, result.lost_to, result.stage_id),
            ("lost", reason, "Rival", self.second),
        )
        self.assertEqual((round(result.days_to_close), result.win_rate), (30, 0))
        lead.action_restore()
        self.assertFalse(lead.lost_to, "it is lost to nobody any more")

    def test_a_won_one_has_the_reason_that_somebody_chose_and_else_none(self):
        lead = self.opportunity(30)
        lead.action_set_won()
        self.assertFalse(self.result(lead).has_reason)
        lead.won_reason_id = self.env.ref("crm_extended.crm_won_reason_service")
        result = self.result(lead)
        self.assertEqual((result.won_reason_id.name, result.win_rate), ("Service and advice", 1))

    def test_contacts_are_counted_up_to_the_closing(self):
        lead = self.opportunity(30)
        for days, values in (
            (20, {"message_type": "email"}),
            (15, {"message_type": "notification"}),
            (10, {"mail_activity_type_id": self.env.ref("mail.mail_activity_data_call").id}),
            (2, {"message_type": "comment"}),
        ):
            values |= {"model": "crm.lead", "res_id": lead.id, "date": self.moment(days)}
            self.env["mail.message"].create(values)
        self.archive(lead, 5, lost=True)
        self.assertEqual(self.result(lead).contact_count, 2)

    def test_amounts_of_nobody_are_not_zero(self):
        lead = self.opportunity(3, expected_revenue=0)
        lead.action_set_won()
        self.env.flush_all()
        [[revenue]] = self.env["crm.deal.result"]._read_group(
            [("lead_id", "=", lead.id)], [], ["expected_revenue:sum"]
        )
        self.assertFalse(revenue)

    def test_a_salesperson_sees_results_of_his_own(self):
        anna, bert = (self.make_user("salesperson", name) for name in ("anna", "bert"))
        own, foreign = (self.opportunity(3, user_id=user.id) for user in (anna, bert))
        (own | foreign).action_set_won()
        self.env.flush_all()
        seen = self.as_user("crm.deal.result", anna).search([("stage_id", "=", own.stage_id.id)])
        self.assertIn(own, seen.lead_id)
        self.assertNotIn(foreign, seen.lead_id)
