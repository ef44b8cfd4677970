import ast
import re
from pathlib import Path

import polib

from odoo import modules
from odoo.tests import TransactionCase, tagged
from odoo.tools.translate import TranslationModuleReader

PLACEHOLDER = r"%\(\w+\)\w|%[a-z]"
ADDONS = ("crm_extended", "crm_extended_margin", "crm_extended_automation")


def calls_of_translation(path: Path):
    """``(line, call)`` of every ``_(…)`` in a Python file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in ("_", "_lt"):
                yield node.lineno, node


@tagged("post_install", "-at_install")
class TestTranslations(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addons = [
            addon
            for addon in ADDONS
            if cls.env["ir.module.module"].search_count(
                [("name", "=", addon), ("state", "=", "installed")]
            )
        ]
        reader = TranslationModuleReader(cls.env.cr, modules=cls.addons)
        cls.exported = {source for _module, _type, _name, _id, source, *_rest in reader}

    def assert_exported(self, text, origin):
        # not assertIn: its message would hold all texts
        with self.subTest(origin=origin, text=text):
            self.assertTrue(text in self.exported, "translators don't get to see it")

    def sources(self):
        for addon in self.addons:
            root = Path(modules.get_module_path(addon))
            for path in sorted(root.rglob("*.py")):
                if not {"tests", "demo"} & set(path.relative_to(root).parts):
                    yield path

    def test_every_text_of_the_code_is_exported(self):
        texts = 0
        for path in self.sources():
            for line, call in calls_of_translation(path):
                with self.subTest(file=path.name, line=line):
                    texts += 1
                    self.assertIsInstance(
                        getattr(call.args[0], "value", None),
                        str,
                        "a translator needs the whole text: no f-string, no variable",
                    )
                    self.assert_exported(call.args[0].value, f"{path.name}:{line}")
        self.assertGreater(texts, 30, "the code has texts")

    def test_every_text_of_the_views_is_exported(self):
        views = self.env["ir.ui.view"].search([("model_data_id.module", "in", self.addons)])
        field = self.env["ir.ui.view"]._fields["arch_db"]
        self.assertTrue(views)
        for view in views:
            for term in field.get_trans_terms(view.with_context(lang="en_US").arch_db):
                if re.search(r"[^\W\d]", term):
                    self.assert_exported(term, view.xml_id)

    def test_every_label_and_help_is_exported(self):
        own = self.env["ir.model.fields"].search(
            [
                (
                    "model",
                    "in",
                    ["crm.customer.profile", "crm.model.run", "crm.customer.exclusion"],
                ),
                ("name", "not in", list(self.env["base"]._fields)),
            ]
        )
        self.assertTrue(own)
        for field in own.filtered(lambda field: set(field.modules.split(", ")) & set(self.addons)):
            for text in filter(None, (field.field_description, field.help)):
                self.assert_exported(text, f"{field.model}.{field.name}")

    def test_placeholders_have_names(self):
        for path in self.sources():
            for line, call in calls_of_translation(path):
                text = getattr(call.args[0], "value", "")
                unnamed = re.findall(r"%[sdif]", text)
                with self.subTest(file=path.name, line=line):
                    self.assertFalse(unnamed, "another language may need another order")

    def test_reasons_are_whole_sentences(self):
        path = Path(modules.get_module_path("crm_extended")) / "models/crm_customer_reason.py"
        sentences = [call.args[0].value for _line, call in calls_of_translation(path)]
        self.assertGreater(len(sentences), 12)
        for sentence in sentences:
            with self.subTest(sentence=sentence):
                self.assertRegex(sentence, r"^(%\(\w+\)s|[A-Z]).*[.?]$", "begins and ends")
                self.assertGreater(len(sentence.split()), 2, "no fragment to be glued")

    def test_no_month_name_is_formatted(self):
        for path in self.sources():
            with self.subTest(file=path.name):
                self.assertNotRegex(
                    path.read_text(),
                    r"strftime\([^)]*%[bB]|MMMM?",
                    "calendars differ: dates are plain, or counted in days",
                )

    def catalogues(self, pattern):
        for addon in self.addons:
            folder = Path(modules.get_module_path(addon)) / "i18n"
            for path in sorted(folder.glob(pattern)):
                yield addon, path.name, polib.pofile(str(path))

    def test_template_of_the_translators_is_up_to_date(self):
        for addon, name, catalogue in self.catalogues("*.pot"):
            reader = TranslationModuleReader(self.env.cr, modules=[addon])
            current = {source for _module, _type, _name, _id, source, *_rest in reader}
            written = {entry.msgid for entry in catalogue}
            with self.subTest(template=name):
                self.assertEqual(sorted(current - written), [], "texts that are not in it")
                self.assertEqual(sorted(written - current), [], "texts that are no more")

    def test_translations_are_complete_and_keep_the_placeholders(self):
        languages = 0
        for addon, name, catalogue in self.catalogues("*.po"):
            languages += 1
            for entry in catalogue:
                words = re.sub(PLACEHOLDER, "", entry.msgid)
                if not entry.translated() and not re.search(r"[^\W\d_]{4}", words):
                    # an abbreviation, or nothing but placeholders: the same in every language
                    continue
                with self.subTest(file=f"{addon}/{name}", text=entry.msgid):
                    self.assertTrue(entry.translated(), "no text is left in English")
                    self.assertEqual(
                        sorted(re.findall(PLACEHOLDER, entry.msgstr)),
                        sorted(re.findall(PLACEHOLDER, entry.msgid)),
                        "what the sentence names must not be lost",
                    )
        self.assertTrue(languages, "Persian, at least")
