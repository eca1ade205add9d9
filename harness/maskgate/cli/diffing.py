"""What `maskgate diff` does: run, write, print."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from hypothesis.configuration import set_hypothesis_home_dir

from maskgate.cli.config import Settings
from maskgate.cli.output import complain, console_for, require_subjects, require_writable
from maskgate.engines import diff as engine
from maskgate.engines.problems import UsageProblem
from maskgate.reports.diff_folder import write_diff_folder
from maskgate.reports.diff_markdown import diff_to_markdown
from maskgate.reports.diff_report import diff_json_text
from maskgate.reports.diff_terminal import DiffProgress, show_diff
from maskgate.verdicts.difference import Comparison, Failure

USAGE = 2


def diff(old: str, new: str, settings: Settings, *, accept: bool, answer: TextIO) -> int:
    """Compare two subjects and print the answer; the exit status.

    Args:
        old: the one subject.
        new: the other.
        settings: how, and where the reports go.
        accept: whether what is found is written to the baseline.
        answer: where the answer goes.
    """
    try:
        comparison = _compared(old, new, settings, accept=accept)
    except UsageProblem as problem:
        failure = Failure(problem.asked, problem.found, problem.hint)
        comparison = Comparison(failures=(failure,), exit_status=USAGE)
    for failure in comparison.failures:
        complain(failure)
    # Where nothing answered, the sentence on stderr is all there is to say to a person.
    if comparison.subjects or not comparison.failures or settings.format == "json":
        _print(comparison, settings, answer)
    return comparison.exit_status


def _compared(old: str, new: str, settings: Settings, *, accept: bool) -> Comparison:
    require_subjects((old, new), settings.backend)
    if settings.out is not None:
        require_writable(settings.out)
    request = engine.DiffRequest(
        old=old,
        new=new,
        profile=settings.profile,
        seed=settings.seed,
        baseline=settings.baseline,
        accept=accept,
        backend=settings.backend,
        device=settings.device,
        timeout=settings.timeout,
    )
    with _scratch(), DiffProgress(console_for(sys.stderr)) as progress:
        comparison = engine.run_diff(request, on_progress=progress.on_progress)
    return comparison if settings.out is None else _written(comparison, settings.out)


@contextlib.contextmanager
def _scratch() -> Iterator[None]:
    """A folder for what Hypothesis writes: else it leaves a `.hypothesis` in the user's."""
    with tempfile.TemporaryDirectory(prefix="maskgate-") as folder:
        set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            set_hypothesis_home_dir(None)


def _print(comparison: Comparison, settings: Settings, answer: TextIO) -> None:
    if settings.format == "pretty":
        show_diff(comparison, console_for(answer), folder=settings.out)
    elif settings.format == "json":
        answer.write(diff_json_text(comparison) + "\n")
    else:
        answer.write(diff_to_markdown(comparison))
    answer.flush()


def _written(comparison: Comparison, out: Path) -> Comparison:
    """Write the folder; where that fails, the answer is still printed, and says so."""
    try:
        return write_diff_folder(comparison, out)
    except OSError as problem:
        found = f"the reports could not be written ({problem.strerror or problem})"
        failure = Failure(f"--out {out}", found, "free some space there, or name another")
        return replace(comparison, failures=(*comparison.failures, failure), exit_status=USAGE)
