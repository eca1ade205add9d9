"""A heat map of the gradient of the loss by the predictions, over batch and time."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree as ET

import numpy as np

from maskgate.case import AnyArray
from maskgate.engines.trace_found import Trace
from maskgate.reports.svg import Drawing, lines_of, shortened
from maskgate.reports.trace_report import by_step
from maskgate.reports.trace_wording import output_title
from maskgate.reports.wording import brief

_CELL, _MARGIN, _AXIS, _LINE = 24, 20, 56, 20
_HEAD = 92  # over the cells of an output: its name, the scale, the numbers of the steps
_FOOT = 34
_UNIT = 50  # beside the numbers of the steps: what they are
_SAMPLES, _STEPS = 48, 96  # as many are drawn
_LEAST = 0.15  # the share of the colour that the smallest size but 0 has
_SCALE = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Heat:
    """The gradient of one output.

    Attributes:
        name: of the output.
        values: its largest size at each step, of shape `(batch, time)`.
        masked: which steps are masked, of the same shape.
    """

    name: str
    values: AnyArray
    masked: AnyArray

    @property
    def drawn(self) -> tuple[int, int]:
        """How many samples and steps are drawn."""
        return min(self.values.shape[0], _SAMPLES), min(self.values.shape[1], _STEPS)

    @property
    def largest(self) -> float:
        """The largest size of all that are finite."""
        return float(self.values[np.isfinite(self.values)].max(initial=0.0))

    @property
    def height(self) -> float:
        """Of its picture, in pixels."""
        return _HEAD + _CELL * self.drawn[0] + _FOOT


def gradient_svg(found: Trace) -> str | None:
    """The picture as a file of its own; None where no output has a gradient over time."""
    drawing = gradient_drawing(found)
    return None if drawing is None else str(drawing)


def gradient_drawing(found: Trace, heading: bool = True) -> Drawing | None:
    """The picture; None where no output has a gradient over time.

    Each cell is the largest size of the gradient at one step of one sample, on a scale from the
    colour of the paper (exactly 0) to blue (the largest of the output). A masked step is crossed
    out, and red where its gradient is not 0.

    Args:
        found: the trace.
        heading: whether the target stands over it.
    """
    heats = heats_of(found)
    if not heats:
        return None
    widest = max(each.drawn[1] for each in heats)
    width = max(2 * _MARGIN + _AXIS + _CELL * widest + _UNIT, 620)
    title = f"d loss / d prediction over batch and time: {found.target}"
    lines = lines_of(title, width - 2 * _MARGIN, 15) if heading else []
    top = float(_LINE * len(lines) + (12 if heading else 0))
    described = " ".join(_description(each) for each in heats)
    drawing = Drawing(width, top + sum(each.height for each in heats), title, described)
    for number, line in enumerate(lines):
        drawing.text(_MARGIN, 28 + _LINE * number, line, font_size=15, font_weight="bold")
    for each in heats:
        _draw(drawing, top, each, width - 2 * _MARGIN)
        top += each.height
    return drawing


def heats_of(found: Trace) -> list[Heat]:
    """The gradients over batch and time, of the outputs that have one."""
    return [
        _heat(output.name, gradient, found.arrays.get(f"mask_{number}"))
        for number, output in enumerate(found.outputs)
        if (gradient := found.arrays.get(f"gradient_{number}")) is not None and gradient.ndim > 2
    ]


def _heat(name: str, gradient: AnyArray, mask: AnyArray | None) -> Heat:
    values = by_step(gradient)
    if mask is None or mask.ndim < 2:
        return Heat(name, values, np.zeros(values.shape, bool))
    return Heat(name, values, np.logical_not(mask.reshape(*mask.shape[:2], -1).any(axis=2)))


def _description(each: Heat) -> str:
    """The picture of one output in words."""
    at_masked = each.values[each.masked]
    words = (
        f"{output_title(each.name)}: the largest size of a finite gradient is {brief(each.largest)}"
    )
    if at_masked.size:
        moved = np.count_nonzero(at_masked)
        words += f"; it is not 0 at {moved} of {at_masked.size} masked steps"
    return f"{words}."


def _draw(drawing: Drawing, top: float, each: Heat, room: float) -> None:
    drawing.text(_MARGIN, top + 24, shortened(output_title(each.name), room), font_weight="bold")
    _draw_scale(drawing, top + 34, each)
    left, first = _MARGIN + _AXIS, top + _HEAD
    samples, steps = each.drawn
    drawing.text(_MARGIN, first - 8, "batch ↓", fill="quiet", font_size=11)
    drawing.text(left + _CELL * steps + 8, first - 8, "time →", fill="quiet", font_size=11)
    for step in range(0, steps, _every(steps)):
        _draw_number(drawing, left + _CELL * (step + 0.5), first - 8, step, "middle")
    for sample in range(0, samples, _every(samples)):
        _draw_number(drawing, left - 8, first + _CELL * sample + 16, sample, "end")
    for sample in range(samples):
        for step in range(steps):
            x, y = left + _CELL * step, first + _CELL * sample
            _draw_cell(drawing, x, y, each, sample, step)
    rest = each.values.size - samples * steps
    if rest:
        words = f"{rest} steps more are not drawn"
        drawing.text(left, first + _CELL * samples + 20, words, fill="quiet")


def _draw_scale(drawing: Drawing, top: float, each: Heat) -> None:
    """What the colours mean: from 0 to the largest, and the signs of a masked step."""
    x = float(_MARGIN)
    drawing.text(x, top + 16, "0", fill="quiet", font_size=11)
    for number, share in enumerate(_SCALE):
        at = x + 12 + _CELL * number
        _draw_square(drawing, at, top, share, "heat")
    x += 12 + _CELL * len(_SCALE) + 6
    words = f"{each.largest:.3g}"
    drawing.text(x, top + 16, words, fill="quiet", font_size=11)
    x += 12 + 7 * len(words)
    if each.masked.any():
        for share, colour, words in ((0.0, "heat", "masked, 0"), (0.7, "broken", "masked, not 0")):
            _draw_square(drawing, x, top, share, colour)
            _draw_cross(drawing, x, top)
            drawing.text(x + _CELL + 6, top + 16, words, fill="quiet", font_size=11)
            x += _CELL + 18 + 7 * len(words)
    if not np.isfinite(each.values).all():
        _draw_square(drawing, x, top, 1.0, "ink")
        drawing.text(x + _CELL + 6, top + 16, "not finite", fill="quiet", font_size=11)


def _every(count: int) -> int:
    """Every which row or column has its number."""
    return 1 if count <= 24 else 5


def _draw_number(drawing: Drawing, x: float, y: float, value: int, anchor: str) -> None:
    drawing.text(x, y, str(value), fill="quiet", font_size=11, text_anchor=anchor)


def _draw_cell(drawing: Drawing, x: float, y: float, each: Heat, sample: int, step: int) -> None:
    value, masked = float(each.values[sample, step]), bool(each.masked[sample, step])
    if np.isfinite(value):
        share = value / each.largest if value else 0.0
        cell = _draw_square(drawing, x, y, share, "broken" if masked else "heat")
    else:
        cell = _draw_square(drawing, x, y, 1.0, "ink")
    words = f"sample {sample}, step {step}: {brief(value)}"
    drawing.hint(cell, f"{words}, masked" if masked else words)
    if masked:
        _draw_cross(drawing, x, y)


def _draw_square(drawing: Drawing, x: float, y: float, share: float, colour: str) -> ET.Element:
    """A square whose colour is as strong as its share of the largest; none at exactly 0."""
    opacity = _LEAST + (1 - _LEAST) * share if share else 0.0
    return drawing.add(
        "rect",
        x=x,
        y=y,
        width=_CELL,
        height=_CELL,
        fill=colour,
        fill_opacity=opacity,
        stroke="grid",
    )


def _draw_cross(drawing: Drawing, x: float, y: float) -> None:
    line = f"M {x + 5:g} {y + 5:g} l {_CELL - 10} {_CELL - 10}"
    drawing.add("path", d=line, stroke="ink", stroke_width=1.25)
