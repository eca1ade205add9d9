"""The model, layer by layer, with the way of the mask drawn through it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from maskgate.engines.trace_found import LOST, Layer, Output, Trace
from maskgate.reports.svg import Drawing, lines_of, shortened, width_of
from maskgate.reports.trace_lines import LANE, End, Line, draw_lines, lanes_of
from maskgate.reports.trace_wording import STATE_WORDS, shape_text, valid_text, way_text

_ROW, _BOX, _WIDTH, _INDENT, _MARGIN = 44, 30, 450, 24, 20
_SHAPES = 180  # room for shapes, as far as the name beside them leaves it
_LINE = 20  # height of a line of text
_FILLS = {
    **{way: way for way in ("made", "kept", "changed", "used")},
    **dict.fromkeys(LOST, "lost"),
    "none": "idle",
}
# What the lines mean: what is drawn, its width, and the words.
_KEY = (("masked", 3.0, "carries a mask"), ("plain", 1.5, "carries none"))


@dataclass(frozen=True)
class _Grid:
    """Where rows are.

    Attributes:
        left: where boxes that are not indented start.
        top: where the first row starts.
    """

    left: float
    top: float

    def place(self, row: int, depth: int = 0) -> End:
        """The box of a row."""
        top = self.top + _ROW * row
        return End(row, self.left + _INDENT * depth, top, top + _BOX)


def mask_svg(found: Trace) -> str:
    """The picture as a file of its own, with the target and the answer over it."""
    return str(mask_drawing(found))


def mask_drawing(found: Trace, heading: bool = True) -> Drawing:
    """The picture: wide green lines carry a mask, thin grey ones none; red is where it ends.

    Args:
        found: the trace.
        heading: whether the target and the answer stand over it.
    """
    layers = [layer for layer in found.layers if layer.number]
    deepest = max((layer.depth for layer in layers), default=0)
    words = [_words(layer) for layer in layers] + [STATE_WORDS[o.state] for o in found.outputs]
    beside = max((width_of(text) for text in words), default=0)
    # The lanes do not depend on where the boxes are.
    lanes = max(lanes_of([*_lines(found, layers, _Grid(0, 0))]), default=0)
    left = _MARGIN + LANE * (lanes + 2)
    width = left + _INDENT * deepest + _WIDTH + 14 + max(beside, 150) + _MARGIN
    room = width - 2 * _MARGIN
    title = lines_of(found.target, room, 16) if heading else []
    answer = lines_of(found.answer, room) if heading else []
    grid = _Grid(left, _MARGIN + _LINE * (len(title) + len(answer)) + (10 if heading else 0))
    rows = len(found.inputs) + len(layers) + len(found.outputs)
    name = f"The way of the mask: {found.target}"
    drawing = Drawing(width, grid.top + _ROW * rows + 34, name, _description(found, layers))
    for number, line in enumerate(title):
        drawing.text(_MARGIN, 30 + _LINE * number, line, font_size=16, font_weight="bold")
    for number, line in enumerate(answer, len(title)):
        drawing.text(_MARGIN, 30 + _LINE * number, line, fill="quiet")
    draw_lines(drawing, [*_lines(found, layers, grid)], left - LANE)
    _draw_boxes(drawing, found, layers, grid)
    _draw_key(drawing, grid.place(rows))
    return drawing


def _draw_boxes(drawing: Drawing, found: Trace, layers: Sequence[Layer], grid: _Grid) -> None:
    inputs = len(found.inputs)
    for row, (shape, dtype) in enumerate(found.inputs):
        name = f"input {row + 1}" if inputs > 1 else "input"
        _draw_box(drawing, grid.place(row), name, "", f"{shape_text(shape)} {dtype}", "paper")
    for row, layer in enumerate(layers, inputs):
        _draw_layer(drawing, layer, grid.place(row, layer.depth))
    for row, output in enumerate(found.outputs, inputs + len(layers)):
        _draw_output(drawing, output, grid.place(row))


def _description(found: Trace, layers: Sequence[Layer]) -> str:
    """The picture in words."""
    told = [f"{layer.name} ({layer.kind}): {_words(layer) or 'no mask'}" for layer in layers]
    told += [f"loss of {output.name}: {STATE_WORDS[output.state]}" for output in found.outputs]
    return "; ".join(told) + "."


def _words(layer: Layer) -> str:
    """What stands beside a layer."""
    words = way_text(layer)
    if layer.mask_out is not None:
        words += f": {shape_text(layer.mask_out.shape)}, {valid_text(layer.mask_out)} valid"
    return words


def _draw_layer(drawing: Drawing, layer: Layer, place: End) -> None:
    shapes = " ".join(shape_text(shape) for shape in layer.shapes)
    _draw_box(drawing, place, layer.name, f"({layer.kind})", shapes, _FILLS[layer.way])
    colour = "broken" if layer.way in LOST else "masked" if layer.mask_out else "quiet"
    drawing.text(place.x + _WIDTH + 14, place.top + 20, _words(layer), fill=colour)


def _draw_output(drawing: Drawing, output: Output, place: End) -> None:
    good = output.state in ("ignored", "used", "none")
    fill = "kept" if output.state == "ignored" else "idle" if good else "lost"
    _draw_box(drawing, place, f"loss of {output.name}", "", output.loss, fill)
    colour = "masked" if output.state == "ignored" else "quiet" if good else "broken"
    drawing.text(place.x + _WIDTH + 14, place.top + 20, STATE_WORDS[output.state], fill=colour)


def _draw_box(drawing: Drawing, place: End, name: str, kind: str, right: str, fill: str) -> None:
    """A box with a name and its class at the left, and what else there is at the right.

    What there is no room for is left out, of the name last; the hint has all of it.
    """
    box = drawing.add(
        "rect",
        x=place.x,
        y=place.top,
        width=_WIDTH,
        height=_BOX,
        rx=6,
        fill=fill,
        stroke="edge",
    )
    drawing.hint(box, f"{name} {kind}: {right}".replace(" :", ":"))
    room = _WIDTH - 32.0
    right = shortened(right, max(_SHAPES, room - width_of(f"{name} {kind}")))
    room -= width_of(right)
    kind = shortened(kind, room / 2) if width_of(f"{name} {kind}") > room else kind
    left = f"{shortened(name, room - width_of(f' {kind}'))} {kind}".strip()
    drawing.text(place.x + 10, place.top + 20, left)
    drawing.text(place.x + _WIDTH - 10, place.top + 20, right, text_anchor="end", fill="quiet")


def _lines(found: Trace, layers: Sequence[Layer], grid: _Grid) -> Iterator[Line]:
    """A line from everything that a layer or a loss takes."""
    inputs = len(found.inputs)
    places = {
        layer.number: grid.place(row, layer.depth) for row, layer in enumerate(layers, inputs)
    }
    for layer in layers:
        for source, taken in zip(layer.sources, layer.taken, strict=True):
            end = places[layer.number]
            if source in places:
                masked = found.layer(source).mask_out is not None
                yield Line(places[_last_inside(source, found)], end, masked)
            elif taken is not None and layer.parent == 0:
                yield Line(grid.place(taken), end, masked=False)
            elif layer.parent in places and layer.parent is not None:
                yield Line(places[layer.parent], end, layer.mask_in is not None)
    for row, output in enumerate(found.outputs, inputs + len(layers)):
        if output.made_by in places:
            start = places[_last_inside(output.made_by, found)]
            yield Line(start, grid.place(row), output.mask is not None)


def _last_inside(number: int, found: Trace) -> int:
    """Where lines from a layer start: at the last layer inside, where it is a model."""
    inside = [layer.number for layer in found.layers if layer.parent == number]
    return _last_inside(inside[-1], found) if inside else number


def _draw_key(drawing: Drawing, place: End) -> None:
    """What the lines and the red boxes mean."""
    x, y = place.x, place.top + 12
    for colour, width, words in _KEY:
        drawing.add("path", d=f"M {x:g} {y:g} h 24", stroke=colour, stroke_width=width)
        drawing.text(x + 32, y + 4, words, fill="quiet")
        x += 52 + width_of(words)
    drawing.add("rect", x=x, y=y - 7, width=24, height=14, fill="lost", stroke="edge")
    drawing.text(x + 32, y + 4, "the mask ends here, or is not applied", fill="quiet")
