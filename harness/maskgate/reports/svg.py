"""Drawings as trees of elements, so that they are always well-formed."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

FONT = "ui-sans-serif, system-ui, sans-serif"
# What XML 1.0 cannot hold: a layer may have any name.
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Drawing:
    """One SVG picture.

    Args:
        width: in pixels.
        height: in pixels.
        title: what it shows, for who cannot see it.
    """

    def __init__(self, width: float, height: float, title: str) -> None:
        self.root = ET.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "width": number(width),
                "height": number(height),
                "viewBox": f"0 0 {number(width)} {number(height)}",
                "role": "img",
                "font-family": FONT,
                "font-size": "13",
            },
        )
        ET.SubElement(self.root, "title").text = clean(title)
        self.add("rect", width="100%", height="100%", fill="#ffffff")

    def add(self, tag: str, **attributes: str | float) -> ET.Element:
        """Add an element. Underscores of attribute names stand for hyphens."""
        given = {
            name.replace("_", "-"): value if isinstance(value, str) else number(value)
            for name, value in attributes.items()
        }
        return ET.SubElement(self.root, tag, given)

    def text(self, x: float, y: float, words: str, **attributes: str | float) -> None:
        """Add a line of text whose baseline starts at a point."""
        self.add("text", x=x, y=y, **{"fill": "#222222", **attributes}).text = clean(words)

    def hint(self, element: ET.Element, words: str) -> None:
        """What is shown when the pointer rests on an element."""
        ET.SubElement(element, "title").text = clean(words)

    def __str__(self) -> str:
        ET.indent(self.root, " ")
        return ET.tostring(self.root, encoding="unicode") + "\n"


def number(value: float) -> str:
    """A coordinate, as short as it is exact enough."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def clean(words: str) -> str:
    """Text without what XML cannot hold."""
    return _FORBIDDEN.sub("?", words)
