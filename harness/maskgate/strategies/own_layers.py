"""Masked batches for a layer of the user's, and what a law compares them with.

A batch is held as the predictions of a case, which has the name of the layer for a loss. Its
features, and its steps where the layer takes one number of them alone, are those of the scope that
is set (`draw_only`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from maskgate.case import AnyArray, Case, LossSpec
from maskgate.strategies.pairs import Pair
from maskgate.strategies.scope import Scope, drawn_scope

# Short numbers that float32 holds, none of which a sum of the others gives.
_VALUES = [0.0, 1.0, -1.0, 0.5, -0.75, 1.25, -1.5, 2.0]
# What lies under a mask may be large: padding is often not 0.
_UNDER = [0.0, 3.0, -7.0, 100.0, -1000.0]
_NONFINITE = [float("nan"), float("inf"), float("-inf")]
_NUMBERS = ("float32", "int32")

Draw = Callable[[st.SearchStrategy[Any]], Any]
Altered = tuple[Case | None, Mapping[str, Any]]
Alter = Callable[[Draw, Case], Altered]


def layer_batches(
    alter: Alter | None = None, *, masked: bool = True, empty_row: bool = False
) -> st.SearchStrategy[Pair]:
    """A batch `(1-3, 1-4, features)` of float32 with a mask.

    Args:
        alter: from `(draw, case)` to the case that it is compared with, and the details.
        masked: whether steps may be masked; else all are valid.
        empty_row: whether one row is masked altogether.
    """

    @st.composite
    def draw_pair(draw: st.DrawFn) -> Pair:
        scope = drawn_scope() or Scope(LossSpec.of("mse"))
        rows, steps = draw(st.integers(1, 3)), scope.steps or draw(st.integers(1, 4))
        mask = np.ones((rows, steps), bool)
        if masked:
            mask = draw(arrays.arrays(bool, (rows, steps), elements=st.booleans()))
        if empty_row:
            mask[draw(st.integers(0, rows - 1))] = False
        values = st.sampled_from(_VALUES)
        x = draw(arrays.arrays(np.float32, (rows, steps, scope.features), elements=values))
        case = batch(scope.loss, x, mask)
        altered, details = (None, {}) if alter is None else alter(draw, case)
        return Pair(case, altered, details)

    return draw_pair()


def batch(layer: LossSpec, x: AnyArray, mask: AnyArray) -> Case:
    """The case that holds a batch of a layer."""
    return Case(layer, "sum_over_batch_size", "float32", np.zeros_like(x), x, mask)


def other_content(draw: Draw, case: Case) -> Altered:
    """Other finite numbers at masked steps."""
    return _content(draw, case, _UNDER)


def nonfinite_content(draw: Draw, case: Case) -> Altered:
    """NaN and infinity at masked steps."""
    return _content(draw, case, _NONFINITE)


def _content(draw: Draw, case: Case, values: list[float]) -> Altered:
    under = draw(arrays.arrays(np.float32, case.y_pred.shape, elements=st.sampled_from(values)))
    masked = ~np.asarray(case.mask, bool)
    return case.with_(y_pred=np.where(masked[..., None], under, case.y_pred)), {}


def padded(draw: Draw, case: Case) -> Altered:
    """Masked steps at the end, with numbers under the mask."""
    steps = case.y_pred.shape[1]
    return _inserted(draw, case, [*range(steps)], steps + draw(st.integers(1, 2)))


def with_holes(draw: Draw, case: Case) -> Altered:
    """Masked steps anywhere, the same for all rows, with numbers under the mask."""
    steps = case.y_pred.shape[1]
    more = steps + draw(st.integers(1, 2))
    kept = draw(st.permutations(range(more)))[:steps]
    return _inserted(draw, case, sorted(kept), more)


def _inserted(draw: Draw, case: Case, kept: list[int], steps: int) -> Altered:
    rows, _, features = case.y_pred.shape
    under = st.sampled_from(_UNDER)
    x = np.array(draw(arrays.arrays(np.float32, (rows, steps, features), elements=under)))
    mask = np.zeros((rows, steps), bool)
    x[:, kept], mask[:, kept] = case.y_pred, case.mask
    return batch(case.loss, x, mask), {"kept": kept}


def other_order(draw: Draw, case: Case) -> Altered:
    """The rows in another order."""
    order = draw(st.permutations(range(len(case.y_pred))))
    altered = batch(case.loss, case.y_pred[order], np.asarray(case.mask)[order])
    return altered, {"order": list(order)}


def other_mask_dtype(draw: Draw, case: Case) -> Altered:
    """The mask as numbers."""
    dtype = draw(st.sampled_from(_NUMBERS))
    return case.with_(mask=np.asarray(case.mask, bool).astype(dtype)), {"mask_dtype": dtype}
