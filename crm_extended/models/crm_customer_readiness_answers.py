from dateutil.relativedelta import relativedelta

from odoo import api, fields, models

from ..analytics import backtest
from ..analytics.readiness import (
    ENOUGH,
    ENOUGH_CUSTOMERS,
    ENOUGH_DAYS,
    ENOUGH_REPEATERS,
    FEWEST_CUSTOMERS,
    FEWEST_REPEATERS,
    MISSING,
    PREDICTION_STATES,
    SHORTEST_DAYS,
    THIN,
    level,
    prediction_state,
)
from ..analytics.rfm import QUINTILES_FROM, TERTILES_FROM
from .crm_customer_readiness import Finding
from .crm_customer_value import LOSS_MAKER_COVERAGE
from .crm_price_index import CARRIED_MONTHS
from .res_company import COST_DRIVERS

PREDICTION_LEVELS = {state: found for found, state in PREDICTION_STATES.items()}
GRADE_LEVELS = {"a": ENOUGH, "b": ENOUGH}
YEAR_DAYS = 365
# share of the revenue whose costs are known below which there are as good as none
LEAST_COVERAGE = 0.05
# share of the customers of 12 months of whom a payment is known
PAYING_SHARE = 0.5


class CrmCustomerReadinessAnswers(models.AbstractModel):
    """Checks of what single answers rest on."""

    _inherit = "crm.customer.readiness"

    # -------------------------------------------------------------------- who leaves

    @api.model
    def _learned(self, facts) -> dict:
        """From how many the last refresh learned, and how long their history is."""
        learned = facts["run"].model
        return {name: learned[name] for name in ("customers", "repeaters", "days")}

    @api.model
    def _readiness_of_prediction(self, facts):
        if not facts["run"].model:
            return [self._not_learned()]
        state = prediction_state(**self._learned(facts))
        texts = {
            "ok": self.env._("The next orders of each customer are predicted."),
            "low_confidence": self.env._(
                "The next orders are predicted from little: take the chances as a hint. See “Who "
                "leaves, and when?”."
            ),
            "insufficient": self.env._(
                "The next orders can't be predicted yet; silence is judged by usual intervals. See "
                "“Who leaves, and when?”."
            ),
        }
        return [Finding(PREDICTION_LEVELS[state], texts[state])]

    @api.model
    def _not_learned(self) -> Finding:
        text = self.env._("The last refresh learned nothing yet: the next one does.")
        return Finding(MISSING, text, self._recompute_mending())

    @api.model
    def _readiness_of_history(self, facts):
        if not facts["run"].model:
            return [self._not_learned()]
        days = self._learned(facts)["days"]
        found, values = self._held_against("days", days, SHORTEST_DAYS, ENOUGH_DAYS)
        if found == ENOUGH:
            return [
                Finding(found, self.env._("The history is %(days)s trading days long.", **values))
            ]
        text = self.env._(
            "The history is %(days)s trading days long; it takes %(least)s, and %(enough)s to be "
            "sure. Import older documents, or count what goes back further.",
            **values,
        )
        return [Finding(found, text, self._source_mending())]

    @api.model
    def _source_mending(self) -> dict:
        return self._settings_mending(self.env._("Purchases Counted From"))

    @api.model
    def _readiness_of_customers(self, facts):
        if not facts["run"].model:
            return []
        customers = self._learned(facts)["customers"]
        found, values = self._held_against(
            "customers", customers, FEWEST_CUSTOMERS, ENOUGH_CUSTOMERS
        )
        if found == ENOUGH:
            return [Finding(found, self.env._("Customers: %(customers)s.", **values))]
        text = self.env._(
            "Customers: %(customers)s; it takes %(least)s, and %(enough)s to be sure.", **values
        )
        return [Finding(found, text)]

    @api.model
    def _readiness_of_repeats(self, facts):
        if not facts["run"].model:
            return []
        repeaters = self._learned(facts)["repeaters"]
        found, values = self._held_against(
            "repeaters", repeaters, FEWEST_REPEATERS, ENOUGH_REPEATERS
        )
        if found == ENOUGH:
            return [
                Finding(found, self.env._("Who bought more than once: %(repeaters)s.", **values))
            ]
        text = self.env._(
            "Who bought more than once: %(repeaters)s; it takes %(least)s, and %(enough)s to be "
            "sure. Duplicates of a customer hide his repeated purchases.",
            **values,
        )
        return [Finding(found, text)]

    @api.model
    def _readiness_of_leaving(self, facts):
        run = facts["run"]
        if not self.env["crm.customer.profile"]._is_predicting(run):
            return []
        if run.leaving_is_seen:
            return [Finding(ENOUGH, self.env._("Customers leave for good: the purchases show it."))]
        text = self.env._(
            "That customers leave for good is not seen in the purchases: who is at risk is told, a "
            "date of leaving is not."
        )
        return [Finding(MISSING, text)]

    @api.model
    def _readiness_of_forecasts(self, facts):
        if not self.env["crm.customer.profile"]._is_predicting(facts["run"]):
            return []
        judged = self.env["crm.model.backtest"].search(
            [("company_id", "=", facts["company"].id)], limit=1
        )
        if not judged:
            text = self.env._(
                "The forecasts were not judged yet: that takes 90 days of purchases after them."
            )
            return [Finding(MISSING, text)]
        values = {
            "customers": self._number(judged.customers),
            "buyers": self._number(judged.buyers),
            "grade": (judged.grade or "").upper(),
        }
        if judged.grade:
            text = self.env._(
                "The forecasts were judged by what %(customers)s customers did: grade %(grade)s of "
                "A to D.",
                **values,
            )
        else:
            text = self.env._(
                "Too few to judge the forecasts: %(customers)s customers, %(buyers)s of them "
                "ordered. It takes %(least)s and %(least_buyers)s.",
                least=self._number(backtest.FEWEST_CUSTOMERS),
                least_buyers=self._number(backtest.FEWEST_BUYERS),
                **values,
            )
        quality = self._mending(
            self.env._("Forecast Quality"), "crm_extended.crm_model_backtest_action"
        )
        return [Finding(GRADE_LEVELS.get(judged.grade, THIN), text, quality)]

    @api.model
    def _readiness_of_calendar(self, facts):
        holidays = len(facts["company"]._public_holidays())
        periods = len(facts["company"]._quiet_periods())
        if holidays or periods:
            text = self.env._(
                "Days without business are known: public holidays %(holidays)s, quiet periods "
                "%(periods)s.",
                holidays=self._number(holidays),
                periods=self._number(periods),
            )
            return [Finding(ENOUGH, text)]
        text = self.env._(
            "No public holidays and no quiet periods are entered: after a long break everybody "
            "looks silent."
        )
        periods = self._mending(self.env._("Quiet Periods"), "crm_extended.crm_quiet_period_action")
        return [Finding(MISSING, text, periods)]

    # ------------------------------------------------------------ who is best, and pays

    @api.model
    def _readiness_of_scores(self, facts):
        found, values = self._held_against(
            "customers", facts["customers"], TERTILES_FROM, QUINTILES_FROM
        )
        if found == ENOUGH:
            text = self.env._("%(customers)s customers are compared with one another.", **values)
        else:
            text = self.env._(
                "%(customers)s customers are compared with one another; scores take %(least)s, and "
                "%(enough)s to be fine.",
                **values,
            )
        return [Finding(found, text)]

    @api.model
    def _readiness_of_costs(self, facts):
        profiles = self.env["crm.customer.profile"]
        if not profiles._margin_is_recorded(facts["company"]):
            text = self.env._(
                "Costs are not recorded: the app Margins keeps them with each order from its "
                "installation on."
            )
            return [Finding(MISSING, text, self._margin_app_mending())]
        known, revenue = facts["revenue_known"], facts["revenue"]
        coverage = known / revenue if revenue else 0
        found = level(coverage, LEAST_COVERAGE, LOSS_MAKER_COVERAGE)
        if self.env.user.has_group("crm_extended.group_margin"):
            text = self.env._(
                "Costs are known for about %(share)s of the revenue of 12 months; it takes "
                "%(enough)s.",
                share=self._percent(coverage),
                enough=self._percent(LOSS_MAKER_COVERAGE),
            )
        else:
            # how much is for the margin group
            text = {
                ENOUGH: self.env._("Costs are recorded."),
                THIN: self.env._("Costs are recorded for a part of the sales only."),
                MISSING: self.env._("Costs are recorded for no sale of 12 months."),
            }[found]
        return [Finding(found, text, None if found == ENOUGH else self._cost_mending())]

    @api.model
    def _margin_app_mending(self) -> dict:
        label = self.env._("The Margins App")
        action = self._list_action(label, "ir.module.module", [("name", "=", "sale_margin")])
        action["views"] = [[False, "kanban"], [False, "form"]]
        return self._mending(label, action, self.env.user.has_group("base.group_system"))

    @api.model
    def _cost_mending(self) -> dict:
        label = self.env._("Products Without a Cost")
        domain = [("sale_ok", "=", True), ("standard_price", "=", 0)]
        products = "product.product"
        return self._mending(
            label,
            self._list_action(label, products, domain),
            self.env[products].has_access("read"),
        )

    @api.model
    def _readiness_of_serving(self, facts):
        # sudo: that a cost is entered is told, not how much
        company = facts["company"].sudo()
        entered = sum(bool(company[f"customer_cost_{driver}"]) for driver in COST_DRIVERS)
        if entered:
            text = self.env._(
                "Unit costs of serving a customer that are entered: %(count)s of %(all)s.",
                count=self._number(entered),
                all=self._number(len(COST_DRIVERS)),
            )
            return [Finding(ENOUGH, text)]
        text = self.env._(
            "What an order, a delivery, a return, a call or a late payment costs is not entered: "
            "who takes much work looks as profitable as who takes none."
        )
        return [Finding(MISSING, text, self._settings_mending(self.env._("Cost to Serve")))]

    @api.model
    def _readiness_of_payments(self, facts):
        paying = (facts["run"].statistics or {}).get("paying_customers") or 0
        recent = facts["recent"]
        found = level(paying, 1, PAYING_SHARE * recent)
        if not paying:
            text = self.env._(
                "No payment was matched with an invoice in 12 months: nobody is taken to be late."
            )
        else:
            text = self.env._(
                "Customers with payments in 12 months: %(paying)s; with purchases: %(recent)s.",
                paying=self._number(paying),
                recent=self._number(recent),
            )
        if found == ENOUGH:
            return [Finding(found, text)]
        journals = self._mending(
            self.env._("Record Payments"),
            "account.open_account_journal_dashboard_kanban",
            self.env["account.journal"].has_access("read")
            and self.env.user.has_group("account.group_account_invoice"),
        )
        return [Finding(found, text, journals)]

    # ----------------------------------------------------------------------- growth

    @api.model
    def _readiness_of_years(self, facts):
        first = facts["first_day"]
        days = (facts["run"].as_of - first).days if first else 0
        found = level(days, YEAR_DAYS, 2 * YEAR_DAYS)
        values = {"days": self._number(days), "enough": self._number(2 * YEAR_DAYS)}
        if found == ENOUGH:
            text = self.env._(
                "The first purchase is %(days)s days ago: two years compare.", **values
            )
            return [Finding(found, text)]
        text = self.env._(
            "The first purchase is %(days)s days ago; to compare two whole years it takes "
            "%(enough)s.",
            **values,
        )
        return [Finding(found, text, self._source_mending())]

    @api.model
    def _readiness_of_prices(self, facts):
        run, first = facts["run"], facts["first_day"]
        if not first or (run.as_of - first).days < YEAR_DAYS:
            # nothing is compared yet
            return []
        if run.price_basis == "real":
            text = self.env._("Years are compared in the prices of the as-of month.")
            return [Finding(ENOUGH, text)]
        months = list(facts["company"]._price_index())
        found, text = self._price_gap(months, facts)
        mend = self._mending(self.env._("Price Index"), "crm_extended.crm_price_index_action")
        return [Finding(found, text, self._recompute_mending() if found == THIN else mend)]

    @api.model
    def _price_gap(self, months: list, facts) -> tuple[str, str]:
        """Why years are not compared in real prices."""
        today = facts["today"].replace(day=1)
        if not months:
            return MISSING, self.env._("There is no price index: price rises count as growth.")
        needed = max(facts["first_day"], facts["today"] - relativedelta(months=24))
        if months[0] > needed.replace(day=1):
            return MISSING, self.env._(
                "The price index has %(count)s months; it takes the last 24 without a hole. Price "
                "rises count as growth.",
                count=self._number(len(months)),
            )
        if fields.Date.add(months[-1], months=CARRIED_MONTHS) < today:
            gap = relativedelta(today, months[-1])
            return MISSING, self.env._(
                "The price index ended %(count)s months ago; it may be %(most)s at most. Price "
                "rises count as growth.",
                count=self._number(gap.years * 12 + gap.months),
                most=self._number(CARRIED_MONTHS),
            )
        return THIN, self.env._(
            "There is a price index now; years are compared in it from the next refresh on."
        )
