"""Element losses of margins: labels -1 and 1, or 0 and 1, or one of several classes.

Source of the formulas: Keras 3.15.1 `losses/losses.py`; all generations agree.
"""

from __future__ import annotations

import numpy as np

from maskgate.oracle.definition import Definition, repeat, spread
from maskgate.oracle.functions import above
from maskgate.oracle.rounding import EXACT, Rounded
from maskgate.oracle.selection import between, largest, maximum, may_be_largest


def hinge(y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """`mean(max(1 - y p, 0))`."""
    return maximum(1.0 - signed(y, d) * p, 0.0).mean(-1)


def hinge_gradient(g: Rounded, y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """`-y / n` inside the margin, 0 beyond it."""
    y = signed(y, d)
    return -(above(spread(g, p), 1.0 - y * p, 0.0) * y)


def squared_hinge(y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """`mean(max(1 - y p, 0)**2)`."""
    margin = maximum(1.0 - signed(y, d) * p, 0.0)
    return (margin * margin).mean(-1)


def squared_hinge_gradient(g: Rounded, y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """`-2 y max(1 - y p, 0) / n`."""
    y = signed(y, d)
    gap = 1.0 - y * p
    return -(above(spread(g, p) * (maximum(gap, 0.0) * 2.0), gap, 0.0) * y)


def categorical_hinge(y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """`max(max((1 - y) p) - sum(y p) + 1, 0)`."""
    d.check_constants(typed=d.rules.typed_zero)
    positive, others = (y * p).sum(-1, keepdims=True), (1.0 - y) * p
    return maximum(largest(others) - positive + 1.0, 0.0).sum(-1)


def categorical_hinge_gradient(g: Rounded, y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """`1 - y` at the largest of the other classes, less `y`, inside the margin."""
    positive, others = (y * p).sum(-1, keepdims=True), (1.0 - y) * p
    each = above(repeat(g, p), largest(others) - positive + 1.0, 0.0)
    return each * _share_of_largest(others, d) * (1.0 - y) - each * y


def signed(y: Rounded, d: Definition) -> Rounded:
    """Labels 0 and 1 as -1 and 1, if there are no others in the whole batch."""
    if not d.rules.signs_labels:
        return y
    doubtful = (y.error > 0.0) & (np.abs(y.value) <= y.error)
    binary = ((y.value == 0.0) | (y.value == 1.0) | doubtful).all()
    if not binary:
        return y
    if doubtful.any():
        # Subnormal labels that may be read as zero decide for the whole batch.
        return Rounded(y.value, np.full(y.shape, np.inf), y.arithmetic)
    return Rounded(y.value * 2.0 - 1.0, EXACT, y.arithmetic)


def _share_of_largest(x: Rounded, d: Definition) -> Rounded:
    """The slope of the largest: 1 for it, 0 for the rest; those that tie share it somehow.

    None equals a NaN: TensorFlow shares 0 among 0 then. XLA may overlook the NaN.
    """
    candidate = may_be_largest(x)
    alone = candidate.sum(-1, keepdims=True) == 1
    low = np.where(candidate & alone, 1.0, 0.0)
    share = between(low, candidate.astype(np.float64), x.arithmetic)
    top = largest(x)
    undefined = np.isnan(top.value) & ~np.isinf(top.error)
    unsure = np.isinf(top.error) | (undefined & d.wide)
    error = np.where(unsure, np.inf, np.where(undefined, 0.0, share.error))
    return Rounded(np.where(undefined, np.nan, share.value), error, x.arithmetic)
