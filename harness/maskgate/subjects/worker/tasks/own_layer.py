"""One call of a user's own layer on a masked batch."""

from __future__ import annotations

from typing import Any

from ..adapter import NotOfferedError


def call(adapter: Any, _parameters: Any, arrays: Any) -> Any:
    """Its outputs, in inference.

    Args:
        adapter: made with the layer.
        _parameters: none.
        arrays: `x`, `(batch, steps, features)`; `mask`, `(batch, steps)` of any dtype, or none.

    Returns:
        The outputs as `output0` ... and the masks that they carry as `mask0` ...; in the data
        `warned`, what it said about masks.
    """
    layer = getattr(adapter, "own_layer", None)
    if layer is None:
        raise NotOfferedError("no layer of a user's")
    found = layer.call(arrays["x"], arrays.get("mask"))
    told = {"output" + str(i): each for i, each in enumerate(found.outputs)}
    told.update({"mask" + str(i): m for i, m in enumerate(found.masks) if m is not None})
    return {"warned": found.warned}, told


TASKS = {"call": call}
