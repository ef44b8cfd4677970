"""Special functions that Python's ``math`` lacks."""

from functools import lru_cache
from math import exp, lgamma, log, log1p, sqrt
from statistics import NormalDist

# below it the asymptotic series of digamma is not exact enough
ASYMPTOTIC_FROM = 10
# degrees of freedom from which Student's t is expanded around the normal distribution
NEARLY_NORMAL_FROM = 1000


def digamma(x: float) -> float:
    """Derivative of ``lgamma`` for x > 0, exact to 1e-13 (Abramowitz and Stegun 6.3.5, 6.3.18).

    >>> round(digamma(1), 12), round(digamma(0.5), 12)
    (-0.577215664902, -1.963510026021)
    """
    shift = 0.0
    while x < ASYMPTOTIC_FROM:
        shift -= 1 / x
        x += 1
    y = 1 / (x * x)
    series = y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y * (1 / 240 - y * (1 / 132)))))
    return shift + log(x) - 0.5 / x - series


@lru_cache(maxsize=4096)
def beta_quadrature(a: float, b: float, points: int) -> tuple[tuple[float, float], ...]:
    """``(node, weight)`` pairs such that ``Σ weight · f(node)`` is E[f(p)] for p ~ Beta(a, b).

    Gauss-Jacobi quadrature on [0, 1], exact for polynomials of a degree below ``2 · points``.
    Nodes are the roots of the orthogonal polynomials, found between those of one degree less;
    weights are the Christoffel numbers (Golub and Welsch, 1969).

    >>> nodes = beta_quadrature(0.8, 2.5, 4)
    >>> round(sum(weight for p, weight in nodes), 12)
    1.0
    >>> mean = 0.8 / (0.8 + 2.5)
    >>> abs(sum(weight * p for p, weight in nodes) - mean) < 1e-12
    True
    """
    recurrence = [_jacobi_coefficients(a, b, degree) for degree in range(points + 1)]
    roots: list[float] = []
    for degree in range(1, points + 1):
        bounds = [0.0, *roots, 1.0]
        roots = [
            _root(recurrence, degree, low, high)
            for low, high in zip(bounds, bounds[1:], strict=False)
        ]
    return tuple((root, 1 / _polynomial(recurrence, points, root)[2]) for root in roots)


def _jacobi_coefficients(a: float, b: float, n: int) -> tuple[float, float]:
    """``(c, d)`` of the orthogonal polynomials ``P(n+1) = (p - c) P(n) - d P(n-1)``."""
    s = a + b
    if n == 0:
        return a / s, 1.0
    c = (2 * n * n + 2 * n * (s - 1) + a * (s - 2)) / ((2 * n + s - 2) * (2 * n + s))
    if n == 1:
        d = a * b / (s * s * (s + 1))
    else:
        k = 2 * n + s - 2
        d = n * (n + a - 1) * (n + b - 1) * (n + s - 2) / (k * k * (k + 1) * (k - 1))
    return c, d


def _polynomial(recurrence, degree: int, p: float) -> tuple[float, float, float]:
    """Orthonormal polynomial of a degree, its derivative, and the sum of the squares of those of
    lower degrees, at ``p``."""
    before, value, slope_before, slope, squares = 0.0, 1.0, 0.0, 0.0, 0.0
    for n in range(degree):
        c, d = recurrence[n]
        squares += value * value
        # each step divided by √d(n+1): monic polynomials vanish below what a float can tell
        scale, old_scale = sqrt(recurrence[n + 1][1]), sqrt(d) if n else 0.0
        following = ((p - c) * value - old_scale * before) / scale
        slope_following = (value + (p - c) * slope - old_scale * slope_before) / scale
        before, value, slope_before, slope = value, following, slope, slope_following
    return value, slope, squares


def _root(recurrence, degree: int, low: float, high: float) -> float:
    """The only root between two bounds: Newton's steps, kept within them by bisection."""
    rising = _polynomial(recurrence, degree, high)[0] > 0
    p = (low + high) / 2
    for _step in range(200):
        value, slope, _ = _polynomial(recurrence, degree, p)
        if (value > 0) == rising:
            high = p
        else:
            low = p
        step = value / slope if slope else 0.0
        following = p - step
        if not low < following < high:
            following = (low + high) / 2
        if abs(following - p) <= 1e-15 * p:
            return following
        p = following
    return p


def incomplete_beta(a: float, b: float, x: float) -> float:
    """Chance that p ~ Beta(a, b) is at most ``x``: the regularised incomplete beta function, by
    its continued fraction (NIST Handbook 8.17.22) with Lentz's method.

    >>> round(incomplete_beta(2, 3, 0.5), 12), round(incomplete_beta(0.5, 0.5, 0.25), 12)
    (0.6875, 0.333333333333)
    """
    if not 0 < x < 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # there the fraction converges slowly
        return 1 - incomplete_beta(b, a, 1 - x)
    fraction, c, d = 1.0, 1.0, 0.0
    for step in range(1, 1000):
        m = step // 2
        if step % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / (1 + term * d)
        c = 1 + term / c
        fraction *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    scale = lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)
    return exp(scale) / (a * fraction)


@lru_cache(maxsize=4096)
def student_quantile(chance: float, freedom: float) -> float:
    """The value that Student's t stays below with a chance, for any positive degrees of freedom,
    whole or not: by bisection of the incomplete beta function; where the degrees are many, by the
    expansion of Abramowitz and Stegun 26.7.5.

    >>> [round(student_quantile(0.975, freedom), 4) for freedom in (1, 4.5, 30, 1e6)]
    [12.7062, 2.6589, 2.0423, 1.96]
    >>> round(student_quantile(0.2, 10), 4)
    -0.8791
    """
    if chance < 0.5:
        return -student_quantile(1 - chance, freedom)
    if freedom > NEARLY_NORMAL_FROM:
        z = NormalDist().inv_cdf(chance)
        return (
            z
            + (z**3 + z) / (4 * freedom)
            + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
            + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
        )

    def above(t: float) -> float:
        return incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t)) / 2

    low, high = 0.0, 1.0
    while above(high) > 1 - chance:
        low, high = high, 2 * high
    for _step in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if above(middle) > 1 - chance else (low, middle)
    return (low + high) / 2
