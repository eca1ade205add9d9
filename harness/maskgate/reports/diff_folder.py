"""The folder that `--out` names: diff.json, diff.md, and a folder a difference."""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import replace
from pathlib import Path

from maskgate.reports.diff_markdown import diff_to_markdown
from maskgate.reports.diff_report import diff_json_text
from maskgate.reports.diff_script import diff_script
from maskgate.reports.files import write_text
from maskgate.verdicts.difference import Comparison, Difference


def write_diff_folder(comparison: Comparison, out: Path) -> Comparison:
    """Write every report of a comparison; it again, its differences with their scripts' paths.

    Scripts of an earlier comparison whose differences are gone are removed.

    Raises:
        OSError: when something cannot be written.
    """
    earlier = _earlier_scripts(out)
    differences = tuple(_write(comparison, each, out) for each in comparison.differences)
    comparison = replace(comparison, differences=differences)
    write_text(out / "diff.json", diff_json_text(comparison) + "\n")
    write_text(out / "diff.md", diff_to_markdown(comparison))
    for script in earlier - {each.repro for each in differences}:
        (out / script).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # a foreign file in the folder stays, and so does that
            (out / script).parent.rmdir()
    return comparison


def _earlier_scripts(out: Path) -> set[str]:
    """Scripts of the differences that an earlier comparison in the same place speaks of."""
    try:
        document = json.loads((out / "diff.json").read_text(encoding="utf-8"))
        paths = [str(each["repro"]) for each in document["differences"]]
    except (OSError, ValueError, LookupError, TypeError):
        return set()
    return {path for path in paths if re.fullmatch(r"findings/[A-Za-z0-9][\w.-]*/repro\.py", path)}


def _write(comparison: Comparison, difference: Difference, out: Path) -> Difference:
    script = diff_script(difference, comparison.subjects)
    path = f"findings/{difference.id}/repro.py"
    if script is None:
        return replace(difference, repro=None)
    write_text(out / path, script)
    return replace(difference, repro=path)
