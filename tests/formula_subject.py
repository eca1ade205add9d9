"""Subjects that answer by the oracle's formulas, exactly: any generation, without a framework."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from maskgate.case import Case
from maskgate.oracle import Expected, Semantics, expect, ledger
from maskgate.subjects.protocol import Answer, Crash, Description, Mode, Question, Refusal, Value

Change = Callable[[Case, Answer], Answer]


@dataclass
class Formula:
    """A subject that follows some semantics to the last bit of its dtype.

    Attributes:
        id: its name.
        distribution: what it says it is.
        version: which version of that it says it is.
        semantics: what it follows; None for what the ledger lists for that version.
        change: what it does to its answers.
        modes: execution modes it can be asked in.
        asked: number of questions it was asked.
        closed: whether it was stopped.
        backend: which backend it says it runs on.
    """

    id: str
    distribution: str = "keras"
    version: str = "3.15.1"
    semantics: Semantics | None = None
    change: Change = field(default=lambda _case, answer: answer)
    modes: tuple[Mode, ...] = ("eager",)
    asked: int = 0
    closed: bool = False
    backend: str = "tensorflow"

    def describe(self) -> Description:
        extra = {"elementwise": ["keras", "3.15.1"]} if self.distribution == "seed" else {}
        return Description(
            id=self.id,
            distribution=self.distribution,
            keras=self.version,
            backend=self.backend,
            framework="2.0",
            python="3.11",
            numpy="2.0",
            modes=self.modes,
            extra=extra,
        )

    def evaluate(self, questions: Sequence[Question]) -> list[Answer]:
        self.asked += len(questions)
        return [self.change(each.case, self._answer(each)) for each in questions]

    def close(self) -> None:
        self.closed = True

    def _answer(self, question: Question) -> Answer:
        semantics = ledger.on_backend(self.semantics or self._listed(), self.backend)
        expected = expect(question.case, semantics, gradient=question.gradient)
        if not isinstance(expected, Expected):
            return Refusal("ValueError", expected.reason)
        fmt = question.case.format
        gradient = None if expected.gradient is None else fmt.round(expected.gradient.value)
        return Value(fmt.round(expected.value.value), gradient, question.case.dtype)

    def _listed(self) -> Semantics:
        elements = ("keras", "3.15.1") if self.distribution == "seed" else None
        return ledger.lookup(self.distribution, self.version, elements=elements).semantics


def keras(version: str, **changes: object) -> Formula:
    """A release of Keras."""
    return replace(Formula(f"keras-{version}", version=version), **changes)  # type: ignore[arg-type]


def seed(version: str) -> Formula:
    """The seed's formula: `with-epsilon` or `without-epsilon`."""
    return Formula(f"seed-{version}", "seed", version)


def crashing(_case: Case, _answer: Answer) -> Answer:
    """A change that makes every answer a crash."""
    return Crash("it ended with exit status 3")
