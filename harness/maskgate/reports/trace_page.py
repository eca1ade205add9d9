"""A trace as one HTML file that needs no other: the answer, the pictures, and every number."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from maskgate.engines.trace_found import AS_EXPECTED, LOST, Trace
from maskgate.reports.svg import Drawing, clean
from maskgate.reports.trace_gradient_svg import gradient_drawing
from maskgate.reports.trace_mask_svg import mask_drawing
from maskgate.reports.trace_wording import COLUMNS, facts, facts_of, layer_rows, who_line

_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1f2328; --faint: #57606a;
  --line: #d0d7de; --good: #1a7f37; --bad: #cf222e; }
@media (prefers-color-scheme: dark) { :root { --paper: #0d1117; --ink: #e6edf3;
  --faint: #9ea7b3; --line: #3d444d; --good: #4ac26b; --bad: #ff7b72; } }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 ui-sans-serif, system-ui, sans-serif; }
main { max-width: 64rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.5rem; line-height: 1.3; border-left: 0.35rem solid var(--good);
  padding-left: 0.8rem; }
h1.unexpected { border-color: var(--bad); }
h2 { font-size: 1.15rem; margin: 2rem 0 0.6rem; }
p, dd { overflow-wrap: anywhere; }
.faint { color: var(--faint); }
.wide { overflow-x: auto; margin-bottom: 1rem; border: 1px solid var(--line); border-radius: 6px; }
svg { display: block; background: #fff; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
caption { text-align: left; color: var(--faint); padding: 0.5rem 0.6rem; }
th, td { text-align: left; padding: 0.3rem 0.6rem; border-top: 1px solid var(--line);
  white-space: nowrap; font-weight: normal; }
thead th { font-weight: 600; }
tr.lost td:last-child { color: var(--bad); font-weight: 600; }
dl { display: grid; grid-template-columns: 9rem 1fr; gap: 0.3rem 1rem; margin: 0; }
dt { color: var(--faint); }
dd { margin: 0; }
code { font-size: 0.9rem; overflow-wrap: anywhere; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } dd { margin-bottom: 0.5rem; } }
@media print { .wide { overflow: visible; border: 0; } svg { max-width: 100%; height: auto; } }
"""


def trace_to_html(found: Trace) -> str:
    """The whole trace as one page; nothing is loaded from anywhere, and nothing runs.

    Args:
        found: a trace that has an answer.
    """
    page = ET.Element("html", {"lang": "en"})
    head = ET.SubElement(page, "head")
    ET.SubElement(head, "meta", {"charset": "utf-8"})
    view = {"name": "viewport", "content": "width=device-width, initial-scale=1"}
    ET.SubElement(head, "meta", view)
    _add(head, "title", f"{found.target}: maskgate trace")
    ET.SubElement(head, "style").text = _STYLE
    main = ET.SubElement(ET.SubElement(page, "body"), "main")
    _add(main, "p", f"maskgate trace {found.target}", "faint")
    _add(main, "h1", found.answer, "expected" if found.exit_status == AS_EXPECTED else "unexpected")
    _add(main, "p", who_line(found), "faint")
    for note in found.notes:
        _add(main, "p", f"Note: {note}")
    _add(main, "h2", "The way of the mask")
    _add_picture(main, mask_drawing(found), "the model and the way of the mask")
    _add_layers(ET.SubElement(main, "div", _scrolled("the layers")), found)
    for output in found.outputs:
        _add(main, "h2", f"{output.name}: loss {output.loss}")
        _add_facts(main, facts_of(output))
    _add(main, "h2", "The whole model")
    _add_facts(main, facts(found))
    gradient = gradient_drawing(found)
    if gradient is not None:
        _add(main, "h2", "d loss / d prediction")
        _add_picture(main, gradient, "the gradient over batch and time")
    again = _add(main, "p", "Again: ", "faint")
    _add(again, "code", found.command)
    return "<!DOCTYPE html>\n" + ET.tostring(page, encoding="unicode", method="html") + "\n"


def _add(parent: ET.Element, tag: str, words: str, kind: str = "") -> ET.Element:
    element = ET.SubElement(parent, tag, {"class": kind} if kind else {})
    element.text = clean(words)
    return element


def _scrolled(label: str) -> dict[str, str]:
    """What is wider than the window scrolls by itself, with the keyboard too."""
    return {"class": "wide", "tabindex": "0", "role": "region", "aria-label": label}


def _add_picture(parent: ET.Element, drawing: Drawing, label: str) -> None:
    ET.SubElement(parent, "div", _scrolled(label)).append(drawing.root)


def _add_layers(parent: ET.Element, found: Trace) -> None:
    table = ET.SubElement(parent, "table")
    _add(table, "caption", "Layer by layer, in the order of the calls")
    titles = ET.SubElement(ET.SubElement(table, "thead"), "tr")
    for column in COLUMNS:
        _add(titles, "th", column).set("scope", "col")
    body = ET.SubElement(table, "tbody")
    ways = [layer for layer in found.layers if layer.number]
    for layer, (name, *cells) in zip(ways, layer_rows(found), strict=True):
        row = ET.SubElement(body, "tr", {"class": "lost"} if layer.way in LOST else {})
        first = _add(row, "th", name.strip())
        first.set("scope", "row")
        if layer.depth:
            first.set("style", f"padding-left: {0.6 + 1.2 * layer.depth:.1f}rem")
        for cell in cells:
            _add(row, "td", cell)


def _add_facts(parent: ET.Element, said: Iterable[tuple[str, str]]) -> None:
    facts_list = ET.SubElement(parent, "dl")
    for name, text in said:
        _add(facts_list, "dt", name)
        _add(facts_list, "dd", text)
