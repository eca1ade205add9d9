"""A comparison on a terminal: progress on stderr while it runs, then the answer on stdout."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.padding import Padding
from rich.status import Status
from rich.table import Table
from rich.text import Text

from maskgate.reports.batch import batch
from maskgate.reports.diff_wording import (
    about,
    diff_outcome,
    facts,
    followed_sentence,
    repeat_diff,
)
from maskgate.reports.links import followed
from maskgate.reports.wording import counted, loss_line, subject_line, subject_notes
from maskgate.verdicts.difference import SIDES, Comparison, Difference

_STYLES = {
    "new": "bold red",
    "fixed": "bold magenta",
    "accepted": "yellow",
    "documented": "cyan",
    "undocumented": "bold yellow",
    "doubt": "bold red",
}
_EVERY_SECONDS = 0.2


class DiffProgress:
    """Shows how far a comparison is. A context manager: it is shown inside it.

    Args:
        console: where to; nothing is shown unless it is a terminal.
    """

    def __init__(self, console: Console) -> None:
        self._shown = console.is_terminal
        self._status = Status("starting both subjects", console=console)
        self._next = 0.0

    def __enter__(self) -> DiffProgress:
        if self._shown:
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._status.stop()

    def on_progress(self, examples: int, causes: int) -> None:
        """Show the number of examples and of causes so far."""
        if self._shown and time.monotonic() >= self._next:
            self._next = time.monotonic() + _EVERY_SECONDS
            self._status.update(f"{counted(examples, 'example')}, {counted(causes, 'cause')}")


def show_diff(comparison: Comparison, out: Console, *, folder: Path | None = None) -> None:
    """Print a comparison: who was asked, every difference, and the outcome.

    Args:
        comparison: what to print.
        out: where to.
        folder: where the scripts were written.
    """
    for side in SIDES:
        if side in comparison.subjects:
            _show_side(comparison, side, out)
    if comparison.subjects:
        out.print()
    for difference in comparison.differences:
        _show(difference, out, folder)
    if comparison.differences:
        out.print(Text(f"again: {repeat_diff(comparison)}", "dim"), soft_wrap=True)
    out.print(Text(diff_outcome(comparison), "bold"), soft_wrap=True)


def _show_side(comparison: Comparison, side: str, out: Console) -> None:
    who = comparison.subjects[side]
    line = Text.assemble((f"{side.upper()} {who['id']}", "bold"), f": {subject_line(who)}; ")
    out.print(line.append(followed_sentence(comparison, side)), soft_wrap=True)
    for text in subject_notes(who):
        out.print(Text(f"  note: {text}", "dim"), soft_wrap=True)


def _show(difference: Difference, out: Console, folder: Path | None) -> None:
    label = difference.cause.label
    heading = Text.assemble(
        (difference.verdict, _STYLES[difference.verdict]),
        " ",
        (label, _STYLES[label]),
        " ",
        (difference.title, "bold"),
    )
    out.print(heading, soft_wrap=True)
    out.print(Text(f"  {about(difference)}"), soft_wrap=True)
    out.print(Text(f"  {loss_line(difference.case)}"), soft_wrap=True)
    _show_batch(difference, out)
    for name, text in (*facts(difference), *_script(difference, folder)):
        text = followed(text) if name == "thread" else text
        out.print(Text.assemble((f"  {name:<8} ", "dim"), text), soft_wrap=True)
    out.print()


def _script(difference: Difference, folder: Path | None) -> list[tuple[str, str]]:
    if folder is None or difference.repro is None:
        return []
    return [("script", f"python {shlex.quote(str(folder / difference.repro))}")]


def _show_batch(difference: Difference, out: Console) -> None:
    small = batch(difference.case, None)
    if small.rows:
        table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
        for name in small.columns:
            table.add_column(name, overflow="fold")
        for row in small.rows:
            table.add_row(*(Text(cell) for cell in row))
        out.print(Padding(table, (0, 0, 0, 4), expand=False))
    if small.left_out:
        out.print(Text(f"    and {small.left_out} more", "dim"))
    for line in small.beside:
        out.print(Text(f"    {line}"), soft_wrap=True)
