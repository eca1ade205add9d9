"""A subject that computes a family by the oracle, in this process: at once right, or bent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, seed
from hypothesis import strategies as st

from maskgate.case import AnyArray, Case, LossSpec
from maskgate.engines.examination import Examination
from maskgate.engines.inquiry import Deviation
from maskgate.engines.profiles import Profile, hypothesis_settings
from maskgate.oracle import Expected, Semantics, expect
from maskgate.strategies import Pair
from maskgate.subjects.protocol import MODES, Answer, Description, Mode, Question, Refusal, Value
from maskgate.verdicts.deviations import KnownDeviation

Bend = Callable[[Question, Answer], Answer]

DESCRIPTION = Description(
    id="fake",
    distribution="keras",
    keras="3.15.1",
    backend="tensorflow",
    framework="0.0.1",
    python="3.11.7",
    numpy=np.__version__,
)
WHERE = Semantics("valid-where")


def right(question: Question, semantics: Semantics = WHERE) -> Answer:
    """What the family's formula gives, rounded once."""
    case = question.case
    said = expect(case, semantics, gradient=question.gradient)
    if not isinstance(said, Expected):
        return Refusal("ValueError", said.reason)
    slope = None if said.gradient is None else case.format.round(said.gradient.value)
    return Value(case.format.round(said.value.value), slope, case.dtype)


class FakeSubject:
    """Answers by a family's formula; `bend` changes an answer that it is given with its question.

    Attributes:
        asked: every question so far.
    """

    def __init__(
        self,
        bend: Bend | None = None,
        *,
        semantics: Semantics = WHERE,
        description: Description = DESCRIPTION,
    ) -> None:
        self.bend, self.semantics, self.description = bend, semantics, description
        self.asked: list[Question] = []

    def describe(self) -> Description:
        return self.description

    def evaluate(self, questions: Sequence[Question]) -> list[Answer]:
        return [self._answer(question) for question in questions]

    def close(self) -> None:
        """Nothing to stop."""

    def _answer(self, question: Question) -> Answer:
        self.asked.append(question)
        answer = right(question, self.semantics)
        return answer if self.bend is None else self.bend(question, answer)


def plus(
    amount: float, *, when: Callable[[Case], Any] = lambda _case: True, mode: Mode | None = None
) -> Bend:
    """Bend the loss by an amount where a case is so, in one mode or in all."""

    def bend(question: Question, answer: Answer) -> Answer:
        hit = mode in (None, question.mode) and when(question.case)
        if not hit or not isinstance(answer, Value):
            return answer
        return replace(answer, value=question.case.format.round(answer.value + amount))

    return bend


def examination(
    bend: Bend | None = None,
    *,
    name: str = "loss-value",
    known: Sequence[KnownDeviation] = (),
    semantics: Semantics = WHERE,
    modes: tuple[Mode, ...] = MODES,
) -> Examination:
    """The examination of a fake subject by one property."""
    described = replace(DESCRIPTION, modes=modes)
    return Examination(
        subject=FakeSubject(bend, semantics=semantics, description=described),
        description=described,
        semantics=semantics,
        property_name=name,
        known=known,
    )


def run_property(
    said: Callable[[Pair], None], strategy: st.SearchStrategy[Pair], *, examples: int = 60
) -> BaseException | None:
    """Run a property under Hypothesis as a run does, always the same; what it raised, or None."""

    @seed(0)
    @hypothesis_settings(Profile(examples=examples, conformance=examples, signatures=2))
    @given(pair=strategy)
    def test(pair: Pair) -> None:
        said(pair)

    try:
        test()
    except BaseException as problem:
        return problem
    return None


def deviations(problem: BaseException | None) -> list[Deviation]:
    """The deviations in what a run raised."""
    if isinstance(problem, Deviation):
        return [problem]
    return [each for inner in getattr(problem, "exceptions", ()) for each in deviations(inner)]


def case(
    losses: Any = ((1.0, 4.0, 25.0),),
    mask: Any = ((1, 1, 0),),
    weight: Any = None,
    *,
    reduction: str = "sum_over_batch_size",
    dtype: str = "float32",
) -> Case:
    """A case of the squared error with these element losses; labels are zero."""
    y_pred = np.sqrt(np.asarray(losses, float))[..., None]
    return Case(
        loss=LossSpec.of("mse"),
        reduction=reduction,
        dtype=dtype,
        y_true=np.zeros_like(y_pred),
        y_pred=y_pred,
        mask=None if mask is None else np.asarray(mask, bool),
        sample_weight=None if weight is None else np.asarray(weight, float),
    )


def loaded(finding: Any) -> tuple[Case, Case | None]:
    """The case of a finding, and the one that it is compared with."""
    altered = finding.altered
    return Case.from_dict(finding.case), None if altered is None else Case.from_dict(altered)


def elements(array: AnyArray) -> set[float]:
    """The different values of an array."""
    return set(np.asarray(array, float).ravel().tolist())
