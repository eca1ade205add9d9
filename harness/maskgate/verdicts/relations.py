"""What a property says of the answers to its one, two or three cases, as pure comparisons.

A relation knows which cases to ask, judges the answers, and writes the recipe by which a
stand-alone script repeats the comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from maskgate.case import AnyArray, Case, FloatArray
from maskgate.oracle import Ball, Expected
from maskgate.subjects.protocol import Answer, Crash, Refusal, Value
from maskgate.verdicts.compare import (
    Expectation,
    Judgement,
    Mismatch,
    SubjectCrashed,
    judge,
    judge_array,
    larger,
)

Places = Callable[[AnyArray], AnyArray]


class Relation(Protocol):
    """What is asked and how the answers are judged."""

    @property
    def cases(self) -> tuple[Case, ...]:
        """The cases to ask, in order."""
        ...

    @property
    def gradient(self) -> bool:
        """Whether gradients are asked too."""
        ...

    def judge(self, answers: Sequence[Answer]) -> Judgement:
        """Judge one answer a case."""
        ...

    def recipe(self, mismatch: Mismatch) -> dict[str, Any]:
        """How a stand-alone script repeats the comparison that failed."""
        ...


@dataclass(frozen=True)
class Conforms:
    """The answer is what the oracle expects; any of several expectations will do."""

    case: Case
    expectations: tuple[Expectation, ...]
    gradient: bool = False

    @property
    def cases(self) -> tuple[Case, ...]:
        return (self.case,)

    def judge(self, answers: Sequence[Answer]) -> Judgement:
        judged = [judge(answers[0], expectation) for expectation in self.expectations]
        return next((each for each in judged if each.holds), judged[0])

    def recipe(self, mismatch: Mismatch) -> dict[str, Any]:
        return {"relation": "equals-expected"}


@dataclass(frozen=True)
class Identical:
    """Every case has the same loss and the same gradient as the first, bit for bit.

    Zero and minus zero are the same answer: only their sums go on.
    """

    cases: tuple[Case, ...]
    gradient: bool = True
    name: str = "identical"

    def judge(self, answers: Sequence[Answer]) -> Judgement:
        first = answers[0]
        for other in answers[1:]:
            judged = _alike(first, other, _exact)
            if not judged.holds:
                return judged
        return Judgement(None)

    def recipe(self, mismatch: Mismatch) -> dict[str, Any]:
        return {"relation": self.name, "tolerance": 0.0}


@dataclass(frozen=True)
class Close:
    """`loss(altered) = factor * loss(case)` inside the bounds of both; gradients likewise.

    Attributes:
        case: the first case.
        altered: the second case.
        bounds: what the oracle says of either; their radii are the bound.
        factor: expected ratio.
        slack: absolute error that the law itself allows on top.
        relative: error allowed on top, relative to the largest number of the first answer: for
            answers so far from what the oracle says that its bounds are not theirs.
        of_case: from the arrays of `case` (gradient; loss where it is not reduced) to the places
            that both cases have.
        of_altered: the same for `altered`.
        gradient: whether gradients are compared.
        or_refused: a clear error for `case` is as good as the right answer.
    """

    case: Case
    altered: Case
    bounds: tuple[Expectation, Expectation]
    factor: float = 1.0
    slack: float = 0.0
    relative: float = 0.0
    of_case: Places | None = None
    of_altered: Places | None = None
    gradient: bool = True
    or_refused: bool = False

    @property
    def cases(self) -> tuple[Case, ...]:
        return (self.case, self.altered)

    def judge(self, answers: Sequence[Answer]) -> Judgement:
        if self.or_refused and isinstance(answers[0], Refusal):
            return Judgement(None)
        return _alike(answers[0], answers[1], self._allowed)

    def recipe(self, mismatch: Mismatch) -> dict[str, Any]:
        recipe = {
            "relation": "close",
            "factor": self.factor,
            "tolerance": mismatch.bound,
            "or_refused": self.or_refused,
        }
        for key, case, places in (
            ("index_of_case", self.case, self.of_case),
            ("index_of_altered", self.altered, self.of_altered),
        ):
            if places is not None and mismatch.index:
                shape = case.y_pred.shape if mismatch.part == "gradient" else case.loss_shape
                origin = places(np.arange(int(np.prod(shape))).reshape(shape))[mismatch.index]
                recipe[key] = [int(i) for i in np.unravel_index(int(origin), shape)]
        return recipe

    def _allowed(self, part: str, one: AnyArray, other: AnyArray) -> tuple[AnyArray, Ball]:
        left = _places(one, self.of_case).astype(np.float64)
        right = _places(other, self.of_altered)
        if right.size == left.size:
            # With the reduction `none`, weights (B, 1) make a loss (B,) one of (B, 1): what is
            # compared here is content; shapes are for the property `loss-value`.
            right = right.reshape(left.shape)
        radius = np.full(left.shape, self.slack)
        if self.relative and left.size:
            radius += self.relative * float(np.abs(left).max())
        for bound, weight, places in (
            (self.bounds[0], abs(self.factor), self.of_case),
            (self.bounds[1], 1.0, self.of_altered),
        ):
            radius = radius + weight * _fitting(_places(_radius(bound, part), places), left.shape)
        expected = left * self.factor
        # What the format does not hold is rightly infinite.
        beyond = np.abs(expected) + radius > self.altered.format.largest
        overflown = np.isinf(right) & beyond & (np.sign(right) == np.sign(expected))
        return np.where(overflown, expected, right), Ball(expected, radius)


@dataclass(frozen=True)
class Gives:
    """The answer is a given one.

    Attributes:
        case: the case.
        value: from the observed loss to the loss that should stand there.
        wanted_gradient: from the observed gradient to the one that should stand there.
        radius: absolute error allowed.
        finite: the loss must be finite, whatever it is.
        or_refused: a clear error is as good.
    """

    case: Case
    value: Callable[[FloatArray], FloatArray] | None = None
    wanted_gradient: Callable[[FloatArray], FloatArray] | None = None
    radius: float | FloatArray = 0.0
    finite: bool = False
    or_refused: bool = False

    @property
    def cases(self) -> tuple[Case, ...]:
        return (self.case,)

    @property
    def gradient(self) -> bool:
        return self.wanted_gradient is not None

    def judge(self, answers: Sequence[Answer]) -> Judgement:
        answer = answers[0]
        if isinstance(answer, Refusal) and self.or_refused:
            return Judgement(None)
        value = _value(answer)
        if isinstance(value, Judgement):
            return value
        used: float | None = None
        wanted_value = _made_finite if self.finite else self.value
        for part, seen, wanted in (
            ("value", value.value, wanted_value),
            ("gradient", value.gradient, self.wanted_gradient),
        ):
            if seen is None or wanted is None:
                continue
            observed = seen.astype(np.float64)
            radius = np.broadcast_to(np.asarray(self.radius, np.float64), observed.shape)
            judged = judge_array(part, observed, Ball(wanted(observed), radius))
            if not judged.holds:
                return judged
            used = larger(used, judged.used)
        return Judgement(None, used)

    def recipe(self, mismatch: Mismatch) -> dict[str, Any]:
        finite = self.finite and mismatch.part == "value"
        relation = "finite" if finite else "equals-expected"
        return {"relation": relation, "tolerance": mismatch.bound, "or_refused": self.or_refused}


def _made_finite(observed: FloatArray) -> FloatArray:
    return np.where(np.isfinite(observed), observed, 0.0)


Allowed = Callable[[str, AnyArray, AnyArray], tuple[AnyArray, Ball]]


def _exact(_part: str, one: AnyArray, other: AnyArray) -> tuple[AnyArray, Ball]:
    return other, Ball(one.astype(np.float64), np.zeros(one.shape))


def _alike(one: Answer, other: Answer, allowed: Allowed) -> Judgement:
    """Compare two answers, value and gradient; two refusals are alike."""
    if isinstance(one, Refusal) and isinstance(other, Refusal):
        return Judgement(None)
    left, right = _value(one), _value(other)
    if isinstance(left, Judgement) or isinstance(right, Judgement):
        return left if isinstance(left, Judgement) else right  # type: ignore[return-value]
    used: float | None = None
    for part, a, b in (
        ("value", left.value, right.value),
        ("gradient", left.gradient, right.gradient),
    ):
        if a is None or b is None:
            continue
        observed, ball = allowed(part, a, b)
        judged = judge_array(part, observed, ball)
        if not judged.holds:
            return judged
        used = larger(used, judged.used)
    return Judgement(None, used)


def _value(answer: Answer) -> Value | Judgement:
    if isinstance(answer, Crash):
        raise SubjectCrashed(answer.reason)
    if isinstance(answer, Refusal):
        observed = f"{answer.kind}: {answer.message}"[:300]
        return Judgement(Mismatch("answer", "a value", observed, 0.0))
    return answer


def _places(array: AnyArray, select: Places | None) -> AnyArray:
    return array if select is None or array.ndim == 0 else select(array)


def _radius(bound: Expectation, part: str) -> FloatArray:
    """The oracle's bound; zero where it has none to give (a NaN, a refusal)."""
    if not isinstance(bound, Expected):
        return np.zeros(())
    ball = bound.value if part == "value" else bound.gradient
    return np.zeros(()) if ball is None else np.nan_to_num(ball.radius, nan=0.0, posinf=np.inf)


def _fitting(radius: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """A radius for an answer of another shape than the oracle's is the largest one it has."""
    if radius.shape == shape:
        return radius
    return np.full(shape, _largest(radius))


def _largest(radius: AnyArray) -> float:
    return float(radius.max()) if radius.size else 0.0
