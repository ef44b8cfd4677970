"""Names for combinations of recency, frequency and money.

Scores run from 1 (worst fifth) to 5 (best fifth). A score counts the cut-points that a value
exceeds, so equal values have equal scores, whatever their number.
"""

from collections.abc import Sequence
from datetime import date

QUINTILES = (0.2, 0.4, 0.6, 0.8)
TERTILES = (1 / 3, 2 / 3)
QUINTILES_FROM = 50
TERTILES_FROM = 20

# (stages, lowest recency score, lowest frequency-money score, name): the first that fits.
# The life-cycle stage comes first, so that a name never contradicts it.
SEGMENTS: tuple[tuple[tuple[str, ...], int, int, str], ...] = (
    (("prospect",), 0, 0, "prospects"),
    (("lost",), 0, 4, "previously_loyal"),
    (("lost",), 0, 0, "dormant"),
    (("at_risk",), 2, 3, "at_risk"),
    (("at_risk",), 2, 0, "needs_attention"),
    (("at_risk",), 0, 0, "almost_lost"),
    (("new",), 0, 3, "promising"),
    (("new",), 0, 0, "new"),
    (("normal", "loyal", "won_back"), 4, 5, "champions"),
    (("normal", "loyal", "won_back"), 0, 4, "loyal"),
    (("normal", "loyal", "won_back"), 0, 3, "active"),
    (("normal", "loyal", "won_back"), 4, 0, "promising"),
    (("normal", "loyal", "won_back"), 0, 0, "needs_attention"),
)


def quantiles_for(customers: int) -> Sequence[float]:
    """Shares of the customers at which scores are cut: fifths, thirds below 50, none below 20.

    >>> quantiles_for(500)
    (0.2, 0.4, 0.6, 0.8)
    >>> len(quantiles_for(30)), quantiles_for(19)
    (2, ())
    """
    if customers >= QUINTILES_FROM:
        return QUINTILES
    return TERTILES if customers >= TERTILES_FROM else ()


def score(value: float, cut_points: Sequence[float]) -> int:
    """Score of a value where more is better; thirds score 1, 3 and 5.

    >>> cuts = [1, 1, 1, 4]           # most bought once: they share the lowest score
    >>> [score(v, cuts) for v in (1, 2, 4, 5)]
    [1, 4, 4, 5]
    >>> [score(v, [10, 20]) for v in (10, 20, 21)]
    [1, 3, 5]
    """
    exceeded = sum(value > cut for cut in cut_points)
    return 1 + exceeded * 4 // len(cut_points)


def recency_score(days: float, cut_points: Sequence[float]) -> int:
    """Score of a silence in days, where less is better.

    >>> [recency_score(d, [10, 30, 60, 180]) for d in (10, 11, 400)]
    [5, 4, 1]
    """
    return 6 - score(days, cut_points)


def segment(
    stage: str, recency: int | None, frequency: int | None, money: int | None
) -> str | None:
    """Name of a customer's segment; None where too few customers are there to score.

    >>> segment("normal", 5, 5, 5), segment("lost", 1, 5, 4), segment("new", 5, 1, 1)
    ('champions', 'previously_loyal', 'new')
    >>> segment("prospect", None, None, None), segment("normal", None, None, None)
    ('prospects', None)
    """
    if stage == "prospect":
        return "prospects"
    if recency is None or frequency is None or money is None:
        return None
    strength = (frequency + money + 1) // 2
    return next(
        name
        for stages, recency_from, strength_from, name in SEGMENTS
        if stage in stages and recency >= recency_from and strength >= strength_from
    )


def cut_date(as_of: date) -> date:
    """The day at which scores are cut: the first of the quarter, so that they hold for three
    months and don't move with every quiet week.

    >>> cut_date(date(2026, 11, 22)), cut_date(date(2026, 1, 1))
    (datetime.date(2026, 10, 1), datetime.date(2026, 1, 1))
    """
    return date(as_of.year, 3 * ((as_of.month - 1) // 3) + 1, 1)
