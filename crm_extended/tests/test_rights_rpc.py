import json
from datetime import datetime, timedelta

from odoo import Command
from odoo.tests import JsonRpcException, tagged
from odoo.tools import mute_logger

from .common import SeveralCustomersHttpCase

MANAGERS = {"sales_manager", "manager"}
AMOUNTS = MANAGERS | {"salesperson", "salesperson_all", "invoicing", "finance", "margin"}
READERS = AMOUNTS | {"user"}
# who may see figures of a whole company
TOTALS = MANAGERS | {"invoicing", "finance"}
ROLES = READERS | {"system", "employee", "portal", "anonymous"}
NOBODY = set()
MARGINS = {"margin"}
# as Odoo has it
CONTACT_EDITORS = {"salesperson", "salesperson_all", "sales_manager", "margin", "system"}
# who may read opportunities, as Odoo has it
LEAD_READERS = {"salesperson", "salesperson_all", "sales_manager", "margin"}
PROFILE, RUN = "crm.customer.profile", "crm.model.run"
FACT, EXCLUSION = "crm.customer.fact", "crm.customer.exclusion"
SETTINGS = "res.config.settings"
TIER, LOCK = "crm.loyalty.tier", "crm.loyalty.tier.lock"
EVENT, QUEUE = "crm.customer.event", "crm.customer.event.queue"
HISTORY, PRICES = "crm.loyalty.tier.history", "crm.price.index"
FORECAST, BACKTEST = "crm.customer.forecast", "crm.model.backtest"
QUIET = "crm.quiet.period"
DRY_RUN, RATES = "crm.loyalty.dry.run", "crm.price.index.currency"
READINESS = "crm.customer.readiness"
WALLET, COMPETITOR = "crm.customer.wallet", "crm.customer.wallet.competitor"
BENCHMARK = "crm.wallet.benchmark"
NEED, SAID, BENEFIT = "crm.need", "crm.customer.need", "crm.loyalty.benefit"
NOTE = "crm.customer.need.note"
OFFER, OFFERED = "crm.customer.recommendation", "crm.offer.backtest"
CELL = "crm.customer.category"
SEGMENT, MEMBER = "crm.customer.segment", "crm.customer.segment.member"
ADD, MIGRATION = "crm.customer.segment.add", "crm.customer.migration"
PLAYBOOK, CASE = "crm.playbook", "crm.playbook.case"
CASE_RULE = "crm.playbook.rule"
OUTCOME, TEAM = "crm.customer.outcome", "crm.customer.team"
WINBACK, WINBACK_NOTE = "crm.winback.case", "crm.winback.note"
REASSIGN = "crm.customer.reassign"
DECISION, WHAT_IF = "crm.customer.decision", "crm.customer.what.if"
RUNG = "crm.customer.what.if.line"
WHALE, OVERVIEW = "crm.customer.whale", "crm.customer.overview"
PROSPECT, SCORING = "crm.prospect.segment", "crm.lead.scoring.check"
COST, ACQUISITION = "crm.acquisition.cost", "crm.acquisition.report"
STAGE_TIME, DEAL, DELAY = "crm.funnel.stage", "crm.deal.result", "crm.activity.delay"
COHORT, PAST = "crm.customer.cohort", "crm.customer.history"
OWN_PRICES, OWN_MONTH = "crm.price.index.own", "crm.price.index.own.line"
# who may call what: every public method that the addon defines
OWN_METHODS = {
    (PROFILE, "refresh"): MANAGERS,
    (PROFILE, "action_recompute"): MANAGERS,
    (PROFILE, "customer_header"): READERS,
    (PROFILE, "action_customers_to_call"): READERS,
    (PROFILE, "action_note_outcome"): READERS,
    # each what he noted himself, today
    (OUTCOME, "action_undo"): READERS,
    # each his own
    (TEAM, "today"): MANAGERS,
    (PROFILE, "action_open_contact"): READERS,
    (PROFILE, "action_schedule_activity"): READERS,
    (PROFILE, "action_send_message"): READERS,
    (PROFILE, "action_open_documents"): READERS,
    (PROFILE, "action_explain"): READERS,
    (PROFILE, "action_open_behind"): AMOUNTS,
    (PROFILE, "action_new_quotation"): READERS,
    (PROFILE, "action_new_opportunity"): READERS,
    (PROFILE, "action_lock_tier"): READERS,
    (PROFILE, "action_ask_wallet"): READERS,
    (PROFILE, "action_open_wallets"): READERS,
    ("res.partner", "action_ask_wallet"): READERS,
    ("res.partner", "action_open_wallets"): READERS,
    ("crm.lead", "action_ask_wallet"): LEAD_READERS,
    (PROFILE, "action_note_needs"): READERS,
    (PROFILE, "action_open_needs"): READERS,
    ("res.partner", "action_note_needs"): READERS,
    ("crm.lead", "action_note_needs"): LEAD_READERS & READERS,
    # each his own
    (NOTE, "action_keep"): NOBODY,
    (PROFILE, "action_open_categories"): READERS,
    (OFFER, "customer_offers"): READERS,
    (OFFER, "action_refuse"): READERS,
    # as Odoo has it for quotations and opportunities
    (OFFER, "action_add_to_quotation"): LEAD_READERS,
    (CELL, "action_make_opportunity"): LEAD_READERS,
    (CELL, "white_space"): READERS,
    (CELL, "action_open_customer"): READERS,
    (TIER, "action_open_customers"): READERS,
    (PROFILE, "action_add_to_segment"): READERS,
    (SEGMENT, "action_open_customers"): READERS,
    (SEGMENT, "action_open_members"): READERS,
    (SEGMENT, "action_refresh"): MANAGERS,
    (SEGMENT, "action_add_customers"): MANAGERS,
    (SEGMENT, "action_take_over"): MANAGERS,
    (MEMBER, "action_remove"): MANAGERS,
    # each his own
    (ADD, "action_add"): NOBODY,
    (MIGRATION, "action_open_moved"): NOBODY,
    (PROFILE, "action_win_back"): READERS,
    (PROFILE, "action_open_winback"): READERS,
    (PROFILE, "winback_header"): READERS,
    (PROFILE, "action_start_winback"): MANAGERS,
    (PROFILE, "retention_header"): READERS,
    (PROFILE, "action_retention_desk"): READERS,
    (PROFILE, "action_plan_call"): READERS,
    (PROFILE, "action_reassign"): MANAGERS,
    # each his own
    (REASSIGN, "action_reassign"): NOBODY,
    (WINBACK, "action_note_reason"): READERS,
    (WINBACK, "action_make_offer"): READERS,
    (WINBACK, "action_give_up"): READERS,
    (WINBACK, "action_new_quotation"): READERS,
    (WINBACK, "action_new_opportunity"): READERS,
    (WINBACK, "action_send_message"): READERS,
    (WINBACK, "action_open_customer"): READERS,
    (WINBACK, "action_open_quotations"): READERS,
    (WINBACK, "action_open_opportunities"): READERS,
    (WINBACK_NOTE, "action_keep"): NOBODY,
    (PROFILE, "action_what_if"): MARGINS,
    # each his own
    (RUNG, "action_propose"): NOBODY,
    # it takes a manager who sees margins
    (DECISION, "action_decide"): NOBODY,
    (DECISION, "action_review"): NOBODY,
    (DECISION, "action_drop"): MARGINS,
    (DECISION, "action_open_customer"): MARGINS,
    (WHALE, "report"): AMOUNTS,
    (OVERVIEW, "report"): MANAGERS,
    (PROSPECT, "action_open_leads"): READERS,
    (PROSPECT, "action_sort_leads"): MANAGERS,
    (PROSPECT, "action_take_over"): MANAGERS,
    # each his own
    (SCORING, "action_use_bands"): NOBODY,
    # as Odoo has it
    ("crm.lead", "prepare_pls_tooltip_data"): LEAD_READERS,
    (QUEUE, "action_retry"): MANAGERS,
    (PROFILE, "action_open_cases"): READERS,
    (PLAYBOOK, "action_switch_on"): MANAGERS,
    (PLAYBOOK, "action_switch_off"): MANAGERS,
    (PLAYBOOK, "action_start_existing"): MANAGERS,
    (PLAYBOOK, "action_stop_existing"): MANAGERS,
    (PLAYBOOK, "action_open_cases"): READERS,
    (PLAYBOOK, "action_record_cases"): MANAGERS,
    (PLAYBOOK, "action_sample_size"): MANAGERS,
    (CASE, "action_approve"): MANAGERS,
    (CASE, "action_reject"): MANAGERS,
    (CASE, "action_retry"): MANAGERS,
    # others their own
    (CASE, "action_done"): MANAGERS,
    (CASE, "action_cancel"): MANAGERS,
    (CASE, "action_open_customer"): READERS,
    (CASE, "action_open_lead"): LEAD_READERS,
    (DRY_RUN, "action_try"): MANAGERS,
    (DRY_RUN, "action_apply"): MANAGERS,
    (RATES, "action_take"): MANAGERS,
    (PRICES, "action_take_from_own_sales"): MANAGERS,
    (OWN_PRICES, "action_take"): MANAGERS,
    (READINESS, "report"): MANAGERS,
    (RUN, "action_cancel"): MANAGERS,
    (RUN, "action_recompute"): MANAGERS,
    (FACT, "action_open_document"): AMOUNTS,
    ("res.partner", "action_open_customer"): READERS,
    (EXCLUSION, "action_confirm"): MANAGERS,
    (EXCLUSION, "action_dismiss"): MANAGERS,
    (SETTINGS, "action_customer_refresh"): MANAGERS,
    # opportunities and activities, as Odoo has them; figures of a whole company
    ("crm.lead", "action_unarchive"): LEAD_READERS,
    ("crm.lead.lost", "action_lost_reason_apply"): LEAD_READERS,
    (STAGE_TIME, "action_open_lead"): LEAD_READERS,
    (DEAL, "action_open_lead"): LEAD_READERS,
    # this one is nobody's, and salespeople see their own
    (DELAY, "action_open_document"): LEAD_READERS - {"salesperson"},
    (COHORT, "heat_map"): TOTALS,
}
ON_THE_MODEL = {
    (PROFILE, "refresh"),
    (PROFILE, "action_recompute"),
    (PROFILE, "customer_header"),
    (PROFILE, "action_customers_to_call"),
    (PROFILE, "winback_header"),
    (PROFILE, "action_start_winback"),
    (PROFILE, "retention_header"),
    (PROFILE, "action_retention_desk"),
    (READINESS, "report"),
    (TEAM, "today"),
    (WHALE, "report"),
    (OVERVIEW, "report"),
    ("crm.customer.cohort", "heat_map"),
    (COHORT, "heat_map"),
}
# hooks of the ORM: for who may write the records, as the ORM itself checks
ORM_METHODS = (
    "create",
    "write",
    "unlink",
    "init",
    "set_values",
    "copy",
    "copy_data",
    "read",
    "default_get",
)
REFUSED = ("odoo.exceptions.AccessError", "odoo.http.SessionExpiredException")


