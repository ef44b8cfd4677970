from datetime import timedelta

from odoo.tests import tagged

from ..models.crm_playbook_outcome import LATE_DAYS
from .common import CustomerCase

CASE = "crm.playbook.case"


class OutcomeTools:
    """Cases with a window of 60 days that begins 100 days ago: 40 days ago is its last day."""

    @classmethod
    def make_playbook(cls, **values):
        return cls.env["crm.playbook"].create(
            {"name": "Playbook", "company_id": cls.company.id, "event_kind": "at_risk"} | values
        )

    @classmethod
    def make_case(cls, playbook, customer, **values):
        return cls.env[CASE].create(
            {
                "playbook_id": playbook.id,
                "partner_id": customer.id,
                "company_id": playbook.company_id.id,
                "reason": playbook.reason,
                "arm": "treated",
            }
            | values
        )

    @classmethod
    def make_window(cls, customer, assigned=100, ended=40, playbook=None, **values):
        return cls.make_case(
            playbook or cls.playbook,
            customer,
            **{
                "date_assigned": cls.ago(assigned),
                "date_start": cls.ago(assigned),
                "date_end": cls.ago(ended),
                "state": "closed",
            }
            | values,
        )

    def outcome(self, case):
        self.env.invalidate_all()
        return case.order_count, case.revenue


@tagged("post_install", "-at_install")
class TestPlaybookOutcomes(OutcomeTools, CustomerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.playbook = cls.make_playbook()
        cls.customer = cls.make_customer()
        cls.case = cls.make_window(cls.customer)

    def test_the_window_begins_the_day_after_and_ends_with_its_last_day(self):
        self.make_invoices(
            [(self.customer, day, 2.0**number) for number, day in enumerate((101, 100, 99, 40, 39))]
        )
        self.refresh()
        self.assertEqual(self.outcome(self.case), (2, 4 + 8))

    def test_two_purchases_of_a_day_are_one_order(self):
        self.make_invoices([(self.customer, 90, 10.0), (self.customer, 90, 20.0)])
        self.refresh()
        self.assertEqual(self.outcome(self.case), (1, 30))

    def test_a_purchase_of_the_window_counts_though_it_is_invoiced_after(self):
        self.invoice_order(self.make_order(self.customer, 45, 70.0), 40 - LATE_DAYS)
        self.invoice_order(self.make_order(self.customer, 44, 500.0), 39 - LATE_DAYS)
        self.refresh()
        self.assertEqual(self.outcome(self.case), (1, 70), "not for ever")

    def test_a_purchase_before_the_window_does_not_count_when_it_is_invoiced_in_it(self):
        self.invoice_order(self.make_order(self.customer, 105, 70.0), 90)
        self.refresh()
        self.assertEqual(self.outcome(self.case), (0, 0))

    def test_a_credit_note_counts_with_its_invoice(self):
        inside = self.make_invoice(self.customer, 45, 70.0)
        before = self.make_invoice(self.customer, 110, 50.0)
        self.make_credit_note(self.customer, 35, 20.0, invoice=inside)
        self.make_credit_note(self.customer, 90, 10.0, invoice=before)
        self.refresh()
        self.assertEqual(self.outcome(self.case), (1, 50), "of what was bought in the window")

    def test_a_credit_note_of_no_invoice_counts_on_its_own_day(self):
        self.make_invoice(self.customer, 90, 70.0)
        self.make_credit_note(self.customer, 80, 5.0)
        self.make_credit_note(self.customer, 30, 30.0)
        self.refresh()
        self.assertEqual(self.outcome(self.case), (1, 65))

    def test_what_was_wholly_taken_back_is_no_order(self):
        invoice = self.make_invoice(self.customer, 45, 70.0)
        self.make_credit_note(self.customer, 35, 70.0, invoice=invoice)
        self.refresh()
        self.assertEqual(self.outcome(self.case), (0, 0))

    def test_who_was_held_out_or_is_done_has_an_outcome_all_the_same(self):
        others = [self.make_customer() for _number in range(3)]
        cases = [
            self.make_window(others[0], arm="held_out", state="open"),
            self.make_window(others[1], close_reason="done", date_closed=self.ago(95)),
            self.make_window(others[2], arm="exempt", state="open", reason="tier"),
        ]
        self.make_invoices([(customer, 90, 10.0) for customer in others])
        self.refresh()
        self.assertEqual([self.outcome(case) for case in cases], 3 * [(1, 10)])

    def test_amounts_are_in_the_currency_of_the_company_at_the_rate_of_the_document(self):
        currency = self.env["res.currency"].create({"name": "TST", "symbol": "t"})
        self.env["res.currency.rate"].create(
            {
                "currency_id": currency.id,
                "company_id": self.company.id,
                "name": self.ago(200),
                "rate": 4,
            }
        )
        self.make_invoice(self.customer, 90, 100.0, currency_id=currency.id)
        self.refresh()
        self.assertEqual(self.outcome(self.case), (1, 25))

    def test_what_was_bought_of_another_company_does_not_count(self):
        other = self.make_company("Other Outcome Company")
        self.make_invoice(self.customer, 90, 100.0, company=other)
        self.refresh(companies=self.company | other)
        self.assertEqual(self.outcome(self.case), (0, 0))

    def test_nothing_is_known_before_the_first_night_after(self):
        case = self.make_window(self.make_customer(), assigned=0, ended=-60)
        self.refresh()
        self.assertFalse(case.outcome_state, "unknown, not zero")

    def test_an_outcome_becomes_final_when_late_documents_count_no_more(self):
        last = self.case.date_end + timedelta(days=LATE_DAYS)
        self.make_invoice(self.customer, 90, 10.0)
        self.refresh(as_of=last - timedelta(days=1))
        self.assertEqual(self.case.outcome_state, "running")
        self.refresh(as_of=last)
        self.assertEqual(self.case.outcome_state, "final")
        self.make_invoice(self.customer, 80, 10.0)
        self.refresh()
        self.assertEqual(self.outcome(self.case), (1, 10), "final is final")

    def test_a_restated_earlier_day_changes_nothing(self):
        self.make_invoice(self.customer, 45, 10.0)
        case = self.make_window(self.customer, ended=-10)
        self.refresh()
        self.assertEqual(self.outcome(case), (1, 10))
        self.refresh(as_of=self.ago(60))
        self.assertEqual(self.outcome(case), (1, 10))

    def test_a_second_night_of_the_day_writes_no_row(self):
        self.make_window(self.make_customer(), ended=-10)
        self.make_invoice(self.customer, 90, 10.0)
        self.refresh()
        before = self._versions()
        self.refresh()
        self.assertEqual(self._versions(), before)

    def test_the_number_of_queries_does_not_grow_with_the_cases(self):
        def night():
            with self.queries() as statements:
                self.refresh()
            return len(statements)

        counts = []
        # so many that a model is learned in both nights
        for more in (25, 25):
            for _number in range(more):
                self.make_window(self.make_customer())
            self.refresh()
            counts.append(night())
        self.assertLessEqual(counts[1], counts[0] + 2)

    def _versions(self):
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT 'case', id, xmin::text FROM crm_playbook_case UNION ALL"
            " SELECT 'result', id, xmin::text FROM crm_playbook_result ORDER BY 1, 2"
        )
        return self.env.cr.fetchall()
