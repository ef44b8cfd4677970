from odoo import api, models

from ..analytics.season import confirm
from .crm_customer_prediction import HORIZON_DAYS
from .crm_customer_steps import RefreshStep


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
        run.season = run.season or run._decided_this_month("season")
        return super()._refresh_days(run)

    @api.model
    def _refresh_season(self, run) -> float:
        if run.season:
            return 1
        self._refresh_limits()
        purchases = [days for [days] in self._sampled_purchases(run)]
        found = confirm(purchases, run.as_of, run._calendar_of, HORIZON_DAYS)
        run.season = found._asdict() | {"month": run._month()}
        if found.shares:
            # the days are counted anew, strong months longer than weak ones
            self._refresh_days(run)
        return 1
