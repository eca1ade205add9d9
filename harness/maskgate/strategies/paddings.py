"""What lies at masked positions, where it must not matter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from maskgate.case import AnyArray, Case
from maskgate.strategies import checks
from maskgate.strategies.blocks import CONTENT, cut, decoded, pick
from maskgate.strategies.contents import (
    DTYPES,
    class_ids,
    has_edges,
    predictions_palette,
    values_of,
)
from maskgate.strategies.shapes import Shape

PADDING_KINDS = ("finite", "non-finite")
PADDED_FIELDS = ("y_true", "y_pred")


def padding(
    shape: Sequence[int], *, kinds: Sequence[str] = PADDING_KINDS, dtype: str = "float32"
) -> st.SearchStrategy[AnyArray]:
    """Content for masked positions, whatever the loss.

    Kinds: `finite`, any number whose square the dtype holds; `non-finite`, NaN, infinities
    and 1e20 (whose square float32 does not hold). Shrinks to 1, or to NaN.

    Raises:
        ValueError: for an unknown kind or dtype, or a shape that is none.

    Example:
        >>> from hypothesis import find
        >>> find(padding((2,), kinds=["non-finite"]), lambda values: True).tolist()
        [nan, nan]
    """
    shape = checks.dimensions("shape", shape)
    kinds = checks.subset("kinds", kinds, PADDING_KINDS)
    checks.one_of("dtype", dtype, DTYPES)

    def decode(choices: bytes) -> AnyArray:
        return values_of(pick(kinds, choices[0]), dtype, choices, shape)

    return decoded(1 + CONTENT, decode)


def repaddings(
    case: Case, *, fields: Sequence[str] = ("y_true",), kinds: Sequence[str] = ("finite",)
) -> st.SearchStrategy[Case]:
    """The case with other content at its masked positions, the rest untouched.

    Finite content stays where the element loss is finite: labels are any number (class ids stay
    below the number of classes), predictions are in the domain of the loss. There is no NaN among
    class ids: under `non-finite` they stay as they are. A mask of a lower rank holds for all of
    the axes that it lacks. Without a mask, nothing changes.

    Args:
        case: with a mask of a rank up to one more than the loss's, constant along the one more.
        fields: `y_true`, `y_pred`, or both.
        kinds: of padding, see `padding`.

    Raises:
        ValueError: for an unknown field or kind, or a mask that does not fit the loss.

    Example:
        >>> from hypothesis import find
        >>> import numpy as np
        >>> from maskgate.case import LossSpec
        >>> case = Case(LossSpec("mse"), "sum", "float32", np.zeros((1, 2, 1)), np.ones((1, 2, 1)),
        ...             mask=np.array([[True, False]]))
        >>> find(repaddings(case), lambda altered: True).y_true.tolist()
        [[[0.0], [1.0]]]
    """
    fields = checks.subset("fields", fields, PADDED_FIELDS)
    kinds = checks.subset("kinds", kinds, PADDING_KINDS)
    if case.mask is None:
        return st.just(case)
    valid = _valid_steps(case.mask, case.loss_shape)

    def decode(choices: bytes) -> Case:
        kind, *contents = cut(choices, 1, *[CONTENT] * len(fields))
        changes = {
            field: _repadded(case, field, pick(kinds, kind[0]), valid, content)
            for field, content in zip(fields, contents, strict=True)
        }
        return case.with_(**changes)

    return decoded(1 + len(fields) * CONTENT, decode)


def _valid_steps(mask: AnyArray, steps: Shape) -> AnyArray:
    """The mask as bool, in the shape of the loss."""
    valid = np.asarray(mask != 0)
    if mask.shape[: len(steps)] == steps and mask.ndim == len(steps) + 1:
        return np.asarray(valid.any(axis=-1))
    if mask.shape != steps[: mask.ndim]:
        raise ValueError(f"the mask must fit a loss of shape {steps}; got shape {mask.shape}")
    valid = valid.reshape(*mask.shape, *(1,) * (len(steps) - mask.ndim))
    return np.broadcast_to(valid, steps)


def _repadded(case: Case, field: str, kind: str, valid: AnyArray, content: bytes) -> AnyArray:
    before: AnyArray = getattr(case, field)
    if before.dtype.kind in "iu":
        if kind == "non-finite":
            return before
        return np.where(
            valid, before, class_ids(content, before.shape, case.y_pred.shape[-1], None)
        )
    palette = kind
    if field == "y_pred" and kind == "finite":
        palette = _in_domain(case)
    edges = has_edges(case.dtype, None)
    values = values_of(palette, case.dtype, content, before.shape, edges=edges)
    return np.where(np.expand_dims(valid, case.loss.axis), before, values)


def _in_domain(case: Case) -> str:
    """The palette of the loss's predictions, or any number where they may be any."""
    palette = predictions_palette(case.loss)
    return "finite" if palette in ("real", "real-labels") else palette
