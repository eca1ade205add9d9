"""Where the answer goes: stdout is for it alone, whatever the frameworks print."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from rich.console import Console

from maskgate.engines.problems import UsageProblem

# Width of the answer where it goes to a file or a pipe, which have none.
PLAIN_WIDTH = 100


@contextlib.contextmanager
def answer_stream() -> Iterator[TextIO]:
    """The real stdout; whatever else is printed meanwhile, here or by a child, goes to stderr."""
    sys.stdout.flush()
    real = os.dup(1)
    os.dup2(2, 1)
    try:
        with (
            contextlib.redirect_stdout(sys.stderr),
            os.fdopen(os.dup(real), "w", encoding=_encoding(), errors="backslashreplace") as stream,
        ):
            yield stream
    finally:
        os.dup2(real, 1)
        os.close(real)


def _encoding() -> str:
    return getattr(sys.stdout, "encoding", None) or "utf-8"


def console_for(stream: TextIO) -> Console:
    """A console that wraps at a terminal's width, and at a fixed one anywhere else."""
    width = None if stream.isatty() or "COLUMNS" in os.environ else PLAIN_WIDTH
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def complain(problem: object) -> None:
    """Say on stderr what is wrong, after the program's name, which stands there once."""
    said = str(problem).removeprefix("maskgate: ").removeprefix("maskgate ")
    print(f"maskgate: {said}", file=sys.stderr)


def require_subjects(texts: Iterable[str], backend: str | None) -> None:
    """See that each subject is written as one can be, before anything runs.

    Args:
        texts: subjects, as the user wrote them.
        backend: that of `--backend`, if one was named.

    Raises:
        UsageProblem: where one is of no known form, names an environment that there is not, or
            another backend than the option.
    """
    from maskgate import environments
    from maskgate.subjects.protocol import SubjectError
    from maskgate.subjects.spec import on_backend, parse_subject

    try:
        for text in texts:
            spec = parse_subject(text)
            if backend is not None:
                spec = on_backend(spec, backend)
            if spec.place == "environment" and not spec.target.startswith("pip:"):
                environments.get(spec.target)
    except SubjectError as problem:
        raise UsageProblem(problem.asked, problem.found, problem.hint) from None


def require_writable(out: Path) -> None:
    """Make the folder of `--out`, before anything runs.

    Raises:
        UsageProblem: when there can be no such folder, or nothing can be written to it.
    """
    # Not at the top: `--help` and `--version` should not wait for the reports.
    from maskgate.reports import check_writable

    if out.exists() and not out.is_dir():
        hint = "name a folder, which need not exist yet"
        raise UsageProblem(f"--out {out}", "it is a file, where a folder is needed", hint)
    try:
        check_writable(out)
    except OSError as problem:
        found = f"it cannot be written ({problem.strerror or problem})"
        raise UsageProblem(f"--out {out}", found, "name a folder that you may write to") from None
