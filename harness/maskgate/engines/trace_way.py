"""Where on its way to an output a mask ended."""

from __future__ import annotations

from collections.abc import Sequence

from maskgate.engines.trace_found import LOST, Layer

ENDS = (*LOST, "used")


def ends_of(layers: Sequence[Layer], made_by: int) -> tuple[int, ...]:
    """Numbers of the layers that end a mask on the way to an output, the nearest to it first.

    Args:
        layers: every layer.
        made_by: number of the layer that makes the output; negative where it is no layer.
    """
    known = {layer.number: layer for layer in layers}
    found: list[int] = []
    left, seen = [made_by] if made_by in known else _last(layers), set[int]()
    while left:
        number = left.pop(0)
        if number in seen or number not in known:
            continue
        seen.add(number)
        layer = known[number]
        if layer.mask_out is not None:
            continue
        if layer.way in ENDS:
            found += [each for each in _innermost(layers, layer) if each not in found]
        if layer.way not in ENDS or any(source < 0 for source in layer.sources):
            left += layer.sources
    return tuple(found)


def _last(layers: Sequence[Layer]) -> list[int]:
    """The last layer that the model itself calls: what is behind it is no layer."""
    own = [layer.number for layer in layers if layer.parent == 0]
    return own[-1:]


def _innermost(layers: Sequence[Layer], layer: Layer) -> list[int]:
    """The layers inside a nested model that end its mask; the model where none does."""
    inside = [
        each
        for child in layers
        if child.parent == layer.number and child.mask_out is None and child.way in ENDS
        for each in _innermost(layers, child)
    ]
    return inside[-1:] or [layer.number]
