from odoo import api, fields, models
from odoo.tools import SQL

from ..analytics.readiness import ENOUGH, MISSING, THIN, blemish
from ..report.crm_customer_fact import ORDER_SOURCE
from .crm_customer_readiness import Finding

# shares of the customers, or of their revenue, that may be concerned
BEARABLE_DUPLICATES = 0.02
BEARABLE_LEFT_OUT = 0.1
# a share that would be told as 0 % is not told
LEAST_TOLD = 0.005
BEARABLE_OWNERLESS = 0.1
BEARABLE_UNREACHABLE = 0.1
# a number that more customers share is nobody's, as a switchboard's or 00000000
SHARED_BY_MOST = 10
# duplicates that the list shows at once
LISTED = 200
SHORTEST_KEY = 5
DUPLICATE_FIELDS = ("vat", "email_normalized", "phone_sanitized")


class CrmCustomerReadinessData(models.AbstractModel):
    """Checks of what every answer rests on: dates, contacts, and the refresh itself."""

    _inherit = "crm.customer.readiness"

    @api.model
    def _readiness_of_refresh(self, facts):
        company, run = facts["company"], facts["run"]
        findings = []
        if not run:
            text = self.env._("The customers were never computed.")
            findings.append(Finding(MISSING, text, self._recompute_mending()))
        elif company._customers_are_stale():
            text = self.env._(
                "The numbers are of %(days)s days ago: the nightly refresh did not run.",
                days=self._number((facts["today"] - run.as_of).days),
            )
            findings.append(Finding(THIN, text, self._recompute_mending()))
        else:
            text = self.env._(
                "Refreshed within a day; customers: %(count)s.",
                count=self._number(facts["customers"]),
            )
            findings.append(Finding(ENOUGH, text))
        last = self.env["crm.model.run"].search([("company_id", "=", company.id)], limit=1)
        if last.state == "failed":
            text = self.env._("The last refresh failed; its entry tells why.")
            refreshes = self._mending(
                self.env._("See the Refreshes"), "crm_extended.crm_model_run_action"
            )
            findings.append(Finding(THIN, text, refreshes))
        return findings

    @api.model
    def _readiness_of_dates(self, facts):
        model, domain = self._future_documents(facts)
        # sudo: the count is no secret, the documents are opened with the reader's own rights
        count = self.env[model].sudo().search_count(domain)
        if not count:
            return [Finding(ENOUGH, self.env._("No document is dated in the future."))]
        text = self.env._(
            "Documents dated in the future: %(count)s. They count when their day comes; a wrong "
            "date never does.",
            count=self._number(count),
        )
        label = self.env._("Dated in the Future")
        action = self._list_action(label, model, domain)
        return [
            Finding(THIN, text, self._mending(label, action, self.env[model].has_access("read")))
        ]

    @api.model
    def _future_documents(self, facts) -> tuple[str, list]:
        company = ("company_id", "=", facts["company"].id)
        if facts["company"]._fact_source() == ORDER_SOURCE:
            return "sale.order", [
                company,
                ("state", "=", "sale"),
                ("date_order", ">=", fields.Datetime.to_string(self._tomorrow(facts))),
            ]
        return "account.move", [
            company,
            ("state", "=", "posted"),
            ("move_type", "in", ("out_invoice", "out_refund", "out_receipt")),
            ("invoice_date", ">", fields.Date.to_string(facts["today"])),
        ]

    @api.model
    def _tomorrow(self, facts):
        """When the company's next day begins, in UTC."""
        [[moment]] = self.env.execute_query(
            SQL(
                "SELECT (%s::date + 1)::timestamp AT TIME ZONE %s AT TIME ZONE 'UTC'",
                facts["today"],
                facts["company"]._customer_timezone(),
            )
        )
        return moment

    # ------------------------------------------------------------------- duplicates

    @api.model
    def _readiness_of_duplicates(self, facts):
        found = self._duplicates(facts["company"])
        if not found:
            text = self.env._("No customers share a tax ID, an e-mail address or a phone number.")
            return [Finding(ENOUGH, text)]
        field, count, partner_ids = found[0]
        text = self.env._(
            "Customers who share a tax ID, an e-mail address or a phone number with another: "
            "%(count)s of %(customers)s. Each is probably one customer, counted as several: "
            "choose them in the list, then merge them.",
            count=self._number(count),
            customers=self._number(facts["customers"]),
        )
        label = self.env._("Probable Duplicates")
        action = self._list_action(
            label, "res.partner", [("id", "in", partner_ids)], group_by=field
        )
        may = self.env["base.partner.merge.automatic.wizard"].has_access("create")
        return [
            Finding(
                blemish(count, facts["customers"], BEARABLE_DUPLICATES),
                text,
                self._mending(label, action, may),
            )
        ]

    @api.model
    def _duplicates(self, company) -> list[tuple]:
        """``(field, customers concerned by any field, ids of the first ones)`` of each field that
        has any, most first. Companies of one group are known to belong together and no
        duplicates."""
        self.env["res.partner"].flush_model([*DUPLICATE_FIELDS, "parent_id"])
        return self.env.execute_query(
            SQL(
                """WITH members AS (%(members)s)
                SELECT field,
                       (SELECT COUNT(DISTINCT id) FROM members),
                       (ARRAY_AGG(id ORDER BY key, id))[:%(listed)s]
                  FROM members
                 GROUP BY field
                 ORDER BY COUNT(*) DESC, field DESC""",
                members=SQL(" UNION ALL ").join(
                    self._sql_sharing(company, name) for name in DUPLICATE_FIELDS
                ),
                listed=LISTED,
            )
        )

    @api.model
    def _sql_sharing(self, company, name: str) -> SQL:
        """``(field, key, id)`` of the customers who share a value. What nobody shares is put aside
        before anything is joined: that is nearly everything."""
        return SQL(
            """SELECT %(name)s AS field, key, UNNEST(ids) AS id
                 FROM (
                    SELECT partner.%(column)s AS key, ARRAY_AGG(partner.id) AS ids
                      FROM (
                        SELECT %(column)s AS key FROM res_partner
                         WHERE %(column)s <> '' GROUP BY %(column)s HAVING COUNT(*) > 1
                      ) AS shared
                      JOIN res_partner AS partner ON partner.%(column)s = shared.key
                      JOIN crm_customer_profile AS profile ON profile.partner_id = partner.id
                     WHERE profile.company_id = %(company)s
                       AND profile.purchase_count > 0
                       AND partner.parent_id IS NULL
                     GROUP BY partner.%(column)s
                    HAVING COUNT(*) BETWEEN 2 AND %(most)s
                 ) AS sharing
                -- “/” says that there is none
                WHERE LENGTH(key) >= %(shortest)s""",
            name=name,
            column=SQL.identifier(name),
            company=company.id,
            most=SHARED_BY_MOST,
            shortest=SHORTEST_KEY,
        )

    # --------------------------------------------------------------------- left out

    @api.model
    def _readiness_of_walk_ins(self, facts):
        proposed = self.env["crm.customer.exclusion"].search(
            [
                ("state", "=", "proposed"),
                ("company_id", "in", [facts["company"].id, False]),
            ]
        )
        if not proposed:
            return []
        rows = self.env["crm.customer.profile"].search(
            [
                ("company_id", "=", facts["company"].id),
                ("partner_id", "in", proposed.partner_id.ids),
            ]
        )
        bought = sum(max(row.revenue_12m, 0) for row in rows)
        share = bought / facts["revenue"] if facts["revenue"] else 0
        text = self.env._(
            "Contacts that look like walk-in accounts and wait for your decision: %(count)s, with "
            "%(share)s of the revenue.",
            count=self._number(len(proposed)),
            share=self._percent(share),
        )
        return [Finding(THIN, text, self._exclusion_mending(search_default_proposed=1))]

    @api.model
    def _readiness_of_left_out(self, facts):
        left_out = self._revenue_left_out(facts)
        whole = left_out + facts["revenue"]
        if left_out < LEAST_TOLD * whole or left_out <= 0:
            return []
        text = self.env._(
            "About %(share)s of the revenue of 12 months is with contacts who are left out: "
            "walk-in accounts, own companies, employees, and who refused profiling.",
            share=self._percent(left_out / whole),
        )
        return [
            Finding(
                blemish(left_out, whole, BEARABLE_LEFT_OUT),
                text,
                self._exclusion_mending(),
            )
        ]

    @api.model
    def _exclusion_mending(self, **context) -> dict:
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "crm_extended.crm_customer_exclusion_action"
        )
        return self._mending(self.env._("Contacts Left Out"), action | {"context": context})

    @api.model
    def _revenue_left_out(self, facts):
        """Untaxed revenue of 12 months of those who are no customers, from whole documents."""
        values = {
            "company": facts["company"].id,
            "excluded": self.env["crm.customer.exclusion"]._sql_exclusions(facts["company"]),
        }
        windows = facts["run"]._windows
        if facts["company"]._fact_source() == ORDER_SOURCE:
            self.env["sale.order"].flush_model()
            amounts = SQL(
                """SELECT document.amount_untaxed
                          / COALESCE(NULLIF(document.currency_rate, 0), 1)::numeric AS amount
                     FROM sale_order AS document
                     JOIN contacts ON contacts.id = document.partner_id
                    WHERE document.company_id = %(company)s
                      AND document.state = 'sale'
                      AND %(window)s""",
                window=windows("date_order")["12m"],
                **values,
            )
        else:
            self.env["account.move"].flush_model()
            amounts = SQL(
                """SELECT document.amount_untaxed_signed AS amount
                     FROM account_move AS document
                     JOIN contacts ON contacts.id = document.partner_id
                    WHERE document.company_id = %(company)s
                      AND document.state = 'posted'
                      AND document.move_type IN ('out_invoice', 'out_refund', 'out_receipt')
                      AND %(window)s""",
                window=windows("invoice_date")["12m"],
                **values,
            )
        [[amount]] = self.env.execute_query(
            SQL(
                """WITH contacts AS (
                    SELECT id FROM res_partner
                     WHERE commercial_partner_id IN (
                        SELECT partner_id FROM (%s) AS exclusion
                     )
                )
                SELECT COALESCE(SUM(amount), 0) FROM (%s) AS amounts""",
                values["excluded"],
                amounts,
            )
        )
        return amount

    # ------------------------------------------------------------------ who calls whom

    @api.model
    def _readiness_of_salespeople(self, facts):
        text = self.env._(
            "Customers who still buy and have no salesperson: %(count)s of %(customers)s.",
            count=self._number(facts["ownerless"]),
            customers=self._number(facts["active"]),
        )
        found = blemish(facts["ownerless"], facts["active"], BEARABLE_OWNERLESS)
        label = self.env._("Without a Salesperson")
        mend = self._customers_mending(facts, facts["ownerless"], label, ("user_id", "=", False))
        return [Finding(found, text, mend)]

    @api.model
    def _readiness_of_phones(self, facts):
        text = self.env._(
            "Customers who still buy and have no phone number: %(count)s of %(customers)s.",
            count=self._number(facts["unreachable"]),
            customers=self._number(facts["active"]),
        )
        found = blemish(facts["unreachable"], facts["active"], BEARABLE_UNREACHABLE)
        label = self.env._("Without a Phone Number")
        mend = self._customers_mending(
            facts, facts["unreachable"], label, ("partner_id.phone", "in", [False, ""])
        )
        return [Finding(found, text, mend)]

    @api.model
    def _customers_mending(self, facts, count, label, condition) -> dict | None:
        if not count:
            return None
        domain = [
            ("company_id", "=", facts["company"].id),
            ("purchase_count", ">", 0),
            ("lifecycle_stage", "!=", "lost"),
            condition,
        ]
        return self._mending(label, self._list_action(label, "crm.customer.profile", domain))
