import re

from lxml import etree

from odoo.tests import tagged

from .common import CustomerCase
from .ledger import stored_rows

# figure → fields that say whether it is known; itself where 0 is no possible value
SAID_BY = {
    "purchase_interval_days": {"purchase_interval_days", "purchase_count"},
    "revenue_total": {"purchase_count"},
    "revenue_12m": {"purchase_count"},
    "revenue_prev_12m": {"purchase_count"},
    "revenue_best_year": {"purchase_count"},
    "avg_purchase_value": {"purchase_count"},
    "return_rate_12m": {"return_rate_12m"},
    "margin_12m": {"margin_state"},
    "margin_coverage": {"margin_state"},
    "contribution_12m": {"margin_state"},
    "revenue_real_12m": {"purchase_count"},
    "revenue_real_prev_12m": {"purchase_count"},
    "margin_real_12m": {"margin_state"},
    "real_change_12m": {"revenue_real_prev_12m"},
    "payment_days_12m": {"payment_is_known"},
    "next_tier_gap": {"next_tier_gap"},
    "next_tier_margin_gap": {"next_tier_margin_gap"},
    "next_tier_days": {"next_tier_days", "next_tier_id"},
    "tier_keep_gap": {"tier_keep_gap"},
    "p_order_30d": {"prediction_state"},
    "p_order_60d": {"prediction_state"},
    "p_order_90d": {"prediction_state"},
    "expected_orders_365d": {"prediction_state"},
    "expected_value_order": {"expected_value_order"},
    "clv": {"clv"},
    "clv_low": {"clv"},
    "clv_high": {"clv"},
    "value_at_risk": {"value_at_risk"},
    "wallet_amount": {"wallet_amount"},
    "wallet_low": {"wallet_low"},
    "wallet_high": {"wallet_high"},
    "wallet_share": {"wallet_source"},
    "wallet_share_change": {"wallet_share_change"},
    "wallet_headroom": {"wallet_source"},
    "wallet_headroom_low": {"wallet_headroom_high"},
    "wallet_headroom_high": {"wallet_headroom_high"},
    "white_space_headroom": {"white_space_headroom"},
    "peer_count": {"peer_count", "wallet_source"},
    "peer_possible": {"peer_count"},
    "peer_low": {"peer_count"},
    "peer_high": {"peer_count"},
    "first_year_revenue": {"first_year_revenue"},
    "first_year_margin": {"first_year_margin"},
    "r_score": {"r_score"},
    "f_score": {"r_score"},
    "m_score": {"r_score"},
}
ALWAYS_KNOWN = {
    "purchase_count",
    "cost_to_serve_12m",
    "cost_order_12m",
    "cost_delivery_12m",
    "cost_return_12m",
    "cost_call_12m",
    "cost_meeting_12m",
    "cost_delay_12m",
    "open_amount",
    "overdue_amount",
}
MODELS = ("crm.customer.profile", "res.partner")
VIEWS = [(model, view_type) for model in MODELS for view_type in ("list", "form", "kanban")]


