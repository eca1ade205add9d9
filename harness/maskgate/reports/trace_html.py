"""A trace as one self-contained HTML page: the answer first, then what it rests on."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from maskgate.engines.trace_found import AS_EXPECTED, LOST, Layer, Trace
from maskgate.reports.page import Page, link, part, table
from maskgate.reports.trace_gradient_svg import Heat, gradient_drawing, heats_of
from maskgate.reports.trace_mask_svg import mask_drawing
from maskgate.reports.trace_wording import (
    COLUMNS,
    facts,
    facts_of,
    layer_rows,
    output_title,
    who_line,
)
from maskgate.reports.wording import brief

_WAYS = "The way of the mask"
_HEAT = "The gradient over batch and time"


def trace_to_html(found: Trace) -> str:
    """The whole trace as the text of an HTML document."""
    page = Page(f"maskgate trace: {found.target}")
    header = part(page.body, "header")
    part(header, "h1", f"Trace of {found.target}: do labels of masked steps matter?")
    if found.failures:
        for failure in found.failures:
            part(header, "p", f"Not traced: {failure}", class_="answer")
        return _finished(page)
    good = " good" if found.exit_status == AS_EXPECTED else ""
    part(header, "p", found.answer, class_=f"answer{good}")
    part(header, "p", who_line(found), class_="quiet")
    for note in found.notes:
        part(header, "p", f"Note: {note}")
    main = part(page.body, "main")
    _add_way(page, main, found)
    _add_measured(main, found)
    _add_gradient(page, main, found)
    _add_known(main, found)
    _add_again(main, found)
    return _finished(page)


def _finished(page: Page) -> str:
    page.footer()
    return str(page)


def _add_way(page: Page, main: ET.Element, found: Trace) -> None:
    section = _section(main, _WAYS)
    caption = "Each layer in the order of its call, and what goes from one to another."
    page.picture(section, mask_drawing(found, heading=False), caption)
    layers = [layer for layer in found.layers if layer.number]
    body = table(section, "What each layer makes of the mask", COLUMNS)
    for layer, (name, *cells, way) in zip(layers, layer_rows(found), strict=True):
        row = part(body, "tr")
        part(row, "th", name.strip() or layer.name, scope="row", style=f"--depth:{layer.depth}")
        for cell in cells:
            part(row, "td", cell)
        part(row, "td", way, class_=f"way {_way_class(layer)}")
    warned = [layer for layer in layers if layer.warnings]
    if warned:
        part(section, "h3", "What layers warned about")
        told = part(section, "ul")
        for layer in warned:
            for warning in layer.warnings:
                part(told, "li", f"{layer.name} ({layer.kind}): {' '.join(warning.split())}")


def _way_class(layer: Layer) -> str:
    if layer.way in LOST:
        return "bad-way"
    return "good-way" if layer.mask_out is not None else "quiet"


def _add_measured(main: ET.Element, found: Trace) -> None:
    section = _section(main, "What was measured")
    part(section, "p", "On the compiled model, each time from the same weights.", class_="quiet")
    for output in found.outputs:
        title = f"{output_title(output.name)}: loss {output.loss or 'none'}"
        part(section, "h3", _sentence(title))
        _add_pairs(section, facts_of(output))
    part(section, "h3", "The whole model")
    _add_pairs(section, facts(found))


def _add_gradient(page: Page, main: ET.Element, found: Trace) -> None:
    drawing = gradient_drawing(found, heading=False)
    if drawing is None:
        return
    section = _section(main, _HEAT)
    caption = (
        "The largest size of d loss / d prediction at each step of each sample. Masked steps are "
        "crossed out; they are red where their gradient is not 0."
    )
    page.picture(section, drawing, caption)
    for heat in heats_of(found):
        _add_numbers(section, heat)


def _add_numbers(section: ET.Element, heat: Heat) -> None:
    """The same as numbers, for who cannot see the picture or wants them exactly."""
    details = part(section, "details")
    part(details, "summary", _sentence(f"{output_title(heat.name)} in numbers"))
    samples, steps = heat.drawn
    header = ["sample", *(f"step {step}" for step in range(steps))]
    body = table(details, f"Size of the gradient of {output_title(heat.name)}", header)
    for sample in range(samples):
        row = part(body, "tr")
        part(row, "th", str(sample), scope="row", class_="number")
        for step in range(steps):
            value, masked = float(heat.values[sample, step]), heat.masked[sample, step]
            words = f"{brief(value)} (masked)" if masked else brief(value)
            part(row, "td", words, **({"class_": "bad-way"} if masked and value != 0 else {}))


def _add_known(main: ET.Element, found: Trace) -> None:
    if not found.known:
        return
    told = part(_section(main, "What is known of this"), "ul")
    for known in found.known:
        item = part(told, "li", f"{_sentence(known.about)}: {known.sentence} ")
        link(item, known.link)


def _add_again(main: ET.Element, found: Trace) -> None:
    section = _section(main, "Who ran it, and how to repeat it")
    shown = ("id", "keras", "backend", "framework", "python", "numpy", "device", "family")
    pairs = [(key, str(found.subject[key])) for key in shown if found.subject.get(key)]
    _add_pairs(section, [("subject", pairs[0][1]), *pairs[1:]])
    for note in found.subject.get("notes", ()):
        part(section, "p", f"Note: {note}")
    part(section, "pre", found.command)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _section(main: ET.Element, title: str) -> ET.Element:
    section = part(main, "section")
    part(section, "h2", title)
    return section


def _add_pairs(parent: ET.Element, pairs: Iterable[tuple[str, str]]) -> None:
    told = part(parent, "dl")
    for name, text in pairs:
        part(told, "dt", name)
        part(told, "dd", text)
