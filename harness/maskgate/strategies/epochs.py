"""Epochs of several batches, asked through a model and its trainer."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from maskgate.case import Case, LossSpec
from maskgate.strategies.cases import cases
from maskgate.strategies.masks import MASK_KINDS
from maskgate.strategies.models import EXACT, ONE_IN_EVERY_MODE, fed
from maskgate.strategies.pairs import Pair, signature_budget
from maskgate.strategies.signatures import Signature

_LOSSES = (LossSpec.of("mse"), LossSpec.of("bce"), LossSpec.of("mae"), LossSpec.of("cce"))
# Five samples: batches of 2 and 3 leave a partial one, one of 5 is the epoch itself.
SAMPLES = 5
_BATCH_SIZES = (2, 3, 1, 4, 5)
# An even number of steps: of an endless generator Keras 3 takes as many batches as two steps at
# once need, one more than `steps_per_epoch` where that is odd.
_BATCH_SIZES_IN_TWOS = (3, 4)
_STEPS = 3
_HELD_OUT = {"held_out": True}


def epochs(*, weighted: bool = True) -> st.SearchStrategy[Pair]:
    """All samples of an epoch as one case; in the details `model`, `batch_size` and
    `steps_per_execution`, and `held_out` where shuffling and validation are asked about too.

    Args:
        weighted: whether weights are drawn too.
    """

    @st.composite
    def draw_pair(draw: st.DrawFn) -> Pair:
        number = draw(st.integers(0, 2 * signature_budget() - 1))
        model = EXACT[number % 4 == 3]
        case = fed(draw(_cases(number, masked=model == "masking", weighted=weighted)))
        at_once = 2 if number % 4 == 2 else 1
        sizes = _BATCH_SIZES if at_once == 1 else _BATCH_SIZES_IN_TWOS
        details = {
            "model": model,
            "batch_size": draw(st.sampled_from(sizes)),
            "steps_per_execution": at_once,
            **(_HELD_OUT if number % 5 == 1 and at_once == 1 else {}),
        }
        compiled = number < 2 and draw(st.integers(0, ONE_IN_EVERY_MODE - 1)) == 1
        return Pair(case, None, details, compiled)

    return draw_pair()


def epoch_corners() -> tuple[Pair, ...]:
    """A partial last batch, by one step and by two at once, with a mask and without."""
    case = uneven_epoch()
    return tuple(
        Pair(each, None, {"model": model, "batch_size": size, "steps_per_execution": steps})
        for steps, size in ((1, 2), (2, 3))
        for model, each in (("masking", case), ("identity", case.with_(mask=None)))
    )


def held_out_corners() -> tuple[Pair, ...]:
    """Weights that differ by sample, and by step, of which no part may stay behind or go astray
    where `fit` shuffles, or holds samples out."""
    case = uneven_epoch()
    by_sample = np.array([1.0, 0.5, 2.0, 4.0, 0.25])
    by_step = by_sample[:, None] * np.array([1.0, 2.0, 0.5])
    return tuple(
        Pair(each, None, {"model": model, "batch_size": 2, "steps_per_execution": 1, **_HELD_OUT})
        for model, each in (
            ("masking", case.with_(sample_weight=by_sample)),
            ("identity", case.with_(mask=None, sample_weight=by_step)),
        )
    )


def uneven_epoch() -> Case:
    """Samples of 3, 2, 1, 1 and 3 valid steps, whose losses differ."""
    valid = np.array([3, 2, 1, 1, 3])
    mask = np.arange(_STEPS) < valid[:, None]
    size = np.arange(1.0, SAMPLES + 1.0)[:, None, None]
    x = np.where(mask[..., None], size, 0.0)
    return Case(
        LossSpec.of("mse"), "sum_over_batch_size", "float32", np.zeros_like(x), x, mask, None
    )


def _cases(number: int, *, masked: bool, weighted: bool) -> st.SearchStrategy[Case]:
    shape = (SAMPLES, _STEPS, 2)
    ranks = (None, shape[:2], shape[:1]) if weighted else (None,)
    signature = Signature(
        loss=_LOSSES[number % len(_LOSSES)],
        reduction="sum" if number % 5 == 4 else "sum_over_batch_size",
        dtype="float32",
        shape=shape,
        mask_shape=shape[:2] if masked else None,
        mask_dtype="bool" if masked else None,
        weight_shape=ranks[number % len(ranks)],
    )
    kinds = tuple(kind for kind in MASK_KINDS if kind != "none")
    return cases(
        bucketed=[signature],
        mask_kinds=kinds if masked else ("none",),
        weight_values=("one", "zero", "negative"),
        edges=False,
    )
