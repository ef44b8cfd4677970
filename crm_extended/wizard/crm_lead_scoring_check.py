from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_list

from ..analytics import lead_scoring
from ..models.crm_lead_tooltip import SCORED_BANDS
from ..wording import percent

PARAMETER = "crm.pls_fields"
START = "crm.pls_start_date"
# the latest closed leads that are looked at
MOST_LEADS = 20_000


class CrmLeadScoringCheck(models.TransientModel):
    """Whether the bands of leads make Odoo's predictive lead scoring better, and the button that
    lets it use them.

    Measured as Odoo works, with its naive Bayes on the fields that are chosen in the settings, of
    all teams together and without the stage: learned from the older closed leads, judged on the
    newer. Nothing is changed until somebody presses the button.
    """

    _name = "crm.lead.scoring.check"
    _description = "Lead Scoring with Bands"

    fields_text = fields.Char("Odoo Scores by", compute="_compute_fields_text")
    missing_text = fields.Char("Bands It Does Not Use", compute="_compute_fields_text")
    is_used = fields.Boolean(compute="_compute_fields_text")
    start_text = fields.Char("Leads It Learns From", compute="_compute_fields_text")
    may_change = fields.Boolean(compute="_compute_fields_text")
    verdict = fields.Text("What the Bands Add", compute="_compute_comparison")
    is_measured = fields.Boolean(compute="_compute_comparison")
    auc_without = fields.Float("AUC without Bands", compute="_compute_comparison", digits=(4, 3))
    auc_with = fields.Float("AUC with Bands", compute="_compute_comparison", digits=(4, 3))
    loss_without = fields.Float(
        "Log Loss without Bands", compute="_compute_comparison", digits=(4, 3)
    )
    loss_with = fields.Float("Log Loss with Bands", compute="_compute_comparison", digits=(4, 3))

    def _compute_display_name(self):
        self.display_name = self.env._("Lead Scoring with Bands")

    @api.depends_context("uid", "lang")
    def _compute_fields_text(self):
        # sudo: which fields are chosen is no secret to who reads their result on every lead
        parameters = self.env["ir.config_parameter"].sudo()
        used = self.env["crm.lead"]._pls_get_safe_fields()
        missing = [name for name in SCORED_BANDS if name not in used]
        start = parameters.get_param(START)
        for check in self:
            check.fields_text = self._labels(used) or self.env._("Stage")
            check.missing_text = self._labels(missing)
            check.is_used = not missing
            check.start_text = start and self.env._("Made on %(day)s or later.", day=start)
            check.may_change = self.env.user.has_group("base.group_system")

    @api.model
    def _labels(self, names) -> str:
        leads = self.env["crm.lead"]._fields
        labels = [leads[name]._description_string(self.env) for name in names]
        return format_list(self.env, labels) if labels else ""

    # --------------------------------------------------------------------- measuring

    @api.depends_context("uid", "lang")
    def _compute_comparison(self):
        found = self._compare()
        values = {"is_measured": bool(found), "verdict": self._verdict(found)}
        if found:
            values |= {
                "auc_without": found.without.auc,
                "auc_with": found.having.auc,
                "loss_without": found.without.log_loss,
                "loss_with": found.having.log_loss,
            }
        for check in self:
            check.update(dict.fromkeys(("auc_without", "auc_with", "loss_without", "loss_with"), 0))
            check.update(values)

    @api.model
    def _compare(self):
        """The closed leads by Odoo's fields alone, and by these and the bands."""
        own = [name for name in self.env["crm.lead"]._pls_get_safe_fields() if name != "stage_id"]
        own = [name for name in own if name not in SCORED_BANDS]
        leads = self._closed_leads([*own, *SCORED_BANDS])
        if not any(name in SCORED_BANDS for lead in leads for name, _value in lead.values):
            # all were closed before leads had bands
            return None
        return lead_scoring.compare(leads, own, SCORED_BANDS)

    @api.model
    def _closed_leads(self, names) -> list:
        # sudo: counted, as Odoo counts them, never shown
        leads = self.env["crm.lead"].sudo().with_context(active_test=False)
        closed = leads.search_fetch(
            [("won_status", "in", ("won", "lost")), ("company_id", "in", self._company_ids())],
            [*names, "won_status"],
            order="create_date DESC, id DESC",
            limit=MOST_LEADS,
        )
        return [
            lead_scoring.Lead(
                [
                    (name, value)
                    for name in names
                    for value in (
                        lead[name].ids
                        if lead._fields[name].relational
                        else [lead[name]]
                        if lead[name] or name.endswith("_state")
                        else []
                    )
                ],
                lead.won_status == "won",
            )
            for lead in reversed(closed)
        ]

    @api.model
    def _company_ids(self) -> list:
        return [*self.env.companies.ids, False]

    @api.model
    def _verdict(self, found) -> str:
        if not found:
            return self.env._(
                "Cannot tell yet: it takes %(learned)s won and %(learned)s lost leads to learn "
                "from and %(judged)s of each that came later, some of them with bands.",
                learned=lead_scoring.FEWEST_LEARNED,
                judged=lead_scoring.FEWEST_JUDGED,
            )
        names = {
            "without": percent(self.env, found.without.auc),
            "having": percent(self.env, found.having.auc),
            "judged": found.judged,
        }
        if found.interval.low > 0:
            return self.env._(
                "The bands make it better: of a won and a lost lead it tells the won one in "
                "%(having)s of cases, without them in %(without)s, on %(judged)s later leads.",
                **names,
            )
        if found.interval.high < 0:
            return self.env._(
                "The bands make it worse: of a won and a lost lead it tells the won one in "
                "%(having)s of cases, without them in %(without)s, on %(judged)s later leads.",
                **names,
            )
        return self.env._(
            "Cannot tell yet: of a won and a lost lead it tells the won one in %(having)s of "
            "cases, without the bands in %(without)s; on %(judged)s later leads it may be chance.",
            **names,
        )

    # ------------------------------------------------------------------- the button

    def action_use_bands(self):
        """Add the bands to the fields of Odoo's lead scoring, and let it recompute the chances now
        and each night."""
        # each his own
        self.check_access("write")
        if not self.env.user.has_group("base.group_system"):
            raise AccessError(
                self.env._("Only an administrator can change how Odoo scores leads: ask one.")
            )
        # sudo: the settings of Odoo's scoring, changed by an administrator who asked for it
        names = self._add_scoring_fields()
        self.env["ir.config_parameter"].sudo().set_param(PARAMETER, ",".join(names))
        cron = self.env.ref("crm.website_crm_score_cron", raise_if_not_found=False)
        if not cron:
            raise UserError(
                self.env._(
                    "Odoo's scheduled action that recomputes chances is missing: update the CRM "
                    "app, then press the button again."
                )
            )
        # it is switched off as Odoo installs it
        cron.sudo().active = True
        cron.sudo()._trigger()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._(
                    "Odoo scores leads by the bands too. Chances are recomputed now, and each "
                    "night."
                ),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    @api.model
    def _add_scoring_fields(self) -> list:
        """Let Odoo's settings offer the bands; all fields that are used then."""
        # sudo: as above
        choices = self.env["crm.lead.scoring.frequency.field"].sudo()
        for name in SCORED_BANDS:
            field = self.env["ir.model.fields"]._get("crm.lead", name)
            if not choices.search_count([("field_id", "=", field.id)], limit=1):
                choices.create({"field_id": field.id})
        return list(dict.fromkeys([*self.env["crm.lead"]._pls_get_safe_fields(), *SCORED_BANDS]))
