"""Merges of two masked inputs: the values, and the mask that comes out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from maskgate.case import AnyArray
from maskgate.case.layer_calls import LayerCall
from maskgate.oracle.arithmetic import arithmetic
from maskgate.oracle.ball import Ball
from maskgate.oracle.pooling import undefined
from maskgate.oracle.rounding import Rounded, held
from maskgate.oracle.selection import maximum, where

MERGES: dict[str, Callable[[Rounded, Rounded], Rounded]] = {
    "Add": lambda a, b: a + b,
    "Multiply": lambda a, b: a * b,
    "Average": lambda a, b: (a + b) / 2.0,
    "Maximum": maximum,
    "Concatenate": lambda a, b: Rounded(
        np.concatenate([a.value, b.value], -1),
        np.concatenate([a.errors, b.errors], -1),
        a.arithmetic,
    ),
}


# Since 3.4 these leave out what is masked of an input: the other one stands alone.
LEAVES_OUT = ("Multiply", "Maximum")


def merged(call: LayerCall, release: tuple[int, ...]) -> Ball:
    """The merge of both inputs; concatenated along the features.

    Args:
        call: with a mask on either input.
        release: major and minor version of Keras.
    """
    one, other = (held(each, arithmetic("float32")) for each in call.inputs)
    with np.errstate(all="ignore"):
        found = MERGES[call.layer](one, other)
    if call.layer not in LEAVES_OUT or release < (3, 4):
        return undefined(found, at=False)
    first, second = (call.valid(number)[..., None] for number in (0, 1))
    alone = where(first, where(second, found, one), other)
    return undefined(alone, ~(first | second))


def emitted(call: LayerCall, release: tuple[int, ...]) -> AnyArray | None:
    """The mask of a merge of two masked inputs.

    A step is valid where both are, in Keras 2; none comes out in 3.0 to 3.3; where either is, from
    3.4 on.

    Args:
        call: with a mask on either input.
        release: major and minor version of Keras.
    """
    one, other = call.valid(0), call.valid(1)
    if release < (3,):
        return one & other
    return None if release < (3, 4) else one | other
