"""Choosing between `Rounded` values: exact operations whose errors may still decide the choice."""

from __future__ import annotations

import numpy as np

from maskgate.case import AnyArray, FloatArray
from maskgate.oracle.arithmetic import Arithmetic
from maskgate.oracle.rounding import EXACT, Rounded, lifted


def maximum(a: Rounded, b: Rounded | float) -> Rounded:
    """The larger of two, exact; a NaN stays NaN."""
    b = lifted(b, a.arithmetic)
    value = np.maximum(a.value, b.value)
    if a.error is EXACT and b.error is EXACT:
        return Rounded(value, EXACT, a.arithmetic)
    lead, slack = a.value - b.value, a.error + b.error
    error = np.where(lead > slack, a.error, np.where(-lead > slack, b.error, slack))
    return Rounded(value, np.where(np.isnan(value), _nan_error(a, b), error), a.arithmetic)


def _nan_error(a: Rounded, b: Rounded) -> FloatArray:
    certain = (np.isnan(a.value) & ~np.isinf(a.error)) | (np.isnan(b.value) & ~np.isinf(b.error))
    return np.where(certain, 0.0, np.inf)


def minimum(a: Rounded, b: Rounded | float) -> Rounded:
    """The smaller of two, exact; a NaN stays NaN."""
    return -maximum(-a, -lifted(b, a.arithmetic))


def clip(x: Rounded, low: float, high: float) -> Rounded:
    """`x` held between two constants of its format."""
    return minimum(maximum(x, low), high)


def divide_no_nan(a: Rounded, b: Rounded) -> Rounded:
    """`a / b`, and 0 wherever `b` is 0, whatever `a` is."""
    quotient = a / b
    zero = b.value == 0.0
    doubtful = (np.abs(b.value) <= b.error) & (b.error > 0.0)
    if not (zero | doubtful).any():
        return quotient
    error = np.where(doubtful, np.inf, np.where(zero, 0.0, quotient.error))
    return Rounded(np.where(zero, 0.0, quotient.value), error, a.arithmetic)


def where(condition: AnyArray, a: Rounded, b: Rounded | float) -> Rounded:
    """Elements of `a` where a condition that rounding cannot change holds, else of `b`."""
    b = lifted(b, a.arithmetic)
    value = np.where(condition, a.value, b.value)
    if a.error is EXACT and b.error is EXACT:
        return Rounded(value, EXACT, a.arithmetic)
    return Rounded(value, np.where(condition, a.error, b.error), a.arithmetic)


def where_at_most(x: Rounded, bound: Rounded | float, a: Rounded, b: Rounded) -> Rounded:
    """`a` where `x <= bound`, else `b`; both where rounding decides which."""
    bound = lifted(bound, x.arithmetic)
    chosen = where(x.value <= bound.value, a, b)
    slack = x.error + bound.error
    doubtful = (np.abs(x.value - bound.value) <= slack) & (slack > 0.0)
    if not doubtful.any():
        return chosen
    gap = np.abs(a.value - b.value)
    either = np.maximum(a.error, b.error) + np.where(np.isnan(gap), np.inf, gap)
    return Rounded(chosen.value, np.where(doubtful, either, chosen.error), x.arithmetic)


def between(low: FloatArray, high: FloatArray, arithmetic: Arithmetic) -> Rounded:
    """Any value of an interval: its middle, and half its width."""
    return Rounded((low + high) * 0.5, (high - low) * 0.5, arithmetic)


def no_less(x: Rounded, floor: Rounded) -> Rounded:
    """`x`, of which every computed value is at least `floor`, as a clip before has seen to.

    A ball round a value cannot say so by itself: where it would reach down to 0, it is cut.
    """
    least = np.broadcast_to(floor.value - floor.error, x.shape)
    doubtful = (x.error >= np.abs(x.value)) & (x.error > 0.0) & (least > 0.0)
    if not doubtful.any():
        return x
    top = np.maximum(x.value + x.error, least)
    cut = between(np.maximum(x.value - x.error, least), top, x.arithmetic)
    return where(~doubtful, x, cut)


def where_nonzero(mask: Rounded, factor: Rounded) -> Rounded:
    """A scalar `factor` where a mask is not 0 (NaN included), else 0."""
    nonzero = mask.value != 0.0
    value = np.where(nonzero, factor.value, 0.0)
    error = np.where(nonzero, factor.error, 0.0) if factor.error is not EXACT else EXACT
    doubtful = (mask.error > 0.0) & (np.abs(mask.value) <= mask.error)
    if mask.error is not EXACT and doubtful.any():
        error = np.where(doubtful, factor.error + np.abs(factor.value), error)
        error = np.where(np.isnan(error), np.inf, error)
    return Rounded(value, error, mask.arithmetic)


def largest(x: Rounded, axis: int = -1) -> Rounded:
    """The largest along an axis, which stays with length 1; exact; a NaN stays NaN."""
    value = np.maximum.reduce(x.value, axis=axis, keepdims=True)
    if x.error is EXACT:
        return Rounded(value, EXACT, x.arithmetic)
    errors = np.where(may_be_largest(x, axis), x.errors, 0.0)
    return Rounded(value, np.maximum.reduce(errors, axis=axis, keepdims=True), x.arithmetic)


def may_be_largest(x: Rounded, axis: int = -1) -> AnyArray:
    """Which elements rounding may make the largest along an axis; all where one is NaN."""
    below = x.value + x.error < np.maximum.reduce(x.value - x.error, axis=axis, keepdims=True)
    return np.asarray(~below)


def picked(x: Rounded, index: AnyArray) -> Rounded:
    """One element along the last axis for each index, of the index's shape."""
    value = np.take_along_axis(x.value, index, -1)
    if x.error is EXACT:
        return Rounded(value, EXACT, x.arithmetic)
    return Rounded(value, np.take_along_axis(x.errors, index, -1), x.arithmetic)
