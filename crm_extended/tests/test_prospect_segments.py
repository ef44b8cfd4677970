from odoo.tests import tagged

from .common import CustomerCase


@tagged("post_install", "-at_install")
class TestProspectSegments(CustomerCase):
    def test_smoke(self):
        self.refresh()
