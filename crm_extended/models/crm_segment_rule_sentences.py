from collections import defaultdict

from odoo import models


class CrmSegmentRuleSentences(models.AbstractModel):
    """What is wrong with a rule, in words."""

    _inherit = "crm.segment.rule"

    def _rule_sentence(self, kind: str, names: dict) -> str:
        sentence = self._owner_sentences().get(kind) or self._rule_sentences()[kind]
        return sentence % defaultdict(str, names)

    def _owner_sentences(self) -> dict[str, str]:
        return {
            "no_owner": self.env._(
                "Nobody owns this segment, so that nobody's rights say whom it may find: press "
                "“Take Over”."
            ),
            "superuser": self.env._(
                "%(owner)s sees everything: choose a person as the owner, with whose rights the "
                "rule is read."
            ),
            "archived": self.env._(
                "%(owner)s, who owns this segment, is archived: press “Take Over”, or archive the "
                "segment too."
            ),
            "company": self.env._(
                "%(owner)s, who owns this segment, may not enter %(company)s: let him into the "
                "company, or press “Take Over”."
            ),
            "group": self.env._(
                "%(owner)s, who owns this segment, may not see customers: give him the rights of "
                "Customer Intelligence, or press “Take Over”."
            ),
            "field_rights": self.env._(
                "%(owner)s, who owns this segment, may not see “%(field)s”: remove the condition, "
                "or let somebody own the segment who may see it."
            ),
            "model_rights": self.env._(
                "%(owner)s, who owns this segment, may not see records of “%(model)s”: remove the "
                "condition, or let somebody own the segment who may see them."
            ),
        }

    def _rule_sentences(self) -> dict[str, str]:
        return {
            "unreadable": self.env._(
                "The rule can't be read: build it with the editor, condition by condition."
            ),
            "operator": self.env._(
                "A rule can't compare by “%(operator)s”: choose an operator that the editor offers."
            ),
            "empty": self.env._(
                "Everybody would be in a segment without a condition: add one, or keep the "
                "segment by hand."
            ),
            "nobody": self.env._(
                "Nobody can be found by this rule, its conditions exclude each other: remove one, "
                "or let any of them do."
            ),
            "contradiction": self.env._(
                "Nobody can be found by this rule, its conditions on “%(field)s” exclude each "
                "other: remove one, or let any of them do."
            ),
            "unknown_field": self.env._(
                "There is no field “%(field)s” on “%(model)s”, it may have gone with an app: "
                "remove the condition."
            ),
            "not_searchable": self.env._(
                "Customers can't be searched by “%(field)s”: choose another field."
            ),
            "segments": self.env._(
                "A segment can't depend on segments, which are found at the same time: repeat the "
                "conditions of the other one here."
            ),
            "value": self.env._(
                "“%(value)s” is no value of “%(field)s”: choose one from its list."
            ),
            "failed": self.env._(
                "Customers can't be searched by this rule: change it. Odoo says: %(message)s"
            ),
        }
