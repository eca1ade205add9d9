"""What is done to the masked steps of a layer's input: another content, or more of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from maskgate.case import AnyArray
from maskgate.case.layer_calls import LayerCall

# Larger than any valid content, so that a maximum and a mean show it.
_CONTENT = (25.0, 50.0)
HUGE = 1e20
MORE = 2  # masked steps at the end


def refilled(call: LayerCall, number: int, content: float | None = None) -> LayerCall:
    """The call with other content at the masked steps of one input.

    Args:
        call: the call.
        number: which input.
        content: the one value to put there; None for drawn ones of 25 to 50.
    """
    x = call.inputs[number]
    put = _drawn(x.shape) if content is None else np.full(x.shape, content, np.float32)
    return _with(call, number, np.where(call.valid(number)[..., None], x, put), call.masks[number])


def lengthened(call: LayerCall, number: int) -> LayerCall:
    """The call with more masked steps at the end of one input."""
    x, valid = call.inputs[number], call.valid(number)
    more = (len(x), MORE, x.shape[2])
    mask = np.concatenate([valid, np.zeros(more[:2], bool)], axis=1)
    return _with(call, number, np.concatenate([x, _drawn(more)], axis=1), mask)


def _drawn(shape: tuple[int, ...]) -> AnyArray:
    drawn = np.random.default_rng(0).uniform(*_CONTENT, shape)
    return np.asarray(drawn, np.float32)


def _with(call: LayerCall, number: int, x: AnyArray, mask: AnyArray | None) -> LayerCall:
    inputs, masks = list(call.inputs), list(call.masks)
    inputs[number], masks[number] = x, mask
    return replace(call, inputs=tuple(inputs), masks=tuple(masks))
