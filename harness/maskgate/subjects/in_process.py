"""A subject in this process: for tests, planted faults and users' own objects."""

from __future__ import annotations

import platform
from collections.abc import Sequence

import numpy as np

from maskgate.subjects.convert import answer_of, ask_of, description_of, done_of, work_of
from maskgate.subjects.protocol import Answer, Description, Done, Question, Refusal, Task
from maskgate.subjects.worker import tasks
from maskgate.subjects.worker.adapter import Adapter, answer


class InProcess:
    """Asks an adapter directly. What crashes the adapter crashes this process.

    Args:
        adapter: `load_adapter()` for the installed framework, with other loss classes in place of
            its own if need be, or any object of a subclass of `Adapter`.
        id: the subject's id in reports.
    """

    def __init__(self, adapter: Adapter, *, id: str = "in-process") -> None:
        self.adapter, self.id = adapter, id

    def describe(self) -> Description:
        """Who this is."""
        fields = self.adapter.describe()
        versions = {"python": platform.python_version(), "numpy": np.__version__}
        return description_of(self.id, {**versions, **fields})

    def evaluate(self, questions: Sequence[Question]) -> list[Answer]:
        """Answer each question, in order."""
        return [answer_of(answer(self.adapter, ask_of(question))) for question in questions]

    def perform(self, task: Task, *, timeout: float | None = None) -> Done | Refusal:
        """Do a task; nothing here can end one that takes longer than `timeout`."""
        return done_of(tasks.perform(self.adapter, work_of(task)))

    def reset(self) -> None:
        """Make the adapter forget what it keeps between questions."""
        self.adapter.reset()

    def close(self) -> None:
        """Nothing to stop."""
