"""Batches for metrics: of a mean of element losses, and of metrics that count."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from maskgate.case import AnyArray, Case, LossSpec
from maskgate.strategies.cases import cases
from maskgate.strategies.masks import MASK_KINDS
from maskgate.strategies.models import fed
from maskgate.strategies.pairs import Pair
from maskgate.strategies.signatures import Signature

# Each loss beside the metrics that its batches are asked of; the last take one feature.
MEAN_METRICS: dict[str, tuple[str, ...]] = {
    "mse": ("MeanSquaredError", "MeanAbsoluteError", "CategoricalAccuracy"),
    "bce": ("BinaryCrossentropy", "KLDivergence", "MeanSquaredLogarithmicError"),
    "cce": ("CategoricalCrossentropy", "CategoricalAccuracy", "Poisson"),
    "squared_hinge": ("SquaredHinge", "Hinge", "CosineSimilarity"),
    "sparse_cce": ("SparseCategoricalCrossentropy", "SparseCategoricalAccuracy"),
}
# What ranks classes needs more of them than it counts as the first; each by itself, because old
# releases refuse such a model altogether.
RANKED: dict[str, tuple[str, ...]] = {
    "cce": ("TopKCategoricalAccuracy",),
    "sparse_cce": ("SparseTopKCategoricalAccuracy",),
}
_CLASSES = 7
COUNTING = (
    "BinaryAccuracy",
    "Precision",
    "RootMeanSquaredError",
    "MeanSquaredError",
    "Recall",
    "TruePositives",
    "FalsePositives",
    "FalseNegatives",
    "TrueNegatives",
    "AUC",
    "BinaryIoU",
)
ASKED_AT_ONCE = 3
PREDICTIONS = "predictions"
_SHAPES = ((3, 4, 2), (2, 2, 2), (1, 3, 2), (3, 1, 2))
_TAGGED = ((3, 4, 1), (2, 2, 1), (1, 3, 1), (4, 3, 1))
_GRID = np.array([0.0, 0.125, 0.25, 0.375, 0.625, 0.75, 0.875, 1.0])


@st.composite
def metric_batches(draw: st.DrawFn, *, padded_with: str | None = None) -> Pair:
    """A batch, and in `details` the metrics that are asked of it and how.

    Direct calls are cheap and most of them; one batch in eight goes through a compiled model.

    Args:
        padded_with: where given, `altered` is the batch with other labels under the mask,
            `finite` or `nonfinite` ones, or with `predictions` there that are no numbers.
    """
    number = draw(st.integers(0, 63))
    counting, compiled = bool(number & 1), number >= 60
    nonfinite = padded_with in ("nonfinite", PREDICTIONS)
    if nonfinite:
        counting = False  # a label that is no class is refused, masked or not
    kinds_of_loss = [(loss, False) for loss in MEAN_METRICS]
    if padded_with != "nonfinite":
        kinds_of_loss += [(loss, True) for loss in RANKED]
    if padded_with == PREDICTIONS:
        # torch refuses a NaN for a probability
        kinds_of_loss = [each for each in kinds_of_loss if each[1] or each[0] == "mse"]
    # Losses of a model are compiled once each: the first one alone.
    only_first = compiled or padded_with == "nonfinite"
    loss, ranked = kinds_of_loss[0 if only_first else number // 2 % len(kinds_of_loss)]
    if counting:
        loss, ranked = "bce", False
    # A compiled model is traced for each shape.
    shape = (_TAGGED if counting else _SHAPES)[0 if compiled else number // 8 % 4]
    if ranked:
        shape = (*_SHAPES[0][:2], _CLASSES)
    masked = padded_with is not None or number % 16 < 14
    # Metrics that count take no weights by sample; nor do losses of sequences.
    by_sample = not (masked or counting or compiled)
    weights = (None, shape[:2], None, shape[:1] if by_sample else shape[:2])[number // 2 % 4]
    signature = Signature(
        LossSpec.of(loss),
        "sum_over_batch_size",
        "float32",
        shape,
        shape[:2] if masked else None,
        "bool" if masked else None,
        weights,
    )
    kinds = tuple(kind for kind in MASK_KINDS if kind != "none") if masked else ("none",)
    case = draw(
        cases(
            bucketed=[signature],
            mask_kinds=kinds,
            weight_values=("one", "zero"),
            edges=False,
        )
    )
    if counting:
        case = _tagged(case)
    if ranked:
        case = _in_order(case)
    if compiled:
        case = fed(case)
    offered = COUNTING if counting else (RANKED if ranked else MEAN_METRICS)[loss]
    first = 0 if compiled else draw(st.integers(0, len(offered) - 1))
    asked = min(ASKED_AT_ONCE, len(offered))
    names = [offered[(first + i) % len(offered)] for i in range(asked)]
    details = {
        "path": "compiled" if compiled else "direct",
        "weighted": weights is not None,
        "metrics": names,
        "together": names,
    }
    if padded_with is None:
        return Pair(case, None, details)
    if padded_with == PREDICTIONS:
        value = draw(st.sampled_from([np.nan, np.inf]))
        return Pair(case, _without_numbers(case, value), details)
    return Pair(case, _relabelled(case, padded_with), details)


def _tagged(case: Case) -> Case:
    """The batch with labels of 0 and 1 and predictions that no threshold is near."""
    index = (np.abs(np.nan_to_num(case.y_pred)) * 8.0).astype(int) % len(_GRID)
    labels = (np.abs(np.nan_to_num(case.y_true)) > 0.4).astype(np.float32)
    return case.with_(y_pred=_GRID[index].astype(np.float32), y_true=labels)


def _in_order(case: Case) -> Case:
    """The batch with no two classes of one likelihood, in the order of what was drawn, and with one
    label a step: a definition leaves open what comes first of two alike."""
    ranks = np.argsort(np.argsort(np.nan_to_num(case.y_pred), -1, kind="stable"), -1)
    likely = ((1.0 + ranks) / np.sum(1.0 + np.arange(_CLASSES))).astype(np.float32)
    if case.loss.name == "sparse_cce":
        return case.with_(y_pred=likely)
    labels = np.argmax(np.nan_to_num(case.y_true), -1)
    return case.with_(y_pred=likely, y_true=np.eye(_CLASSES, dtype=np.float32)[labels])


def _without_numbers(case: Case, value: float = np.nan) -> Case:
    """NaN or infinite predictions at masked steps."""
    valid = np.asarray(case.mask, bool)[..., None]
    return case.with_(y_pred=np.where(valid, case.y_pred, value).astype(case.y_pred.dtype))


def _relabelled(case: Case, kind: str) -> Case:
    """Other labels at masked steps: those of the other class, or what no label is."""
    assert case.mask is not None
    valid = np.asarray(case.mask, bool)
    valid = valid.reshape(valid.shape + (1,) * (case.y_true.ndim - valid.ndim))
    other: AnyArray | float = 1.0 - case.y_true
    if case.loss.name == "sparse_cce":
        other = (1 + case.y_true) % case.y_pred.shape[-1]
    if kind == "nonfinite":
        other = np.nan
    return case.with_(y_true=np.where(valid, case.y_true, other).astype(case.y_true.dtype))


def metric_corners() -> tuple[Pair, ...]:
    """Top-k accuracies of a masked batch, without weights and with weights by step."""
    return tuple(_ranked_corner(loss, weighted) for loss in RANKED for weighted in (False, True))


def metric_pair_corners() -> tuple[Pair, ...]:
    """NaN under the mask, to an error, an accuracy and the top-k accuracies; then infinity."""
    y_true = np.full((2, 3, 2), 0.25, np.float32)
    x = np.arange(1.0, 13.0, dtype=np.float32).reshape(2, 3, 2)
    mask = np.array([[True, True, False], [True, False, False]])
    case = Case(LossSpec.of("mse"), "sum_over_batch_size", "float32", y_true, x, mask)
    names = ["MeanSquaredError", "CategoricalAccuracy"]
    details = {"path": "direct", "weighted": False, "metrics": names, "together": names}
    ranked = [_ranked_corner(loss, weighted=False) for loss in RANKED]
    altered = [replace(each, altered=_without_numbers(each.case)) for each in ranked]
    relabelled = [replace(each, altered=_relabelled(each.case, "finite")) for each in ranked]
    infinite = Pair(case, _without_numbers(case, np.inf), details)
    return (Pair(case, _without_numbers(case), details), *altered, *relabelled, infinite)


def _ranked_corner(loss: str, weighted: bool) -> Pair:
    """The valid steps are a hit, a miss, a hit; the masked ones are of both kinds."""
    shape = (2, 3)
    order = np.argsort(np.random.default_rng(3).random((*shape, _CLASSES)), -1)
    # By how likely a step's label is: 0 and 1 are below the first five.
    places = np.array([[6, 0, 1], [2, 5, 1]])
    labels = np.argmax(order == places[..., None], -1)
    y_true = labels.astype(np.int32) if loss == "sparse_cce" else np.eye(_CLASSES)[labels]
    mask = np.array([[True, True, False], [True, False, False]])
    weight = np.array([[2.0, 0.5, 3.0], [1.5, 1.0, 4.0]]) if weighted else None
    spec = LossSpec.of(loss)
    x = order.astype(np.float32)
    case = Case(spec, "sum_over_batch_size", "float32", y_true, x, mask, weight)
    names = list(RANKED[loss])
    details = {"path": "direct", "weighted": weighted, "metrics": names, "together": names}
    return Pair(_in_order(case), None, details)


@st.composite
def metric_and_loss(draw: st.DrawFn) -> Pair:
    """A batch for a compiled model whose loss is its (weighted) metric too."""
    number = draw(st.integers(0, 3))
    weighted = number in (1, 2)
    shape = (3, 4, 2)
    signature = Signature(
        LossSpec.of("mse"),
        "sum_over_batch_size",
        "float32",
        shape,
        shape[:2] if number < 2 else None,
        "bool" if number < 2 else None,
        shape[:2] if weighted else None,
    )
    kinds = tuple(kind for kind in MASK_KINDS if kind != "none") if number < 2 else ("none",)
    case = draw(
        cases(bucketed=[signature], mask_kinds=kinds, weight_values=("one", "zero"), edges=False)
    )
    details = {
        "path": "compiled",
        "weighted": weighted,
        "metrics": ["MeanSquaredError"],
        "together": ["MeanSquaredError"],
    }
    return Pair(fed(case), None, details)


def metric_and_loss_corners() -> tuple[Pair, ...]:
    """A partly masked batch, one all masked, and both with weights by step."""
    x = np.arange(1.0, 13.0).reshape(2, 3, 2)
    mask = np.array([[True, True, False], [True, False, False]])
    weight = np.array([[2.0, 0.5, 3.0], [1.5, 1.0, 4.0]])
    y_true = np.full(x.shape, 0.25)
    case = Case(LossSpec.of("mse"), "sum_over_batch_size", "float32", y_true, x, mask)
    empty = case.with_(mask=np.zeros_like(mask))
    asked = (case, empty, case.with_(mask=None, sample_weight=weight))
    both = (case.with_(sample_weight=weight), empty.with_(sample_weight=weight))
    return tuple(
        Pair(
            fed(each),
            None,
            {
                "path": "compiled",
                "weighted": each.sample_weight is not None,
                "metrics": ["MeanSquaredError"],
                "together": ["MeanSquaredError"],
            },
        )
        for each in (*asked, *both)
    )
