"""Costs of the demo's orders. Not imported by the addon, see ``ir.demo``."""
