"""One environment, and how a name becomes one."""

from __future__ import annotations

import ast
import difflib
import hashlib
import re
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from maskgate.environments.catalogue import RECIPES, Recipe
from maskgate.environments.problems import EnvironmentProblem

PYTHON = "3.11"
SHIMS = Path(__file__).parent / "shims"
_REQUIREMENTS = "pip:"
# A comma ends a requirement unless a version follows, or a bracket of extras is still open.
_BETWEEN = re.compile(r",(?![^\[]*\])(?!\s*[<>=!~])")


@dataclass(frozen=True)
class Environment:
    """A virtual environment that can be made.

    Attributes:
        name: as the user writes it: `keras-2.2.5`, or `pip:keras==3.15.1,...`.
        lock: requirement lines, one package each.
        python: version of Python it is made with.
        shims: import shims in it, by module name of `maskgate.environments.shims`.
        backend: `tensorflow`, `jax` or `torch`: what KERAS_BACKEND must say in it.
        complete: whether `lock` lists every package, so that nothing else is installed.
    """

    name: str
    lock: str
    python: str = PYTHON
    shims: tuple[str, ...] = ()
    backend: str = "tensorflow"
    complete: bool = True

    @cached_property
    def packages(self) -> tuple[str, ...]:
        """The lines of the lock that ask for something."""
        lines = (line.partition("#")[0].strip() for line in self.lock.splitlines())
        return tuple(line for line in lines if line)

    @property
    def folder(self) -> str:
        """The name as a folder can have it: a hash stands for the requirements of `pip:`."""
        if not self.name.startswith(_REQUIREMENTS):
            return self.name
        return f"pip-{hashlib.sha256(self.name.encode()).hexdigest()[:10]}"

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What a reader of a report should know: each import shim in a sentence."""
        return tuple(f"import shim {shim}: {_first_sentence(shim)}" for shim in self.shims)

    @cached_property
    def digest(self) -> str:
        """Changes when what is installed does: packages, Python, the source of the shims."""
        files = sorted(SHIMS.glob("*.py")) if self.shims else []
        sources = [file.read_text() for file in files]
        parts = [self.python, str(self.complete), *self.shims, *self.packages, *sources]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _first_sentence(shim: str) -> str:
    doc = ast.get_docstring(ast.parse((SHIMS / f"{shim}.py").read_text())) or ""
    return " ".join(doc.split("\n\n")[0].split())


def names() -> tuple[str, ...]:
    """Every named environment, oldest API first."""
    return tuple(RECIPES)


def get(name: str) -> Environment:
    """The environment of a name, of a name without its last number (where only one fits), or of
    `pip:REQUIREMENT[,REQUIREMENT]`.

    Raises:
        EnvironmentProblem: where there is no such environment; it names the nearest ones.
    """
    if name.startswith(_REQUIREMENTS):
        return _on_the_spot(name)
    full = _full_name(name)
    recipe: Recipe = RECIPES[full]
    lock = (locks_folder() / f"{full}.txt").read_text()
    return Environment(full, lock, shims=recipe.shims, backend=recipe.backend)


def locks_folder() -> Path:
    """Where the locks lie: inside the installed package, or at the root of a checkout."""
    inside = Path(__file__).parents[1] / "locks"
    return inside if inside.is_dir() else Path(__file__).parents[3] / "locks"


def _full_name(name: str) -> str:
    if name in RECIPES:
        return name
    stem, dash, backend = _split_backend(name)
    fitting = [
        full
        for full in RECIPES
        if full.startswith(f"{stem}.") and _split_backend(full)[1:] == (dash, backend)
    ]
    if len(fitting) == 1:
        return fitting[0]
    near = fitting or difflib.get_close_matches(name, RECIPES, n=3, cutoff=0.4)
    found = "more than one environment has such a name" if fitting else "no environment is so named"
    see = f"write {' or '.join(near)}, or see" if near else "see"
    raise EnvironmentProblem(name, found, f"{see} `maskgate env list`")


def _split_backend(name: str) -> tuple[str, str, str]:
    for backend in ("jax", "torch"):
        if name.endswith(f"-{backend}"):
            return name.removesuffix(f"-{backend}"), "-", backend
    return name, "", ""


def _on_the_spot(asked: str) -> Environment:
    """An environment of the requirements behind `pip:`, for this interpreter's own Python."""
    lines = tuple(part.strip() for part in _BETWEEN.split(asked.removeprefix(_REQUIREMENTS)))
    packages = _packages(asked, lines)
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    backend = next((backend for backend in ("jax", "torch") if backend in packages), "tensorflow")
    name = _REQUIREMENTS + ",".join(lines)
    return Environment(name, "\n".join(lines), python=python, backend=backend, complete=False)


def _packages(asked: str, lines: tuple[str, ...]) -> set[str]:
    """The names of the packages that requirement lines ask for."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return {Requirement(line).name.lower() for line in lines}
    except InvalidRequirement as error:
        raise EnvironmentProblem(
            asked,
            f"a requirement in it cannot be read ({str(error).splitlines()[0]})",
            "write for example pip:keras==3.15.1,tensorflow-cpu==2.21.0",
        ) from error
