"""A heat map of the gradient of the loss by the predictions, over batch and time."""

from __future__ import annotations

import numpy as np

from maskgate.case import AnyArray
from maskgate.engines.trace_found import Trace
from maskgate.reports.svg import Drawing
from maskgate.reports.trace_report import by_step
from maskgate.reports.wording import brief

_CELL, _MARGIN, _HEAD = 24, 20, 64
_SAMPLES, _STEPS = 48, 96  # as many are drawn


def gradient_svg(found: Trace) -> str | None:
    """The picture as SVG text; None where no output has a gradient over time.

    Each cell is the largest size of the gradient at one step of one sample, on a scale from white
    (exactly 0) to blue (the largest of the output). A masked step is crossed out, and red where its
    gradient is not 0.
    """
    maps = [
        (output.name, by_step(gradient), found.arrays.get(f"mask_{number}"))
        for number, output in enumerate(found.outputs)
        if (gradient := found.arrays.get(f"gradient_{number}")) is not None and gradient.ndim > 2
    ]
    if not maps:
        return None
    widest = max(min(values.shape[1], _STEPS) for _, values, _ in maps)
    heights = [_HEAD + _CELL * min(values.shape[0], _SAMPLES) + 34 for _, values, _ in maps]
    width = max(2 * _MARGIN + 40 + _CELL * widest, 520)
    title = f"d loss / d prediction over batch and time: {found.target}"
    drawing = Drawing(width, 40 + sum(heights), title)
    drawing.text(_MARGIN, 26, title, font_size=15, font_weight="bold")
    top = 40.0
    for (name, values, mask), height in zip(maps, heights, strict=True):
        _draw(drawing, top, name, values, mask)
        top += height
    return str(drawing)


def _draw(drawing: Drawing, top: float, name: str, values: AnyArray, mask: AnyArray | None) -> None:
    largest = float(np.nanmax(values, initial=0.0)) if np.isfinite(values).any() else 0.0
    drawing.text(_MARGIN, top + 20, f"{name}: white is 0, blue {brief(largest)}")
    drawing.text(_MARGIN + 40, top + 46, "time →", fill="#57606a")
    drawing.text(_MARGIN, top + _HEAD + 16, "batch", fill="#57606a", font_size=11)
    samples, steps = min(values.shape[0], _SAMPLES), min(values.shape[1], _STEPS)
    for sample in range(samples):
        for step in range(steps):
            masked = mask is not None and mask.ndim > 1 and not mask[sample, step].any()
            x, y = _MARGIN + 40 + _CELL * step, top + _HEAD + _CELL * sample
            _draw_cell(drawing, x, y, float(values[sample, step]), largest, masked)
    rest = values.size - samples * steps
    words = "crossed out: masked" + (f"; {rest} steps more are not drawn" if rest else "")
    drawing.text(_MARGIN + 40, top + _HEAD + _CELL * samples + 18, words, fill="#57606a")


def _draw_cell(
    drawing: Drawing, x: float, y: float, value: float, largest: float, masked: bool
) -> None:
    cell = drawing.add(
        "rect", x=x, y=y, width=_CELL, height=_CELL, fill=_colour(value, largest, masked)
    )
    cell.set("stroke", "#d0d7de")
    drawing.hint(cell, f"{brief(value)}{', masked' if masked else ''}")
    if masked:
        line = f"M {x + 5} {y + 5} L {x + _CELL - 5} {y + _CELL - 5}"
        drawing.add("path", d=line, stroke="#8c959f", stroke_width=1.5)


def _colour(value: float, largest: float, masked: bool) -> str:
    """From white to blue, or to red where a masked step has a gradient; black is not finite."""
    if not np.isfinite(value):
        return "#000000"
    if value == 0 or largest == 0:
        return "#ffffff"
    share = 0.15 + 0.85 * min(value / largest, 1.0)
    end = (207, 34, 46) if masked else (9, 75, 170)
    mixed = [round(255 + (part - 255) * share) for part in end]
    return "#{:02x}{:02x}{:02x}".format(*mixed)
