from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import formatLang

from ..wording import percent
from .crm_customer_prediction import HORIZON_DAYS


class CrmOfferBacktest(models.Model):
    """How often what would have been offered on a day was bought in the 90 days after.

    A hit is a customer who bought at least one of the products offered to him that he had not
    bought before; judged are customers who bought anything new. Made anew each month; what is
    offered with is chosen without seeing the 90 days.
    """

    _name = "crm.offer.backtest"
    _description = "Offer Quality"
    _order = "as_of DESC, id DESC"
    _rec_name = "as_of"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True, ondelete="cascade"
    )
    as_of = fields.Date("Offers Of", required=True, readonly=True)
    until = fields.Date("Judged Until", compute="_compute_until", help="End of the 90 days.")
    method = fields.Selection(
        [("ease", "EASE (numpy)"), ("cosine", "Cosine (SQL)")],
        required=True,
        readonly=True,
        help="How products are compared: EASE where the Python library numpy is installed on the "
        "server, else the cosine of their buyers.",
    )
    customers = fields.Integer(
        "Customers Judged", readonly=True, help="Who bought something new in the 90 days."
    )
    hits_5 = fields.Float(
        "Hits of 5",
        readonly=True,
        aggregator="avg",
        help="Share of the judged who bought one of their first five.",
    )
    hits_10 = fields.Float(
        "Hits of 10",
        readonly=True,
        aggregator="avg",
        help="Share of the judged who bought one of their ten.",
    )
    popular_5 = fields.Float(
        "Hits of 5 Most Bought",
        readonly=True,
        aggregator="avg",
        help="The same if everybody were offered the five products with most buyers.",
    )
    popular_10 = fields.Float(
        "Hits of 10 Most Bought",
        readonly=True,
        aggregator="avg",
        help="The same if everybody were offered the ten products with most buyers.",
    )
    summary = fields.Html(compute="_compute_summary", sanitize=False)

    _day_unique = models.Constraint(
        "UNIQUE (company_id, as_of)", "The offers of a day are judged once."
    )

    @api.depends("as_of")
    def _compute_until(self):
        for backtest in self:
            backtest.until = fields.Date.add(backtest.as_of, days=HORIZON_DAYS)

    @api.depends_context("uid", "lang")
    @api.depends("hits_5", "hits_10", "popular_5", "popular_10", "customers")
    def _compute_summary(self):
        for backtest in self:
            sentences = backtest._sentences()
            backtest.summary = Markup("").join(
                Markup('<p dir="auto">%s</p>') % sentence for sentence in sentences
            )

    def _sentences(self) -> list[str]:
        """What was found, and what came of the offers made since, in words."""
        sentences = [
            self.env._(
                "Of %(customers)s customers who bought something new, %(hits)s bought one of the "
                "ten products that would have been offered to them; of the ten most bought "
                "products, %(popular)s.",
                customers=formatLang(self.env, self.customers, digits=0),
                hits=percent(self.env, self.hits_10, 0),
                popular=percent(self.env, self.popular_10, 0),
            ),
            self.env._(
                "With five products: %(hits)s, and %(popular)s.",
                hits=percent(self.env, self.hits_5, 0),
                popular=percent(self.env, self.popular_5, 0),
            ),
        ]
        if self.hits_10 <= self.popular_10:
            sentences.append(
                self.env._("Offering everybody what most customers buy does as well here.")
            )
        return [*sentences, self._answers_sentence()]

    def _answers_sentence(self) -> str:
        counts = dict(
            self.env["crm.customer.recommendation"]._read_group(
                [("company_id", "=", self.company_id.id), ("state", "!=", "open")],
                ["state"],
                ["__count"],
            )
        )
        if not counts:
            return self.env._("No offer has been answered yet.")
        return self.env._(
            "Offers made: %(accepted)s accepted, %(offered)s in quotations, %(refused)s refused.",
            **{
                state: formatLang(self.env, counts.get(state, 0), digits=0)
                for state in ("accepted", "offered", "refused")
            },
        )


class CrmCustomerOfferJudging(models.Model):
    _inherit = "crm.customer.profile"

    @api.model
    def _note_offer_backtest(self, run, day, found, popular):
        """:param found, popular: ``analytics.offers.Judged``"""
        # a past day's opinion of a past day is not the company's
        if run._is_look_back():
            return
        backtests = self.env["crm.offer.backtest"]
        company = ("company_id", "=", run.company_id.id)
        backtests.search([company, ("as_of", "=", day)]).unlink()
        backtests.create(
            {
                "company_id": run.company_id.id,
                "as_of": day,
                "method": run.offers["method"],
                "customers": found.customers,
                "hits_5": found.hits_5,
                "hits_10": found.hits_10,
                "popular_5": popular.hits_5,
                "popular_10": popular.hits_10,
            }
        )
