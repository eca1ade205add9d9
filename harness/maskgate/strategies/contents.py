"""What arrays are filled with: labels and predictions by domain, and padding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from maskgate.case import AnyArray, LossSpec
from maskgate.strategies import checks
from maskgate.strategies.blocks import CONTENT, decoded, pick, scatter
from maskgate.strategies.palettes import table
from maskgate.strategies.shapes import Shape

DTYPES = ("float32", "float64", "float16", "bfloat16")
WEIGHT_VALUES = ("one", "zero", "negative", "tiny", "huge", "all-zero")
DOMAINS = ("real", "positive", "probability", "one-hot", "class-ids")

_LABEL_CODINGS: dict[str, tuple[str, ...]] = {
    "mape": ("nonzero",),
    "msle": ("counts",),
    "bce": ("bits", "probability-labels"),
    "binary_focal": ("bits", "probability-labels"),
    "cce": ("one-hot", "soft"),
    "categorical_focal": ("one-hot", "soft"),
    "sparse_cce": ("class-ids",),
    "kld": ("mass",),
    "poisson": ("counts",),
    "hinge": ("bits", "signs"),
    "squared_hinge": ("bits", "signs"),
    "categorical_hinge": ("one-hot",),
    "cosine": ("nonzero",),
}
# Predictions that are normalised to sum to 1 must not all be 0.
_PREDICTIONS = {
    "mape": "real-labels",
    "msle": "positive",
    "bce": "probability",
    "binary_focal": "probability",
    "cce": "shares",
    "categorical_focal": "shares",
    "sparse_cce": "shares",
    "kld": "probability",
    "poisson": "positive",
    "categorical_hinge": "real-labels",
    "cosine": "nonzero",
}


def contents(
    shape: Sequence[int],
    *,
    domain: str = "real",
    dtype: str = "float32",
    edges: bool | None = None,
    classes: int = 2,
) -> st.SearchStrategy[AnyArray]:
    """Arrays of a shape, drawn as one block of bytes mapped through a palette of values.

    Domains: `real`; `positive`; `probability`; `one-hot` along the last axis (which is the number
    of classes); `class-ids`, int32 below `classes`. Past 29 elements the values repeat.
    Shrinks to 1 (real, positive), 0.5 (probability) and class 0.

    Args:
        shape: of the array.
        domain: where the values live.
        dtype: the dtype whose range and rounding the values respect.
        edges: whether 0 and 1 are among probabilities, and 0 among positive values; by default
            where the dtype tells them from an epsilon of 1e-7 (float32, float64).
        classes: number of classes for `class-ids`.

    Raises:
        ValueError: for an unknown domain or dtype, or a shape that is none.

    Example:
        >>> from hypothesis import find
        >>> find(contents((2, 2)), lambda values: values.sum() > 4).tolist()
        [[2.0, 1.0], [1.0, 1.0]]
    """
    shape = checks.dimensions("shape", shape)
    checks.one_of("domain", domain, DOMAINS)
    checks.one_of("dtype", dtype, DTYPES)
    checks.bounds("classes", 1, classes, classes)
    with_edges = has_edges(dtype, edges)

    def decode(choices: bytes) -> AnyArray:
        if domain == "class-ids":
            return class_ids(choices, shape, classes, None)
        if domain == "one-hot":
            return _one_hot(choices, shape)
        return values_of(domain, dtype, choices, shape, edges=with_edges)

    return decoded(CONTENT, decode)


def has_edges(dtype: str, edges: bool | None) -> bool:
    """Whether 0 and 1 are among probabilities: as asked, or where the dtype can hold 1 - 1e-7."""
    return dtype in ("float32", "float64") if edges is None else edges


def values_of(
    palette: str, dtype: str, content: bytes, shape: Shape, *, edges: bool = False
) -> AnyArray:
    """An array of palette values, one byte each."""
    return np.asarray(table(palette, dtype, edges)[scatter(content, shape)])


def predictions_of(
    loss: LossSpec, dtype: str, content: bytes, shape: Shape, *, edges: bool
) -> AnyArray:
    """Predictions in the domain of a loss."""
    return values_of(predictions_palette(loss), dtype, content, shape, edges=edges)


def predictions_palette(loss: LossSpec) -> str:
    """Where the predictions of a loss live: logits are real."""
    if "from_logits" in loss.kind.parameters and loss["from_logits"]:
        return "real"
    return _PREDICTIONS.get(loss.definition.name, "real")


def labels_of(
    loss: LossSpec, dtype: str, content: bytes, shape: Shape, *, coding: int, edges: bool
) -> AnyArray:
    """Labels for predictions of a shape, in one of the codings of the loss."""
    name = pick(_LABEL_CODINGS.get(loss.definition.name, ("real-labels",)), coding)
    if name == "class-ids":
        ignored = loss["ignore_class"]
        return class_ids(content, shape[:-1], shape[-1], None if ignored is None else int(ignored))
    if name in ("one-hot", "soft"):
        steps = shape[: loss.axis] + shape[loss.axis :][1:]
        shares = _one_hot(content, (*steps, shape[loss.axis]), soft=name == "soft")
        return shares if loss.axis == -1 else np.moveaxis(shares, -1, loss.axis)
    return values_of(name, dtype, content, shape, edges=edges)


def class_ids(content: bytes, shape: Shape, classes: int, ignored: int | None) -> AnyArray:
    """Class ids, int32; an ignored class is drawn as often as any other."""
    ids = scatter(content, shape).astype(np.int32)
    if ignored is None:
        return ids % classes
    ids %= classes + 1
    return np.where(ids == classes, np.int32(ignored), ids)


def _one_hot(content: bytes, shape: Shape, *, soft: bool = False) -> AnyArray:
    """One class in each step has all of it; if `soft`, the next class has a quarter of it."""
    classes = shape[-1]
    first = scatter(content, shape[:-1]) % classes
    shares = np.zeros(shape)
    np.put_along_axis(shares, first[..., np.newaxis], 0.75 if soft and classes > 1 else 1.0, -1)
    if soft and classes > 1:
        np.put_along_axis(shares, (first[..., np.newaxis] + 1) % classes, 0.25, -1)
    return shares
