"""`maskgate env`: the named environments."""

from __future__ import annotations

import json
import sys
from typing import TextIO

from rich.console import Console
from rich.filesize import decimal
from rich.status import Status
from rich.table import Table

from maskgate.cli.output import console_for
from maskgate.engines.problems import UsageProblem
from maskgate.environments import (
    Environment,
    EnvironmentProblem,
    ensure,
    get,
    names,
    remove,
    sizes,
)


def list_environments(answer: TextIO, *, as_json: bool) -> None:
    """Print every named environment, with the size of those that are made.

    Environments made from requirements on the spot (`pip:...`) are listed by their folder.
    """
    status = Status("measuring", console=Console(file=sys.stderr))
    if sys.stderr.isatty():
        status.start()
    try:
        made = sizes(progress=status.update)
    finally:
        status.stop()
    listed = [*names(), *sorted(set(made) - set(names()))]
    if as_json:
        entries = [{"name": name, "bytes": made.get(name)} for name in listed]
        answer.write(json.dumps({"schema": 1, "environments": entries}, indent=1) + "\n")
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("environment", "size", "shims"):
        table.add_column(name)
    for name in listed:
        shims = ", ".join(get(name).shims) if name in names() else ""
        table.add_row(name, decimal(made[name]) if name in made else "not made", shims)
    console_for(answer).print(table)


def create_environments(wanted: tuple[str, ...], answer: TextIO) -> None:
    """Make environments that are not there yet; prints the Python executable of each.

    Raises:
        EnvironmentProblem: when one cannot be made; nothing half-made is left behind.
        UsageProblem: for an unknown name.
    """
    for environment in _environments(wanted):
        python = ensure(environment, progress=_tell)
        answer.write(f"{python}\n")


def remove_environments(wanted: tuple[str, ...], answer: TextIO) -> None:
    """Remove environments; prints how much each has freed.

    Raises:
        EnvironmentProblem: for a folder that cannot be removed.
        UsageProblem: for an unknown name.
    """
    for environment in _environments(wanted):
        answer.write(f"{environment.name}: {decimal(remove(environment.name))} freed\n")


def _environments(wanted: tuple[str, ...]) -> list[Environment]:
    """All of them, before the first is touched: a misspelt name changes nothing.

    Raises:
        UsageProblem: for an unknown name.
    """
    try:
        return [get(name) for name in wanted]
    except EnvironmentProblem as problem:
        raise UsageProblem(problem.asked, problem.found, problem.hint) from None


def _tell(step: str) -> None:
    if sys.stderr.isatty():
        print(step, file=sys.stderr)
