"""What a trainer reports of one batch, beside what the loss object gives it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from maskgate.case import Case, Format
from maskgate.oracle import Ball
from maskgate.subjects.protocol import Answer, Value
from maskgate.verdicts.compare import Judgement, Mismatch


def reported(loss: Ball, fmt: Format) -> Ball:
    """A loss as a trainer reports it.

    A tracker multiplies it by the batch size, adds it to zero, and divides by the batch size: two
    roundings, and a third where the division is done by the reciprocal, as XLA may. The size is a
    small integer, which is exact.

    Args:
        loss: what the formula gives, 0-d.
        fmt: the format of the tracker.
    """
    unit = fmt.unit_roundoff
    largest = np.abs(loss.value) + loss.radius
    with np.errstate(invalid="ignore"):
        extra = ((1.0 + unit) ** 3 - 1.0) * largest + fmt.tiny
    finite = np.isfinite(loss.value)
    return Ball(loss.value, np.where(finite, loss.radius + extra, loss.radius))


@dataclass(frozen=True)
class _OfOneBatch:
    """What is asked about one batch, by a task: no gradients besides."""

    case: Case

    @property
    def cases(self) -> tuple[Case, ...]:
        """The one case."""
        return (self.case,)

    @property
    def gradient(self) -> bool:
        """Never asked: a task answers with what it is asked for."""
        return False


class _JudgedByTheExamination(_OfOneBatch):
    """What has its bound from the examination, which judges every answer of a task itself."""

    def judge(self, answers: Sequence[Answer]) -> Judgement:
        """Not by itself."""
        raise NotImplementedError(f"{len(answers)} answers, and the bound is the examination's")


@dataclass(frozen=True)
class Trained(_JudgedByTheExamination):
    """The trainer's number for one case, by way of an entry point; judged where it is asked.

    Attributes:
        case: the case, whose predictions are fed to the model.
        entry: the entry point that failed.
        against: the entry point that it is compared with; None for the formula.
    """

    entry: str = "test_on_batch"
    against: str | None = None

    def recipe(self, mismatch: Mismatch) -> dict[str, Any]:
        """What a script compares."""
        relation = "trained-equals-expected" if self.against is None else "trained-agree"
        return {
            "relation": relation,
            "entry": self.entry,
            "against": self.against,
            "tolerance": mismatch.bound,
        }


@dataclass(frozen=True)
class Stepped(_JudgedByTheExamination):
    """The weights after one training step, beside those that the loss's own gradient makes of
    them; judged where it is asked.

    Attributes:
        case: the batch that the model is trained on.
    """

    def recipe(self, mismatch: Mismatch) -> dict[str, Any]:
        """What a script compares."""
        return {"relation": "trained-step", "tolerance": mismatch.bound}


@dataclass(frozen=True)
class Unmoved(_OfOneBatch):
    """One training step whose loss is 0 and which leaves the weights as they were, bit for bit.

    Attributes:
        case: the batch, in which all is masked.
    """

    def judge(self, answers: Sequence[Answer]) -> Judgement:
        """From the loss with the weights before the step, and with those after it.

        Args:
            answers: two values: 0 with the weights before, as the gradient; the reported loss with
                the weights after.
        """
        before, after = answers
        assert isinstance(before, Value)
        assert isinstance(after, Value)
        assert before.gradient is not None
        assert after.gradient is not None
        if not np.array_equal(after.value, before.value):
            return Judgement(Mismatch("value", 0.0, float(after.value), 0.0))
        moved = np.flatnonzero(before.gradient != after.gradient)
        if not moved.size:
            return Judgement(None, 0.0)
        first = int(moved[0])
        weights = [float(each.gradient[first]) for each in (before, after)]  # type: ignore[index]
        return Judgement(Mismatch("weights", weights[0], weights[1], 0.0, (first,)))

    def recipe(self, mismatch: Mismatch) -> dict[str, Any]:
        """What a script compares."""
        del mismatch
        return {"relation": "trained-unmoved", "tolerance": 0.0}
