"""Which new product a customer is likely to buy next, learned from what customers bought together.

A basket is the set of products that one customer has bought so far, as positions 0 … n − 1 in a
list of products. The model needs numpy; trends, counting hits and the chance by
score don't.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

# strengths of the ridge that are tried first, in customers; beyond them as long as it gains
RIDGES = (100.0, 300.0, 1000.0)
LIMITS = (3.0, 30_000.0)
STEP = 3
# exponents of the trend that are tried: none, half, full
TRENDS = (0.0, 0.5, 1.0)
DEFAULT_RIDGE = 200.0
# a product's trend counts as that of so many buyers more, who bought as all do
TREND_WEIGHT = 5
# customers whose baskets are spread out at once: 10 MB for 5,000 products
BLOCK = 512
# products that settings are tried on, those with most buyers
TUNED = 1_500
# fewer customers who bought something new tell nothing about a setting; more don't tell more
FEWEST_JUDGED = 30
MOST_JUDGED = 2_000
# products per customer whose scores are compared with what was bought
CALIBRATED = 30
MOST_BINS = 20
SCORE_DIGITS = 6

Basket = Sequence[int]


class Offer(NamedTuple):
    """A product offered: its position, its score, and the product bought that speaks most for it
    (None where none does)."""

    product: int
    score: float
    because: int | None


class Setting(NamedTuple):
    """How offers are made: the ridge of the matrix, the exponent of the trend."""

    ridge: float = DEFAULT_RIDGE
    trend: float = 0.0


class Judged(NamedTuple):
    """How often at least one of the first 5, of the first 10 offered products was bought within
    the horizon, by customers who bought anything new."""

    customers: int
    hits_5: float
    hits_10: float

    @property
    def rank(self) -> float:
        """Both lists: one alone is within the noise of the other."""
        return self.hits_5 + self.hits_10


def hit_rates(ranked: Sequence[Sequence[int]], later: Sequence[set]) -> Judged:
    """
    :param ranked: the products offered to each customer, best first
    :param later: what he bought that was new to him

    >>> hit_rates([[1, 2, 3, 4, 5, 6], [1, 2]], [{6}, {3}])
    Judged(customers=2, hits_5=0.0, hits_10=0.5)
    """
    count = len(later)
    rates = (
        sum(not new.isdisjoint(row[:size]) for row, new in zip(ranked, later, strict=True))
        for size in (5, 10)
    )
    return Judged(count, *(hits / count if count else 0.0 for hits in rates))


class Past(NamedTuple):
    """A day in the past: what each customer had bought by then, what he bought in the horizon
    after, how each product did at that time (see ``trends``), and whether it was sold by then."""

    baskets: Sequence[Basket]
    later: Sequence[set]
    trend: Sequence[float]
    allowed: Sequence[bool]

    def judged(self) -> "Past":
        """Of those who bought something new, at most some two thousand."""
        chosen = [
            (basket, new)
            for basket, after in zip(self.baskets, self.later, strict=True)
            if len(basket)
            and (new := {product for product in after if self.allowed[product]} - set(basket))
        ]
        chosen = chosen[:: -(-len(chosen) // MOST_JUDGED) or 1]
        baskets, later = zip(*chosen, strict=True) if chosen else ((), ())
        return self._replace(baskets=baskets, later=later)

    def narrowed(self, count: int) -> "Past":
        """Of the ``count`` products with most buyers alone."""
        buyers = [0] * len(self.allowed)
        for basket in self.baskets:
            for product in basket:
                buyers[product] += 1
        order = sorted(range(len(buyers)), key=lambda product: -buyers[product])
        place = {product: number for number, product in enumerate(order[:count])}
        return Past(
            [[place[product] for product in basket if product in place] for basket in self.baskets],
            [{place[product] for product in after if product in place} for after in self.later],
            [self.trend[product] for product in place],
            [self.allowed[product] for product in place],
        )


def _numpy():
    import numpy

    return numpy


def is_available() -> bool:
    """Whether numpy is installed."""
    try:
        _numpy()
    except ImportError:
        return False
    return True


def _spread(baskets: Sequence[Basket], products: int):
    """Baskets as rows of a matrix of zeros and ones."""
    numpy = _numpy()
    rows = numpy.zeros((len(baskets), products), dtype=numpy.float32)
    sizes = [len(basket) for basket in baskets]
    positions = numpy.array([product for basket in baskets for product in basket], dtype=int)
    rows[numpy.repeat(numpy.arange(len(baskets)), sizes), positions] = 1
    return rows


def bought_together(baskets: Sequence[Basket], products: int, is_weighted: bool = True):
    """``(products, products)``: how many customers bought both products; on the diagonal how many
    bought one.

    :param is_weighted: big buyers count less, by the root of the size of their basket, and all
        together as many as they are: they buy everything with everything
    """
    numpy = _numpy()
    counts = numpy.zeros((products, products), dtype=numpy.float32)
    filled = [basket for basket in baskets if len(basket)]
    if not filled:
        return counts
    sizes = numpy.array([len(basket) for basket in filled], dtype=numpy.float32)
    weights = sizes ** (-0.5 if is_weighted else 0)
    roots = numpy.sqrt(weights / weights.mean())
    for start in range(0, len(filled), BLOCK):
        block = _spread(filled[start : start + BLOCK], products)
        block *= roots[start : start + BLOCK, None]
        counts += block.T @ block
    return counts


class Ease:
    """Embarrassingly shallow autoencoder: the weight of each product bought for each other one, by
    one ridge regression of all products on all others.

    With ``P = (XᵀX + λI)⁻¹`` the weights are ``B = −P / diag(P)``, zero on the diagonal (Steck
    2019, Embarrassingly Shallow Autoencoders for Sparse Data, WWW '19, eq. 8). A score is the sum
    of the weights of what the customer bought, times the product's trend.
    """

    def __init__(self, setting: Setting = Setting()):  # noqa: B008 - it cannot be changed
        self.setting = setting

    def fit(self, together, trend=None):
        """:param together: what ``bought_together`` gives
        :param trend: factor of each product, see ``trends``; None: none
        """
        numpy = _numpy()
        matrix = together.copy()
        # in place: with 5,000 products each copy is 100 MB
        matrix.flat[:: len(matrix) + 1] += self.setting.ridge
        weights = numpy.linalg.inv(matrix)
        del matrix
        weights /= -numpy.diag(weights).copy()
        numpy.fill_diagonal(weights, 0)
        self.weights_ = weights
        self.trend_ = None if trend is None else numpy.asarray(trend, dtype=numpy.float32)
        return self

    def score(self, baskets: Sequence[Basket]):
        """``(customers, products)``"""
        scores = _spread(baskets, len(self.weights_)) @ self.weights_
        if self.trend_ is None:
            return scores
        return _with_trends(scores, self.trend_, [self.setting.trend])[0]

    def offers(self, baskets: Sequence[Basket], allowed, count: int = 10) -> list[list[Offer]]:
        """The ``count`` best products for each customer, best first: of the ``allowed`` ones
        (booleans by product) that he has not bought and that something he bought speaks for."""
        result = []
        for start in range(0, len(baskets), BLOCK):
            block = baskets[start : start + BLOCK]
            scores = _open(self.score(block), block, allowed)
            for basket, row, best in zip(block, scores, _best(scores, count), strict=True):
                result.append(
                    [
                        Offer(int(product), float(row[product]), self._because(basket, product))
                        for product in best
                        if row[product] > 0
                    ]
                )
        return result

    def _because(self, basket: Basket, product: int) -> int | None:
        weights = self.weights_[list(basket), product]
        return int(basket[int(weights.argmax())]) if weights.max(initial=0) > 0 else None


def _open(scores, baskets: Sequence[Basket], allowed):
    """Scores of what may be offered; minus infinity for what was bought or may not be."""
    numpy = _numpy()
    bought = _spread(baskets, scores.shape[1]) > 0
    return numpy.where(bought | ~numpy.asarray(allowed, dtype=bool)[None, :], -numpy.inf, scores)


def _best(scores, count: int):
    """Positions of the highest scores by row, highest first; of equal ones the first position."""
    numpy = _numpy()
    count = min(count, scores.shape[1])
    if not count:
        return numpy.zeros((len(scores), 0), dtype=int)
    found = numpy.sort(numpy.argpartition(-scores, count - 1, axis=1)[:, :count], axis=1)
    order = numpy.argsort(-numpy.take_along_axis(scores, found, axis=1), axis=1, kind="stable")
    return numpy.take_along_axis(found, order, axis=1)


def trends(recent: Sequence[int], total: Sequence[int]) -> list[float]:
    """How much more often each product was bought of late than all products were.

    :param recent: buyers of each product in the last month
    :param total: its buyers of all times

    >>> [round(factor, 2) for factor in trends([10, 0, 2], [20, 20, 20])]
    [2.2, 0.2, 0.6]
    """
    usual = sum(recent) / max(sum(total), 1)
    if not usual:
        return [1.0] * len(total)
    return [
        (late + TREND_WEIGHT * usual) / (ever + TREND_WEIGHT) / usual
        for late, ever in zip(recent, total, strict=True)
    ]


def judge(scores_of, past: Past) -> list[Judged]:
    """How well scores find what customers bought next.

    :param scores_of: function of baskets that gives arrays ``(customers, products)``, one for
        each way of scoring that is judged
    """
    past = past.judged()
    ranked: list[list] = []
    for start in range(0, max(len(past.baskets), 1), BLOCK):
        block = past.baskets[start : start + BLOCK]
        for way, scores in enumerate(scores_of(block)):
            if way == len(ranked):
                ranked.append([])
            ranked[way] += _best(_open(scores, block, past.allowed), 10).tolist()
    return [hit_rates(rows, past.later) for rows in ranked]


def popularity(past: Past):
    """Scores that offer everybody what most customers bought, as ``judge`` takes them."""
    numpy = _numpy()
    buyers = numpy.zeros(len(past.allowed))
    for basket in past.baskets:
        buyers[list(basket)] += 1
    return lambda customers: [numpy.tile(buyers, (len(customers), 1))]


def tune(past: Past) -> Setting:
    """The setting that would have found most of what was bought next; the usual one where too few
    customers bought anything new."""
    past = past.narrowed(TUNED)
    if len(past.judged().baskets) < FEWEST_JUDGED:
        return Setting()
    together = bought_together(past.baskets, len(past.allowed))
    tried: dict[Setting, Judged] = {}

    def attempt(ridge):
        fitted = Ease(Setting(ridge)).fit(together)
        found = judge(lambda block: _with_trends(fitted.score(block), past.trend, TRENDS), past)
        tried.update(zip([Setting(ridge, trend) for trend in TRENDS], found, strict=True))

    for ridge in RIDGES:
        attempt(ridge)
    while (ridge := _beyond(tried)) is not None:
        attempt(ridge)
    return best(tried)


def best(tried: dict[Setting, Judged]) -> Setting:
    return max(tried, key=lambda setting: tried[setting].rank)


def _beyond(tried: dict[Setting, Judged]) -> float | None:
    """A ridge beyond those tried, if the best one stands at their edge."""
    ridges = sorted({setting.ridge for setting in tried})
    chosen = best(tried).ridge
    if chosen == ridges[0]:
        ridge = chosen / STEP
    elif chosen == ridges[-1]:
        ridge = chosen * STEP
    else:
        return None
    return ridge if LIMITS[0] <= ridge <= LIMITS[1] else None


def _with_trends(scores, trend, exponents):
    numpy = _numpy()
    trend = numpy.asarray(trend)
    return [
        numpy.where(scores > 0, scores * trend**exponent, scores) if exponent else scores
        for exponent in exponents
    ]


class Calibration:
    """The chance that a product with a score is bought: rates of what was offered in the past,
    never falling with the score (pool adjacent violators; Ayer et al. 1955)."""

    def fit(self, scores: Sequence[float], bought: Sequence[bool]):
        counts: dict[float, list[int]] = {}
        for score, hit in zip(scores, bought, strict=True):
            # what differs by rounding alone is equal
            count = counts.setdefault(round(score, SCORE_DIGITS), [0, 0])
            count[0] += hit
            count[1] += 1
        least = len(scores) / MOST_BINS
        pools: list[list] = []
        for score in sorted(counts):
            hits, count = counts[score]
            if pools and pools[-1][2] < least:
                pools[-1][1:] = [pools[-1][1] + hits, pools[-1][2] + count]
            else:
                pools.append([score, hits, count])
        if len(pools) > 1 and pools[-1][2] < least:
            _score, hits, count = pools.pop()
            pools[-1][1:] = [pools[-1][1] + hits, pools[-1][2] + count]
        pools = self._rising(pools)
        self.limits_ = [float(low) for low, _hits, _count in pools]
        self.chances_ = [hits / count for _low, hits, count in pools]
        return self

    @staticmethod
    def _rising(pools: list[list]) -> list[list]:
        """Neighbours whose rate falls, taken together: ``[score, hits, count]``."""
        rising: list[list] = []
        for pool in pools:
            rising.append(pool)
            while (
                len(rising) > 1 and rising[-2][1] * rising[-1][2] >= rising[-1][1] * rising[-2][2]
            ):
                _score, hits, count = rising.pop()
                rising[-1][1:] = [rising[-1][1] + hits, rising[-1][2] + count]
        return rising

    @classmethod
    def of(cls, limits: Sequence[float], chances: Sequence[float]):
        """One that was learned before."""
        calibration = cls()
        calibration.limits_, calibration.chances_ = list(limits), list(chances)
        return calibration

    def chance(self, score: float) -> float | None:
        """0 to 1; None where nothing was learned.

        >>> calibration = Calibration().fit([1, 2, 3, 4], [False, True, False, True])
        >>> calibration.chance(0), calibration.chance(2.5), calibration.chance(9)
        (0.0, 0.5, 1.0)
        """
        if not self.limits_:
            return None
        return self.chances_[max(bisect_right(self.limits_, round(score, SCORE_DIGITS)) - 1, 0)]


def calibrated(model: Ease, past: Past) -> Calibration:
    """What the best products' scores of each customer told of what he bought."""
    every = max(len(past.baskets) // MOST_JUDGED, 1)
    baskets, later = past.baskets[::every], past.later[::every]
    scores, bought = [], []
    for offers, after in zip(model.offers(baskets, past.allowed, CALIBRATED), later, strict=True):
        scores += [offer.score for offer in offers]
        bought += [offer.product in after for offer in offers]
    return Calibration().fit(scores, bought)
