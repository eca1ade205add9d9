"""How each generation brings the ranks of losses, masks and weights together.

Every rule ends in NumPy broadcasting (aligned on the right); where that is impossible, the
generation raises. A rule takes two arrays and returns both, either of them possibly reshaped.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from maskgate.oracle.ball import DoesNotFit
from maskgate.oracle.rounding import Rounded

Pair = tuple[Rounded, Rounded]
Alignment = Callable[[Rounded, Rounded], Pair]


def right_aligned(values: Rounded, other: Rounded) -> Pair:
    """Up to Keras 2.2.5: broadcasting alone."""
    return values, other


def weights_squeezed_or_expanded(values: Rounded, weights: Rounded) -> Pair:
    """TensorFlow's Keras 2.4 - 2.15: weights gain or lose one last axis.

    Weights without an axis stay; a difference of more than one axis is left to broadcasting.
    """
    if weights.ndim == 0:
        return values, weights
    if weights.ndim == values.ndim + 1:
        return values, _squeezed(weights)
    if values.ndim == weights.ndim + 1:
        return values, _expanded(weights)
    return values, weights


def weights_broadcast(values: Rounded, weights: Rounded) -> Pair:
    """Keras 2.3: weights gain last axes until ranks agree, so (B,) means per sample.

    Weights of a higher rank, or with an axis that is neither 1 nor that of the losses, raise.
    """
    if weights.ndim and values.ndim == 0 and weights.ndim == 1:
        values = _expanded(values)
    else:
        values, weights = weights_squeezed_or_expanded(values, weights)
    if weights.ndim > values.ndim:
        raise DoesNotFit(f"weights {weights.shape} have more axes than losses {values.shape}")
    weights = weights.reshape(weights.shape + (1,) * (values.ndim - weights.ndim))
    if any(w not in (1, v) for w, v in zip(weights.shape, values.shape, strict=True)):
        raise DoesNotFit(f"weights {weights.shape} do not fit losses {values.shape}")
    return values, weights


def longer_squeezed(a: Rounded, b: Rounded) -> Pair:
    """Keras 3.0.0 - 3.0.4: where ranks differ by one, a last axis of 1 is dropped."""
    if a.ndim == b.ndim + 1 and a.shape[-1] == 1:
        return _squeezed(a), b
    if b.ndim == a.ndim + 1 and b.shape[-1] == 1:
        return a, _squeezed(b)
    return a, b


def longer_squeezed_or_vector_expanded(a: Rounded, b: Rounded) -> Pair:
    """Keras 3.0.5 on: the same, but a vector gains an axis instead: (B,) with (B, 1)."""
    if a.ndim == b.ndim + 1 and a.shape[-1] == 1 and b.ndim == 1:
        return a, _expanded(b)
    if b.ndim == a.ndim + 1 and b.shape[-1] == 1 and a.ndim == 1:
        return _expanded(a), b
    return longer_squeezed(a, b)


ALIGNMENTS: dict[str, Alignment] = {
    "objective": right_aligned,
    "keras-2.3": weights_broadcast,
    "keras-2.4": weights_squeezed_or_expanded,
    "keras-3.0.0": longer_squeezed,
    "keras-3.0.5": longer_squeezed_or_vector_expanded,
}


def product(a: Rounded, b: Rounded) -> Rounded:
    """`a * b` with broadcasting; raises `DoesNotFit` where shapes do not."""
    if a.shape != b.shape:
        broadcast_shape(a.shape, b.shape)
    return a * b


def broadcast_shape(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that shapes broadcast to; raises `DoesNotFit` where they do not."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise DoesNotFit(f"shapes {' and '.join(map(str, shapes))} do not broadcast") from None


def _squeezed(x: Rounded) -> Rounded:
    if x.shape[-1] != 1:
        raise DoesNotFit(f"the last axis of shape {x.shape} is not 1")
    return x.reshape(x.shape[:-1])


def _expanded(x: Rounded) -> Rounded:
    return x.reshape((*x.shape, 1))


def sum_to(x: Rounded, shape: tuple[int, ...]) -> Rounded:
    """`x` summed over the axes along which `shape` was broadcast: the adjoint of broadcasting."""
    if x.shape == shape:
        return x
    extra = x.ndim - len(shape)
    repeated = tuple(
        axis
        for axis in range(x.ndim)
        if axis < extra or (shape[axis - extra] == 1 != x.shape[axis])
    )
    return x.sum(repeated).reshape(shape)
