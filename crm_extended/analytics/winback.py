"""Who comes back of those who left, and what they were worth.

Chances are drawn from cases that ended. Few of them have the same reason and the same length of
absence, so each rate is drawn towards the next coarser one: by reason and absence, by reason, of
all.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

# from so many ended cases on a chance is told
FEWEST_CASES = 50
# ended cases that the coarser rate weighs beside those of its own
SHRINKAGE = 10
# days of silence when the case was opened, from which the next band begins
ABSENCES = (180, 365, 730)
# a year is good that brought at least this share of the best
GOOD_SHARE = 0.5


class Ended(NamedTuple):
    """So many cases that ended alike; ``reason`` is anything that tells reasons apart, None where
    none was heard."""

    reason: object
    absence: int
    is_returned: bool
    count: int = 1


def absence_band(days: int) -> int:
    """0 for who left lately, up to 3 for who has been away for more than two years.

    >>> [absence_band(days) for days in (30, 180, 400, 3000)]
    [0, 1, 2, 3]
    """
    return bisect_right(ABSENCES, days)


class ReturnChance:
    """The chance that somebody comes back, by why and how long ago he left.

    >>> ended = [Ended("price", 0, number < 30) for number in range(60)]
    >>> learned = ReturnChance().fit(ended)
    >>> round(learned.chance("price", 0), 2), round(learned.chance("closed", 3), 2)
    (0.5, 0.5)
    >>> ReturnChance().fit(ended[:49]).is_learned_
    False
    """

    def __init__(self, fewest: int = FEWEST_CASES, shrinkage: float = SHRINKAGE):
        self.fewest = fewest
        self.shrinkage = shrinkage

    def fit(self, ended: Iterable[Ended]):
        cells, reasons, total = {}, {}, [0, 0]
        for case in ended:
            for counts in (
                cells.setdefault((case.reason, case.absence), [0, 0]),
                reasons.setdefault(case.reason, [0, 0]),
                total,
            ):
                counts[0] += case.count * case.is_returned
                counts[1] += case.count
        self.cases_ = total[1]
        self.is_learned_ = self.cases_ >= self.fewest
        # as if one more had come back and one more had not: no chance is 0 or 1
        self.rate_ = (total[0] + 1) / (total[1] + 2)
        self.reasons_ = {
            reason: self._drawn(counts, self.rate_) for reason, counts in reasons.items()
        }
        self.cells_ = {
            (reason, absence): self._drawn(counts, self.reasons_[reason])
            for (reason, absence), counts in cells.items()
        }
        return self

    def _drawn(self, counts: Sequence[int], towards: float) -> float:
        returned, ended = counts
        return (returned + self.shrinkage * towards) / (ended + self.shrinkage)

    def chance(self, reason, absence: int) -> float:
        by_reason = self.reasons_.get(reason, self.rate_)
        return self.cells_.get((reason, absence), by_reason)


def last_good_year(amounts: Sequence[float]) -> int | None:
    """Which year was the last good one: who leaves buys little in the end, and his best year may
    be long ago.

    :param amounts: of each year, the last one first, in the same prices
    :return: position of the first that brought half of the best, None where none brought anything

    >>> last_good_year([10, 60, 100]), last_good_year([0, -5]), last_good_year([])
    (1, None, None)
    """
    best = max(amounts, default=0)
    if best <= 0:
        return None
    return next(position for position, amount in enumerate(amounts) if amount >= GOOD_SHARE * best)
