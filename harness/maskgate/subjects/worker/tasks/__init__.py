"""Work with whole models, done in the worker in one go: one module a topic.

A task is a function `(adapter, parameters, arrays) -> (data, arrays)` that its module lists in
`TASKS` by name; it is asked for as `module.name`. `parameters` and `data` are plain data without
NaN or infinity, `arrays` are NumPy arrays by name.
"""

from __future__ import annotations

import importlib
import time

from ..adapter import Adapter, NotOfferedError, readable
from ..words import Refused, Result, Work


def perform(adapter: Adapter, work: Work) -> Result | Refused:
    """What a task found; an exception of the framework is an answer too."""
    started = time.perf_counter()
    try:
        from . import graphs

        with graphs.left_afterwards():
            data, arrays = _task(work.name)(adapter, work.parameters, work.arrays)
        return Result(data, arrays, time.perf_counter() - started)
    except Exception as problem:
        kind = type(problem).__name__
        return Refused(kind, readable(str(problem), kind), time.perf_counter() - started)


def _task(name: str):  # type: ignore[no-untyped-def]
    module, _, function = name.partition(".")
    try:
        return importlib.import_module("." + module, __name__).TASKS[function]
    except (ImportError, KeyError) as problem:
        raise NotOfferedError("no task " + name) from problem
