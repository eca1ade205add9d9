"""Examples at which generations of Keras are known to part ways, each of a handful of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from maskgate.case import FORMATS, KINDS, REDUCTIONS, Case, LossSpec
from maskgate.strategies.pairs import Pair
from maskgate.verdicts.deviations import KnownDeviation

# One past what float16 holds, and one past what bfloat16 counts exactly.
_PAST_FLOAT16, _PAST_BFLOAT16 = 65521, 257
_MEAN = REDUCTIONS[0]


def examples(known: Iterable[KnownDeviation] = ()) -> Iterator[Pair]:
    """The built-in examples, then the minimal cases of listed deviations."""
    for each in (_masks, _weights, _ranks, _reductions, _ignored, _elements, _long):
        yield from (Pair(case) for case in each())
    yield Pair(squared_errors([1], mask=[False]), compiled=True)
    for entry in known:
        yield from (Pair(each) for each in (entry.case, entry.altered) if each is not None)


def squared_errors(
    predictions: Any,
    *,
    mask: Any = None,
    weight: Any = None,
    reduction: str = _MEAN,
    dtype: str = "float32",
) -> Case:
    """A case of squared errors: predictions of one feature each, labels of 0.

    Args:
        predictions: nested list or array of the shape of the element losses.
        mask: of any shape and dtype.
        weight: sample weights; integers stay integers.
        reduction: of the loss.
        dtype: of predictions and loss.
    """
    y_pred = np.asarray(predictions, np.float64)[..., np.newaxis]
    return Case(
        loss=LossSpec("mse"),
        reduction=reduction,
        dtype=dtype,
        y_true=np.zeros_like(y_pred),
        y_pred=y_pred,
        mask=None if mask is None else np.asarray(mask),
        sample_weight=None if weight is None else np.asarray(weight),
    )


def _masks() -> Iterator[Case]:
    for dtype in FORMATS:
        yield squared_errors([1], mask=[False], dtype=dtype)
        yield squared_errors([[1, 2, 3]], mask=[[True, True, False]], dtype=dtype)
    yield squared_errors([[1, 2]], mask=[[1.0, 0.5]])
    yield squared_errors([[1, 2]], mask=[[1, 0]])
    yield squared_errors([[1, 2]], mask=[[True, False]], weight=[[1.0, 0.0]])
    yield squared_errors([[1, 2]], mask=[[True, False]], weight=[[2.0, 3.0]])


def _weights() -> Iterator[Case]:
    yield squared_errors([1, 2], weight=[1.0, 2.0])
    yield squared_errors([1, 2], weight=[1.0, 0.0])
    yield squared_errors([1, 2], weight=[1.0, -1.0])
    yield squared_errors([1], weight=[0.0])
    yield squared_errors([1], weight=2.0)
    yield squared_errors([1, 2], weight=[[1.0], [2.0]])
    for dtype, fmt in FORMATS.items():
        yield squared_errors([2, 2], weight=[fmt.largest, fmt.largest], dtype=dtype)
        yield squared_errors([2.0**-4], weight=[fmt.tiny], dtype=dtype)


def _ranks() -> Iterator[Case]:
    """Weights a sample and masks a step on losses with more axes: coincident ones, then others."""
    yield squared_errors([[1, 2], [3, 4]], weight=[1.0, 0.0])
    yield squared_errors([[1, 2, 3], [4, 5, 6]], weight=[1.0, 0.0])
    cube, longer = np.arange(1.0, 9.0).reshape(2, 2, 2), np.arange(1.0, 13.0).reshape(2, 2, 3)
    for steps in (cube, longer):
        yield squared_errors(steps, weight=[1.0, 0.0])
        yield squared_errors(steps, weight=[[1.0, 0.0], [0.0, 0.0]])
        yield squared_errors(steps, mask=[[True, False], [False, False]])
    yield squared_errors([[1, 2], [3, 4]], mask=[True, False])
    yield squared_errors([[1, 2, 3], [4, 5, 6]], mask=[True, False])
    yield squared_errors([[1, 2], [3, 4]], mask=[[[True], [False]], [[True], [True]]])
    yield squared_errors([1, 2], mask=[[True, False], [True, True]])
    yield squared_errors([1, 2], mask=[[True], [False]])
    yield squared_errors([1, 2], mask=[[True, True, False], [True, True, True]])


def _reductions() -> Iterator[Case]:
    for reduction in REDUCTIONS:
        yield squared_errors([1], reduction=reduction)
        yield squared_errors(np.zeros(0), reduction=reduction)
        yield squared_errors(np.zeros((0, 2)), reduction=reduction)
        yield squared_errors([1], mask=[False], reduction=reduction)
        yield squared_errors(
            [[1, 2]], mask=[[True, False]], weight=[[2.0, 3.0]], reduction=reduction
        )


def _ignored() -> Iterator[Case]:
    loss = LossSpec.of("sparse_cce", ignore_class=-1)
    shares = np.array([[0.5, 0.5], [0.25, 0.75]])
    for labels in ([-1], [-1, 0]):
        for mask in (None, np.ones(len(labels), bool)):
            yield Case(loss, _MEAN, "float32", np.array(labels), shares[: len(labels)], mask)


def _elements() -> Iterator[Case]:
    """Each loss over an ordinary step; those of probabilities also at 0 and 1."""
    for name, kind in KINDS.items():
        for predictions in _predictions(kind.domain):
            shape = np.shape(predictions)
            labels = np.zeros(shape[:1], int) if kind.labels == "sparse" else np.eye(*shape)
            for dtype in ("float32", "float64"):
                yield Case(LossSpec(name), "none", dtype, labels, np.array(predictions))


def _predictions(domain: str) -> Sequence[list[list[float]]]:
    if domain == "probability":
        return [[0.25, 0.75]], [[0.0, 1.0]]
    return [[[0.5, 2.0]]]


def _long() -> Iterator[Case]:
    yield squared_errors(np.ones(_PAST_FLOAT16), dtype="float16")
    mask = np.arange(_PAST_BFLOAT16 + 1) < _PAST_BFLOAT16
    yield squared_errors(np.ones(_PAST_BFLOAT16 + 1), mask=mask, dtype="bfloat16")
