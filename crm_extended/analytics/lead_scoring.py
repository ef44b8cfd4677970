"""What more fields add to a naive Bayes of won and lost leads, as Odoo's lead scoring has it.

A lead is the list of its values, ``(field, value)``; a field that is empty is left out, and one
with several values (tags) comes several times. Its stage is no field of it: a won lead stands in
the won stage.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from math import exp, log, sqrt
from typing import NamedTuple

from .backtest import Z95, Interval, auc

# what Odoo adds to each count, so that none is zero
ADDED = 0.1
# leads of each outcome that it takes to learn, and to judge
FEWEST_LEARNED, FEWEST_JUDGED = 30, 20
# the newest leads judge what was learned from the others
JUDGED_SHARE = 0.3


class Lead(NamedTuple):
    values: list[tuple[str, object]]
    is_won: bool


class Score(NamedTuple):
    """How well chances told the won leads from the lost: AUC, and mean log loss."""

    auc: float
    log_loss: float


class Comparison(NamedTuple):
    learned: int
    judged: int
    without: Score
    having: Score
    gain: float
    interval: Interval


class WinChances:
    """Chances of winning by fields.

    >>> leads = [Lead([("source", "fair")], True)] * 9 + [Lead([("source", "web")], True)]
    >>> leads += [Lead([("source", "fair")], False)] * 5 + [Lead([("source", "web")], False)] * 5
    >>> model = WinChances(["source"]).fit(leads)
    >>> round(model.chance([("source", "fair")]), 2), round(model.chance([("source", "web")]), 2)
    (0.64, 0.18)
    >>> model.chance([("source", "letter")])
    0.5
    """

    def __init__(self, fields: Iterable[str]):
        self.fields = set(fields)

    def fit(self, leads: Sequence[Lead]) -> "WinChances":
        counts = {True: Counter(), False: Counter()}
        outcomes = Counter(lead.is_won for lead in leads)
        for lead in leads:
            counts[lead.is_won].update(pair for pair in lead.values if pair[0] in self.fields)
        levels = counts[True].keys() | counts[False].keys()
        totals = {True: Counter(), False: Counter()}
        for outcome, total in totals.items():
            for field, value in levels:
                total[field] += counts[outcome][field, value] + ADDED
        self.base_ = log(outcomes[True] / outcomes[False])
        self.weights_ = {
            (field, value): log((counts[True][field, value] + ADDED) / totals[True][field])
            - log((counts[False][field, value] + ADDED) / totals[False][field])
            for field, value in levels
        }
        return self

    def chance(self, values: Iterable[tuple[str, object]]) -> float:
        score = self.base_ + sum(self.weights_.get(pair, 0.0) for pair in values)
        # Odoo shows no more than 99.99 %
        return min(max(1 / (1 + exp(-max(min(score, 700), -700))), 1e-4), 1 - 1e-4)


def compare(leads: Sequence[Lead], fields: Iterable[str], more: Iterable[str]) -> Comparison | None:
    """Chances by ``fields`` against chances by these and ``more``: learned from the older leads,
    judged on the newer. None where there are too few of either outcome.

    :param leads: closed leads, the oldest first
    """
    fields = set(fields)
    cut = len(leads) - round(len(leads) * JUDGED_SHARE)
    older, newer = leads[:cut], leads[cut:]
    for part, fewest in ((older, FEWEST_LEARNED), (newer, FEWEST_JUDGED)):
        won = sum(lead.is_won for lead in part)
        if min(won, len(part) - won) < fewest:
            return None
    outcomes = [lead.is_won for lead in newer]
    chances = []
    for chosen in (fields, fields | set(more)):
        model = WinChances(chosen).fit(older)
        chances.append([model.chance(lead.values) for lead in newer])
    without, having = (Score(auc(found, outcomes), log_loss(found, outcomes)) for found in chances)
    gain = having.auc - without.auc
    error = Z95 * gain_error(*chances, outcomes)
    interval = Interval(gain - error, gain + error)
    return Comparison(len(older), len(newer), without, having, gain, interval)


def log_loss(chances: Sequence[float], outcomes: Sequence[bool]) -> float:
    """Mean negative logarithm of the chance of what then happened: 0 is perfect.

    >>> round(log_loss([.5, .5], [True, False]), 3)
    0.693
    """
    pairs = zip(chances, outcomes, strict=True)
    return -sum(log(c if outcome else 1 - c) for c, outcome in pairs) / len(chances)


def gain_error(one: Sequence[float], other: Sequence[float], outcomes: Sequence[bool]) -> float:
    """Standard error of the difference between two AUC of the same cases (DeLong, DeLong and
    Clarke-Pearson, 1988).

    >>> gain_error([.1, .4, .6], [.1, .4, .6], [False, True, True])
    0.0
    """
    parts = [_placements(chances, outcomes) for chances in (one, other)]
    variance = 0.0
    for kind in (0, 1):
        differences = [a - b for a, b in zip(parts[0][kind], parts[1][kind], strict=True)]
        mean = sum(differences) / len(differences)
        squares = sum((d - mean) ** 2 for d in differences)
        variance += squares / max(len(differences) - 1, 1) / len(differences)
    return sqrt(variance)


def _placements(chances, outcomes) -> tuple[list[float], list[float]]:
    """For each won case the share of lost ones below it, for each lost one that of won above."""
    won = sorted(c for c, outcome in zip(chances, outcomes, strict=True) if outcome)
    lost = sorted(c for c, outcome in zip(chances, outcomes, strict=True) if not outcome)

    def below(value, others):
        return (bisect_left(others, value) + bisect_right(others, value)) / 2 / len(others)

    cases = list(zip(chances, outcomes, strict=True))
    return (
        [below(c, lost) for c, outcome in cases if outcome],
        [1 - below(c, won) for c, outcome in cases if not outcome],
    )
