from datetime import timedelta

from odoo import api, models
from odoo.tools import SQL, format_date

from ..sql import sql_columns
from .crm_customer_steps import RefreshStep
from .crm_model_run import Asked

# of the row, what a wallet stands beside
ROW_COLUMNS = ("revenue_real_12m", "revenue_real_prev_12m", "peer_low", "peer_possible",
               "peer_high", "white_space_headroom")  # fmt: skip
# a transaction that began before a refresh may end after it has read
OVERLAP = timedelta(hours=1)
# expired wallets looked at in a night
REVIEWS = 200


class CrmCustomerWalletRow(models.Model):
    """A wallet shows on the row when it is recorded, and is asked for again when it expired."""

    _inherit = "crm.customer.profile"

    # ------------------------------------------------------------------ showing at once

    @api.model
    def _apply_wallets(self, company, partners):
        """Bring what rows say of the wallets of these customers up to date, by the expressions of
        the refresh, as of the published one."""
        run = company.customer_run_id
        if not run or not partners:
            return
        run = run.with_context(customer_asked=Asked(tuple(partners.ids)))
        layers = self._merge_layers(self._wallet_layers(run))
        names = [
            name
            for layer in layers
            for name in layer
            if name in self._fields and self._fields[name].store
        ]
        self.flush_model()
        self.env.cr.execute(
            SQL(
                """UPDATE crm_customer_profile AS profile
                      SET (%(columns)s) = ROW(%(computed)s)
                     FROM (%(layers)s) AS computed
                    WHERE profile.id = computed.profile_id
                      AND (%(stored)s) IS DISTINCT FROM (%(computed)s)""",
                columns=SQL(", ").join(map(SQL.identifier, names)),
                computed=SQL(", ").join(SQL.identifier("computed", name) for name in names),
                stored=SQL(", ").join(SQL.identifier("profile", name) for name in names),
                layers=self._sql_wallet_rows(run, partners, layers),
            )
        )
        self.invalidate_model(names)

    @api.model
    def _sql_wallet_rows(self, run, partners, layers) -> SQL:
        columns = {name: SQL.identifier("profile", name) for name in ROW_COLUMNS}
        query = SQL(
            """SELECT profile.id AS profile_id, %(columns)s
                 FROM crm_customer_profile AS profile
                 %(joins)s
                WHERE profile.company_id = %(company)s
                  AND profile.partner_id = ANY(%(partners)s)""",
            columns=sql_columns(self._wallet_columns() | columns),
            joins=SQL(" ").join(
                SQL(
                    "LEFT JOIN (%s) AS %s ON %s = profile.partner_id",
                    select,
                    SQL.identifier(name),
                    SQL.identifier(name, "partner_id"),
                )
                for name, select in self._wallet_aggregates(run).items()
            ),
            company=run.company_id.id,
            partners=partners.ids,
        )
        for layer in layers:
            query = self._sql_layer(layer, query)
        return query

    @api.model
    def _refresh_publish(self, run):
        done = super()._refresh_publish(run)
        # what was said while the refresh was under way holds
        wallets = self.env["crm.customer.wallet"].with_context(active_test=False)
        said = wallets.search(
            [("company_id", "=", run.company_id.id), ("write_date", ">=", run.started_at - OVERLAP)]
        )
        self._apply_wallets(run.company_id, said.partner_id.commercial_partner_id)
        return done

    # ------------------------------------------------------------------ asking again

    @api.model
    def _refresh_steps(self):
        reviews = RefreshStep("reviews", self.env._("Asking again"), "_refresh_reviews")
        return [*super()._refresh_steps(), reviews]

    @api.model
    def _refresh_reviews(self, run) -> float:
        """One task for a customer whose wallet expired, once: to the salesperson, else to who
        heard it. None where something newer was said. A bounded number a night."""
        if run._is_look_back():
            return 1
        wallets = self.env["crm.customer.wallet"]
        expired = wallets.browse(
            wallet for [wallet] in self.env.execute_query(self._sql_to_review(run))
        )
        for partner, of_partner in expired.grouped("partner_id").items():
            self._ask_again_for(partner, of_partner)
        expired.write({"reviewed_on": run.as_of})
        return 1

    @api.model
    def _ask_again_for(self, partner, wallets):
        """:param wallets: what expired of one customer, the whole first"""
        owners = [partner.user_id, *(wallet.user_id for wallet in wallets)]
        owner = next(filter(lambda user: user.active and not user.share, owners), None)
        if not owner:
            return
        lang_env = self.with_context(lang=owner.lang).env
        partner.with_context(lang=owner.lang).activity_schedule(
            "mail.mail_activity_data_todo",
            summary=lang_env._("Ask again what they spend in a year"),
            note=lang_env._(
                "What was known since %(day)s has expired. Ask what they spend with all suppliers "
                "together, or which place we have among them, and enter it under “What do they "
                "spend?”.",
                day=format_date(lang_env, wallets[0].date),
            ),
            user_id=owner.id,
        )

    @api.model
    def _sql_to_review(self, run) -> SQL:
        for model in ("crm.customer.wallet", "res.partner"):
            self.env[model].flush_model()
        return SQL(
            """SELECT wallet.id
                 FROM (
                    SELECT DISTINCT ON (partner_id, COALESCE(category_id, 0)) *
                      FROM crm_customer_wallet
                     WHERE company_id = %(company)s AND active AND date <= %(as_of)s
                     ORDER BY partner_id, COALESCE(category_id, 0),
                              COALESCE(expires_on, 'infinity') DESC, date DESC, id DESC
                 ) AS wallet
                 JOIN res_partner AS partner ON partner.id = wallet.partner_id
                WHERE wallet.expires_on < %(as_of)s
                  AND wallet.reviewed_on IS NULL
                  AND %(due)s
                ORDER BY wallet.expires_on DESC, wallet.category_id NULLS FIRST, wallet.id
                LIMIT %(limit)s""",
            company=run.company_id.id,
            as_of=run.as_of,
            due=self._sql_is_due(run),
            limit=REVIEWS,
        )
