import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from .crm_model_run import RETRY_ON, RUN_LOCK

_logger = logging.getLogger(__name__)

FILL_FACTOR = 55
ONE_DAY = timedelta(days=1)


class CrmCustomerProfile(models.Model):
    """One row per company and customer, with all numbers of that customer.

    A customer is a commercial partner with at least one purchase; a partner with an open
    opportunity and no purchase is a prospect. Rows are written by the refresh alone, in SQL, in
    one transaction per company; res.partner is never written. See ``refresh``.

    Each capability of the row is a file of its own that extends this model: its fields, and its
    part of the three movements in which a refresh builds the rows of one company, added after
    calling ``super``:

    1. ``_customer_aggregates``: aggregates by customer, each keyed by ``partner_id``;
    2. ``_customer_columns``: the columns of the staging row, read from those aggregates;
    3. ``_customer_layers``: columns computed from columns, layer upon layer.

    Columns named like a stored field are published.
    """

    _name = "crm.customer.profile"
    _description = "Customer"
    _log_access = False
    _rec_name = "partner_id"
    _order = "last_purchase_date DESC NULLS LAST, id"
    _rec_names_search = ["partner_id"]

    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    currency_id = fields.Many2one("res.currency", required=True, readonly=True, ondelete="restrict")
    as_of = fields.Date(
        related="company_id.customer_as_of",
        string="As Of",
        help="The last day whose orders and invoices are in these numbers.",
    )
    is_stale = fields.Boolean(
        "Out of Date",
        compute="_compute_is_stale",
        help="The last refresh is older than 26 hours, or this customer was merged or moved since.",
    )
    is_outdated = fields.Boolean(
        "To Be Recomputed", readonly=True, help="Merged or moved since the last refresh."
    )
    user_id = fields.Many2one(related="partner_id.user_id", string="Salesperson")
    country_id = fields.Many2one(related="partner_id.country_id", string="Country")
    phone = fields.Char(related="partner_id.phone", string="Phone")
    email = fields.Char(related="partner_id.email", string="Email")
    category_ids = fields.Many2many(related="partner_id.category_id", string="Tags")

    # a constraint, not a unique index: the merge of contacts drops rows that violate one
    _partner_company_unique = models.Constraint(
        "UNIQUE (partner_id, company_id)", "A company has one row per customer."
    )

    def init(self):
        # room on each page for tomorrow's version of its rows: the update stays on the page
        self.env.cr.execute(
            SQL(
                "ALTER TABLE %s SET (fillfactor = %s)",
                SQL.identifier(self._table),
                SQL(str(FILL_FACTOR)),
            )
        )

    @api.depends("is_outdated", "company_id.customer_published_at")
    def _compute_is_stale(self):
        for profile in self:
            profile.is_stale = (
                profile.is_outdated or profile.company_id.sudo()._customers_are_stale()
            )

    # ------------------------------------------------------------------ refreshing

    @api.model
    def refresh(self, as_of=None, companies=None):
        """Recompute the rows of the companies, in the current transaction.

        :param as_of: date or ISO string; facts up to this day count. Default: today in each
            company's time zone. A day before the last refresh restates the rows as of then.
        :param companies: records of res.company; default: all active ones
        :return: the ``crm.model.run`` records, one per company. A company that fails keeps its
            rows and has its error in its run; a company that is being refreshed elsewhere has
            the state ``busy``.
        :raise AccessError: the user is no customer intelligence manager, or the companies are
            not his
        :raise UserError: the day lies in the future
        """
        companies = self._refresh_companies(companies)
        as_of = fields.Date.to_date(as_of)
        # tomorrow has begun somewhere already
        if as_of and any(as_of > company._customer_today() + ONE_DAY for company in companies):
            raise UserError(
                self.env._(
                    "%(day)s has not come yet, and what is bought by then is not known: "
                    "choose today or an earlier day.",
                    day=as_of,
                )
            )
        # nobody may write runs and rows, the refresh does
        runs = (
            self.env["crm.model.run"]
            .sudo()
            .create(
                [
                    {
                        "company_id": company.id,
                        "as_of": as_of or company._customer_today(),
                        "kind": "explicit",
                    }
                    for company in companies
                ]
            )
        )
        for run in runs:
            self.sudo()._refresh_in_transaction(run)
        return runs.sudo(self.env.su)

    @api.model
    def _refresh_companies(self, companies):
        if not self.env.su:
            if not self.env.user.has_group("crm_extended.group_manager"):
                raise AccessError(
                    self.env._("Only a customer intelligence manager can recompute customers.")
                )
            foreign = companies and companies - self.env.user.company_ids
            if foreign:
                raise AccessError(
                    self.env._(
                        "You can't recompute the customers of %(companies)s: ask for access to "
                        "that company first.",
                        companies=", ".join(foreign.sudo().mapped("name")),
                    )
                )
            companies = companies or self.env.user.company_ids
        if companies is None:
            companies = self.env["res.company"].search([])
        return companies.sudo().filtered("active")

    @api.model
    def _refresh_in_transaction(self, run):
        if not run._try_lock(RUN_LOCK):
            run._stop("busy", self.env._("A refresh of this company is already running."))
            return
        try:
            with self.env.cr.savepoint():
                while run._advance():
                    pass
        except RETRY_ON:
            # only a new transaction can mend these; who opened this one decides
            raise
        except Exception as error:  # noqa: BLE001 - one company's failure is recorded, not spread
            _logger.exception("Refresh of customers of %s failed", run.company_id.name)
            run._stop("failed", str(error))

    # ------------------------------------------------------- seams of the capabilities

    @api.model
    def _customer_aggregates(self, run) -> dict[str, SQL]:
        """Selects with a unique ``partner_id``; each is staged under its name, in this order,
        and left-joined to the row.

        They may read the staged documents (``run._staging("document")``: partner_id,
        document_id, date, purchase_date, purchases, returns, gross, margin, known) and purchase
        days (``run._staging("day")``: partner_id, purchase_date, gap, prior_count, prior_log).
        """
        return {}

    @api.model
    def _later_aggregates(self, run) -> dict[str, SQL]:
        """Further ones, which stand on staged aggregates: a step of their own stages them."""
        return {}

    @api.model
    def _customer_columns(self, run) -> dict[str, SQL]:
        """Columns of the staging row, over ``partner`` and the aggregates."""
        return {}

    @api.model
    def _customer_layers(self, run) -> list[dict[str, SQL]]:
        """Each layer sees the columns of the staging row and of the layers before it."""
        return []
