"""Layers of Keras before 2.4, which are called on placeholders: the mask is computed in a graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..adapter import NotOfferedError
from .zoo_arguments import IDS, TRIED


def called(adapter: Any, layer: Any, given: str) -> Any:
    """The mask given, the mask emitted (or None), the shape of the output, and that placeholders
    keep their masks."""
    keras = adapter.api.keras
    if given == IDS:
        layer(keras.layers.Input(batch_shape=(2, 4), dtype="int32"))
        return None, layer.get_output_mask_at(0), (), False
    if given == "two sequences (2, 4, 3)":
        raise NotOfferedError("layers are called with one argument")
    x = TRIED[given]
    count = 2 if "two" in given else 1
    placeholders = [keras.layers.Input(batch_shape=x.shape) for _ in range(count)]
    makers = [keras.layers.Masking(0.0) for _ in placeholders]
    masked = [maker(each) for maker, each in zip(makers, placeholders)]  # noqa: B905
    out = layer(masked if count > 1 else masked[0])
    emitted = layer.get_output_mask_at(0)
    emitted = emitted[0] if isinstance(emitted, list) else emitted
    out = out[0] if isinstance(out, list) else out
    backend = keras.backend
    wanted = [makers[0].get_output_mask_at(0), out] + ([] if emitted is None else [emitted])
    # Dropout and the like: what they do in training is not asked.
    values = backend.function([*placeholders, backend.learning_phase()], wanted)
    mask, result, *rest = values([*([x] * count), 0])
    return np.asarray(mask), np.asarray(rest[0]) if rest else None, np.asarray(result).shape, False
