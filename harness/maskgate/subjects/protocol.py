"""What is asked of a subject, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from maskgate.case import AnyArray, Case

Mode = Literal["eager", "graph", "xla"]
MODES: tuple[Mode, ...] = ("eager", "graph", "xla")


@dataclass(frozen=True)
class Question:
    """One case asked in one execution mode.

    Attributes:
        case: the input.
        mode: `eager`; `graph` (traced: tf.function); `xla` (traced and compiled).
        gradient: whether the gradient with respect to `y_pred` is asked too.
    """

    case: Case
    mode: Mode = "eager"
    gradient: bool = False


@dataclass(frozen=True)
class Value:
    """The subject returned a loss.

    Attributes:
        value: the loss, of the shape the subject gave it (bfloat16 comes as float32).
        gradient: gradient of the loss (of its sum where it is not a scalar) with respect to
            `y_pred`, of `y_pred`'s shape; None when not asked.
        dtype: dtype of the loss as the subject named it.
        seconds: time that the framework took.
    """

    value: AnyArray
    gradient: AnyArray | None
    dtype: str
    seconds: float = field(default=0.0, compare=False, repr=False)


@dataclass(frozen=True)
class Refusal:
    """The subject raised an exception, after some `seconds`: `kind` is its class name."""

    kind: str
    message: str
    seconds: float = field(default=0.0, compare=False, repr=False)


@dataclass(frozen=True)
class Crash:
    """The subject died, hung past the limit or sent what is no answer; it was restarted."""

    reason: str
    seconds: float = field(default=0.0, compare=False, repr=False)


Answer = Value | Refusal | Crash


@dataclass(frozen=True)
class Task:
    """Work with a whole model, done by the subject in one go.

    Attributes:
        name: `module.name` of a function of `subjects.worker.tasks`.
        parameters: what it is given, as plain data without NaN or infinity.
        arrays: arrays that it is given, by name.
    """

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, AnyArray] = field(default_factory=dict)


@dataclass(frozen=True)
class Done:
    """What came of a task: plain data, and arrays by name. `seconds` is how long it took."""

    data: Mapping[str, Any]
    arrays: Mapping[str, AnyArray]
    seconds: float = field(default=0.0, compare=False, repr=False)


@dataclass(frozen=True)
class Description:
    """Who answered. `keras` is the version of the Keras API in use.

    Attributes:
        id: the subject as the user named it.
        distribution: what provides the API: `keras` (Keras 3, or stand-alone Keras 2), `tf_keras`,
            or `seed` for the formula of the original question in TensorFlow operations.
        keras: version of that distribution.
        backend: `tensorflow`, `jax` or `torch`.
        framework: version of the backend.
        python: version of its interpreter.
        numpy: version of its NumPy.
        device: `cpu` or `gpu`.
        modes: execution modes it can be asked in.
        epsilon: its fuzz factor (`keras.config.epsilon()`).
        notes: import shims and other things a reader of a report should know.
    """

    id: str
    distribution: str
    keras: str
    backend: str
    framework: str
    python: str
    numpy: str
    device: str = "cpu"
    modes: tuple[Mode, ...] = MODES
    epsilon: float = 1e-7
    notes: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


class Subject(Protocol):
    """What is under test, wherever it runs."""

    def describe(self) -> Description:
        """Who this is. Starts the subject if need be; raises `SubjectError`."""
        ...

    def evaluate(self, questions: Sequence[Question]) -> list[Answer]:
        """Answer each question, in order. Never raises for what a question makes the subject do."""
        ...

    def close(self) -> None:
        """Stop the subject; leaves no process."""
        ...


class ModelSubject(Subject, Protocol):
    """A subject that can be given work with whole models."""

    def perform(self, task: Task, *, timeout: float | None = None) -> Done | Refusal | Crash:
        """Do a task. Never raises for what the task makes the subject do."""
        ...


class DividedSubject(ModelSubject, Protocol):
    """A subject that can be started anew on several logical devices."""

    def divided(self, replicas: int) -> DividedSubject:
        """The same subject in another process, whose CPU is divided into as many devices."""
        ...


class SubjectError(Exception):
    """A subject could not be made or started.

    Attributes:
        asked: what was asked for, e.g. `venv:/path`.
        found: what was found instead, one clause.
        hint: what to do next, one clause.
    """

    def __init__(self, asked: str, found: str, hint: str) -> None:
        super().__init__(f"{asked}: {found}; {hint}")
        self.asked, self.found, self.hint = asked, found, hint
