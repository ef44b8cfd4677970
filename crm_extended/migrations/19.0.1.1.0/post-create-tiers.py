from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """Companies that are there already get the tiers that new ones get."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    env["res.company"]._create_missing_tiers()
