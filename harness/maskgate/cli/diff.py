"""`maskgate diff OLD NEW`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, TextIO

import click

from maskgate.cli.config import (
    BACKENDS,
    DEVICES,
    FORMATS,
    PROFILE_NAMES,
    Settings,
    load_settings,
)
from maskgate.cli.output import answer_stream
from maskgate.engines.problems import UsageProblem

_USAGE = 2


@click.command()
@click.argument("old")
@click.argument("new")
@click.option("--profile", type=click.Choice(PROFILE_NAMES), help="How much to try.")
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Seed of the examples.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write diff.json, diff.md and a script for each difference there.",
)
@click.option("--format", type=click.Choice(FORMATS), help="Of the answer on stdout.")
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Differences that you have accepted.",
)
@click.option("--accept", is_flag=True, help="Write what is found to the baseline.")
@click.option("--backend", type=click.Choice(BACKENDS), help="Backend of Keras 3.")
@click.option("--device", type=click.Choice(DEVICES), help="Where to compute.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="How long a subject may take to answer.",
)
def diff(
    old: str,
    new: str,
    out: Path | None,
    baseline: Path | None,
    accept: bool,
    **options: Any,
) -> int:
    """Show what changed between two subjects, each change as a minimal batch.

    OLD and NEW are subjects as for `maskgate check`; both are asked the same cases. A difference is
    documented, where a change that the ledger of versions lists explains it; undocumented, where
    both follow their own generation's formula, but no listed change explains it; or a doubt, where
    one of them does not follow its own formula.

    Exit status: 0 no difference, or accepted ones alone; 1 differences.
    """
    given = {key: value for key, value in options.items() if value is not None}
    # `out` and `baseline` of pyproject.toml are those of `maskgate check`.
    settings = load_settings(Path.cwd()).with_({**given, "out": out, "baseline": baseline})
    with answer_stream() as answer:
        try:
            return _run(old, new, settings, accept=accept, answer=answer)
        except UsageProblem as problem:
            return _refuse(problem, settings, answer)


def _run(old: str, new: str, settings: Settings, *, accept: bool, answer: TextIO) -> int:
    # Not at the top: `--help` should not wait for the engine.
    from maskgate.cli.output import console_for
    from maskgate.engines import diff as engine
    from maskgate.reports.diff_terminal import DiffProgress

    if settings.out is not None:
        _require_writable(settings.out)
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
    with DiffProgress(console_for(sys.stderr)) as progress:
        comparison = engine.run_diff(request, on_progress=progress.on_progress)
    if settings.out is not None:
        comparison = _written(comparison, settings.out)
    for failure in comparison.failures:
        print(f"maskgate: {failure}", file=sys.stderr)
    _print(comparison, settings, answer)
    return int(comparison.exit_status)


def _print(comparison: Any, settings: Settings, answer: TextIO) -> None:
    from maskgate.cli.output import console_for
    from maskgate.reports.diff_markdown import diff_to_markdown
    from maskgate.reports.diff_report import diff_json_text
    from maskgate.reports.diff_terminal import show_diff

    if settings.format == "pretty":
        show_diff(comparison, console_for(answer), folder=settings.out)
    elif settings.format == "json":
        answer.write(diff_json_text(comparison) + "\n")
    else:
        answer.write(diff_to_markdown(comparison))
    answer.flush()


def _written(comparison: Any, out: Path) -> Any:
    """Write the folder; where that fails, the answer is still printed, and says so."""
    from dataclasses import replace

    from maskgate.reports.diff_folder import write_diff_folder
    from maskgate.verdicts.difference import Failure

    try:
        return write_diff_folder(comparison, out)
    except OSError as problem:
        found = f"the reports could not be written ({problem.strerror or problem})"
        failure = Failure(f"--out {out}", found, "free some space there, or name another")
        return replace(comparison, failures=(*comparison.failures, failure), exit_status=_USAGE)


def _require_writable(out: Path) -> None:
    from maskgate.reports import check_writable

    try:
        check_writable(out)
    except OSError as problem:
        found = f"it cannot be written ({problem.strerror or problem})"
        raise UsageProblem(f"--out {out}", found, "name a folder that you may write to") from None


def _refuse(problem: UsageProblem, settings: Settings, answer: TextIO) -> int:
    from maskgate.verdicts.difference import Comparison, Failure

    print(f"maskgate: {problem}", file=sys.stderr)
    if settings.format == "json":
        failure = Failure(problem.asked, problem.found, problem.hint)
        _print(Comparison(failures=(failure,), exit_status=_USAGE), settings, answer)
    return _USAGE
