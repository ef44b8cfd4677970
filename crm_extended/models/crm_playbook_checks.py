from odoo import api, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

from .crm_playbook import LATER_DAYS


class CrmPlaybookChecks(models.Model):
    """What is wrong with a playbook, in one sentence that says what to do.

    Numbers and the segment are checked whenever it is saved; whether it is complete when it is
    switched on, and as long as it runs.
    """

    _inherit = "crm.playbook"

    @api.constrains("holdout_share", "holdout_kind", "window_days", "nightly_limit")
    def _check_numbers(self):
        for playbook in self:
            if not 0 <= playbook.holdout_share < 1:
                raise ValidationError(
                    self.env._(
                        "Nobody would be contacted by “%(playbook)s”: hold out less than 100 %% of "
                        "the customers, or 0 %% for none.",
                        playbook=playbook.name,
                    )
                )
            if playbook.window_days < 1:
                raise ValidationError(
                    self.env._(
                        "Every case must end: give “%(playbook)s” a window of at least one day.",
                        playbook=playbook.name,
                    )
                )
            first, last = LATER_DAYS
            if playbook._starts_later() and not first <= playbook.window_days <= last:
                raise ValidationError(
                    self.env._(
                        "Those held out of “%(playbook)s” are contacted when the window is over: "
                        "let it be %(first)s to %(last)s days, or don't contact them at all.",
                        playbook=playbook.name,
                        first=first,
                        last=last,
                    )
                )
            if playbook.nightly_limit < 1:
                raise ValidationError(
                    self.env._(
                        "“%(playbook)s” would never do anything: allow at least one case a night, "
                        "or switch it off.",
                        playbook=playbook.name,
                    )
                )

    @api.constrains("trigger", "event_kind", "segment_id", "user_id", "company_id")
    def _check_trigger(self):
        # what the app brings is checked when it is switched on: its owner may have no rights yet
        if self.env.context.get("install_mode"):
            return
        for playbook in self:
            if error := playbook._trigger_error():
                raise ValidationError(error)

    def _trigger_error(self) -> str:
        """Why it can't be told when the playbook is due; nothing where it can."""
        if self.trigger == "event":
            if self.event_kind:
                return ""
            return self.env._(
                "Choose what must happen to a customer before “%(playbook)s” is started.",
                playbook=self.name,
            )
        if not self.segment_id:
            return self.env._(
                "Choose the segment that a customer must enter before “%(playbook)s” is started.",
                playbook=self.name,
            )
        # sudo: its name is said to who chose it
        segment, owner = self.segment_id.sudo(), self.sudo().user_id
        company = self.company_id
        reader = segment.with_user(owner).with_context(allowed_company_ids=company.ids)
        if not owner.active or company not in owner.company_ids or not reader.has_access("read"):
            return self.env._(
                "%(owner)s, who is responsible for “%(playbook)s”, may not see the segment "
                "“%(segment)s”: choose another segment, or a responsible who may see it.",
                owner=owner.name or self.env._("Nobody"),
                playbook=self.name,
                segment=segment.name,
            )
        return ""

    @api.constrains(
        "is_running", "owner_kind", "assignee_id", "team_id", "rule_ids", "user_id",
        "activity_plan_id", "activity_type_id", "creates_lead", "category_id", "mail_template_id",
        "server_action_id", "reason", "trigger", "event_kind", "segment_id",
    )  # fmt: skip
    def _check_running(self):
        for playbook in self.filtered("is_running"):
            playbook._check_complete()

    def _check_complete(self):
        self.ensure_one()
        error = self._action_error() or self._owner_error() or self._trigger_error()
        if error:
            raise UserError(error)

    def _actions(self) -> set[str]:
        """The fields that say what is done."""
        # sudo: the server action is for administrators to read
        playbook = self.sudo()
        names = (
            "activity_plan_id", "activity_type_id", "creates_lead", "category_id",
            "mail_template_id", "server_action_id",
        )  # fmt: skip
        return {name for name in names if playbook[name]}

    def _action_error(self) -> str:
        actions = self._actions()
        if not actions:
            return self.env._(
                "“%(playbook)s” would do nothing: choose an activity or a plan, an opportunity, "
                "a tag, or an email template.",
                playbook=self.name,
            )
        if self._is_guarded() and actions - {"activity_type_id"}:
            return self.env._(
                "“%(playbook)s” is about something that not everybody may see: let it plan one "
                "activity and nothing else, which is put on the case and not on the contact.",
                playbook=self.name,
            )
        if self.mail_template_id and self.mail_template_id.sudo().model != "res.partner":
            return self.env._(
                "The email template of “%(playbook)s” is not one for contacts: choose one that "
                "applies to contacts.",
                playbook=self.name,
            )
        return ""

    def _owner_error(self) -> str:
        if not self.user_id:
            return self.env._(
                "Nobody answers for “%(playbook)s”: name a responsible.", playbook=self.name
            )
        missing = {
            "user": not self.assignee_id,
            "leader": not self.team_id,
            "turn": not self.team_id,
            "rule": not self.rule_ids,
        }
        if not missing.get(self.owner_kind):
            return ""
        return {
            "user": self.env._(
                "Choose the person who gets the cases of “%(playbook)s”.", playbook=self.name
            ),
            "rule": self.env._(
                "Add at least one rule that says who gets the cases of “%(playbook)s”.",
                playbook=self.name,
            ),
        }.get(
            self.owner_kind,
            self.env._(
                "Choose the sales team that gets the cases of “%(playbook)s”.", playbook=self.name
            ),
        )

    def _is_guarded(self) -> bool:
        """Whether what the playbook knows of a customer is not for everybody who sees him."""
        return self.shows_margins or self.is_private

    def _may_be_given(self, user) -> bool:
        """Whether a case may be given to a user: he is there, and may see what it tells."""
        self.ensure_one()
        rights = ["crm_extended.group_user"]
        if self.shows_amounts:
            rights.append("crm_extended.group_amount")
        if self.shows_margins:
            rights.append("crm_extended.group_margin")
        return (
            bool(user)
            and user.active
            and self.company_id in user.company_ids
            and all(map(user.has_group, rights))
            and (not self.is_private or user == self.segment_id.user_id)
        )

    @api.model
    def _running(self, company, domain=Domain.TRUE):
        return self.search(
            Domain("is_running", "=", True) & Domain("company_id", "=", company.id) & domain,
            order="id",
        )
