"""Runs an action right after a module has been imported, without importing it earlier."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

Action = Callable[[ModuleType], None]


class _After:
    """A finder that serves one module, once, and calls `action(module)` when it has run."""

    def __init__(self, name: str, action: Action) -> None:
        self.name, self.action = name, action

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != self.name:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            vars(spec.loader)["exec_module"] = self._then_act(spec.loader.exec_module)
        return spec

    def _then_act(self, execute: Action) -> Action:
        def execute_and_act(module: ModuleType) -> None:
            # Not before: whoever only asks where the module lies must not use the finder up.
            if self in sys.meta_path:
                sys.meta_path.remove(self)
            execute(module)
            self.action(module)

        return execute_and_act


def after_import(name: str, action: Action) -> None:
    """Call `action(module)` once `name` has been imported; now, where it has been already."""
    if name in sys.modules:
        action(sys.modules[name])
    else:
        sys.meta_path.insert(0, _After(name, action))
