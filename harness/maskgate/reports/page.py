"""A self-contained HTML page as a tree of elements: nothing to load, no script, text escaped."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from importlib import resources
from xml.etree import ElementTree as ET

from maskgate import __version__
from maskgate.reports.links import FINDINGS, address, is_finding
from maskgate.reports.svg import Drawing, clean, dark_rules

# A page that is sent on must not ask anything of the machine that it is read on.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_META = {"viewport": "width=device-width, initial-scale=1", "color-scheme": "light dark"}


class Page:
    """One page in English.

    Args:
        title: what stands in the tab of a browser.
    """

    def __init__(self, title: str) -> None:
        self._root = ET.Element("html", {"lang": "en"})
        self._head = ET.SubElement(self._root, "head")
        # First: the title may hold any letter.
        part(self._head, "meta", charset="utf-8")
        part(self._head, "meta", http_equiv="Content-Security-Policy", content=_POLICY)
        for name, content in _META.items():
            part(self._head, "meta", name=name, content=content)
        part(self._head, "title", title)
        self.body = ET.SubElement(self._root, "body")
        self._drawings: list[ET.Element] = []

    def picture(self, parent: ET.Element, drawing: Drawing, caption: str) -> None:
        """Add a drawing with its caption, in a box that scrolls where the page is narrower."""
        figure = part(parent, "figure")
        inlined = copy.deepcopy(drawing.root)
        scrolling(figure, caption).append(inlined)
        part(figure, "figcaption", caption)
        self._drawings.append(inlined)

    def footer(self) -> None:
        """Say what made the page."""
        part(self.body, "footer", f"Written by maskgate {__version__}.")

    def __str__(self) -> str:
        root = copy.deepcopy(self._root)
        css = resources.files("maskgate.reports").joinpath("page.css").read_text("utf-8")
        style = f"\n{css}{dark_rules(self._drawings)}\n"
        ET.SubElement(root[0], "style").text = style
        ET.indent(root, " ")
        return f"<!DOCTYPE html>\n{ET.tostring(root, encoding='unicode', method='html')}\n"


def part(parent: ET.Element, tag: str, words: str = "", **attributes: str) -> ET.Element:
    """Add an element with a text; a closing underscore of an attribute's name is left out."""
    given = {name.rstrip("_").replace("_", "-"): clean(v) for name, v in attributes.items()}
    element = ET.SubElement(parent, tag, given)
    element.text = clean(words)
    return element


def scrolling(parent: ET.Element, name: str) -> ET.Element:
    """Add a box for what may be wider than the page; it can be reached and scrolled by keys."""
    return part(parent, "div", class_="scroll", role="region", tabindex="0", aria_label=name)


def table(parent: ET.Element, caption: str, columns: Sequence[str]) -> ET.Element:
    """Add a table with a header, in a box that scrolls; the body, for rows."""
    made = part(scrolling(parent, caption), "table")
    part(made, "caption", caption)
    row = part(part(made, "thead"), "tr")
    for column in columns:
        part(row, "th", column, scope="col")
    return part(made, "tbody")


def link(parent: ET.Element, where: str) -> None:
    """Add a link: to a public thread, or to the folder of a finding on this machine.

    A finding that is not on this machine is named without a link.
    """
    name = f"finding {where.removeprefix(FINDINGS)}" if is_finding(where) else where
    if is_finding(where) and address(where) == where:
        part(parent, "span", name)
    else:
        part(parent, "a", name, href=address(where))
