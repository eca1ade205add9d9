"""The list of scenarios, which each area adds its own to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

Run = Callable[[Any], None]


class Scenario(NamedTuple):
    """A small program of a user's, and what is to come of it.

    Attributes:
        name: kebab-case, stable.
        sentence: what is expected, one sentence.
        run: takes the imported Keras; raises `UnexpectedError` where something else comes.
        since: first release (major, minor) that can be asked.
        before: first release that can no longer be asked; None for no such release.
        backends: backends that it is about; empty for all.
    """

    name: str
    sentence: str
    run: Run
    since: tuple[int, ...]
    before: tuple[int, ...] | None
    backends: tuple[str, ...]

    def reason_to_skip(self, keras: tuple[int, ...], backend: str) -> str | None:
        """Why a release cannot be asked; None where it can."""
        if keras < self.since:
            return "needs Keras " + ".".join(map(str, self.since))
        if self.before is not None and keras >= self.before:
            return "is about Keras before " + ".".join(map(str, self.before))
        if self.backends and backend not in self.backends:
            return "is about the backend " + " or ".join(self.backends)
        return None


SCENARIOS: dict[str, Scenario] = {}


def scenario(
    since: tuple[int, ...] = (2, 0),
    before: tuple[int, ...] | None = None,
    backends: tuple[str, ...] = (),
) -> Callable[[Run], Run]:
    """List a function as a scenario: its name and the first paragraph of its docstring say what."""

    def listed(run: Run) -> Run:
        name = run.__name__.replace("_", "-")
        sentence = " ".join((run.__doc__ or "").split("\n\n")[0].split())
        SCENARIOS[name] = Scenario(name, sentence, run, since, before, backends)
        return run

    return listed
