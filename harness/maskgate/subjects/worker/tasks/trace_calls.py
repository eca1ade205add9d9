"""Watching the layers of an eager model: which is called with what mask, and what it gives out."""

from __future__ import annotations

import contextlib
import functools
import inspect
import warnings
from collections.abc import Callable, Iterator
from typing import Any

MODEL_INPUT, UNKNOWN = -1, -2  # where a tensor comes from, if not from a layer of the same model


class Call:
    """One call of one layer.

    Attributes:
        layer: the layer.
        parent: number of the call that made this one; None for the model itself.
        sources: for each input, the number of the call that made it, `MODEL_INPUT` where it came
            from outside of the enclosing model, or `UNKNOWN`: an operation that is no layer.
        taken: for each input, its number among the inputs of the whole model, or None.
        mask_in: mask of each input, as an array or None.
        mask_out: mask of each output.
        outputs: the tensors.
        shapes: shape of each.
        warnings: what the layer warned about.
    """

    def __init__(self, layer: Any, parent: int | None) -> None:
        self.layer, self.parent = layer, parent
        self.sources: list[int] = []
        self.taken: list[int | None] = []
        self.mask_in: list[Any] = []
        self.mask_out: list[Any] = []
        self.outputs: list[Any] = []
        self.shapes: list[Any] = []
        self.warnings: list[str] = []


