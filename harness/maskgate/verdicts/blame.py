"""Which stage of the loss differs first from its formula."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from maskgate.case import Case
from maskgate.verdicts.compare import Judgement

Judge = Callable[[Case], Judgement]


def blame(case: Case, judge: Judge) -> str:
    """The first stage at which simpler forms of a failing case go wrong.

    The same elements are asked again with everything taken away, and then put back one at a time:
    element losses, the reduction, the mask, the weight.

    Args:
        case: a case that `judge` finds wrong.
        judge: asks the subject and compares with the oracle.
    """
    mismatch = judge(case).mismatch
    if mismatch is None:
        return "none"
    if mismatch.part == "gradient":
        return "gradient"
    for stage, simpler in _stages(case):
        if not judge(simpler).holds:
            return stage
    return "mask-with-weight"


def _stages(case: Case) -> Iterator[tuple[str, Case]]:
    bare = case.with_(mask=None, sample_weight=None)
    yield "elementwise", bare.with_(reduction="none")
    yield "reduction", bare
    if case.mask is not None:
        yield "mask", case.with_(sample_weight=None)
    if case.sample_weight is not None:
        yield "weight", case.with_(mask=None)
