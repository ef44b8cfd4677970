"""Arithmetic on values, without Odoo: typed, documented, tested by its doctests."""
