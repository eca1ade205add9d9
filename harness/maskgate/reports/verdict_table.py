"""The table of a subject on a terminal: one line a property, however narrow the terminal is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.style import Style
from rich.table import Table
from rich.text import Text

from maskgate.reports.links import address
from maskgate.reports.report import Report
from maskgate.reports.wording import findings_of, in_mode, modes_of, note, rounded
from maskgate.verdicts.model import KINDS, Result

_STYLES = {
    "holds": "green",
    "known": "yellow",
    "new": "bold red",
    "fixed": "bold magenta",
    "skipped": "dim",
    "error": "bold red",
}
_INDENT = 2
# Blanks between columns: the second where the terminal is too narrow for the first.
_GAPS = (2, 1)
# Room for the number of a note that stands below the table: `[12]`.
_NUMBER = 4


@dataclass
class _Notes:
    """What stands beside the verdicts, as far as there is room; the rest stands below, numbered."""

    room: int
    below: dict[str, Text] = field(default_factory=dict)

    def cell(self, text: str, link: str | None) -> Text:
        shown = Text(text, Style(link=link))
        if cell_len(text) <= self.room:
            return shown
        self.below.setdefault(text, shown)
        return Text(f"[{[*self.below].index(text) + 1}]", "dim")


def verdict_word(word: str) -> Text:
    """A verdict in its colour."""
    return Text(word, _STYLES.get(word, "dim"))


def show_table(report: Report, results: Sequence[Result], out: Console) -> None:
    """Print the results of one subject: a line a property, and below the notes that are too long.

    Args:
        report: what they are of.
        results: of one subject.
        out: where to; its width decides which notes stand in the table.
    """
    modes = modes_of(results) or ("verdict",)
    head = ["property", *modes, "examples", "worst"]
    rows = {id(result): _cells(result, modes) for result in results}
    widths = [
        max(cell_len(each) for each in column) for column in zip(head, *rows.values(), strict=True)
    ]
    gap = next((gap for gap in _GAPS if _room(widths, gap, out) >= _NUMBER), _GAPS[-1])
    notes = _Notes(max(_room(widths, gap, out), _NUMBER))
    table = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="dim")
    for name in head:
        right = name in ("examples", "worst")
        table.add_column(name, justify="right" if right else "left", no_wrap=True)
    table.add_column("note", no_wrap=True)
    for kind in KINDS:
        of_kind = [result for result in results if result.kind == kind]
        if of_kind:
            table.add_row(Text(kind, "bold"))
        for result in of_kind:
            name, *verdicts, examples, worst = rows[id(result)]
            link = next((f.link for f in findings_of(report, result) if f.link), None)
            beside = notes.cell(note(report, result), address(link) if link else None)
            table.add_row(name, *map(verdict_word, verdicts), examples, worst, beside)
    out.print(Padding(table, (0, 0, 0, _INDENT if gap == _GAPS[0] else 0), expand=False))
    if notes.below:
        out.print()
    for number, text in enumerate(notes.below.values(), 1):
        out.print(Text.assemble((f"  [{number}] ", "dim"), text), soft_wrap=True)
    if any({"known", "holds"} <= set(result.modes.values()) for result in results):
        out.print()
        out.print(Text("  holds beside known: the deviation is not seen in that mode", "dim"))


def _cells(result: Result, modes: Sequence[str]) -> list[str]:
    verdicts = [in_mode(result, mode) for mode in modes]
    return [f"  {result.property}", *verdicts, str(result.examples), rounded(result.worst)]


def _room(widths: Sequence[int], gap: int, out: Console) -> int:
    """Blanks that the other columns leave to the last one."""
    indent = _INDENT if gap == _GAPS[0] else 0
    return out.width - indent - sum(widths) - gap * len(widths)
