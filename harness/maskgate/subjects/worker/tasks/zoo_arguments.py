"""Arguments for a layer that nobody has told us about, and the batches that it is tried on."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

FEATURES = 3
IDS = "class ids (2, 4)"
# The second sample ends after two of its four steps.
MASK = np.array([[True, True, True, True], [True, True, False, False]])

# Values for parameters that have no default, by the name that every Keras layer uses for them.
VALUES: dict[str, Any] = {
    "units": 3,
    "filters": 3,
    "kernel_size": 1,
    "rate": 0.5,
    "stddev": 0.5,
    "seed": 1,
    "n": 4,
    "dims": (2, 1),
    "axes": 2,
    "target_shape": (4, 3),
    "size": 2,
    "pool_size": 1,
    "output_size": 4,
    "input_dim": 3,
    "output_dim": 3,
    "max_value": 1.0,
    "num_heads": 1,
    "key_dim": 2,
    "head_dim": 2,
    "num_query_heads": 2,
    "num_key_value_heads": 1,
    "sequence_length": 4,
    "scale": 2.0,
    "height": 4,
    "width": 3,
    "factor": 0.5,
    "num_tokens": 5,
    "num_bins": 5,
    "equation": "abc,cd->abd",
    "output_shape": (None, 3),
    "activation": "tanh",
    "max_number": 4,
    "height_factor": 0.5,
    "width_factor": 0.5,
    "groups": 3,
}
# What is more telling than the defaults: a sequence goes in, and one should come out.
WANTED: dict[str, dict[str, Any]] = {
    "Dot": {"axes": 2},
    "Discretization": {"bin_boundaries": (0.0, 1.0)},
    "CategoryEncoding": {"num_tokens": 5, "output_mode": "count"},
    "Embedding": {"input_dim": 9, "output_dim": 3, "mask_zero": True},
    "Normalization": {"mean": 0.0, "variance": 1.0},
    "GroupNormalization": {"groups": 3},
    "RandomPosterization": {"factor": 4},
    "ReversibleEmbedding": {"input_dim": 9, "output_dim": 3, "mask_zero": True},
}


def arguments(keras: Any, kind: Any, name: str) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Ways to make a layer, the most telling first: as written, and a function that makes it."""
    layers, required = keras.layers, _required(kind)
    if name == "Lambda":
        yield "Lambda(lambda x: x)", partial(kind, _same)
    elif "layer" in required:
        dense = "Dense(3)", partial(layers.Dense, 3)
        recurrent = "LSTM(3, return_sequences=True)", partial(layers.LSTM, 3, return_sequences=True)
        for written, inside in (
            (recurrent, dense) if name == "Bidirectional" else (dense, recurrent)
        ):
            yield name + "(" + written + ")", partial(_around, kind, inside)
    elif "cells" in required:
        yield name + "([LSTMCell(3)])", lambda: kind([layers.LSTMCell(3)])
    elif "cell" in required:
        written = name + "(LSTMCell(3), return_sequences=True)"
        yield written, lambda: kind(layers.LSTMCell(3), return_sequences=True)
    else:
        known = {each: VALUES[each] for each in required if each in VALUES}
        known.update(WANTED.get(name, {}))
        sequences = {**known, "return_sequences": True}
        for way in ([sequences] if _recurrent(kind) else []) + [known]:
            text = ", ".join(key + "=" + repr(value) for key, value in way.items())
            yield name + "(" + text + ")", partial(kind, **way)


def _around(kind: Any, inside: Any) -> Any:
    return kind(inside())


def _same(x: Any) -> Any:
    return x


def _required(kind: Any) -> list[str]:
    try:
        given = inspect.signature(kind.__init__).parameters.values()
    except (TypeError, ValueError):
        return []
    plain = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [
        each.name
        for each in given
        if each.name != "self" and each.default is inspect.Parameter.empty and each.kind in plain
    ]


def _recurrent(kind: Any) -> bool:
    """Whether a layer takes `return_sequences`, by its own parameters or those it hands on."""
    found: set[str] = set()
    for each in kind.__mro__:
        if "__init__" in vars(each):
            found.update(inspect.signature(each.__init__).parameters)
    return "return_sequences" in found and "recurrent_initializer" in found


def batch(*sides: int) -> Any:
    """Numbers from 1 on, 0 where the mask of `(2, 4)` says padding."""
    shape = (2, 4, *sides)
    x = np.arange(1.0, 1.0 + float(np.prod(shape))).reshape(shape).astype("float32")
    x[~MASK] = 0.0
    return x


# What a layer is tried on, by what it is called; two of them where the name says so.
TRIED = {
    "a sequence (2, 4, 3)": batch(FEATURES),
    "a list of two sequences (2, 4, 3)": batch(FEATURES),
    "two sequences (2, 4, 3)": batch(FEATURES),
    "images (2, 4, 3, 3)": batch(3, FEATURES),
    "volumes (2, 4, 3, 3, 3)": batch(3, 3, FEATURES),
    "films (2, 4, 3, 3, 3, 3)": batch(3, 3, 3, FEATURES),
}
# In the order in which they are tried.
GIVEN = (*TRIED, IDS)


def inputs(keras: Any, given: str) -> Any:
    """What a layer is called with, a tuple where it takes several arguments: as a `Masking` layer
    hands it on, with a mask on every axis but the last."""
    if given == IDS:
        # Class ids, of which 0 is padding: no mask goes in, and one may come out.
        return _tensor(keras, np.where(MASK, 1, 0).astype("int32"))
    x = TRIED[given]
    if "two" not in given:
        return _masked(keras, x)
    both = _masked(keras, x), _masked(keras, x)
    return list(both) if "list" in given else both


def _masked(keras: Any, x: Any) -> Any:
    return keras.layers.Masking(0.0)(_tensor(keras, x))


def _tensor(keras: Any, array: Any) -> Any:
    if hasattr(keras, "ops"):
        return keras.ops.convert_to_tensor(array)
    return array
