"""One masked forward pass of a layer as frozen data. Knows no framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from maskgate.case.cases import array_from_dict, array_to_dict
from maskgate.case.dtypes import AnyArray

Setting = bool | int | str | None
# A mask may be of numbers: 0 masks a step, anything else does not.
MASK_DTYPES = ("bool", "int32", "float32")


@dataclass(frozen=True)
class LayerCase:
    """What one call of a layer is given, float32.

    Attributes:
        layer: Keras class name, such as `LSTM`.
        parameters: constructor arguments, plain data.
        x: `(batch, steps, features)`, float32.
        mask: `(batch, steps)`, of one of `MASK_DTYPES`; None for none.
        weights: the layer's weights in the order of `get_weights`, float32.
        cut: where the steps are cut into two calls of the layer, one after the other; None for one
            call.
        reset: whether the layer's states are reset between the calls.

    A wrapper's `parameters` hold the class name of the layer inside as `wrapped`, and that layer's
    arguments beside its own `merge_mode`.
    """

    layer: str
    parameters: Mapping[str, Setting]
    x: AnyArray
    mask: AnyArray | None = None
    weights: tuple[AnyArray, ...] = field(default=())
    cut: int | None = None
    reset: bool = False

    def __post_init__(self) -> None:
        """Freeze the arrays.

        Raises:
            ValueError: when the shapes do not fit each other, the mask's dtype is another one, or
                there is nothing before or behind the cut.
        """
        x = _frozen(self.x, np.float32)
        if x.ndim != 3:
            raise ValueError(f"a layer is given (batch, steps, features); got shape {x.shape}")
        if self.cut is not None and not 0 < self.cut < x.shape[1]:
            raise ValueError(f"{x.shape[1]} steps cannot be cut at {self.cut}")
        object.__setattr__(self, "x", x)
        object.__setattr__(self, "parameters", dict(self.parameters))
        weights = tuple(_frozen(each, np.float32) for each in self.weights)
        object.__setattr__(self, "weights", weights)
        if self.mask is not None:
            mask = _frozen(self.mask, np.asarray(self.mask).dtype)
            if mask.dtype.name not in MASK_DTYPES:
                raise ValueError(f"a mask is of {', '.join(MASK_DTYPES)}; got {mask.dtype}")
            if mask.shape != x.shape[:2]:
                raise ValueError(f"a mask for {x.shape} has shape {x.shape[:2]}; got {mask.shape}")
            object.__setattr__(self, "mask", mask)

    @property
    def valid(self) -> AnyArray:
        """Which steps count: `(batch, steps)`, bool."""
        every = np.ones(self.x.shape[:2], bool)
        return every if self.mask is None else np.asarray(self.mask) != 0

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as `from_dict` reads it."""
        return {
            "layer": self.layer,
            "parameters": dict(self.parameters),
            "x": array_to_dict(self.x),
            "mask": array_to_dict(self.mask),
            "weights": [array_to_dict(each) for each in self.weights],
            "cut": self.cut,
            "reset": self.reset,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LayerCase:
        """The case that `to_dict` wrote.

        Raises:
            ValueError: when something is missing or damaged.
        """
        try:
            weights = tuple(array_from_dict(each) for each in data["weights"])
            x, mask = array_from_dict(data["x"]), array_from_dict(data["mask"])
            if x is None or any(each is None for each in weights):
                raise ValueError("only the mask may be missing")
            kept = tuple(each for each in weights if each is not None)
            calls = data.get("cut"), bool(data.get("reset"))
            return cls(data["layer"], data["parameters"], x, mask, kept, *calls)
        except (KeyError, TypeError) as problem:
            raise ValueError(f"not a layer case: {type(problem).__name__}: {problem}") from problem


def _frozen(values: AnyArray, dtype: type[np.generic] | np.dtype[Any]) -> AnyArray:
    array = np.array(values, dtype=dtype)
    array.flags.writeable = False
    return array
