import re
from typing import NamedTuple

from odoo import api, fields, models
from odoo.tools import SQL

from ..report.crm_customer_fact import Slice
from ..sql import sql_columns, sql_replacement

# document ids read by one slice: some 3 s, well below the 20 s that a slice may take
SLICE_DOCUMENTS = 250_000


class RefreshStep(NamedTuple):
    """One step of a refresh: ``method(run)`` does one slice of it and returns the share that
    is done, 0 to 1."""

    name: str
    label: str
    method: str


class CrmCustomerSteps(models.Model):
    """The steps of a refresh: from purchase lines to published rows."""

    _inherit = "crm.customer.profile"

    @api.model
    def _refresh_steps(self) -> list[RefreshStep]:
        """What a refresh does, in order. Other addons insert steps of their own."""
        return [
            RefreshStep("facts", self.env._("Reading purchases"), "_refresh_facts"),
            RefreshStep("days", self.env._("Finding rhythms"), "_refresh_days"),
            RefreshStep("aggregates", self.env._("Adding up by customer"), "_refresh_aggregates"),
            RefreshStep("rows", self.env._("Computing customers"), "_refresh_rows"),
            RefreshStep("publish", self.env._("Publishing"), "_refresh_publish"),
            RefreshStep("leads", self.env._("Updating open opportunities"), "_refresh_leads"),
        ]

    @api.model
    def _refresh_limits(self):
        """Memory and patience of the statements of this transaction."""
        self.env.cr.execute(
            "SET LOCAL work_mem = '256MB';"
            "SET LOCAL hash_mem_multiplier = 2;"
            "SET LOCAL jit = off;"
            "SET LOCAL lock_timeout = '10s';"
            # a killed worker's statement must not go on for ever
            "SET LOCAL statement_timeout = '10min';"
        )

    @api.model
    def _refresh_facts(self, run) -> float:
        """Sum the purchase lines by document and purchase day, one range of ids a slice."""
        if not run.position:
            run._create_staging()
        share = self._read_slice(run, self._stage_documents)
        run._note(staged_documents=run.position["count"])
        return share

    @api.model
    def _read_slice(self, run, stage) -> float:
        """Read the next range of documents; the share of all that is read.

        :param stage: ``stage(run, lines, name)`` stages what it makes of purchase lines under a
            name made from ``name``, a number of its own for each range, and returns how many rows
            it staged. All of them are counted in the run's position.
        """
        self._refresh_limits()
        # the planner takes a range of documents for a few, and would look up each row of them
        self.env.cr.execute("SET LOCAL enable_nestloop = off; SET LOCAL parallel_setup_cost = 100")
        tables = sorted(self.env["crm.customer.fact"]._fact_tables(run.company_id).items())
        position = run.position or {"table": 0, "id": 0, "slice": 0, "count": 0}
        source, table = tables[position["table"]]
        [[first, last]] = self.env.execute_query(
            SQL(
                "SELECT MIN(id), MAX(id) FROM %s WHERE id > %s",
                SQL.identifier(table),
                position["id"],
            )
        )
        if first is not None:
            until = min(first + SLICE_DOCUMENTS - 1, last)
            lines = self._lines_of_slice(run, source, first, until)
            position["count"] += stage(run, lines, position["slice"])
            start = position["start"] if position["id"] else first
            position |= {"id": until, "slice": position["slice"] + 1, "start": start}
        share = (position["id"] - start + 1) / (last - start + 1) if last else 1
        if share == 1:
            position |= {"table": position["table"] + 1, "id": 0}
            share = 0
        run.position = position
        return (position["table"] + share) / len(tables)

    @api.model
    def _lines_of_slice(self, run, source: int, first: int, last: int) -> SQL:
        facts = self.env["crm.customer.fact"]
        run._stage("link", facts._bulk_links(source, first, last))
        # few of many documents: looked up one by one, where all others are read in bulk
        self.env.cr.execute("SET LOCAL enable_nestloop = on")
        run._stage("reversal", facts._bulk_reversals(run.as_of, run.company_id, first, last))
        self.env.cr.execute("SET LOCAL enable_nestloop = off")
        part = Slice(first, last, run._staging("link"), run._staging("reversal"))
        lines = facts._fact_sources(run.as_of, run.company_id, {source: part})
        return SQL(" UNION ALL ").join(lines)

    @api.model
    def _stage_documents(self, run, lines: SQL, number: int) -> int:
        return run._stage(f"document_{number}", self._sql_documents(lines), parent="document")

    @api.model
    def _sql_documents(self, lines: SQL) -> SQL:
        """Purchase lines by document and purchase day. What was added to the invoice of an order
        (freight, a fee) was bought with the order: it is no purchase of its own on the invoice's
        day."""
        return SQL(
            """SELECT partner_id, document_id, date,
                      CASE WHEN is_ordered OR NOT BOOL_OR(is_ordered) OVER document
                           THEN purchase_date END AS purchase_date,
                      purchases, returns, gross, margin, known
                 FROM (
                    SELECT MIN(partner_id) AS partner_id, document_id, MIN(date) AS date,
                           purchase_date, BOOL_OR(order_id IS NOT NULL) AS is_ordered,
                           COALESCE(SUM(amount) FILTER (WHERE kind = 'purchase'), 0) AS purchases,
                           COALESCE(SUM(amount) FILTER (WHERE kind = 'return'), 0) AS returns,
                           SUM(ABS(amount)) AS gross,
                           SUM(margin) AS margin,
                           COALESCE(SUM(ABS(amount)) FILTER (WHERE margin IS NOT NULL), 0) AS known
                      FROM (%s OFFSET 0) AS fact
                     GROUP BY document_id, purchase_date
                 ) AS part
               WINDOW document AS (PARTITION BY document_id)""",
            lines,
        )

    @api.model
    def _refresh_days(self, run) -> float:
        self._refresh_limits()
        run._stage("day", self._sql_days(run))
        return 1

    @api.model
    def _sql_days(self, run) -> SQL:
        """The purchase days of each customer, the pause before each, and what was known of the
        rhythm before it. Pauses are whole trading days, one at least. Logarithms are integers, in
        millionths: their sums don't depend on the order of adding."""
        return SQL(
            """SELECT partner_id, purchase_date, number, since, gap, gap_log,
                      COUNT(gap) OVER prior AS prior_count,
                      SUM(gap_log) OVER prior AS prior_log
                 FROM (
                    SELECT partner_id, purchase_date, number, since, gap,
                           ROUND(LN(gap) * 1e6)::integer AS gap_log
                      FROM (
                        SELECT partner_id, purchase_date, number,
                               number - FIRST_VALUE(number) OVER by_day AS since,
                               CASE WHEN number - LAG(number) OVER by_day < 1 THEN 1
                                    ELSE ROUND(number - LAG(number) OVER by_day)
                               END::integer AS gap
                          FROM (
                            SELECT partner_id, purchase_date, %(number)s AS number
                              FROM %(documents)s
                             WHERE purchase_date IS NOT NULL
                             GROUP BY partner_id, purchase_date
                            HAVING SUM(purchases) > 0
                          ) AS numbered
                        WINDOW by_day AS (PARTITION BY partner_id ORDER BY purchase_date)
                      ) AS days
                 ) AS logs
               WINDOW prior AS (PARTITION BY partner_id ORDER BY purchase_date
                                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)""",
            number=run._sql_number(SQL("purchase_date")),
            documents=run._staging("document"),
        )

    @api.model
    def _refresh_aggregates(self, run) -> float:
        """Stage the aggregates of all capabilities, one a slice."""
        self._refresh_limits()
        done = (run.position or {}).get("aggregates", 0)
        if not done:
            self._freeze_prices(run)
        aggregates = list(self._customer_aggregates(run).items())
        name, select = aggregates[done]
        run._stage(name, select)
        run.position = {"aggregates": done + 1}
        return (done + 1) / len(aggregates)

    @api.model
    def _refresh_rows(self, run) -> float:
        """One row per customer and prospect who is due; what needs the whole population; then all
        that is computed from both. One of the three a slice."""
        self._refresh_limits()
        parts = (self._stage_rows, self._freeze_population, self._stage_results)
        done = (run.position or {}).get("rows", 0)
        parts[done](run)
        run.position = {"rows": done + 1}
        return (done + 1) / len(parts)

    @api.model
    def _stage_rows(self, run):
        self.env["res.partner"].flush_model()
        run._stage("row", self._sql_rows(run))

    @api.model
    def _freeze_population(self, run):
        run._note(**self._population_statistics(run))
        self._freeze_cut_points(run)
        self._freeze_tiers(run)

    @api.model
    def _stage_results(self, run):
        run._stage(
            "result",
            SQL(
                "SELECT %s FROM (%s) AS layer",
                SQL(", ").join(SQL.identifier(name) for name in self._result_columns(run)),
                self._sql_layers(run),
            ),
        )
        self.env["crm.customer.exclusion"]._propose_suspects(run)

    @api.model
    def _row_sources(self, run) -> list[str]:
        """Staged tables with a unique ``partner_id`` that the row is read from."""
        return [*self._customer_aggregates(run), *self._later_aggregates(run)]

    @api.model
    def _sql_rows(self, run) -> SQL:
        """The columns of those who are due, from their aggregates."""
        return SQL(
            """SELECT partner.id AS partner_id, %(columns)s
                 FROM (
                    SELECT partner_id FROM %(rhythm)s
                    UNION
                    SELECT partner_id FROM %(prospect)s
                 ) AS due
                 JOIN res_partner AS partner ON partner.id = due.partner_id
                 %(joins)s
                WHERE %(due)s""",
            rhythm=run._staging("rhythm"),
            prospect=run._staging("prospect"),
            columns=sql_columns(self._customer_columns(run)),
            joins=SQL(" ").join(
                SQL(
                    "LEFT JOIN %(table)s AS %(name)s ON %(name)s.partner_id = partner.id",
                    table=run._staging(name),
                    name=SQL.identifier(name),
                )
                for name in self._row_sources(run)
            ),
            due=self._sql_is_due(run),
        )

    @api.model
    def _sql_is_due(self, run) -> SQL:
        """Whether a ``partner`` may have a row at all."""
        return SQL(
            """partner.active
               AND partner.commercial_partner_id = partner.id
               AND partner.id NOT IN (
                SELECT partner_id FROM (%s) AS exclusion WHERE partner_id IS NOT NULL
               )""",
            self.env["crm.customer.exclusion"]._sql_exclusions(run.company_id),
        )

    @api.model
    def _population_statistics(self, run) -> dict:
        [[interval]] = self.env.execute_query(
            SQL(
                """SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY purchase_interval_days)
                     FROM %s""",
                run._staging("row"),
            )
        )
        return {
            "company_interval": interval,
            "excluded": self.env["crm.customer.exclusion"]._count_exclusions(run),
        }

    @api.model
    def _refresh_publish(self, run) -> float:
        """Make the new rows the ones that are shown: changed rows are updated, new ones added,
        rows no longer due deleted. Unchanged rows are not touched."""
        self._refresh_limits()
        self.flush_model()
        self._before_publishing(run)
        names = self._published_columns(run)
        columns = SQL(", ").join(SQL.identifier(name) for name in names)
        staged = SQL(", ").join(SQL.identifier("staged", name) for name in names)
        stored = SQL(", ").join(SQL.identifier("profile", name) for name in names)
        values = {
            "results": run._staging("result"),
            "columns": columns,
            "staged": staged,
            "stored": stored,
            "company": run.company_id.id,
        }
        # an update and an insert rather than an upsert: that takes an id for every row it meets
        self.env.cr.execute(
            SQL(
                """UPDATE crm_customer_profile AS profile
                      SET (%(columns)s) = ROW(%(staged)s)
                     FROM %(results)s AS staged
                    WHERE profile.partner_id = staged.partner_id
                      AND profile.company_id = %(company)s
                      AND (%(stored)s) IS DISTINCT FROM (%(staged)s)""",
                **values,
            )
        )
        self.env.cr.execute(
            SQL(
                """DELETE FROM crm_customer_profile AS profile
                    WHERE profile.company_id = %(company)s
                      AND NOT EXISTS (
                        SELECT FROM %(results)s AS staged
                         WHERE staged.partner_id = profile.partner_id
                      )""",
                **values,
            )
        )
        self.env.cr.execute(
            SQL(
                """INSERT INTO crm_customer_profile (partner_id, company_id, %(columns)s)
                   SELECT staged.partner_id, %(company)s, %(staged)s
                     FROM %(results)s AS staged
                     JOIN res_partner AS partner ON partner.id = staged.partner_id
                    WHERE NOT EXISTS (
                        SELECT FROM crm_customer_profile AS profile
                         WHERE profile.partner_id = staged.partner_id
                           AND profile.company_id = %(company)s
                      )
                      -- who lost his row since it was computed does not get it back
                      AND %(due)s
                    ORDER BY staged.partner_id""",
                due=self._sql_is_due(run),
                **values,
            )
        )
        [[count]] = self.env.execute_query(
            SQL(
                "SELECT COUNT(*) FROM crm_customer_profile WHERE company_id = %s", values["company"]
            )
        )
        run.write({"customer_count": count, "published_at": fields.Datetime.now()})
        run.company_id.write(
            {
                "customer_run_id": run.id,
                "customer_latest_as_of": max(
                    run.as_of, run.company_id.customer_latest_as_of or run.as_of
                ),
            }
        )
        self.env.flush_all()
        self.env.invalidate_all()
        return 1

    @api.model
    def _replace(self, model: str, found: SQL, keys, columns, scope: SQL, constants: dict):
        """Show what was found as the records of another model; see ``sql_replacement``."""
        records = self.env[model]
        records.flush_model()
        table = records._table
        for statement in sql_replacement(table, found, keys, columns, scope, constants):
            self.env.cr.execute(statement)
        records.invalidate_model()

    @api.model
    def _table_constants(self, run) -> dict:
        company = run.company_id
        return {"company_id": company.id, "currency_id": company.currency_id.id}

    @api.model
    def _before_publishing(self, run):
        """In the publishing transaction, while yesterday's rows still stand beside the new
        ones in ``run._staging("result")``."""

    @api.model
    def _row_constants(self, run) -> dict[str, SQL]:
        """Columns that are the same for every row of a run."""
        return {
            "currency_id": SQL("%s::integer", run.company_id.currency_id.id),
            "is_outdated": SQL("FALSE"),
        }

    @api.model
    def _row_layers(self, run) -> list[dict[str, SQL]]:
        return self._merge_layers([self._row_constants(run), *self._customer_layers(run)])

    @api.model
    def _merge_layers(self, layers: list[dict[str, SQL]]) -> list[dict[str, SQL]]:
        """The same columns in as few layers as they need: each in the first one that sees all
        columns it names. A layer copies the whole row, and capabilities don't know of each
        other's layers."""
        depths, merged = {}, []
        for name, expression in (item for layer in layers for item in layer.items()):
            named = depths.keys() & set(re.findall(r"\w+", expression.code))
            depth = max((depths[column] + 1 for column in named), default=0)
            merged += [{}] * (depth + 1 - len(merged))
            merged[depth] = merged[depth] | {name: expression}
            depths[name] = depth
        return merged

    @api.model
    def _sql_layers(self, run) -> SQL:
        """The staging rows with all computed columns, each layer a select over the one before."""
        query = SQL(
            "SELECT * FROM %s LEFT JOIN (%s) AS returned USING (partner_id)",
            run._staging("row"),
            self._sql_return_dates(run),
        )
        for layer in self._row_layers(run):
            query = self._sql_layer(layer, query)
        return query

    @api.model
    def _sql_layer(self, layer: dict[str, SQL], query: SQL) -> SQL:
        # the offset keeps a layer from being merged into the next, where each use of a column
        # would compute it again
        return SQL("SELECT layer.*, %s FROM (%s) AS layer OFFSET 0", sql_columns(layer), query)

    @api.model
    def _result_columns(self, run) -> list[str]:
        """What is kept of the computed rows for publishing."""
        return ["partner_id", *self._published_columns(run)]

    @api.model
    def _published_columns(self, run) -> list[str]:
        computed = set(self._customer_columns(run)).union(*self._row_layers(run))
        return [
            name
            for name, field in self._fields.items()
            if field.store and field.column_type and name in computed
        ]

    @api.model
    def _refresh_leads(self, run) -> float:
        """Bring the bands of open leads up to date."""
        return self.env["crm.lead"]._refresh_customer_bands(run)