@tagged("post_install", "-at_install")
class TestRightsRpc(SeveralCustomersHttpCase):
    """Who may do what from outside."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {
            role: cls.make_user(role, f"rpc_{role}") for role in ROLES - {"system", "anonymous"}
        }
        # a method of the matrix refreshes: what it finds stays
        cls.product.categ_id = cls.env["product.category"].create({"name": "Goods"})
        cls.refresh()
        cls.users["system"] = cls.make_user("employee", "rpc_system")
        cls.env.ref("base.group_system").user_ids += cls.users["system"]
        cls.exclusion = cls.env[EXCLUSION].create(
            {"partner_id": cls.stranger.id, "state": "proposed"}
        )
        cls.run_queued = cls.env[RUN].create(
            {"company_id": cls.company.id, "as_of": cls.as_of, "kind": "requested"}
        )
        tier = cls.row(cls.lost).tier_id
        event = {
            "partner_id": cls.lost.id,
            "company_id": cls.company.id,
            "date": cls.as_of,
            "kind": "lost",
        }
        locks = cls.env[LOCK].create(
            {
                "partner_id": cls.shared.id,
                "company_id": cls.company.id,
                "tier_id": tier.id,
                "reason": "Agreed",
            }
        )
        wallet = cls.env[WALLET].create(
            {
                "partner_id": cls.lost.id,
                "amount": 5000,
                "competitor_ids": [Command.create({"name": "Other", "share": 0.2})],
            }
        )
        # nobody's customer is everybody's
        cls.records = {
            PROFILE: cls.row(cls.lost),
            RUN: cls.run_queued,
            FACT: cls.env[FACT].search([("partner_id", "=", cls.lost.id)], limit=1),
            EXCLUSION: cls.exclusion,
            SETTINGS: cls.env[SETTINGS].create({}),
            TIER: tier,
            LOCK: locks,
            EVENT: cls.env[EVENT].create(event),
            QUEUE: cls.env[QUEUE].create(event),
            HISTORY: cls.env[HISTORY].search([("partner_id", "=", cls.lost.id)], limit=1),
            PRICES: cls.env[PRICES].create(
                {"company_id": cls.company.id, "month": cls.as_of, "index": 100}
            ),
            QUIET: cls.env[QUIET].create(
                {
                    "name": "Summer",
                    "company_id": cls.company.id,
                    "date_from": cls.as_of,
                    "date_to": cls.as_of,
                }
            ),
            FORECAST: cls.env[FORECAST].create(
                {"run_id": cls.run_queued.id, "partner_id": cls.lost.id, "p_order": 0.5}
            ),
            BACKTEST: cls.env[BACKTEST].create(
                {"company_id": cls.company.id, "as_of": cls.as_of, "kind": "stored"}
            ),
            DRY_RUN: cls.env[DRY_RUN].create(cls.env[DRY_RUN].default_get(["company_id"])),
            RATES: cls.env[RATES].create({"currency_id": cls.env.ref("base.EUR").id}),
            OWN_PRICES: cls.env[OWN_PRICES].create({}),
            WALLET: wallet,
            COMPETITOR: wallet.competitor_ids,
            BENCHMARK: cls.env[BENCHMARK].create(
                {"customer_size": "1", "amount": 100, "source": "Yearbook"}
            ),
            "crm.lead": cls.make_lead(cls.lost, user_id=False),
            "res.partner": cls.lost,
            NEED: cls.env.ref("crm_extended.crm_need_price"),
            SAID: cls.env[SAID].create(
                {
                    "partner_id": cls.lost.id,
                    "company_id": cls.company.id,
                    "need_id": cls.env.ref("crm_extended.crm_need_price").id,
                }
            ),
            BENEFIT: cls.env[BENEFIT].create({"tier_id": tier.id, "name": "Own driver"}),
            OFFER: cls.make_offer(cls.lost),
            OFFERED: cls.env[OFFERED].create(
                {"company_id": cls.company.id, "as_of": cls.as_of, "method": "ease"}
            ),
            CELL: cls.find_cell(cls.lost),
            NOTE: cls.env[NOTE].create({"partner_id": cls.lost.id, "company_id": cls.company.id}),
            ADD: cls.env[ADD].create({"name": "Fair"}),
            MIGRATION: cls.env[MIGRATION].create({}),
            OUTCOME: cls.env[OUTCOME].create(
                {"partner_id": cls.lost.id, "company_id": cls.company.id, "kind": "price"}
            ),
        }

        decision = cls.env[DECISION].create(
            {"partner_id": cls.lost.id, "company_id": cls.company.id, "measure": "let_go"}
        )
        what_if = cls.env[WHAT_IF].create({"profile_id": cls.row(cls.lost).id, "line_ids": []})
        rung = cls.env[RUNG].create({"what_if_id": what_if.id, "measure": "let_go"})
        cls.records |= {DECISION: decision, WHAT_IF: what_if, RUNG: rung}
        cls.records |= {
            PROSPECT: cls.env[PROSPECT].create(
                {
                    "name": "Prospects",
                    "domain": "[('type', '=', 'lead')]",
                    "user_id": cls.users["sales_manager"].id,
                    "company_id": cls.company.id,
                }
            ),
            SCORING: cls.env[SCORING].create({}),
            COST: cls.env[COST].create(
                {
                    "month": cls.as_of,
                    "amount": 100,
                    "company_id": cls.company.id,
                    "source_id": cls.env["utm.source"].create({"name": "Fair of the test"}).id,
                }
            ),
        }
        cls.records[ACQUISITION] = cls.env[ACQUISITION].search(
            [("company_id", "=", cls.company.id)], limit=1
        )
        segment = cls.make_segment("anna", kind="static")
        segment._enter(cls.row(cls.lost))
        cls.records |= {SEGMENT: segment, MEMBER: segment.member_ids}
        cls.records |= cls.make_playbook()
        case = cls.make_case(cls.lost)
        cls.records |= {
            WINBACK: case,
            WINBACK_NOTE: cls.env[WINBACK_NOTE].create({"case_id": case.id}),
            REASSIGN: cls.env[REASSIGN].create({}),
        }
        cls.add_reports(cls.records["crm.lead"])

    @classmethod
    def make_case(cls, customer):
        return cls.env[WINBACK].create(
            {
                "partner_id": customer.id,
                "company_id": cls.company.id,
                "opened_on": cls.as_of,
                "left_after": cls.ago(100),
            }
        )

    @classmethod
    def add_reports(cls, lead):
        won = cls.make_lead(cls.lost, user_id=False)
        won.action_set_won()
        activity = lead.activity_schedule("mail.mail_activity_data_call")
        activity.user_id = False
        cls.records["crm.lead.lost"] = cls.env["crm.lead.lost"].create({"lead_ids": won.ids})
        cls.env.flush_all()
        for model, domain in (
            (STAGE_TIME, [("lead_id", "=", lead.id)]),
            (DEAL, [("lead_id", "=", won.id)]),
            (DELAY, [("id", "=", activity.id)]),
            (COHORT, [("company_id", "=", cls.company.id)]),
            (PAST, [("company_id", "=", cls.company.id)]),
        ):
            cls.records[model] = cls.env[model].search(domain)

    @classmethod
    def make_segment(cls, name, **values):
        values = {"name": name, "user_id": cls.anna.id, "company_id": cls.company.id} | values
        return cls.env[SEGMENT].create(values)

    @classmethod
    def make_playbook(cls):
        """With a case of a customer of nobody, that nobody owns and that waits for an approval."""
        template = cls.env["mail.template"].create(
            {"name": "Letter", "model_id": cls.env["ir.model"]._get_id("res.partner")}
        )
        playbook = cls.env[PLAYBOOK].create(
            {
                "name": "Playbook",
                "company_id": cls.company.id,
                "user_id": cls.anna.id,
                "mail_template_id": template.id,
                "rule_ids": [
                    Command.create({"user_id": cls.anna.id, "author_id": cls.anna.id}),
                ],
            }
        )
        case = cls.env[CASE].create(
            {
                "playbook_id": playbook.id,
                "partner_id": cls.lost.id,
                "company_id": cls.company.id,
                "reason": "at_risk",
                "arm": "treated",
                "date_assigned": cls.as_of,
                "date_start": cls.as_of,
                "date_end": cls.as_of,
                "state": "approval",
                "lead_id": cls.make_lead(cls.lost, user_id=False).id,
            }
        )
        return {PLAYBOOK: playbook, CASE: case, CASE_RULE: playbook.rule_ids}

    @classmethod
    def make_offer(cls, customer):
        return cls.env[OFFER].create(
            {
                "company_id": cls.company.id,
                "currency_id": cls.company.currency_id.id,
                "partner_id": customer.id,
                "product_id": cls.product.id,
                "kind": "cross_sell",
                "state": "open",
            }
        )

    @classmethod
    def find_cell(cls, customer):
        return cls.env[CELL].search(
            [("partner_id", "=", customer.id), ("company_id", "=", cls.company.id)]
        )

    def log_in(self, role):
        login = self.users[role].login if role in self.users else None
        self.authenticate(login, login)

    def call(self, model, method, *args, **kwargs):
        return self.make_jsonrpc_request(
            f"/web/dataset/call_kw/{model}/{method}",
            {"model": model, "method": method, "args": list(args), "kwargs": kwargs},
        )

    def is_refused(self, model, method, *args, **kwargs) -> bool:
        """Another error than a refusal is the business of other tests."""
        try:
            self.call(model, method, *args, **kwargs)
        except JsonRpcException as error:
            return str(error) in REFUSED
        return False

    def check(self, calls):
        """``calls``: ``{name: (roles that may, model, method, arguments, keywords)}``"""
        wrong = []
        for role in sorted(ROLES):
            self.log_in(role)
            for name, (roles, model, method, args, kwargs) in calls.items():
                with mute_logger("odoo.http", "odoo.addons.base.models.ir_rule"):
                    refused = self.is_refused(model, method, *args, **kwargs)
                if refused == (role in roles):
                    wrong.append(f"{role} is {'' if refused else 'not '}refused {name}")
        self.assertEqual(wrong, [])

    # ----------------------------------------------------------------------- the matrix

    def test_every_public_method_of_the_addon_is_in_the_matrix(self):
        """A new one is either named with an underscore or given its roles above."""
        found = set()
        for model in self.env.registry.models.values():
            for parent in model.__bases__:
                if not getattr(parent, "_module", "") == "crm_extended":
                    continue
                for name, member in vars(parent).items():
                    if callable(member) and not name.startswith("_") and name not in ORM_METHODS:
                        found.add((model._name, name))
        self.assertEqual(found, set(OWN_METHODS))

    def test_the_methods_of_the_addon_are_for_the_roles_of_the_matrix(self):
        self.check(
            {
                f"{model}.{method}": (
                    roles,
                    model,
                    method,
                    [] if (model, method) in ON_THE_MODEL else [self.records[model].ids],
                    {},
                )
                for (model, method), roles in OWN_METHODS.items()
            }
        )

    def test_actions_on_a_customer_of_somebody_else_are_refused(self):
        self.check(
            {
                method: (
                    roles - {"salesperson"},
                    PROFILE,
                    method,
                    [self.row(self.loyal).ids],
                    {},
                )
                for (model, method), roles in OWN_METHODS.items()
                if model == PROFILE and (model, method) not in ON_THE_MODEL
            }
        )

    def test_offers_and_white_space_of_somebody_elses_customer_are_refused(self):
        offer, cell = self.make_offer(self.loyal), self.find_cell(self.loyal)
        self.check(
            {
                "refuse": (READERS - {"salesperson"}, OFFER, "action_refuse", [offer.ids], {}),
                "sell": (
                    LEAD_READERS - {"salesperson"},
                    CELL,
                    "action_make_opportunity",
                    [cell.ids],
                    {},
                ),
                "read": (READERS - {"salesperson"}, CELL, "read", [cell.ids, ["state"]], {}),
                "read offers": (
                    READERS - {"salesperson"},
                    OFFER,
                    "read",
                    [offer.ids, ["chance"]],
                    {},
                ),
            }
        )

    def test_reading_our_models_is_for_the_groups_of_the_addon(self):
        readers = {
            PROFILE: READERS,
            RUN: READERS,
            FACT: AMOUNTS,
            EXCLUSION: READERS,
            TIER: READERS,
            HISTORY: READERS,
            EVENT: READERS,
            QUEUE: MANAGERS,
            PRICES: READERS,
            QUIET: READERS,
            BACKTEST: READERS,
            FORECAST: MANAGERS,
            WALLET: READERS,
            BENCHMARK: READERS,
            SAID: READERS,
            BENEFIT: READERS,
            OFFER: READERS,
            OFFERED: READERS,
            CELL: READERS,
            SEGMENT: READERS,
            MEMBER: READERS,
            PLAYBOOK: READERS,
            CASE: READERS,
            OUTCOME: READERS,
            WINBACK: READERS,
            PROSPECT: READERS,
            COST: MANAGERS,
            ACQUISITION: MANAGERS,
            STAGE_TIME: LEAD_READERS,
            DEAL: LEAD_READERS,
            COHORT: TOTALS,
            PAST: TOTALS,
        }
        calls = {}
        for model, roles in readers.items():
            ids = self.records[model].ids
            calls |= {
                f"{model}.{method}": (roles, model, method, args, {})
                for method, args in {
                    "search_read": [[], ["display_name"]],
                    "search_count": [[]],
                    "read": [ids, ["display_name"]],
                    "web_read": [ids, {"display_name": {}}],
                    "name_search": [""],
                    "formatted_read_group": [[], ["company_id"], ["__count"]],
                    "web_search_read": [[], {"display_name": {}}],
                }.items()
            }
        self.check(calls)

    def test_nobody_changes_rows_runs_and_purchase_lines(self):
        calls = {}
        for model in (PROFILE, RUN, FACT, HISTORY, EVENT, QUEUE, FORECAST, BACKTEST, OFFER, OFFERED,
                      CELL, MEMBER, CASE, OUTCOME, ACQUISITION, STAGE_TIME, DEAL, DELAY, COHORT,
                      PAST):  # fmt: skip
            ids = self.records[model].ids
            values = {"company_id": self.company.id}
            calls |= {
                f"{model}.{method}": (NOBODY, model, method, args, {})
                for method, args in {
                    "create": [[values]],
                    "write": [ids, values],
                    "unlink": [ids],
                    "copy": [ids],
                    "web_save": [ids, values, {"id": {}}],
                }.items()
            }
        self.check(calls)
        self.assertTrue(self.row(self.lost).exists() and self.run_queued.exists())

    def test_exclusions_are_decided_by_managers(self):
        ids = self.exclusion.ids
        self.check(
            {
                "create": (
                    MANAGERS,
                    EXCLUSION,
                    "create",
                    [[{"partner_id": self.prospect.id, "state": "proposed"}]],
                    {},
                ),
                "write": (MANAGERS, EXCLUSION, "write", [ids, {"note": "x"}], {}),
            }
        )
        for role in ROLES - MANAGERS:
            self.log_in(role)
            with mute_logger("odoo.http"):
                self.assertTrue(self.is_refused(EXCLUSION, "unlink", ids), role)

    def test_tiers_locks_and_prices_are_the_business_of_managers(self):
        values = {
            TIER: {"color": 3},
            LOCK: {"reason": "Agreed again"},
            PRICES: {"index": 101},
            QUIET: {"share": 0.5},
            PLAYBOOK: {"color": 3},
            CASE_RULE: {"sequence": 3},
        }
        self.check(
            {
                f"{model}.write": (MANAGERS, model, "write", [self.records[model].ids, value], {})
                for model, value in values.items()
            }
        )
        for role in sorted(ROLES - MANAGERS):
            self.log_in(role)
            for model in values:
                with mute_logger("odoo.http"):
                    self.assertTrue(
                        self.is_refused(model, "unlink", self.records[model].ids), (role, model)
                    )

    def test_cases_are_worked_on_by_who_sees_the_customer_and_opened_by_nobody(self):
        """They are opened from the customer's row, where it is asked whether they may be."""
        case, foreign = self.records[WINBACK], self.make_case(self.loyal)
        values = {
            "partner_id": self.returner.id,
            "company_id": self.company.id,
            "opened_on": str(self.as_of),
            "left_after": str(self.as_of),
        }
        of_others = READERS - {"salesperson"}
        said = {"leaving_note": "x"}
        reason = self.env.ref("crm_extended.crm_leaving_reason_price")
        stage = self.env.ref("crm_extended.crm_winback_stage_contacted")
        self.check(
            {
                "create": (NOBODY, WINBACK, "create", [[values]], {}),
                "copy": (NOBODY, WINBACK, "copy", [case.ids], {}),
                "say": (READERS, WINBACK, "write", [case.ids, said], {}),
                "find": (NOBODY, WINBACK, "write", [case.ids, {"return_chance": 1}], {}),
                "read foreign": (of_others, WINBACK, "read", [foreign.ids, ["say"]], {}),
                "say foreign": (of_others, WINBACK, "write", [foreign.ids, said], {}),
                "give up foreign": (of_others, WINBACK, "action_give_up", [foreign.ids], {}),
                "reasons": (MANAGERS, reason._name, "write", [reason.ids, {"sequence": 3}], {}),
                "stages": (MANAGERS, stage._name, "write", [stage.ids, {"sequence": 21}], {}),
                "meaning": (NOBODY, stage._name, "write", [stage.ids, {"kind": False}], {}),
            }
        )
        for role in sorted(ROLES - MANAGERS):
            self.log_in(role)
            with mute_logger("odoo.http"):
                self.assertTrue(self.is_refused(WINBACK, "unlink", case.ids), role)

    def test_wallets_are_entered_by_users_and_deleted_by_managers(self):
        wallet, competitor = self.records[WALLET], self.records[COMPETITOR]
        values = {"partner_id": self.lost.id, "amount": 5000}
        self.check(
            {
                "read suppliers": (READERS, COMPETITOR, "read", [competitor.ids, ["share"]], {}),
                "create": (READERS, WALLET, "create", [[values]], {}),
                "write": (READERS, WALLET, "write", [wallet.ids, {"amount": 6000}], {}),
                "web_save": (READERS, WALLET, "web_save", [[], values, {"id": {}}], {}),
                "write suppliers": (
                    READERS,
                    COMPETITOR,
                    "write",
                    [competitor.ids, {"share": 0.1}],
                    {},
                ),
                "write benchmarks": (
                    MANAGERS,
                    BENCHMARK,
                    "write",
                    [self.records[BENCHMARK].ids, {"amount": 200}],
                    {},
                ),
            }
        )
        for role in sorted(ROLES - MANAGERS):
            self.log_in(role)
            with mute_logger("odoo.http"):
                self.assertTrue(self.is_refused(WALLET, "unlink", wallet.ids), role)

    def test_wallets_of_somebody_elses_customer_are_refused(self):
        wallet = self.env[WALLET].create({"partner_id": self.loyal.id, "amount": 50000})
        others = READERS - {"salesperson"}
        self.check(
            {
                "read": (others, WALLET, "read", [wallet.ids, ["amount"]], {}),
                "write": (others, WALLET, "write", [wallet.ids, {"note": "x"}], {}),
                "create": (
                    others,
                    WALLET,
                    "create",
                    [[{"partner_id": self.loyal.id, "amount": 50000}]],
                    {},
                ),
            }
        )

    def test_needs_are_kept_by_who_sees_the_customer_and_named_by_managers(self):
        said = {
            "partner_id": self.returner.id,
            "company_id": self.company.id,
            "need_id": self.records[NEED].id,
        }
        of_another = READERS - {"salesperson"}
        foreign = said | {"partner_id": self.loyal.id}
        self.check(
            {
                "read needs": (READERS, NEED, "search_read", [[], ["name"]], {}),
                "name a need": (
                    MANAGERS,
                    NEED,
                    "write",
                    [self.records[NEED].ids, {"color": 2}],
                    {},
                ),
                "promise": (
                    MANAGERS,
                    BENEFIT,
                    "write",
                    [self.records[BENEFIT].ids, {"name": "x"}],
                    {},
                ),
                "renew": (READERS, SAID, "write", [self.records[SAID].ids, {"note": "x"}], {}),
                "keep": (of_another, SAID, "create", [[foreign]], {}),
            }
        )
        for role in sorted(ROLES - MANAGERS):
            self.log_in(role)
            for model in (NEED, SAID, BENEFIT):
                with mute_logger("odoo.http"):
                    self.assertTrue(
                        self.is_refused(model, "unlink", self.records[model].ids), (role, model)
                    )

    def test_segments_are_made_by_users_for_themselves_and_changed_by_managers(self):
        segment = self.records[SEGMENT]
        values = {"name": "Mine", "kind": "static", "company_id": self.company.id}
        foreign = values | {"user_id": self.anna.id}
        self.check(
            {
                "create": (READERS, SEGMENT, "create", [[values]], {}),
                "create for another": (NOBODY, SEGMENT, "create", [[foreign]], {}),
                "write": (MANAGERS, SEGMENT, "write", [segment.ids, {"color": 2}], {}),
                "give away": (
                    NOBODY,
                    SEGMENT,
                    "write",
                    [segment.ids, {"user_id": self.bert.id}],
                    {},
                ),
            }
        )
        for role in sorted(ROLES - MANAGERS):
            self.log_in(role)
            with mute_logger("odoo.http"):
                self.assertTrue(self.is_refused(SEGMENT, "unlink", segment.ids), role)

    def test_prospect_segments_and_costs_are_the_business_of_managers(self):
        prospect, cost = self.records[PROSPECT], self.records[COST]
        values = {"name": "Mine", "domain": "[('type', '=', 'lead')]"}
        self.check(
            {
                "write a segment": (MANAGERS, PROSPECT, "write", [prospect.ids, {"color": 2}], {}),
                "give a segment away": (
                    NOBODY,
                    PROSPECT,
                    "write",
                    [prospect.ids, {"user_id": self.bert.id}],
                    {},
                ),
                "create a segment for another": (
                    NOBODY,
                    PROSPECT,
                    "create",
                    [[values | {"user_id": self.bert.id}]],
                    {},
                ),
                "write a cost": (MANAGERS, COST, "write", [cost.ids, {"note": "x"}], {}),
            }
        )
        for role in sorted(ROLES - MANAGERS):
            self.log_in(role)
            for model in (PROSPECT, COST):
                with mute_logger("odoo.http"):
                    self.assertTrue(
                        self.is_refused(model, "unlink", self.records[model].ids), (role, model)
                    )

    def test_private_methods_are_refused_to_all(self):
        for role in ("manager", "salesperson", "portal"):
            self.log_in(role)
            for model, method in (
                (PROFILE, "_cron_refresh"),
                (PROFILE, "_refresh_publish"),
                (PROFILE, "_apply_lock"),
                (PROFILE, "_apply_wallets"),
                (WALLET, "_show"),
                (WALLET, "_own_sales"),
                (QUEUE, "_cron_deliver"),
                (SEGMENT, "_enter"),
                (SEGMENT, "_find_members"),
                (QUEUE, "_deliver_batch"),
                (RUN, "_drop_staging"),
                ("res.partner", "_drop_customers"),
                ("res.partner", "_visible_customers"),
                ("crm.lead", "_refresh_customer_bands"),
            ):
                with mute_logger("odoo.http"):
                    self.assertTrue(self.is_refused(model, method, []), f"{role}: {method}")

    # ------------------------------------------------------------- figures, from outside

    def test_figures_of_contacts_are_read_from_outside_as_inside(self):
        stage = [self.at_risk.ids, ["lifecycle_stage"]]
        revenue = [self.at_risk.ids, ["revenue_12m"]]
        self.check(
            {
                "stage": (READERS, "res.partner", "read", stage, {}),
                "revenue": (AMOUNTS, "res.partner", "read", revenue, {}),
                "margin": (
                    {"margin"},
                    "res.partner",
                    "read",
                    [self.at_risk.ids, ["margin_12m"]],
                    {},
                ),
                "search by revenue": (
                    AMOUNTS,
                    "res.partner",
                    "search",
                    [[("revenue_12m", ">", 0)]],
                    {},
                ),
                "sort by revenue": (
                    AMOUNTS,
                    "res.partner",
                    "search_read",
                    [[], ["name"]],
                    {"order": "revenue_12m desc", "limit": 1},
                ),
                "refusal of profiling": (
                    CONTACT_EDITORS,
                    "res.partner",
                    "write",
                    [self.stranger.ids, {"profiling_optout": True}],
                    {},
                ),
            }
        )

    def test_a_forged_company_is_refused_from_outside(self):
        self.log_in("finance")
        context = {"allowed_company_ids": self.other_company.ids}
        for model, method, args in (
            ("res.partner", "read", [self.shared.ids, ["revenue_12m"]]),
            ("res.partner", "search", [[("revenue_12m", ">", 0)]]),
            (PROFILE, "search_read", [[], ["revenue_12m"]]),
            (PROFILE, "customer_header", []),
            (PROFILE, "action_customers_to_call", []),
        ):
            with mute_logger("odoo.http"):
                self.assertTrue(self.is_refused(model, method, *args, context=context), method)
        self.log_in("manager")
        with mute_logger("odoo.http"):
            self.assertTrue(self.is_refused(READINESS, "report", context=context))

    def test_json_2_answers_as_the_web_client_does(self):
        key = (
            self.env["res.users.apikeys"]
            .with_user(self.users["user"])
            .sudo()
            ._generate("rpc", "test", datetime.now() + timedelta(days=1))
        )

        def post(model, method, **body):
            response = self.url_open(
                f"/json/2/{model}/{method}",
                data=json.dumps(body),
                headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
            )
            return response.status_code, response.json()

        status, [row] = post(
            "res.partner", "read", ids=self.at_risk.ids, fields=["lifecycle_stage"]
        )
        self.assertEqual((status, row["lifecycle_stage"]), (200, "at_risk"))
        with mute_logger("odoo.http"):
            for model, method, body in (
                ("res.partner", "read", {"ids": self.at_risk.ids, "fields": ["revenue_12m"]}),
                ("res.partner", "search", {"domain": [["revenue_12m", ">", 0]]}),
                (PROFILE, "refresh", {}),
                (FACT, "search_read", {"domain": []}),
                (PROFILE, "unlink", {"ids": self.row(self.lost).ids}),
            ):
                status, error = post(model, method, **body)
                self.assertEqual((status, error["name"]), (403, REFUSED[0]), method)
