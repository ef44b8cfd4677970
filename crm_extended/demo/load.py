"""Puts the plan into a company."""

import logging
import time
from random import Random

from .acquisition import make_acquisition
from .books import Books
from .contacts import make_contacts
from .handmade import Desk
from .loyalty import make_loyalty
from .pipeline import make_pipeline
from .playbooks import make_playbooks
from .sales import Payment, Plan, make_plan
from .wallets import make_wallets
from .world import World

_logger = logging.getLogger(__name__)

SEED = 42
# no mail, no log notes, no followers: as if all this had happened long ago
QUIET = {
    "tracking_disable": True,
    "mail_create_nolog": True,
    "mail_create_nosubscribe": True,
    "mail_notrack": True,
    "mail_activity_quick_update": True,
    "no_mail_to_attendees": True,
    "dont_notify": True,
    "skip_pdf_attachment_generation": True,
}


def load(env, company=None, *, size=400, walk_ins=1100, today=None, is_shown=False) -> World:
    """Make the demo's customers in a company.

    :param size: number of customers, roughly
    :param walk_ins: sales of one year to the account of passers-by
    :param today: the day from which the past is counted back; default: today in the company
    :param is_shown: people will log in to see it, see ``World.make_users``
    :return: where each customer of the plan is found
    """
    started = time.monotonic()
    company = company or env.company
    # a demo is made by the system, whoever asked for it
    env = env(su=True, context={**env.context, **QUIET, "lang": None})
    env = env["res.company"].with_company(company).env
    company = company.with_env(env)
    _load_chart(company)
    rng = Random(SEED)
    plan = make_plan(rng, size, walk_ins)
    world = World(env, company, today or company._customer_today(), plan, rng)
    world.set_costs()
    world.make_users(is_shown)
    world.make_products()
    world.make_partners()
    desk = Desk(world, world.make_pricelist())
    payment = _choose_model(plan)
    [model] = payment.sales
    Books(world, desk.sell(model, payment.age)).book(
        [sale for sale in plan.sales if sale is not model and not sale.is_handmade],
        [other for other in plan.payments if other is not payment],
    )
    desk.make_special_cases()
    make_contacts(world)
    make_loyalty(world)
    make_wallets(world)
    make_playbooks(world)
    make_pipeline(world)
    make_acquisition(world)
    env["ir.demo"]._complete_customers(company)
    env.flush_all()
    _logger.info(
        "Made %s customers with %s sales in %.0f s",
        len(plan.customers),
        len(plan.sales),
        time.monotonic() - started,
    )
    return world


def _load_chart(company):
    """Without a chart of accounts nothing can be invoiced; the chart brings a currency along."""
    if not company.chart_template:
        currency = company.currency_id
        company.env["account.chart.template"].try_loading(
            "generic_coa", company, install_demo=False
        )
        company.currency_id = currency


def _choose_model(plan: Plan) -> Payment:
    """The oldest payment of a sale that has everything: order, credit note, nothing else paid."""
    return max(
        (
            payment
            for payment in plan.payments
            if len(payment.sales) == 1
            and payment.sales[0].has_order
            and payment.sales[0].refund_age is not None
        ),
        key=lambda payment: payment.age,
    )
