"""A user's own list of accepted differences: read it, and write it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from maskgate.case import Case
from maskgate.engines.problems import UsageProblem
from maskgate.strategies.pairs import Pair
from maskgate.verdicts.difference import DIFF_VERDICTS, Difference


def example_of(accepted: Difference) -> Pair:
    """What shows an accepted difference."""
    return Pair(Case.from_dict(accepted.case), compiled=bool(accepted.cause.mode))


def load_accepted(path: Path | None, *, accepting: bool) -> list[Difference]:
    """The entries of a baseline of differences.

    Args:
        path: the file, or None for none.
        accepting: a missing file is to be written, so that it need not be there.

    Raises:
        UsageProblem: when the file is missing or damaged, or `accepting` names none.
    """
    if path is None:
        if accepting:
            raise UsageProblem("--accept", "no baseline is named", "add --baseline FILE")
        return []
    if not path.exists():
        if accepting:
            return []
        hint = "write it with --accept, or leave --baseline out"
        raise UsageProblem(f"baseline {path}", "there is no such file", hint)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict) or "differences" not in document:
            raise ValueError("it is no list of accepted differences")
        return [_entry(data) for data in document["differences"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        hint = "restore it, or move or delete it and write a new one with --accept"
        raise UsageProblem(f"baseline {path}", f"it cannot be read ({problem})", hint) from problem


def judged(
    differences: Iterable[Difference], accepted: Sequence[Difference]
) -> tuple[Difference, ...]:
    """The differences with their verdicts, and those that are accepted and gone; new ones first."""
    listed = {entry.cause for entry in accepted}
    found = [
        replace(each, verdict="accepted") if each.cause in listed else each for each in differences
    ]
    here = {each.cause for each in found}
    gone = [
        replace(entry, verdict="fixed", examples=0) for entry in accepted if entry.cause not in here
    ]
    return tuple(sorted((*found, *gone), key=lambda each: DIFF_VERDICTS.index(each.verdict)))


def save_accepted(path: Path, differences: Iterable[Difference]) -> None:
    """Write the list of the differences that there are, by way of a temporary file."""
    kept = sorted((each for each in differences if each.verdict != "fixed"), key=lambda d: d.id)
    entries = [replace(each, verdict="accepted", repro=None).to_dict() for each in kept]
    draft = path.with_name(path.name + ".part")
    text = json.dumps({"schema": 1, "differences": entries}, indent=1, allow_nan=False)
    draft.write_text(text + "\n", encoding="utf-8")
    draft.replace(path)


def _entry(data: Mapping[str, Any]) -> Difference:
    """An entry of the file; raises ValueError, KeyError or TypeError where it is damaged."""
    entry = Difference.from_dict(data)
    example_of(entry)
    return entry
