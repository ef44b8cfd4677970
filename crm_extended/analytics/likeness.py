"""How alike someone is to the best customers, from characteristics that he shares with customers.

Naive Bayes on the odds: each level of a characteristic (a country, a source) shifts the log-odds
of being among the best by how its customers' rate differs from that of all, shrunk to it by a Beta
prior. Characteristics that say the same would count twice: one slope, found on customers who came
later than those that were learned from, tempers the sum, to nothing where it does not hold.
"""

from collections.abc import Iterable, Mapping
from math import exp, log
from typing import NamedTuple

from .backtest import Interval, auc, auc_interval

# customers that the prior of a level stands for
STRENGTH = 20
# a level that fewer customers share says nothing, and would tell of each of them
FEWEST_OF_LEVEL = 5
FEWEST_CUSTOMERS = 50
# of the best, and of the others; a third of each among those who came later
FEWEST_OF_KIND = 15
FEWEST_OF_KIND_LATER = 5
# odds, as multiples of those of all customers
VERY_ALIKE, ALIKE = 3.0, 1.5


class Level(NamedTuple):
    """Customers who share one level of a characteristic, and the best among them."""

    customers: int
    best: int


class Later(NamedTuple):
    """Customers with the same score who came later."""

    score: float
    is_best: bool
    customers: int


class Check(NamedTuple):
    """What became of those who came later: whether the score told the best of them."""

    auc: float
    interval: Interval
    slope: float

    @property
    def holds(self) -> bool:
        return self.interval.low > 0.5 and self.slope > 0


def logit(chance: float) -> float:
    return log(chance / (1 - chance))


def smoothed_rate(happened: float, cases: float, rate: float, strength: float = STRENGTH) -> float:
    """A rate of few cases, shrunk to the rate of all (mean of a Beta posterior).

    >>> smoothed_rate(0, 0, .2)
    0.2
    >>> round(smoothed_rate(10, 10, .2), 2)
    0.47
    """
    return (happened + strength * rate) / (cases + strength)


def smoothed_mean(total: float, cases: float, mean: float, strength: float = STRENGTH) -> float:
    """A mean of few cases, shrunk to the mean of all.

    >>> smoothed_mean(0, 0, 500)
    500.0
    >>> smoothed_mean(20 * 1000, 20, 500)
    750.0
    """
    return (total + strength * mean) / (cases + strength)


def is_enough(of_all: Level) -> bool:
    """Whether there are customers enough to learn from, of both kinds.

    >>> is_enough(Level(60, 20)), is_enough(Level(60, 3)), is_enough(Level(40, 20))
    (True, False, False)
    """
    return of_all.customers >= FEWEST_CUSTOMERS and all(
        kind >= FEWEST_OF_KIND for kind in (of_all.best, of_all.customers - of_all.best)
    )


def weights(levels: Mapping[tuple[str, str], Level], of_all: Level) -> dict[tuple, float]:
    """What each level adds to the log-odds of being among the best.

    >>> of_all = Level(100, 20)
    >>> learned = weights({("country", "DE"): Level(40, 16), ("country", "FR"): Level(60, 4),
    ...                    ("country", "IT"): Level(4, 4)}, of_all)
    >>> {level: round(weight, 2) for level, weight in learned.items()}
    {('country', 'DE'): 0.69, ('country', 'FR'): -0.81}
    """
    rate = of_all.best / of_all.customers
    return {
        key: logit(smoothed_rate(level.best, level.customers, rate)) - logit(rate)
        for key, level in levels.items()
        if level.customers >= FEWEST_OF_LEVEL
    }


def check(later: Iterable[Later]) -> Check | None:
    """Judge scores by customers that they were not learned from; None where these are too few."""
    scores, outcomes = [], []
    for group in later:
        scores += [group.score] * group.customers
        outcomes += [group.is_best] * group.customers
    best = sum(outcomes)
    others = len(outcomes) - best
    if min(best, others) < FEWEST_OF_KIND_LATER:
        return None
    value = auc(scores, outcomes)
    return Check(value, auc_interval(value, best, others), slope(scores, outcomes))


def slope(scores: list[float], outcomes: list[bool]) -> float:
    """How far scores hold: the slope of a logistic regression on them, 0 to 1, by Newton's method
    with a weak prior that keeps it finite where they separate all.

    >>> slope([1, 1, -1, -1], [True, False, True, False])
    0.0
    >>> slope([1] * 9 + [-1] * 9, [True] * 9 + [False] * 9)
    1.0
    """
    rate = sum(outcomes) / len(outcomes)
    shift, steep = logit(rate), 0.0
    for _step in range(25):
        g0 = g1 = h00 = h01 = 0.0
        # a normal prior on the slope, of standard deviation 2
        g1, h11 = -steep / 4, 0.25
        for score, outcome in zip(scores, outcomes, strict=True):
            chance = 1 / (1 + exp(-max(min(shift + steep * score, 30), -30)))
            error, spread = outcome - chance, chance * (1 - chance)
            g0 += error
            g1 += error * score
            h00 += spread
            h01 += spread * score
            h11 += spread * score * score
        determinant = h00 * h11 - h01 * h01
        if determinant <= 1e-12:
            break
        step0 = (h11 * g0 - h01 * g1) / determinant
        step1 = (h00 * g1 - h01 * g0) / determinant
        shift, steep = shift + step0, steep + step1
        if abs(step0) + abs(step1) < 1e-9:
            break
    return round(min(max(steep, 0.0), 1.0), 9)


def band(score: float) -> str:
    """A score in one word.

    >>> [band(score) for score in (1.2, .5, 0, -.5)]
    ['very_alike', 'alike', 'neutral', 'unlike']
    """
    for name, odds in (("very_alike", VERY_ALIKE), ("alike", ALIKE), ("neutral", 1 / ALIKE)):
        if score >= log(odds):
            return name
    return "unlike"
