"""Losses as users write them: some right, each of the others with one usual mistake."""

from __future__ import annotations

from typing import Any

import keras

try:
    from keras import ops
except ImportError:  # before Keras 3: enough for a loss that leaves the rest to Keras
    from keras import backend as ops


def squares(y_true: Any, y_pred: Any) -> Any:
    return ops.mean(ops.square(y_pred - y_true), axis=-1)


def mask_of(y_pred: Any) -> Any:
    return getattr(y_pred, "_keras_mask", None)


def weighted(losses: Any, weight: Any) -> Any:
    if weight is None:
        return losses
    weight = ops.cast(weight, losses.dtype)
    if len(weight.shape) > len(losses.shape):
        weight = ops.squeeze(weight, -1)
    return losses * weight


class LeftToKeras(keras.losses.Loss):
    """Right as far as its release is."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return squares(y_true, y_pred)


class NotInDenominator(keras.losses.Loss):
    """Masks before the mean, which still counts what is masked."""

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        losses = weighted(squares(y_true, y_pred), sample_weight)
        mask = mask_of(y_pred)
        if mask is not None:
            losses = losses * ops.cast(mask, losses.dtype)
        return ops.mean(losses)


class UnsafeWhere(keras.losses.Loss):
    """Keeps NaN out of the value, but not out of the gradient."""

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        losses = weighted(squares(y_true, y_pred), sample_weight)
        mask = mask_of(y_pred)
        if mask is None:
            return ops.mean(losses)
        mask = ops.cast(mask, "bool")
        valid = ops.sum(ops.cast(mask, losses.dtype))
        return ops.sum(ops.where(mask, losses, 0)) / ops.maximum(valid, 1)


class DividesByZero(keras.losses.Loss):
    """Divides by the number of valid steps, which may be 0."""

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        losses = weighted(squares(y_true, y_pred), sample_weight)
        mask = mask_of(y_pred)
        if mask is None:
            return ops.mean(losses)
        mask = ops.cast(mask, losses.dtype)
        return ops.sum(losses * mask) / ops.sum(mask)


class Centred(keras.losses.Loss):
    """Its element losses depend on one another, masked ones too."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return squares(y_true - ops.mean(y_true), y_pred)


class Unmasked(keras.losses.Loss):
    """Looks at no mask."""

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return ops.mean(weighted(squares(y_true, y_pred), sample_weight))


class Averaged(keras.losses.Loss):
    """Returns one number where a loss for each step is asked for, so that no mask can reach it."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return ops.mean(ops.square(y_true - y_pred))


class CoarseInHalf(keras.losses.Loss):
    """Looks at no mask, and rounds to eighths in the small formats."""

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        y_pred = ops.convert_to_tensor(y_pred)
        loss = ops.mean(weighted(squares(y_true, y_pred), sample_weight))
        return loss if "16" not in str(y_pred.dtype) else ops.round(loss * 8) / 8


class Unweighted(keras.losses.Loss):
    """Takes no weights."""

    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        return keras.losses.MeanSquaredError()(y_true, y_pred)


class Scaled(keras.losses.Loss):
    """Cannot be made without its factor."""

    def __init__(self, factor: float, **options: Any) -> None:
        super().__init__(**options)
        self.factor = factor

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.factor * squares(y_true, y_pred)


def absolute(y_true: Any, y_pred: Any) -> Any:
    """Element losses alone: what `compile(loss=absolute)` takes."""
    return ops.mean(ops.abs(y_pred - y_true), axis=-1)


def doubled() -> Scaled:
    """Makes one."""
    return Scaled(2.0, reduction="sum")


TRIPLED = Scaled(3.0)
NUMBER = 3


class MeanSquares(keras.metrics.MeanMetricWrapper):
    """Left to Keras, which looks at the mask."""

    def __init__(self, **options: Any) -> None:
        super().__init__(squares, **options)


class IgnoresMask(keras.metrics.Metric):
    """Averages everything, masked or not."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.total = self.add_weight(name="total", initializer="zeros")
        self.count = self.add_weight(name="count", initializer="zeros")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        losses = weighted(ops.cast(squares(y_true, y_pred), self.dtype), sample_weight)
        self.total.assign_add(ops.sum(losses))
        self.count.assign_add(ops.cast(ops.size(losses), self.dtype))

    def result(self) -> Any:
        return ops.divide_no_nan(self.total, self.count)
