"""One call of a layer with masks on its inputs, as frozen data. Knows no framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from maskgate.case.cases import array_from_dict, array_to_dict
from maskgate.case.dtypes import AnyArray

Arrays = tuple[AnyArray, ...]

Argument = bool | int | str | float


@dataclass(frozen=True)
class LayerCall:
    """What one call of a layer is given, float32.

    Attributes:
        layer: Keras class name, such as `MultiHeadAttention`.
        arguments: of the constructor, plain data.
        inputs: the input tensors in their order, float32: `(batch, steps, features)`.
        masks: one for each input, bool, or None for none: `(batch, steps)`; of the input's shape
            where a layer looks at each element.
        weights: the layer's weights in the order of `get_weights`, float32.
        options: further arguments of the call, plain data.
        attention_mask: `(batch, queries, keys)`, bool, or None.
        training: whether the layer is called in training; None where it does not ask.
    """

    layer: str
    arguments: Mapping[str, Argument]
    inputs: Arrays
    masks: tuple[AnyArray | None, ...]
    weights: Arrays = ()
    options: Mapping[str, Argument] = field(default_factory=dict)
    attention_mask: AnyArray | None = None
    training: bool | None = None

    def __post_init__(self) -> None:
        """Freeze the arrays.

        Raises:
            ValueError: when the shapes do not fit each other.
        """
        inputs = tuple(_frozen(each, np.float32) for each in self.inputs)
        masks = tuple(None if each is None else _frozen(each, np.bool_) for each in self.masks)
        if len(masks) != len(inputs):
            raise ValueError(f"{len(inputs)} inputs need as many masks; got {len(masks)}")
        for x, mask in zip(inputs, masks, strict=True):
            if mask is not None and mask.shape not in (x.shape[:2], x.shape):
                raise ValueError(f"a mask for {x.shape} has shape {x.shape[:2]}; got {mask.shape}")
        said = None if self.attention_mask is None else _frozen(self.attention_mask, np.bool_)
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "masks", masks)
        object.__setattr__(self, "weights", tuple(_frozen(e, np.float32) for e in self.weights))
        object.__setattr__(self, "attention_mask", said)
        object.__setattr__(self, "arguments", dict(self.arguments))
        object.__setattr__(self, "options", dict(self.options))

    def valid(self, number: int = 0) -> AnyArray:
        """The mask of an input; all True where it has none."""
        mask = self.masks[number]
        return np.ones(self.inputs[number].shape[:2], np.bool_) if mask is None else mask

    def arrays(self) -> dict[str, AnyArray]:
        """All arrays by name: `input0`, `mask0`, `weight0` ..., `attention_mask`."""
        stems = {"input": self.inputs, "mask": self.masks, "weight": self.weights}
        found = {
            f"{stem}{number}": each
            for stem, arrays in stems.items()
            for number, each in enumerate(arrays)
            if each is not None
        }
        if self.attention_mask is not None:
            found["attention_mask"] = self.attention_mask
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as `from_dict` reads it."""
        return {
            "layer": self.layer,
            "arguments": dict(self.arguments),
            "options": dict(self.options),
            "training": self.training,
            "inputs": [array_to_dict(each) for each in self.inputs],
            "masks": [array_to_dict(each) for each in self.masks],
            "weights": [array_to_dict(each) for each in self.weights],
            "attention_mask": array_to_dict(self.attention_mask),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LayerCall:
        """The call that `to_dict` wrote.

        Raises:
            ValueError: when something is missing or damaged.
        """
        try:
            return cls(
                data["layer"],
                data["arguments"],
                _present(data["inputs"]),
                tuple(array_from_dict(each) for each in data["masks"]),
                _present(data["weights"]),
                data["options"],
                array_from_dict(data["attention_mask"]),
                data["training"],
            )
        except (KeyError, TypeError) as problem:
            raise ValueError(f"not a layer call: {type(problem).__name__}: {problem}") from problem


def _present(data: Any) -> Arrays:
    arrays = tuple(array_from_dict(each) for each in data)
    if any(each is None for each in arrays):
        raise ValueError("only masks may be missing")
    return tuple(each for each in arrays if each is not None)


def _frozen(values: AnyArray, dtype: type[np.generic]) -> AnyArray:
    array = np.array(values, dtype=dtype)
    array.flags.writeable = False
    return array
