"""How answers to masked calls of a layer without recurrence are judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from maskgate.case import AnyArray, array_to_dict
from maskgate.case.layer_calls import LayerCall
from maskgate.oracle import Ball
from maskgate.oracle.attention import attended
from maskgate.oracle.normalisation import batch_normalised
from maskgate.oracle.pooling import global_average
from maskgate.oracle.softmax import softmax_layer
from maskgate.subjects.protocol import Done, Refusal
from maskgate.verdicts.compare import Judgement, Mismatch, judge_array, larger

Arrays = Mapping[str, AnyArray]

# What comes of a question, and how far apart the two answers may be where there are two.
Found = tuple[Judgement, Arrays]


def defined(call: LayerCall) -> Mapping[str, Ball]:
    """What a layer's definition gives: the output, and of batch normalisation its statistics."""
    if call.layer == "BatchNormalization":
        said = batch_normalised(call)
        return {"output": said.output, "weight2": said.mean, "weight3": said.variance}
    return {"output": OUTPUTS[call.layer](call)}


OUTPUTS: Mapping[str, Callable[[LayerCall], Ball]] = {
    "GlobalAveragePooling1D": global_average,
    "Softmax": softmax_layer,
    "Attention": attended,
    "AdditiveAttention": attended,
    "MultiHeadAttention": attended,
}


def places(call: LayerCall, shape: Sequence[int]) -> AnyArray:
    """Which outputs a valid step has a part in.

    Args:
        call: of one input.
        shape: of its output: `(batch, features)`, or `(batch, steps, features)`, where a step may
            be a window of several.

    Returns:
        `(batch,)` or `(batch, steps)`, bool.
    """
    valid = call.valid()
    rows = valid if len(shape) == 2 else valid.reshape(*shape[:2], -1)
    return np.asarray(rows.any(axis=-1))


def bounds(call: LayerCall, found: Done | Refusal) -> Arrays:
    """The error of a right answer; none where a masked step has no part in the computation."""
    if call.layer in ("GlobalAveragePooling1D", "BatchNormalization"):
        return {name: ball.radius for name, ball in defined(call).items()}
    return {} if isinstance(found, Refusal) else {"output": np.zeros(found.arrays["output"].shape)}


def inside(found: Done, balls: Mapping[str, Ball]) -> Judgement:
    """Whether every array lies in its ball."""
    used: float | None = None
    for name, ball in balls.items():
        said = judge_array(name, found.arrays[name], ball)
        if not said.holds:
            return said
        used = larger(used, said.used)
    return Judgement(None, used)


def alike(found: Done | Refusal, base: Done, apart: Arrays, of: Arrays) -> Found:
    """Whether two answers are no further apart than allowed, and how far that is.

    Args:
        found: to the altered call; may have more steps.
        base: to the call.
        apart: by name, what is compared and how far it may be apart.
        of: by name, which places are compared; all where a name is missing.
    """
    within = {
        name: np.where(_spread(of[name], radius), radius, np.inf) if name in of else radius
        for name, radius in apart.items()
    }
    if isinstance(found, Refusal):
        return refused(found), within
    used: float | None = None
    for name, radius in within.items():
        was = base.arrays[name]
        now = headed(found.arrays[name], was.shape)
        said = judge_array(name, now, Ball(was.astype(np.float64), radius))
        if not said.holds:
            return said, within
        used = larger(used, said.used)
    return Judgement(None, used), within


def _spread(places: AnyArray, over: AnyArray) -> AnyArray:
    """Places of leading axes, for an array that has more."""
    return places.reshape(places.shape + (1,) * (over.ndim - places.ndim))


def both_calls(call: LayerCall, altered: LayerCall | None, within: Arrays) -> dict[str, Any]:
    """What a finding says beside its batch."""
    return {
        "call": call.to_dict(),
        "altered_call": None if altered is None else altered.to_dict(),
        "within": {name: array_to_dict(radius) for name, radius in within.items()},
    }


def headed(array: AnyArray, shape: Sequence[int]) -> AnyArray:
    """The steps that both have."""
    return array[tuple(slice(size) for size in shape)]


def finite(found: Done) -> Found:
    """Whether every number of an answer is finite."""
    for array in found.arrays.values():
        if not np.isfinite(array).all():
            worst = float(array[~np.isfinite(array)].flat[0])
            return Judgement(Mismatch("value", "a finite number", worst, 0.0)), {}
    return Judgement(None), {}


def refused(answer: Refusal) -> Judgement:
    """A refusal where an output was asked for."""
    observed = f"{answer.kind}: {answer.message}"[:300]
    return Judgement(Mismatch("answer", "an output", observed, 0.0))
