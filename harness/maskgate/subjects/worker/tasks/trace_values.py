"""Small things that models of every generation are asked with."""

from __future__ import annotations

import random
from typing import Any

import numpy as np


def set_seeds(keras: Any, backend: Any) -> None:
    """Start the random numbers of Python, NumPy and the framework anew."""
    random.seed(0)
    np.random.seed(0)
    seed = getattr(keras.utils, "set_random_seed", None)
    if seed is not None:
        seed(0)
    elif backend.modes != ("graph",):  # a graph's seeds come from NumPy
        backend.tf.random.set_seed(0)


def layers_within(model: Any) -> Any:
    """The layers of a model, those inside of others too."""
    for layer in getattr(model, "layers", None) or []:
        yield layer
        for inner in ("layer", "forward_layer", "cell"):
            if getattr(layer, inner, None) is not None:
                yield getattr(layer, inner)
        yield from layers_within(layer)


def dtype_name(dtype: Any) -> str:
    """`float32` of whatever a framework calls it."""
    return str(getattr(dtype, "name", dtype)).replace("torch.", "")


def flat_logs(logs: dict[str, Any], prefix: str = "") -> dict[str, float]:
    """Logs by name; nested ones (Keras 3.0) with their path as name."""
    found = {}
    for name, value in logs.items():
        if isinstance(value, dict):
            found.update(flat_logs(value, prefix + name + "_"))
        else:
            found[prefix + name] = float(value)
    return found
