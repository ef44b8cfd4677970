from typing import Any, NamedTuple

from odoo import api, fields, models
from odoo.tools import SQL, format_amount, format_date, formatLang

from ..analytics.mbg_nbd import MbgNbd
from ..wording import percent
from .crm_model_run import Asked

AMOUNT = "crm_extended.group_amount"
MARGIN = "crm_extended.group_margin"
MANAGER = "crm_extended.group_manager"
# figures that are shares of one
SHARES = ("p_order_30d", "p_order_60d", "p_order_90d", "return_rate_12m", "margin_coverage",
          "real_change_12m", "wallet_share", "wallet_share_change")  # fmt: skip
# of a figure that was rounded
TOLERANCE = 1e-6


class Link(NamedTuple):
    """Leads to what ``_behind_<figure>`` opens."""

    text: str
    figure: str
    day: str = ""


class Table(NamedTuple):
    """Cells are texts, or lists of links."""

    head: list[str]
    rows: list[list[str | list[Link]]]


class Item(NamedTuple):
    """One number: how it came about, in whole sentences, as arithmetic, and by what."""

    label: str
    value: str
    says: list[str] = []
    formulas: list[str] = []
    table: Table | None = None
    links: list[Link] = []


class Section(NamedTuple):
    """Numbers that belong together, for who is in one of the groups ("" is everybody).

    ``names`` are the figures that are compared with the row: only those that the reader sees, and
    that no amount which he doesn't see can change.
    """

    title: str
    groups: str
    values: dict[str, Any]
    names: list[str] = []
    template: str = "crm_extended.crm_customer_explanation_items"


class Told(NamedTuple):
    """What a run says of one customer when it is asked again today.

    ``figures`` are all columns of the refresh, ``days`` his purchase days with the trading days
    since the one before (``purchase_date``, ``gap``), ``model`` what was learned.
    """

    run: models.BaseModel
    figures: dict[str, Any]
    days: list[dict]
    model: MbgNbd | None


