"""Element losses of which no formula is known: measured, with the error that they may have.

A user's own loss is asked each element by itself; its release's family then says what mask,
weights and reduction must make of them. No tolerance is chosen for the unknown formula: it is
taken to be *backward stable*, evaluated in at most `OPERATIONS` roundings a feature. Its result is
then that of inputs that are off by so many roundings, so that its own error is at most

    k u (|l| + sum_f |dl/dp_f| (|p_f| + |y_f|)),   k = OPERATIONS * features

to first order, with the slopes that the loss itself gives (labels count as much as predictions,
since nothing is known of the slope by labels). Where the dtype has a finer one, twice the
difference from the same loss evaluated in float64 is added: what a formula loses by cancellation
shows there. Slopes likewise, with the largest slope of the element in place of the second term.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from maskgate.case import AnyArray, Case, FloatArray
from maskgate.oracle.arithmetic import arithmetic

OPERATIONS = 16


@dataclass(frozen=True, eq=False)
class Measured:
    """Element losses as a subject gives them, one by one.

    Attributes:
        value: float64, shape `Case.loss_shape`.
        error: how far another evaluation may be off; 0 for NaN and infinities that are certain,
            infinite where a finer dtype has none there.
        slope: derivative of each element by its features, shape of `y_pred`.
        slope_error: the same for the slopes.
    """

    value: FloatArray
    error: FloatArray
    slope: FloatArray
    slope_error: FloatArray

    @classmethod
    def of(
        cls,
        case: Case,
        value: FloatArray,
        slope: FloatArray,
        finer: tuple[FloatArray, FloatArray] | None = None,
    ) -> Measured:
        """The elements of a case with their errors.

        Args:
            case: whose elements they are.
            value: shape `case.loss_shape`, as the subject gave them in the case's dtype.
            slope: shape of `case.y_pred`.
            finer: both again, evaluated in float64.
        """
        unit = arithmetic(case.dtype).roundoff * OPERATIONS * max(case.y_pred.shape[-1], 1)
        with np.errstate(all="ignore"):
            reach = np.abs(slope) * (np.abs(case.y_pred) + _labels(case))
            error = unit * (np.abs(value) + np.nan_to_num(reach).sum(axis=-1))
            steep = np.nan_to_num(np.abs(slope)).max(axis=-1, keepdims=True, initial=0.0)
            slope_error = unit * (np.abs(slope) + steep)
            underflow = arithmetic(case.dtype).underflow
            error, slope_error = error + underflow, slope_error + underflow
            if finer is not None:
                error = error + 2.0 * np.abs(value - finer[0])
                slope_error = slope_error + 2.0 * np.abs(slope - finer[1])
        finest = (None, None) if finer is None else finer
        return cls(
            value,
            _certain(value, error, finest[0]),
            slope,
            _certain(slope, slope_error, finest[1]),
        )


def _labels(case: Case) -> AnyArray:
    """Magnitudes of the labels, feature by feature; 1 where they are class ids."""
    if case.y_true.shape != case.y_pred.shape:
        return np.ones(())
    return np.abs(case.y_true.astype(np.float64))


def _certain(value: FloatArray, error: FloatArray, finer: FloatArray | None) -> FloatArray:
    """The errors, with those of NaN and infinities: certain unless float64 has a number there."""
    doubtful = np.zeros(value.shape, bool) if finer is None else np.isfinite(finer)
    odd = np.where(doubtful, np.inf, 0.0)
    return np.asarray(np.where(np.isfinite(value), np.nan_to_num(error, nan=np.inf), odd))
