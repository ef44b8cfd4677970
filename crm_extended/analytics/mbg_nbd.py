"""When customers buy again, and whether they are still there: the MBG/NBD model.

Orders of a customer come at random at his own rate, rates vary between customers (gamma); after
each order, the first included, he leaves for good with his own chance (beta). Batislam, Denizel
and Filiztekin (2007), "Empirical validation and comparison of models for customer base analysis",
International Journal of Research in Marketing 24. Notation as there: ``x`` repeated orders, the
last of them at ``t_x``, seen until ``T``, both since the first order, in any one unit of time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import exp, expm1, inf, isfinite, lgamma, log, log1p
from typing import NamedTuple

from .optimize import minimise
from .special import beta_quadrature, digamma

try:
    import numpy
except ImportError:
    numpy = None

# the longest history becomes this long while fitting, so that a prior fits all units of time
SCALED_LENGTH = 10.0
# off by .001 % at three years
QUADRATURE_POINTS = 6
# what twice a difference of log-likelihoods exceeds by chance in 5 of 100 cases, at a boundary
LIKELIHOOD_RATIO_5 = 2.7055
# beyond these bounds of a parameter's logarithm nothing changes that a float can tell
LOWEST_LOG, HIGHEST_LOG = -30.0, 30.0
NAMES = ("r", "alpha", "a", "b")


class Prior(NamedTuple):
    """Log-normal priors of the parameters, on scaled time: ``(median, sd of the logarithm)``.

    The median of alpha follows the mean length of the histories: ``.3 · mean(T) + .1``.
    """

    r: tuple[float, float] = (0.6, 1.0)
    alpha: tuple[float, float] = (0.3, 1.5)
    a: tuple[float, float] = (0.7, 0.7)
    b: tuple[float, float] = (1.5, 0.7)

    def on(self, mean_length: float) -> list[tuple[float, float]]:
        """The four ``(mean, sd)`` of the logarithms for histories of a mean scaled length."""
        medians = (self.r[0], self.alpha[0] * mean_length + 0.1, self.a[0], self.b[0])
        return [
            (log(median), sd)
            for median, (_, sd) in zip(medians, (self.r, self.alpha, self.a, self.b), strict=True)
        ]


WEAK_PRIOR = Prior()


def history(days: Iterable[float], until: float) -> tuple[int, float, float] | None:
    """``(x, t_x, T)`` of a customer who ordered on these days; several orders on a day are one,
    what comes after ``until`` is not known yet. None where nothing is left.

    >>> history([3, 3, 10, 40], until=30)
    (1, 7, 27)
    >>> history([40], until=30) is None
    True
    """
    known = sorted({day for day in days if day <= until})
    if not known:
        return None
    return len(known) - 1, known[-1] - known[0], until - known[0]


class MbgNbd:
    """MBG/NBD, fitted by maximum a posteriori.

    :param prior: weak by default, because the likelihood alone degenerates on small or regular
        data; None is plain maximum likelihood.

    Learned: ``r_, alpha_, a_, b_`` (alpha in the unit of time of the data), ``log_likelihood_``
    (without the prior), ``n_customers_``, ``converged_``, ``leaving_evidence_`` (twice the log of
    the likelihood ratio against the NBD model, in which nobody leaves) and ``leaving_is_seen_``:
    whether it is more than chance, at 5 %. Where it is not, when somebody leaves is not known.

    >>> model = MbgNbd.of(r=.524838, alpha=6.182993, a=.891356, b=1.613998)
    >>> round(model.p_order(13, x=2, t_x=30.43, T=38.86), 6)
    0.333871
    >>> model.fit([0, 1, 2], [0, 5, 9], [10, 10, 10]).converged_
    True
    """

    # chances to leave so far: one more than repeated orders, as the first order counts
    _first_order_counts = 1

    def __init__(self, prior: Prior | None = WEAK_PRIOR):
        self.prior = prior

    @classmethod
    def of(cls, r: float, alpha: float, a: float, b: float) -> MbgNbd:
        """A model with known parameters, all above 0.

        :raise ValueError: a parameter is no finite number above 0
        """
        model = cls()
        for name, value in zip(NAMES, (r, alpha, a, b), strict=True):
            if not (isfinite(value) and value > 0):
                raise ValueError(f"{name} is {value}: it must be a finite number above 0")
        model.r_, model.alpha_, model.a_, model.b_ = r, alpha, a, b
        return model

    @property
    def parameters_(self) -> dict[str, float]:
        return {name: getattr(self, f"{name}_") for name in NAMES}

    # -------------------------------------------------------------------- fitting

    def fit(
        self,
        x: Sequence[int],
        t_x: Sequence[float],
        T: Sequence[float],
        weights: Sequence[float] | None = None,
    ) -> MbgNbd:
        """Learn the parameters.

        :param x: repeated orders (distinct days) of each customer, or of each group of customers
        :param t_x: time from the first to the last order
        :param T: time from the first order until now
        :param weights: customers in each group; default: one
        :raise ValueError: nobody given, unequal lengths, or impossible histories
        """
        groups = self._grouped(x, t_x, T, weights)
        total = sum(weight for *_, weight in groups)
        scale = SCALED_LENGTH / (max(T for _, _, T, _ in groups) or SCALED_LENGTH)
        groups = [(x, t_x * scale, T * scale, weight) for x, t_x, T, weight in groups]
        mean_length = sum(T * weight for _, _, T, weight in groups) / total
        expected = (self.prior or WEAK_PRIOR).on(mean_length)
        sums = _group_sums(groups)
        counts: dict[int, float] = defaultdict(float)
        for repeats, _, _, weight in groups:
            counts[repeats] += weight

        def objective(logs):
            value, gradient = self._log_likelihood(logs, sums, counts)
            if self.prior:
                for i, (mean, sd) in enumerate(expected):
                    value -= (logs[i] - mean) ** 2 / (2 * sd * sd)
                    gradient[i] -= (logs[i] - mean) / (sd * sd)
            return -value / total, [-slope / total for slope in gradient]

        best = minimise(objective, [mean for mean, _ in expected])
        self.r_, alpha, self.a_, self.b_ = map(exp, best.x)
        self.alpha_ = alpha / scale
        self.converged_ = best.converged
        self.n_customers_ = total
        # in the unit of the data: a density of x times has that to the power of x
        repeats = sum(x * weight for x, _, _, weight in groups)
        fitted = self._log_likelihood(best.x, sums, counts)[0]
        self.log_likelihood_ = fitted + repeats * log(scale)
        staying = self._staying_log_likelihood(groups, counts, best.x[:2])
        self.leaving_evidence_ = 2 * (fitted - staying)
        self.leaving_is_seen_ = self.leaving_evidence_ > LIKELIHOOD_RATIO_5
        return self

    def _staying_log_likelihood(self, groups, counts, start) -> float:
        """Highest log-likelihood of the NBD model, in which nobody leaves: when somebody ordered
        last does not matter then, and groups are few."""
        lengths: dict[tuple, float] = defaultdict(float)
        for x, _, T, weight in groups:
            lengths[x, T, T] += weight
        sums = _group_sums([(*key, weight) for key, weight in lengths.items()])
        total = sum(counts.values())

        def objective(logs):
            value, gradient = self._log_likelihood([*logs, LOWEST_LOG, 0.0], sums, counts)
            return -value / total, [-slope / total for slope in gradient[:2]]

        return -minimise(objective, start).value * total

    def _grouped(self, x, t_x, T, weights):
        weights = [1] * len(x) if weights is None else weights
        if not len(x):
            raise ValueError("there is no customer to learn from")
        groups: dict[tuple, float] = defaultdict(float)
        for group in zip(x, t_x, T, weights, strict=True):
            repeats, last, length, weight = group
            if not (0 <= last <= length < inf and repeats >= 0 and weight > 0):
                raise ValueError(
                    f"x = {repeats}, t_x = {last}, T = {length}, weight {weight}: repeated orders "
                    "are 0 or more, and the last one lies between the first one and now"
                )
            groups[int(repeats), float(last), float(length)] += weight
        return [(*key, weight) for key, weight in sorted(groups.items())]

    def _log_likelihood(self, logs, sums, counts):
        """Logarithm of the likelihood, and its gradient by the logarithms of the parameters."""
        r, alpha, a, b = (exp(min(max(value, LOWEST_LOG), HIGHEST_LOG)) for value in logs)
        value, by_r, by_alpha, left, left_by_b = sums(r, alpha, a, b, 1 - self._first_order_counts)
        by_a, by_b = left / a, -left_by_b
        lgamma_r, digamma_r = lgamma(r), digamma(r)
        digamma_b, digamma_ab = digamma(b), digamma(a + b)
        log_beta = lgamma(b) - lgamma(a + b)
        log_alpha = log(alpha)
        for x, count in counts.items():
            chances = x + self._first_order_counts
            digamma_all = digamma(a + b + chances)
            value += count * (
                lgamma(r + x) - lgamma_r + r * log_alpha
                + lgamma(b + chances) - lgamma(a + b + chances) - log_beta
            )  # fmt: skip
            by_r += count * (digamma(r + x) - digamma_r + log_alpha)
            by_alpha += count * r / alpha
            by_a += count * (digamma_ab - digamma_all)
            by_b += count * (digamma(b + chances) - digamma_all - digamma_b + digamma_ab)
        return value, [r * by_r, alpha * by_alpha, a * by_a, b * by_b]

    # ----------------------------------------------------------------- predicting

    def p_alive(self, x: int, t_x: float, T: float) -> float:
        """Chance that the customer has not left for good. No chance of leaving soon: by it, every
        one-time buyer would be alive; see ``p_order``."""
        return 1 / (1 + exp(min(self._log_odds_left(x, t_x, T), 700.0)))

    def _log_odds_left(self, x: int, t_x: float, T: float) -> float:
        chances = x + self._first_order_counts
        if not chances:
            return -inf
        pause = log((self.alpha_ + T) / (self.alpha_ + t_x))
        return log(self.a_ / (self.b_ + chances - 1)) + (self.r_ + x) * pause

    def p_order(self, t: float, x: int, t_x: float, T: float) -> float:
        """Chance of at least one order within ``t`` from now."""
        none = (self.r_ + x) * log1p(t / (self.alpha_ + T))
        return self.p_alive(x, t_x, T) * -expm1(-none)

    def expected_orders(self, t: float, x: int, t_x: float, T: float) -> float:
        """Expected number of orders within ``t`` from now."""
        u = t / (self.alpha_ + T)
        expected = sum(
            weight * -expm1(-(self.r_ + x) * log1p(p * u)) / p for p, weight in self.quadrature(x)
        )
        return self.p_alive(x, t_x, T) * expected

    def orders_variance(self, t: float, x: int, t_x: float, T: float) -> float:
        """Variance of the number of orders within ``t`` from now.

        Given rate λ and chance p, orders until leaving have the second factorial moment
        ``2 (1 - p) / p² · (1 - e^(-λpt) (1 + λpt))``; here over gamma and beta.
        """
        u, shape = t / (self.alpha_ + T), self.r_ + x
        factorial = 0.0
        for p, weight in self.quadrature(x):
            stays = exp(-shape * log1p(p * u))
            left = 1 - stays * (1 + shape * p * u / (1 + p * u))
            factorial += weight * 2 * (1 - p) / (p * p) * left
        mean = self.expected_orders(t, x, t_x, T)
        return self.p_alive(x, t_x, T) * factorial + mean - mean * mean

    def quadrature(self, x: int) -> tuple[tuple[float, float], ...]:
        """Nodes and weights for the chance of leaving after an order, of a customer who stayed
        after all ``x + 1``."""
        return beta_quadrature(self.a_, self.b_ + x + self._first_order_counts, QUADRATURE_POINTS)

    def order_time(self, q: float, x: int, t_x: float, T: float) -> float | None:
        """Time from now by which the next order has come with chance ``q``; None where it may
        never come with that chance."""
        alive = self.p_alive(x, t_x, T)
        if q >= alive:
            return None
        return (self.alpha_ + T) * expm1(-log1p(-q / alive) / (self.r_ + x))

    def silence(self, x: int, t_x: float, T: float) -> float:
        """Chance that a customer of this rhythm, who has not left, pauses as long as this one
        does: 1 just after an order, near 0 after an unusual silence."""
        return exp(-(self.r_ + x) * log((self.alpha_ + T) / (self.alpha_ + t_x)))

    def silence_time(self, chance: float, x: int, t_x: float) -> float:
        """Time since the first order at which ``silence`` falls to a chance."""
        return (self.alpha_ + t_x) * exp(-log(chance) / (self.r_ + x)) - self.alpha_


class BgNbd(MbgNbd):
    """BG/NBD (Fader, Hardie and Lee, 2005): nobody leaves after his first order. It ranks
    customers badly and is here to check the arithmetic against published numbers.

    >>> BgNbd.of(r=.242593, alpha=4.413532, a=.792886, b=2.425753).p_alive(0, 0, 38.86)
    1.0
    """

    _first_order_counts = 0


def _group_sums(groups):
    """A function of the parameters that gives the sums over groups in which the likelihood and
    its gradient by r and alpha differ between customers of equal x, and those of the chances to
    have left (all, and divided by ``b + chances - 1``)."""
    return _numpy_sums(groups) if numpy else _python_sums(groups)


def _python_sums(groups):
    def sums(r, alpha, a, b, missing):
        value = by_r = by_alpha = left = left_by_b = 0.0
        log_a = log(a)
        for x, t_x, T, weight in groups:
            shape = r + x
            log_T, log_t = log(alpha + T), log(alpha + t_x)
            part, share = -shape * log_T, 0.0
            if x >= missing:
                odds = log_a - log(b + x - missing) + shape * (log_T - log_t)
                # log(1 + e^odds), and e^odds / (1 + e^odds)
                if odds > 0:
                    small = exp(-odds)
                    part += odds + log1p(small)
                    share = 1 / (1 + small)
                else:
                    small = exp(odds)
                    part += log1p(small)
                    share = small / (1 + small)
                left += weight * share
                left_by_b += weight * share / (b + x - missing)
            value += weight * part
            by_r += weight * (share * (log_T - log_t) - log_T)
            by_alpha += weight * shape * ((share - 1) / (alpha + T) - share / (alpha + t_x))
        return value, by_r, by_alpha, left, left_by_b

    return sums


def _numpy_sums(groups):
    x, t_x, T, weight = (numpy.array(column, dtype=float) for column in zip(*groups, strict=True))

    def sums(r, alpha, a, b, missing):
        shape = r + x
        log_T, log_t = numpy.log(alpha + T), numpy.log(alpha + t_x)
        may_leave = x >= missing
        remaining = b + numpy.where(may_leave, x - missing, 0.0)
        odds = log(a) - numpy.log(remaining) + shape * (log_T - log_t)
        small = numpy.exp(-numpy.abs(odds))
        share = numpy.where(odds > 0, 1, small) / (1 + small) * may_leave
        softplus = (numpy.maximum(odds, 0) + numpy.log1p(small)) * may_leave
        return (
            float(weight @ (softplus - shape * log_T)),
            float(weight @ (share * (log_T - log_t) - log_T)),
            float(weight @ (shape * ((share - 1) / (alpha + T) - share / (alpha + t_x)))),
            float(weight @ share),
            float(weight @ (share / remaining)),
        )

    return sums
