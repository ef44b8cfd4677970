import pytz

from odoo import api, fields, models
from odoo.exceptions import ValidationError

# a holiday of fewer hours leaves a day of business
HOLIDAY_HOURS = 12


class CrmQuietPeriod(models.Model):
    """Days on which a company sells less than usual: customers are silent then without reason.

    Silence and rhythm are counted in trading days. The public holidays of the company's working
    hours count 0, a quiet period counts its share of a day.
    """

    _name = "crm.quiet.period"
    _description = "Quiet Period"
    _order = "company_id, date_from, id"

    name = fields.Char(required=True)
    company_id = fields.Many2one(
        "res.company", required=True, ondelete="cascade", default=lambda self: self.env.company
    )
    date_from = fields.Date("First Day", required=True)
    date_to = fields.Date("Last Day", required=True)
    is_yearly = fields.Boolean(
        "Every Year", default=True, help="On the same days of every year, earlier ones included."
    )
    share = fields.Float(
        "Business", default=0.0, help="Against usual days: 0 % is none, 50 % is half of it."
    )

    @api.constrains("date_from", "date_to", "is_yearly")
    def _check_days(self):
        for period in self:
            if period.date_to < period.date_from:
                raise ValidationError(
                    self.env._(
                        "“%(name)s” ends before it begins: set its last day to %(first)s or later.",
                        name=period.name,
                        first=period.date_from,
                    )
                )
            if period.is_yearly and (period.date_to - period.date_from).days >= 365:
                raise ValidationError(
                    self.env._(
                        "“%(name)s” would never end: a period of every year is shorter than one.",
                        name=period.name,
                    )
                )

    @api.constrains("share")
    def _check_share(self):
        for period in self:
            if not 0 <= period.share < 1:
                raise ValidationError(
                    self.env._(
                        "“%(name)s” is quiet: set its business to 0 %% or more, and below 100 %%.",
                        name=period.name,
                    )
                )


class ResCompany(models.Model):
    _inherit = "res.company"

    def _customer_settings(self):
        return super()._customer_settings() | {
            "calendar": {"holidays": self._public_holidays(), "quiet": self._quiet_periods()}
        }

    def _public_holidays(self) -> list:
        """``[first day, last day]`` of each public holiday of the company's working hours."""
        zone = pytz.timezone(self._customer_timezone())
        # sudo: the company's holidays are read for the company, whoever asks
        leaves = (
            self.env["resource.calendar.leaves"]
            .sudo()
            .search(
                [
                    ("resource_id", "=", False),
                    ("time_type", "=", "leave"),
                    ("company_id", "=", self.id),
                    ("calendar_id", "in", [False, self.resource_calendar_id.id]),
                ]
            )
        )
        holidays = set()
        for leave in leaves:
            first, last = (
                pytz.utc.localize(moment).astimezone(zone)
                for moment in (leave.date_from, leave.date_to)
            )
            if (last - first).total_seconds() >= HOLIDAY_HOURS * 3600:
                holidays.add((str(first.date()), str(last.date())))
        return [list(holiday) for holiday in sorted(holidays)]

    def _quiet_periods(self) -> list:
        """``[first day, last day, share, every year]`` of each."""
        # sudo: as above
        periods = self.env["crm.quiet.period"].sudo().search([("company_id", "=", self.id)])
        return sorted(
            [str(period.date_from), str(period.date_to), period.share, period.is_yearly]
            for period in periods
        )
