"""Ball arithmetic with the subject's rounding: running error analysis.

A `Rounded` is the exact value of an expression together with a bound on how far a subject that
evaluates the same expression in its own format may be from it. The bound of every operation is
what its operands bring, second-order terms included, plus one rounding of the largest result they
allow (Higham, Accuracy and Stability of Numerical Algorithms, section 3.3). NaN and infinity have
a place: an error of 0 says that a subject must have them there, an error of infinity that rounding
decides, so that anything is accepted there.

Operations expect `numpy.errstate(all="ignore")`; `expect` sets it once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from maskgate.case import AnyArray, FloatArray
from maskgate.oracle.arithmetic import OWN_ROUNDOFF, Arithmetic

# The error of a value that subjects hold exactly; recognised by identity to save time.
EXACT: FloatArray = np.zeros(())

Axes = int | tuple[int, ...] | None

# ufunc.reduce itself: the methods and functions around it cost as much again on tiny arrays.
_largest: Callable[..., Any] = np.maximum.reduce
_add: Callable[..., Any] = np.add.reduce


class Rounded:
    """An array of exact values, each with a bound on a subject's error.

    Attributes:
        value: exact values, float64.
        error: bound on |subject - value|, broadcastable to `value`; infinite where rounding
            decides, 0 with a NaN or infinite value where a subject must have just that.
        arithmetic: the rounding model of the subject.
    """

    __slots__ = ("arithmetic", "error", "value")

    def __init__(self, value: FloatArray, error: FloatArray, arithmetic: Arithmetic) -> None:
        self.value, self.error, self.arithmetic = value, error, arithmetic

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the values."""
        return self.value.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.value.ndim

    @property
    def size(self) -> int:
        """Number of values."""
        return self.value.size

    @property
    def errors(self) -> FloatArray:
        """The error of each value, in the shape of `value`."""
        if self.error.shape == self.value.shape:
            return self.error
        return np.broadcast_to(self.error, self.value.shape)

    def reshape(self, shape: tuple[int, ...]) -> Rounded:
        """The same values in another shape."""
        error = self.error if self.error is EXACT else self.errors.reshape(shape)
        return Rounded(self.value.reshape(shape), error, self.arithmetic)

    def broadcast_to(self, shape: tuple[int, ...]) -> Rounded:
        """The value repeated to a shape; ValueError where that cannot be."""
        if shape == self.value.shape:
            return self
        return Rounded(np.broadcast_to(self.value, shape), self.error, self.arithmetic)

    def to(self, arithmetic: Arithmetic) -> Rounded:
        """Converted to another format: one rounding unless the new one holds all of the old."""
        if arithmetic is self.arithmetic:
            return self
        if arithmetic.format.unit_roundoff < self.arithmetic.format.unit_roundoff:
            return Rounded(self.value, self.error, arithmetic)
        like = Rounded(self.value, self.error, arithmetic)
        return like + Rounded(np.zeros(()), EXACT, arithmetic)

    def __neg__(self) -> Rounded:
        return Rounded(-self.value, self.error, self.arithmetic)

    def __abs__(self) -> Rounded:
        return Rounded(np.abs(self.value), self.error, self.arithmetic)

    def __add__(self, other: Rounded | float) -> Rounded:
        other = lifted(other, self.arithmetic)
        value = self.value + other.value
        return finish(np.add, (self, other), value, _joined(self.error, other.error))

    def __sub__(self, other: Rounded | float) -> Rounded:
        other = lifted(other, self.arithmetic)
        value = self.value - other.value
        return finish(np.subtract, (self, other), value, _joined(self.error, other.error))

    def __mul__(self, other: Rounded | float) -> Rounded:
        other = lifted(other, self.arithmetic)
        value = self.value * other.value
        return finish(np.multiply, (self, other), value, _product_error(self, other))

    def __truediv__(self, other: Rounded | float) -> Rounded:
        other = lifted(other, self.arithmetic)
        value = self.value / other.value
        return finish(np.divide, (self, other), value, _quotient_error(self, other, value))

    def __radd__(self, other: float) -> Rounded:
        return self + other

    def __rsub__(self, other: float) -> Rounded:
        return lifted(other, self.arithmetic) - self

    def __rmul__(self, other: float) -> Rounded:
        return self * other

    def __rtruediv__(self, other: float) -> Rounded:
        return lifted(other, self.arithmetic) / self

    def sum(self, axis: Axes = None, *, keepdims: bool = False) -> Rounded:
        """The sum over axes, in whatever order the subject adds."""
        return _sum(self, axis, keepdims, self.arithmetic.sum_roundoff)

    def narrow_sum(self, axis: Axes = None, *, keepdims: bool = False) -> Rounded:
        """A sum inside a fused kernel, which may add in the format itself."""
        return _sum(self, axis, keepdims, self.arithmetic.roundoff)

    def mean(self, axis: Axes = None, *, keepdims: bool = False) -> Rounded:
        """The mean over axes: the sum over the number of terms; NaN where there are none."""
        total = _sum(self, axis, keepdims, self.arithmetic.mean_roundoff)
        terms = self.size // total.size if total.size and self.size else terms_of(self.shape, axis)
        return total if terms == 1 else total / count(terms, self.arithmetic)


