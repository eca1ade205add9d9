"""Before a run is trusted, one failure is forced, to prove that the machinery can fail."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from maskgate.case import Case, LossSpec
from maskgate.engines.examination import Examination
from maskgate.engines.inquiry import Deviation
from maskgate.oracle import Ball, Expected
from maskgate.strategies.pairs import Pair
from maskgate.subjects.protocol import SubjectError
from maskgate.verdicts.relations import Conforms

# Two valid steps of three with losses 1 and 4, unlike under every family.
CASE = Case(
    loss=LossSpec.of("mse"),
    reduction="sum_over_batch_size",
    dtype="float32",
    y_true=np.zeros((1, 3, 1)),
    y_pred=np.array([[[1.0], [2.0], [5.0]]]),
    mask=np.array([[True, True, False]]),
)


def prove_it_can_fail(examination: Examination) -> None:
    """Ask for a wrong answer and see that its absence is noticed.

    Raises:
        SubjectError: when the wrong answer was accepted, so that no verdict can be trusted.
    """
    right = examination.expect(CASE, gradient=False)
    if not isinstance(right, Expected):
        raise _untrusted(examination, "the oracle refuses a plain case")
    off = 2.0 * right.value.radius + 1e-3
    wrong = replace(right, value=Ball(right.value.value + off, right.value.radius))
    try:
        examination.holds(Pair(CASE), lambda _mode: Conforms(CASE, (wrong,)))
    except Deviation:
        return
    for crash in examination.tally.crashes:
        raise SubjectError(
            examination.description.id,
            f"it was lost over a plain case: {crash.observed}",
            "no property can be asked of it; mend it or name another",
        )
    raise _untrusted(examination, "a wrong answer was let through")


def _untrusted(examination: Examination, found: str) -> SubjectError:
    return SubjectError(
        f"{examination.description.id}: forced failure",
        found,
        "no verdict of this run can be trusted; please report it with the versions in use",
    )
