"""Laws of a user's own layer: what each says, and how far apart two answers may be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from maskgate.case import AnyArray, Case
from maskgate.engines.inquiry import NOT_OFFERED
from maskgate.subjects.protocol import Answer, Refusal
from maskgate.verdicts.compare import Judgement, Mismatch

OF_OWN_LAYER = "own-layer"
# Roundings of one output, as many times over as a batch has numbers: see `bound_of`.
_ROUNDINGS = 64

CONTENT = "what lies under the mask gets into the output"
NONFINITE = "NaN or infinity under the mask gets into the output (0 times NaN is NaN)"
PADDED = "masked steps at the end change the output: they are counted, or read as valid"
EMPTY = "a row that is masked altogether gives NaN or infinity"
MASK_DTYPE = "a mask of numbers is understood otherwise than the same mask of bools"
DROPPED = "the mask is dropped silently: what follows takes every step for valid"
MIXED = "the output of a row depends on its place among the others"
NOT_SKIPPED = "masked steps are not skipped, though the layer says so"


@dataclass(frozen=True)
class Called:
    """What a layer gave of one batch: outputs, and the mask that each carries or None."""

    outputs: tuple[AnyArray, ...]
    masks: tuple[AnyArray | None, ...]
    warned: str


@dataclass(frozen=True)
class LayerLaw:
    """One law, judged where the layer was called.

    Attributes:
        cases: the batches.
        title: what is wrong where it is broken.
        recipe_of_call: what a script does.
    """

    cases: tuple[Case, ...]
    title: str
    recipe_of_call: Mapping[str, Any] = field(default_factory=dict)
    gradient: bool = False

    def judge(self, answers: Sequence[Answer]) -> Judgement:
        """Not by itself."""
        raise NotImplementedError(f"{len(answers)} answers of no layer")

    def recipe(self, mismatch: Mismatch) -> dict[str, Any]:
        """What a script does."""
        del mismatch
        return {"relation": OF_OWN_LAYER, "title": self.title, **self.recipe_of_call}


# From the output of a case to what the output of the altered case must be.
Taken = Callable[[AnyArray, bool], AnyArray]
# From a place there to the place in the output of the case.
Back = Callable[[tuple[int, ...], bool], tuple[int, ...]]


def same(array: AnyArray, _pooled: bool) -> AnyArray:
    """The output as it is."""
    return array


def here(index: tuple[int, ...], _pooled: bool) -> tuple[int, ...]:
    """The place as it is."""
    return index


def name_of(number: int, called: Called) -> str:
    """What an output is called in a finding."""
    return "output" if len(called.outputs) == 1 else f"output{number}"


def not_offered(refusal: Refusal) -> Judgement:
    """Nothing to compare: the layer does not take such a batch at all."""
    observed = f"{NOT_OFFERED}: {refusal.message}"[:300]
    return Judgement(Mismatch("answer", "an output", observed, 0.0))


def spread(valid: AnyArray, output: AnyArray) -> AnyArray:
    """Places of leading axes, for an output that has more."""
    return valid.reshape(valid.shape + (1,) * (output.ndim - valid.ndim))


def bound_of(case: Case, output: AnyArray, valid: AnyArray) -> float:
    """How far two answers of a layer may lie apart, whose formula nobody knows.

    Each output is a function of the numbers of a batch, well conditioned in the large: it may be
    off by a few roundings for each of them, relative to the largest number there is.
    """
    seen = case.y_pred[np.asarray(case.mask, bool)]
    shown = output[np.isfinite(output) & spread(valid, output)] if _fits(valid, output) else output
    with np.errstate(invalid="ignore"):
        largest = max((float(np.abs(a).max()) for a in (seen, shown) if a.size), default=1.0)
    scale = max(1.0, largest if np.isfinite(largest) else 1.0)
    _, steps, features = case.y_pred.shape
    return float(_ROUNDINGS * steps * features * case.format.unit_roundoff * scale)


def _fits(valid: AnyArray, output: AnyArray) -> bool:
    return output.shape[: valid.ndim] == valid.shape
