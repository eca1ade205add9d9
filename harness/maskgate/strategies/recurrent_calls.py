"""Calls of layers that a batch with a mask stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from maskgate.case.layers import LayerCase, Setting
from maskgate.oracle.recurrent_calls import weight_shapes
from maskgate.strategies.pairs import Pair

UNITS = 3
MERGE_MODES = ("concat", "sum", "mul", "ave", None)
_LARGEST = 2.0  # of the inputs: gates that are all shut or open show nothing
_GATES: Mapping[str, Setting] = {"recurrent_activation": "sigmoid"}
_RESET_BEFORE: Mapping[str, Setting] = {**_GATES, "reset_after": False}
# Two calls of a stateful layer differ in length: their steps cannot be unrolled everywhere.
_STATEFUL = ("return_sequences", "go_backwards", "zero_output_for_mask")
_FLAGS = (*_STATEFUL, "unroll")
# The twin of a wrapped layer goes the other way as it is, and Bidirectional itself says what masked
# steps give: zeros in a sequence, so that nothing stale is merged.
_WRAPPED = ("return_sequences", "merge_mode", "unroll")


@dataclass(frozen=True)
class LayerKind:
    """One kind of layer that each batch is put to.

    Attributes:
        layer: Keras class name.
        own: arguments that do not change.
        flags: names of those that are drawn.
    """

    layer: str
    own: Mapping[str, Setting] = field(default_factory=dict)
    flags: tuple[str, ...] = _FLAGS


PLAIN: Mapping[str, LayerKind] = {
    "simple-rnn": LayerKind("SimpleRNN"),
    "lstm": LayerKind("LSTM", _GATES),
    "gru": LayerKind("GRU", _RESET_BEFORE),
    "gru-reset-after": LayerKind("GRU", {**_GATES, "reset_after": True}),
}
RECURRENT: Mapping[str, LayerKind] = {
    **PLAIN,
    "bidirectional-lstm": LayerKind("Bidirectional", {"wrapped": "LSTM", **_GATES}, _WRAPPED),
    "bidirectional-gru": LayerKind("Bidirectional", {"wrapped": "GRU", **_RESET_BEFORE}, _WRAPPED),
    "stateful-lstm": LayerKind("LSTM", {**_GATES, "stateful": True}, _STATEFUL),
    "stateful-gru": LayerKind("GRU", {**_RESET_BEFORE, "stateful": True}, _STATEFUL),
}
KINDS: Mapping[str, LayerKind] = {
    **RECURRENT,
    "time-distributed": LayerKind("TimeDistributed", {"wrapped": "Dense"}, ()),
}


def layer_case(pair: Pair, name: str, *, zeroes: bool = True) -> LayerCase:
    """The calls of a layer of `KINDS` that a pair stands for.

    The pair's case is the batch, as predictions, and its mask. In the details: `flags`, arguments
    by name, and `reset`; `seed`, of which the weights are drawn. A stateful layer is given the
    batch in two calls.

    Args:
        pair: the batch.
        name: which of `KINDS`.
        zeroes: whether the release has `zero_output_for_mask`: where it has not, a Bidirectional
            repeats outputs at masked steps.
    """
    kind, flags = KINDS[name], _flags(pair)
    arguments = {each: flags[each] for each in kind.flags}
    if kind.layer == "Bidirectional":
        arguments["zero_output_for_mask"] = zeroes and bool(flags["return_sequences"])
    x = np.clip(pair.case.y_pred, -_LARGEST, _LARGEST)
    bare = LayerCase(kind.layer, {"units": UNITS, **kind.own, **arguments}, x, pair.case.mask)
    if kind.own.get("stateful"):
        bare = replace(bare, cut=x.shape[1] // 2, reset=bool(flags["reset"]))
    random = np.random.default_rng(int(pair.details["seed"]))
    return replace(
        bare, weights=tuple(random.uniform(-1.0, 1.0, shape) for shape in weight_shapes(bare))
    )


def _flags(pair: Pair) -> dict[str, Any]:
    return {**dict.fromkeys((*_FLAGS, "reset"), False), "merge_mode": "concat"} | dict(
        pair.details["flags"]
    )


def compacted(case: LayerCase, row: int) -> LayerCase:
    """The valid steps of one row, as the layer comes by them, in one call without a mask.

    What a layer is given backwards is turned around, so that all calls go forwards; a Bidirectional
    layer's row stays as it is.
    """
    valid = case.valid[row]
    order = np.concatenate([steps[valid[steps]] for steps in _read(case)])
    # Old releases unroll no sequence of one step.
    dropped = ("go_backwards", "stateful", "unroll")
    plain = {k: v for k, v in case.parameters.items() if k not in dropped}
    return replace(case, parameters=plain, x=case.x[row][order][None], mask=None, cut=None)


def _read(case: LayerCase) -> list[Any]:
    """The steps of each call, in the order in which the layer reads them."""
    calls = np.split(np.arange(case.x.shape[1]), [] if case.cut is None else [case.cut])
    return [each[::-1] if case.parameters.get("go_backwards") else each for each in calls]


def kept(case: LayerCase, row: int) -> list[Any]:
    """Where the valid steps stand in the outputs of each call."""
    return [np.flatnonzero(case.valid[row][steps]) for steps in _read(case)]
