"""One training step of a dense layer whose kernel is the identity, from the gradient of its loss.

The layer predicts what it is fed, `x`, so that the loss's gradient `g` by the predictions is the
oracle's, and `dW = sum_bt x_bt^T g_bt`, `db = sum_bt g_bt`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskgate.case import AnyArray, Case, FloatArray
from maskgate.oracle.ball import Ball


def weight_gradient(case: Case, gradient: Ball) -> Ball:
    """The gradient of the loss by kernel and bias, end to end.

    Each entry is an inner product over the steps of the batch: of n steps n products and n - 1
    sums in any order, so that its error is at most `n u sum |x| |g|` beside what `g` brings
    (Jeannerod and Rump 2013).

    Args:
        case: the batch, predictions `(batch, ..., features)`.
        gradient: of the loss by the predictions, of their shape.

    Returns:
        `features * features + features` numbers.
    """
    features = case.y_pred.shape[-1]
    x = case.y_pred.reshape(-1, features).astype(np.float64)
    x = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    value, radius = (each.reshape(-1, features) for each in (gradient.value, gradient.radius))
    unit = case.format.unit_roundoff
    size = np.abs(value) + radius
    with np.errstate(invalid="ignore"):
        total = (x.T @ value).ravel()
        error = (np.abs(x).T @ (radius + len(x) * unit * size)).ravel()
    return _ball(total, error + len(x) * case.format.tiny)


def stepped(gradients: Sequence[Ball], rate: float, features: int, unit: float) -> Ball:
    """The weights after one step against the mean of some gradients.

    Roundings: the sum and the mean of k gradients (k), the product with the rate, the subtraction.

    Args:
        gradients: as `weight_gradient` gives them.
        rate: the learning rate.
        features: of the layer, whose weights are the identity and zeros.
        unit: unit roundoff of the weights' dtype.
    """
    before = np.concatenate([np.eye(features).ravel(), np.zeros(features)])
    value: FloatArray = np.asarray(np.mean([each.value for each in gradients], axis=0))
    radius = np.mean([each.radius for each in gradients], axis=0)
    size = np.mean([np.abs(each.value) + each.radius for each in gradients], axis=0)
    moved = rate * (radius + (len(gradients) + 1) * unit * size)
    return _ball(before - rate * value, moved + unit * (np.abs(before) + rate * size))


def _ball(value: AnyArray, radius: AnyArray) -> Ball:
    """NaN has to be NaN; where a radius is NaN beside a number, anything goes."""
    radius = np.where(np.isnan(radius), np.inf, radius)
    return Ball(np.asarray(value), np.where(np.isnan(value), 0.0, radius))
