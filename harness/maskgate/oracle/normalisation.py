"""Batch normalisation in training under a mask: mean and variance are of the valid steps.

After Ioffe and Szegedy, Batch Normalization (2015), algorithm 1, with sums over valid steps alone.
The variance is the biased one, in the moving statistics too, which are exponential averages.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from maskgate.case.layer_calls import LayerCall
from maskgate.oracle.arithmetic import arithmetic
from maskgate.oracle.ball import Ball
from maskgate.oracle.functions import rsqrt
from maskgate.oracle.pooling import undefined
from maskgate.oracle.rounding import Rounded, constant, held
from maskgate.oracle.selection import where


@dataclass(frozen=True)
class Normalised:
    """What batch normalisation must give in training.

    Attributes:
        output: of the input's shape.
        mean: `(features,)`, the moving mean after the call.
        variance: `(features,)`, likewise.
    """

    output: Ball
    mean: Ball
    variance: Ball


def batch_normalised(call: LayerCall) -> Normalised:
    """Outputs and moving statistics; anything is accepted where no step is valid.

    The weights are gamma, beta, moving mean and moving variance; `momentum` and `epsilon` are
    arguments of the layer.
    """
    model = arithmetic("float32")
    gamma, beta, mean_before, variance_before = (held(each, model) for each in call.weights)
    with np.errstate(all="ignore"):
        valid = call.valid()[..., None]
        x = held(call.inputs[0], model)
        steps = _count(call)
        mean = _over_steps(where(valid, x, 0.0)) / steps
        apart = where(valid, x - mean, 0.0)
        variance = _over_steps(apart * apart) / steps
        # `x scale + shift` and `(x - mean) scale + beta` are one formula; the first one rounds
        # more, so that its bound is good for both.
        scale = rsqrt(variance + constant(float(call.arguments["epsilon"]), model)) * gamma
        output = x * scale + (beta - mean * scale)
        nothing = not valid.any()
        return Normalised(
            undefined(output, nothing),
            undefined(_moved(mean_before, mean, call), nothing),
            undefined(_moved(variance_before, variance, call), nothing),
        )


def _count(call: LayerCall) -> Rounded:
    """The number of valid steps. Keras adds its epsilon of 1e-7 to it, against a division by zero:
    one unit in the last place of 1, nothing to a larger count."""
    number = float(np.count_nonzero(call.valid()))
    error = 2.0**-23 if number == 1.0 else 0.0
    return Rounded(np.array(number), np.array(error), arithmetic("float32"))


def _over_steps(x: Rounded) -> Rounded:
    return x.sum(axis=(0, 1))


def _moved(before: Rounded, now: Rounded, call: LayerCall) -> Rounded:
    """The exponential average, as `m a + (1 - m) b` or as `a - (1 - m) (a - b)`."""
    keep = float(call.arguments["momentum"])
    model = before.arithmetic
    share = constant(1.0 - keep, model)
    one = before * constant(keep, model) + now * share
    other = before - (before - now) * share
    return Rounded(one.value, np.maximum(one.errors, other.errors), model)