class CrmCustomerExplanation(models.Model):
    """How each number of a customer came about: sentences with his own figures, the arithmetic,
    and the lines behind it.

    It is worked out on reading: the statements of the refresh are asked once more, of this
    customer alone, with the settings and the parameters that the published run froze, and the
    documents up to its day. Where another number comes out than the row shows, the documents have
    changed since, and the page says so.

    Sections come from ``_explanation_sections``; ``_behind_<figure>`` opens what is behind one.
    """

    _inherit = "crm.customer.profile"

    explanation = fields.Html(
        compute="_compute_explanation",
        sanitize=False,
        help="How the numbers of the customer came about. Made for its own page alone: a list or "
        "an export leaves it empty.",
    )

    @api.depends_context("customer_explanation", "uid", "lang", "company")
    def _compute_explanation(self):
        is_asked = self.env.context.get("customer_explanation")
        for profile in self:
            profile.explanation = is_asked and profile._explain()

    def _explain(self):
        self.check_access("read")
        told = self._ask_again()
        sections = []
        if told and told.figures:
            sections = [
                section
                for section in self._explanation_sections(told)
                if not section.groups or self.env.user.has_groups(section.groups)
            ]
        return self.env["ir.qweb"]._render(
            "crm_extended.crm_customer_explanation_page",
            {
                "profile": self,
                "day": self._say_day(self.as_of),
                "is_known": bool(told),
                "sections": [(section, self._changes(told, section.names)) for section in sections],
                "is_list": lambda value: isinstance(value, list),
            },
        )

    def _explanation_sections(self, told: Told) -> list[Section]:
        """The sections of the page, in order. Other addons add theirs."""
        return []

    # ----------------------------------------------------------------- asking once more

    def _ask_again(self) -> Told | None:
        """None where the row's run is gone, or knows less than this version asks."""
        # sudo: dates and counts of a customer whose row the reader may read; what depends on
        # amounts is told to its groups alone
        sudo = self.sudo()
        company, partner = sudo.company_id, sudo.partner_id
        run = company.customer_run_id
        if not run or not company._customer_settings().keys() <= (run.settings or {}).keys():
            return None
        partners = sudo.env["res.partner"].with_context(active_test=False)
        contacts = partners.search([("commercial_partner_id", "=", partner.id)]) | partner
        run = run.with_context(customer_asked=Asked(tuple(contacts.ids)))
        parts = sudo._explained_parts(run)
        figures = self.env.execute_query_dict(
            SQL("WITH %s %s", self._with(run, parts), sudo._sql_layers(run))
        )
        days = {name: parts[name] for name in ("document", "day")}
        days = self.env.execute_query_dict(
            SQL(
                "WITH %s SELECT purchase_date, gap FROM %s ORDER BY purchase_date DESC",
                self._with(run, days),
                run._staging("day"),
            )
        )
        found = figures[0] if figures else {}
        models = self._models_of(run) if self._is_predicting(run) else {None: None}
        model = models.get(found.get("population"), models[None])
        return Told(run, found, days, model)

    def _explained_parts(self, run) -> dict[str, SQL]:
        """What a refresh stages, of this customer."""
        return {
            "document": self._sql_documents(self._explained_lines(run)),
            "day": self._sql_days(run),
            **self._customer_aggregates(run),
            **self._later_aggregates(run),
            "row": self._sql_rows(run),
        }

    def _explained_lines(self, run) -> SQL:
        """The purchase lines of this customer."""
        facts = self.env["crm.customer.fact"]
        return SQL(
            "SELECT * FROM (%s) AS line WHERE line.partner_id = %s",
            SQL(" UNION ALL ").join(facts._fact_sources(run.as_of, run.company_id)),
            self.partner_id.id,
        )

    def _with(self, run, parts: dict[str, SQL]) -> SQL:
        """Common table expressions that have the names of the staging tables."""
        return SQL(", ").join(
            SQL(
                "%s AS (SELECT * FROM (%s) AS part WHERE partner_id = %s)",
                run._staging(name),
                select,
                self.partner_id.id,
            )
            for name, select in parts.items()
        )

    def _changes(self, told: Told, names: list[str]) -> list[tuple[str, str, str]]:
        """``(label, what the row shows, what comes out today)`` of those that differ."""
        return [
            (self._label(name), self._shown(name, self[name]), self._shown(name, figure))
            for name in names
            if not self._is_same(name, figure := told.figures.get(name))
        ]

    def _is_same(self, name: str, figure) -> bool:
        stored = self[name]
        match self._fields[name].type:
            case "monetary":
                return self.currency_id.compare_amounts(stored, figure or 0) == 0
            case "float":
                return abs(stored - (figure or 0)) <= TOLERANCE * max(1, abs(stored))
        return (stored or False) == (figure or False)

    # ------------------------------------------------------------------- in the reader's words

    def _sees(self, groups: str) -> bool:
        return self.env.user.has_groups(groups)

    def _label(self, name: str) -> str:
        return self._fields[name]._description_string(self.env)

    def _item(self, told: Told, name: str, **values) -> Item:
        """An item of the figure of this name, as the row shows it."""
        is_known = told.figures.get(name) is not None or bool(self[name])
        value = self._shown(name, self[name]) if is_known else self.env._("Not known")
        return Item(self._label(name), value, **values)

    def _shown(self, name: str, value) -> str:
        field = self._fields[name]
        if field.type == "date":
            return self._say_day(value)
        if field.type == "selection":
            return dict(field._description_selection(self.env)).get(value, "–")
        if field.type == "monetary":
            return self._say_money(value)
        if name in SHARES:
            return self._say_percent(value)
        digits = field.get_digits(self.env) if field.type == "float" else None
        return self._say_number(value, digits[1] if digits else 2)

    def _say_day(self, day) -> str:
        return format_date(self.env, day) if day else "–"

    def _say_number(self, value, digits=2) -> str:
        value = value or 0
        return formatLang(self.env, value, digits=0 if value == round(value) else digits)

    def _say_percent(self, share) -> str:
        return percent(self.env, share or 0, digits=1)

    def _say_money(self, amount) -> str:
        return format_amount(self.env, amount or 0, self.currency_id)

    @staticmethod
    def _plain(value: float) -> str:
        """A number in a formula: the same in all languages."""
        return f"{value:.6g}".replace("-", "−")

    # ------------------------------------------------------------------------- actions

    def action_explain(self):
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "crm_extended.crm_customer_profile_action_explanation"
        )
        return action | {"res_id": self.id}
