"""Alterations: what a law changes about a case. Each takes `(draw, case)` and returns the altered
case and, as plain data, what the law needs to know about the change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from maskgate.case import AnyArray, Case
from maskgate.strategies.cases import cases
from maskgate.strategies.paddings import repaddings
from maskgate.strategies.pairs import Alter, Draw
from maskgate.strategies.scope import Scope, drawn_scope
from maskgate.strategies.signatures import SIGNATURE_SHAPES, Signature, signatures

Altered = tuple[Case, Mapping[str, Any]]

# Powers of two scale exactly in every binary format.
FACTORS = (2.0, 0.5, -1.0, 4.0, -2.0, 0.25)
TINY_WEIGHT = 2.0**-20


def masked_places(case: Case) -> AnyArray:
    """True at masked positions, of the case's loss shape; a column too many is taken away."""
    if case.mask is None:
        return np.zeros(case.loss_shape, bool)
    mask = case.mask.astype(bool)
    if mask.ndim > len(case.loss_shape):
        mask = mask[..., 0]
    return ~_spread(mask, case.loss_shape)


def masked_predictions(case: Case) -> AnyArray:
    """True at masked positions, of the shape of `y_pred`."""
    places = np.expand_dims(masked_places(case), case.loss.axis)
    return np.broadcast_to(places, case.y_pred.shape)


def some_valid(case: Case) -> Case | None:
    """The case, if some position is not masked."""
    return None if masked_places(case).all() else case


def modest(case: Case) -> Case | None:
    """The case, unless it is long and its mask or weights may broadcast it to many times that."""
    rank = len(case.loss_shape)
    extras = (array for array in (case.mask, case.sample_weight) if array is not None)
    if case.y_pred.size > 2000 and any(array.ndim not in (0, rank) for array in extras):
        return None
    return case


def constant(case: Case) -> Case | None:
    """The case with the labels and predictions of its first element everywhere."""
    if case.y_pred.size == 0 or some_valid(case) is None:
        return None
    return case.with_(y_true=_first(case.y_true), y_pred=_first(case.y_pred, features=1))


def _first(array: AnyArray, *, features: int = 1) -> AnyArray:
    if array.dtype.kind in "iu":
        features = 0
    index = (0,) * (array.ndim - features)
    return np.broadcast_to(array[index], array.shape)


def repadded(field: str, kind: str) -> Alter:
    """Other content of `field` (`y_true` or `y_pred`) at masked positions: see `repaddings`."""

    def alter(draw: Draw, case: Case) -> Altered:
        return draw(repaddings(case, fields=(field,), kinds=(kind,))), {}

    return alter


def padded(draw: Draw, case: Case) -> Altered:
    """One or two masked steps added along axis 1, left or right, that repeat the nearest step."""
    count = draw(st.integers(1, 2))
    left = count if draw(st.booleans()) else 0
    widths, steps = (left, count - left), case.loss_shape[1]
    mask = np.ones(case.loss_shape, bool) if case.mask is None else case.mask
    return case.with_(
        y_true=_widened(case.y_true, widths, steps),
        y_pred=_widened(case.y_pred, widths, steps),
        mask=_widened(mask, widths, steps, mode="constant"),
        sample_weight=_widened(case.sample_weight, widths, steps),
    ), {"left": left, "right": count - left}


def _widened(array: Any, widths: tuple[int, int], steps: int, mode: Any = "edge") -> Any:
    """Steps added along axis 1; an array that does not have these steps stays as it is."""
    if array is None or array.ndim < 2 or array.shape[1] != steps:
        return array
    return np.pad(array, [(0, 0), widths] + [(0, 0)] * (array.ndim - 2), mode=mode)


def compacted(_draw: Draw, case: Case) -> Altered:
    """The valid elements laid end to end, without a mask."""
    valid = ~masked_places(case)
    weight = case.sample_weight
    if weight is not None and weight.ndim:
        weight = _spread(_without_column(weight, case), case.loss_shape)[valid]
    return case.with_(
        y_true=case.y_true[valid], y_pred=case.y_pred[valid], mask=None, sample_weight=weight
    ), {}


def one_element(_draw: Draw, case: Case) -> Altered:
    """The first element alone, without mask and weight."""
    first = (0,) * len(case.loss_shape)
    return case.with_(
        y_true=case.y_true[first][np.newaxis],
        y_pred=case.y_pred[first][np.newaxis],
        mask=None,
        sample_weight=None,
    ), {}


