"""One call of a layer with given weights and a mask."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..adapter import NotOfferedError
from .graphs import own_graph
from .models import release


def forward(adapter: Any, parameters: Any, arrays: Any) -> Any:
    """Output and states of a recurrent layer, in inference.

    Args:
        adapter: the release.
        parameters: `layer`, the class name, and `arguments` of its constructor.
        arrays: `x`, `(batch, steps, features)`; `mask`, `(batch, steps)`, if there is one; and
            the weights as `weight0`, `weight1` ...

    Returns:
        `output` and the last states as `state0` ...; no data.
    """
    keras = adapter.api.keras
    if not hasattr(getattr(keras, "layers", None), parameters["layer"]):
        raise NotOfferedError("no layer " + parameters["layer"])
    kind, arguments = getattr(keras.layers, parameters["layer"]), parameters["arguments"]
    names = ["weight" + str(number) for number in range(len(arrays))]
    given = [arrays[name] for name in names if name in arrays], arrays["x"], arrays.get("mask")
    if release(keras) < (2, 4):
        with own_graph(adapter):
            found = _in_graph(keras, _made(kind, arguments), *given)
    else:
        found = _at_once(keras, _made(kind, arguments), *given)
    return {}, dict(zip(["output", "state0", "state1"], found))  # noqa: B905


def _made(kind: Any, arguments: Any) -> Any:
    try:
        return kind(return_state=True, **arguments)
    except (TypeError, ValueError) as problem:
        if "reset_after" not in str(problem):
            raise
        if arguments["reset_after"]:
            raise NotOfferedError("no reset_after") from problem
        # Before there was a choice the reset gate stood before the product.
        others = {key: value for key, value in arguments.items() if key != "reset_after"}
        return kind(return_state=True, **others)


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
