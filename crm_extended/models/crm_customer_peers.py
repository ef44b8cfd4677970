from odoo import api, fields, models
from odoo.tools import SQL

from .crm_model_run import Asked

# what customers have in common, the most telling first
PEER_TRAITS = ("industry_id", "customer_size", "country_id", "band")
# groups from the finest to the coarsest; the first that is large enough is taken
PEER_LEVELS = (
    PEER_TRAITS,
    ("industry_id", "customer_size", "band"),
    ("industry_id", "band"),
    ("country_id", "band"),
    ("band",),
    (),
)
# others that a group needs
LEAST_PEERS = 15
# of a group's revenue: what is possible, and its range
PEER_SHARES = {"peer_low": 0.7, "peer_possible": 0.8, "peer_high": 0.9}


def grouping(level: tuple) -> int:
    """What PostgreSQL's ``GROUPING`` of the traits says of a level.

    >>> [grouping(level) for level in PEER_LEVELS]
    [0, 2, 6, 12, 14, 15]
    """
    bits = ("0" if trait in level else "1" for trait in PEER_TRAITS)
    return int("".join(bits), 2)


class CrmCustomerPeers(models.Model):
    """The customers who are like one: of his industry, size and country, and of his quarter of
    the buyers by revenue of 12 months.

    Where a group has fewer than 15 others, a coarser one is taken, at last all who bought. What
    the upper fifth of the group buys (80th percentile) is taken for possible, 70th and 90th are
    its range. Only who bought in the 12 months is somebody's peer; who bought before them is
    compared with the lowest quarter.
    """

    _inherit = "crm.customer.profile"

    peer_group = fields.Char(
        "Group of Similar Customers",
        readonly=True,
        help="What they have in common: industry (i), size (s), country (c) and quarter of the "
        "buyers by revenue (b), by id.",
    )
    peer_count = fields.Integer(
        "Similar Customers",
        readonly=True,
        aggregator="avg",
        help="Other customers of the same industry, size, country and quarter of the buyers by "
        "revenue, as far as there are 15 of them. 0: there are too few to compare.",
    )
    peer_possible = fields.Monetary(
        "Similar Customers Buy",
        readonly=True,
        groups="crm_extended.group_amount",
        help="What the upper fifth of similar customers buys from us (80th percentile of the "
        "revenue of 12 months), in prices of the as-of month.",
    )
    peer_low = fields.Monetary(
        "Similar Customers Buy, Low",
        readonly=True,
        groups="crm_extended.group_amount",
        help="70th percentile of similar customers' revenue of 12 months, in prices of the as-of "
        "month.",
    )
    peer_high = fields.Monetary(
        "Similar Customers Buy, High",
        readonly=True,
        groups="crm_extended.group_amount",
        help="90th percentile of similar customers' revenue of 12 months, in prices of the as-of "
        "month.",
    )

    @api.model
    def _customer_aggregates(self, run):
        return super()._customer_aggregates(run) | {"peer": self._sql_peers(run)}

    @api.model
    def _customer_columns(self, run):
        names = ("peer_group", "peer_count", *PEER_SHARES)
        return super()._customer_columns(run) | {
            name: SQL.identifier("peer", name) for name in names
        }

    @api.model
    def _sql_peers(self, run) -> SQL:
        """One row per customer who has peers: ``partner_id, peer_group, peer_level, peer_count,
        peer_low, peer_possible, peer_high``, and his traits ``industry_id, customer_size,
        country_id, band``, by which others form the same groups (``PEER_LEVELS``).

        Who asks of one customer after the run reads what it found: his peers are not asked.
        """
        if isinstance(run.env.context.get("customer_asked"), Asked):
            return SQL(
                """SELECT partner_id, peer_group, peer_count, peer_low, peer_possible, peer_high
                     FROM crm_customer_profile
                    WHERE company_id = %s AND peer_count IS NOT NULL AND %s""",
                run.company_id.id,
                run._of_whom(SQL("partner_id")),
            )
        digits = run.company_id.currency_id.decimal_places
        return SQL(
            """WITH %(members)s,
               peer_groups AS (%(groups)s)
               SELECT member.partner_id, found.peer_group, found.level AS peer_level,
                      (found.members - member.is_buyer::integer)::integer AS peer_count,
                      %(possible)s,
                      member.industry_id, member.customer_size, member.country_id, member.band
                 FROM members AS member
                 %(joins)s
                CROSS JOIN LATERAL (SELECT %(found)s) AS found
                WHERE found.level IS NOT NULL""",
            members=self._sql_peer_members(run),
            groups=self._sql_peer_groups(),
            possible=SQL(", ").join(
                SQL("ROUND(found.%s::numeric, %s) AS %s", name, digits, name)
                for name in map(SQL.identifier, PEER_SHARES)
            ),
            joins=SQL(" ").join(
                self._sql_peer_join(number, level) for number, level in enumerate(PEER_LEVELS)
            ),
            found=SQL(", ").join(
                SQL(
                    "COALESCE(%s) AS %s",
                    SQL(", ").join(
                        SQL.identifier(f"level_{number}", name)
                        for number in range(len(PEER_LEVELS))
                    ),
                    SQL.identifier(name),
                )
                for name in ("level", "peer_group", "members", *PEER_SHARES)
            ),
        )

    @api.model
    def _sql_peer_members(self, run) -> SQL:
        """Customers with their traits and the quarter of the buyers that they are in. Equal
        customers share a quarter."""
        self.env["res.partner"].flush_model()
        revenue = "revenue_real_12m" if run.price_basis == "real" else "revenue_12m"
        return SQL(
            """customers AS MATERIALIZED (
                SELECT partner.id AS partner_id, partner.industry_id, partner.customer_size,
                       partner.country_id, value.revenue > 0 AS is_buyer, value.revenue
                  FROM (
                    SELECT partner_id, COALESCE(%(revenue)s, 0)::float8 AS revenue FROM %(value)s
                  ) AS value
                  JOIN %(rhythm)s AS rhythm ON rhythm.partner_id = value.partner_id
                  JOIN res_partner AS partner ON partner.id = value.partner_id
                 WHERE %(due)s
            ),
            cuts AS (
                SELECT percentile_cont(ARRAY[0.25, 0.5, 0.75])
                       WITHIN GROUP (ORDER BY revenue) AS cut
                  FROM customers
                 WHERE is_buyer
            ),
            members AS MATERIALIZED (
                SELECT customers.*,
                       1 + COALESCE((revenue > cut[1])::integer + (revenue > cut[2])::integer
                                    + (revenue > cut[3])::integer, 0) AS band
                  FROM customers, cuts
            )""",
            revenue=SQL.identifier(revenue),
            value=run._staging("value"),
            rhythm=run._staging("rhythm"),
            due=self._sql_is_due(run),
        )

    @api.model
    def _sql_peer_groups(self) -> SQL:
        """Groups of buyers at all levels. Customers whose trait nobody entered have it not in
        common."""
        traits = SQL(", ").join(map(SQL.identifier, PEER_TRAITS))
        sets = [SQL("(%s)", SQL(", ").join(map(SQL.identifier, level))) for level in PEER_LEVELS]
        return SQL(
            """SELECT GROUPING(%(traits)s) AS level, %(traits)s, COUNT(*) AS members,
                      %(key)s AS peer_group,
                      %(possible)s
                 FROM members
                WHERE is_buyer
                GROUP BY GROUPING SETS (%(sets)s)
               HAVING COUNT(*) >= %(least)s AND %(entered)s""",
            traits=traits,
            key=self._sql_peer_key(),
            possible=SQL(", ").join(
                SQL(
                    "percentile_cont(%s) WITHIN GROUP (ORDER BY revenue) AS %s",
                    share,
                    SQL.identifier(name),
                )
                for name, share in PEER_SHARES.items()
            ),
            sets=SQL(", ").join(sets),
            least=LEAST_PEERS,
            entered=self._sql_traits_entered(),
        )

    @api.model
    def _sql_traits_entered(self) -> SQL:
        return SQL(" AND ").join(
            SQL("(GROUPING(%(trait)s) = 1 OR %(trait)s IS NOT NULL)", trait=SQL.identifier(trait))
            for trait in PEER_TRAITS
        )

    @api.model
    def _sql_peer_key(self) -> SQL:
        """What the members of a group have in common, in one word."""
        traits = SQL(", ").join(
            SQL("%s || %s", trait[0] if trait != "customer_size" else "s", SQL.identifier(trait))
            for trait in PEER_TRAITS
        )
        return SQL("COALESCE(NULLIF(concat_ws('/', %s), ''), 'all')", traits)

    @api.model
    def _sql_peer_join(self, number: int, level: tuple) -> SQL:
        """A customer's group of one level, where enough others are in it."""
        alias = SQL.identifier(f"level_{number}")
        same = [
            SQL("%s.%s = member.%s", alias, SQL.identifier(trait), SQL.identifier(trait))
            for trait in level
        ]
        return SQL(
            # a table of its own: all groups are not gone through for each customer
            """LEFT JOIN (SELECT * FROM peer_groups WHERE level = %(level)s OFFSET 0) AS %(alias)s
                      ON %(alias)s.members - member.is_buyer::integer >= %(least)s
                     AND %(same)s""",
            alias=alias,
            level=grouping(level),
            least=LEAST_PEERS,
            same=SQL(" AND ").join(same) if same else SQL("TRUE"),
        )
