from odoo import api, fields, models
from odoo.tools import SQL

from ..wording import percent
from .crm_customer_wallet import SAID_SOURCES, WALLET_SOURCES

AMOUNT = "crm_extended.group_amount"


class CrmCustomerHeadroom(models.Model):
    """What a customer spends in our field, our share of it, and the room above what he buys.

    A wallet can't be told from our own sales. Amount and share come from what somebody knows
    alone: the customer told an amount, or our rank among his suppliers, or a benchmark of his
    industry and size; the first that there is decides. A benchmark below what he buys from us is
    none. Without any of them, what similar customers
    buy fills the headroom, and nothing else. All is in prices of the as-of month.
    """

    _inherit = "crm.customer.profile"

    wallet_amount = fields.Monetary(
        "Wallet",
        readonly=True,
        groups=AMOUNT,
        help="What the customer spends in our field in a year, with all suppliers together, "
        "untaxed, in prices of the as-of month. Empty: nobody knows.",
    )
    wallet_low = fields.Monetary(
        readonly=True,
        groups=AMOUNT,
        help="Low end of what the customer spends in a year. Empty: no range is known.",
    )
    wallet_high = fields.Monetary(
        readonly=True,
        groups=AMOUNT,
        help="High end of what the customer spends in a year. Empty: no range is known.",
    )
    wallet_source = fields.Selection(
        WALLET_SOURCES,
        readonly=True,
        help="Where the wallet is known from. Similar customers and categories not bought say "
        "nothing of the wallet: the headroom alone comes from them.",
    )
    wallet_date = fields.Date(
        "Wallet Known On", readonly=True, help="When it was said, or the day of the benchmark."
    )
    wallet_expires_on = fields.Date(
        readonly=True, help="Last day on which the wallet counts; then the next source decides."
    )
    wallet_share = fields.Float(
        "Share of Wallet",
        readonly=True,
        aggregator="avg",
        groups=AMOUNT,
        help="Part of the wallet that is bought from us, 0 to 1: revenue of the 12 months up to "
        "the as-of date by the wallet, or by our rank. Known where the wallet is.",
    )
    wallet_share_change = fields.Float(
        "Change of Share",
        readonly=True,
        aggregator="avg",
        groups=AMOUNT,
        help="Share of wallet less the share of a year before: −0.05 is 5 points less. Known where "
        "the customer had told his wallet, or our rank, a year before.",
    )
    wallet_headroom = fields.Monetary(
        "Headroom",
        readonly=True,
        groups=AMOUNT,
        help="What the customer could buy from us in a year beyond what he buys, in prices of the "
        "as-of month: the rest of the wallet, or without one what similar customers buy.",
    )
    wallet_headroom_low = fields.Monetary(
        "Headroom, Low",
        readonly=True,
        groups=AMOUNT,
        help="Low end of the headroom. Empty: no range is known.",
    )
    wallet_headroom_high = fields.Monetary(
        "Headroom, High",
        readonly=True,
        groups=AMOUNT,
        help="High end of the headroom. Empty: no range is known.",
    )
    white_space_headroom = fields.Monetary(
        "White Space",
        readonly=True,
        groups=AMOUNT,
        help="What similar customers buy in a year in categories in which this one buys less.",
    )

    @api.model
    def _customer_columns(self, run):
        return (
            super()._customer_columns(run)
            | self._wallet_columns()
            | {"white_space_headroom": SQL("white_space.headroom")}
        )

    @api.model
    def _wallet_columns(self) -> dict[str, SQL]:
        """What was said of one customer, beside his row."""
        said = ("source", "amount", "low", "high", "share", "share_low", "share_high", "date",
                "expires_on")  # fmt: skip
        columns = {f"said_{name}": SQL.identifier("wallet", name) for name in said}
        for name in ("source", "amount", "share"):
            columns[f"before_{name}"] = SQL.identifier("wallet_before", name)
        for name in ("amount", "low", "high", "date", "valid_until"):
            columns[f"benchmark_{name}"] = SQL.identifier("benchmark", name)
        return columns

    @api.model
    def _customer_layers(self, run):
        return super()._customer_layers(run) + self._wallet_layers(run)

    @api.model
    def _wallet_layers(self, run) -> list[dict[str, SQL]]:
        """The wallet and what follows from it, from what was said and the revenue of the row."""
        return [
            {
                # our place says nothing of the wallet of who buys nothing from us
                "wallet_known": SQL(
                    """CASE WHEN said_source = 'declared' THEN 'declared'
                            WHEN said_source = 'rank' AND revenue_real_12m > 0 THEN 'rank'
                            WHEN benchmark_amount >= GREATEST(revenue_real_12m, 0)
                            THEN 'benchmark'
                       END"""
                ),
                # NULL is nothing to GREATEST: who never bought has bought 0
                "own_revenue": SQL("GREATEST(revenue_real_12m, 0)"),
            },
            self._sql_wallet_amounts(run)
            | {
                "wallet_source": SQL(
                    # the upper fifth may still leave categories out
                    """COALESCE(wallet_known,
                                CASE WHEN peer_possible > own_revenue THEN 'peers'
                                     WHEN white_space_headroom > 0 THEN 'white_space'
                                     WHEN peer_possible IS NOT NULL THEN 'peers'
                                END)"""
                ),
                "wallet_date": self._sql_by_source("said_date", "benchmark_date"),
                "wallet_expires_on": self._sql_by_source(
                    "said_expires_on", "benchmark_valid_until"
                ),
            },
            self._sql_shares() | self._sql_headrooms(),
            {
                "wallet_share_change": SQL(
                    """CASE WHEN wallet_known IN ('declared', 'rank')
                            THEN ROUND((wallet_share - share_before)::numeric, 6)::float8
                       END"""
                ),
            },
        ]

    @api.model
    def _sql_wallet_amounts(self, run) -> dict[str, SQL]:
        """By rank the larger our share, the smaller the wallet."""
        parts = (
            ("wallet_amount", "amount", "said_share"),
            ("wallet_low", "low", "said_share_high"),
            ("wallet_high", "high", "said_share_low"),
        )
        return {
            name: SQL(
                """ROUND(CASE wallet_known WHEN 'declared' THEN %(said)s
                              WHEN 'rank' THEN own_revenue / %(share)s
                              WHEN 'benchmark' THEN %(benchmark)s END, %(digits)s)""",
                said=SQL.identifier(f"said_{part}"),
                share=SQL.identifier(share),
                benchmark=SQL.identifier(f"benchmark_{part}"),
                digits=run.company_id.currency_id.decimal_places,
            )
            for name, part, share in parts
        }

    @api.model
    def _sql_by_source(self, said: str, benchmark: str) -> SQL:
        return SQL(
            "CASE WHEN wallet_known = 'benchmark' THEN %s"
            " WHEN wallet_known IS NOT NULL THEN %s END",
            SQL.identifier(benchmark),
            SQL.identifier(said),
        )

    @api.model
    def _sql_shares(self) -> dict[str, SQL]:
        """Our share, and that of a year ago by what the customer had said by then."""
        return {
            "wallet_share": SQL(
                # not NULLIF: LEAST takes NULL for nothing, and says 1
                """ROUND(CASE WHEN wallet_known = 'rank' THEN said_share
                              WHEN wallet_amount > 0 THEN LEAST(own_revenue / wallet_amount, 1)
                         END, 6)::float8"""
            ),
            "share_before": SQL(
                """CASE WHEN before_source = 'declared'
                        THEN LEAST(GREATEST(revenue_real_prev_12m, 0) / before_amount, 1)
                        WHEN before_source = 'rank' AND revenue_real_prev_12m > 0
                        THEN before_share
                   END"""
            ),
        }

    @api.model
    def _sql_headrooms(self) -> dict[str, SQL]:
        """What is above the own revenue: the wallet where it is known, else what similar
        customers buy, else what they buy in other categories."""
        parts = (
            ("wallet_headroom", "wallet_amount", "peer_possible", "white_space_headroom"),
            ("wallet_headroom_low", "wallet_low", "peer_low", None),
            ("wallet_headroom_high", "wallet_high", "peer_high", None),
        )
        return {
            name: SQL(
                """CASE WHEN wallet_known IS NOT NULL
                        THEN CASE WHEN %(wallet)s IS NOT NULL
                                  THEN GREATEST(%(wallet)s - own_revenue, 0) END
                        WHEN wallet_source = 'white_space' THEN %(white_space)s
                        WHEN %(peers)s IS NOT NULL THEN GREATEST(%(peers)s - own_revenue, 0)
                   END""",
                wallet=SQL.identifier(wallet),
                peers=SQL.identifier(peers),
                white_space=SQL.identifier(other) if other else SQL("NULL::numeric"),
            )
            for name, wallet, peers, other in parts
        }

    # ------------------------------------------------------------------- in words

    def _headroom_sentence(self) -> str:
        """What is ours of what he spends, and the room, where the customer told something."""
        if self.wallet_source not in SAID_SOURCES or not self.wallet_date:
            return ""
        values = {
            "share": percent(self.env, self.wallet_share),
            "amount": self._format_amount(self.wallet_headroom),
        }
        days = self._days_since(self.wallet_date)
        if days <= 0:
            return self.env._(
                "Buys about %(share)s of such goods from us, as the customer just said; room for "
                "%(amount)s a year.",
                **values,
            )
        return self.env._(
            "Buys about %(share)s of such goods from us, as the customer said %(since)s ago; room "
            "for %(amount)s a year.",
            since=self._format_days(days),
            **values,
        )
