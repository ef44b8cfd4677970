from odoo import api, fields, models
from odoo.tools import format_date

BADGES = {
    "works": "text-bg-success",
    "harms": "text-bg-danger",
    "cannot_tell": "text-bg-secondary",
    "too_early": "text-bg-info",
    "no_holdout": "text-bg-warning",
}


class CrmPlaybookResultPage(models.Model):
    """The page of a result: what it earned, drawn and in words, then what it rests on."""

    _inherit = "crm.playbook.result"

    page = fields.Html(compute="_compute_page", sanitize=False)

    @api.depends_context("uid", "lang")
    @api.depends("orders_found", "orders_verdict", "running_count", "next_end")
    def _compute_page(self):
        labels = dict(self._fields["verdict"]._description_selection(self.env))
        for result in self:
            result.page = self.env["ir.qweb"]._render(
                "crm_extended.crm_playbook_result_page",
                {
                    "result": result,
                    "badge": BADGES.get(result.verdict),
                    "label": labels.get(result.verdict),
                    "interval": result._interval(result.measure),
                    "more": result._more_sentence(result.measure),
                    "lines": [result._line(name) for name in result._seen_measures()
                              if result[f"{name}_found"]],
                    "waves": result._wave_lines(result.measure),
                    "notes": result._notes(result.measure),
                    "number": result._number,
                },
            )  # fmt: skip

    def _interval(self, measure) -> dict | None:
        """Where to draw the interval, zero and the middle, in per cent of the width."""
        found = self[f"{measure}_found"]
        if not found or found["net_low"] is None:
            return None
        names = ("net_low", "net", "net_high")
        low, middle, high = (found["customers"] * found[name] for name in names)
        left, right = min(low, 0), max(high, 0)
        margin = (right - left) * 0.08
        left, width = left - margin, right - left + 2 * margin

        def place(value):
            return round(100 * (value - left) / width, 2)

        return {
            "zero": place(0),
            "start": place(low),
            "middle": place(middle),
            "width": round(place(high) - place(low), 2),
        }

    def _line(self, measure) -> dict:
        """What a customer brought on average, by measure."""
        found = self[f"{measure}_found"]
        labels = dict(self._fields["measure"]._description_selection(self.env))
        return {
            "label": labels[measure],
            "treated": self._each(measure, found["treated_mean"]),
            "held_out": self._each(measure, found["held_out_mean"]),
            "difference": self._each(measure, found["difference"]),
            "low": self._each(measure, found["low"]),
            "high": self._each(measure, found["high"]),
        }

    def _each(self, measure, value) -> str:
        if value is None:
            return ""
        if measure == "orders":
            return self._number(value, 3)
        return self._money(value, whole=abs(value) >= 1000)

    def _wave_lines(self, measure) -> list[dict]:
        found = self[f"{measure}_found"] or {}
        return [
            {
                "day": format_date(self.env, day),
                "treated": self._number(treated),
                "held_out": self._number(held_out),
                "treated_mean": self._each(measure, treated and treated_mean or None),
                "held_out_mean": self._each(measure, held_out and held_out_mean or None),
            }
            for day, treated, held_out, treated_mean, held_out_mean in found.get("waves", [])
        ]
