"""The generator's data: deterministic, accepted by Odoo, with the margins it claims."""

from datetime import date

import pytest

from benchmarks.generate import Mix, generate

MIX = Mix(customers=60, products=40, as_of=date(2024, 6, 30), refund_share=0.3, seed=7)


@pytest.fixture
def generated(env):
    summary = generate(env, MIX, rebuild_indexes=False)
    return env, summary


def test_every_customer_has_an_invoice_and_the_mean_is_as_asked(generated):
    env, summary = generated
    env.cr.execute("SELECT count(DISTINCT partner_id), min(day), max(day) FROM bench_truth")
    customers, first, last = env.cr.fetchone()
    assert customers == 60
    assert date(2022, 4, 30) <= first and last <= MIX.as_of
    invoices = summary.counts["invoice"] + summary.counts["order_invoice"]
    assert invoices / 60 == pytest.approx(MIX.invoices, rel=0.6)
    assert summary.counts["order_invoice"] > summary.counts["invoice"]


def test_the_same_seed_gives_the_same_truth(env):
    sums = []
    for _time in range(2):
        generate(env, MIX, rebuild_indexes=False)
        env.cr.execute("SELECT sum(revenue)::text, sum(margin)::text, count(*) FROM bench_truth")
        sums.append(env.cr.fetchone())
        env.cr.rollback()
    assert sums[0] == sums[1]


def test_revenue_of_the_truth_is_what_is_booked(generated):
    env, _summary = generated
    env.cr.execute(
        "SELECT (SELECT sum(revenue) FROM bench_truth)"
        " - (SELECT sum(amount_untaxed_signed) FROM account_move"
        "     WHERE commercial_partner_id IN (SELECT partner_id FROM bench_truth))"
    )
    assert env.cr.fetchone() == (0,)


def test_odoo_accepts_the_documents(generated):
    from benchmarks.verify import verify

    env, _summary = generated
    env.cr.execute(
        "SELECT id FROM account_move WHERE commercial_partner_id IN"
        " (SELECT partner_id FROM bench_truth) ORDER BY move_type DESC, id LIMIT 40"
    )
    documents = env["account.move"].browse([move_id for (move_id,) in env.cr.fetchall()])
    assert not any(verify(documents).values())
