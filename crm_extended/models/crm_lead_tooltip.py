from odoo import models

from .crm_lead import BANDS
from .crm_prospect_segment import BAND_FIELDS

SCORED_BANDS = (*BANDS, *BAND_FIELDS)


class CrmLead(models.Model):
    """Odoo's explanation of a chance names fields that it does not know, and selections, by their
    technical name: the bands are named by their labels."""

    _inherit = "crm.lead"

    def prepare_pls_tooltip_data(self):
        data = super().prepare_pls_tooltip_data()
        for entry in (*data["low_3_data"], *data["top_3_data"]):
            if entry["field"] in SCORED_BANDS:
                field = self._fields[entry["field"]]
                if field.type == "selection":
                    labels = dict(field._description_selection(self.env))
                    entry["value"] = labels.get(entry["value"], entry["value"])
                entry["field"] = field._description_string(self.env)
        return data
