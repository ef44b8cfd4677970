from dateutil.relativedelta import relativedelta

from odoo import api, models
from odoo.tools import SQL

from ..sql import sql_columns
from .crm_customer_wallet import SAID_SOURCES


class CrmCustomerWalletKnown(models.Model):
    """What is known of the wallets of customers as of a day: what was said and has not expired,
    and the benchmark of who is of its kind."""

    _inherit = "crm.customer.profile"

    @api.model
    def _customer_aggregates(self, run):
        return super()._customer_aggregates(run) | self._wallet_aggregates(run)

    @api.model
    def _wallet_aggregates(self, run) -> dict[str, SQL]:
        """What was said, and the benchmarks; these can be asked again after the run."""
        whole = "SELECT * FROM (%s) AS wallet WHERE wallet.category_id IS NULL"
        year_ago = run.as_of - relativedelta(years=1)
        return {
            "wallet": SQL(whole, self._sql_wallets(run)),
            "wallet_before": SQL(whole, self._sql_wallets(run, year_ago)),
            "benchmark": self._sql_benchmarks(run),
        }

    @api.model
    def _sql_wallets(self, run, day=None) -> SQL:
        """What decides of what was said, per customer and category (NULL: as a whole), in the
        company's currency and the prices of the as-of month: ``partner_id, category_id,
        wallet_id, source, amount, low, high, share, share_low, share_high, date, expires_on``.

        :param day: what had been said, and had not expired, by this day; default: the run's
        """
        for model in ("crm.customer.wallet", "res.partner", "res.currency.rate"):
            self.env[model].flush_model()
        return SQL(
            """SELECT DISTINCT ON (partner.commercial_partner_id, COALESCE(wallet.category_id, 0))
                      partner.commercial_partner_id AS partner_id, wallet.category_id,
                      wallet.id AS wallet_id, wallet.source, %(columns)s,
                      wallet.date, wallet.expires_on
                 FROM crm_customer_wallet AS wallet
                 JOIN res_partner AS partner ON partner.id = wallet.partner_id
                WHERE wallet.active
                  AND wallet.company_id = %(company)s
                  AND wallet.date <= %(said)s::date
                  AND (wallet.expires_on IS NULL OR wallet.expires_on >= %(counts)s::date)
                  AND wallet.source IN %(sources)s
                  AND %(of_whom)s
                ORDER BY partner.commercial_partner_id, COALESCE(wallet.category_id, 0),
                         array_position(%(trust)s, wallet.source), wallet.date DESC,
                         wallet.id DESC""",
            columns=sql_columns(self._sql_said(run)),
            company=run.company_id.id,
            said=day or self._wallets_until(run),
            counts=day or run.as_of,
            sources=SAID_SOURCES,
            trust=list(SAID_SOURCES),
            of_whom=run._of_whom(SQL("wallet.partner_id")),
        )

    @api.model
    def _sql_said(self, run) -> dict[str, SQL]:
        """Amounts and shares of a ``wallet``; the database has 0 where none was said."""
        amounts = {"amount": "amount", "low": "amount_low", "high": "amount_high"}
        shares = {name: f"rank_{name}" for name in ("share", "share_low", "share_high")}
        return {
            name: self._sql_wallet_money(run, SQL.identifier("wallet", stored))
            for name, stored in amounts.items()
        } | {
            name: SQL("NULLIF(%s, 0)::numeric", SQL.identifier("wallet", stored))
            for name, stored in shares.items()
        }

    @api.model
    def _wallets_until(self, run):
        """The last day of which something said counts. What is said after a refresh shows at
        once; a look back at an earlier day doesn't know it."""
        if run.state != "done" or run._is_look_back():
            return run.as_of
        return max(run.as_of, run.company_id._customer_today())

    @api.model
    def _sql_wallet_money(self, run, amount: SQL, table: str = "wallet") -> SQL:
        """An amount of a wallet or a benchmark (NULL where it is 0) in the company's currency, at
        the rate of its date, and in the prices of the as-of month."""
        company = run.company_id
        own = company.currency_id
        day, currency = SQL.identifier(table, "date"), SQL.identifier(table, "currency_id")
        converted = SQL(
            "NULLIF(%(amount)s, 0) * CASE WHEN %(currency)s = %(own)s THEN 1"
            " ELSE %(rate)s / %(other)s END",
            amount=amount,
            currency=currency,
            own=own.id,
            rate=self._sql_rate(company, SQL("%s", own.id), day),
            other=self._sql_rate(company, currency, day),
        )
        return self._sql_real(run, SQL("(%s)", converted), day)

    @api.model
    def _sql_rate(self, company, currency: SQL, day: SQL) -> SQL:
        """As ``res.currency._get_rates`` has it."""
        rate = """SELECT rate.rate FROM res_currency_rate AS rate
                   WHERE rate.currency_id = %(currency)s
                     AND (rate.company_id IS NULL OR rate.company_id = %(company)s)"""
        values = {"currency": currency, "company": company.root_id.id, "day": day}
        return SQL(
            "COALESCE((%s), (%s), 1)",
            SQL(
                rate + " AND rate.name <= %(day)s ORDER BY rate.company_id, rate.name DESC LIMIT 1",
                **values,
            ),
            SQL(rate + " ORDER BY rate.company_id, rate.name LIMIT 1", **values),
        )

    @api.model
    def _sql_benchmarks(self, run) -> SQL:
        """The most specific rule for each customer: ``partner_id, amount, low, high, date,
        valid_until``. Rules are looked up once for each kind of customer that there is."""
        for model in ("crm.wallet.benchmark", "res.partner"):
            self.env[model].flush_model()
        return SQL(
            """WITH kinds AS (
                SELECT industry_id, customer_size, country_id
                  FROM res_partner AS partner
                 WHERE partner.commercial_partner_id = partner.id AND %(of_whom)s
                   AND EXISTS (SELECT FROM crm_wallet_benchmark WHERE active)
                 GROUP BY industry_id, customer_size, country_id
               )
               SELECT partner.id AS partner_id, rule.*
                 FROM kinds
                CROSS JOIN LATERAL (
                    %(rule)s
                ) AS rule
                 JOIN res_partner AS partner
                   ON COALESCE(partner.industry_id, 0) = COALESCE(kinds.industry_id, 0)
                  AND COALESCE(partner.customer_size, '') = COALESCE(kinds.customer_size, '')
                  AND COALESCE(partner.country_id, 0) = COALESCE(kinds.country_id, 0)
                  AND partner.commercial_partner_id = partner.id AND %(of_whom)s""",
            rule=self._sql_benchmark_rule(run),
            of_whom=run._of_whom(SQL("partner.id")),
        )

    @api.model
    def _sql_benchmark_rule(self, run) -> SQL:
        """The rule for the customers of one of the ``kinds``."""
        names = {"amount": "amount", "low": "amount_low", "high": "amount_high"}
        amounts = {
            name: self._sql_wallet_money(run, SQL.identifier("benchmark", stored), "benchmark")
            for name, stored in names.items()
        }
        return SQL(
            """SELECT %(amounts)s, benchmark.date, benchmark.valid_until
                 FROM crm_wallet_benchmark AS benchmark
                WHERE benchmark.active
                  AND (benchmark.company_id IS NULL OR benchmark.company_id = %(company)s)
                  AND (benchmark.industry_id IS NULL
                       OR benchmark.industry_id = kinds.industry_id)
                  AND (benchmark.customer_size IS NULL
                       OR benchmark.customer_size = kinds.customer_size)
                  AND (benchmark.country_id IS NULL
                       OR benchmark.country_id = kinds.country_id)
                  AND benchmark.date <= %(as_of)s
                  AND (benchmark.valid_until IS NULL OR benchmark.valid_until >= %(as_of)s)
                ORDER BY num_nonnulls(benchmark.industry_id, benchmark.customer_size,
                                      benchmark.country_id) DESC,
                         benchmark.industry_id IS NULL, benchmark.customer_size IS NULL,
                         benchmark.date DESC, benchmark.id DESC
                LIMIT 1""",
            amounts=sql_columns(amounts),
            company=run.company_id.id,
            as_of=run.as_of,
        )