class Watch:
    """Records every call of a layer that the user put there.

    Layers inside the framework's own layers (the cell of an LSTM) are not recorded.

    Args:
        keras: the imported package.
        mask_of: gives the mask of a tensor, or None.
        to_numpy: makes an array of a tensor.
    """

    def __init__(
        self, keras: Any, mask_of: Callable[[Any], Any], to_numpy: Callable[[Any], Any]
    ) -> None:
        self._base, self._model = keras.layers.Layer, keras.models.Model
        self._operation = _operation_class(keras)
        self._mask_of, self._to_numpy = mask_of, to_numpy
        self._own = keras.__name__.split(".")[0]
        self.calls: list[Call] = []
        self.outputs: list[Any] = []
        self._stack: list[int | None] = []
        self._made_by: dict[int, int] = {}
        self._given: dict[int, int] = {}
        self._kept: list[Any] = []  # an id is of one tensor only while that is alive

    def run(self, model: Any, inputs: Any) -> list[Any]:
        """Call the model in inference and return its outputs, flat."""
        for number, tensor in enumerate(flat(inputs)):
            self._given[id(tensor)] = number
            self._kept.append(tensor)
        with self._patched(), self._caught():
            outputs = model(inputs, training=False)
        return list(flat(outputs))

    def source(self, tensor: Any) -> int:
        """Number of the layer in the model that made an output of the model, or `UNKNOWN`."""
        made = [n for n, call in enumerate(self.calls) if any(tensor is t for t in call.outputs)]
        own = [number for number in made if self.calls[number].parent == 0]
        return own[-1] if own else UNKNOWN

    def shown(self) -> set[int]:
        """Numbers of the calls to tell of.

        Keras 3 puts the operations that compute a mask into the graph of a functional model; what
        they give is used by no layer there, and they are left out.
        """
        used = {source for call in self.calls for source in self._needed(call)}
        used.update(self.source(tensor) for tensor in self.outputs)
        return {
            number
            for number, call in enumerate(self.calls)
            if isinstance(call.layer, self._base) or number in used
        }

    def _needed(self, call: Call) -> list[int]:
        """Sources of a layer, and by way of operations, of those."""
        if not isinstance(call.layer, self._base):
            return []
        found, left = [], list(call.sources)
        while left:
            source = left.pop()
            if source >= 0 and source not in found:
                found.append(source)
                if not isinstance(self.calls[source].layer, self._base):
                    left += self.calls[source].sources
        return found

    def has_children(self, call: Call) -> bool:
        """Whether other layers were called inside."""
        number = self.calls.index(call)
        return any(other.parent == number for other in self.calls)

    def lost_before(self, call: Call) -> bool:
        """Whether an operation that is no layer stands between it and a layer that gave a mask."""
        if call.parent is None or UNKNOWN not in call.sources:
            return False
        before = [c for c in self.calls[: self.calls.index(call)] if c.parent == call.parent]
        return bool(before) and any(mask is not None for mask in before[-1].mask_out)

    @contextlib.contextmanager
    def _patched(self) -> Iterator[None]:
        with contextlib.ExitStack() as undo:
            for base in dict.fromkeys(filter(None, (self._base, self._operation))):
                original = base.__call__
                setattr(base, "__call__", self._recording(base, original))  # noqa: B010
                undo.callback(setattr, base, "__call__", original)
            yield

    def _recording(self, base: Any, original: Any) -> Any:
        @functools.wraps(original)
        def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
            if base is not self._base and isinstance(layer, self._base):
                return original(layer, *args, **kwargs)  # recorded as a layer already
            if self._is_shown(layer):
                return self._record(original, layer, args, kwargs)
            self._stack.append(None)
            try:
                return original(layer, *args, **kwargs)
            finally:
                self._stack.pop()

        return call

    def _is_shown(self, layer: Any) -> bool:
        if not self._stack:
            return True
        above = self._stack[-1]
        if above is None:
            return False
        parent = self.calls[above].layer
        if not isinstance(parent, self._model):
            own = type(parent).__module__.split(".")[0] == self._own
            return not own and isinstance(layer, self._base)
        return True

    def _record(self, original: Any, layer: Any, args: Any, kwargs: Any) -> Any:
        number, parent = len(self.calls), self._stack[-1] if self._stack else None
        call = Call(layer, parent)
        self.calls.append(call)
        for tensor in [*flat(args), *flat({k: kwargs[k] for k in kwargs if "mask" not in k})]:
            self._kept.append(tensor)
            call.sources.append(self._source_within(tensor, parent))
            call.taken.append(self._given.get(id(tensor)))
            call.mask_in.append(self._mask(tensor))
        for name, mask in kwargs.items():
            if name.endswith("mask") and name != "attention_mask":
                given = [self._to_numpy(each) for each in flat(mask)]
                if given and all(each is None for each in call.mask_in):
                    call.mask_in = given
        self._stack.append(number)
        try:
            outputs = original(layer, *args, **kwargs)
        finally:
            self._stack.pop()
        call.outputs = list(flat(outputs))
        for tensor in call.outputs:
            self._kept.append(tensor)
            self._made_by[id(tensor)] = number
            call.mask_out.append(self._mask(tensor))
            call.shapes.append(tuple(int(size) for size in tensor.shape))
        return outputs

    def _mask(self, tensor: Any) -> Any:
        mask = self._mask_of(tensor)
        return None if mask is None else self._to_numpy(mask)

    def _source_within(self, tensor: Any, parent: int | None) -> int:
        """Where a tensor comes from, seen from inside `parent`."""
        maker = self._made_by.get(id(tensor))
        if maker is not None and self.calls[maker].parent == parent:
            return maker
        if maker is not None or id(tensor) in self._given:
            return MODEL_INPUT
        # A functional model may convert its inputs; in any other one, code has made this tensor.
        if parent is not None and not has_graph(self.calls[parent].layer):
            return UNKNOWN
        return MODEL_INPUT

    @contextlib.contextmanager
    def _caught(self) -> Iterator[None]:
        """Keep each warning with the layer that is being called."""

        def keep(message: Any, *_: Any, **__: Any) -> None:
            if self._stack and self._stack[-1] is not None:
                self.calls[self._stack[-1]].warnings.append(" ".join(str(message).split()))

        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = keep
            yield


def has_graph(model: Any) -> bool:
    """Whether a model is made of layers that it calls itself: Sequential or functional."""
    names = {base.__name__ for base in type(model).__mro__}
    return bool(names & {"Sequential", "Functional"})


def flat(value: Any) -> Iterator[Any]:
    """The tensors in nested lists, tuples and dictionaries."""
    if isinstance(value, dict):
        for key in sorted(value, key=str):
            yield from flat(value[key])
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from flat(item)
    elif hasattr(value, "shape") and hasattr(value, "dtype"):
        yield value


def takes_mask(layer: Any) -> bool:
    """Whether the layer's `call` has an argument for a mask."""
    try:
        names = inspect.signature(layer.call).parameters
    except (TypeError, ValueError, AttributeError):
        return False
    return any(name == "mask" or name.endswith("_mask") for name in names)


def _operation_class(keras: Any) -> Any:
    """What Keras 3 makes of an operation on tensors in a functional model."""
    return getattr(keras, "Operation", None)
