"""Making a differing case small: less of it, then plainer values, as long as the cause stays.

Hypothesis shrinks one example a call; here two frameworks answer, and a call of either costs what a
hundred candidates cost to draw. So candidates are made from the case itself and asked in batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from maskgate.case import AnyArray, Case, LossSpec

# From the candidates of one step to the first, in their order, that has the same cause.
FirstOf = Callable[[Sequence[Case]], Case | None]
_FIELDS = ("y_pred", "y_true", "mask", "sample_weight")
_DTYPES = ("float32", "float64", "float16", "bfloat16")
# Plainest first. A value is only ever replaced by a plainer one, so that the search ends.
_VALUES: dict[str, tuple[float, ...]] = {
    "y_true": (0.0, 1.0, 2.0),
    "nonzero": (1.0, 2.0),
    "y_pred": (1.0, 2.0, 0.5),
    "probability": (0.5, 0.25, 1.0, 0.0),
    "mask": (1.0, 0.0, 0.5),
    "sample_weight": (1.0, 0.0, 2.0),
}
_NONZERO = ("mape", "cosine")
_AT_ONCE = 24


def reduced(case: Case, first_of: FirstOf, *, steps: int = 60) -> Case:
    """The smallest case that a greedy descent finds.

    Args:
        case: a case with the cause.
        first_of: asks candidates and gives the first that has the same cause.
        steps: most replacements to make.
    """
    for _ in range(steps):
        smaller = first_smaller(case, first_of)
        if smaller is None:
            break
        case = smaller
    return case


def first_smaller(case: Case, first_of: FirstOf) -> Case | None:
    """One smaller case with the same cause, None where no candidate is one."""
    for candidates in (_plainer_dtypes, _without_parts, _filled, _one_value_changed):
        for batch in _batches(candidates(case)):
            found = first_of(batch)
            if found is not None:
                return found
    return None


def size(case: Case) -> tuple[int, ...]:
    """How large and how far from plain a case is; an empty batch comes after all others."""
    arrays = [array for _, array in _arrays(case)]
    return (
        int(case.y_pred.size == 0),
        sum(array.size for array in arrays),
        len(arrays) + len(case.loss.parameters),
        _DTYPES.index(case.dtype),
        sum(int(_ranks(case, field).sum()) for field, _ in _arrays(case)),
    )


def _batches(candidates: Iterable[Case]) -> Iterator[list[Case]]:
    listed = list(candidates)
    for start in range(0, len(listed), _AT_ONCE):
        yield listed[start : start + _AT_ONCE]


def _plainer_dtypes(case: Case) -> Iterator[Case]:
    """The case in the dtypes that come before its own; values that they hold stay what they are."""
    for dtype in _DTYPES[: _DTYPES.index(case.dtype)]:
        yield case.with_(dtype=dtype)


def _without_parts(case: Case) -> Iterator[Case]:
    """Axes shortened, one or all of one length at once (halved first), and axes of 1 taken out."""
    shape = case.y_pred.shape
    classes = len(shape) - 1 if case.loss.kind.labels == "sparse" else len(shape)
    alone = [(axis,) for axis in range(len(shape)) if axis < classes]
    together = [tuple(a for (a,) in alone if shape[a] == n) for n in dict.fromkeys(shape)]
    for axes in dict.fromkeys([*(axes for axes in together if len(axes) > 1), *alone]):
        length = shape[axes[0]]
        halves = (slice(0, length // 2), slice(length - length // 2, None)) if length > 2 else ()
        singles = (np.delete(np.arange(length), at) for at in range(min(length, _AT_ONCE)))
        for kept in (*halves, *singles) if length > 1 else ():
            yield _sliced(case, axes, kept)
    for axis in range(1, len(shape) - 1):
        if shape[axis] == 1 and case.loss.axis == -1:
            yield _mapped(case, partial(_without_axis, axis=axis))


def _sliced(case: Case, axes: Sequence[int], kept: Any) -> Case:
    shape = case.y_pred.shape

    def cut(array: AnyArray) -> AnyArray:
        for axis in axes:
            if array.ndim > axis and array.shape[axis] == shape[axis]:
                array = array[(slice(None),) * axis + (kept,)]
        return array

    return _mapped(case, cut)


def _without_axis(array: AnyArray, *, axis: int) -> AnyArray:
    return array.squeeze(axis) if array.ndim > axis and array.shape[axis] == 1 else array


def _mapped(case: Case, change: Callable[[AnyArray], AnyArray]) -> Case:
    return case.with_(**{field: change(array) for field, array in _arrays(case)})


def _filled(case: Case) -> Iterator[Case]:
    """One array filled with one plain value, where that makes it plainer."""
    for field, array in _arrays(case):
        ranks = _ranks(case, field)
        for rank, value in enumerate(_palette(case, field)):
            if ranks.size and ranks.sum() > rank * ranks.size:
                yield case.with_(**{field: np.full_like(array, value)})


def _one_value_changed(case: Case) -> Iterator[Case]:
    """One element made plainer."""
    for field, array in _arrays(case):
        ranks = _ranks(case, field)
        for at in np.flatnonzero(ranks)[:_AT_ONCE]:
            for value in _palette(case, field)[: ranks[at]]:
                changed = array.copy()
                changed.flat[at] = value
                yield case.with_(**{field: changed})


def _arrays(case: Case) -> list[tuple[str, AnyArray]]:
    return [(field, array) for field in _FIELDS if (array := getattr(case, field)) is not None]


def _ranks(case: Case, field: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    """For each element how plain it is: its place among the plain values, or one past the last."""
    palette = np.asarray(_palette(case, field))
    array = getattr(case, field).astype(np.float64).ravel()
    alike = array[:, np.newaxis] == palette
    return np.where(alike.any(axis=1), alike.argmax(axis=1), len(palette))


def _palette(case: Case, field: str) -> tuple[float, ...]:
    """The plain values of an array, those that its dtype holds."""
    array, loss = getattr(case, field), case.loss
    if field == "y_pred" and loss.kind.domain == "probability" and not _of_logits(loss):
        field = "probability"
    elif field == "y_true" and loss.name in _NONZERO:
        field = "nonzero"
    values = _VALUES[field]
    return values if array.dtype.kind == "f" else tuple(v for v in values if v in (0.0, 1.0))


def _of_logits(loss: LossSpec) -> bool:
    return "from_logits" in loss.kind.parameters and bool(loss["from_logits"])
