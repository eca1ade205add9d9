"""Settings of a run: the command line over `[tool.maskgate]` of pyproject.toml over defaults."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from maskgate.engines.problems import UsageProblem

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib

PROFILE_NAMES = ("smoke", "default", "deep")
FORMATS = ("pretty", "json", "markdown")
BACKENDS = ("tensorflow", "jax", "torch")
DEVICES = ("cpu", "gpu")


@dataclass(frozen=True)
class Settings:
    """Everything that a run can be told.

    Attributes:
        subjects: what to check; empty for the interpreter that maskgate runs in.
        select: globs of property names to run; empty for all.
        deselect: globs of property names to leave out.
        profile: how much is tried: `smoke`, `default` or `deep`.
        seed: seed of the examples; None for the fixed default.
        jobs: processes; None for a number that suits the machine.
        out: folder for the reports; None for no folder.
        format: of the answer on stdout: `pretty`, `json` or `markdown`.
        baseline: file of accepted deviations.
        backend: `tensorflow`, `jax`, `torch`, or None for the subject's own.
        device: `cpu` or `gpu`.
        timeout: seconds that a subject may take to answer.
        loss: a loss of the user's own, `pkg.module:NAME`, to check in place of the built-in ones.
        metric: a metric of the user's own, likewise.
        layer: a layer of the user's own, likewise.
        like: the built-in loss that it computes.
    """

    subjects: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    deselect: tuple[str, ...] = ()
    profile: str = "default"
    seed: int | None = None
    jobs: int | None = None
    out: Path | None = None
    format: str = "pretty"
    baseline: Path | None = None
    backend: str | None = None
    device: str = "cpu"
    timeout: float = 60.0
    loss: str | None = None
    metric: str | None = None
    layer: str | None = None
    like: str | None = None

    def with_(self, changes: Mapping[str, Any]) -> Settings:
        """A copy with some settings replaced."""
        return replace(self, **changes)


def load_settings(folder: Path) -> Settings:
    """The settings of the nearest pyproject.toml, from `folder` upwards; the defaults without one.

    Relative paths in it (`out`, `baseline`) start from the file's own folder.

    Raises:
        UsageProblem: when the file is no TOML, or a key or a value of its table is wrong.
    """
    path = _nearest(folder)
    if path is None:
        return Settings()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        found = f"it cannot be read ({problem})"
        raise UsageProblem(str(path), found, "correct it; it must be valid TOML") from problem
    table = _table(_table(document, "tool", path), "maskgate", path, within="tool.")
    return Settings().with_({key: _checked(key, value, path) for key, value in table.items()})


def _table(document: dict[str, Any], name: str, path: Path, *, within: str = "") -> dict[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        hint = f"write a table, [{within}{name}]"
        raise UsageProblem(f"{path}: {within}{name}", f"found {_described(table)}", hint)
    return table


def _nearest(folder: Path) -> Path | None:
    start = folder.resolve()
    paths = (parent / "pyproject.toml" for parent in (start, *start.parents))
    return next((path for path in paths if path.is_file()), None)


def _checked(key: str, value: Any, path: Path) -> Any:
    asked = f"{path}: [tool.maskgate] {key}"
    if key not in _RULES:
        near = difflib.get_close_matches(key, _RULES, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(_RULES)}"
        raise UsageProblem(asked, "there is no such key", hint)
    wanted, convert = _RULES[key]
    converted = convert(value)
    if converted is None:
        raise UsageProblem(asked, f"found {_described(value)}", f"give {wanted}")
    return path.parent / converted if isinstance(converted, Path) else converted


def _described(value: Any) -> str:
    kinds = {
        bool: "a boolean",
        int: "a whole number",
        float: "a number",
        str: "a string",
        list: "a list",
        dict: "a table",
    }
    return f"{value!r}, {kinds.get(type(value), type(value).__name__)}"


Rule = tuple[str, Callable[[Any], Any]]


def _strings(value: Any) -> tuple[str, ...] | None:
    good = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return tuple(value) if good else None


def _whole(least: int) -> Callable[[Any], int | None]:
    def convert(value: Any) -> int | None:
        good = isinstance(value, int) and not isinstance(value, bool) and value >= least
        return value if good else None

    return convert


def _seconds(value: Any) -> float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
    return float(value) if good else None


def _path(value: Any) -> Path | None:
    return Path(value) if isinstance(value, str) and value else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _one_of(*words: str) -> Rule:
    return f"one of {', '.join(words)}", lambda value: value if value in words else None


_RULES: dict[str, Rule] = {
    "subjects": ("a list of strings, such as ['current']", _strings),
    "select": ("a list of strings, such as ['labels-*']", _strings),
    "deselect": ("a list of strings, such as ['labels-*']", _strings),
    "profile": _one_of(*PROFILE_NAMES),
    "seed": ("a whole number of at least 0", _whole(0)),
    "jobs": ("a whole number of at least 1", _whole(1)),
    "out": ("a folder's path as a string", _path),
    "format": _one_of(*FORMATS),
    "baseline": ("a file's path as a string", _path),
    "backend": _one_of(*BACKENDS),
    "device": _one_of(*DEVICES),
    "timeout": ("a number of seconds greater than 0", _seconds),
    "loss": ("an import path as a string, such as 'losses:MyLoss'", _text),
    "metric": ("an import path as a string, such as 'metrics:MyMetric'", _text),
    "layer": ("an import path as a string, such as 'layers:MyLayer'", _text),
    "like": ("a built-in loss as a string, such as 'mse'", _text),
}
