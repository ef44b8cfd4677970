"""How many customers it takes before the result of a campaign can be told.

A hold-out of a tenth needs nearly three times as many customers as one of a half.
"""

from bisect import bisect_left
from math import ceil, sqrt
from statistics import NormalDist

from .experiment import ALPHA, Effect
from .holdout import check_share
from .special import student_quantile

POWER = 0.8


def detectable_effect(
    n: int, share_holdout: float, sd: float, power: float = POWER, alpha: float = ALPHA
) -> float:
    """The smallest effect that ``n`` customers, hold-out included, show with a chance of
    ``power`` (Bloom, "Minimum Detectable Effects", Evaluation Review, 1995).

    :param sd: standard deviation of the outcome between customers

    >>> round(detectable_effect(1000, 0.2, sd=50), 2)
    11.11
    """
    check_share(share_holdout)
    arms = (n * (1 - share_holdout), n * share_holdout)
    if min(arms) < 2:
        raise ValueError("an effect shows only with two customers or more in each arm")
    freedom = sum(1 / arm for arm in arms) ** 2 / sum(1 / (arm**2 * (arm - 1)) for arm in arms)
    errors = student_quantile(1 - alpha / 2, freedom) + student_quantile(power, freedom)
    return errors * sd * sqrt(sum(1 / arm for arm in arms))


def sample_size(
    share_holdout: float,
    sd: float,
    smallest_effect: float,
    power: float = POWER,
    alpha: float = ALPHA,
) -> int:
    """Customers, hold-out included, from which an effect shows with a chance of ``power``.

    >>> sample_size(0.5, sd=10, smallest_effect=5), sample_size(0.1, sd=10, smallest_effect=5)
    (128, 365)
    """
    check_share(share_holdout)
    if sd <= 0 or not smallest_effect:
        raise ValueError("the effect to be shown and the spread of the outcome must not be 0")
    low = ceil(2 / min(share_holdout, 1 - share_holdout))
    high = low

    def shows(n: int) -> bool:
        return detectable_effect(n, share_holdout, sd, power, alpha) <= abs(smallest_effect)

    while not shows(high):
        low, high = high, 2 * high
    return low + bisect_left(range(low, high), True, key=shows)


def sample_size_of_rates(
    share_holdout: float,
    rate: float,
    smallest_effect: float,
    power: float = POWER,
    alpha: float = ALPHA,
) -> int:
    """The same where the outcome is yes or no, by the variances of the two rates.

    :param rate: share of the hold-out that is expected to order
    :param smallest_effect: to be added to it; negative for a fall

    >>> sample_size_of_rates(0.2, rate=0.05, smallest_effect=0.02)
    6258
    """
    check_share(share_holdout)
    after = rate + smallest_effect
    if not smallest_effect or not 0 <= rate <= 1 or not 0 <= after <= 1:
        raise ValueError("both rates must lie between 0 % and 100 %, and differ")
    variance = after * (1 - after) / (1 - share_holdout) + rate * (1 - rate) / share_holdout
    errors = NormalDist().inv_cdf(1 - alpha / 2) + NormalDist().inv_cdf(power)
    return ceil(errors**2 * variance / smallest_effect**2)


def missing_customers(effect: Effect, power: float = POWER, alpha: float = ALPHA) -> int | None:
    """How many customers more, in the same shares, would tell whether an effect as large as the
    one that was found is real; None where it is told already, or nothing is known of the spread.

    >>> missing_customers(Effect(100, 100, difference=2, error=1.5, low=-1, high=5))
    685
    >>> missing_customers(Effect(100, 100, difference=8, error=1, low=6, high=10)) is None
    True
    """
    if not effect.error or not effect.difference or effect.verdict != "cannot_tell":
        return None
    customers = effect.treated + effect.held_out
    sd = effect.error / sqrt(1 / effect.treated + 1 / effect.held_out)
    needed = sample_size(effect.held_out / customers, sd, effect.difference, power, alpha)
    return max(needed - customers, 1)
