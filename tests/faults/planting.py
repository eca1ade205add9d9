"""Make a copy of an installed framework with one small change."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fault:
    """One small change.

    Attributes:
        name: what goes wrong, kebab-case.
        module: file to change, relative to the package.
        old: text that stands there exactly once.
        new: text to put in its place.
        killed_by: the property that must report it.
        stage: the stage it must be blamed on, or None where several are right.
    """

    name: str
    module: str
    old: str
    new: str
    killed_by: str
    stage: str | None = None


def plant(fault: Fault, package: Path, into: Path) -> Path:
    """Copy `package` below `into`, with the change made; the folder to put on the path.

    Raises:
        AssertionError: when the text to change is not there exactly once: the framework is not the
            one that the fault was written for.
    """
    copy = into / package.name
    # With the bytecode, which stays good for every file but the one that is changed.
    shutil.copytree(package, copy)
    path = copy / fault.module
    text = path.read_text(encoding="utf-8")
    assert text.count(fault.old) == 1, f"{fault.name}: {fault.old!r} is not once in {fault.module}"
    path.write_text(text.replace(fault.old, fault.new), encoding="utf-8")
    return into
