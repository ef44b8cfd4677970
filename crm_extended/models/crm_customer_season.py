from odoo import api, models
from odoo.tools import SQL

from ..analytics.season import confirm
from .crm_customer_forecast import HORIZON_DAYS
from .crm_customer_steps import RefreshStep

# customers on whom a season is tried
TRIED = 5_000


class CrmCustomerSeason(models.Model):
    """Strong and weak months, where forecasts gain from them.

    Once a month, from two years of purchases on, a season is learned as of half a year ago and a
    quarter ago and tried on what then happened. If chances come nearer to it with the season, its
    months count as more or less than a month of trading days: silence, chances and dates follow.
    """

    _inherit = "crm.customer.profile"

    @api.model
    def _refresh_steps(self):
        steps = super()._refresh_steps()
        position = [step.name for step in steps].index("days") + 1
        trying = RefreshStep("season", self.env._("Looking for a season"), "_refresh_season")
        return [*steps[:position], trying, *steps[position:]]

    @api.model
    def _refresh_days(self, run):
        run.season = run.season or self._decided_this_month(run, "season")
        return super()._refresh_days(run)

    @api.model
    def _decided_this_month(self, run, name: str):
        """What an earlier refresh of the same month decided, on the same settings; else nothing."""
        decided = run.company_id.customer_run_id[name] or {}
        same = decided.get("month") == self._month(run) and not run._changed_inputs() & {
            "source",
            "calendar",
        }
        return decided if same else False

    @api.model
    def _month(self, run) -> str:
        return str(run.as_of.replace(day=1))

    @api.model
    def _refresh_season(self, run) -> float:
        if run.season:
            return 1
        self._refresh_limits()
        purchases = [days for [days] in self._tried_purchases(run)]
        found = confirm(purchases, run.as_of, run._calendar_of, HORIZON_DAYS)
        run.season = found._asdict() | {"month": self._month(run)}
        if found.shares:
            # the days are counted anew, strong months longer than weak ones
            self._refresh_days(run)
        return 1

    @api.model
    def _tried_purchases(self, run, columns: list[SQL] = ()) -> list[tuple]:
        """``(purchase days, *columns)`` of a fixed sample of customers; columns over
        ``partner``."""
        days = run._staging("day")
        [[customers]] = self.env.execute_query(
            SQL("SELECT COUNT(DISTINCT partner_id) FROM %s", days)
        )
        return self.env.execute_query(
            SQL(
                """SELECT %(selected)s
                     FROM (
                        SELECT partner_id, array_agg(purchase_date ORDER BY purchase_date) AS dates
                          FROM %(days)s
                         WHERE %(sample)s
                         GROUP BY partner_id
                     ) AS customer
                     JOIN res_partner AS partner ON partner.id = customer.partner_id
                    WHERE %(due)s
                    ORDER BY partner.id""",
                selected=SQL(", ").join([SQL("dates"), *columns]),
                days=days,
                sample=self._sql_sample(SQL("partner_id"), customers, TRIED),
                due=self._sql_is_due(run),
            )
        )
