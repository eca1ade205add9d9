"""Finds uv and runs it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from maskgate.environments.problems import EnvironmentProblem, from_uv


def find_uv(asked: str) -> str:
    """The `uv` executable: of the installed wheel, else on PATH.

    Raises:
        EnvironmentProblem: about `asked`, where there is none.
    """
    try:
        from uv import find_uv_bin

        return find_uv_bin()
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise EnvironmentProblem(
            asked,
            "uv, which makes the environments, is not installed",
            "run `pip install uv`",
        )
    return found


def run_uv(asked: str, arguments: Sequence[str], *, folder: Path) -> None:
    """Run `uv ARGUMENTS` in `folder`, away from the settings of any project.

    Raises:
        EnvironmentProblem: about `asked`, saying what uv met.
    """
    command = [find_uv(asked), *arguments, "--quiet", "--no-progress", "--color", "never"]
    done = subprocess.run(
        command,
        cwd=folder,
        env=_variables(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )
    if done.returncode == -signal.SIGINT:
        raise KeyboardInterrupt  # a Ctrl-C at the terminal reaches uv too
    if done.returncode != 0:
        raise from_uv(asked, folder, done.returncode, done.stderr)


def _variables() -> dict[str, str]:
    """This process's variables, with pip's folders of wheels passed on in uv's own word for them.

    Where nobody says where PyTorch comes from, its CPU build is taken: the build that the package
    index serves is for CUDA, and several times the size of all else.
    """
    variables = dict(os.environ)
    variables.pop("VIRTUAL_ENV", None)
    links = variables.get("PIP_FIND_LINKS", "").split()
    if links and "UV_FIND_LINKS" not in variables:
        variables["UV_FIND_LINKS"] = ",".join(links)
    if "UV_FIND_LINKS" not in variables:
        variables.setdefault("UV_TORCH_BACKEND", "cpu")
    return variables
