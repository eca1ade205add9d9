"""The properties by public name, read from the suite's source without importing it."""

from __future__ import annotations

import ast
import difflib
import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from maskgate.verdicts.model import KINDS, Kind

# Modules of properties that a layer of the user's is asked.
OF_LAYER = "test_own_layer"
PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class PropertyInfo:
    """One property of the suite.

    Attributes:
        name: public kebab-case name.
        kind: `conformance`, `law` or `agreement`.
        sentence: what it says.
        path: the module that it lives in.
        function: its test function.
    """

    name: str
    kind: Kind
    sentence: str
    path: Path
    function: str

    @property
    def of_layer(self) -> bool:
        """Whether it is about a layer of the user's, and about nothing else."""
        return self.path.stem.startswith(OF_LAYER)

    @property
    def node(self) -> str:
        """How pytest names it."""
        return f"{self.path}::{self.function}"


class UnknownProperty(ValueError):
    """A glob that matches no property.

    Attributes:
        glob: the glob.
        nearest: names that look like it.
    """

    def __init__(self, glob: str, nearest: Sequence[str]) -> None:
        near = f"; did you mean {', '.join(nearest)}?" if nearest else ""
        super().__init__(f"no property matches {glob!r}{near}")
        self.glob, self.nearest = glob, tuple(nearest)


def suite_folder() -> Path:
    """Where the property suite lies: inside the installed package, or beside it in a checkout.

    Raises:
        FileNotFoundError: when neither is there.
    """
    for folder in (PACKAGE / "properties", PACKAGE.parents[1] / "properties"):
        if (folder / "conftest.py").is_file():
            return folder
    raise FileNotFoundError(f"the property suite is missing: nothing at {PACKAGE / 'properties'}")


def public_name(function: str) -> str:
    """`test_labels_under_mask` -> `labels-under-mask`."""
    return function.removeprefix("test_").replace("_", "-")


@cache
def properties() -> tuple[PropertyInfo, ...]:
    """Every property of the suite, conformance first, then laws, then agreement."""
    found = [info for path in sorted(suite_folder().glob("test_*.py")) for info in _of_module(path)]
    return tuple(sorted(found, key=lambda info: KINDS.index(info.kind)))


def selected(
    select: Iterable[str] = (), deselect: Iterable[str] = (), *, layer: bool = False
) -> tuple[PropertyInfo, ...]:
    """The properties that a glob of `select` matches and none of `deselect`.

    Without `select` all are taken that are about a layer of the user's, where one is checked, or
    all that are not.

    Raises:
        UnknownProperty: for a glob that matches none.
    """
    names = [info.name for info in properties()]
    # What stands behind a slash chooses among the scenarios of a property.
    select = tuple(glob.partition("/")[0] for glob in select)
    deselect = tuple(glob for glob in deselect if "/" not in glob)
    for glob in (*select, *deselect):
        if not fnmatch.filter(names, glob):
            raise UnknownProperty(glob, _nearest(glob, names))
    return tuple(
        info
        for info in properties()
        if (_matches(info.name, select) if select else info.of_layer == layer)
        and not _matches(info.name, deselect)
    )


def _nearest(glob: str, names: Sequence[str]) -> list[str]:
    """Names that look like a glob: like what it spells out, where it ends in a star."""
    spelt = glob.rstrip("*-")
    starts = {name[: len(spelt)]: name for name in reversed(names)} if spelt != glob else {}
    near = difflib.get_close_matches(spelt, starts, cutoff=0.7)
    return [starts[start] for start in near] or difflib.get_close_matches(glob, names, cutoff=0.55)


def _matches(name: str, globs: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, glob) for glob in globs)


def _of_module(path: Path) -> Iterable[PropertyInfo]:
    module = ast.parse(path.read_text(encoding="utf-8"))
    kind = _kind(module, path)
    for node in module.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            sentence = (ast.get_docstring(node) or "").split("\n\n")[0].replace("\n", " ")
            yield PropertyInfo(public_name(node.name), kind, sentence, path, node.name)


def _kind(module: ast.Module, path: Path) -> Kind:
    """The kind that a module marks its tests with: `pytestmark = pytest.mark.law`."""
    for node in module.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            kind = ast.unparse(node.value).removeprefix("pytest.mark.")
            if kind in KINDS:
                return kind
    raise ValueError(f"{path} does not say its kind: pytestmark = pytest.mark.<kind>")
