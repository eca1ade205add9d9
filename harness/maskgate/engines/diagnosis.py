"""What is wrong with a user's own loss, in plain words: its minimal batch held against the usual
mistakes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from maskgate.case import AnyArray, Case, FloatArray
from maskgate.engines.examination import Examination
from maskgate.engines.own_loss import OwnLoss
from maskgate.strategies.alterations import masked_places
from maskgate.subjects.protocol import Value
from maskgate.verdicts.model import Finding

MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")
CONFORMANCE = ("loss-value", "loss-gradient")

# How far an answer may be from a mistake's to be called by its name; no verdict depends on it.
_NEAR = {"float16": 1e-2, "bfloat16": 5e-2, "float32": 1e-4, "float64": 1e-4}

UNSAFE_VALUE = "NaN or infinity under the mask gets into the loss (0 times NaN is NaN)"
UNSAFE_GRADIENT = (
    "what lies under the mask is kept out of the value but not out of the gradient: a `where` "
    "after the element loss is not enough, put a safe value in before it"
)
EMPTY_VALUE = "it divides by the number of valid steps, which is 0 where all is masked"
EMPTY_GRADIENT = (
    "where all is masked the value is guarded but the gradient divides by 0 valid steps"
)
NO_WEIGHT = "it divides by the sum of the weights, which is 0 here"
COUNTED = "masked steps are taken out of the sum but still counted in the denominator"
IGNORED = "the mask is ignored: masked steps are in the loss"
SUMMED = "it sums where it should average"
RESCALED = "the sum is rescaled by the mask, which only a mean should be"
WEIGHTS_IGNORED = "the sample weights are ignored"
WEIGHTED_MEAN = "it divides by the sum of the weights, where this reduction divides by the number"
MIXED = "the element losses depend on one another: what lies at one step changes the loss of others"


@dataclass(frozen=True)
class _Seen:
    """One finding, and who showed it."""

    finding: Finding
    examination: Examination
    own: OwnLoss

    @property
    def cases(self) -> Iterator[Case]:
        for data in (self.finding.case, self.finding.altered):
            if data is not None:
                yield Case.from_dict(data)

    @property
    def part(self) -> str:
        return str(self.finding.reproducer.get("part", "value"))

    def ask(self, case: Case) -> FloatArray | None:
        mode = self.examination.description.modes[0]
        (answer,) = self.examination.ask([case], mode)
        return answer.value.astype(np.float64) if isinstance(answer, Value) else None


@dataclass(frozen=True)
class _Explained:
    """What gives the observed answer to one batch: which mistakes, and the right formula or not."""

    by: tuple[str, ...]
    by_right: bool


def diagnosed(examination: Examination, finding: Finding) -> Finding:
    """The finding with a title that names the mistake, where it is a usual one of an own loss."""
    own = examination.own
    if own is None or own.loss.role == "layer" or finding.case is None:
        return finding
    seen = _Seen(finding, examination, own)
    with np.errstate(all="ignore"):
        said = next(_mistakes(seen), None)
    if said is not None:
        said = said.replace("the loss", f"the {seen.own.loss.role}")
    parts = [finding.property, *([] if said is None else [said]), _numbers(seen)]
    return replace(finding, title=": ".join(parts))


def _numbers(seen: _Seen) -> str:
    """What was seen; of two batches, neither of which is the right one for certain, both."""
    finding = seen.finding
    if finding.altered is None or seen.part == "answer":
        return finding.title.removeprefix(f"{finding.property}: ")
    place = "".join(f"[{', '.join(map(str, index))}]" for index in [_index(finding)] if index)
    factor = finding.reproducer.get("factor", 1.0)
    times = f" (the first times {factor:g})" if factor != 1.0 else ""
    numbers = f"{_short(finding.expected)}{times}, then {_short(finding.observed)}"
    return f"{seen.part}{place} {numbers} ({finding.stage}, {seen.own.loss}, {finding.mode})"


def _index(finding: Finding) -> Sequence[int]:
    index: Sequence[int] = finding.reproducer.get("index", ())
    return index


def _short(value: Any) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _mistakes(seen: _Seen) -> Iterator[str]:
    if seen.finding.property in CONFORMANCE and seen.finding.stage == "elementwise":
        yield f"its element losses are not those of {seen.own.loss.like}"
    if seen.finding.observed in ("nan", "inf", "-inf"):
        yield from _not_finite(seen)
    for mistakes in (_of_mask, _of_weights):
        found = [mistakes(seen, case) for case in seen.cases]
        yield from _shared(each for each in found if each is not None)
    if seen.finding.stage == "elementwise" and seen.finding.property not in CONFORMANCE:
        yield MIXED


def _shared(explained: Iterable[_Explained]) -> list[str]:
    """What explains every batch of a finding, if the right formula does not: one mistake, or one of
    several that these batches do not tell apart."""
    batches = list(explained)
    if not batches or all(batch.by_right for batch in batches):
        return []
    shared = [name for name in batches[0].by if all(name in batch.by for batch in batches)]
    return ["; or ".join(shared)] if shared else []


def _not_finite(seen: _Seen) -> Iterator[str]:
    """Why there is a NaN or an infinity."""
    in_gradient = seen.part == "gradient"
    finite = [np.isfinite(a).all() for case in seen.cases for a in (case.y_true, case.y_pred)]
    if not all(finite):
        yield UNSAFE_GRADIENT if in_gradient else UNSAFE_VALUE
    for case in seen.cases:
        if case.mask is not None and not np.any(case.mask):
            yield EMPTY_GRADIENT if in_gradient else EMPTY_VALUE
        if case.sample_weight is not None and not np.any(case.sample_weight):
            yield NO_WEIGHT


def _of_mask(seen: _Seen, case: Case) -> _Explained | None:
    """Which mistake with the mask gives the answer."""
    if case.mask is None or case.mask.shape != case.loss_shape:
        return None
    elements = seen.own.elements(case, singly=True)
    masked = masked_places(case)
    if elements is None or not masked.any() or masked.all():
        return None
    bare = np.where(masked, 0.0, elements.value)
    valid, size = float((~masked).sum()), masked.size
    all_of_it = elements.value
    if case.reduction in MEANS:
        right = bare.sum() / valid
        mistakes = {
            COUNTED: bare.sum() / size,
            IGNORED: all_of_it.sum() / size,
            SUMMED: bare.sum(),
        }
    elif case.reduction == "sum":
        right = bare.sum()
        mistakes = {IGNORED: all_of_it.sum(), RESCALED: bare.sum() * size / valid}
    else:
        right = bare
        mistakes = {IGNORED: all_of_it, RESCALED: bare * size / valid}
    return _named(seen, case.with_(sample_weight=None), right, mistakes)


def _of_weights(seen: _Seen, case: Case) -> _Explained | None:
    """Which mistake with the weights gives the answer."""
    weight = case.sample_weight
    if weight is None or weight.shape not in ((), case.loss_shape):
        return None
    elements = seen.own.elements(case, singly=True)
    if elements is None:
        return None
    weighed = elements.value * weight
    total = np.broadcast_to(weight, weighed.shape).sum()
    if case.reduction in MEANS:
        weighted_mean = case.reduction == "mean_with_sample_weight"
        right = weighed.sum() / (total if weighted_mean else weighed.size)
        mistakes = {WEIGHTS_IGNORED: elements.value.sum() / weighed.size}
        if not weighted_mean:
            mistakes[WEIGHTED_MEAN] = weighed.sum() / total
    else:
        add = np.sum if case.reduction == "sum" else np.asarray
        right, mistakes = add(weighed), {WEIGHTS_IGNORED: add(elements.value)}
    return _named(seen, case.with_(mask=None), right, mistakes)


def _named(
    seen: _Seen, case: Case, right: AnyArray | float, mistakes: dict[str, AnyArray | float]
) -> _Explained | None:
    """Which mistakes give the observed answer, and whether the right formula does."""
    observed = seen.ask(case)
    if observed is None:
        return None
    near = _NEAR[case.dtype]

    def gives(value: AnyArray | float) -> bool:
        wanted = np.asarray(value)
        return observed.shape == wanted.shape and bool(np.allclose(observed, wanted, near, near**2))

    by = tuple(said for said, value in mistakes.items() if gives(value))
    return _Explained(by, gives(right))
