from odoo import api, fields, models
from odoo.fields import Domain

from .crm_customer_daily import DAILY_ACTIONS

# to be called by somebody, whoever it is
URGENT = ("at_risk", "win_back")


class CrmCustomerDailyHeader(models.Model):
    """What stands above the lists of customers: as of when, and the work of the day."""

    _inherit = "crm.customer.profile"

    @api.model
    def customer_header(self) -> dict:
        """``{"is_mine", "capacity", "counts": {name: number}, "month": {…}, "as_of", …}``.

        Counts by action are of the user's own customers, or of all that he may see where he owns
        none; ``promised`` is what he promised to anybody. ``today`` is what fits his day, ``done``
        whom he spoke with today.
        """
        self.check_access("read")
        is_mine = self._owns_customers()
        scope = Domain("user_id", "in", (self.env.uid, False)) if is_mine else Domain.TRUE
        names = [name for name, _label in DAILY_ACTIONS]
        counts = dict.fromkeys((*names, "to_call", "ownerless"), 0)
        for user, action, count in self._read_group(
            scope & Domain("daily_action", "not in", (False, "promised")),
            ["user_id", "daily_action"],
            ["__count"],
        ):
            if not user and action in URGENT:
                counts["ownerless"] += count
            if user == self.env.user or not is_mine:
                counts[action] += count
        counts["promised"] = self.search_count(Domain("daily_action", "=", "promised"))
        counts["to_call"] = sum(counts[name] for name in names if name != "collect_first")
        counts["done"] = self.search_count(Domain("is_done_today", "=", True))
        capacity = self.env.user._calls_per_day()
        room = max(capacity - counts["done"], counts["promised"], 0)
        counts["today"] = min(room, counts["to_call"])
        return {
            "is_mine": is_mine,
            "capacity": capacity,
            "counts": counts,
            "month": self._header_of_month(),
            **self._header_of_runs(),
        }

    @api.model
    def _header_of_month(self) -> dict:
        """Whom the user spoke with this month, who ordered then, and who of his came back."""
        first = fields.Date.context_today(self).replace(day=1)
        outcomes = self.env["crm.customer.outcome"]
        mine = Domain("user_id", "=", self.env.uid) & Domain("date", ">=", first)
        [[contacted]] = outcomes._read_group(mine, [], ["partner_id:count_distinct"])
        [[ordered]] = outcomes._read_group(
            mine & Domain("kind", "=", "ordered"), [], ["partner_id:count_distinct"]
        )
        won_back = contacted and self.env["crm.customer.event"].search_count(
            mine & Domain("kind", "=", "won_back")
        )
        return {"contacted": contacted, "ordered": ordered, "won_back": won_back}

    @api.model
    def _header_of_runs(self) -> dict:
        # a company's published refresh may be read by everyone who reads its customers
        companies = self.env.companies.sudo()
        published = companies.filtered("customer_as_of")
        pending = self._pending_run(companies)
        as_of = min(published.mapped("customer_as_of"), default=None)
        is_manager = self.env.user.has_group("crm_extended.group_manager")
        last = companies.env["crm.model.run"].search(
            [("company_id", "in", companies.ids), ("state", "in", ("done", "failed"))], limit=1
        )
        return {
            "as_of": fields.Date.to_string(as_of) if as_of else False,
            "age_days": (fields.Date.context_today(self) - as_of).days if as_of else 0,
            "is_stale": published._customers_are_stale(),
            "is_running": bool(pending),
            "run_id": pending.id if is_manager else False,
            "failed_run_id": last.id if is_manager and last.state == "failed" else False,
            "is_manager": is_manager,
            "proposal_count": is_manager
            and self.env["crm.customer.exclusion"].search_count([("state", "=", "proposed")]),
        }
