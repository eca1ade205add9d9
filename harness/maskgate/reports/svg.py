"""Drawings as trees of elements, so that they are always well-formed."""

from __future__ import annotations

import copy
import re
import textwrap
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from rich.cells import cell_len

FONT = "ui-sans-serif, system-ui, sans-serif"
# How wide letters are at a size of 13, in a sans-serif font that is wide: text that is cut by this
# stays in its place whatever font the reader has.
LETTER = 8.3
_CAPITAL, _WIDEST, _IDEOGRAM = 10.3, 13.0, 16.0
# The colours by what they stand for: on a light page, and on a dark one.
PALETTE = {
    "paper": ("#ffffff", "#0d1117"),
    "ink": ("#1f2328", "#e6edf3"),
    "quiet": ("#57606a", "#b1bac4"),
    "edge": ("#8c959f", "#6e7681"),
    "grid": ("#d0d7de", "#3d444d"),
    "masked": ("#1a7f37", "#3fb950"),
    "plain": ("#8c959f", "#7d8590"),
    "broken": ("#cf222e", "#ff7b72"),
    "heat": ("#0550ae", "#58a6ff"),
    "made": ("#c8efd2", "#1b4a28"),
    "kept": ("#e6f7ea", "#12301b"),
    "changed": ("#fff3cd", "#3f3109"),
    "used": ("#d9ecff", "#10305a"),
    "idle": ("#f4f5f7", "#161b22"),
    "lost": ("#ffd9d9", "#5c1a1d"),
}
# What XML 1.0 cannot hold: a layer may have any name.
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Drawing:
    """One SVG picture, in the colours of `PALETTE`.

    Args:
        width: in pixels.
        height: in pixels.
        title: what it shows, for who cannot see it.
        description: the same at length.
    """

    def __init__(self, width: float, height: float, title: str, description: str = "") -> None:
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
        self.hint(self.root, title)
        if description:
            ET.SubElement(self.root, "desc").text = clean(description)
        self.add("rect", width="100%", height="100%", fill="paper")

    def add(self, tag: str, **attributes: str | float) -> ET.Element:
        """Add an element.

        Args:
            tag: its name.
            attributes: underscores of their names stand for hyphens. `fill` and `stroke` may be
                names in `PALETTE`.
        """
        given: dict[str, str] = {}
        roles = []
        for name, value in attributes.items():
            key = name.replace("_", "-")
            if key in ("fill", "stroke") and value in PALETTE:
                roles.append(f"{key}-{value}")
                value = PALETTE[str(value)][0]
            given[key] = value if isinstance(value, str) else number(value)
        if roles:
            given["class"] = " ".join(roles)
        return ET.SubElement(self.root, tag, given)

    def text(self, x: float, y: float, words: str, **attributes: str | float) -> None:
        """Add a line of text whose baseline starts at a point."""
        self.add("text", x=x, y=y, **{"fill": "ink", **attributes}).text = clean(words)

    def hint(self, element: ET.Element, words: str) -> None:
        """What is shown when the pointer rests on an element."""
        ET.SubElement(element, "title").text = clean(words)

    def __str__(self) -> str:
        """The picture as a file of its own, which follows the reader's colour scheme."""
        root = copy.deepcopy(self.root)
        style = ET.Element("style")
        style.text = dark_rules([root])
        root.insert(0, style)
        ET.indent(root, " ")
        return ET.tostring(root, encoding="unicode") + "\n"


def dark_rules(drawings: Iterable[ET.Element]) -> str:
    """The style sheet that gives drawings their dark colours, on a screen that asks for them."""
    roles = {
        role
        for drawing in drawings
        for element in drawing.iter()
        for role in element.get("class", "").split()
    }
    rules = []
    for role in sorted(roles):
        what, _, name = role.partition("-")
        rules.append(f".{role}{{{what}:{PALETTE[name][1]}}}")
    return f"@media screen and (prefers-color-scheme:dark){{{''.join(rules)}}}"


def number(value: float) -> str:
    """A coordinate, as short as it is exact enough."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def clean(words: str) -> str:
    """Text without what XML cannot hold."""
    return _FORBIDDEN.sub("?", words)


def width_of(words: str) -> float:
    """The room that a line of text may take at a size of 13, in pixels."""
    return sum(map(_width, words))


def _width(letter: str) -> float:
    if letter in "MWm@%":
        return _WIDEST
    cells = cell_len(letter)
    if cells == 2:
        return _IDEOGRAM
    return cells * (_CAPITAL if letter.isupper() or letter == "w" else LETTER)


def shortened(words: str, room: float) -> str:
    """A line of text with its end left out where it would take more than this many pixels."""
    if width_of(words) <= room:
        return words
    kept = 0
    left = room - _WIDEST
    while kept < len(words) and (left := left - _width(words[kept])) >= 0:
        kept += 1
    return words[: max(kept, 1)].rstrip() + "…"


def lines_of(words: str, room: float, size: float = 13) -> list[str]:
    """Text as lines that take no more than this many pixels each."""
    return textwrap.wrap(words, max(8, int(room * 13 / size / LETTER))) or [""]
