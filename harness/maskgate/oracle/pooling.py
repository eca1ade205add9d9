"""The mean over the valid steps of each sequence: global average pooling with a mask."""

from __future__ import annotations

import numpy as np

from maskgate.case import AnyArray
from maskgate.case.layer_calls import LayerCall
from maskgate.oracle.arithmetic import arithmetic
from maskgate.oracle.ball import Ball
from maskgate.oracle.rounding import EXACT, Rounded, held
from maskgate.oracle.selection import where


def global_average(call: LayerCall) -> Ball:
    """`sum_t m_t x_t / sum_t m_t`, `(batch, features)`; undefined where nothing is valid, so that
    anything is accepted there."""
    model = arithmetic("float32")
    valid = call.valid()[..., None]
    with np.errstate(all="ignore"):
        x = where(valid, held(call.inputs[0], model), 0.0)
        # Whole numbers as small as these are exact.
        steps = Rounded(np.count_nonzero(valid, axis=1).astype(np.float64), EXACT, model)
        return undefined(x.sum(axis=1) / steps, np.asarray(~valid.any(axis=1)))


def undefined(x: Rounded, at: AnyArray | bool) -> Ball:
    """A result with the places where the definition says nothing: whatever comes is accepted."""
    nowhere = np.broadcast_to(np.asarray(at, bool), x.shape)
    return Ball(np.where(nowhere, 0.0, x.value), np.where(nowhere, np.inf, x.errors))