def lifted(operand: Rounded | float, arithmetic: Arithmetic) -> Rounded:
    """A number as a constant of the format; a `Rounded` as it is."""
    return operand if isinstance(operand, Rounded) else constant(operand, arithmetic)


def held(values: AnyArray, arithmetic: Arithmetic) -> Rounded:
    """Booleans, integers or floats as the subject's format holds them.

    Subnormal floats may be read as zero where the arithmetic flushes them.
    """
    fmt = arithmetic.format
    if values.dtype.kind != "b" and (values.dtype != fmt.storage or fmt.name == "bfloat16"):
        values = _represented(values, arithmetic)
    exact = np.asarray(values, dtype=np.float64)
    if not arithmetic.flushes:
        return Rounded(exact, EXACT, arithmetic)
    size = np.abs(exact)
    if arithmetic.narrow:
        apart = np.abs(exact.astype(np.float32).astype(np.float64) - exact)
        return Rounded(exact, np.where(np.isnan(apart), 0.0, apart), arithmetic)
    subnormal = (size < fmt.tiny) & (size > 0.0)
    return Rounded(exact, size * subnormal if subnormal.any() else EXACT, arithmetic)


@lru_cache(maxsize=4096)
def constant(number: float, arithmetic: Arithmetic) -> Rounded:
    """A number as the format holds it, e.g. an epsilon of 1e-7 as 1.19e-7 in float16."""
    return held(np.asarray(number, dtype=np.float64), arithmetic)


def count(number: int, arithmetic: Arithmetic) -> Rounded:
    """A number of elements cast to the format: rounded, infinite where it does not fit."""
    return constant(float(number), arithmetic)


def count_valid(mask: Rounded) -> Rounded:
    """The sum of a mask, exact while every partial sum is a whole number the format holds."""
    total = mask.sum()
    whole = mask.error is EXACT and not np.any(mask.value % 1.0)
    if whole and float(_add(np.abs(mask.value), axis=None)) <= 1.0 / _unit(mask.arithmetic):
        return Rounded(total.value, EXACT, mask.arithmetic)
    return total


def terms_of(shape: tuple[int, ...], axis: Axes) -> int:
    """How many terms each sum over these axes has."""
    if axis is None:
        return int(np.prod(shape, dtype=np.int64))
    axes = axis if isinstance(axis, tuple) else (axis,)
    return int(np.prod([shape[i] for i in axes], dtype=np.int64))


def _unit(arithmetic: Arithmetic) -> float:
    return arithmetic.format.unit_roundoff


