"""What stands between a question and a framework."""

from __future__ import annotations

import re
import time
from typing import Any

from .kept import KeptLosses
from .words import Ask, Refused, Reply

LONGEST_MESSAGE = 400


class NotOfferedError(Exception):
    """The release has no such loss, parameter or mode. Arrives as a refusal of this kind."""


class UnusableError(Exception):
    """The environment cannot serve. `found` and `hint` are clauses for a person."""

    def __init__(self, found: str, hint: str) -> None:
        super().__init__(found + "; " + hint)
        self.found, self.hint = found, hint


class Adapter:
    """Answers questions about one framework. Subclass it to put any other object under test."""

    def describe(self) -> dict[str, Any]:
        """`distribution`, `keras`, `backend`, `framework`, `device`, `modes`, `epsilon`, `notes`.

        The fields of `maskgate.subjects.Description` that the framework decides; those left out
        keep their default there.
        """
        raise NotImplementedError

    def answer(self, ask: Ask) -> Reply:
        """The loss and its gradient; raises whatever the framework raises."""
        raise NotImplementedError

    def reset(self) -> None:
        """Forget everything kept from earlier questions, traced functions too."""


class KerasAdapter(Adapter):
    """One Keras API on one backend.

    Args:
        api: builds a loss function for a question: `Keras3`, `Keras2` or `Seed`.
        backend: makes tensors, runs the function in a mode, differentiates: `TensorFlow`.
        notes: what a reader of a report should know about the choice of either.
    """

    def __init__(self, api: Any, backend: Any, notes: tuple[str, ...] = ()) -> None:
        self.api, self.backend, self.notes = api, backend, notes
        self._losses = KeptLosses(api)
        self.own_layer: Any = None  # a user's own, where one is checked

    def describe(self) -> dict[str, Any]:
        """What the API and the backend say of themselves."""
        return {
            "distribution": self.api.distribution,
            "keras": self.api.version,
            "backend": self.backend.name,
            "framework": self.backend.version,
            "device": self.backend.device,
            "modes": list(self.backend.modes),
            "epsilon": self.api.epsilon,
            "notes": [*self.notes, *self.backend.notes, *self.api.notes],
            "extra": self.api.extra,
        }

    def answer(self, ask: Ask) -> Reply:
        """The loss as the API builds it, run by the backend."""
        if ask.mode not in self.backend.modes:
            raise NotOfferedError("no mode " + ask.mode + " on " + self.backend.name)
        return self.backend.run(self._losses, ask)  # type: ignore[no-any-return]

    def reset(self) -> None:
        """Forget the backend's traced functions, and the loss objects."""
        self._losses.clear()
        self.backend.reset()


def answer(adapter: Adapter, ask: Ask) -> Reply | Refused:
    """The adapter's reply; an exception of the framework is an answer too."""
    started = time.perf_counter()
    try:
        reply = adapter.answer(ask)
        return reply._replace(seconds=time.perf_counter() - started)
    except Exception as problem:
        kind = type(problem).__name__
        return Refused(kind, readable(str(problem), kind), time.perf_counter() - started)


def readable(message: str, kind: str) -> str:
    """The first lines of the message of an exception of class `kind`, less what varies by run.

    Taken out: addresses, folders of paths, TensorFlow's node names, and the user code that
    AutoGraph quotes in front.
    """
    if message.startswith("in user code:"):
        message = message.rpartition(kind + ": ")[2]
    # Most messages have none of these, and looking for a character is quicker than for a pattern.
    if "{{" in message:
        message = re.sub(r"\{\{.*?\}\}\s*", "", message)
    if "0x" in message:
        message = re.sub(r"0x[0-9a-fA-F]{4,}", "0x...", message)
    if "/" in message:
        message = re.sub(r"(?<![\w.:])(?:/[\w.+-]+)+/(?=[\w.+-])", "", message)
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return "\n".join(lines[:3])[:LONGEST_MESSAGE]
