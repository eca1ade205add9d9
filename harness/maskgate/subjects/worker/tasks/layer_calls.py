"""One call of a layer that has no steps to walk through, with masks on its inputs."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from ..adapter import NotOfferedError
from .graphs import own_graph
from .models import release

# The first release whose layers can be called on arrays.
EAGER = (2, 4)


def call(adapter: Any, parameters: Any, arrays: Any) -> Any:
    """What a layer makes of its inputs.

    The masks travel with the inputs, as behind a `Masking` layer; a layer whose mask is as large as
    its input, `Softmax`, is given it by name, and so is a layer of Keras before 2.4.

    Args:
        adapter: the release.
        parameters: `layer`, the class name; `arguments` of its constructor; `options`, further
            arguments of the call; `training`, None where the layer does not ask; `needs_mask`,
            whether a release whose layer takes no mask does not have what is asked for.
        arrays: `input0` ..., `mask0` ... where there is one, the weights as `weight0` ..., and
            arrays of the call by their own names, such as `attention_mask`.

    Returns:
        `output`, the mask that it carries as `mask` if there is one, and the layer's weights after
        the call; no data.
    """
    keras = adapter.api.keras
    kind = getattr(getattr(keras, "layers", None), parameters["layer"], None)
    if kind is None:
        raise NotOfferedError("no layer " + parameters["layer"])
    taken = list(inspect.signature(kind.call).parameters)
    if parameters["needs_mask"] and not any("mask" in name for name in taken):
        raise NotOfferedError(parameters["layer"] + " takes no mask")
    for name in parameters["options"]:
        if name not in taken:
            raise NotOfferedError(parameters["layer"] + " takes no " + name)
    asked = _Asked(kind, parameters, arrays)
    if release(keras) >= EAGER:
        return {}, _at_once(keras, asked)
    with own_graph(adapter):
        return {}, _in_graph(adapter, asked)


class _Asked:
    """The question, sorted."""

    def __init__(self, kind: Any, parameters: Any, arrays: Any) -> None:
        self.layer = kind(**parameters["arguments"])
        self.name = parameters["layer"]
        self.x = _numbered(arrays, "input")
        self.masks = [arrays.get("mask" + str(number)) for number in range(len(self.x))]
        self.weights = _numbered(arrays, "weight")
        self.options = dict(parameters["options"])
        if "attention_mask" in arrays:
            self.options["attention_mask"] = arrays["attention_mask"]
        if parameters["training"] is not None:
            self.options["training"] = parameters["training"]

    def on(self, inputs: Any, **options: Any) -> Any:
        """Call the layer: on two tensors, a list of them, or the only one."""
        if self.name == "MultiHeadAttention":
            return self.layer(*inputs, **options)
        return self.layer(inputs if len(inputs) > 1 else inputs[0], **options)


def _at_once(keras: Any, asked: _Asked) -> Any:
    if asked.weights and asked.name == "MultiHeadAttention":  # built by its first call
        asked.on([_tensor(keras, each) for each in asked.x])
    elif asked.weights:
        shapes = [each.shape for each in asked.x]
        asked.layer.build(shapes if len(shapes) > 1 else shapes[0])
    asked.layer.set_weights(asked.weights)
    options = {
        name: _tensor(keras, each) if isinstance(each, np.ndarray) else each
        for name, each in asked.options.items()
    }
    if asked.name == "Softmax":
        options["mask"] = _tensor(keras, asked.masks[0])
        given = [_tensor(keras, asked.x[0])]
    else:
        given = [_masked(keras, x, m) for x, m in zip(asked.x, asked.masks)]  # noqa: B905
    out = asked.on(given, **options)
    found = {"output": _array(keras, out)}
    mask = getattr(out, "_keras_mask", None)
    if mask is None and hasattr(keras, "src"):
        mask = _kept_aside(out)
    if mask is not None:
        found["mask"] = _array(keras, mask)
    found.update(_named(asked.layer.get_weights()))
    return found


def _in_graph(adapter: Any, asked: _Asked) -> Any:
    """Keras 2.0 to 2.3 know graphs alone."""
    backend, tensorflow = adapter.api.keras.backend, adapter.backend.tf
    given = [backend.placeholder(x.shape) for x in asked.x]
    fed, inputs, masks = list(asked.x), list(given), []
    for mask in asked.masks:
        masks.append(None if mask is None else backend.placeholder(mask.shape, dtype="bool"))
        if mask is not None:
            inputs.append(masks[-1])
            fed.append(mask)
    only = len(given) == 1
    said = masks[0] if only else masks
    takes = inspect.signature(asked.layer.call).parameters
    options = {name: each for name, each in asked.options.items() if name in takes}
    asked.layer.build(asked.x[0].shape if only else [x.shape for x in asked.x])
    # What the layer says to a mask that it does not support; there is no call without a graph.
    emitted = asked.layer.compute_mask(given[0] if only else given, said)
    if "mask" in takes:
        options["mask"] = said
    out = asked.on(given, **options)
    if asked.weights:
        asked.layer.set_weights(asked.weights)
    # What is fed cannot be fetched as it is.
    wanted = [out] if emitted is None else [out, tensorflow.identity(emitted)]
    found = backend.function(inputs, wanted, updates=asked.layer.updates)(fed)
    return {
        **dict(zip(["output", "mask"], map(np.asarray, found))),  # noqa: B905
        **_named(asked.layer.get_weights()),
    }


def _masked(keras: Any, x: Any, mask: Any) -> Any:
    """A tensor that carries a mask, as any layer before it might have made it."""
    tensor = _tensor(keras, x)
    if mask is None:
        return tensor
    said = _tensor(keras, mask)

    class Masks(keras.layers.Layer):  # type: ignore[misc]
        supports_masking = True

        def __init__(self) -> None:
            super().__init__()
            self.supports_masking = True

        def call(self, inputs: Any) -> Any:
            return inputs

        def compute_mask(self, _inputs: Any, _previous: Any = None) -> Any:
            return said

    return Masks()(tensor)


def _kept_aside(tensor: Any) -> Any:
    """The mask of a tensor that takes no attributes."""
    try:
        from keras.src.backend.common.masking import get_keras_mask
    except ImportError:
        return None
    return get_keras_mask(tensor)


def _tensor(keras: Any, x: Any) -> Any:
    if hasattr(keras, "ops"):
        return keras.ops.convert_to_tensor(x)
    return keras.backend.constant(x, dtype=str(x.dtype))


def _array(keras: Any, tensor: Any) -> Any:
    if hasattr(keras, "ops"):
        return np.asarray(keras.ops.convert_to_numpy(tensor))
    return np.asarray(tensor)


def _numbered(arrays: Any, stem: str) -> Any:
    names = [stem + str(number) for number in range(len(arrays))]
    return [arrays[name] for name in names if name in arrays]


def _named(weights: Any) -> Any:
    return {"weight" + str(number): np.asarray(each) for number, each in enumerate(weights)}


TASKS = {"call": call}
