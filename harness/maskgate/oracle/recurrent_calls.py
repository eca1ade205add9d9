"""What the calls of a recurrent layer must give: its own, wrapped in Bidirectional, or one after
another with the state kept; and a layer called step by step, TimeDistributed.

* Bidirectional: one layer reads the steps forwards, its twin backwards; the twin's outputs are put
  back in order and merged with the other's (concatenated, added, multiplied, averaged, or both).
* A stateful layer goes on where its last call ended, so that two calls are one call of both parts,
  unless its states are reset between them. That holds for the output which a masked step repeats,
  too.
* TimeDistributed: each valid step is the inner layer's word on that step; the mask is handed on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from maskgate.case import AnyArray
from maskgate.case.layers import LayerCase
from maskgate.oracle import recurrent
from maskgate.oracle.arithmetic import arithmetic
from maskgate.oracle.ball import Ball
from maskgate.oracle.recurrent import affine, ball, called
from maskgate.oracle.rounding import Rounded, held

# What the second of two calls gives.
THEN = "then_"


def weight_shapes(case: LayerCase) -> tuple[tuple[int, ...], ...]:
    """Shapes of the weights, as `get_weights` orders them."""
    if case.layer == "TimeDistributed":
        units = int(case.parameters["units"] or 0)
        return (case.x.shape[2], units), (units,)
    if case.layer == "Bidirectional":
        return 2 * recurrent.weight_shapes(inside(case))
    return recurrent.weight_shapes(case)


def inside(case: LayerCase) -> LayerCase:
    """The call of the layer inside a wrapper, without weights."""
    kept = {k: v for k, v in case.parameters.items() if k not in ("wrapped", "merge_mode")}
    return replace(case, layer=str(case.parameters["wrapped"]), parameters=kept, weights=())


def parts(case: LayerCase) -> tuple[LayerCase, LayerCase]:
    """The two calls of a case that is cut."""
    first, second = slice(None, case.cut), slice(case.cut, None)
    return tuple(  # type: ignore[return-value]
        replace(
            case,
            x=case.x[:, steps],
            mask=None if case.mask is None else case.mask[:, steps],
            cut=None,
        )
        for steps in (first, second)
    )


def held_over(case: LayerCase) -> AnyArray:
    """Where the second call's output is one that the first call left: it stands at masked steps
    before the call's first valid one.

    Returns:
        bool, of the shape of the second call's output but for its features, which is 1.
    """
    first, second = parts(case)
    sequences = bool(case.parameters.get("return_sequences"))
    if case.reset or case.parameters.get("zero_output_for_mask"):
        return np.zeros((len(case.x), *(second.x.shape[1:2] if sequences else ()), 1), bool)
    read: Any = second.valid[:, ::-1] if case.parameters.get("go_backwards") else second.valid
    valid_yet: Any = np.logical_or.accumulate(read, axis=1)
    before: Any = ~valid_yet & np.asarray(first.valid.any(axis=1))[:, None]
    found: AnyArray = before[..., None] if sequences else before[:, -1:]
    return found


def layer_calls(case: LayerCase) -> dict[str, Ball]:
    """Everything that the calls of a case must give, by name, with the bound for float32.

    `output` and, of a recurrent layer, the last states `state0` ...; `backward` beside the output
    of a Bidirectional that merges nothing; the `mask` that TimeDistributed hands on. The second of
    two calls has names that start with `THEN`.

    Raises:
        ValueError: for a layer that there is no definition of, or weights of other shapes.
    """
    if case.layer not in (*recurrent.CELLS, *_WRAPPERS):
        raise ValueError(f"no definition of {case.layer!r}")
    if tuple(each.shape for each in case.weights) != weight_shapes(case):
        raise ValueError(f"{case.layer} has weights of shapes {weight_shapes(case)}")
    with np.errstate(all="ignore"):
        return _WRAPPERS.get(case.layer, _recurrent)(case)


def _recurrent(case: LayerCase) -> dict[str, Ball]:
    if case.cut is None:
        return _named("", called(case))
    first, second = parts(case)
    before = called(first)
    after = called(second, None if case.reset else before)
    return {**_named("", before), **_named(THEN, after)}


def _named(prefix: str, answer: recurrent.Called) -> dict[str, Ball]:
    output, _, states = answer
    found = {f"{prefix}output": ball(output)}
    return found | {f"{prefix}state{i}": ball(each) for i, each in enumerate(states)}


def _bidirectional(case: LayerCase) -> dict[str, Ball]:
    bare, half = inside(case), len(case.weights) // 2
    forwards, _, _ = called(replace(bare, weights=case.weights[:half]))
    turned = {**bare.parameters, "go_backwards": True}
    backwards, _, _ = called(replace(bare, parameters=turned, weights=case.weights[half:]))
    if case.parameters.get("return_sequences"):
        model = backwards.arithmetic
        backwards = Rounded(backwards.value[:, ::-1], backwards.errors[:, ::-1], model)
    mode = case.parameters["merge_mode"]
    if mode is None:
        return {"output": ball(forwards), "backward": ball(backwards)}
    return {"output": ball(_MERGES[str(mode)](forwards, backwards))}


def _concatenated(a: Rounded, b: Rounded) -> Rounded:
    value = np.concatenate([a.value, b.value], axis=-1)
    return Rounded(value, np.concatenate([a.errors, b.errors], axis=-1), a.arithmetic)


_MERGES: Mapping[str, Callable[[Rounded, Rounded], Rounded]] = {
    "concat": _concatenated,
    "sum": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "ave": lambda a, b: (a + b) * 0.5,
}


def _over_time(case: LayerCase) -> dict[str, Ball]:
    model = arithmetic("float32")
    kernel, bias = (held(each, model) for each in case.weights)
    batch, steps, features = case.x.shape
    each_step = held(case.x.reshape(batch * steps, features), model)
    said = ball(affine([(each_step, kernel)], bias).reshape((batch, steps, kernel.shape[1])))
    found = {"output": Ball(said.value, np.where(case.valid[..., None], said.radius, np.inf))}
    if case.mask is not None:
        found["mask"] = Ball(case.valid.astype(np.float64), np.zeros(case.valid.shape))
    return found


_WRAPPERS: Mapping[str, Callable[[LayerCase], dict[str, Ball]]] = {
    "Bidirectional": _bidirectional,
    "TimeDistributed": _over_time,
}
