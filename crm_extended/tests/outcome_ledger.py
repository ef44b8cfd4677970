"""Outcomes of cases on random ledgers, against plain Python."""

from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal

from ..models.crm_playbook_outcome import LATE_DAYS
from . import reference
from .ledger import LedgerCase
from .test_playbook_outcomes import OutcomeTools


class OutcomeLedgerCase(OutcomeTools, LedgerCase):
    """Outcomes of random ledgers, in windows of all customers."""

    def assert_outcomes_equal_reference(self, ledger, as_of, rules, windows):
        with closing(self.env.cr.savepoint()):
            cases = {}
            for start, end in windows:
                playbook = self.make_playbook()
                for number, contacts in enumerate(self.partners):
                    values = {"date_assigned": start, "date_start": start, "date_end": end}
                    case = self.make_case(playbook, contacts[0], state="closed", **values)
                    cases[case.id] = (number, start, end)
            self.rows_of(ledger, as_of, rules)
            self.env.cr.execute(
                "SELECT id, order_count, revenue::text, margin::text, gross::text,"
                " gross_known::text FROM crm_playbook_case WHERE id = ANY(%s)",
                (list(cases),),
            )
            found = {
                id_: (count, *(amount and Decimal(amount) for amount in amounts))
                for id_, count, *amounts in self.env.cr.fetchall()
            }
        facts = reference.facts(ledger, as_of, rules)
        expected = {
            id_: self._expected([fact for fact in facts if fact.customer == number], start, end)
            for id_, (number, start, end) in cases.items()
        }
        self.assertTrue(any(count for count, *_amounts in found.values()), "somebody bought")
        parts = self._parts()
        self.assertEqual(
            {id_: outcome[:parts] for id_, outcome in found.items()},
            {id_: outcome[:parts] for id_, outcome in expected.items()},
        )

    def _parts(self):
        """Orders and revenue."""
        return 2

    @classmethod
    def _expected(cls, lines, assigned: date, end: date) -> tuple:
        """Orders, revenue, margin, amounts and amounts of known cost of a customer's purchase
        lines, by the rules."""
        last = end + timedelta(days=LATE_DAYS)
        origin = {}
        for line in lines:
            known, unknown = origin.setdefault(line.document, ([], []))
            (known if line.purchase_day else unknown).append(line.purchase_day or line.day)

        def day_of(line):
            document = line.document
            if not line.purchase_day and getattr(document, "reverses", None) in origin:
                document = document.reverses
            known, unknown = origin[document]
            return line.purchase_day or min(known or unknown)

        counted = [line for line in lines if assigned < day_of(line) <= end and line.day <= last]
        costed = [line for line in counted if line.margin is not None]
        zero = Decimal(0)
        return (
            len(reference.days_of(counted)),
            sum((line.amount for line in counted), zero),
            sum((line.margin for line in costed), zero) if costed or not counted else None,
            sum((abs(line.amount) for line in counted), zero),
            sum((abs(line.amount) for line in costed), zero),
        )
