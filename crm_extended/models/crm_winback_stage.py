from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

OPEN_KINDS = ("to_contact", "contacted", "offered", "negotiating")
OUTCOMES = [
    ("won_back", "Won Back"),
    ("lost_again", "Lost Again"),
    ("given_up", "Given Up"),
]


class CrmWinbackStage(models.Model):
    """How far a win-back case is.

    The stages that come with the app have a kind, by which the night knows them; their names,
    their order and the days after which a case rots are free. More open stages may be added.
    """

    _name = "crm.winback.stage"
    _description = "Stage of a Win-Back Case"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    fold = fields.Boolean("Folded", help="Shown folded in the queue.")
    kind = fields.Selection(
        [
            ("to_contact", "To contact"),
            ("contacted", "Contacted"),
            ("offered", "Offer made"),
            ("negotiating", "Negotiating"),
            *OUTCOMES,
        ],
        readonly=True,
        copy=False,
        help="What the stage means. Empty for stages that you add: cases in them are open.",
    )
    outcome = fields.Selection(OUTCOMES, compute="_compute_outcome", store=True)
    rotting_threshold_days = fields.Integer(
        "Days to Rot",
        default=0,
        help="Cases that stay in the stage for longer stand out. 0: never.",
    )

    _kind_unique = models.Constraint("UNIQUE (kind)", "There is a stage of this kind already.")

    @api.depends("kind")
    def _compute_outcome(self):
        outcomes = dict(OUTCOMES)
        for stage in self:
            stage.outcome = stage.kind if stage.kind in outcomes else False

    @api.constrains("rotting_threshold_days")
    def _check_rotting(self):
        if any(stage.rotting_threshold_days < 0 for stage in self):
            raise ValidationError(
                self.env._("“Days to Rot” can't be negative: enter 0 where cases never rot.")
            )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_kind(vals)
        return super().create(vals_list)

    def write(self, vals):
        self._check_kind(vals)
        return super().write(vals)

    @api.model
    def _check_kind(self, vals):
        if not self.env.su and {"kind", "outcome"} & vals.keys():
            raise AccessError(
                self.env._("What a stage means is fixed: add a stage of your own instead.")
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_if_own(self):
        for stage in self.filtered("kind"):
            raise UserError(
                self.env._(
                    "Cases are moved to “%(stage)s” at night: rename it or fold it instead.",
                    stage=stage.name,
                )
            )

    @api.model
    def _of_kind(self, kind):
        return self.search([("kind", "=", kind)], limit=1)