def _represented(values: AnyArray, arithmetic: Arithmetic) -> AnyArray:
    rounded = arithmetic.format.round(values)
    if arithmetic.limit > arithmetic.format.largest * 2.0:
        # A wider exponent range: what overflows the format stays as it is.
        overflown = np.isinf(rounded)
        rounded = np.where(overflown, values, rounded) if overflown.any() else rounded
    return rounded


def _joined(one: FloatArray, other: FloatArray) -> FloatArray:
    if other is EXACT:
        return one
    return other if one is EXACT else one + other


def _product_error(a: Rounded, b: Rounded) -> FloatArray:
    if b.error is EXACT:
        return EXACT if a.error is EXACT else np.abs(b.value) * a.error
    if a.error is EXACT:
        return np.abs(a.value) * b.error
    return np.abs(a.value) * b.error + (np.abs(b.value) + b.error) * a.error


def _quotient_error(a: Rounded, b: Rounded, quotient: FloatArray) -> FloatArray:
    if b.error is EXACT:
        return EXACT if a.error is EXACT else a.error / np.abs(b.value)
    nearest = np.abs(b.value) - b.error
    error = (np.abs(quotient) * b.error + a.error) / nearest
    # A divisor that may be zero: rounding decides everything.
    return np.where(nearest > 0.0, error, np.where(b.error == 0.0, 0.0, np.inf))


def finish(
    operation: Callable[..., FloatArray],
    operands: tuple[Rounded, ...],
    value: FloatArray,
    error: FloatArray,
    roundings: float = 1.0,
) -> Rounded:
    """Round the result of an operation whose operands bring `error`."""
    model = operands[0].arithmetic
    reach = np.abs(value) if error is EXACT else np.abs(value) + error
    if not _largest(reach, axis=None, initial=0.0) < model.limit:
        return _careful(operation, operands, value, error, roundings)
    rounding = reach * (model.roundoff * roundings) + np.minimum(reach, model.underflow)
    return Rounded(value, rounding if error is EXACT else error + rounding, model)


def _careful(
    operation: Callable[..., FloatArray],
    operands: tuple[Rounded, ...],
    value: FloatArray,
    error: FloatArray,
    roundings: float,
) -> Rounded:
    """Where something is infinite, NaN or overflows: certain only if every corner agrees."""
    model = operands[0].arithmetic
    corners = (operation(*corner) for corner in _corners(operands))
    results = [_overflown(result, model) for result in (value, *corners)]
    agreed = _agreed(np.stack(np.broadcast_arrays(*results)))
    doubtful = np.isinf(error) & np.isfinite(value)
    certain_nan: Any = False
    for operand in operands:
        unsure = np.isinf(operand.error)
        doubtful = doubtful | unsure
        certain_nan = certain_nan | (np.isnan(operand.value) & ~unsure)
    reach = np.abs(value) + error
    rounding = reach * (model.roundoff * roundings) + np.minimum(reach, model.underflow)
    finite_error = np.where(np.isfinite(results[0]), error + rounding, 0.0)
    total = np.where((agreed & ~doubtful) | certain_nan, finite_error, np.inf)
    return Rounded(results[0], np.where(np.isnan(total), np.inf, total), model)


def _corners(operands: Sequence[Rounded]) -> list[tuple[FloatArray, ...]]:
    corners: list[tuple[FloatArray, ...]] = [()]
    for operand in operands:
        ends = (
            (operand.value,)
            if operand.error is EXACT
            else (operand.value - operand.error, operand.value + operand.error)
        )
        corners = [(*corner, end) for corner in corners for end in ends]
    return corners


def _overflown(values: FloatArray, model: Arithmetic) -> FloatArray:
    """Values with those beyond the format's limit replaced by infinity."""
    return np.where(np.abs(values) >= model.limit, np.copysign(np.inf, values), values)


