"""One call of a layer with given weights and a mask."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..adapter import Adapter, NotOfferedError
from .models import release


def forward(adapter: Adapter, parameters: Any, arrays: Any) -> Any:
    """Output and states of a recurrent layer, in inference.

    Args:
        adapter: the release.
        parameters: `layer`, the class name, and `arguments` of its constructor.
        arrays: `x`, `(batch, steps, features)`; `mask`, `(batch, steps)`, if there is one; and
            the weights as `weight0`, `weight1` ...

    Returns:
        `output` and the last states as `state0` ...; no data.
    """
    keras = adapter.api.keras  # type: ignore[attr-defined]
    if not hasattr(getattr(keras, "layers", None), parameters["layer"]):
        raise NotOfferedError("no layer " + parameters["layer"])
    layer = getattr(keras.layers, parameters["layer"])(return_state=True, **parameters["arguments"])
    names = ["weight" + str(number) for number in range(len(arrays))]
    weights = [arrays[name] for name in names if name in arrays]
    asked = _in_graph if release(keras) < (2, 4) else _at_once
    found = asked(keras, layer, weights, arrays["x"], arrays.get("mask"))
    return {}, dict(zip(["output", "state0", "state1"], found))  # noqa: B905


def _at_once(keras: Any, layer: Any, weights: Any, x: Any, mask: Any) -> Any:
    layer.build(x.shape)
    layer.set_weights(weights)
    if hasattr(keras, "ops"):
        given = keras.ops.convert_to_tensor(x)
        mask = None if mask is None else keras.ops.convert_to_tensor(mask)
        return [keras.ops.convert_to_numpy(each) for each in layer(given, mask=mask)]
    constant = keras.backend.constant
    said = None if mask is None else constant(mask, dtype="bool")
    return [each.numpy() for each in layer(constant(x, dtype="float32"), mask=said)]


def _in_graph(keras: Any, layer: Any, weights: Any, x: Any, mask: Any) -> Any:
    """Keras 2.0 to 2.3 know graphs alone."""
    backend = keras.backend
    given, fed = backend.placeholder(x.shape), [x]
    inputs, said = [given], None
    if mask is not None:
        said = backend.placeholder(mask.shape, dtype="bool")
        inputs, fed = [given, said], [x, mask]
    found = layer(given, mask=said)
    layer.set_weights(weights)
    return [np.asarray(each) for each in backend.function(inputs, found)(fed)]


TASKS = {"forward": forward}
