"""Fixtures: an Odoo environment whose work is undone.

The tests that need one run on the database that ``BENCH_DATABASE`` names (any with sale_crm and
a chart of accounts); without it they are skipped.
"""

import os

import pytest


@pytest.fixture
def env():
    database = os.environ.get("BENCH_DATABASE")
    if not database:
        pytest.skip("BENCH_DATABASE names no database")
    from benchmarks.odoo_env import environment

    with environment(database) as odoo_env:
        yield odoo_env
        odoo_env.cr.rollback()
