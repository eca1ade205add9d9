"""A subject that lives in a worker process."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from maskgate.subjects.convert import answer_of, ask_of, description_of, done_of, work_of
from maskgate.subjects.interpreters import worker_environment
from maskgate.subjects.process import LostError, WorkerProcess
from maskgate.subjects.protocol import (
    Answer,
    Crash,
    Description,
    Done,
    Question,
    Refusal,
    SubjectError,
    Task,
)
from maskgate.subjects.spec import SubjectSpec
from maskgate.subjects.worker import messages

RESTARTS = 3  # in a row, without an answer in between


class WorkerSubject:
    """Asks a framework in another process, which is started when first needed.

    A question that kills the worker, hangs it or makes it send what is no answer is answered by
    `Crash`; the worker is started again and the questions behind it are asked of the new one.

    Args:
        spec: what the user named.
        python: the interpreter.
        backend: Keras backend; None for the one that the worker finds.
        device: `cpu` or `gpu`.
        timeout: seconds that one answer may take.
        start_timeout: seconds that start and import may take.
        notes: what a reader of a report should know of the environment.
        own: a user's own loss: `name` and `sparse`, as `worker.detection.load` takes them.
        replicas: logical devices that the CPU of its process is divided into.
    """

    def __init__(
        self,
        spec: SubjectSpec,
        python: Path,
        *,
        backend: str | None = None,
        device: str = "cpu",
        timeout: float = 60.0,
        start_timeout: float = 180.0,
        notes: tuple[str, ...] = (),
        own: Mapping[str, Any] | None = None,
        replicas: int = 1,
    ) -> None:
        self._own, self._replicas = own, replicas
        self.spec, self.python = spec, python
        self._backend, self._device = backend, device
        self._timeout, self._start_timeout = timeout, start_timeout
        self._notes = notes
        self._worker: WorkerProcess | None = None
        self._description: Description | None = None
        self._restarts = 0

    def describe(self) -> Description:
        """Who this is. Starts the worker if need be; raises `SubjectError`."""
        if self._description is None:
            self._running()
        assert self._description is not None
        return self._description

    def evaluate(self, questions: Sequence[Question]) -> list[Answer]:
        """Answer each question, in order.

        Raises:
            SubjectError: when the worker cannot be started, or was lost too often in a row.
        """
        answers: list[Answer] = []
        while len(answers) < len(questions):
            answers += self._ask(questions[len(answers) :])
        return answers

    def perform(self, task: Task, *, timeout: float | None = None) -> Done | Refusal | Crash:
        """Do a task with a whole model.

        Args:
            task: the work.
            timeout: seconds that it may take; None for those of an answer.

        Raises:
            SubjectError: when the worker cannot be started, or was lost too often in a row.
        """
        worker, limit = self._running(), timeout or self._timeout
        try:
            worker.send(*messages.work_to_frame(work_of(task)), timeout=limit)
            header, body = worker.receive(timeout=limit)
            done = done_of(messages.result_of_frame(header, body))
        except (LostError, ValueError) as problem:
            return self._crash(str(problem))
        except BaseException:
            self.close()
            raise
        self._restarts = 0
        return done

    def divided(self, replicas: int) -> WorkerSubject:
        """The same subject in another process, whose CPU is divided into as many devices."""
        return WorkerSubject(
            self.spec,
            self.python,
            backend=self._backend,
            device=self._device,
            timeout=self._timeout,
            start_timeout=self._start_timeout,
            notes=self._notes,
            own=self._own,
            replicas=replicas,
        )

    def reset(self) -> None:
        """Make the worker forget what it keeps between questions (traced functions)."""
        if self._worker is not None:
            try:
                self._worker.send({"op": "reset"}, b"", timeout=self._timeout)
            except LostError:
                self.close()

    def close(self) -> None:
        """Stop the worker and everything it started. A later question starts a new one."""
        if self._worker is not None:
            self._worker.stop()
            self._worker = None

    def __enter__(self) -> WorkerSubject:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, questions: Sequence[Question]) -> list[Answer]:
        """Answers up to the first crash, that one included."""
        worker, answers = self._running(), list[Answer]()
        try:
            frame = messages.questions_to_frame([ask_of(question) for question in questions])
            worker.send(*frame, timeout=self._timeout)
            for number in range(len(questions)):
                answers.append(self._receive(worker, number))
                self._restarts = 0
        except LostError as problem:
            answers.append(self._crash(str(problem)))
        except BaseException:
            # An answer may be under way: nobody could tell whose it is.
            self.close()
            raise
        return answers

    def _receive(self, worker: WorkerProcess, number: int) -> Answer:
        header, body = worker.receive(timeout=self._timeout)
        try:
            return answer_of(messages.answer_of_frame(number, header, body))
        except ValueError as problem:
            raise LostError(f"sent {problem}") from problem

    def _crash(self, reason: str) -> Crash:
        self.close()
        self._restarts += 1
        if self._restarts > RESTARTS:
            found = f"it was lost {self._restarts} times in a row, last because {reason}"
            raise SubjectError(self.spec.text, found, "ask fewer or other cases")
        return Crash(reason)

    def _running(self) -> WorkerProcess:
        """The worker, started if there is none.

        Raises:
            SubjectError: when it cannot be started.
        """
        if self._worker is None:
            self._worker = self._started()
        return self._worker

    def _started(self) -> WorkerProcess:
        worker = self._spawned()
        try:
            header, _ = worker.receive(timeout=self._start_timeout)
            self._description = self._introduced(header)
        except LostError as problem:
            worker.stop()
            raise SubjectError(self.spec.text, f"it did not start: {problem}", TRY) from problem
        except BaseException:
            worker.stop()
            raise
        return worker

    def _spawned(self) -> WorkerProcess:
        settings = {
            "api": self.spec.api,
            "seed": self.spec.seed,
            "backend": self._backend,
            "device": self._device,
            "own": self._own,
            "replicas": self._replicas,
        }
        place = self.spec.place
        environment = worker_environment(
            os.environ,
            backend=self._backend,
            device=self._device,
            place=place,
            compiled=self.python.parents[1] / "compiled" if place == "environment" else None,
        )
        try:
            return WorkerProcess(self.python, settings, environment)
        except OSError as problem:
            found = f"{self.python} cannot be executed ({problem.strerror})"
            raise SubjectError(self.spec.text, found, "give a python executable") from problem

    def _introduced(self, header: dict[str, Any]) -> Description:
        """The description that a worker sends when it is ready; a problem is raised."""
        if header.get("op") == "problem":
            raise SubjectError(self.spec.text, header["found"], header["hint"])
        try:
            description = description_of(self.spec.text, header["description"])
            return replace(description, notes=(*self._notes, *description.notes))
        except (KeyError, TypeError) as problem:
            raise LostError("it sent what is no description") from problem


TRY = "try `import keras` with that interpreter, which needs to be Python 3.7 or newer"
