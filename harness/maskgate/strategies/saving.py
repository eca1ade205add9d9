"""Batches that are asked of a model and of its saved copy."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from maskgate.strategies.alterations import repadded
from maskgate.strategies.models import question_corners, trained_pairs
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
    """A partly masked batch, by each format."""
    pair = question_corners()[0]
    return tuple(
        replace(pair, altered=None, details={"model": "masking", "format": each, "work": work})
        for work in WORK
        for each in FORMATS
    )
