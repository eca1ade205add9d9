"""From a subject's text to a subject."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from maskgate.subjects.interpreters import current_python, python_of
from maskgate.subjects.protocol import SubjectError
from maskgate.subjects.spec import FORMS, SubjectSpec, parse_subject
from maskgate.subjects.working import WorkerSubject

BACKENDS = ("tensorflow",)
DEVICES = ("cpu", "gpu")


def open_subject(
    subject: str | SubjectSpec,
    *,
    timeout: float = 60.0,
    start_timeout: float = 180.0,
    backend: str | None = None,
    device: str = "cpu",
    environment: Callable[[str], Path] | None = None,
) -> WorkerSubject:
    """The subject that a text names. Its worker starts with the first question or `describe()`.

    Args:
        subject: text as `parse_subject` reads it, or what it returned.
        timeout: seconds that one answer may take.
        start_timeout: seconds that start and import of the framework may take.
        backend: Keras backend; TensorFlow by default.
        device: `cpu` or `gpu`.
        environment: gives the python executable of a named environment or of requirements,
            and makes it if need be.

    Raises:
        SubjectError: when the text has no known form or the place holds no interpreter.
        ValueError: for a time limit that is no positive number.
    """
    spec = parse_subject(subject) if isinstance(subject, str) else subject
    for name, limit in (("timeout", timeout), ("start_timeout", start_timeout)):
        if not limit > 0:
            raise ValueError(f"{name} must be a positive number of seconds; got {limit!r}")
    _check(spec, "backend", backend or BACKENDS[0], BACKENDS)
    _check(spec, "device", device, DEVICES)
    return WorkerSubject(
        spec,
        _python(spec, environment),
        foreign=spec.place != "current",
        backend=backend or BACKENDS[0],
        device=device,
        timeout=timeout,
        start_timeout=start_timeout,
    )


def _check(spec: SubjectSpec, option: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        found = f"{option} {value!r} is not known"
        raise SubjectError(spec.text, found, f"the known ones are: {', '.join(known)}")


def _python(spec: SubjectSpec, environment: Callable[[str], Path] | None) -> Path:
    if spec.place == "current":
        return current_python()
    if spec.place == "venv":
        return python_of(spec.text, spec.target)
    if environment is None:
        found = "no environment of that name is known here"
        raise SubjectError(spec.text, found, f"the forms are: {', '.join(FORMS[:3])}")
    return environment(spec.target)
