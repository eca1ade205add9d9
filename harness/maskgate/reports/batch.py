"""A minimal batch laid out small: what belongs to one step, side by side."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from maskgate.case import AnyArray, array_from_dict

_FIELDS = ("y_true", "y_pred", "mask", "sample_weight")
_WORDS = {
    "y_true": "labels",
    "y_pred": "predictions",
    "mask": "mask",
    "sample_weight": "weights",
}
_ROWS = 8
_ELEMENTS = 6


@dataclass(frozen=True)
class Batch:
    """A table of a batch.

    Attributes:
        columns: headings, `step` first.
        rows: one a loss element, as text; a changed place reads `before -> after`.
        left_out: number of steps that are not shown.
        beside: lines on what has no place in the table: arrays of another shape, altered settings.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int
    beside: tuple[str, ...]


def batch(case: Mapping[str, Any], altered: Mapping[str, Any] | None) -> Batch:
    """Lay out a case (`Case.to_dict()`), and where it is given, the case it is compared with."""
    arrays, others = _arrays(case), _arrays(altered or case)
    shape = arrays["y_pred"].shape if "y_pred" in arrays else ()
    steps = shape[:-1]
    words = {**_WORDS, "y_pred": "inputs"} if _of_layer(case) else _WORDS
    if others["y_pred"].shape != shape:
        return _apart(arrays, others, words)
    inside = [
        field
        for field in _FIELDS
        if field in arrays
        and field in others
        and arrays[field].shape == others[field].shape
        and _fits(field, arrays[field], shape)
    ]
    places = list(itertools.product(*map(range, steps)))
    changed = {p for p in places if any(_differ(arrays[f][p], others[f][p]) for f in inside)}
    shown = _chosen(places, changed)
    rows = tuple(
        (_place(p), *(_cell(arrays[field][p], others[field][p]) for field in inside)) for p in shown
    )
    beside = [_line(words[f], arrays.get(f), others.get(f)) for f in _FIELDS if f not in inside]
    return Batch(
        ("step", *(words[field] for field in inside)),
        rows,
        len(places) - len(shown),
        tuple(line for line in beside if line),
    )


def _arrays(case: Mapping[str, Any]) -> dict[str, AnyArray]:
    # A layer has inputs alone.
    fields = ("y_pred", "mask") if _of_layer(case) else _FIELDS
    loaded = {field: array_from_dict(case[field]) for field in fields}
    return {field: array for field, array in loaded.items() if array is not None}


def _fits(field: str, array: AnyArray, shape: tuple[int, ...]) -> bool:
    """Whether an array has one entry a step; others broadcast, and how is the subject's secret."""
    return array.shape == shape[:-1] or (field in ("y_true", "y_pred") and array.shape == shape)


def _of_layer(case: Mapping[str, Any]) -> bool:
    return bool(case["loss"].get("role") == "layer")


def _apart(
    arrays: Mapping[str, AnyArray], others: Mapping[str, AnyArray], words: Mapping[str, str]
) -> Batch:
    lines = [_line(words[field], arrays.get(field), others.get(field)) for field in _FIELDS]
    return Batch((), (), 0, tuple(line for line in lines if line))


def _chosen(places: list[tuple[int, ...]], changed: set[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """The steps to show: those that differ first, the others as far as there is room."""
    ranked = sorted(range(len(places)), key=lambda i: (places[i] not in changed, i))
    return [places[i] for i in sorted(ranked[:_ROWS])]


def _differ(one: AnyArray, other: AnyArray) -> bool:
    return not np.array_equal(one, other, equal_nan=np.asarray(one).dtype.kind == "f")


def _place(place: tuple[int, ...]) -> str:
    return ",".join(map(str, place)) if place else "-"


def _cell(one: AnyArray, other: AnyArray) -> str:
    return f"{_text(one)} -> {_text(other)}" if _differ(one, other) else _text(one)


def _line(word: str, one: AnyArray | None, other: AnyArray | None) -> str:
    if one is None and other is None:
        return ""
    same = one is not None and other is not None and one.shape == other.shape
    if same and not _differ(np.asarray(one), np.asarray(other)):
        return f"{word} {_shaped(one)}"
    return f"{word} {_shaped(one)} -> {_shaped(other)}"


def _shaped(array: AnyArray | None) -> str:
    return "none" if array is None else f"{array.shape}: {_text(array)}"


def _text(values: AnyArray) -> str:
    """An array as a short nested list of the shortest numbers that mean the same values."""
    array = np.asarray(values)
    if array.ndim == 0:
        return str(array[()])
    if array.size > 4 * _ELEMENTS and (array == array.flat[0]).all():
        return f"all {array.flat[0]}"
    shown = [_text(item) for item in array[:_ELEMENTS]]
    rest = [f"... {len(array) - _ELEMENTS} more"] if len(array) > _ELEMENTS else []
    return f"[{', '.join(shown + rest)}]"
