"""Does an answer lie inside what the oracle allows? NaN and infinity have their places too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from maskgate.case import AnyArray, FloatArray
from maskgate.oracle import Ball, Expected, Refused
from maskgate.subjects.protocol import Crash, Refusal, Value

Answered = Value | Refusal
Expectation = Expected | Refused


class SubjectCrashed(Exception):
    """The subject died, hung or sent rubbish over a question: there is no answer to judge."""


@dataclass(frozen=True)
class Mismatch:
    """The worst place where an answer is not what was expected.

    Attributes:
        part: `value`, `gradient`, or `answer` where it is refused against answered.
        expected: what was asked for there (a number, or `refused: why`, or a shape).
        observed: what came.
        bound: absolute error allowed there.
        index: position of the worst element.
        count: number of elements outside the bound.
        size: number of elements compared.
    """

    part: str
    expected: float | str
    observed: float | str
    bound: float
    index: tuple[int, ...] = ()
    count: int = 1
    size: int = 1

    def __str__(self) -> str:
        if self.part == "answer":
            return f"expected {self.expected}, observed {self.observed}"
        place = f"[{', '.join(map(str, self.index))}]" if self.index else ""
        several = f" ({self.count} of {self.size} elements differ)" if self.size > 1 else ""
        return (
            f"{self.part}{place}: expected {self.expected}, observed {self.observed}, "
            f"allowed error {self.bound:.3g}{several}"
        )


@dataclass(frozen=True)
class Judgement:
    """Outcome of one comparison.

    Attributes:
        mismatch: None where everything lies inside the bound.
        used: largest observed error as a fraction of the bound, None where nothing was bounded.
    """

    mismatch: Mismatch | None
    used: float | None = None

    @property
    def holds(self) -> bool:
        """Whether everything lies inside the bound."""
        return self.mismatch is None


def judge(answer: Answered | Crash, expectation: Expectation) -> Judgement:
    """Compare an answer with the oracle's expectation, the gradient where both have one.

    Raises:
        SubjectCrashed: the answer is no answer.
    """
    if isinstance(answer, Crash):
        raise SubjectCrashed(answer.reason)
    if isinstance(expectation, Refused):
        if isinstance(answer, Refusal):
            return Judgement(None)
        observed = f"the value {_brief(answer.value)}"
        return Judgement(Mismatch("answer", f"refused ({expectation.reason})", observed, 0.0))
    if isinstance(answer, Refusal):
        return Judgement(
            _unexpected_refusal(answer, f"the value {_brief(expectation.value.value)}")
        )
    value = judge_array("value", answer.value, expectation.value)
    if not value.holds or answer.gradient is None or expectation.gradient is None:
        return value
    gradient = judge_array("gradient", answer.gradient, expectation.gradient)
    return Judgement(gradient.mismatch, larger(value.used, gradient.used))


def judge_array(part: str, observed: AnyArray, allowed: Ball) -> Judgement:
    """Compare an array with a ball of the same shape, element by element."""
    if observed.shape != allowed.value.shape:
        expected = f"shape {allowed.value.shape}"
        return Judgement(Mismatch(part, expected, f"shape {observed.shape}", 0.0))
    seen = observed.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        error = np.abs(seen - allowed.value)
    alike = (seen == allowed.value) | (np.isnan(seen) & np.isnan(allowed.value))
    inside = alike | (error <= allowed.radius) | np.isposinf(allowed.radius)
    if not inside.all():
        return Judgement(_worst(part, seen, allowed, error, ~inside))
    return Judgement(None, _fraction(error, allowed.radius))


def _worst(
    part: str, seen: FloatArray, allowed: Ball, error: FloatArray, outside: AnyArray
) -> Mismatch:
    # A NaN error (a misplaced NaN or infinity) is worse than any number.
    ranking = np.where(outside, np.where(np.isnan(error), np.inf, error), -1.0)
    index = np.unravel_index(int(np.argmax(ranking)), ranking.shape) if ranking.shape else ()
    return Mismatch(
        part,
        float(allowed.value[index]),
        float(seen[index]),
        float(allowed.radius[index]),
        tuple(int(i) for i in index),
        int(outside.sum()),
        outside.size,
    )


def _fraction(error: FloatArray, radius: FloatArray) -> float | None:
    bounded = np.isfinite(error) & np.isfinite(radius) & (radius > 0)
    if not bounded.any():
        return None
    return float((error[bounded] / radius[bounded]).max())


def larger(one: float | None, other: float | None) -> float | None:
    """The larger of two fractions, either of which may be missing."""
    return other if one is None else one if other is None else max(one, other)


def _unexpected_refusal(answer: Refusal, expected: str) -> Mismatch:
    return Mismatch("answer", expected, f"{answer.kind}: {answer.message}"[:300], 0.0)


def _brief(array: AnyArray) -> str:
    return f"{float(array):.6g}" if array.ndim == 0 else f"of shape {array.shape}"
