"""What can go wrong when an environment is made, in a sentence each."""

from __future__ import annotations

import errno
import re
from pathlib import Path

from maskgate.subjects.protocol import SubjectError

_LONGEST = 200
_FULL = re.compile(r"no space left on device|disk quota exceeded|not enough space on", re.I)
_NO_NETWORK = re.compile(
    r"network (was|connectivity is) disabled|error sending request|dns error|connection refused"
    r"|failed to lookup address|request failed after|operation timed out|network is unreachable",
    re.I,
)
_NO_PYTHON = re.compile(r"no interpreter found|no download found for", re.I)
_UNRESOLVED = re.compile(
    r"no solution found|was not found in the package registry|no wheels? with a matching"
    r"|no version of|couldn't parse|hash mismatch",
    re.I,
)
_DRAWING = re.compile(r"[\u00d7\u2500-\u25ff]|^\s*(error|warning):\s*", re.M)


class EnvironmentProblem(SubjectError):
    """A named environment could not be made, found or removed."""


def disk_full(name: str, folder: Path) -> EnvironmentProblem:
    """No space left while an environment was made under `folder`."""
    return EnvironmentProblem(
        name,
        f"no space is left on the disk of {folder} or of uv's cache",
        "free some, or set MASKGATE_CACHE (and UV_CACHE_DIR) to a folder on another disk",
    )


def from_os_error(name: str, folder: Path, error: OSError) -> EnvironmentProblem:
    """An error of the file system, met in `folder`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(name, folder)
    return EnvironmentProblem(
        name,
        f"{error.filename or folder} could not be used: {error.strerror or error}",
        "make it writable, or set MASKGATE_CACHE to a folder that is",
    )


def from_uv(name: str, folder: Path, status: int, output: str) -> EnvironmentProblem:
    """What uv printed on its standard error before it stopped with `status`."""
    if _FULL.search(output):
        return disk_full(name, folder)
    if _NO_NETWORK.search(output):
        return EnvironmentProblem(
            name,
            "its packages are not all in uv's cache, and no package index could be reached",
            "try again with a network, or make the environment once where there is one",
        )
    if _NO_PYTHON.search(output):
        return EnvironmentProblem(
            name,
            f"there is no such Python and uv could not fetch one ({_short(output)})",
            "install that version of Python, for example with `uv python install`",
        )
    if _UNRESOLVED.search(output):
        return EnvironmentProblem(
            name,
            f"its requirements cannot be resolved any more: {_short(output)}",
            "choose another version, or resolve the lock anew",
        )
    return EnvironmentProblem(
        name,
        f"uv stopped with status {status}: {_short(output)}",
        "run `maskgate env create` with the same name again, or look at uv's own settings",
    )


def _short(output: str) -> str:
    """uv's message on one line, from its cause on, without its drawing, cut where it gets long."""
    text = " ".join(_DRAWING.sub(" ", output).split()).rstrip(".")
    text = text[max(text.find("Because "), 0) :]
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
