"""How accurate TensorFlow's elementary functions are: constants of the model, measured."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import flint
import numpy as np
import pytest
import tensorflow as tf

from maskgate.case import FORMATS
from maskgate.oracle.arithmetic import ROUNDINGS

flint.ctx.prec = 400

EXACT: dict[str, Any] = {
    "reciprocal": lambda x: 1 / x,
    "log": lambda x: x.log(),
    "exp": lambda x: x.exp(),
    "log1p": lambda x: (1 + x).log(),
    "softplus": lambda x: (1 + x.exp()).log(),
    "sigmoid": lambda x: 1 / (1 + (-x).exp()),
    "sqrt": lambda x: x.sqrt(),
    "rsqrt": lambda x: x.rsqrt(),
    "power": lambda x: x * x.sqrt(),
}
KERNELS: dict[str, Any] = {
    "reciprocal": tf.math.reciprocal,
    "log": tf.math.log,
    "exp": tf.exp,
    "log1p": tf.math.log1p,
    "softplus": tf.math.softplus,
    "sigmoid": tf.sigmoid,
    "sqrt": tf.sqrt,
    "rsqrt": tf.math.rsqrt,
    "power": lambda x: tf.pow(x, tf.constant(1.5, x.dtype)),
}


def arguments(name: str, rng: np.random.Generator) -> Any:
    """A sweep of what the losses ask for: logarithms near 1 and near 0, logits of either sign."""
    if name in ("exp", "softplus", "sigmoid"):
        return np.concatenate([rng.uniform(-80.0, 80.0, 300), rng.uniform(-16.0, 16.0, 300)])
    if name == "log1p":
        # Only ever of exp(-|x|).
        return np.exp(rng.uniform(-20.0, 0.0, 600))
    return np.concatenate([np.exp(rng.uniform(-16.0, 9.0, 300)), rng.uniform(0.8, 1.25, 300)])


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
@pytest.mark.parametrize("name", ROUNDINGS)
def test_no_kernel_rounds_more_often_than_allowed(name: str, mode: str) -> None:
    rng = np.random.default_rng(0)
    worst = 0.0
    for dtype, fmt in FORMATS.items():
        points = np.asarray(fmt.round(arguments(name, rng)), np.float64)
        points = points[np.abs(points) > 4.0 * fmt.tiny]
        kernel = KERNELS[name]
        if mode != "eager":
            kernel = tf.function(kernel, jit_compile=mode == "xla")
        found = np.asarray(tf.cast(kernel(tf.cast(tf.constant(points), dtype)), tf.float64))
        for point, answer in zip(points, found, strict=True):
            exact = EXACT[name](flint.arb(float(point)))
            size = abs(float(exact.mid()))
            # Beyond these the model has terms of its own: underflow and overflow.
            if 4.0 * fmt.tiny < size < fmt.largest / 4.0:
                error = float(abs(flint.arb(float(answer)) - exact).upper())
                worst = max(worst, error / size / fmt.unit_roundoff)
    assert worst <= ROUNDINGS[name]
    # The allowance follows the worst kernel: none has more than four times what it needs.
    assert mode != "eager" or ROUNDINGS[name] <= 4.0 * worst