def _agreed(results: FloatArray) -> AnyArray:
    """Whether all are finite, or all NaN, or all the same infinity."""
    first = results[0]
    same = np.where(np.isfinite(first), np.isfinite(results), results == first)
    return np.asarray(np.where(np.isnan(first), np.isnan(results), same).all(axis=0))


def _sum(x: Rounded, axis: Axes, keepdims: bool, roundoff: float) -> Rounded:
    """Any-order summation: |error| <= (n-1) u sum|x_i| for every n and every order of additions.

    Source: Jeannerod and Rump, Improved error bounds for inner products in floating-point
    arithmetic, SIAM J. Matrix Anal. Appl. 34 (2013), which needs no bound on n*u.
    """
    model = x.arithmetic
    value = _add(x.value, axis=axis, keepdims=keepdims)
    size = np.abs(x.value)
    terms = x.size // value.size if value.size and x.size else 0
    if terms <= 1:
        error = x.error if x.error is EXACT else _add(x.errors, axis=axis, keepdims=keepdims)
        return Rounded(value, error, model)
    mass = _add(size if x.error is EXACT else size + x.error, axis=axis, keepdims=keepdims)
    if not _largest(mass, axis=None, initial=0.0) * (1.0 + terms * roundoff) < model.limit:
        return _careful_sum(x, axis, keepdims, roundoff, terms)
    error = mass * _summing(terms, model, roundoff) + np.minimum(mass, _lost(terms, model))
    if x.error is not EXACT:
        error = error + _add(x.errors, axis=axis, keepdims=keepdims)
    return Rounded(value, error, model)


def _summing(terms: int, model: Arithmetic, roundoff: float) -> float:
    """Relative error of a sum; one more rounding where it accumulates in another format."""
    last = model.roundoff if roundoff < model.roundoff else 0.0
    return (terms - 1) * roundoff + terms * OWN_ROUNDOFF + last * (1.0 + terms * roundoff)


def _lost(terms: int, model: Arithmetic) -> float:
    """What flushed partial sums may lose; without flushing, tiny sums are exact."""
    return terms * model.underflow if model.flushes else 0.0


def _careful_sum(x: Rounded, axis: Axes, keepdims: bool, roundoff: float, terms: int) -> Rounded:
    """A sum with NaN or infinite terms, or one whose partial sums may overflow."""
    model, errors = x.arithmetic, x.errors
    certain, finite = ~np.isinf(errors), np.isfinite(x.value)

    def total(terms: AnyArray) -> AnyArray:
        return np.asarray(_add(terms, axis=axis, keepdims=keepdims))

    rising = total(np.isposinf(x.value) & certain) > 0
    falling = total(np.isneginf(x.value) & certain) > 0
    nan = (total(np.isnan(x.value) & certain) > 0) | (rising & falling)
    known = np.where(finite & certain, x.value, 0.0)
    spread = np.where(finite & certain, errors, 0.0)
    room = model.limit / (1.0 + terms * roundoff)
    high = total(np.maximum(known + spread, 0.0)) >= room
    low = total(np.maximum(spread - known, 0.0)) >= room
    value = total(np.where(certain, x.value, 0.0))
    mass = total(np.abs(known) + spread)
    error = (
        total(spread)
        + mass * _summing(terms, model, roundoff)
        + np.minimum(mass, _lost(terms, model))
    )
    # A long sum in a short format may stand still far below the limit: adding 1 to 2048 is lost.
    over = (rising | (value - error >= model.limit)) & ~falling & ~low
    under = (falling | (-value - error >= model.limit)) & ~rising & ~high
    doubtful = total(~certain) > 0
    settled = np.where(over, np.inf, np.where(under, -np.inf, value))
    fine = ~(rising | falling | high | low)
    total_error = np.where((over | under) & ~doubtful, 0.0, np.inf)
    total_error = np.where(fine & ~doubtful, error, total_error)
    return Rounded(np.where(nan, np.nan, settled), np.where(nan, 0.0, total_error), model)
