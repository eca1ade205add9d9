"""What each layer that the framework exports makes of a mask: one masked batch, one call each.

The layers are found in the framework, and their arguments guessed from their names, so that a layer
of a release that nobody has seen yet is asked like the others.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..adapter import NotOfferedError, readable
from . import models, zoo_graphs
from .graphs import own_graph
from .zoo_arguments import GIVEN, arguments, inputs

KEPT, CHANGED, USED_UP, MADE = "kept", "changed", "used up", "made"
SILENT, LOUD = "dropped silently", "dropped with a warning"
REFUSED = "refused for its mask"
# Neither kept nor lost: the layer could not be made or called here, or no mask can be given to it.
NOT_ASKED = "not asked"
TAKEN = ", and taken off the input"

# No layers of a model: bases to inherit from, and what starts a model.
BASES = ("AbstractRNNCell", "InputLayer", "Layer", "Recurrent", "Wrapper")
# The first release whose layers can be called on arrays.
EAGER = (2, 4)

_STEPS = 4  # of the batch, as (2, 4, 3)
# Some layers draw a number and hand on their very input: a flip that was not drawn keeps the mask.
# Such a layer is asked this often, and what is worst of its mask is what it does.
_DRAWS = 10
_WORST = (SILENT, LOUD, CHANGED)


def masks(adapter: Any, parameters: Any, _arrays: Any) -> Any:
    """What becomes of the mask of a batch in each layer.

    Args:
        adapter: the release.
        parameters: `layers`, a list of names; empty for all that the framework exports.
        _arrays: none.

    Returns:
        In the data, `layers`: by name `mask` (what becomes of it), `call` (how the layer was made),
        `given` (what it was called with) and `said` (its warning or error).
    """
    keras = adapter.api.keras
    if not hasattr(keras, "layers"):
        raise NotOfferedError("no layers there")
    names = parameters["layers"] or exported(keras)
    return {"layers": {name: _asked(adapter, name) for name in names}}, {}


def names(adapter: Any, _parameters: Any, _arrays: Any) -> Any:
    """In the data, `layers`: the names of all layers that the framework exports."""
    keras = adapter.api.keras
    return {"layers": exported(keras) if hasattr(keras, "layers") else []}, {}


def exported(keras: Any) -> list[str]:
    """Names of the layer classes, the public name of each class once."""
    base = keras.layers.Layer
    found: dict[Any, str] = {}
    for name in sorted(dir(keras.layers)):
        each = getattr(keras.layers, name)
        if not inspect.isclass(each) or not issubclass(each, base):
            continue
        if issubclass(each, keras.models.Model) or name in BASES:
            continue
        # `Conv1D` and `Convolution1D` are one: the name that the class itself has.
        if each not in found or name == each.__name__:
            found[each] = name
    return sorted(found.values())


def _asked(adapter: Any, name: str) -> dict[str, str]:
    keras = adapter.api.keras
    kind = getattr(keras.layers, name, None)
    if kind is None:
        raise NotOfferedError("no layer " + name)
    nothing = {"mask": NOT_ASKED, "call": name + "(...)", "given": "", "said": ""}
    refused: dict[str, str] = {}
    first: dict[str, str] = {}
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for written, make in arguments(keras, kind, name):
            try:
                make()
            except Exception as problem:
                first = first or _told(NOT_ASKED, written, "", problem)
                continue
            for given in GIVEN:
                del said[:]
                try:
                    found = _worst(adapter, make, given)
                except Exception as problem:
                    told = _told(NOT_ASKED, written, given, problem)
                    if _about_masks(told["said"]):
                        refused = refused or {**told, "mask": REFUSED}
                    first = first or told
                    continue
                loud = [str(each.message) for each in said if _about_masks(str(each.message))]
                return {
                    "mask": found.replace(SILENT, LOUD) if loud else found,
                    "call": written,
                    "given": given,
                    "said": loud[0][:300] if loud else "",
                }
    return refused or first or nothing


def _told(mask: str, call: str, given: str, problem: Exception) -> dict[str, str]:
    kind = type(problem).__name__
    said = (kind + ": " + readable(str(problem), kind)).split("\n")[0][:300]
    return {"mask": mask, "call": call, "given": given, "said": said}


def _about_masks(message: str) -> bool:
    return "mask" in message.lower()


def _worst(adapter: Any, make: Any, given: str) -> str:
    """What becomes of the mask; of several calls the worst where the layer draws numbers."""
    found = [_called(adapter, make(), given)]
    if found[0] == KEPT and _draws(make()):
        found += [_called(adapter, make(), given) for _ in range(_DRAWS - 1)]
    return next((each for each in _WORST if each in found), found[0])


def _draws(layer: Any) -> bool:
    return type(layer).__name__.startswith("Rand") and any(
        hasattr(layer, name) for name in ("seed", "seed_generator", "_random_generator")
    )


def _called(adapter: Any, layer: Any, given: str) -> str:
    mask, emitted, shape, taken = _ask(adapter, layer, given)
    if mask is None:
        return MADE if emitted is not None else NOT_ASKED
    off = TAKEN if taken else ""
    if emitted is not None:
        alike = emitted.shape == mask.shape and bool(np.array_equal(emitted, mask))
        return (KEPT if alike else CHANGED) + off
    # What looks at the mask and leaves no steps to mask has used it.
    looks = "mask" in inspect.signature(layer.call).parameters or hasattr(layer, "layer")
    steps = len(shape) >= 2 and shape[1] == _STEPS
    return (USED_UP if looks and not steps else SILENT) + off


def _ask(adapter: Any, layer: Any, given: str) -> Any:
    if models.release(adapter.api.keras) >= EAGER:
        return _called_eagerly(adapter, layer, given)
    with own_graph(adapter):
        return zoo_graphs.called(adapter, layer, given)


def _called_eagerly(adapter: Any, layer: Any, given: str) -> Any:
    keras = adapter.api.keras
    x = inputs(keras, given)
    first_in = next(_tensors(x))
    mask = getattr(first_in, "_keras_mask", None)
    out = layer(*x) if isinstance(x, tuple) else layer(x)
    first_out = next(_tensors(out))
    emitted = getattr(first_out, "_keras_mask", None)
    taken = mask is not None and getattr(first_in, "_keras_mask", None) is None
    arrays = [None if each is None else _array(keras, each) for each in (mask, emitted)]
    return arrays[0], arrays[1], tuple(int(size) for size in first_out.shape), taken


def _tensors(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for each in value:
            yield from _tensors(each)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
    else:
        yield value


def _array(keras: Any, tensor: Any) -> Any:
    if hasattr(keras, "ops"):
        return np.asarray(keras.ops.convert_to_numpy(tensor))
    return np.asarray(tensor)


TASKS = {"exported": names, "masks": masks}
