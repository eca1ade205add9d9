"""From a subject's text to a subject."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from maskgate.case import LossSpec
from maskgate.subjects.interpreters import current_python, python_of
from maskgate.subjects.protocol import SubjectError
from maskgate.subjects.spec import BACKENDS, SubjectSpec, on_backend, parse_subject
from maskgate.subjects.working import WorkerSubject

DEVICES = ("cpu", "gpu")


def open_subject(
    subject: str | SubjectSpec,
    *,
    timeout: float = 60.0,
    start_timeout: float = 180.0,
    backend: str | None = None,
    device: str = "cpu",
    progress: Callable[[str], None] | None = None,
    loss: LossSpec | None = None,
) -> WorkerSubject:
    """The subject that a text names. Its worker starts with the first question or `describe()`.

    A named environment, and one of requirements, is made here if it has not been made before.

    Args:
        subject: text as `parse_subject` reads it, or what it returned.
        timeout: seconds that one answer may take.
        start_timeout: seconds that start and import of the framework may take.
        backend: backend of Keras 3; None for the subject's own: the one its text names, else what
            the variable KERAS_BACKEND says, else the first installed of TensorFlow, JAX, PyTorch.
            The id of the subject names the backend asked for, so that each is a subject of its own.
        device: `cpu` or `gpu`.
        progress: called with a line of text at every step of making an environment.
        loss: a user's own loss, which the subject imports and can then be asked about.

    Raises:
        SubjectError: when the text has no known form, the place holds no interpreter, or the
            environment cannot be made.
        ValueError: for a time limit that is no positive number.
    """
    spec = parse_subject(subject) if isinstance(subject, str) else subject
    for name, limit in (("timeout", timeout), ("start_timeout", start_timeout)):
        if not limit > 0:
            raise ValueError(f"{name} must be a positive number of seconds; got {limit!r}")
    _check(spec, "device", device, DEVICES)
    if backend is not None:
        _check(spec, "backend", backend, BACKENDS)
        spec = on_backend(spec, backend)
    python, own_backend, notes = _place(spec, progress)
    return WorkerSubject(
        spec,
        python,
        backend=spec.backend or own_backend,
        device=device,
        timeout=timeout,
        start_timeout=start_timeout,
        notes=notes,
        own=None if loss is None else settings_of(loss),
    )


def settings_of(loss: LossSpec) -> dict[str, Any]:
    """What a worker needs to know of a user's own loss."""
    return {"name": loss.name, "sparse": loss.kind.labels == "sparse", "role": loss.role}


def _check(spec: SubjectSpec, option: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        found = f"{option} {value!r} is not known"
        raise SubjectError(spec.text, found, f"the known ones are: {', '.join(known)}")


def _place(
    spec: SubjectSpec, progress: Callable[[str], None] | None
) -> tuple[Path, str | None, tuple[str, ...]]:
    """The interpreter of a place, the backend meant for it, and what a reader should know of it."""
    if spec.place == "current":
        return current_python(), None, ()
    if spec.place == "venv":
        return python_of(spec.text, spec.target), None, ()
    # On the same floor, and itself built on this package's protocol.
    from maskgate import environments

    environment = environments.get(spec.target)
    python = environments.ensure(environment, progress=progress)
    return python, environment.backend, environment.notes
