"""`maskgate trace`: the way of the mask through a user's own model, and what its loss does."""

from __future__ import annotations

import contextlib
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from maskgate.engines.catalogue import suite_folder
from maskgate.engines.examining import SHIPPED
from maskgate.engines.trace_family import own_semantics
from maskgate.engines.trace_found import SUBJECT_FAILED, WRONG_USAGE, Trace
from maskgate.engines.trace_judged import judged
from maskgate.engines.trace_known import known_of
from maskgate.subjects import SubjectError, open_subject
from maskgate.subjects.protocol import Crash, Description, ModelSubject, Refusal, Task
from maskgate.verdicts.deviations import load_deviations
from maskgate.verdicts.difference import Failure


@dataclass(frozen=True)
class TraceRequest:
    """What `maskgate trace` was asked.

    Attributes:
        target: `pkg.module:NAME` of a model or of a function that returns one, or a saved file.
        subject: who runs it.
        data: `pkg.module:NAME` of a batch; None for one made up from the model's inputs.
        imports: modules to import before, that register what a saved model is made of.
        backend: `tensorflow`, `jax`, `torch`, or None for the subject's own.
        device: `cpu` or `gpu`.
        timeout: seconds that the whole work may take.
    """

    target: str
    subject: str = "current"
    data: str | None = None
    imports: tuple[str, ...] = ()
    backend: str | None = None
    device: str = "cpu"
    timeout: float = 300.0

    @property
    def command(self) -> str:
        """The command line that asks the same."""
        words = ["maskgate", "trace", self.target]
        if self.subject != "current":
            words += ["--subject", self.subject]
        if self.data is not None:
            words += ["--data", self.data]
        for name in self.imports:
            words += ["--import", name]
        if self.backend is not None:
            words += ["--backend", self.backend]
        if self.device != "cpu":
            words += ["--device", self.device]
        return shlex.join(words)


def run_trace(request: TraceRequest) -> Trace:
    """Open the subject and trace the model; what failed is in the answer, with its exit status."""
    try:
        opened = open_subject(
            request.subject,
            timeout=request.timeout,
            backend=request.backend,
            device=request.device,
        )
        with contextlib.closing(opened):
            return trace(opened, request)
    except SubjectError as problem:
        failure = Failure(problem.asked, problem.found, problem.hint)
        return Trace(request.target, failures=(failure,), command=request.command)


def trace(subject: ModelSubject, request: TraceRequest) -> Trace:
    """Have a subject do the work, and judge what it found.

    Raises:
        SubjectError: the subject cannot be started.
    """
    who = subject.describe()
    work = {
        "target": request.target,
        "data": request.data,
        "imports": list(request.imports),
        "folder": str(Path.cwd()),
    }
    done = subject.perform(Task("trace.model", work), timeout=request.timeout)
    nothing = Trace(request.target, subject=_described(who), command=request.command)
    if isinstance(done, Crash | Refusal):
        words = done.reason if isinstance(done, Crash) else f"{done.kind}: {done.message}"
        found = f"it could not be traced on {who.id} ({' '.join(words.split())})"
        failure = Failure(request.target, found, "raise --timeout, or name another subject")
        return replace(nothing, failures=(failure,), exit_status=SUBJECT_FAILED)
    if "problem" in done.data:
        problem = done.data["problem"]
        failure = Failure(problem["asked"], problem["found"], problem["hint"])
        status = SUBJECT_FAILED if problem["failed"] else WRONG_USAGE
        return replace(nothing, failures=(failure,), exit_status=status)
    made = judged(nothing, who, done.data, done.arrays)
    return replace(made, known=known_of(made, who, load_deviations(suite_folder() / SHIPPED)))


def _described(who: Description) -> dict[str, Any]:
    return {
        "id": who.id,
        "distribution": who.distribution,
        "keras": who.keras,
        "backend": who.backend,
        "framework": who.framework,
        "python": who.python,
        "numpy": who.numpy,
        "device": who.device,
        "family": own_semantics(who).family,
        "notes": list(who.notes),
    }
