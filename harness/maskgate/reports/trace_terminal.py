"""A trace on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from maskgate.engines.trace_found import Trace
from maskgate.reports.links import followed
from maskgate.reports.trace_wording import COLUMNS, facts, facts_of, layer_rows, who_line

_STYLES = {
    "made": "bold green",
    "kept": "green",
    "changed": "yellow",
    "used": "cyan",
    "dropped silently": "bold red",
    "dropped with a warning": "bold red",
    "lost before it": "bold red",
}


def show_trace(found: Trace, out: Console) -> None:
    """Print a trace: the answer, the way of the mask, and what was measured."""
    if found.failures:
        return
    out.print(Text(found.answer, "bold"), soft_wrap=True)
    out.print()
    out.print(Text(who_line(found), "dim"), soft_wrap=True)
    for note in found.notes:
        out.print(Text(f"note: {note}", "dim"), soft_wrap=True)
    out.print()
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in COLUMNS:
        table.add_column(name, no_wrap=True)
    for row in layer_rows(found):
        way = row[-1]
        table.add_row(*row[:-1], Text(way, _STYLES.get(way, "")))
    out.print(table)
    for output in found.outputs:
        out.print()
        out.print(Text.assemble((output.name, "bold"), f": loss {output.loss or 'none'}"))
        _show(list(facts_of(output)), out)
    out.print()
    _show(list(facts(found)), out)
    for known in found.known:
        where = followed(known.link)
        out.print(Text(f"known of {known.about}: {known.sentence} {where}"), soft_wrap=True)
    out.print(Text(f"again: {found.command}", "dim"), soft_wrap=True)


def _show(pairs: list[tuple[str, str]], out: Console) -> None:
    for name, text in pairs:
        out.print(Text.assemble((f"  {name:<17}", "dim"), text), soft_wrap=True)
