"""Calls of a layer with given weights and a mask."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..adapter import NotOfferedError
from .graphs import own_graph
from .models import release

# Arguments that old releases lack: before there was a choice the reset gate of a GRU stood before
# the product, and masked steps repeated the last output.
LATER = ("reset_after", "zero_output_for_mask")
WRAPPERS = ("Bidirectional", "TimeDistributed")


def forward(adapter: Any, parameters: Any, arrays: Any) -> Any:
    """What a layer gives in one call or in two, in inference.

    Args:
        adapter: the release.
        parameters: `layer`, the class name, and `arguments` of its constructor, those of the layer
            inside a wrapper too, whose class is `wrapped`; `cut`, the steps of the first of two
            calls, and whether to `reset` the states between them; whether the call is `traced`,
            with numbers of samples and steps that the layer is not told.
        arrays: `x`, `(batch, steps, features)`; `mask`, `(batch, steps)`, if there is one; and
            the weights as `weight0`, `weight1` ...

    Returns:
        `output` and the last states as `state0` ...; `backward`, the second output of a
        Bidirectional that merges nothing; the `mask` that TimeDistributed hands on. What the second
        call gives has `then_` before its name. No data.
    """
    keras = adapter.api.keras
    if not hasattr(getattr(keras, "layers", None), parameters["layer"]):
        raise NotOfferedError("no layer " + parameters["layer"])
    names = ["weight" + str(number) for number in range(len(arrays))]
    weights = [arrays[name] for name in names if name in arrays]
    cut = parameters.get("cut")
    mask = arrays.get("mask")
    calls = [
        (arrays["x"][:, steps], None if mask is None else mask[:, steps])
        for steps in ([slice(None)] if cut is None else [slice(None, cut), slice(cut, None)])
    ]
    said = parameters["layer"], parameters["arguments"], weights, calls
    if release(keras) < (2, 4):
        with own_graph(adapter):
            answers = _in_graph(keras, *said, bool(parameters.get("reset")))
    else:
        answers = _at_once(adapter, *said, parameters)
    found = {}
    for prefix, answer in zip(["", "then_"], answers):  # noqa: B905
        keys = ["output", "state0", "state1"]
        if parameters["layer"] == "Bidirectional":
            keys = ["output", "backward"]
        elif parameters["layer"] == "TimeDistributed":
            keys = ["output", "mask"]
        found.update({prefix + key: each for key, each in zip(keys, answer)})  # noqa: B905
    return {}, found


def _made(keras: Any, name: str, arguments: Any) -> Any:
    if name not in WRAPPERS:
        states = {} if name == "Dense" else {"return_state": True}
        return _with_what_there_is(getattr(keras.layers, name), arguments, states)
    kind = getattr(keras.layers, name)
    # That masked steps give zeros is for the wrapper to say to its layers.
    own = ("wrapped", "merge_mode", "zero_output_for_mask")
    given = {k: v for k, v in arguments.items() if k not in own}
    inside = _with_what_there_is(getattr(keras.layers, arguments["wrapped"]), given, {})
    return kind(inside, **{k: v for k, v in arguments.items() if k == "merge_mode"})


def _with_what_there_is(kind: Any, arguments: Any, states: Any) -> Any:
    try:
        return kind(**dict(arguments, **states))
    except (TypeError, ValueError) as problem:
        name = next((each for each in LATER if each in arguments and each in str(problem)), None)
        if name is None:
            raise
        if arguments[name]:
            raise NotOfferedError("no " + name) from problem
        others = {key: value for key, value in arguments.items() if key != name}
        return _with_what_there_is(kind, others, states)


def _reset(layer: Any) -> None:
    # Keras 3 says it of one state.
    (layer.reset_states if hasattr(layer, "reset_states") else layer.reset_state)()


def _at_once(
    adapter: Any, name: str, arguments: Any, weights: Any, calls: Any, parameters: Any
) -> Any:
    keras = adapter.api.keras
    layer = _made(keras, name, arguments)
    layer.build(calls[0][0].shape)
    layer.set_weights(weights)

    def call(x: Any, mask: Any) -> Any:
        out = layer(x, mask=mask)
        out = list(out) if isinstance(out, (list, tuple)) else [out]
        if name == "TimeDistributed" and mask is not None:
            out.append(getattr(out[0], "_keras_mask", None))
        return out

    if parameters.get("traced"):
        call = _traced(adapter.backend.tf, call, calls[0], arguments.get("stateful"))
    answers: list[Any] = []
    for x, mask in calls:
        if answers and parameters.get("reset"):
            _reset(layer)
        if hasattr(keras, "ops"):
            tensor, array = keras.ops.convert_to_tensor, keras.ops.convert_to_numpy
        else:
            tensor, array = keras.backend.constant, np.asarray
        given = [None if each is None else _tensor(tensor, each) for each in (x, mask)]
        answers.append([_nothing() if each is None else array(each) for each in call(*given)])
    return answers


def _tensor(tensor: Any, array: Any) -> Any:
    return tensor(array, dtype=str(array.dtype))


def _nothing() -> Any:
    """A mask that is not there."""
    return np.zeros((), "bool")


def _traced(tf: Any, call: Any, first: Any, stateful: Any) -> Any:
    """The call as a graph that learns numbers of samples and steps as it runs."""
    x, mask = first
    batch = x.shape[0] if stateful else None  # states have a size of their own
    given = [tf.TensorSpec((batch, None, x.shape[2]), x.dtype)]
    if mask is None:
        alone = tf.function(lambda x: call(x, None), input_signature=given)
        return lambda x, _: alone(x)
    return tf.function(call, input_signature=[*given, tf.TensorSpec((batch, None), mask.dtype)])


def _in_graph(keras: Any, name: str, arguments: Any, weights: Any, calls: Any, reset: bool) -> Any:
    """Keras 2.0 to 2.3 know graphs alone."""
    backend = keras.backend
    layer = _made(keras, name, arguments)
    x, mask = calls[0]
    steps = x.shape[1] if len(calls) == 1 else None
    given = backend.placeholder((x.shape[0], steps, x.shape[2]))
    inputs, said = [given], None
    if mask is not None:
        said = backend.placeholder((x.shape[0], steps), dtype=str(mask.dtype))
        inputs = [given, said]
    found = layer(given) if name == "TimeDistributed" else layer(given, mask=said)
    found = list(found) if isinstance(found, (list, tuple)) else [found]
    if name == "TimeDistributed" and said is not None:
        # What is fed cannot be fetched: the same numbers in another tensor.
        handed = layer.compute_mask(given, said)
        found.append(backend.zeros(()) if handed is None else backend.cast(handed, "float64"))
    layer.set_weights(weights)
    ask = backend.function(inputs, found, updates=layer.updates)
    answers: list[Any] = []
    for call in calls:
        if answers and reset:
            _reset(layer)
        answers.append([np.asarray(each) for each in ask([a for a in call if a is not None])])
    return answers


TASKS = {"forward": forward}
