"""`maskgate check --list`: the properties by name, with their sentence."""

from __future__ import annotations

import json
from typing import TextIO

from rich.table import Table
from rich.text import Text

from maskgate.cli.config import Settings
from maskgate.cli.output import console_for
from maskgate.engines.catalogue import PropertyInfo, UnknownProperty, selected
from maskgate.engines.problems import UsageProblem


def print_list(settings: Settings, answer: TextIO) -> None:
    """Print the selected properties in the format of the settings.

    Raises:
        UsageProblem: for a glob that matches none.
    """
    try:
        chosen = selected(settings.select or ("*",), settings.deselect)
    except UnknownProperty as problem:
        near = ", ".join(problem.nearest)
        hint = f"did you mean {near}?" if near else "use one of `maskgate check --list`"
        raise UsageProblem(f"property {problem.glob!r}", "no property matches", hint) from problem
    if settings.format == "json":
        entries = [{"name": p.name, "kind": p.kind, "sentence": p.sentence} for p in chosen]
        answer.write(json.dumps({"schema": 1, "properties": entries}, indent=1) + "\n")
    elif settings.format == "markdown":
        answer.writelines(f"- `{p.name}` ({p.kind}): {p.sentence}\n" for p in chosen)
    else:
        console_for(answer).print(_table(chosen))
    answer.flush()


def _table(chosen: tuple[PropertyInfo, ...]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("property", "kind", "sentence"):
        table.add_column(name, no_wrap=name != "sentence")
    for info in chosen:
        table.add_row(Text(info.name, "bold"), info.kind, Text(info.sentence))
    return table
