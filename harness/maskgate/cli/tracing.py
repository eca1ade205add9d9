"""What `maskgate trace` does once its arguments are read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.status import Status

from maskgate.cli.output import console_for, require_subjects
from maskgate.engines.problems import UsageProblem
from maskgate.engines.trace import TraceRequest, run_trace
from maskgate.engines.trace_found import Trace
from maskgate.reports import check_writable
from maskgate.reports.trace_folder import write_trace_folder
from maskgate.reports.trace_markdown import trace_to_markdown
from maskgate.reports.trace_report import trace_json_text
from maskgate.reports.trace_terminal import show_trace


def trace(request: TraceRequest, format: str, out: Path | None, answer: TextIO) -> int:
    """Trace, write, print; the exit status.

    Raises:
        UsageProblem: where the folder cannot be written to.
    """
    require_subjects([request.subject], request.backend)
    _check(out)
    errors = Console(file=sys.stderr)
    status = Status(f"tracing {request.target} on {request.subject}", console=errors)
    if errors.is_terminal:
        status.start()
    try:
        found = run_trace(request)
    finally:
        status.stop()
    for failure in found.failures:
        print(f"maskgate: {failure}", file=sys.stderr)
    if out is not None and not found.failures:
        _write(found, out)
    if format == "json":
        answer.write(trace_json_text(found) + "\n")
    elif format == "markdown":
        answer.write(trace_to_markdown(found))
    else:
        show_trace(found, console_for(answer))
    answer.flush()
    return found.exit_status


def _check(out: Path | None) -> None:
    if out is not None:
        try:
            check_writable(out)
        except OSError as problem:
            raise _unwritable(out, problem) from problem


def _write(found: Trace, out: Path) -> None:
    try:
        write_trace_folder(found, out)
    except OSError as problem:
        raise _unwritable(out, problem) from problem


def _unwritable(out: Path, problem: OSError) -> UsageProblem:
    found = f"it cannot be written ({problem.strerror or problem})"
    return UsageProblem(f"--out {out}", found, "name a folder that can be")
