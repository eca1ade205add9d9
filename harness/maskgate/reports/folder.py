"""The folder that `--out` names: report.json, report.md, junit.xml, and a folder a finding."""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from maskgate.reports.files import write_text
from maskgate.reports.junit import write_junit
from maskgate.reports.markdown import to_markdown
from maskgate.reports.report import Report, write_json
from maskgate.reports.repro import repro_script
from maskgate.verdicts.model import Finding

_IN_A_FINDING = ("repro.py", "case.json")


def check_writable(out: Path) -> None:
    """Make the folder and write to it.

    Raises:
        OSError: when that cannot be done.
    """
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=out):
        pass


def write_folder(report: Report, out: Path) -> Report:
    """Write every report of a run; the report again, its findings with the paths of their scripts.

    Files of an earlier run give way one by one, each as a whole; those of findings that are gone
    are removed. What maskgate did not write stays.

    Raises:
        OSError: when something cannot be written.
    """
    earlier = _earlier_folders(out)
    findings, folders = [], []
    for finding, name in zip(report.findings, _names(report), strict=True):
        folders.append(name)
        findings.append(_write_finding(report, finding, out, name))
    report = replace(report, findings=tuple(findings))
    write_json(report, out / "report.json")
    write_text(out / "report.md", to_markdown(report))
    write_junit(report, out / "junit.xml")
    for name in earlier - set(folders):
        _remove_finding(out / "findings" / name)
    return report


def _names(report: Report) -> list[str]:
    """A folder name a finding: its id; numbered where several subjects share one."""
    seen: Counter[str] = Counter()
    names = []
    for finding in report.findings:
        seen[finding.id] += 1
        nth = seen[finding.id]
        names.append(finding.id if nth == 1 else f"{finding.id}.{nth}")
    return names


def _write_finding(report: Report, finding: Finding, out: Path, name: str) -> Finding:
    folder = out / "findings" / name
    script = repro_script(finding, report.description(finding.subject))
    path = None if script is None else f"findings/{name}/repro.py"
    if script is None:
        (folder / "repro.py").unlink(missing_ok=True)
    else:
        write_text(folder / "repro.py", script)
    finding = replace(finding, repro=path)
    if finding.case is not None:
        write_text(folder / "case.json", json.dumps(_case_file(finding), indent=1) + "\n")
    return finding


def _case_file(finding: Finding) -> dict[str, Any]:
    """A file that `Case.load` reads, with all else that is known of the finding beside the case."""
    evidence = finding.to_dict()
    return {**evidence.pop("case"), "finding": evidence}


def _earlier_folders(out: Path) -> set[str]:
    """Folders of the findings that an earlier report in the same place speaks of."""
    try:
        document = json.loads((out / "report.json").read_text(encoding="utf-8"))
        if document["tool"]["name"] != "maskgate":
            return set()
        paths = [
            finding["repro"] or f"findings/{finding['id']}/" for finding in document["findings"]
        ]
    except (OSError, ValueError, LookupError, TypeError):
        return set()
    matches = (re.match(r"findings/([A-Za-z0-9][A-Za-z0-9._-]*)/", path) for path in paths)
    return {match[1] for match in matches if match}


def _remove_finding(folder: Path) -> None:
    for name in _IN_A_FINDING:
        (folder / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # a foreign file in it stays, and so does its folder
        folder.rmdir()
