"""A user's own list of accepted deviations: read it, check it, add to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from maskgate.case import Case
from maskgate.engines.catalogue import PropertyInfo
from maskgate.engines.events import Event
from maskgate.engines.problems import UsageProblem
from maskgate.engines.scenarios import NO_CASE
from maskgate.verdicts.deviations import KnownDeviation, load_deviations, save_deviations


def checked_baseline(
    path: Path | None, suite: Sequence[PropertyInfo], *, accepting: bool
) -> tuple[KnownDeviation, ...]:
    """The entries of a baseline, each of which names a property of the suite.

    Args:
        path: the file, or None for none.
        suite: all properties there are.
        accepting: a missing file is to be written, so that it need not be there.

    Raises:
        UsageProblem: when the file is missing, damaged, cannot be written though it is to be, or
            has an entry that matches no property.
    """
    if path is None:
        if accepting:
            raise UsageProblem("--accept", "no baseline is named", "add --baseline FILE")
        return ()
    if accepting:
        _require_writable(path)
    if not path.exists():
        if accepting:
            return ()
        hint = "write it with --accept, or leave --baseline out"
        raise UsageProblem(f"baseline {path}", "there is no such file", hint)
    try:
        entries = load_deviations(path)
    except (ValueError, OSError) as problem:
        hint = "restore it, or move or delete it and write a new one with --accept"
        why = str(problem).removeprefix(f"{path}: ")
        raise UsageProblem(f"baseline {path}", f"it cannot be read ({why})", hint) from problem
    names = {info.name for info in suite}
    for entry in entries:
        if entry.property not in names:
            found = f"entry {entry.id!r} is about {entry.property!r}, which is no property"
            raise UsageProblem(f"baseline {path}", found, "take the entry out")
    return entries


def _require_writable(path: Path) -> None:
    """Find out before the run, not after it. The file itself is replaced, never opened."""
    draft = path.with_name(path.name + ".part")
    try:
        draft.touch()
        draft.unlink()
    except OSError as problem:
        found = f"it cannot be written ({problem.strerror})"
        hint = "name a file in a folder that you may write to"
        raise UsageProblem(f"baseline {path}", found, hint) from None


def accept_findings(
    path: Path, entries: Iterable[KnownDeviation], events: Iterable[Event]
) -> tuple[int, int]:
    """Write new findings to the baseline and take fixed ones out; how many of each."""
    before = {entry.id: entry for entry in entries}
    kept = dict(before)
    for event in events:
        if event["event"] != "finding":
            continue
        finding = event["finding"]
        if finding["verdict"] == "new":
            kept[finding["id"]] = _entry(finding)
        elif finding["verdict"] == "fixed":
            kept.pop(finding["id"], None)
    save_deviations(path, kept.values())
    return len(kept.keys() - before.keys()), len(before.keys() - kept.keys())


def _entry(finding: dict[str, Any]) -> KnownDeviation:
    identity = finding["identity"]
    altered = finding["altered"]
    return KnownDeviation(
        id=finding["id"],
        property=identity["property"],
        families=(identity["family"],),
        stage=identity["stage"],
        shape_class=identity["shape_class"],
        sentence=f"accepted: {finding['title']}",
        link=finding["link"],
        case=Case.from_dict(finding["case"] or NO_CASE.to_dict()),
        altered=None if altered is None else Case.from_dict(altered),
        details=finding["details"],
        modes=() if finding["mode"] == "eager" else (finding["mode"],),
    )
