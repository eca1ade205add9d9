"""Layers as users write them: some right, each of the others with one usual mistake."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


def numbers(mask: Any, x: Any) -> Any:
    """A mask as numbers `(batch, steps, 1)`."""
    return ops.expand_dims(ops.cast(mask, x.dtype), -1)


class MaskedAverage(keras.layers.Layer):
    """Right: the mean of the valid steps, and 0 where there are none."""

    skips_masked_steps = True

    def call(self, x: Any, mask: Any = None) -> Any:
        if mask is None:
            return ops.mean(x, axis=1)
        valid = numbers(mask, x)
        x = ops.where(valid > 0, x, 0.0)
        return ops.sum(x, axis=1) / ops.maximum(ops.sum(valid, axis=1), 1.0)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        del inputs, mask


class DividesByAll(MaskedAverage):
    """Divides by the number of all steps."""

    def call(self, x: Any, mask: Any = None) -> Any:
        if mask is not None:
            x = ops.where(numbers(mask, x) > 0, x, 0.0)
        return ops.mean(x, axis=1)


class MultipliesByMask(MaskedAverage):
    """Lets NaN through, and divides by 0 where nothing is valid."""

    def call(self, x: Any, mask: Any = None) -> Any:
        if mask is None:
            return ops.mean(x, axis=1)
        return ops.sum(x * numbers(mask, x), axis=1) / ops.sum(numbers(mask, x), axis=1)


class Attention(keras.layers.Layer):
    """Right: each step looks at the valid ones."""

    masked = True

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.supports_masking = True
        self.query, self.key = keras.layers.Dense(4), keras.layers.Dense(4)

    def call(self, x: Any, mask: Any = None) -> Any:
        if mask is not None and self.masked:
            x = ops.where(numbers(mask, x) > 0, x, 0.0)
        scores = ops.matmul(self.query(x), ops.transpose(self.key(x), (0, 2, 1)))
        if mask is not None and self.masked:
            scores = ops.where(ops.expand_dims(ops.cast(mask, "bool"), 1), scores, -1e9)
        return ops.matmul(ops.softmax(scores, axis=-1), x)


class UnmaskedAttention(Attention):
    """Each step looks at all of them."""

    masked = False


class Forgets(keras.layers.Layer):
    """Sees its mask, and does not hand it on."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.supports_masking = True

    def call(self, x: Any, mask: Any = None) -> Any:
        return x if mask is None else x * numbers(mask, x)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        del inputs, mask


class MixesRows(keras.layers.Layer):
    """Takes something of the first row off every row."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.supports_masking = True

    def call(self, x: Any) -> Any:
        return x - x[:1, :1]


class Sized(keras.layers.Layer):
    """Cannot be made without a number."""

    def __init__(self, size: int, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.size = size


class Random(keras.layers.Layer):
    """Never answers the same."""

    def call(self, x: Any) -> Any:
        return x + keras.random.uniform(ops.shape(x))


class FourSteps(keras.layers.Layer):
    """Takes four steps alone."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.supports_masking = True

    def call(self, x: Any) -> Any:
        return x + ops.reshape(ops.arange(4, dtype="float32"), (1, 4, 1))


def lstm() -> Any:
    """A function that makes a layer of the framework."""
    return keras.layers.LSTM(2, return_sequences=True)


NUMBER = 3


class AddsToFloats(keras.layers.Layer):
    """Takes a mask of numbers for one to be added."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.supports_masking = True

    def call(self, x: Any, mask: Any = None) -> Any:
        if mask is None or keras.backend.standardize_dtype(mask.dtype) == "bool":
            return x
        return x + numbers(mask, x)


class Two(MaskedAverage):
    """Right, with two outputs: a mean, and the steps."""

    def call(self, x: Any, mask: Any = None) -> Any:
        return super().call(x, mask=mask), x

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        del inputs
        return None, mask


class RefusesMasks(keras.layers.Layer):
    """Says so where there is a mask."""

    def call(self, x: Any, mask: Any = None) -> Any:
        if mask is not None:
            raise ValueError("no masks here")
        return x


class Summed(keras.layers.Layer):
    """One number for a whole batch."""

    def call(self, x: Any) -> Any:
        return ops.sum(x)


class Broken(keras.layers.Layer):
    """Answers nothing."""

    def call(self, x: Any) -> Any:
        raise RuntimeError(f"out of order for {x.shape}")
