import json
import random

from odoo.service.model import call_kw
from odoo.tests import tagged
from odoo.tools import json_default, mute_logger

from .common import SeveralCustomersCase

SEED = 20250630
CALLS = 400
FOUND = ("crm.customer.category", "crm.customer.recommendation", "crm.winback.case")
MODELS = ("res.partner", "crm.customer.profile", "crm.lead", "res.users", "crm.model.run", *FOUND)
OPERATORS = ("=", "!=", ">", "<", ">=", "<=", "in", "not in", "ilike", "any", "not any")
QUIET = mute_logger(
    "odoo.addons.base.models.ir_model",
    "odoo.addons.base.models.ir_rule",
    "odoo.domains",
    "odoo.models",
    "odoo.orm.domains",
    "odoo.orm.models",
    "odoo.sql_db",
    "py.warnings",
)
FUNCTIONS = ("sum", "avg", "max", "min", "count", "count_distinct", "array_agg", "sum_currency")


@tagged("post_install", "-at_install")
class TestNoninterference(SeveralCustomersCase):
    """Amounts that a user may not read change none of the answers that he gets.

    The same random calls are made twice, in two worlds that differ in these amounts alone: stages,
    flags, scores, dates and settings are the same. Every answer, errors included, must be the
    same.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.make_found()
        cls.make_lead(cls.at_risk, user_id=cls.anna.id)
        cls.make_lead(cls.shared, user_id=cls.anna.id)
        cls.plain = cls.make_user("user")
        for user in (cls.anna, cls.plain):
            cls.env.ref("base.group_allow_export").user_ids += user

    @classmethod
    def make_found(cls):
        """Offers and cells of customers of both salespeople."""
        category = cls.env["product.category"].create({"name": "Goods"})
        for customer in cls.at_risk | cls.loyal | cls.lost:
            values = {
                "company_id": cls.company.id,
                "currency_id": cls.company.currency_id.id,
                "partner_id": customer.id,
            }
            cls.env["crm.customer.recommendation"].create(
                values
                | {
                    "product_id": cls.product.id,
                    "kind": "cross_sell",
                    "state": "open",
                    "usual_amount": 50,
                }
            )
            cls.env["crm.customer.category"].create(
                values | {"category_id": category.id, "state": "white", "headroom": 500}
            )
            cls.env["crm.winback.case"].create(
                {
                    "partner_id": customer.id,
                    "company_id": cls.company.id,
                    "opened_on": cls.as_of,
                    "left_after": cls.ago(100),
                    "good_year_revenue": 600,
                }
            )

    def _changes_of(self, model) -> str:
        return ", ".join(
            f"{name} = (COALESCE({name}, 1) + 7) * (3 + id %% 5)"
            for name, field in self.env[model]._fields.items()
            if field.store and field.groups and field.type in ("monetary", "float", "integer")
        )

    def _change_amounts(self):
        """In rows as in a refresh of a world with other prices."""
        self.env.flush_all()
        for model in FOUND:
            self.assertTrue(self.env[model].search_count([], limit=1), model)
            # our own column names
            self.env.cr.execute(
                f"UPDATE {self.env[model]._table} SET {self._changes_of(model)}",  # pylint: disable=sql-injection
                [],
            )
        changes = self._changes_of("crm.customer.profile")
        self.env.cr.execute(
            f"""UPDATE crm_customer_profile
                   SET {changes}, loss_maker_flag = NOT COALESCE(loss_maker_flag, FALSE),
                       margin_state = 'known',
                       value_class = CASE value_class WHEN 'a' THEN 'b' ELSE 'a' END,
                       loss_maker_args = '{{"deliveries": 4, "returns": 1}}'""",  # pylint: disable=sql-injection
            [],
        )
        self.env.invalidate_all()

    # ------------------------------------------------------------------- random calls

    def _some_value(self, dice, field):
        if field.type == "selection":
            return dice.choice([*field.get_values(self.env), False])
        if field.type in ("integer", "float", "monetary"):
            return dice.choice([0, 1, 50, 500.0, 600, 2400, 5000, -1, False])
        if field.type in ("date", "datetime"):
            return dice.choice([str(self.ago(dice.randrange(500))), False])
        if field.type == "boolean":
            return dice.choice([True, False])
        return dice.choice(["a", "risk", False, 1])

    def _some_field(self, dice, model):
        """Often one that is restricted, or leads to one."""
        names = sorted(self.env[model]._fields)
        ours = [
            name for name in names if "crm_extended" in (self.env[model]._fields[name].groups or "")
        ]
        name = dice.choice(ours if ours and dice.random() < 0.4 else names)
        field = self.env[model]._fields[name]
        if field.type == "many2one" and dice.random() < 0.5:
            if field.comodel_name in ("res.partner", "crm.customer.profile"):
                tail, field = self._some_field(dice, field.comodel_name)
                return f"{name}.{tail}", field
        return name, field

    def _some_domain(self, dice, model):
        domain = []
        for _number in range(dice.randrange(3)):
            name, field = self._some_field(dice, model)
            operator = dice.choice(OPERATORS)
            value = self._some_value(dice, field)
            if operator in ("in", "not in"):
                value = [value, self._some_value(dice, field)]
            if operator in ("any", "not any"):
                comodel = field.comodel_name
                value = self._some_domain(dice, comodel) if comodel in MODELS else []
            if dice.random() < 0.2:
                domain.append("!")
            domain.append([name, operator, value])
        return domain

    def _some_group(self, dice, model):
        name, field = self._some_field(dice, model)
        return f"{name}:month" if field.type in ("date", "datetime") else name

    def _some_call(self, dice):
        """``(model, method, args, kwargs)`` as a client may send it."""
        model = dice.choice(MODELS)
        ids = dice.sample((self.customers | self.contact).ids, 3)
        if model != "res.partner":
            ids = self.env[model].search([], order="id", limit=5).ids
        names = [self._some_field(dice, model)[0] for _number in range(2)]
        plain = [name.split(".")[0] for name in names]
        domain = self._some_domain(dice, model)
        group = self._some_group(dice, model)
        aggregate = f"{plain[0]}:{dice.choice(FUNCTIONS)}"
        order = f"{plain[1]} {dice.choice(['asc', 'desc', 'desc nulls first'])}, id"
        specification = {
            name.split(".")[0]: {"fields": {name.split(".")[1]: {}}} if "." in name else {}
            for name in names
        }
        having = [[aggregate, dice.choice(["<", ">"]), 500]]
        calls = [
            ("read", [ids, plain], {}),
            ("search", [domain], {"order": order}),
            ("search_count", [domain], {}),
            ("search_read", [domain, plain], {"order": order}),
            ("web_read", [ids, specification], {}),
            ("web_search_read", [domain, specification], {"order": order}),
            ("name_search", ["", domain], {}),
            ("export_data", [ids, [name.replace(".", "/") for name in names]], {}),
            ("fields_get", [plain], {}),
            ("formatted_read_group", [domain, [group], [aggregate]], {"having": having}),
            ("formatted_read_group", [domain, [group], ["__count"]], {"order": aggregate}),
            ("formatted_read_grouping_sets", [domain, [[group], []], [aggregate]], {}),
            ("web_read_group", [domain, [group], [aggregate]], {}),
            (
                "read_progress_bar",
                [domain, group, {"field": plain[0], "colors": {"lost": "danger"}}],
                {},
            ),
            ("search_panel_select_range", [plain[0]], {"search_domain": domain}),
            ("onchange", [[], {}, [], {name: {} for name in plain}], {}),
        ]
        if model == "crm.customer.profile":
            calls += [
                (name, [], {})
                for name in (
                    "customer_header",
                    "action_customers_to_call",
                    "retention_header",
                    "winback_header",
                )
            ]
        return model, *dice.choice(calls)

    def _answers(self, user, calls):
        answers = []
        for model, method, args, kwargs in calls:
            records = self.as_user(model, user)
            try:
                with self.env.cr.savepoint(flush=False):
                    # a client sends JSON, and gets it
                    sent = json.loads(json.dumps([args, kwargs], default=json_default))
                    answer = call_kw(records, method, *sent)
                    answers.append(json.dumps(answer, default=json_default, sort_keys=True))
            except Exception as error:  # noqa: BLE001 - an error is an answer too
                answers.append(f"{type(error).__name__}: {error}")
        return answers

    def _changed_answers(self, user):
        """The calls whose answers change with the amounts: ``[(call, before, after)]``."""
        dice = random.Random(SEED)
        calls = [self._some_call(dice) for _number in range(CALLS)]
        with QUIET:
            before = self._answers(user, calls)
            self._change_amounts()
            after = self._answers(user, calls)
        answered = [answer for answer in before if not answer.split(":")[0].endswith("Error")]
        self.assertGreater(len(answered), CALLS / 5, "refusals alone prove little")
        answers = zip(calls, before, after, strict=True)
        return [(call, first, second) for call, first, second in answers if first != second]

    def test_a_salesperson_without_amounts_gets_the_same_answers_whatever_they_are(self):
        self.set_salespeople_see_amounts(False)
        self.assertEqual(self._changed_answers(self.anna), [])

    def test_a_user_of_the_addon_alone_gets_the_same_answers_whatever_they_are(self):
        self.assertEqual(self._changed_answers(self.plain), [])

    def test_who_sees_amounts_gets_other_answers(self):
        """The calls do reach the amounts."""
        self.assertGreater(len(self._changed_answers(self.anna)), 5)
