"""Where the answer goes: stdout is for it alone, whatever the frameworks print."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TextIO

from rich.console import Console

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
