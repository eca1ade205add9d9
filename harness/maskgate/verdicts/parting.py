"""Where two subjects part ways over a case: the first stage, and the simplest form that shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from maskgate.case import Case, LossSpec
from maskgate.verdicts.compare import Judgement, Mismatch
from maskgate.verdicts.shapes import shape_class

Contrast = Callable[[Case], Judgement]
DEFAULT_REDUCTION = "sum_over_batch_size"


@dataclass(frozen=True)
class Parting:
    """Where two subjects part ways.

    Attributes:
        stage: first stage at which they differ: `elementwise`, `reduction`, `mask`, `weight`,
            `mask-with-weight`, or `mode` where they agree in the first mode.
        topic: what is special about the case at that stage, one kebab-case word.
        shape_class: coarse class of its shapes, as `verdicts.shapes` names them.
        case: the case as it was asked at that stage: everything that comes later is taken away.
        mismatch: how they differ there.
    """

    stage: str
    topic: str
    shape_class: str
    case: Case
    mismatch: Mismatch


def part_ways(case: Case, contrast: Contrast) -> Parting | None:
    """Take everything away from a case and put it back until the subjects differ.

    A form of the case counts only where it differs in the same way: a loss refused against a loss
    given, or two losses (gradients included) against each other.

    Args:
        case: the case.
        contrast: asks both subjects and compares their answers.

    Returns:
        None where they do not differ over the case itself.
    """
    whole = contrast(case).mismatch
    if whole is None:
        return None
    for stage, form in _forms(case, refusal=whole.part == "answer"):
        mismatch = contrast(form).mismatch
        if _alike(whole, mismatch):
            assert mismatch is not None
            return _plainest(Parting(stage, "", "", form, mismatch), contrast)
    return _plainest(Parting("mask-with-weight", "", "", case, whole), contrast)


def _alike(one: Mismatch, other: Mismatch | None) -> bool:
    return other is not None and (one.part == "answer") == (other.part == "answer")


def _forms(case: Case, *, refusal: bool) -> Iterator[tuple[str, Case]]:
    bare = case.with_(mask=None, sample_weight=None)
    # A refusal of the reduction `none` says nothing about the elements.
    yield "elementwise", bare.with_(reduction=DEFAULT_REDUCTION if refusal else "none")
    yield "reduction", bare
    if case.mask is not None:
        yield "mask", case.with_(sample_weight=None)
    if case.sample_weight is not None:
        yield "weight", case.with_(mask=None)


def _plainest(parting: Parting, contrast: Contrast) -> Parting:
    """The parting with those parameters of its loss alone that it takes, and its topic."""
    case, mismatch = parting.case, parting.mismatch
    for name, _ in case.loss.parameters:
        plainer = case.with_(loss=_without(case.loss, name))
        found = contrast(plainer).mismatch
        if _alike(mismatch, found):
            assert found is not None
            case, mismatch = plainer, found
    kind = shape_class(case, stage=parting.stage)
    return Parting(parting.stage, _topic(parting.stage, case), kind, case, mismatch)


def _without(loss: LossSpec, name: str) -> LossSpec:
    return LossSpec(loss.name, tuple(item for item in loss.parameters if item[0] != name))


def _topic(stage: str, case: Case) -> str:
    return {
        "elementwise": _of_elements,
        "reduction": _of_reduction,
        "mask": _of_mask,
        "weight": _of_weight,
        "mask-with-weight": _of_both,
    }[stage](case)


def _of_elements(case: Case) -> str:
    """The loss, and the parameters that it takes."""
    return "-".join([case.loss.name, *(name for name, _ in case.loss.parameters)]).replace("_", "-")


def _of_reduction(case: Case) -> str:
    if dict(case.loss.parameters).get("ignore_class") is not None:
        return "ignore-class"
    return f"reduction-{case.reduction}".replace("_", "-")


def _of_mask(case: Case) -> str:
    mask = case.mask
    assert mask is not None
    if not np.any(mask):
        return "empty-mask"
    if not np.isin(mask, (0, 1)).all():
        return "soft-mask"
    if mask.ndim != len(case.loss_shape):
        return "mask-rank"
    return "mask"


def _of_weight(case: Case) -> str:
    weight = case.sample_weight
    assert weight is not None
    if not np.any(weight):
        return "zero-weights"
    if weight.ndim != len(case.loss_shape):
        return "weight-broadcast" if weight.ndim else "scalar-weight"
    return "weight"


def _of_both(case: Case) -> str:
    """What is special about the mask or else about the weights, where one of them is."""
    special = [topic for topic in (_of_mask(case), _of_weight(case)) if "-" in topic]
    return special[0] if special else "mask-times-weight"
