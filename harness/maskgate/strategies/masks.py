"""Masks: which steps count, in which rank and dtype."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from maskgate.case import AnyArray
from maskgate.strategies import checks
from maskgate.strategies.blocks import CONTENT, decoded, pick, scatter
from maskgate.strategies.shapes import Shape

MASK_KINDS = (
    "none",
    "all-true",
    "right-padding",
    "left-padding",
    "holes",
    "one-valid",
    "empty-row",
    "all-false",
)
SOFT_MASK = "soft"  # weights between 0 and 1: asked for by name, see `masks`
MASK_RANKS = ("equal", "lower", "column", "higher")
MASK_DTYPES = ("bool", "int32", "float")
_STORAGE = {"bool": np.dtype(np.bool_), "int32": np.dtype(np.int32), "float": np.dtype(np.float64)}
_SOFT_VALUES = np.array([0.5, 1.0, 0.0, 0.25])
Valid = npt.NDArray[np.bool_]


def masks(
    shape: Sequence[int],
    *,
    kinds: Sequence[str] = MASK_KINDS,
    ranks: Sequence[str] = MASK_RANKS,
    dtypes: Sequence[str] = MASK_DTYPES,
    features: int = 2,
) -> st.SearchStrategy[AnyArray | None]:
    """Masks for element losses of a shape `(batch, [time, ...])`; None for no mask.

    Kinds: `none`; `all-true`; `right-padding` and `left-padding` (along time; every length but a
    whole row); `holes` (at least one step valid and, of several, one masked); `one-valid` (one
    valid step in all); `empty-row` (one sample all masked, the others not); `all-false`. On
    request `soft`, values 0, 0.25, 0.5 and 1 of a float dtype. A padding of one step, an empty row
    in a batch of one and the like are what they must be: all True, all False.

    Ranks: `equal` to the loss's; `lower` by its last axis (as `equal` where the loss has only the
    batch); one more, as a `column` of size 1 or `higher` by a features axis, constant along it.

    Shrinks to the first kind, rank and dtype.

    Args:
        shape: shape of the element losses.
        kinds: what is masked.
        ranks: rank of the mask relative to the loss.
        dtypes: `bool`, `int32`, or `float` (float64 here, the loss's dtype in a `Case`).
        features: size of the last axis of a `higher` mask.

    Raises:
        ValueError: for an unknown kind, rank or dtype, or a shape that is none.

    Example:
        >>> from hypothesis import find
        >>> find(masks((1, 3), kinds=["left-padding"]), lambda mask: True).tolist()
        [[False, True, True]]
    """
    shape = checks.dimensions("shape", shape)
    kinds = checks.subset("kinds", kinds, (*MASK_KINDS, SOFT_MASK))
    ranks = checks.subset("ranks", ranks, MASK_RANKS)
    dtypes = checks.subset("dtypes", dtypes, MASK_DTYPES)
    (features,) = checks.dimensions("features", (features,))

    def decode(choices: bytes) -> AnyArray | None:
        kind = pick(kinds, choices[0])
        if kind == "none":
            return None
        aligned = mask_shape(shape, pick(ranks, choices[1]), features)
        dtype = "float" if kind == SOFT_MASK else pick(dtypes, choices[2])
        return mask_of(kind, aligned, len(shape), dtype, choices)

    return decoded(3 + CONTENT, decode)


def mask_shape(loss_shape: Shape, rank: str, features: int) -> Shape:
    """Shape of a mask of the given rank; a loss of one axis or none has no lower rank."""
    if rank == "lower" and len(loss_shape) >= 2:
        return loss_shape[:-1]
    if rank == "column":
        return (*loss_shape, 1)
    if rank == "higher":
        return (*loss_shape, features)
    return loss_shape


def mask_of(kind: str, shape: Shape, loss_rank: int, dtype: str, content: bytes) -> AnyArray:
    """A mask of any kind but `none`: bool, int32 or float64, constant past the loss's rank."""
    steps = shape[:loss_rank]
    if kind == SOFT_MASK:
        filled: AnyArray = _SOFT_VALUES[scatter(content, steps) % len(_SOFT_VALUES)]
    elif math.prod(steps):
        valid = _VALID[kind](content, steps or (1,))
        filled = valid.astype(_STORAGE[dtype]).reshape(steps)
    else:
        filled = np.zeros(steps, dtype=_STORAGE[dtype])
    if len(shape) <= loss_rank:
        return filled
    return np.broadcast_to(filled[..., np.newaxis], shape)


def _all_true(_: bytes, steps: Shape) -> Valid:
    return np.ones(steps, dtype=np.bool_)


def _all_false(_: bytes, steps: Shape) -> Valid:
    return np.zeros(steps, dtype=np.bool_)


def _holes(content: bytes, steps: Shape) -> Valid:
    valid: Valid = scatter(content, steps) % 2 == 0
    if valid.all():
        valid.flat[valid.size // 2] = False
    if not valid.any():
        valid.flat[0] = True
    return valid


def _one_valid(content: bytes, steps: Shape) -> Valid:
    valid = np.zeros(steps, dtype=np.bool_)
    # Two bytes an axis, from the end: for axes longer than 256.
    at = (content[-1 - 2 * axis] + 256 * content[-2 - 2 * axis] for axis in range(len(steps)))
    valid[tuple(place % side for place, side in zip(at, steps, strict=True))] = True
    return valid


def _empty_row(content: bytes, steps: Shape) -> Valid:
    valid = np.ones(steps, dtype=np.bool_)
    valid[content[-1] % steps[0]] = False
    return valid


def _left_padding(content: bytes, steps: Shape) -> Valid:
    """Rows begin with 1, 2, ... masked steps, or with none: the byte counts modulo the length."""
    first, at = _row_bytes(content, steps)
    return _over_steps(at >= (first + 1) % at.size, steps)


def _right_padding(content: bytes, steps: Shape) -> Valid:
    """Rows begin with 1, 2, ... valid steps."""
    last, at = _row_bytes(content, steps)
    return _over_steps(at <= last % at.size, steps)


def _row_bytes(content: bytes, steps: Shape) -> tuple[AnyArray, AnyArray]:
    """A byte for each row, as a column, and the places along time.

    Time is the second axis; a batch alone is one row along itself.
    """
    rows, length = (1, steps[0]) if len(steps) == 1 else steps[:2]
    return scatter(content, (rows, 1)).astype(np.int64), np.arange(length)


def _over_steps(valid: Valid, steps: Shape) -> Valid:
    """Rows and time, spread over the axes after time."""
    return valid.repeat(math.prod(steps[2:]), axis=1).reshape(steps)


_VALID: dict[str, Callable[[bytes, Shape], Valid]] = {
    "all-true": _all_true,
    "all-false": _all_false,
    "holes": _holes,
    "one-valid": _one_valid,
    "empty-row": _empty_row,
    "left-padding": _left_padding,
    "right-padding": _right_padding,
}
