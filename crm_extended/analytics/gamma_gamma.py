"""What an order of a customer is worth: the Gamma-Gamma model.

Values of one customer's orders scatter around his own mean, means vary between customers, both by
gamma distributions; how often he orders says nothing about it. Fader and Hardie (2013), "The
Gamma-Gamma Model of Monetary Value". Notation as there: ``x`` orders of mean value ``m``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import exp, inf, lgamma, log, sqrt
from typing import NamedTuple

from .optimize import minimise
from .special import digamma

try:
    import numpy
except ImportError:
    numpy = None

# below it the mean of the population has no variance to speak of, and one giant rules all
LOWEST_Q = 1.5


class ValuePrior(NamedTuple):
    """Log-normal priors on values scaled to a mean of 1: ``(median, sd of the logarithm)``;
    ``q`` is that above its lowest value."""

    p: tuple[float, float] = (2.0, 1.5)
    q: tuple[float, float] = (2.0, 1.0)
    v: tuple[float, float] = (1.0, 1.5)


WEAK_VALUE_PRIOR = ValuePrior()


class GammaGamma:
    """Gamma-Gamma, fitted by maximum a posteriori, with ``q`` above 1.5.

    :param prior: weak by default; None is plain maximum likelihood

    Learned: ``p_, q_, v_`` (v in the currency of the data), ``log_likelihood_`` (without the
    prior), ``n_customers_``, ``converged_``.

    >>> model = GammaGamma.of(p=6.248802, q=3.744588, v=15.447748)
    >>> round(model.population_mean, 3)
    35.171
    >>> model.expected_value(x=0, m=0) == model.population_mean
    True
    """

    def __init__(self, prior: ValuePrior | None = WEAK_VALUE_PRIOR):
        self.prior = prior

    @classmethod
    def of(cls, p: float, q: float, v: float) -> GammaGamma:
        """A model with known parameters.

        :raise ValueError: p or v is not above 0, or q not above 1
        """
        if not (0 < p < inf and 1 < q < inf and 0 < v < inf):
            raise ValueError(f"p = {p}, q = {q}, v = {v}: p and v lie above 0, q above 1")
        model = cls()
        model.p_, model.q_, model.v_ = p, q, v
        return model

    @property
    def parameters_(self) -> dict[str, float]:
        return {"p": self.p_, "q": self.q_, "v": self.v_}

    def fit(
        self, x: Sequence[int], m: Sequence[float], weights: Sequence[float] | None = None
    ) -> GammaGamma:
        """Learn the parameters.

        :param x: orders of each customer, 1 or more
        :param m: mean value of them, above 0; who brought nothing is to be left out
        :param weights: customers in each group; default: one
        :raise ValueError: nobody given, unequal lengths, or a value that is not above 0
        """
        weights = [1] * len(x) if weights is None else weights
        groups = sorted(zip(x, m, weights, strict=True))
        if not groups:
            raise ValueError("there is no customer to learn from")
        if any(not (orders > 0 and 0 < mean < inf and w > 0) for orders, mean, w in groups):
            raise ValueError("orders and their mean value lie above 0: leave the others out")
        total = sum(weight for *_, weight in groups)
        scale = sum(mean * weight for _, mean, weight in groups) / total
        groups = [(orders, mean / scale, weight) for orders, mean, weight in groups]
        sums = _numpy_sums(groups) if numpy else _python_sums(groups)
        counts: dict[int, float] = defaultdict(float)
        logs_by_orders: dict[int, float] = defaultdict(float)
        for orders, mean, weight in groups:
            counts[orders] += weight
            logs_by_orders[orders] += weight * log(orders * mean)
        by_orders = [(x, counts[x], logs_by_orders[x]) for x in counts]
        prior = self.prior or WEAK_VALUE_PRIOR

        def objective(logs):
            value, gradient = self._log_likelihood(logs, sums, by_orders)
            if self.prior:
                for i, (median, sd) in enumerate(prior):
                    value -= (logs[i] - log(median)) ** 2 / (2 * sd * sd)
                    gradient[i] -= (logs[i] - log(median)) / (sd * sd)
            return -value / total, [-slope / total for slope in gradient]

        best = minimise(objective, [log(median) for median, _ in prior])
        self.p_, self.q_, v = exp(best.x[0]), LOWEST_Q + exp(best.x[1]), exp(best.x[2])
        self.v_ = v * scale
        self.converged_ = best.converged
        self.n_customers_ = total
        self.log_likelihood_ = self._log_likelihood(best.x, sums, by_orders)[0] - total * log(scale)
        return self

    @staticmethod
    def _log_likelihood(logs, sums, by_orders):
        """Of the mean values given the orders, and its gradient by the logarithms of ``p``,
        ``q - 1.5`` and ``v``."""
        # beyond these bounds nothing changes that a float can tell
        p, over, v = (exp(min(max(value, -30.0), 30.0)) for value in logs)
        q = LOWEST_Q + over
        logs_sum, logs_by_x, inverses = sums(p, q, v)
        value = -p * logs_by_x - q * logs_sum
        by_p, by_q, by_v = -logs_by_x, -logs_sum, -inverses
        for x, count, log_values in by_orders:
            shape = p * x
            value += count * (lgamma(shape + q) - lgamma(shape) - lgamma(q) + q * log(v))
            # m^(px - 1) x^(px)
            value += (shape - 1) * log_values + count * log(x)
            by_p += x * (count * (digamma(shape + q) - digamma(shape)) + log_values)
            by_q += count * (digamma(shape + q) - digamma(q) + log(v))
            by_v += count * q / v
        return value, [p * by_p, over * by_q, v * by_v]

    @property
    def population_mean(self) -> float:
        """Expected value of an order of a customer of whom nothing is known: ``p·v / (q - 1)``."""
        return self.p_ * self.v_ / (self.q_ - 1)

    def expected_value(self, x: int, m: float) -> float:
        """Expected value of the next order of a customer: his own mean ``m`` of ``x`` orders, drawn
        towards the population's, the more the fewer they are (equation 5)."""
        return self.p_ * (self.v_ + x * m) / (self.p_ * x + self.q_ - 1)

    def uncertainty(self, x: int) -> float:
        """Standard deviation of a customer's true mean over ``expected_value``."""
        shape = self.p_ * x + self.q_
        return 1 / sqrt(shape - 2) if shape > 2 else 1 / sqrt(LOWEST_Q)


def _python_sums(groups):
    """Sums over customers that depend on p, q and v: of ``log(v + x·m)``, of the same times x, and
    of ``(p·x + q) / (v + x·m)``."""

    def sums(p, q, v):
        logs_sum = logs_by_x = inverses = 0.0
        for x, mean, weight in groups:
            total = v + x * mean
            log_total = weight * log(total)
            logs_sum += log_total
            logs_by_x += x * log_total
            inverses += weight * (p * x + q) / total
        return logs_sum, logs_by_x, inverses

    return sums


def _numpy_sums(groups):
    x, mean, weight = (numpy.array(column, dtype=float) for column in zip(*groups, strict=True))

    def sums(p, q, v):
        total = v + x * mean
        log_total = weight * numpy.log(total)
        return (
            float(log_total.sum()),
            float(x @ log_total),
            float((weight * (p * x + q) / total).sum()),
        )

    return sums