@tagged("post_install", "-at_install")
class TestUnknownIsNotZero(CustomerCase):
    """The database keeps NULL, the ORM reads it as 0: each figure has a state beside it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.regular, cls.once, cls.silent, cls.prospect = (
            cls.make_customer(name) for name in ("Regular", "Once", "Silent", "Prospect")
        )
        cls.make_purchases(cls.regular, every=30, count=5, last=3)
        cls.make_invoice(cls.once, 20)
        cls.make_purchases(cls.silent, every=30, count=3, last=900)
        cls.make_lead(cls.prospect)
        cls.refresh()
        cls.stored = stored_rows(cls.env, cls.company)

    def test_every_figure_is_always_known_or_has_something_that_says_so(self):
        profile = self.env["crm.customer.profile"]
        figures = {
            name
            for name, field in profile._fields.items()
            if field.store and field.type in ("integer", "float", "monetary") and name != "id"
        }
        self.assertEqual(
            figures, ALWAYS_KNOWN | set(SAID_BY), "say of each new figure how unknown is told"
        )

    def test_what_is_always_known_is_never_empty(self):
        for row in self.stored.values():
            for name in ALWAYS_KNOWN:
                self.assertIsNotNone(row[name], name)

    def test_prospect_has_bought_nothing_and_the_rest_is_unknown(self):
        row = self.stored[self.prospect.id]
        self.assertEqual((row["lifecycle_stage"], row["purchase_count"]), ("prospect", 0))
        known = {name for name in SAID_BY if row[name] is not None}
        self.assertFalse(known, "no figure of a prospect is known")

    def test_customer_has_revenue_even_where_it_is_zero(self):
        for customer in (self.regular, self.once, self.silent):
            row = self.stored[customer.id]
            for name in ("revenue_total", "revenue_12m", "revenue_prev_12m", "revenue_best_year"):
                self.assertIsNotNone(row[name], f"{name}: purchases are counted, 0 is a fact")
        self.assertEqual(self.stored[self.silent.id]["revenue_12m"], 0)

    def test_interval_is_known_after_the_second_purchase_only(self):
        self.assertIsNone(self.stored[self.once.id]["purchase_interval_days"])
        self.assertIsNotNone(self.stored[self.silent.id]["purchase_interval_days"])

    def test_return_rate_is_unknown_where_nothing_was_bought(self):
        self.assertIsNone(self.stored[self.silent.id]["return_rate_12m"])
        self.assertEqual(self.stored[self.regular.id]["return_rate_12m"], 0)

    def test_state_of_the_margin_says_what_the_margin_cannot(self):
        for row in self.stored.values():
            unknown = row["margin_12m"] is None
            self.assertEqual(row["margin_state"] == "unknown", unknown)
            self.assertEqual(row["contribution_12m"] is None, unknown)

    def test_scores_are_one_to_five_so_that_zero_means_unknown(self):
        for row in self.stored.values():
            for name in ("r_score", "f_score", "m_score"):
                self.assertIn(row[name], (None, 1, 2, 3, 4, 5))

    def test_no_view_shows_a_figure_without_asking_whether_it_is_known(self):
        shown = 0
        for model, view_type in VIEWS:
            arch = etree.fromstring(self.env[model].get_view(view_type=view_type)["arch"])
            for figure, telling in SAID_BY.items():
                for node in arch.iterfind(f".//field[@name='{figure}']"):
                    if self._is_a_value(node):
                        shown += 1
                        self.assertTrue(
                            self._asks(node, telling | {figure, "customer_profile_id"}),
                            f"{model}, {view_type}: {figure} would show 0 for unknown",
                        )
        self.assertGreater(shown, 10, "the views show figures")

    def test_no_shipped_filter_takes_unknown_for_zero(self):
        domains = self.env["ir.filters"].search([("model_id", "in", MODELS)]).mapped("domain")
        for model in MODELS:
            arch = etree.fromstring(self.env[model].get_view(view_type="search")["arch"])
            domains += [node.get("domain") for node in arch.iterfind(".//filter[@domain]")]
        self.assertGreater(len(domains), 10, "filters are shipped")
        for domain in domains:
            asked = set(re.findall(r"[\"'](\w+)[\"']\s*,", domain))
            for figure in asked & set(SAID_BY):
                self.assertTrue(asked & (SAID_BY[figure] - {figure}), f"{figure} in {domain}")

    def _is_a_value(self, node) -> bool:
        hidden = {"1", "True"} & {node.get("invisible"), node.get("column_invisible")}
        # a kanban card declares what its conditions read outside of its templates
        declared = node.getparent().tag == "kanban"
        return not hidden and not declared

    def _asks(self, node, telling) -> bool:
        """Whether the node or what holds it is hidden depending on one of these fields."""
        conditions = [
            element.get(attribute, "")
            for element in (node, *node.iterancestors())
            for attribute in ("invisible", "column_invisible", "t-if")
        ]
        asked = set(re.findall(r"\w+", " ".join(conditions)))
        return bool(asked & telling)
