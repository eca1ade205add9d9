"""What `maskgate check` does: run, collect, write, print."""

from __future__ import annotations

import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from maskgate.cli.config import Settings
from maskgate.cli.output import complain, console_for, require_subjects, require_writable
from maskgate.engines import check as engine
from maskgate.engines.check_request import CheckRequest
from maskgate.engines.events import Event
from maskgate.engines.problems import UsageProblem
from maskgate.reports import (
    Failure,
    Report,
    Terminal,
    collect,
    json_text,
    show_report,
    to_markdown,
    write_folder,
)

USAGE, INTERNAL, INTERRUPTED = 2, 3, 130


def check(settings: Settings, *, accept: bool, answer: TextIO) -> int:
    """Run the properties and print the answer.

    Args:
        settings: what to run and where the reports go.
        accept: whether new findings are written to the baseline.
        answer: where the answer goes.

    Returns:
        The exit status.

    Raises:
        UsageProblem: before anything ran or was printed.
    """
    require_subjects(settings.subjects, settings.backend)
    if settings.out is not None:
        require_writable(settings.out)
    with tempfile.TemporaryDirectory(prefix="maskgate-") as scratch:
        report = _run(settings, accept=accept, events=Path(scratch) / "events.jsonl")
    if settings.out is not None:
        report = _write(report, settings.out)
    for failure in report.failures:
        complain(failure)
    # Where nothing answered, the sentence on stderr is all there is to say to a person.
    if report.results or not report.failures or settings.format != "pretty":
        print_report(report, settings, answer)
    return report.exit_status


def print_report(report: Report, settings: Settings, answer: TextIO) -> None:
    """Print a report in the format of the settings."""
    if settings.format == "pretty":
        show_report(report, console_for(answer), folder=settings.out)
    else:
        as_json = settings.format == "json"
        answer.write(json_text(report) + "\n" if as_json else to_markdown(report))
    answer.flush()


def failed_report(problem: UsageProblem) -> Report:
    """The report of a run that did not start because of how it was asked for."""
    failure = Failure(None, problem.asked, problem.found, problem.hint)
    return Report(failures=(failure,), exit_status=USAGE)


def _run(settings: Settings, *, accept: bool, events: Path) -> Report:
    terminal = Terminal(progress=console_for(sys.stderr))
    started = time.monotonic()
    failures: tuple[Failure, ...] = ()
    with terminal:
        try:
            status = _run_engine(settings, accept, events, terminal.on_event)
        except KeyboardInterrupt:
            status = INTERRUPTED
        except UsageProblem:
            raise
        except Exception as problem:  # a fault of ours: what was found until then is kept
            traceback.print_exc()
            failures, status = (_fault(problem),), INTERNAL
    report = collect(events)
    if report.complete and not failures:
        return report
    return replace(
        report,
        failures=report.failures + failures,
        exit_status=status or INTERNAL,
        seconds=time.monotonic() - started,
        complete=False,
    )


def _run_engine(
    settings: Settings, accept: bool, events: Path, on_event: Callable[[Event], None]
) -> int:
    request = CheckRequest(
        subjects=settings.subjects,
        select=settings.select,
        deselect=settings.deselect,
        profile=settings.profile,
        seed=settings.seed,
        jobs=settings.jobs,
        events=events,
        baseline=settings.baseline,
        accept=accept,
        backend=settings.backend,
        device=settings.device,
        timeout=settings.timeout,
        loss=settings.loss,
        metric=settings.metric,
        layer=settings.layer,
        like=settings.like,
    )
    return engine.run_check(request, on_event=on_event, on_notice=complain)


def _fault(problem: Exception) -> Failure:
    found = f"{type(problem).__name__}: {problem}".splitlines()[0]
    hint = "this is a fault of maskgate; report it with the traceback on stderr"
    return Failure(None, "maskgate check", found, hint)


def _write(report: Report, out: Path) -> Report:
    """Write the folder; where that fails, the answer is still printed, and says so."""
    try:
        return write_folder(report, out)
    except OSError as problem:
        found = f"the reports could not be written ({problem.strerror or problem})"
        failure = Failure(None, f"--out {out}", found, "free some space there, or name another")
        return replace(report, failures=(*report.failures, failure), exit_status=USAGE)
