"""Targets, records and the table of results."""

import doctest

from benchmarks import harness
from benchmarks.harness import Result, at_least, at_most, below, exactly

HOST = {"cores": 2, "memory_gib": 8, "cpu": "cpu", "python": "3", "postgresql": "15"}


def test_examples_in_docstrings():
    assert not doctest.testmod(harness).failed


def test_a_value_on_the_bound_meets_it_unless_it_must_be_below():
    assert at_most(4).is_met(4) and at_least(30).is_met(30) and exactly(0).is_met(0)
    assert not below(4).is_met(4)


def test_a_result_knows_whether_its_target_was_missed():
    assert Result("a", 5.0, "×", at_most(4)).status == "missed"
    assert Result("a", 3.0, "×", at_most(4)).status == "ok"
    assert Result("a", 3.0, "s").status == "info"
    assert Result("a", status="failed", note="no server").status == "failed"


def test_a_missed_target_stands_out_in_the_table():
    records = [
        Result("refresh", 5.0, "×", at_most(4)).as_record("full", HOST),
        Result("broken", status="failed", note="why | how").as_record("full", HOST),
    ]
    table = harness.table(records)
    assert "| `refresh` | 5 | × | <= 4 | **missed** |  |" in table
    assert "| `broken` |  |  |  | **failed** | why \\| how |" in table


def test_records_survive_being_written(tmp_path):
    record = Result("refresh", 3.14159265, "×", at_most(4)).as_record("quick", HOST)
    path = tmp_path / "results.jsonl"
    harness.write_records([record], path)
    assert harness.read_records(path) == [record]
    assert record["value"] == 3.1416 and record["target"] == "<= 4"
