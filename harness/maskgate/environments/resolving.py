"""Resolves the locks anew: `python -m maskgate.environments.resolving [NAME ...]`.

For maintainers: a lock in use changes only by this, and the change is reviewed as a diff.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from maskgate.environments.catalogue import RECIPES, Recipe
from maskgate.environments.model import PYTHON, locks_folder
from maskgate.environments.tool import run_uv

_PLATFORM = "x86_64-manylinux_2_28"
_LOCAL_BUILD = re.compile(r"\+[\w.]+$", re.M)


def resolve(name: str) -> str:
    """The text of the lock that the recipe of `name` resolves to today.

    Raises:
        EnvironmentProblem: where it does not resolve.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        inputs = _write_inputs(RECIPES[name], folder)
        plain = ["--no-header", "--no-annotate", "--output-file", "lock"]
        target = ["--python-version", PYTHON, "--python-platform", _PLATFORM]
        run_uv(name, ["pip", "compile", *inputs, *target, *plain], folder=folder)
        # `torch==2.13.0+cpu` is one index's name for a build of 2.13.0.
        packages = _LOCAL_BUILD.sub("", (folder / "lock").read_text())
    return f"# {name}: every package of it, for Python {PYTHON} on Linux x86-64\n{packages}"


def _write_inputs(recipe: Recipe, folder: Path) -> list[str]:
    """Write the recipe as uv's input files; returns uv's arguments for them."""
    files = {
        "requirements": recipe.requirements,
        "--overrides": recipe.overrides,
        "--excludes": recipe.excludes,
    }
    for option, lines in files.items():
        (folder / option.strip("-")).write_text("\n".join(lines) + "\n")
    return ["requirements", "--overrides", "overrides", "--excludes", "excludes"]


def main(asked: list[str]) -> None:
    """Write the lock of each environment asked for; of all where none is."""
    for name in asked or RECIPES:
        (locks_folder() / f"{name}.txt").write_text(resolve(name))
        print(name)


if __name__ == "__main__":
    main(sys.argv[1:])
