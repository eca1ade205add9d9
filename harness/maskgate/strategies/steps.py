"""Batches that are trained on whole or in equal parts."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from maskgate.case import Case, LossSpec
from maskgate.strategies.cases import cases
from maskgate.strategies.masks import MASK_KINDS
from maskgate.strategies.models import EXACT, fed
from maskgate.strategies.pairs import Pair, signature_budget
from maskgate.strategies.signatures import Signature

_SAMPLES = 4
_STEPS = 3
_PARTS = (2, 4)
_LOSSES = (
    LossSpec.of("mse"),
    LossSpec.of("bce"),
    LossSpec.of("mae"),
    LossSpec.of("cce"),
    LossSpec.of("huber"),
)


def stepped_batches() -> st.SearchStrategy[Pair]:
    """A batch with weights or without for one step, and in the details the `model`."""

    @st.composite
    def draw_pair(draw: st.DrawFn) -> Pair:
        number = draw(st.integers(0, min(signature_budget(), 2 * len(_LOSSES)) - 1))
        model = EXACT[number % 4 == 3]
        weights = ((_SAMPLES, _STEPS), None, (_SAMPLES,))[number % 3]
        loss = _LOSSES[number % len(_LOSSES)]
        reduction = "sum" if number % 5 == 4 else "sum_over_batch_size"
        case = draw(_cases(masked=model == "masking", loss=loss, to=reduction, weights=weights))
        return Pair(fed(case), None, {"model": model})

    return draw_pair()


def divided_batches() -> st.SearchStrategy[Pair]:
    """Four samples, and in the details the `model` and the number of `parts`."""

    @st.composite
    def draw_pair(draw: st.DrawFn) -> Pair:
        model = draw(st.sampled_from(EXACT))
        case = fed(draw(_cases(masked=model == "masking")))
        return Pair(case, None, {"model": model, "parts": draw(st.sampled_from(_PARTS))})

    return draw_pair()


def divided_corners() -> tuple[Pair, ...]:
    """Samples of 3, 1, 1 and 2 valid steps, in two parts and in four; and without a mask."""
    mask = np.arange(3) < np.array([3, 1, 1, 2])[:, None]
    x = np.where(mask, np.arange(1.0, 5.0)[:, None], 0.0)[..., None]
    y = np.zeros_like(x)
    case = Case(LossSpec.of("mse"), "sum_over_batch_size", "float32", y, x, mask, None)
    bare = case.with_(mask=None)
    return tuple(
        Pair(each, None, {"model": model, "parts": parts})
        for parts in _PARTS
        for model, each in ((EXACT[0], case), (EXACT[1], bare))
    )


def _cases(
    *,
    masked: bool,
    loss: LossSpec = _LOSSES[0],
    to: str = "sum_over_batch_size",
    weights: tuple[int, ...] | None = None,
) -> st.SearchStrategy[Case]:
    shape = (_SAMPLES, _STEPS, 2)
    signature = Signature(
        loss=loss,
        reduction=to,
        dtype="float32",
        shape=shape,
        mask_shape=shape[:2] if masked else None,
        mask_dtype="bool" if masked else None,
        weight_shape=weights,
    )
    kinds = tuple(kind for kind in MASK_KINDS if kind != "none")
    return cases(
        bucketed=[signature],
        mask_kinds=kinds if masked else ("none",),
        weight_values=("one", "zero", "negative"),
        edges=False,
    )
