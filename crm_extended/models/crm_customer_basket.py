from odoo import api, models
from odoo.tools import SQL

from .crm_customer_steps import RefreshStep

# companies with more documents have their products read once a week, others every night
NIGHTLY_DOCUMENTS = 250_000
READ_DAYS = 7
# customers are compared in as many categories at most: the finest level of the tree that has no
# more of them
MOST_CATEGORIES = 200
DEEPEST = 20


class CrmCustomerBasket(models.Model):
    """What customers bought of each product, read before anything is made of it.

    Read every night, and once a week in companies with very many documents: what similar
    customers buy does not change overnight.
    """

    _inherit = "crm.customer.profile"

    @api.model
    def _refresh_steps(self):
        steps = super()._refresh_steps()
        position = [step.name for step in steps].index("days") + 1
        baskets = RefreshStep("baskets", self.env._("Reading products"), "_refresh_baskets")
        return steps[:position] + [baskets] + steps[position:]

    @api.model
    def _refresh_baskets(self, run) -> float:
        """Stage what was bought of each product, one range of documents a slice."""
        if not run.position:
            run._note(reads_products=self._is_reading_due(run))
            if not self._reads_products(run):
                return 1
            run._create_parent(
                "basket",
                "partner_id integer, product_id integer, purchase_date date, date date,"
                " quantity numeric, amount numeric, margin numeric, known numeric",
            )
        share = self._read_slice(run, self._stage_baskets)
        if share >= 1:
            self._stage_products(run)
        return share

    @api.model
    def _reads_products(self, run) -> bool:
        return (run.statistics or {}).get("reads_products", False)

    @api.model
    def _is_reading_due(self, run) -> bool:
        if run.kind == "explicit" or run.statistics["staged_documents"] <= NIGHTLY_DOCUMENTS:
            return True
        last = self._last_offers(run)
        days = (run.as_of - last.as_of).days if last else READ_DAYS
        return not 0 <= days < READ_DAYS or "source" in run._changed_inputs()

    @api.model
    def _last_offers(self, run):
        """The refresh that found the offers that are shown."""
        return self.env["crm.model.run"].search(
            [
                ("company_id", "=", run.company_id.id),
                ("state", "=", "done"),
                ("offers", "!=", False),
            ],
            order="id DESC",
            limit=1,
        )

    @api.model
    def _stage_baskets(self, run, lines: SQL, number: int) -> int:
        return run._stage(
            f"basket_{number}",
            SQL(
                """SELECT partner_id, product_id, purchase_date, date,
                          SUM(quantity) AS quantity, SUM(amount) AS amount, SUM(margin) AS margin,
                          COALESCE(SUM(ABS(amount)) FILTER (WHERE margin IS NOT NULL), 0) AS known
                     FROM (%s OFFSET 0) AS fact
                    WHERE product_id IS NOT NULL
                    GROUP BY partner_id, product_id, purchase_date, date""",
                lines,
            ),
            parent="basket",
        )

    @api.model
    def _stage_products(self, run):
        """Which customer bought which product when, and the category that each product is compared
        in."""
        run._stage("bought", self._sql_bought(run))
        run._stage("product", self._sql_products(run))

    @api.model
    def _sql_bought(self, run) -> SQL:
        """``(partner_id, product_id, times, first_day, last_day)``; times are distinct days."""
        return SQL(
            """SELECT partner_id, product_id, COUNT(*) AS times,
                      MIN(purchase_date) AS first_day, MAX(purchase_date) AS last_day
                 FROM (
                    SELECT partner_id, product_id, purchase_date
                      FROM %s
                     WHERE purchase_date IS NOT NULL
                     GROUP BY partner_id, product_id, purchase_date
                    HAVING SUM(amount) > 0
                 ) AS days
                GROUP BY partner_id, product_id""",
            run._staging("basket"),
        )

    @api.model
    def _sql_products(self, run) -> SQL:
        """``(product_id, category_id, own_category_id, is_offered)`` of the products that were
        sold. The category is the ancestor of the product's own one on the level that customers are
        compared on."""
        self.env["product.product"].flush_model()
        self.env["product.template"].flush_model()
        self.env["product.category"].flush_model()
        return SQL(
            """SELECT product.id AS product_id,
                      (%(path)s)[LEAST(%(level)s, CARDINALITY(%(path)s))]::integer AS category_id,
                      category.id AS own_category_id,
                      %(offered)s AS is_offered
                 FROM (SELECT DISTINCT product_id FROM %(bought)s) AS sold
                 JOIN product_product AS product ON product.id = sold.product_id
                 JOIN product_template AS template ON template.id = product.product_tmpl_id
                 LEFT JOIN product_category AS category ON category.id = template.categ_id""",
            path=self._sql_path(),
            level=self._category_level(run),
            offered=self._sql_is_offered(run),
            bought=run._staging("bought"),
        )

    @api.model
    def _sql_path(self) -> SQL:
        return SQL("STRING_TO_ARRAY(TRIM(TRAILING '/' FROM category.parent_path), '/')")

    @api.model
    def _sql_is_offered(self, run) -> SQL:
        """Whether a ``product`` of a ``template`` may be offered at all."""
        return SQL(
            """(product.active AND template.active AND template.sale_ok
                AND template.never_offered IS NOT TRUE
                AND (template.company_id IS NULL OR template.company_id = %s))""",
            run.company_id.id,
        )

    @api.model
    def _category_level(self, run) -> int:
        """The finest level of the tree of categories that is not too fine to compare customers."""
        [[level]] = self.env.execute_query(
            SQL(
                """SELECT COALESCE(MAX(level) FILTER (WHERE categories <= %(most)s), 1)
                     FROM (
                        SELECT level, COUNT(DISTINCT
                                 (%(path)s)[LEAST(level, CARDINALITY(%(path)s))]) AS categories
                          FROM (SELECT DISTINCT product_id FROM %(bought)s) AS sold
                          JOIN product_product AS product ON product.id = sold.product_id
                          JOIN product_template AS template ON template.id = product.product_tmpl_id
                          JOIN product_category AS category ON category.id = template.categ_id
                         CROSS JOIN generate_series(1, %(deepest)s) AS level
                         GROUP BY level
                     ) AS levels""",
                most=MOST_CATEGORIES,
                deepest=DEEPEST,
                path=self._sql_path(),
                bought=run._staging("bought"),
            )
        )
        return level
