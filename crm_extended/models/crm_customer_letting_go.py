from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..analytics.letting_go import Year
from ..domains import having_lines, search_lines
from .crm_customer_decision import OPEN_STATES
from .res_company import COST_DRIVERS

MARGIN = "crm_extended.group_margin"
LOSS_CAUSES = [
    ("below_cost", "Sold below cost"),
    ("order", "Orders"),
    ("delivery", "Deliveries"),
    ("return", "Returns"),
    ("call", "Calls"),
    ("meeting", "Meetings"),
    ("delay", "Late payment"),
]


def driver_cost(label: str, what: str):
    return fields.Monetary(
        label,
        readonly=True,
        groups=MARGIN,
        help=f"{what} of the 12 months up to the as-of date, at the company's unit cost; 0 where "
        "the settings give none.",
    )


class CrmCustomerLettingGo(models.Model):
    """What makes a customer a loss maker, since when, and what was decided about him.

    The costs by driver add up to the cost to serve. What other terms would have brought is worked
    out of his last twelve months; see ``analytics.letting_go``.
    """

    _inherit = "crm.customer.profile"

    cost_order_12m = driver_cost("Cost of Orders", "Days with an order")
    cost_delivery_12m = driver_cost("Cost of Deliveries", "Deliveries")
    cost_return_12m = driver_cost("Cost of Returns", "Documents with a return")
    cost_call_12m = driver_cost("Cost of Calls", "Calls")
    cost_meeting_12m = driver_cost("Cost of Meetings", "Meetings")
    cost_delay_12m = driver_cost("Cost of Late Payment", "What was paid late")
    loss_cause = fields.Selection(
        LOSS_CAUSES,
        readonly=True,
        groups=MARGIN,
        help="What the loss comes from most: goods sold below cost, many returns, else the dearest "
        "driver of the cost to serve. Empty for who is no loss maker.",
    )
    loss_maker_since = fields.Date(
        readonly=True,
        groups=MARGIN,
        help="As-of date of the refresh that found the customer a loss maker, without a pause "
        "since. He had lost money for a year and a half by then.",
    )
    loss_reason = fields.Char(
        "Why a Loss",
        compute="_compute_loss_reason",
        groups=MARGIN,
        help="What makes the customer a loss maker, and what to do, as of the last refresh.",
    )
    won_back_on = fields.Date(
        "Came Back On",
        readonly=True,
        help="Day of the last purchase or order after a silence by which he had counted as lost.",
    )
    decision_id = fields.Many2one(
        "crm.customer.decision",
        "Open Decision",
        compute="_compute_decision_id",
        search="_search_decision_id",
        groups=MARGIN,
        help="What is proposed or decided about the customer, until it is reviewed.",
    )
    decision_state = fields.Selection(related="decision_id.state", groups=MARGIN)
    decision_review_date = fields.Date(
        related="decision_id.date_review", string="Review Due", groups=MARGIN
    )

    @api.depends_context("lang")
    @api.depends("loss_maker_flag", "loss_maker_args", "contribution_12m")
    def _compute_loss_reason(self):
        for row in self:
            row.loss_reason = row._loss_maker_sentence() if row.loss_maker_flag else ""

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_decision_id(self):
        found, decisions = {}, self._readable_decisions()
        if decisions.has_access("read"):
            for decision in decisions.search_fetch(
                [("partner_id", "in", self.partner_id.ids), ("state", "in", OPEN_STATES)],
                ["partner_id", "company_id", "state", "date_review"],
            ):
                found[decision.partner_id.id, decision.company_id.id] = decision.id
        for row in self:
            row.decision_id = found.get((row.partner_id.id, row.company_id.id))

    @api.model
    def _search_decision_id(self, operator, value):
        if operator in ("any", "any!"):
            is_domain = isinstance(value, Domain)
            return self._having_decision(value if is_domain else Domain("id", "in", value))
        return search_lines(operator, value, "id", self._having_decision)

    @api.model
    def _having_decision(self, domain: Domain) -> Domain:
        """Rows of customers with an open decision that the domain finds."""
        return having_lines(
            self._readable_decisions(),
            domain & Domain("state", "in", OPEN_STATES),
            lambda model, alias, query: model._sql_need_key(alias, query),
            lambda row: row._need_keys()[row],
        )

    @api.model
    def _readable_decisions(self):
        """Those of the reader, also for what is done on his behalf with sudo."""
        return self.env["crm.customer.decision"].sudo(False)

    # ----------------------------------------------------------------------- refreshing

    @api.model
    def _customer_aggregates(self, run):
        return super()._customer_aggregates(run) | {
            "loss": SQL(
                """SELECT partner_id, loss_maker_since AS shown_loss_since
                     FROM crm_customer_profile
                    WHERE company_id = %s AND loss_maker_flag""",
                run.company_id.id,
            ),
        }

    @api.model
    def _customer_columns(self, run):
        return super()._customer_columns(run) | {"shown_loss_since": SQL("loss.shown_loss_since")}

    @api.model
    def _customer_layers(self, run):
        digits = run.company_id.currency_id.decimal_places
        costs = {
            f"cost_{driver}_12m": SQL(
                "ROUND(%s, %s)", self._sql_driver_cost(run, driver, "12m"), digits
            )
            for driver in COST_DRIVERS
        }
        return super()._customer_layers(run) + [
            costs
            | {
                "loss_cause": SQL("loss_maker_args->>'cause'"),
                "loss_maker_since": SQL(
                    "CASE WHEN loss_maker_flag THEN LEAST(shown_loss_since, %s::date) END",
                    run.as_of,
                ),
            }
        ]

    # -------------------------------------------------------------------------- what if

    def _what_if_year(self) -> Year | None:
        """His last twelve months as the published refresh knows them; None where the costs are
        not known, or the refresh knows less than this version asks."""
        self.ensure_one()
        told = self._ask_again()
        if not told or told.figures.get("margin_12m") is None:
            return None
        figures = told.figures
        after, until = told.run._window_days()["12m"]
        orders = [
            amount
            # sudo: of a customer whose row the reader may read
            for day, amount in self.sudo()._order_amounts(told)
            if after < day <= until and amount > 0
        ]
        return Year(
            float(figures["revenue_12m"] or 0),
            float(figures["margin_12m"]),
            orders,
            {driver: float(figures[f"{driver}_12m"] or 0) for driver in COST_DRIVERS},
            told.run.settings["unit_costs"],
        )

    def _order_amounts(self, told) -> list[tuple]:
        """``(purchase day, amount)`` of all his purchase days, in their order."""
        documents = self._sql_documents(self._explained_lines(told.run))
        rows = self.env.execute_query(
            SQL(
                """SELECT purchase_date, SUM(purchases)::float8
                     FROM (%s) AS document
                    WHERE partner_id = %s AND purchase_date IS NOT NULL
                    GROUP BY purchase_date
                    ORDER BY purchase_date""",
                documents,
                self.partner_id.id,
            )
        )
        return [tuple(row) for row in rows]

    @api.model
    def _costs_unknown(self) -> str:
        return self.env._("Costs are not recorded: install Margins.")

    def action_what_if(self):
        """What other terms would have brought."""
        self.ensure_one()
        self.check_access("read")
        if not self.env.user.has_group(MARGIN):
            raise AccessError(self.env._("Only who may see margins can try other terms."))
        if self.margin_state not in ("known", "partial"):
            raise UserError(self._costs_unknown())
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("What If"),
            "res_model": "crm.customer.what.if",
            "res_id": self.env["crm.customer.what.if"]._begin(self).id,
            "views": [[False, "form"]],
            "target": "new",
            "context": {"dialog_size": "large"},
        }
