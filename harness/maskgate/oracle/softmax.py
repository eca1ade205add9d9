"""Softmax over the places that a mask lets through."""

from __future__ import annotations

import numpy as np

from maskgate.case import AnyArray
from maskgate.case.layer_calls import LayerCall
from maskgate.oracle.arithmetic import arithmetic
from maskgate.oracle.ball import Ball
from maskgate.oracle.functions import exp, reciprocal
from maskgate.oracle.pooling import undefined
from maskgate.oracle.rounding import Rounded, held
from maskgate.oracle.selection import largest, where


def softmax(x: Rounded, let_through: AnyArray) -> Rounded:
    """`exp(x_i) / sum_j exp(x_j)` along the last axis over the places let through, else 0.

    Meaningless where a row lets nothing through.

    Args:
        x: scores.
        let_through: bool, of their shape.
    """
    # A shift changes nothing: the subject subtracts a maximum of its own, which may be a masked
    # one only if that is no larger.
    highest = np.where(let_through, x.value, -np.inf)
    seen = Rounded(np.where(np.isneginf(highest), -1e30, highest), x.error, x.arithmetic)
    risen = where(let_through, exp(x - largest(seen)), 0.0)
    # Subjects multiply by the reciprocal, which rounds more than a division.
    return where(let_through, risen * reciprocal(risen.narrow_sum(-1, keepdims=True)), 0.0)


def softmax_layer(call: LayerCall) -> Ball:
    """The layer with a mask of its input's shape; anything is accepted in a row all masked."""
    x, let_through = call.inputs[0], call.masks[0]
    assert let_through is not None
    with np.errstate(all="ignore"):
        shares = softmax(held(x, arithmetic("float32")), let_through)
        return undefined(shares, np.asarray(~let_through.any(axis=-1, keepdims=True)))
