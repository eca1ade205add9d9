"""Corner cases: places where a formula can bend that random draws seldom meet.

A property tries them after what Hypothesis drew, each time, in this order: a gate must not owe to
chance that it sees a threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from maskgate.case import REDUCTIONS, AnyArray, Case, LossSpec
from maskgate.strategies.pairs import Pair

Test = TypeVar("Test", bound=Callable[..., Any])

# Past the counts that integers of 16 bits, float16 and bfloat16 hold.
LONGEST = 131_073
_ATTRIBUTE = "maskgate_corners"


def with_corners(*groups: Sequence[Pair]) -> Callable[[Test], Test]:
    """Have a property try these pairs as well."""

    def mark(test: Test) -> Test:
        setattr(test, _ATTRIBUTE, [pair for group in groups for pair in group])
        return test

    return mark


def corners_of(test: Callable[..., Any]) -> Sequence[Pair]:
    """The pairs that a property tries beside the drawn ones."""
    found: Sequence[Pair] = getattr(test, _ATTRIBUTE, ())
    return found


def weight_corners() -> tuple[Pair, ...]:
    """Weights that cancel, that fit either axis of a square, and that are integers."""
    return tuple(map(Pair, _weights()))


def mask_corners() -> tuple[Pair, ...]:
    """Masks of one valid step among very many, and of weights between 0 and 1."""
    return tuple(map(Pair, _masks()))


def value_corners() -> tuple[Pair, ...]:
    """Predictions at, just below and just above the thresholds of the element losses."""
    return tuple(map(Pair, _thresholds()))


def compiled_corners() -> tuple[Pair, ...]:
    """Every reduction with a mask and weights, in traced and compiled code; the sum first."""
    reductions = sorted(REDUCTIONS, key=lambda reduction: reduction != "sum")
    mask = np.array([[True, False], [True, True], [False, True]])
    weight = np.array([[1.0, 2.0], [-0.5, 3.0], [2.0, 0.0]])
    listed = [_mse((3, 2, 2), reduction, mask, weight) for reduction in reductions]
    # With one axis more, in the means: the sum of anything is the same whatever its shape.
    deep = [
        _mse((2, 3, 2, 2), reduction, np.stack([mask, ~mask]), np.stack([weight, weight + 1.0]))
        for reduction in reductions
        if reduction not in ("sum", "none")
    ]
    return tuple(Pair(case, compiled=True) for case in (*listed, *_parameters(), *deep))


def _parameters() -> Iterator[Case]:
    """Losses with parameters, some beyond those that are drawn, and with many classes."""
    predictions = np.array([[0.5, 0.3, 0.2], [0.1, 0.7, 0.2]])
    many = np.full((2, 12), 1.0 / 12)
    for name in ("cce", "categorical_focal"):
        for shares in (predictions, many):
            spec = LossSpec.of(name, label_smoothing=0.1)
            labels = np.eye(shares.shape[-1])[:2]
            yield Case(spec, "sum_over_batch_size", "float32", labels, shares)
    bits, odds = np.array([[0.0], [1.0]]), np.array([[0.3], [0.6]])
    for spec in (
        LossSpec.of("bce", label_smoothing=0.2),
        LossSpec.of("binary_focal", gamma=5.0, label_smoothing=0.2),
    ):
        yield Case(spec, "sum_over_batch_size", "float32", bits, odds)
    wide = LossSpec.of("huber", delta=5.0)
    yield Case(wide, "sum_over_batch_size", "float32", bits, np.array([[3.0], [11.0]]))


def _weights() -> Iterator[Case]:
    signed = np.array([[2.0, -1.0], [-3.0, 5.0]])
    holes = np.array([[True, True], [True, False]])
    for reduction in REDUCTIONS:
        for mask in (None, holes):
            yield _mse((2, 2, 2), reduction, mask, signed)
    rows = np.array([1.0, 2.0, 4.0])
    square = np.array([[True, True, False], [True, False, True], [True, True, True]])
    for weight in (rows, rows[:, None], np.outer(rows, rows), np.outer(rows, rows)[..., None]):
        yield _mse((3, 3, 2), "sum_over_batch_size", None, weight)
        yield _mse((3, 3, 2), "sum", square, weight)
    for reduction in REDUCTIONS:
        yield _mse((2, 2, 2), reduction, holes, np.array([[2, 0], [1, 3]]))
    yield _mse((2, 2), "sum_over_batch_size", None, np.array([2, 3]))
    for reduction in REDUCTIONS:
        for steps in (1, 2):
            for number in (0.5, 5.0):
                yield _mse((1, steps, 1), reduction, None, np.array([[number]]))
        yield _mse((2, 3, 2), reduction, np.ones((2, 3, 1), bool), np.array(2.0))
        for dtype in ("float16", "bfloat16"):
            yield _mse((2, 2, 2), reduction, holes, signed, dtype=dtype)


def _masks() -> Iterator[Case]:
    usual = np.arange(64).reshape(32, 2) % 3 > 0
    yield _mse((32, 2, 1), "sum_over_batch_size", usual)  # the batch size that `fit` chooses
    long = np.zeros((1, LONGEST), bool)
    long[0, ::3] = True
    # In float64 too: the bound of so long a sum in float32 is wider than one element in it.
    for dtype in ("float32", "float64"):
        yield _mse((1, LONGEST, 1), "sum_over_batch_size", long, dtype=dtype)
    yield _mse((1, LONGEST, 1), "sum", long, dtype="float64")
    yield _mse((LONGEST, 1), "mean", long[0], np.where(long[0], 2.0, 1.0))
    soft = np.array([[0.5, 0.25, 1.0], [0.0, 0.75, 0.125]])
    for dtype in ("float32", "float64"):
        for reduction in REDUCTIONS:
            yield _mse((2, 3, 2), reduction, soft, dtype=dtype)
    yield _mse((2, 3, 2), "mean", soft * 1e-6, dtype="float64")
    one = np.zeros((2, 3), bool)
    one[1, 2] = True
    for reduction in REDUCTIONS:
        yield _mse((2, 3, 2), reduction, one, dtype="float64")
    # Numbers of samples that the drawn shapes pass over.
    for size in (5, 6, 7, 8, 12, 16, 64, 100, 128):
        steps = np.arange(2 * size).reshape(size, 2)
        yield _mse((size, 2, 1), "sum_over_batch_size", steps % 3 > 0, 1.0 + steps % 4)


# Where an element loss changes its formula, in the predictions, for the labels beside them.
_AT: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "mse": ((0.0, 1e-18, 1e18), (0.0,)),
    "mae": ((-1e-30, 0.0, 1e-30), (0.0,)),
    "mape": ((1.0, 1.0, 1.0), (1e-7, 9e-8, 1.1e-7)),
    "msle": ((-1.0, 0.0, 9e-8, 1.1e-7), (0.0, 3.0)),
    "huber": ((0.9995, 0.99995, 1.0, 1.00005, 1.0005, -1.0005, -0.9995), (0.0,)),
    "log_cosh": ((-50.0, -20.0, 1e-3, 20.0, 50.0), (0.0,)),
    "hinge": ((0.9995, 1.0, 1.0005, -0.9995, -1.0005), (1.0, -1.0)),
    "squared_hinge": ((0.9995, 1.0, 1.0005, -0.9995, -1.0005), (1.0, -1.0)),
    "poisson": ((0.0, 1e-8, 1e-7, 1e-6), (0.0, 3.0)),
    "kld": ((0.0, 9e-8, 1.1e-7, 1.0, 1.5), (0.0, 9e-8, 1.0)),
    "bce": ((0.0, 9e-8, 1.2e-7, 1 - 9e-8, 1.0), (0.0, 1.0, 0.25)),
    "binary_focal": ((0.0, 9e-8, 1.2e-7, 1 - 9e-8, 1.0), (0.0, 1.0, 0.25)),
}
_PARAMETERS: dict[str, tuple[dict[str, Any], ...]] = {
    "bce": ({"label_smoothing": 0.4},),
    "binary_focal": ({"gamma": 3.0}, {"apply_class_balancing": True}),
    "huber": ({"delta": 0.5},),
}


def _thresholds() -> Iterator[Case]:
    for name, (predictions, beside) in _AT.items():
        for parameters in ({}, *_PARAMETERS.get(name, ())):
            scale = float(parameters.get("delta", 1.0))
            grid = np.array([(p * scale, y) for y in beside for p in predictions])
            if name == "mape":
                grid = np.column_stack([predictions, beside])
            for dtype in ("float32", "float64"):
                y_pred, y_true = grid[:, :1], grid[:, 1:]
                yield Case(LossSpec.of(name, **parameters), "none", dtype, y_true, y_pred)
    # Not compiled: Keras 2 takes ignored classes out of the batch, which XLA refuses.
    for ignored in (255, -100):
        classes, shares = np.array([1, ignored]), np.array([[0.5, 0.3, 0.2], [0.1, 0.7, 0.2]])
        spec = LossSpec.of("sparse_cce", ignore_class=ignored)
        yield Case(spec, "sum_over_batch_size", "float32", classes, shares)
    # Ids that need more than one byte, with as many classes.
    classes, shares = np.array([3, 259]), np.linspace(0.5, 1.5, 2 * 260).reshape(2, 260) / 260
    yield Case(LossSpec.of("sparse_cce"), "none", "float32", classes, shares)
    logits = np.array([[-40.0], [-0.0], [0.0], [1e-4], [40.0]])
    labels = np.array([[0.0], [1.0], [0.5], [1.0], [0.0]])
    for name in ("bce", "binary_focal"):
        for smoothing in (0.0, 0.4):
            spec = LossSpec.of(name, from_logits=True, label_smoothing=smoothing)
            yield Case(spec, "none", "float32", labels, logits)


def _mse(
    shape: tuple[int, ...],
    reduction: str,
    mask: AnyArray | None = None,
    weight: AnyArray | None = None,
    *,
    dtype: str = "float32",
) -> Case:
    """Squared errors that differ from step to step, so that none can stand in for another."""
    steps = np.arange(np.prod(shape[:-1])).reshape(shape[:-1]) % 11 + 1.0
    y_pred = np.repeat(steps[..., None], shape[-1], axis=-1)
    return Case(LossSpec("mse"), reduction, dtype, np.zeros(shape), y_pred, mask, weight)
