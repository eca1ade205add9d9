"""Named scenarios: small programs of users on the live framework, one module an area.

Each is the program of a public thread, or what is left of it when everything else is taken away.
"""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

from ...adapter import NotOfferedError, readable
from ..graphs import own_graph
from . import layers, losses, metrics, neighbours, plumbing, recurrent, statistics, weights
from .registry import SCENARIOS, Scenario
from .tools import LackingError, UnexpectedError, release

AREAS = (losses, weights, metrics, layers, statistics, recurrent, plumbing, neighbours)


def run(adapter: Any, parameters: Any, _arrays: Any) -> Any:
    """Run one scenario.

    Args:
        adapter: the release.
        parameters: `name`.

    Returns:
        In the data `holds`, and where it does not, `expected` and `observed`, in words.

    Raises:
        NotOfferedError: where the release lacks what the scenario is about.
    """
    keras, chosen = adapter.api.keras, SCENARIOS[parameters["name"]]
    reason = chosen.reason_to_skip(release(keras), adapter.backend.name)
    if reason is not None:
        raise NotOfferedError(chosen.name + " " + reason)
    try:
        with warnings.catch_warnings(), _alone(adapter, keras):
            warnings.simplefilter("ignore")
            chosen.run(keras)
    except LackingError as problem:
        raise NotOfferedError(str(problem)) from problem
    except UnexpectedError as problem:
        said = {"holds": False, "expected": problem.expected, "observed": problem.observed}
        return said, {}
    except Exception as problem:
        kind = type(problem).__name__
        observed = kind + ": " + readable(str(problem), kind)
        return {"holds": False, "expected": "no exception", "observed": observed}, {}
    return {"holds": True}, {}


def _alone(adapter: Any, keras: Any) -> contextlib.AbstractContextManager[None]:
    """Keras before 2.4: a graph of its own."""
    return contextlib.nullcontext() if release(keras) >= (2, 4) else own_graph(adapter)


TASKS = {"run": run}

__all__ = ["AREAS", "SCENARIOS", "TASKS", "Scenario"]
