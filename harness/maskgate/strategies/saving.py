"""Batches that are asked of a model and of its saved copy."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from maskgate.case import Case, LossSpec
from maskgate.strategies.alterations import repadded
from maskgate.strategies.models import fed, trained_pairs
from maskgate.strategies.pairs import Pair, signature_budget

FORMATS = ("keras", "h5", "weights", "config", "savedmodel")
# Layers that make a mask, hold their state over it, and hand it on; one model a format by default.
MODELS = ("masking", "embedding", "question-without-dropout", "bidirectional", "nested")
WORK = ("evaluate", "train")


def saved_batches() -> st.SearchStrategy[Pair]:
    """A batch, and in the details the `model`, the `format` and the `work` to do."""

    @st.composite
    def draw_pair(draw: st.DrawFn) -> Pair:
        number = draw(st.integers(0, 2 * signature_budget() - 1))
        pair = draw(trained_pairs(repadded("y_true", "finite")))
        format_ = FORMATS[number % len(FORMATS)]
        model = MODELS[(number + number // len(FORMATS)) % len(MODELS)]
        work = draw(st.sampled_from(WORK))
        return Pair(pair.case, None, {"model": model, "format": format_, "work": work})

    return draw_pair()


def saving_corners() -> tuple[Pair, ...]:
    """A partly masked batch, by each format; and where the mask is that of an embedding."""
    x = np.arange(1.0, 13.0).reshape(2, 3, 2)
    # Uneven: outputs held over masked steps must not have the mean of the valid ones.
    mask = np.array([[True, False, False], [True, True, True]])
    y = np.full(x.shape, 0.25)
    case = fed(Case(LossSpec.of("mse"), "sum_over_batch_size", "float32", y, x, mask))
    plain = [("masking", each, work) for work in WORK for each in FORMATS]
    embedded = [("embedding", each, "evaluate") for each in ("keras", "config")]
    return tuple(
        Pair(case, None, {"model": model, "format": form, "work": work})
        for model, form, work in (*plain, *embedded)
    )
