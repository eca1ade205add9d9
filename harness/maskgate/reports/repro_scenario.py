"""A scenario as a script that needs the framework and NumPy only."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from string import Template
from types import ModuleType
from typing import Any

from maskgate.subjects.worker.tasks.scenarios import SCENARIOS, tools
from maskgate.verdicts.model import Finding

RELATION = "scenario"

SCRIPT = Template('''\
"""$docstring
"""

from __future__ import annotations

import os
import sys

$environment
try:
$imports
    $package_import
except Exception as problem:
    print(f"cannot run here: {type(problem).__name__}: {problem}")
    sys.exit(2)


$program


print("expected:", "$sentence")
try:
    $function(keras)
except LackingError as problem:
    print(f"cannot run here: {problem}")
    sys.exit(2)
except UnexpectedError as problem:
    print(f"observed: {problem.observed} where {problem.expected} is expected")
    sys.exit(1)
except Exception as problem:
    print(f"observed: {type(problem).__name__}: {problem}")
    sys.exit(1)
print("observed: the same; the behaviour is gone")
sys.exit(0)
''')


def scenario_script(finding: Finding, docstring: str, environment: str, package: str) -> str | None:
    """The script's text, or None where there is no such scenario any more.

    Args:
        finding: with a `reproducer` whose relation is `scenario`.
        docstring: what the script says of itself.
        environment: its lines about environment variables.
        package: `keras` or `tf_keras`.
    """
    chosen = SCENARIOS.get(str(finding.reproducer.get("scenario")))
    if chosen is None:
        return None
    name = chosen.run.__name__
    needed = {name, "LackingError", "UnexpectedError"}
    modules = (tools, inspect.getmodule(chosen.run))
    parts = [part for module in modules if module for part in _parts(module)]
    while True:
        more = {used for part in parts if _binds(part) & needed for used in _used(part)}
        if more <= needed:
            break
        needed |= more
    kept = [part for part in parts if _binds(part) & needed]
    imports = [f"    {ast.unparse(part)}" for part in kept if _is_import(part)]
    return SCRIPT.substitute(
        docstring=docstring,
        environment=environment,
        imports="\n".join(dict.fromkeys(imports)),
        package_import=f"import {package} as keras" if package != "keras" else "import keras",
        program="\n\n\n".join(ast.unparse(part) for part in kept if not _is_import(part)),
        sentence=chosen.sentence.replace("\\", "\\\\").replace('"', "'"),
        function=name,
    )


def _parts(module: ModuleType) -> Iterator[ast.stmt]:
    """What stands at the top of a module, less what a script cannot import or does not need."""
    for part in ast.parse(inspect.getsource(module)).body:
        if isinstance(part, ast.ImportFrom) and (part.level or part.module == "__future__"):
            continue
        if isinstance(part, ast.FunctionDef):
            part.decorator_list = []
        yield part


def _binds(part: ast.stmt) -> set[str]:
    if isinstance(part, ast.FunctionDef | ast.ClassDef):
        return {part.name}
    if isinstance(part, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split(".")[0] for alias in part.names}
    if isinstance(part, ast.Assign | ast.AnnAssign):
        targets = part.targets if isinstance(part, ast.Assign) else [part.target]
        names = [each for target in targets for each in ast.walk(target)]
        return {each.id for each in names if isinstance(each, ast.Name)}
    return set()


def _used(part: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(part) if isinstance(each, ast.Name)}


def _is_import(part: Any) -> bool:
    return isinstance(part, ast.Import | ast.ImportFrom)
