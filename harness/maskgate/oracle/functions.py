"""Elementary functions of `Rounded` values.

Each propagates the error of its argument by a bound on the function's growth over the whole ball,
written so that it does not cancel, and adds the measured accuracy of the subjects' kernels.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from maskgate.case import FloatArray
from maskgate.oracle.arithmetic import ROUNDINGS
from maskgate.oracle.rounding import EXACT, Rounded, finish, lifted
from maskgate.oracle.selection import between, where

Function = Callable[[FloatArray], FloatArray]


def _apply(name: str, function: Function, x: Rounded, spread: Function) -> Rounded:
    """`function(x)`; `spread` maps the error of `x` to that of the result."""
    error = EXACT if x.error is EXACT else spread(x.error)
    return finish(function, (x,), function(x.value), error, ROUNDINGS[name])


def reciprocal(x: Rounded) -> Rounded:
    """`1 / x`, which TensorFlow's float32 kernels approximate."""

    def spread(error: FloatArray) -> FloatArray:
        size = np.abs(x.value)
        return np.where(error < size, error / (size * (size - error)), np.inf)

    return _apply("reciprocal", np.reciprocal, x, spread)


def log(x: Rounded) -> Rounded:
    """Natural logarithm: -inf at 0, NaN below."""
    return _apply("log", np.log, x, lambda e: -np.log1p(-np.minimum(e / np.abs(x.value), 1.0)))


def log1p(x: Rounded) -> Rounded:
    """`log(1 + x)`."""
    room = 1.0 + x.value
    return _apply("log1p", np.log1p, x, lambda e: -np.log1p(-np.minimum(e / room, 1.0)))


def exp(x: Rounded) -> Rounded:
    """The exponential function."""
    return _apply("exp", np.exp, x, lambda e: np.exp(x.value) * np.expm1(e))


def sigmoid(x: Rounded) -> Rounded:
    """`1 / (1 + exp(-x))`; its slope changes by at most a factor exp(e) over a ball of radius e."""

    def spread(error: FloatArray) -> FloatArray:
        value = _sigmoid(x.value)
        return np.minimum(value * _sigmoid(-x.value) * np.expm1(error), 1.0)

    result = _apply("sigmoid", _sigmoid, x, spread)
    lost = result.value < 1.0 / x.arithmetic.format.largest
    if not lost.any():
        return result
    # exp(-x) may overflow, and then the quotient is 0.
    error = np.where(lost, np.maximum(result.error, result.value), result.error)
    return Rounded(result.value, error, x.arithmetic)


def softplus(x: Rounded) -> Rounded:
    """`log(1 + exp(x))`; its slope is the sigmoid."""
    return _apply("softplus", _softplus, x, lambda e: e * _sigmoid(x.value + e))


def sqrt(x: Rounded) -> Rounded:
    """The square root."""

    def spread(error: FloatArray) -> FloatArray:
        below = np.sqrt(np.maximum(x.value - error, 0.0))
        slope: FloatArray = error / (np.sqrt(x.value) + below)
        return slope

    return _apply("sqrt", np.sqrt, x, spread)


def rsqrt(x: Rounded) -> Rounded:
    """`1 / sqrt(x)`: infinite at 0."""

    def spread(error: FloatArray) -> FloatArray:
        share = np.minimum(error / np.abs(x.value), 1.0)
        return _rsqrt(x.value) * np.expm1(-0.5 * np.log1p(-share))

    return _apply("rsqrt", _rsqrt, x, spread)


def power(x: Rounded, exponent: float) -> Rounded:
    """`x ** exponent` for `x >= 0`, the exponent as the format holds it."""
    held = float(lifted(exponent, x.arithmetic).value)

    def spread(error: FloatArray) -> FloatArray:
        share = np.minimum(error / np.abs(x.value), 1.0)
        relative = np.maximum(np.expm1(held * np.log1p(share)), -np.expm1(held * np.log1p(-share)))
        if held < 0.0:
            relative = np.expm1(held * np.log1p(-share))
        at_zero = np.where(error > 0.0, np.power(error, held), 0.0)
        return np.where(x.value == 0.0, at_zero, np.power(np.abs(x.value), held) * relative)

    def function(base: FloatArray) -> FloatArray:
        # C's pow(-inf, 0.5) is inf; NumPy takes a square root there.
        return np.power(np.where(np.isneginf(base), np.inf, base) if held % 1.0 else base, held)

    return _apply("power", function, x, spread)


def sign(x: Rounded) -> Rounded:
    """The slope of the absolute value: anything from -1 to 1 where rounding or a kink decides."""
    value = np.sign(x.value)
    doubtful = np.abs(x.value) <= x.error
    if not doubtful.any():
        return Rounded(value, EXACT, x.arithmetic)
    return Rounded(value, np.where(doubtful, 1.0 + np.abs(value), 0.0), x.arithmetic)


def step(x: Rounded, bound: Rounded | float) -> Rounded:
    """The slope of `maximum(x, bound)`: 1 above, 0 below, anything between where they meet."""
    bound = lifted(bound, x.arithmetic)
    lead = x.value - bound.value
    doubtful = np.abs(lead) <= x.error + bound.error
    above = (lead > 0.0).astype(np.float64)
    if not doubtful.any():
        return Rounded(above, EXACT, x.arithmetic)
    low, high = np.where(doubtful, 0.0, above), np.where(doubtful, 1.0, above)
    return between(low, high, x.arithmetic)


def above(upstream: Rounded, x: Rounded, bound: Rounded | float) -> Rounded:
    """What flows through `maximum(x, bound)`: `upstream` above, exactly 0 below even if it is NaN.

    Where they meet, or rounding decides, anything between the two.
    """
    return gated(upstream, step(x, bound))


def within(upstream: Rounded, x: Rounded, low: float, high: float) -> Rounded:
    """What flows through `clip(x, low, high)`."""
    return gated(upstream, step(x, low) - step(x, high))


def gated(upstream: Rounded, slope: Rounded) -> Rounded:
    """`upstream` times a slope of 0, 1 or anything between, where a slope of 0 stops even NaN."""
    closed = (slope.value == 0.0) & (slope.error == 0.0)
    flow = upstream * slope
    doubtful = slope.error > 0.25
    if doubtful.any():
        unbounded = doubtful & ~np.isfinite(flow.value)
        flow = Rounded(flow.value, np.where(unbounded, np.inf, flow.error), flow.arithmetic)
    return where(~closed, flow, 0.0)


def logarithm_gradient(upstream: Rounded, x: Rounded) -> Rounded:
    """What flows through `log(x)`: frameworks multiply by a reciprocal, which may overflow."""
    return upstream * reciprocal(x)


def _sigmoid(x: FloatArray) -> FloatArray:
    decay = np.exp(-np.abs(x))
    return np.where(x >= 0.0, 1.0, decay) / (1.0 + decay)


def _softplus(x: FloatArray) -> FloatArray:
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def _rsqrt(x: FloatArray) -> FloatArray:
    return 1.0 / np.sqrt(x)