def unmasked(_draw: Draw, case: Case) -> Altered:
    """The same without its mask."""
    return case.with_(mask=None), {}


def unweighted(_draw: Draw, case: Case) -> Altered:
    """The same without its weights."""
    return case.with_(sample_weight=None), {}


def without_a_masked_row(draw: Draw, case: Case) -> Altered:
    """One fully masked row taken out of the batch."""
    rows = [number for number, row in enumerate(masked_places(case)) if row.all()]
    assume(rows and len(case.y_pred) > 1)
    row = draw(st.sampled_from(rows))
    return _rows(case, np.delete(np.arange(len(case.y_pred)), row)), {"row": row}


def permuted(draw: Draw, case: Case) -> Altered:
    """The samples in another order."""
    order = draw(st.permutations(range(len(case.y_pred))))
    return _rows(case, np.array(order, int)), {"order": list(order)}


def _rows(case: Case, order: AnyArray) -> Case:
    batch = len(case.y_pred)

    def pick(array: AnyArray | None) -> AnyArray | None:
        if array is None or array.ndim == 0 or array.shape[0] != batch:
            return array
        return array[order]

    return case.with_(
        y_true=pick(case.y_true),
        y_pred=pick(case.y_pred),
        mask=pick(case.mask),
        sample_weight=pick(case.sample_weight),
    )


def weights_scaled(draw: Draw, case: Case) -> Altered:
    """All weights times a factor that is a power of two, negative ones included."""
    factor = draw(st.sampled_from(FACTORS))
    assert case.sample_weight is not None
    return case.with_(sample_weight=case.sample_weight * factor), {"factor": factor}


def weight_off_zero(draw: Draw, case: Case) -> Altered:
    """One weight that is zero made very small instead."""
    assert case.sample_weight is not None
    zeros = np.flatnonzero(case.sample_weight == 0)
    assume(zeros.size)
    weight = case.sample_weight.copy().ravel()
    weight[draw(st.sampled_from(list(zeros)))] = TINY_WEIGHT
    return case.with_(sample_weight=weight.reshape(case.sample_weight.shape)), {}


def weights_zeroed_under_mask(_draw: Draw, case: Case) -> Altered:
    """Weight 0 at masked positions, the old weight (or 1) elsewhere."""
    weight = np.ones(()) if case.sample_weight is None else case.sample_weight
    spread = _spread(_without_column(weight, case), case.loss_shape)
    return case.with_(sample_weight=np.where(masked_places(case), 0.0, spread)), {}


def weights_spread(_draw: Draw, case: Case) -> Altered:
    """Weights that lack the last axes, written out for every element."""
    assert case.sample_weight is not None
    return case.with_(sample_weight=_spread(case.sample_weight, case.loss_shape)), {}


def mask_aligned(_draw: Draw, case: Case) -> Altered:
    """A mask that lacks the last axis written out, one with an axis too many squeezed."""
    assert case.mask is not None
    return case.with_(mask=(~masked_places(case)).astype(case.mask.dtype)), {}


def another_case(draw: Draw, _case: Case) -> Altered:
    """Another case, of few signatures: it may be asked in compiled modes."""
    return draw(cases(bucketed=_other_signatures(drawn_scope()))), {}


@cache
def _other_signatures(scope: Scope | None) -> tuple[Signature, ...]:
    if scope is None:
        return signatures(4, seed=1)
    shapes = [shape for shape in SIGNATURE_SHAPES if len(shape) in scope.ranks]
    return signatures(4, seed=1, losses=[scope.loss], shapes=shapes, **scope.structure({}))


def _without_column(array: AnyArray, case: Case) -> AnyArray:
    return array[..., 0] if array.ndim > len(case.loss_shape) else array


def _spread(array: AnyArray, shape: Sequence[int]) -> AnyArray:
    """An array that lacks the last axes of a shape, written out to it."""
    missing = len(shape) - array.ndim
    return np.broadcast_to(array.reshape(array.shape + (1,) * missing), tuple(shape))


def mask_cast(draw: Draw, case: Case) -> Altered:
    """The same mask in another dtype."""
    assert case.mask is not None
    others = [kind for kind in ("b", "i", "f") if kind != case.mask.dtype.kind]
    dtype = {"b": "bool", "i": "int32", "f": "float64"}[draw(st.sampled_from(others))]
    return case.with_(mask=case.mask.astype(dtype)), {}
