from collections import Counter

from odoo import api, models
from odoo.tools import SQL

from ..analytics.mbg_nbd import NAMES, MbgNbd
from ..analytics.population import gain_apart, large_groups
from .crm_customer_prediction import HORIZON_DAYS, SAMPLE, kept_digits

# groups learned apart, the largest first
MOST_GROUPS = 10
# what customers may be grouped by, over ``partner``
DIMENSIONS = {
    "team": "(SELECT sale_team_id FROM res_users WHERE id = partner.user_id)",
    "industry": "partner.industry_id",
    "category": (
        "(SELECT MIN(category_id) FROM res_partner_res_partner_category_rel"
        " WHERE partner_id = partner.id)"
    ),
    "country": "partner.country_id",
    "company": "partner.is_company::integer",
}


class CrmCustomerPopulation(models.Model):
    """Groups of customers whose rhythm is learned apart, where forecasts gain from it.

    Companies are always apart. Once a month, groups of 300 customers and more, by sales team,
    industry, tag, country, or companies and persons, are tried on the past; the grouping that
    gains most, if it gains more than chance would, is used.
    """

    _inherit = "crm.customer.profile"

    @api.model
    def _refresh_model(self, run):
        run.population = run._decided_this_month("population") or self._choose_population(run)
        return super()._refresh_model(run)

    @api.model
    def _choose_population(self, run) -> dict:
        """``{"month", "dimension", "gain", "gain_error"}``; the dimension is None where learning
        all customers together is no worse."""
        self._refresh_limits()
        rows = self._sampled_purchases(run, [SQL(key) for key in DIMENSIONS.values()])
        purchases = [row[0] for row in rows]
        gains = {}
        for number, dimension in enumerate(DIMENSIONS, 1):
            keys = [row[number] for row in rows]
            if not large_groups(keys):
                continue
            found = gain_apart(purchases, keys, run.as_of, run._trading_calendar(), HORIZON_DAYS)
            if found:
                gains[dimension] = found
        chosen = {"month": run._month(), "dimension": None}
        if gains:
            best = max(gains, key=lambda dimension: gains[dimension].mean)
            chosen |= {"gain": gains[best].mean, "gain_error": gains[best].error}
            if gains[best].is_real(alternatives=len(gains)):
                chosen["dimension"] = best
        return chosen

    @api.model
    def _dimension(self, run) -> SQL | None:
        dimension = (run.population or {}).get("dimension")
        return SQL(DIMENSIONS[dimension]) if dimension else None

    @api.model
    def _learn(self, run):
        learned = super()._learn(run)
        dimension = self._dimension(run)
        if not dimension or learned["state"] == "insufficient":
            return learned
        rows = self.env.execute_query(
            SQL(
                """SELECT population, x, last, length, COUNT(*)
                     FROM (
                        SELECT history.*, %(dimension)s AS population
                          FROM (%(histories)s) AS history
                          JOIN res_partner AS partner ON partner.id = history.partner_id
                     ) AS grouped
                    WHERE %(sample)s AND population IS NOT NULL
                    GROUP BY 1, 2, 3, 4""",
                dimension=dimension,
                histories=self._sql_histories(run),
                sample=self._sql_sample(SQL("partner_id"), learned["customers"], 4 * SAMPLE),
            )
        )
        groups = {}
        for population, *group in rows:
            groups.setdefault(population, []).append(group)
        large = self._groups_of_the_month(run, rows)
        learned["apart"] = {
            str(key): kept_digits(MbgNbd().fit(*zip(*groups[key], strict=True)).parameters_)
            for key in large
            if key in groups
        }
        return learned

    @api.model
    def _groups_of_the_month(self, run, rows) -> list[int]:
        """The groups that are learned apart until the month ends, however large they are later.

        :param rows: ``(group, x, last, length, customers)``
        """
        if "groups" not in run.population:
            sizes = Counter()
            for key, *_history, customers in rows:
                sizes[key] += customers
            large = large_groups(sizes.elements())
            chosen = [key for key, _size in sizes.most_common() if key in large][:MOST_GROUPS]
            run.population = run.population | {"groups": sorted(chosen)}
        return run.population["groups"]

    @api.model
    def _apart(self, run) -> dict:
        return (run.model or {}).get("apart") or {}

    @api.model
    def _models_of(self, run):
        """The models of a run by population; that of all others under None."""
        return super()._models_of(run) | {
            int(key): MbgNbd.of(**parameters) for key, parameters in self._apart(run).items()
        }

    @api.model
    def _sql_parameter(self, run, name):
        pooled, apart = super()._sql_parameter(run, name), self._apart(run)
        if name not in NAMES or not apart:
            return pooled
        return SQL(
            "(CASE population %s ELSE %s END)",
            SQL(" ").join(
                SQL("WHEN %s THEN %s::float8", int(key), parameters[name])
                for key, parameters in apart.items()
            ),
            pooled,
        )

    @api.model
    def _sql_customer_days(self, run):
        days = super()._sql_customer_days(run)
        if not self._apart(run):
            return days
        return SQL(
            "%s JOIN (SELECT partner_id, population FROM %s) AS customer USING (partner_id)",
            days,
            run._staging("row"),
        )

    @api.model
    def _customer_columns(self, run):
        population = self._dimension(run) if self._apart(run) else SQL("NULL::integer")
        return super()._customer_columns(run) | {"population": population}
