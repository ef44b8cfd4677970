"""What the CSV loader makes of clean and of dirty lines."""

import doctest
import io
from decimal import Decimal

import pytest

from benchmarks import csv_lines
from benchmarks.csv_lines import Layout, Reader
from benchmarks.load_csv import load_stream, parse_arguments

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
LAYOUT = Layout(charges=frozenset({"POST"}), cancel_prefix="C")
CLEAN = """\
T1,LAMP,Lamp,6,2021-12-01 08:26:00,2.55,T17850,United Kingdom
T1,MUG,Mug,2,2021-12-01 08:26:00,3.335,T17850,United Kingdom
T2,LAMP,Lamp,1,2022-01-03 10:00:00,2.75,T13047,France
"""
DIRTY = """\
T3,LAMP,Lamp,4,2022-01-04,2.55,,United Kingdom
CT4,LAMP,Lamp,-6,2022-01-05,2.55,T17850,United Kingdom
T5,POST,Postage,1,2022-01-06,18,T13047,France
T5,LAMP,,2,2022-01-06,2.55,T13047,France
T5,MUG,Mug,-1,2022-01-06,3.335,T13047,France
T6,MUG,Mug,1,2022-01-07,0,T13047,Nowhere
T7,MUG,Mug,one,2022-01-07,1,T13047,France
T8,MUG,Mug,-3,2022-01-08,3,T13047,France
,MUG,Mug,1,2022-01-08,3,T13047,France
"""


def read(text, layout=LAYOUT, **options):
    reader = Reader(layout, **options)
    return list(reader.read(io.StringIO(HEADER + text))), reader.report


def test_examples_in_docstrings():
    assert not doctest.testmod(csv_lines).failed


def test_clean_lines_are_of_no_kind_and_keep_their_amounts():
    lines, report = read("T1,LAMP,Lamp,6,2021-12-01,2.55,T1,France\n")
    assert [(line.amount, line.kinds) for line in lines] == [(Decimal("15.30"), ())]
    assert (report.lines, report.booked_lines, report.amount) == (1, 1, Decimal("15.30"))
    assert not report.kinds


def test_every_line_is_either_booked_or_counted_as_left_out():
    lines, report = read(CLEAN + DIRTY)
    assert report.lines == 12
    assert report.booked_lines == len(lines) == 10
    assert dict(report.skipped) == {"unreadable": 2}
    assert report.unreadable_examples == [
        "line 11: quantity 'one' is no number",
        "line 13: no document number",
    ]


def test_kinds_of_dirty_lines_are_counted():
    _lines, report = read(CLEAN + DIRTY)
    assert dict(report.kinds) == {
        "no_customer": 1,
        "cancellation": 1,
        "negative_quantity": 2,
        "zero_price": 1,
        "charge": 1,
        "below_cent": 1,
        "no_description": 1,
        "unreadable": 2,
    }


def test_a_kind_can_be_left_out_on_request_and_is_counted():
    lines, report = read(CLEAN + DIRTY, skip=["no_customer", "zero_price"])
    assert not any(line.customer == "" or line.price == 0 for line in lines)
    assert report.skipped["no_customer (as asked)"] == 1
    assert report.skipped["zero_price (as asked)"] == 1


def test_an_unknown_kind_to_leave_out_is_refused():
    with pytest.raises(ValueError, match="No kind of line is called typo"):
        Reader(LAYOUT, skip=["typo"])


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="no column UnitPrice"):
        list(Reader(LAYOUT).read(io.StringIO(HEADER.replace("UnitPrice", "Price"))))


def test_amounts_follow_the_rounding_of_the_currency():
    lines, report = read("T1,LAMP,Lamp,1,2021-12-01,2.53,T1,France\n", rounding=Decimal("0.05"))
    assert lines[0].amount == Decimal("2.55")
    assert report.rounding == Decimal("0.02")


def test_infinite_quantities_and_impossible_dates_are_unreadable():
    _lines, report = read(
        "T1,A,A,inf,2021-12-01,1,T1,France\nT1,A,A,1,2021-13-01,1,T1,France\nT1,A,A\n"
    )
    assert report.unreadable_examples == [
        "line 2: quantity 'inf' is no number",
        "line 3: date '2021-13-01' is not understood",
        "line 4: 3 columns instead of 8",
    ]


