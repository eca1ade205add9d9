"""The model, layer by layer, with the way of the mask drawn through it."""

from __future__ import annotations

from dataclasses import dataclass

from maskgate.engines.trace_found import LOST, Layer, Output, Trace
from maskgate.reports.svg import Drawing
from maskgate.reports.trace_wording import shape_text, valid_text, way_text

_ROW, _BOX, _WIDTH, _INDENT, _MARGIN = 44, 30, 380, 24, 20
_LEFT = 90  # room for the lines that pass by other layers
_MASKED, _PLAIN, _BROKEN = "#1a7f37", "#b0b7c0", "#cf222e"
_FILLS = {
    "made": "#c8efd2",
    "kept": "#e6f7ea",
    "changed": "#fff3cd",
    "used": "#d9ecff",
    "none": "#f4f5f7",
    **dict.fromkeys(LOST, "#ffd9d9"),
}


@dataclass(frozen=True)
class _Place:
    """Where a row is: its number from the top, how far it is indented."""

    row: int
    depth: int

    @property
    def x(self) -> float:
        return _MARGIN + _LEFT + _INDENT * self.depth

    @property
    def y(self) -> float:
        return 64 + _ROW * self.row


def mask_svg(found: Trace) -> str:
    """The picture as SVG text. Green lines carry a mask, grey ones none; red is where it ends."""
    layers = [layer for layer in found.layers if layer.number]
    inputs = len(found.inputs)
    places = {layer.number: _Place(inputs + n, layer.depth) for n, layer in enumerate(layers)}
    rows = inputs + len(layers) + len(found.outputs)
    deepest = max((layer.depth for layer in layers), default=0)
    width = 2 * _MARGIN + _LEFT + _INDENT * deepest + _WIDTH + 290
    drawing = Drawing(width, 64 + _ROW * rows + _MARGIN, f"The way of the mask: {found.target}")
    drawing.text(_MARGIN, 24, found.target, font_size=16, font_weight="bold")
    drawing.text(_MARGIN, 46, found.answer, fill="#57606a")
    for layer in layers:
        _draw_lines(drawing, layer, places, found)
    for number, (shape, dtype) in enumerate(found.inputs):
        words = f"input {number + 1}" if inputs > 1 else "input"
        _draw_box(drawing, _Place(number, 0), words, f"{shape_text(shape)} {dtype}", "#ffffff")
    for layer in layers:
        _draw_layer(drawing, layer, places[layer.number])
    for number, output in enumerate(found.outputs):
        _draw_output(drawing, output, _Place(inputs + len(layers) + number, 0), places, found)
    return str(drawing)


def _draw_layer(drawing: Drawing, layer: Layer, place: _Place) -> None:
    shapes = " ".join(shape_text(shape) for shape in layer.shapes)
    _draw_box(drawing, place, f"{layer.name} ({layer.kind})", shapes, _FILLS[layer.way])
    words = way_text(layer)
    if layer.mask_out is not None:
        words += f" {shape_text(layer.mask_out.shape)}, {valid_text(layer.mask_out)} valid"
    colour = _BROKEN if layer.way in LOST else _MASKED if layer.mask_out else "#57606a"
    drawing.text(place.x + _WIDTH + 14, place.y + 20, words.strip(), fill=colour)


def _draw_box(drawing: Drawing, place: _Place, left: str, right: str, fill: str) -> None:
    box = drawing.add(
        "rect",
        x=place.x,
        y=place.y,
        width=_WIDTH,
        height=_BOX,
        rx=6,
        fill=fill,
        stroke="#8c959f",
    )
    drawing.hint(box, f"{left}: {right}")
    room = max(8, 50 - len(right))
    drawing.text(place.x + 10, place.y + 20, left if len(left) <= room else left[: room - 1] + "…")
    drawing.text(place.x + _WIDTH - 10, place.y + 20, right, text_anchor="end", fill="#57606a")


def _draw_output(
    drawing: Drawing, output: Output, place: _Place, places: dict[int, _Place], found: Trace
) -> None:
    good = output.state in ("ignored", "used", "none")
    fill = "#e6f7ea" if output.state == "ignored" else "#f4f5f7" if good else "#ffd9d9"
    _draw_box(drawing, place, f"loss of {output.name}", output.loss, fill)
    words = {
        "ignored": "masked labels ignored",
        "matter": "masked labels matter",
        "lost": "the mask is lost",
        "used": "the mask is used up",
        "none": "no mask",
        "unclear": "not told",
    }[output.state]
    drawing.text(place.x + _WIDTH + 14, place.y + 20, words, fill=_MASKED if good else _BROKEN)
    if output.made_by in places:
        start = _end_of(output.made_by, places, found)
        _draw_line(drawing, start, place, _MASKED if output.mask else _PLAIN)


def _draw_lines(drawing: Drawing, layer: Layer, places: dict[int, _Place], found: Trace) -> None:
    """A line from everything that a layer takes."""
    for source, taken in zip(layer.sources, layer.taken, strict=True):
        if source in places:
            start, masked = _end_of(source, places, found), found.layer(source).mask_out is not None
        elif taken is not None and layer.parent == 0:
            start, masked = _Place(taken, 0), False
        elif layer.parent in places and layer.parent is not None:
            start, masked = places[layer.parent], layer.mask_in is not None
        else:
            continue
        _draw_line(drawing, start, places[layer.number], _MASKED if masked else _PLAIN)


def _end_of(number: int, places: dict[int, _Place], found: Trace) -> _Place:
    """Where lines from a layer start: at the last layer inside, where it is a model."""
    inside = [layer.number for layer in found.layers if layer.parent == number]
    return _end_of(inside[-1], places, found) if inside else places[number]


def _draw_line(drawing: Drawing, start: _Place, end: _Place, colour: str) -> None:
    """Straight down to the next row; round the left of what is in between."""
    width = 3.0 if colour == _MASKED else 1.5
    if end.row == start.row + 1:
        x = max(start.x, end.x) + 24
        path = f"M {x} {start.y + _BOX} L {x} {end.y}"
    else:
        out = max(_MARGIN, min(start.x, end.x) - 14 - 6 * min(end.row - start.row, 11))
        path = (
            f"M {start.x} {start.y + _BOX / 2} C {out} {start.y + _BOX / 2}, "
            f"{out} {end.y + _BOX / 2}, {end.x} {end.y + _BOX / 2}"
        )
    drawing.add("path", d=path, fill="none", stroke=colour, stroke_width=width)
