"""Where two subjects part ways over a case: the first stage, and the simplest form of the case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from maskgate.case import AnyArray, Case, LossSpec
from maskgate.verdicts.compare import Judgement, Mismatch
from maskgate.verdicts.shapes import shape_class

Contrast = Callable[[Case], Judgement]
DEFAULT_REDUCTION = "sum_over_batch_size"
_PLAINEST = LossSpec("mse")


@dataclass(frozen=True)
class Parting:
    """Where two subjects part ways.

    Attributes:
        stage: first stage at which they differ: `elementwise`, `reduction`, `mask`, `weight` or
            `mask-with-weight`.
        case: the case as it was asked at that stage: everything that comes later is taken away.
        mismatch: how they differ there.
    """

    stage: str
    case: Case
    mismatch: Mismatch

    @property
    def part(self) -> str:
        """What differs: `value`, `gradient`, `shape` (of the loss), or `refusal` of one side."""
        return part_of(self.mismatch)

    @property
    def shape_class(self) -> str:
        """Coarse class of the shapes of the case, where they matter."""
        if self.stage == "reduction" and self.part == "refusal":
            return "plain"  # which reductions there are does not depend on shapes
        kind = shape_class(self.case, stage=self.stage)
        return "plain" if self.topic == "empty-mask" and "mask-rank" in kind else kind

    @property
    def topic(self) -> str:
        """What is special about the case at that stage, in kebab-case."""
        return _TOPICS[self.stage](self.case, by_shape=self.part in ("refusal", "shape"))


def part_of(mismatch: Mismatch) -> str:
    """`value`, `gradient`, `shape` or `refusal`."""
    if mismatch.part == "answer":
        return "refusal"
    shaped = isinstance(mismatch.expected, str) and mismatch.expected.startswith("shape")
    return "shape" if shaped else mismatch.part


def part_ways(case: Case, contrast: Contrast) -> Parting | None:
    """Take everything away from a case and put it back until the subjects differ.

    Taken away first are mask and weights, then what they hold (ones take its place), last the loss
    (the mean squared error takes its place) or its parameters. A form of the case counts only
    where it differs in the same way: a loss refused against a loss given, two shapes, or two
    numbers (of value or gradient).

    Args:
        case: the case.
        contrast: asks both subjects and compares their answers.

    Returns:
        None where they do not differ over the case itself.
    """
    whole = contrast(case).mismatch
    if whole is None:
        return None
    for stage, form in _forms(case, refusal=part_of(whole) == "refusal"):
        mismatch = contrast(form).mismatch
        if _alike(whole, mismatch):
            assert mismatch is not None
            return _of_plainest_loss(Parting(stage, form, mismatch), contrast)
    raise AssertionError("the last form is the case itself")


def _alike(one: Mismatch, other: Mismatch | None) -> bool:
    return other is not None and _kind(one) == _kind(other)


def _kind(mismatch: Mismatch) -> str:
    part = part_of(mismatch)
    return "number" if part in ("value", "gradient") else part


def _forms(case: Case, *, refusal: bool) -> Iterator[tuple[str, Case]]:
    bare = case.with_(mask=None, sample_weight=None)
    # A refusal of the reduction `none` says nothing about the elements.
    yield "elementwise", bare.with_(reduction=DEFAULT_REDUCTION if refusal else "none")
    yield "reduction", bare
    masks = list(_plainer(case.mask, case.loss_shape))
    weights = list(_plainer(case.sample_weight, case.loss_shape))
    yield from (("mask", bare.with_(mask=mask)) for mask in masks)
    yield from (("weight", bare.with_(sample_weight=weight)) for weight in weights)
    for mask in masks:
        yield from (
            ("mask-with-weight", bare.with_(mask=mask, sample_weight=weight)) for weight in weights
        )


def _plainer(array: AnyArray | None, loss_shape: tuple[int, ...]) -> Iterator[AnyArray]:
    """The array, after plainer ones in its stead: ones of the shape of the loss and of its own
    shape, and its non-zero places."""
    if array is None:
        return
    nonzero = (array != 0).astype(array.dtype)
    seen: list[AnyArray] = []
    for form in (np.ones(loss_shape, array.dtype), np.ones_like(array), nonzero, array):
        if not any(np.array_equal(form, other) for other in seen):
            seen.append(form)
            yield form


def _of_plainest_loss(parting: Parting, contrast: Contrast) -> Parting:
    """The parting with the plainest loss, or as few parameters of its own, that still shows it."""
    loss = parting.case.loss
    if parting.stage != "elementwise" and loss.kind.labels == "like":
        plain = _asked_anew(parting, _PLAINEST, contrast)
        if plain is not None:
            return plain
    for name, _ in loss.parameters:
        parting = _asked_anew(parting, _without(parting.case.loss, name), contrast) or parting
    return parting


def _asked_anew(parting: Parting, loss: LossSpec, contrast: Contrast) -> Parting | None:
    """The parting with another loss, if that shows it too."""
    if loss.axis != parting.case.loss.axis and parting.stage != "elementwise":
        return None  # mask and weights have the shape that the axis leaves
    case = parting.case.with_(loss=loss)
    mismatch = contrast(case).mismatch
    if mismatch is None or not _alike(parting.mismatch, mismatch):
        return None
    return replace(parting, case=case, mismatch=mismatch)


def _without(loss: LossSpec, name: str) -> LossSpec:
    return LossSpec(loss.name, tuple(item for item in loss.parameters if item[0] != name))


def _of_elements(case: Case, *, by_shape: bool) -> str:
    """The loss, and the parameters that it takes."""
    del by_shape
    return "-".join([case.loss.name, *(name for name, _ in case.loss.parameters)]).replace("_", "-")


def _of_reduction(case: Case, *, by_shape: bool) -> str:
    if not by_shape and dict(case.loss.parameters).get("ignore_class") is not None:
        return "ignore-class"
    return f"reduction-{case.reduction}".replace("_", "-")


def _of_mask(case: Case, *, by_shape: bool) -> str:
    mask = case.mask
    assert mask is not None
    if not by_shape and mask.size and not mask.any():
        return "empty-mask"
    if not by_shape and not np.isin(mask, (0, 1)).all():
        return "soft-mask"
    return "mask-rank" if by_shape or mask.ndim != len(case.loss_shape) else "mask"


def _of_weight(case: Case, *, by_shape: bool) -> str:
    weight = case.sample_weight
    assert weight is not None
    if weight.ndim == 0:
        return "scalar-weight"
    if not by_shape and weight.size and not weight.any():
        return "zero-weights"
    return "weight-broadcast" if by_shape or weight.ndim != len(case.loss_shape) else "weight"


def _of_both(case: Case, *, by_shape: bool) -> str:
    """What is special about the mask or else about the weights, where one of them is."""
    if by_shape:
        return "mask-with-weight-rank"
    found = (_of_mask(case, by_shape=False), _of_weight(case, by_shape=False))
    special = [topic for topic in found if topic not in ("mask", "weight")]
    return special[0] if special else "mask-with-weight"


_TOPICS: dict[str, Callable[..., str]] = {
    "elementwise": _of_elements,
    "reduction": _of_reduction,
    "mask": _of_mask,
    "weight": _of_weight,
    "mask-with-weight": _of_both,
}
