"""The folder that `--out` names: diff.json, diff.md, and a folder a difference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from maskgate.reports.diff_markdown import diff_to_markdown
from maskgate.reports.diff_report import diff_json_text
from maskgate.reports.diff_script import diff_script
from maskgate.reports.files import write_text
from maskgate.verdicts.difference import Comparison, Difference


def write_diff_folder(comparison: Comparison, out: Path) -> Comparison:
    """Write every report of a comparison; it again, its differences with their scripts' paths.

    Raises:
        OSError: when something cannot be written.
    """
    differences = tuple(_write(comparison, each, out) for each in comparison.differences)
    comparison = replace(comparison, differences=differences)
    write_text(out / "diff.json", diff_json_text(comparison) + "\n")
    write_text(out / "diff.md", diff_to_markdown(comparison))
    return comparison


def _write(comparison: Comparison, difference: Difference, out: Path) -> Difference:
    script = diff_script(difference, comparison.subjects)
    path = f"findings/{difference.id}/repro.py"
    if script is None:
        (out / path).unlink(missing_ok=True)
        return replace(difference, repro=None)
    write_text(out / path, script)
    return replace(difference, repro=path)
