from babel.units import format_unit

from odoo import api, fields, models
from odoo.tools import SQL
from odoo.tools.misc import babel_locale_parse

from ..wording import whole_amount

# a tier that may be lost is named in the reason so many days before
KEEP_NOTICE_DAYS = 60


class CrmCustomerReason(models.Model):
    """Why a customer stands where he stands, in one sentence, with what to do.

    ``reason_code`` and ``reason_args`` (no amounts in them) are stored; the sentence is made on
    reading, in the reader's language. Who may see amounts reads a second, complete sentence.
    """

    _inherit = "crm.customer.profile"

    reason_code = fields.Char(readonly=True)
    reason_args = fields.Json(
        "Reason Arguments", readonly=True, help="Dates and day counts that the sentence names."
    )
    reason = fields.Char(
        compute="_compute_reason",
        help="Why the customer stands where he stands, and what to do, as of the last refresh.",
    )

    @api.depends_context("uid", "lang", "company")
    @api.depends(
        "reason_code",
        "reason_args",
        "loss_maker_args",
        "tier_id",
        "tier_valid_until",
        "wallet_source",
        "wallet_share",
    )
    def _compute_reason(self):
        may_see_amounts = self.env.user.has_group("crm_extended.group_amount")
        may_see_margins = self.env.user.has_group("crm_extended.group_margin")
        for profile in self:
            sentences = [profile._reason_sentence()]
            if quotation := profile._quotation_sentence():
                sentences.append(quotation)
            sentences.append(profile._tier_sentence())
            if may_see_amounts:
                sentences.append(profile._amount_sentence())
                sentences.append(profile._headroom_sentence())
                sentences.append(profile._keep_sentence())
            if may_see_margins and profile.sudo().loss_maker_flag:
                sentences.append(profile._loss_maker_sentence())
            profile.reason = " ".join(filter(None, sentences))

    def _days_since(self, day) -> int:
        return (self.as_of - fields.Date.to_date(day)).days if self.as_of and day else 0

    def _format_days(self, count: int) -> str:
        """``1 day``, ``71 days``, in the reader's language."""
        return format_unit(count, "duration-day", locale=babel_locale_parse(self.env.lang))

    def _reason_sentence(self) -> str:
        args = self.reason_args or {}
        sentence = getattr(self, f"_sentence_{self.reason_code}", None)
        if not sentence:
            return ""
        return sentence(
            interval=args.get("interval") or 0,
            silence=self._days_since(args.get("last")),
            left=-self._days_since(args.get("leave")),
            odds=args.get("odds"),
            since=self._days_since(args.get("since")),
            pause=args.get("pause") or 0,
            overdue=self._days_since(args.get("overdue")),
        )

    def _sentence_blocked(self, silence, overdue, **days):
        return self.env._(
            "Silent for %(silence)s, overdue for %(overdue)s. Accounting first.",
            silence=self._format_days(silence),
            overdue=self._format_days(overdue),
        )

    def _sentence_blocked_buying(self, overdue, **days):
        return self.env._(
            "Overdue for %(overdue)s. Accounting first.", overdue=self._format_days(overdue)
        )

    def _sentence_at_risk(self, interval, silence, left, odds, **days):
        if odds:
            return self._sentence_unusual(interval, silence, left, odds)
        if left <= 0:
            return self._sentence_call_today(silence)
        return self.env._(
            "Orders every %(interval)s; silent for %(silence)s. Call within %(left)s.",
            interval=self._format_days(interval),
            silence=silence,
            left=self._format_days(left),
        )

    def _sentence_unusual(self, interval, silence, left, odds):
        values = {
            "interval": self._format_days(interval),
            "silence": silence,
            "odds": odds,
            "left": self._format_days(left),
        }
        if left <= 0:
            return self.env._(
                "Orders every %(interval)s; silent for %(silence)s, as 1 in %(odds)s would be. "
                "Call today.",
                **values,
            )
        return self.env._(
            "Orders every %(interval)s; silent for %(silence)s, as 1 in %(odds)s would be. "
            "Call within %(left)s.",
            **values,
        )

    def _sentence_at_risk_less(self, interval, silence, **days):
        return self.env._(
            "Orders every %(interval)s; last %(silence)s ago, but much less than a year before. "
            "Ask what he buys elsewhere.",
            interval=self._format_days(interval),
            silence=silence,
        )

    def _sentence_at_risk_once(self, interval, silence, left, **days):
        if left <= 0:
            return self._sentence_call_today(silence)
        return self.env._(
            "Bought once, %(silence)s ago; others return after %(interval)s. Call within %(left)s.",
            silence=self._format_days(silence),
            interval=interval,
            left=self._format_days(left),
        )

    def _sentence_call_today(self, silence):
        return self.env._("Silent for %(silence)s. Call today.", silence=self._format_days(silence))

    def _sentence_lost(self, interval, silence, **days):
        return self.env._(
            "Last order %(silence)s ago, once every %(interval)s. Ask why, then make an offer.",
            silence=self._format_days(silence),
            interval=interval,
        )

    def _sentence_lost_once(self, silence, **days):
        return self.env._(
            "Bought once, %(silence)s ago, and never again.", silence=self._format_days(silence)
        )

    def _sentence_won_back(self, since, pause, **days):
        return self.env._(
            "Came back %(since)s ago after %(pause)s of silence. Ask what brought him back.",
            since=self._format_days(since),
            pause=pause,
        )

    def _sentence_new(self, since, **days):
        return self.env._(
            "First order %(since)s ago. Ask how it went.", since=self._format_days(since)
        )

    def _sentence_loyal(self, interval, silence, **days):
        return self.env._(
            "Orders every %(interval)s without a long pause; last %(silence)s ago.",
            interval=self._format_days(interval),
            silence=self._format_days(silence),
        )

    def _sentence_normal(self, interval, silence, **days):
        return self.env._(
            "Orders every %(interval)s; last %(silence)s ago.",
            interval=self._format_days(interval),
            silence=self._format_days(silence),
        )

    def _sentence_no_rhythm(self, silence, **days):
        return self.env._(
            "Last order %(silence)s ago. Not enough repeat purchases to know his rhythm.",
            silence=self._format_days(silence),
        )

    def _sentence_prospect(self, **days):
        return self.env._("No purchase yet; an opportunity is open.")

    def _quotation_sentence(self) -> str:
        args = self.reason_args or {}
        if not args.get("quoted_on"):
            return ""
        return self.env._(
            "Quotation %(name)s of %(days)s ago is unanswered.",
            name=args["quotation"],
            days=self._format_days(self._days_since(args["quoted_on"])),
        )

    def _tier_sentence(self) -> str:
        """That a tier is about to be lost, while there is time to keep it."""
        if not self._may_lose_tier():
            return ""
        left = self.tier_valid_until - self.as_of
        return self.env._(
            "%(tier)s for %(days)s more; too little was bought to keep it.",
            tier=self.tier_id.name,
            days=self._format_days(left.days),
        )

    def _keep_sentence(self) -> str:
        if not self._may_lose_tier() or not self.tier_keep_gap:
            return ""
        return self.env._(
            "%(amount)s missing for %(tier)s.",
            amount=self._format_amount(self.tier_keep_gap),
            tier=self.tier_id.name,
        )

    def _may_lose_tier(self) -> bool:
        until = self.tier_valid_until
        return bool(
            until
            and self.tier_is_short
            and not self.tier_locked
            and 0 <= (until - self.as_of).days <= KEEP_NOTICE_DAYS
        )

    def _amount_sentence(self) -> str:
        match self.reason_code:
            case "blocked" | "blocked_buying":
                return self.env._(
                    "%(amount)s is overdue.", amount=self._format_amount(self.overdue_amount)
                )
            case "at_risk_less":
                return self.env._(
                    "%(amount)s in 12 months, %(share)s %% less than in the 12 before.",
                    amount=self._format_amount(self.revenue_12m),
                    share=-round(self.real_change_12m * 100),
                )
            case "at_risk" | "at_risk_once" if self.revenue_12m > 0:
                return self.env._(
                    "%(amount)s a year at stake.", amount=self._format_amount(self.revenue_12m)
                )
            case "lost" if self.revenue_best_year > 0:
                return self.env._(
                    "Best year %(amount)s.", amount=self._format_amount(self.revenue_best_year)
                )
        return ""

    def _loss_maker_sentence(self) -> str:
        args = self.sudo().loss_maker_args or {}
        values = {
            "deliveries": args.get("deliveries") or 0,
            "returns": args.get("returns") or 0,
            "contacts": args.get("contacts") or 0,
            "days": self._format_days(args.get("payment_days") or 0),
            # sudo: the caller has asked whether the reader may see margins
            "amount": self._format_amount(self.sudo().contribution_12m),
        }
        match args.get("cause"):
            case "below_cost":
                return self.env._("Sold below cost: raise the price. Year: %(amount)s.", **values)
            case "return":
                return self.env._(
                    "%(returns)s returns on %(deliveries)s deliveries: find out why. "
                    "Year: %(amount)s.",
                    **values,
                )
            case "call" | "meeting":
                return self.env._(
                    "%(contacts)s calls and meetings for what he buys: offer self-service. "
                    "Year: %(amount)s.",
                    **values,
                )
            case "delay":
                return self.env._(
                    "Pays after %(days)s: agree on payment in advance. Year: %(amount)s.", **values
                )
        return self.env._(
            "%(deliveries)s deliveries that cost more than they bring: agree on a minimum order. "
            "Year: %(amount)s.",
            **values,
        )

    def _format_amount(self, amount) -> str:
        return whole_amount(self.env, amount, self.currency_id)

    @api.model
    def _customer_layers(self, run):
        return super()._customer_layers(run) + [
            {
                "reason_code": SQL(
                    """CASE
                        WHEN collect_first AND lifecycle_stage IN ('at_risk', 'lost')
                            THEN 'blocked'
                        WHEN collect_first THEN 'blocked_buying'
                        WHEN lifecycle_stage = 'at_risk' AND NOT is_silent
                            THEN 'at_risk_less'
                        WHEN lifecycle_stage IN ('at_risk', 'lost') AND interval_count = 0
                            THEN lifecycle_stage || '_once'
                        WHEN lifecycle_stage IN ('normal', 'loyal') AND interval_count = 0
                            THEN 'no_rhythm'
                        ELSE lifecycle_stage
                    END"""
                ),
                "reason_args": SQL(
                    """jsonb_strip_nulls(jsonb_build_object(
                        'interval', ROUND(CASE WHEN interval_count > 0
                            THEN purchase_interval_days ELSE usual_interval END),
                        'last', last_order_date,
                        'leave', CASE WHEN lifecycle_stage = 'at_risk' AND is_silent
                            THEN %(leave)s END,
                        'silent', CASE WHEN lifecycle_stage IN ('at_risk', 'lost') AND is_silent
                            THEN TRUE END,
                        'odds', CASE WHEN lifecycle_stage = 'at_risk' AND is_silent
                            AND interval_count > 0 THEN %(odds)s END,
                        'since', CASE WHEN lifecycle_stage IN ('new', 'won_back')
                            THEN stage_since END,
                        'overdue', CASE WHEN collect_first THEN overdue_since END,
                        'pause', CASE WHEN lifecycle_stage = 'won_back' THEN won_back_pause END,
                        'quotation', CASE WHEN %(open)s THEN quotation END,
                        'quoted_on', CASE WHEN %(open)s THEN quoted_on END
                    ))""",
                    open=SQL("lifecycle_stage IN ('at_risk', 'lost', 'prospect')"),
                    leave=self._sql_call_before(run),
                    odds=self._sql_odds(run),
                ),
            },
        ]

    @api.model
    def _sql_call_before(self, run) -> SQL:
        """Until when a silent customer is to be called."""
        if not self._is_predicting(run):
            return SQL("lost_from")
        return SQL("CASE WHEN interval_count > 0 THEN expected_leave_date ELSE lost_from END")

    @api.model
    def _sql_odds(self, run) -> SQL:
        """Of how many customers of his rhythm one would pause so long; NULL without a model."""
        if not self._is_predicting(run):
            return SQL("NULL::integer")
        return SQL("ROUND(EXP(LEAST(rate_shape * log_pause, 20)))::integer")
