"""Do the answers of two subjects to one case differ by more than rounding can explain?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskgate.case import AnyArray, FloatArray
from maskgate.oracle import Ball, Expected
from maskgate.subjects.protocol import Answer, Crash, Refusal, Value
from maskgate.verdicts.compare import (
    Expectation,
    Judgement,
    Mismatch,
    SubjectCrashed,
    judge_array,
    larger,
)


def contrast(
    old: Answer, new: Answer, expectations: tuple[Sequence[Expectation], Sequence[Expectation]]
) -> Judgement:
    """Compare two answers to one case. In the mismatch `expected` is the old one.

    The bound is the sum of what either side's own oracle allows it; a side whose oracle has no
    bound for this answer (it refuses the case) is granted that of the other side. NaN and infinity
    are compared by place. Two refusals are alike, whatever they say.

    Args:
        old: answer of the one subject.
        new: answer of the other.
        expectations: for each side what its family's oracle allows: any of several.

    Raises:
        SubjectCrashed: one of them is no answer.
    """
    for answer in (old, new):
        if isinstance(answer, Crash):
            raise SubjectCrashed(answer.reason)
    if isinstance(old, Value) and isinstance(new, Value):
        return _values(old, new, expectations)
    if isinstance(old, Refusal) and isinstance(new, Refusal):
        return Judgement(None)
    return Judgement(Mismatch("answer", described(old), described(new), 0.0))


def described(answer: Answer) -> str:
    """An answer in a few words."""
    if isinstance(answer, Value):
        array = answer.value
        return f"{float(array):.6g}" if array.ndim == 0 else f"a loss of shape {array.shape}"
    if isinstance(answer, Crash):
        return f"crashed: {answer.reason}"[:300]
    return f"{answer.kind}: {answer.message}"[:300]


def _values(
    old: Value, new: Value, expectations: tuple[Sequence[Expectation], Sequence[Expectation]]
) -> Judgement:
    used: float | None = None
    for part, left, right in (
        ("value", old.value, new.value),
        ("gradient", old.gradient, new.gradient),
    ):
        if left is None or right is None:
            continue
        judged = judge_array(part, right, _allowed(part, left, expectations))
        if not judged.holds:
            return judged
        used = larger(used, judged.used)
    return Judgement(None, used)


def _allowed(
    part: str,
    left: AnyArray,
    expectations: tuple[Sequence[Expectation], Sequence[Expectation]],
) -> Ball:
    """Around the old answer, as far as both sides may be off."""
    radii = [_radius(part, side, left.shape) for side in expectations]
    granted = [radius for radius in radii if radius is not None]
    total = np.zeros(left.shape)
    for radius in granted if len(granted) == 2 else granted * 2:
        total = total + radius
    return Ball(left.astype(np.float64), total)


def _radius(
    part: str, expectations: Sequence[Expectation], shape: tuple[int, ...]
) -> FloatArray | None:
    """The largest error that a side may have made, None where its oracle has no bound for this."""
    balls = [
        ball
        for each in expectations
        if isinstance(each, Expected)
        if (ball := each.value if part == "value" else each.gradient) is not None
    ]
    fitting = [ball.radius for ball in balls if ball.radius.shape == shape]
    if not fitting:
        return None
    return np.max(np.nan_to_num(np.stack(fitting), nan=0.0, posinf=np.inf), axis=0)  # type: ignore[no-any-return]
