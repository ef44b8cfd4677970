import json

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.iap.tools.iap_tools import _MAIL_PROVIDERS

from ..analytics import likeness
from ..wording import percent

# a customer of fewer days had no time to become one of the best
JUDGED_DAYS = 183
# the customers that came first are learned from, the others judge it
LEARNED_SHARE = 0.7
# levels of a characteristic that are kept
MOST_LEVELS = 200
SHOWN_REASONS = 3
# below it, a characteristic is no reason
TELLING_WEIGHT = 0.1
# the records behind the levels of a characteristic
TRAIT_MODELS = {
    "country": "res.country",
    "state": "res.country.state",
    "industry": "res.partner.industry",
    "source": "utm.source",
    "medium": "utm.medium",
    "tag": "crm.tag",
}


class CrmLead(models.Model):
    """How alike a lead is to the best customers, learned each night for each company.

    The best are those that everybody sees to be so: loyal by their stage, or loyal and champions by
    their scores; no amount is looked at. Characteristics are those that leads and customers share.
    It is shown where it told the best of the customers who came later.
    """

    _inherit = "crm.lead"

    lead_likeness_reason = fields.Text(
        "Why Alike",
        compute="_compute_lead_likeness_reason",
        groups="crm_extended.group_user",
        help="The characteristics that say most, for and against.",
    )

    @api.depends_context("lang")
    @api.depends("lead_likeness")
    def _compute_lead_likeness_reason(self):
        self.lead_likeness_reason = False
        # sudo: what was learned, and the characteristics of leads that may be read
        leads = self.sudo().filtered(lambda lead: lead.lead_likeness and lead._origin.id)
        for company, of_company in leads.grouped(lambda lead: lead._band_company()).items():
            model = company.customer_run_id.likeness or {}
            for lead, lines in of_company._likeness_lines(model).items():
                lead.with_env(self.env).lead_likeness_reason = "\n".join(lines)

    def _likeness_lines(self, model: dict) -> dict:
        """``{lead: sentences}``, what says most first."""
        learned = {(trait, level): rest for trait, level, *rest in model.get("levels", ())}
        ids = tuple(self._origin.ids)
        self.env.flush_all()
        rows = self.env.execute_query(self._sql_lead_traits(SQL("lead.id IN %s", ids)))
        telling = {}
        for lead, trait, level in rows:
            if abs(learned.get((trait, level), [0, 0, 0])[2]) >= TELLING_WEIGHT:
                telling.setdefault(lead, []).append((trait, level))
        lines = {}
        for lead in self:
            traits = telling.get(lead._origin.id, ())
            ranked = sorted(traits, key=lambda trait: (-abs(learned[trait][2]), trait))
            lines[lead] = [
                self._likeness_sentence(trait, learned[trait], model)
                for trait in ranked[:SHOWN_REASONS]
            ]
        return lines

    def _likeness_sentence(self, trait: tuple, learned: list, model: dict) -> str:
        customers, best, _weight = learned
        return self.env._(
            "%(characteristic)s %(value)s: %(share)s of %(customers)s customers are among the "
            "best; of all customers %(overall)s.",
            characteristic=self._trait_labels()[trait[0]],
            value=self._level_label(*trait),
            share=percent(self.env, best / customers),
            customers=customers,
            overall=percent(self.env, model["best"] / model["customers"]),
        )

    @api.model
    def _trait_labels(self) -> dict[str, str]:
        return {
            "country": self.env._("Country"),
            "state": self.env._("State"),
            "industry": self.env._("Industry"),
            "size": self.env._("Size"),
            "kind": self.env._("Kind of contact"),
            "source": self.env._("Source"),
            "medium": self.env._("Medium"),
            "tag": self.env._("Tag"),
            "mail": self.env._("E-mail"),
        }

    @api.model
    def _level_label(self, trait: str, level: str) -> str:
        if trait in TRAIT_MODELS:
            return self.env[TRAIT_MODELS[trait]].browse(int(level)).exists().display_name or "?"
        if trait == "size":
            sizes = self.env["res.partner"]._fields["customer_size"]
            return dict(sizes._description_selection(self.env)).get(level, level)
        return {
            "company": self.env._("company"),
            "person": self.env._("person"),
            "own": self.env._("own domain"),
            "free": self.env._("free provider"),
        }[level]

    # ----------------------------------------------------------------- characteristics

    @api.model
    def _sql_lead_traits(self, where: SQL) -> SQL:
        """``(lead_id, trait, level)`` of leads."""
        return SQL(
            """SELECT lead.id AS lead_id, trait.name AS trait, trait.level
                 FROM crm_lead AS lead
                 LEFT JOIN res_partner AS contact ON contact.id = lead.partner_id
                 LEFT JOIN res_partner AS partner ON partner.id = contact.commercial_partner_id
                CROSS JOIN LATERAL (VALUES
                    ('country', COALESCE(lead.country_id, partner.country_id)::text),
                    ('state', COALESCE(lead.state_id, partner.state_id)::text),
                    ('industry', partner.industry_id::text),
                    ('size', partner.customer_size),
                    ('kind', CASE WHEN partner.is_company OR lead.partner_name ~ '\\S'
                                  THEN 'company'
                                  WHEN partner.id IS NOT NULL OR lead.contact_name ~ '\\S'
                                  THEN 'person' END),
                    ('source', lead.source_id::text),
                    ('medium', lead.medium_id::text),
                    ('mail', %(mail)s)
                ) AS trait (name, level)
                WHERE trait.level IS NOT NULL AND %(where)s
                UNION ALL
               SELECT tagged.lead_id, 'tag', tagged.tag_id::text
                 FROM crm_tag_rel AS tagged
                 JOIN crm_lead AS lead ON lead.id = tagged.lead_id
                WHERE %(where)s""",
            mail=self._sql_mail_kind(
                SQL("COALESCE(lead.email_normalized, partner.email_normalized)")
            ),
            where=where,
        )

    @api.model
    def _sql_mail_kind(self, address: SQL) -> SQL:
        return SQL(
            """CASE WHEN split_part(%(address)s, '@', 2) = ANY(%(free)s) THEN 'free'
                    WHEN split_part(%(address)s, '@', 2) != '' THEN 'own' END""",
            address=address,
            free=sorted(_MAIL_PROVIDERS),
        )

    @api.model
    def _sql_customer_traits(self, run) -> SQL:
        """``(partner_id, is_best, is_later, trait, level)`` of customers who had time to become
        one of the best."""
        return SQL(
            """WITH judged AS (
                SELECT partner_id, acquisition_source_id, acquisition_medium_id,
                       COALESCE(lifecycle_stage = 'loyal'
                                OR rfm_segment IN ('champions', 'loyal'), FALSE) AS is_best,
                       PERCENT_RANK() OVER (ORDER BY first_purchase_date) > %(share)s AS is_later
                  FROM %(results)s
                 WHERE first_purchase_date <= %(as_of)s::date - %(days)s
               )
               SELECT judged.partner_id, is_best, is_later, trait.name AS trait, trait.level
                 FROM judged
                 JOIN res_partner AS partner ON partner.id = judged.partner_id
                CROSS JOIN LATERAL (VALUES
                    ('country', partner.country_id::text),
                    ('state', partner.state_id::text),
                    ('industry', partner.industry_id::text),
                    ('size', partner.customer_size),
                    ('kind', CASE WHEN partner.is_company THEN 'company' ELSE 'person' END),
                    ('source', acquisition_source_id::text),
                    ('medium', acquisition_medium_id::text),
                    ('mail', %(mail)s)
                ) AS trait (name, level)
                WHERE trait.level IS NOT NULL
                UNION ALL
               SELECT judged.partner_id, is_best, is_later, 'tag', tagged.tag_id::text
                 FROM judged
                 JOIN %(channels)s AS channel USING (partner_id)
                 JOIN crm_tag_rel AS tagged ON tagged.lead_id = channel.lead_id""",
            share=LEARNED_SHARE,
            results=run._staging("result"),
            channels=run._staging("channel"),
            as_of=run.as_of,
            days=JUDGED_DAYS,
            mail=self._sql_mail_kind(SQL("partner.email_normalized")),
        )

    # ------------------------------------------------------------------------ learning

    @api.model
    def _learn_likeness(self, run) -> dict:
        """``{"state", "customers", "best"}``, and what was learned and checked: ``levels`` as
        ``[trait, level, customers, best, weight]``, and ``auc`` of the customers who came later.

        ``state``: learned, unproven (it did not tell the best of those who came later), too_few.
        """
        self.env["res.partner"].flush_model()
        run._stage("trait", self._sql_customer_traits(run))
        levels, earlier = {}, {}
        for trait, level, is_later, customers, best in self._count_levels(run):
            counts = levels.setdefault((trait, level), [0, 0])
            counts[0] += customers
            counts[1] += best
            if not is_later:
                earlier[trait, level] = likeness.Level(customers, best)
        of_all, of_earlier = self._count_judged(run)
        learned = {"state": "too_few", "customers": of_all.customers, "best": of_all.best}
        if not (likeness.is_enough(of_all) and likeness.is_enough(of_earlier)):
            return learned
        check = likeness.check(self._score_later(run, likeness.weights(earlier, of_earlier)))
        if not check:
            return learned
        learned |= {
            "auc": check.auc,
            "auc_low": check.interval.low,
            "auc_high": check.interval.high,
        }
        if not check.holds:
            return learned | {"state": "unproven"}
        totals = {key: likeness.Level(*counts) for key, counts in levels.items()}
        return learned | {
            "state": "learned",
            "slope": check.slope,
            "levels": [
                [*key, *totals[key], weight * check.slope]
                for key, weight in sorted(likeness.weights(totals, of_all).items())
            ],
        }

    @api.model
    def _count_levels(self, run) -> list:
        return self.env.execute_query(
            SQL(
                """SELECT trait, level, is_later, COUNT(*), COUNT(*) FILTER (WHERE is_best)
                     FROM %(traits)s AS shown
                     JOIN (
                        SELECT trait, level,
                               ROW_NUMBER() OVER (PARTITION BY trait ORDER BY COUNT(*) DESC, level)
                                   AS place
                          FROM %(traits)s
                         GROUP BY trait, level
                     ) AS ranked USING (trait, level)
                    WHERE place <= %(most)s
                    GROUP BY trait, level, is_later""",
                traits=run._staging("trait"),
                most=MOST_LEVELS,
            )
        )

    @api.model
    def _count_judged(self, run) -> tuple:
        """All customers who are judged, and the earlier of them: each has a kind of contact."""
        [row] = self.env.execute_query(
            SQL(
                """SELECT COUNT(*), COUNT(*) FILTER (WHERE is_best),
                          COUNT(*) FILTER (WHERE NOT is_later),
                          COUNT(*) FILTER (WHERE is_best AND NOT is_later)
                     FROM %s
                    WHERE trait = 'kind'""",
                run._staging("trait"),
            )
        )
        return likeness.Level(*row[:2]), likeness.Level(*row[2:])

    @api.model
    def _score_later(self, run, weights: dict) -> list:
        rows = self.env.execute_query(
            SQL(
                """SELECT score, is_best, COUNT(*)
                     FROM (
                        SELECT is_best, ROUND(SUM(COALESCE(weight, 0))::numeric, 4)::float8 AS score
                          FROM %(traits)s
                          LEFT JOIN %(weights)s USING (trait, level)
                         WHERE is_later
                         GROUP BY partner_id, is_best
                     ) AS scores
                    GROUP BY score, is_best
                    ORDER BY score, is_best""",
                traits=run._staging("trait"),
                weights=self._sql_weights((*key, weight) for key, weight in weights.items()),
            )
        )
        return [likeness.Later(*row) for row in rows]

    @api.model
    def _sql_weights(self, weights) -> SQL:
        """``learned (trait, level, weight)``"""
        rows = [{"trait": t, "level": level, "weight": weight} for t, level, weight in weights]
        return SQL(
            "jsonb_to_recordset(%s::jsonb) AS learned (trait text, level text, weight float8)",
            json.dumps(rows),
        )

    @api.model
    def _sql_likeness(self, where: SQL, model: dict) -> SQL:
        """``(lead_id, band)`` of leads of which a characteristic says something."""
        weights = [
            (trait, level, weight) for trait, level, *_counts, weight in model.get("levels", ())
        ]
        if not weights:
            return SQL("SELECT NULL::integer AS lead_id, NULL AS band WHERE FALSE")
        return SQL(
            """SELECT lead_id,
                      CASE WHEN SUM(weight) >= LN(%(very)s) THEN 'very_alike'
                           WHEN SUM(weight) >= LN(%(alike)s) THEN 'alike'
                           WHEN SUM(weight) >= -LN(%(alike)s) THEN 'neutral'
                           ELSE 'unlike'
                      END AS band
                 FROM (%(traits)s) AS shown
                 JOIN %(weights)s USING (trait, level)
                GROUP BY lead_id""",
            very=likeness.VERY_ALIKE,
            alike=likeness.ALIKE,
            traits=self._sql_lead_traits(where),
            weights=self._sql_weights(weights),
        )
