from odoo import fields, models

OPPORTUNITY_KINDS = [
    ("new", "New customer"),
    ("cross_sell", "Cross-sell"),
    ("up_sell", "Up-sell"),
    ("retention", "Retention"),
    ("win_back", "Win-back"),
]
# where a customer stands, and what an opportunity with him is then about; nothing said for others
KINDS_OF_STAGES = {"prospect": "new", "at_risk": "retention", "lost": "win_back"}


class CrmLead(models.Model):
    """What kind of business an opportunity is.

    Opportunities made from a customer take it from where he stands; it may be changed or left
    empty. It stays when a lead is converted; merged, the surest of them that has one decides.
    """

    _inherit = "crm.lead"

    # no default: a column with one would be filled for all the leads there are
    opportunity_kind = fields.Selection(
        OPPORTUNITY_KINDS,
        "Kind of Opportunity",
        tracking=True,
        help="New: he has not bought yet. Cross-sell: something he does not buy from us. Up-sell: "
        "more, or something better, of what he buys. Retention: he is at risk. Win-back: he was "
        "lost.",
    )

    offered_category_id = fields.Many2one(
        "product.category",
        index="btree_not_null",
        ondelete="set null",
        help="What this opportunity is to sell, where it was made from white space.",
    )

    def _merge_get_fields(self):
        return [*super()._merge_get_fields(), "opportunity_kind", "offered_category_id"]
