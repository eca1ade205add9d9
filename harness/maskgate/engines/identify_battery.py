"""A few fixed cases, each of a handful of numbers, that tell the families and generations apart."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from maskgate.case import REDUCTIONS, Case, LossSpec
from maskgate.engines.diff_examples import squared_errors

_MEAN = REDUCTIONS[0]


@cache
def battery() -> tuple[Case, ...]:
    """The cases. A test proves that they tell apart whatever a large random pool does."""
    return tuple(
        case for part in (_masks, _weights, _ranks, _reductions, _elements) for case in part()
    )


def _masks() -> Iterator[Case]:
    """Divided by valid elements or by all, with an epsilon where, and what if none is valid?"""
    for dtype in ("float32", "float64", "float16"):
        yield squared_errors([1], mask=[False], dtype=dtype)
        yield squared_errors([[1, 2, 3]], mask=[[True, True, False]], dtype=dtype)
    yield squared_errors([[1, 2, 4]], mask=[[1.0, 0.5, 0.0]])
    yield squared_errors([[1, 2]], mask=[[True, False]], weight=[[2.0, 0.0]])
    # Whole numbers as weights have to be cast before they meet the mask.
    yield squared_errors([[1, 2]], mask=[[True, False]], weight=[[2, 3]])


def _weights() -> Iterator[Case]:
    yield squared_errors([1, 2], weight=[3.0, 0.0])
    yield squared_errors([1], weight=[0.0])
    # Two squares that float16 holds, and their sum, which it does not.
    yield squared_errors([200, 200], dtype="float16")


def _ranks() -> Iterator[Case]:
    """Weights and masks of lower, higher and equal rank, on axes that coincide and that do not."""
    square, wide = [[1, 2], [3, 4]], [[1, 2, 3], [4, 5, 6]]
    cube, long_cube = np.arange(1, 9).reshape(2, 2, 2), np.arange(1, 13).reshape(2, 2, 3)
    yield squared_errors([1, 2], weight=[[1.0], [2.0]])
    yield squared_errors(square, weight=2.0)
    yield squared_errors(square, weight=[1.0, 0.0])
    yield squared_errors(wide, weight=[1.0, 2.0])
    yield squared_errors([[1], [2]], weight=[1.0, 2.0])
    yield squared_errors(cube, weight=[1.0, 0.0])
    yield squared_errors(long_cube, weight=[1.0, 2.0])
    yield squared_errors(square, mask=[True, False])
    yield squared_errors(wide, mask=[True, False])
    yield squared_errors([1, 2], mask=[[True], [False]])
    yield squared_errors([1, 2], mask=[[True, False], [True, True]])
    yield squared_errors(square, mask=[[[True], [False]], [[True], [True]]])


def _reductions() -> Iterator[Case]:
    for reduction in REDUCTIONS:
        yield squared_errors(
            [[1, 2]], mask=[[True, False]], weight=[[2.0, 3.0]], reduction=reduction
        )
        yield squared_errors(np.zeros((0, 2)), reduction=reduction)
    yield squared_errors(np.zeros(0))
    yield squared_errors([1, 2], weight=[[1.0], [2.0]], reduction="none")


def _elements() -> Iterator[Case]:
    """Element losses whose definition changed."""
    for labels in ([0, -1], [-1]):
        yield _sparse(labels)
    yield _sparse([0], dtype="float64")
    yield _sparse([0, -1], mask=np.array([True, True]))
    yield _sparse([0], mask=np.array([True]), sample_weight=np.array([1]))
    yield _sparse([0, -1], spoilt=np.nan)
    yield _case("bce", [[0.0]], [[1.0]])
    yield _case("cosine", [[1e-5, 0.0]], [[1e-5, 1e-6]])
    yield _case("cosine", [[1e-9, 0.0]], [[1e-9, 1e-8]])
    yield _case("log_cosh", [[0.0]], [[12.0]])
    yield _case("msle", [[1.0]], [[2.0]])
    smoothed = LossSpec.of("cce", label_smoothing=0.5, axis=1)
    hot, shares = np.array([[[1.0] * 3, [0.0] * 3]]), np.array([[[0.75] * 3, [0.25] * 3]])
    yield Case(smoothed, _MEAN, "float64", hot, shares)


def _case(name: str, labels: Any, predictions: Any) -> Case:
    return Case(LossSpec(name), _MEAN, "float64", np.array(labels), np.array(predictions))


def _sparse(
    labels: list[int], *, dtype: str = "float32", spoilt: float | None = None, **arrays: Any
) -> Case:
    """Two classes, -1 ignored. `spoilt` is what the logits of the last label hold."""
    shares = np.array([[0.5, 0.5], [0.25, 0.75]])[: len(labels)]
    if spoilt is not None:
        shares[-1] = spoilt
    loss = LossSpec.of("sparse_cce", ignore_class=-1, from_logits=spoilt is not None)
    return Case(loss, _MEAN, dtype, np.array(labels), shares, **arrays)
