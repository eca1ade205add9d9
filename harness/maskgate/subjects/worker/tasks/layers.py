"""One call of a layer with given weights and a mask."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..adapter import NotOfferedError
from .graphs import own_graph
from .models import release


# Arguments that old releases lack: before there was a choice the reset gate of a GRU stood before
# the product, and masked steps repeated the last output.
LATER = ("reset_after", "zero_output_for_mask")


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
        name = next((each for each in LATER if each in arguments and each in str(problem)), None)
        if name is None:
            raise
        if arguments[name]:
            raise NotOfferedError("no " + name) from problem
        others = {key: value for key, value in arguments.items() if key != name}
        return _made(kind, others)


def _at_once(keras: Any, layer: Any, weights: Any, x: Any, mask: Any) -> Any:
    layer.build(x.shape)
    layer.set_weights(weights)
    if hasattr(keras, "ops"):
        given = keras.ops.convert_to_tensor(x)
        mask = None if mask is None else keras.ops.convert_to_tensor(mask)
        return [keras.ops.convert_to_numpy(each) for each in layer(given, mask=mask)]
    constant = keras.backend.constant
    said = None if mask is None else constant(mask, dtype=str(mask.dtype))
    return [each.numpy() for each in layer(constant(x, dtype="float32"), mask=said)]


def _in_graph(keras: Any, layer: Any, weights: Any, x: Any, mask: Any) -> Any:
    """Keras 2.0 to 2.3 know graphs alone."""
    backend = keras.backend
    given, fed = backend.placeholder(x.shape), [x]
    inputs, said = [given], None
    if mask is not None:
        said = backend.placeholder(mask.shape, dtype=str(mask.dtype))
        inputs, fed = [given, said], [x, mask]
    found = layer(given, mask=said)
    layer.set_weights(weights)
    return [np.asarray(each) for each in backend.function(inputs, found)(fed)]


TASKS = {"forward": forward}
