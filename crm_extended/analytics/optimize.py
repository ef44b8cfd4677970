"""Minimisation of smooth functions of a few variables."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

ARMIJO = 1e-4
CURVATURE = 1e-12
LONGEST_STEP = 2.0
NOISE = 1e-15


class Minimum(NamedTuple):
    """Where a function is least; ``converged`` says whether its gradient vanishes there."""

    x: list[float]
    value: float
    converged: bool
    iterations: int


def minimise(
    function: Callable[[Sequence[float]], tuple[float, list[float]]],
    start: Sequence[float],
    tolerance: float = 1e-8,
    iterations: int = 200,
) -> Minimum:
    """Least value of a function that gives ``(value, gradient)``, by BFGS with backtracking
    (Nocedal and Wright, Numerical Optimization, algorithm 6.1).

    :param start: where to begin
    :param tolerance: largest absolute entry of the gradient at the end

    >>> bowl = lambda x: ((x[0] - 3) ** 2 + 10 * x[1] ** 2, [2 * (x[0] - 3), 20 * x[1]])
    >>> found = minimise(bowl, [0, 1])
    >>> [round(v, 6) + 0 for v in found.x], found.converged
    ([3.0, 0.0], True)
    """
    size = range(len(start))
    x = list(start)
    value, gradient = function(x)
    inverse = [[float(i == j) for j in size] for i in size]
    for iteration in range(iterations):
        if max(map(abs, gradient)) <= tolerance:
            return Minimum(x, value, True, iteration)
        direction = [-sum(inverse[i][j] * gradient[j] for j in size) for i in size]
        descent = sum(direction[i] * gradient[i] for i in size)
        if descent >= 0:
            direction, descent = [-g for g in gradient], -sum(g * g for g in gradient)
        step = min(1.0, LONGEST_STEP / max(map(abs, direction)))
        while True:
            following = [x[i] + step * direction[i] for i in size]
            next_value, next_gradient = function(following)
            if next_value <= value + ARMIJO * step * descent:
                break
            step /= 2
            if step * -descent < NOISE * max(1.0, abs(value)):
                # as low as numbers can tell
                return Minimum(x, value, max(map(abs, gradient)) <= 1e3 * tolerance, iteration)
        moved = [following[i] - x[i] for i in size]
        change = [next_gradient[i] - gradient[i] for i in size]
        _update(inverse, moved, change)
        x, value, gradient = following, next_value, next_gradient
    return Minimum(x, value, False, iterations)


def _update(inverse: list[list[float]], moved: list[float], change: list[float]):
    """The BFGS update of an inverse Hessian, left out where curvature can't be seen."""
    size = range(len(moved))
    curvature = sum(moved[i] * change[i] for i in size)
    if curvature <= CURVATURE * sum(v * v for v in change):
        return
    image = [sum(inverse[i][j] * change[j] for j in size) for i in size]
    factor = (1 + sum(change[i] * image[i] for i in size) / curvature) / curvature
    for i in size:
        for j in size:
            inverse[i][j] += (
                factor * moved[i] * moved[j]
                - (image[i] * moved[j] + moved[i] * image[j]) / curvature
            )
