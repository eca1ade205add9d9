"""The lines of the picture of a mask: each in a lane of its own beside the boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from maskgate.reports.svg import Drawing

LANE = 13  # how far lanes are apart
_CORNER, _HEAD, _APART = 6, 7, 6


@dataclass(frozen=True)
class End:
    """A box that a line starts or ends at: its row, its left edge, its upper and its lower one."""

    row: int
    x: float
    top: float
    bottom: float

    @property
    def middle(self) -> float:
        """Half its height."""
        return (self.top + self.bottom) / 2


@dataclass(frozen=True)
class Line:
    """A line from a box to one below it, and whether it carries a mask."""

    start: End
    end: End
    masked: bool

    @property
    def beside(self) -> bool:
        """Whether it passes by other boxes."""
        return self.end.row != self.start.row + 1


def lanes_of(lines: Sequence[Line]) -> list[int]:
    """The lane of each line, 0 next to the boxes, so that no two lines lie on one another.

    Short lines are nearest to the boxes. A line that passes by no box is given 0 and uses none.
    """
    taken: list[list[tuple[int, int]]] = []
    lanes = [0] * len(lines)
    long = [number for number, line in enumerate(lines) if line.beside]
    for number in sorted(long, key=lambda n: (_rows(lines[n])[1] - _rows(lines[n])[0], n)):
        first, last = _rows(lines[number])
        lane = next(
            (
                lane
                for lane, others in enumerate(taken)
                if all(last <= start or end <= first for start, end in others)
            ),
            len(taken),
        )
        if lane == len(taken):
            taken.append([])
        taken[lane].append((first, last))
        lanes[number] = lane
    return lanes


def draw_lines(drawing: Drawing, lines: Sequence[Line], left: float) -> None:
    """Draw them, those that carry a mask on top.

    Args:
        drawing: the picture.
        lines: what to draw.
        left: where the lane next to the boxes is.
    """
    for line, lane in sorted(
        zip(lines, lanes_of(lines), strict=True), key=lambda pair: pair[0].masked
    ):
        _draw(drawing, line, left - LANE * lane)


def _rows(line: Line) -> tuple[int, int]:
    return min(line.start.row, line.end.row), max(line.start.row, line.end.row)


def _draw(drawing: Drawing, line: Line, lane: float) -> None:
    """Straight down to the next row; through its lane to any other."""
    colour, width = ("masked", 3.0) if line.masked else ("plain", 1.5)
    start, end = line.start, line.end
    if not line.beside:
        x = max(start.x, end.x) + 24
        path = f"M {x:g} {start.bottom:g} V {end.top - _HEAD + 1:g}"
        head = f"M {x:g} {end.top:g} l -4.5 {-_HEAD} h 9 z"
    else:
        # It leaves below the place where others arrive.
        leaves, arrives = start.middle + _APART, end.middle - _APART
        turn = _CORNER if arrives > leaves else -_CORNER
        path = (
            f"M {start.x:g} {leaves:g} H {lane + _CORNER:g} "
            f"Q {lane:g} {leaves:g} {lane:g} {leaves + turn:g} V {arrives - turn:g} "
            f"Q {lane:g} {arrives:g} {lane + _CORNER:g} {arrives:g} H {end.x - _HEAD + 1:g}"
        )
        head = f"M {end.x:g} {arrives:g} l {-_HEAD} -4.5 v 9 z"
    drawing.add("path", d=path, fill="none", stroke=colour, stroke_width=width)
    drawing.add("path", d=head, fill=colour)