def test_another_layout_is_a_matter_of_options():
    layout = Layout(
        invoice="nr", product="sku", description="text", quantity="n", date="day", price="each",
        customer="who", country="land", date_format="%d.%m.%Y", delimiter=";",
    )  # fmt: skip
    text = "who;nr;day;sku;text;n;each;land\nK1;R1;24.12.2021;A;Lampe;2;1.50;Germany\n"
    (line,) = Reader(layout).read(io.StringIO(text))
    assert (line.customer, line.date.isoformat(), line.amount) == (
        "K1", "2021-12-24T00:00:00", Decimal("3.00"),
    )  # fmt: skip


def test_the_command_line_knows_every_column():
    options = parse_arguments(["-d", "db", "lines.csv", "--invoice", "nr", "--skip", "charge"])
    assert (options.invoice, options.product, options.skip) == ("nr", "StockCode", ["charge"])


# With a database


def load(env, text, **options):
    return load_stream(env, io.StringIO(HEADER + text), LAYOUT, **options)


def moves(env):
    found = env["account.move"].search([("ref", "=like", "%T_")], order="ref")
    return {move.ref: move for move in found}


def test_documents_are_posted_with_the_amounts_of_their_lines(env):
    report = load(env, CLEAN)
    found = moves(env)
    assert (report.invoices, report.partners, report.products) == (2, 2, 2)
    assert {ref: move.amount_total for ref, move in found.items()} == {"T1": 21.97, "T2": 2.75}
    assert set(env["account.move"].browse([m.id for m in found.values()]).mapped("state")) == {
        "posted"
    }
    assert found["T1"].commercial_partner_id.country_id.code == "GB"
    assert found["T1"].line_ids.filtered("product_id").product_id.mapped("default_code") == [
        "LAMP", "MUG",
    ]  # fmt: skip


def test_a_negative_total_becomes_a_credit_note(env):
    report = load(env, CLEAN + DIRTY)
    found = moves(env)
    assert {ref for ref, move in found.items() if move.move_type == "out_refund"} == {"CT4", "T8"}
    assert found["CT4"].amount_total == 15.30
    assert found["CT4"].invoice_line_ids.quantity == 6
    assert report.negative_invoices == 1


def test_lines_without_customer_go_to_one_walk_in_partner(env):
    report = load(env, CLEAN + DIRTY)
    assert moves(env)["T3"].partner_id.id == report.walk_in_partner_id
    assert env["res.partner"].browse(report.walk_in_partner_id).name == "Unknown buyer"


def test_charges_are_services_and_unknown_countries_are_reported(env):
    report = load(env, CLEAN + DIRTY)
    product = env["product.product"].search([("default_code", "=", "POST")])
    assert product.type == "service"
    assert report.unknown_countries == ["Nowhere"]


def test_what_is_booked_is_what_was_read(env):
    report = load(env, CLEAN + DIRTY)
    booked = sum(move.amount_untaxed_signed for move in moves(env).values())
    assert round(booked, 2) == float(report.amount)


def test_a_second_load_changes_nothing(env):
    load(env, CLEAN)
    report = load(env, CLEAN)
    assert (report.invoices, report.partners, report.booked_lines) == (0, 0, 0)
    assert report.skipped["already loaded"] == 3


def test_more_documents_go_to_the_partners_and_products_that_are_there(env):
    load(env, CLEAN)
    report = load(env, CLEAN + "T9,LAMP,Lamp,1,2022-02-01,2.75,T13047,France\n")
    assert (report.invoices, report.partners, report.products) == (1, 0, 0)
    assert moves(env)["T9"].partner_id == moves(env)["T2"].partner_id


def test_odoo_accepts_the_documents(env):
    from benchmarks.verify import verify

    load(env, CLEAN + DIRTY)
    documents = env["account.move"].browse([move.id for move in moves(env).values()])
    assert not any(verify(documents).values())
