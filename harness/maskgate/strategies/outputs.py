"""Batches for a model with two outputs: each has a mask and labels of its own."""

from __future__ import annotations

from hypothesis import strategies as st

from maskgate.case import LossSpec
from maskgate.strategies.cases import cases
from maskgate.strategies.masks import MASK_KINDS
from maskgate.strategies.models import fed
from maskgate.strategies.pairs import Pair
from maskgate.strategies.signatures import Signature

# Weights of the outputs, and what else the model adds to its loss; a model is built for each.
MODELS = ((None, ""), ([2.0, 0.5], ""), ([2.0, 0.0], ""), (None, "regulariser"), (None, "add_loss"))
_SHAPE = (3, 4, 2)


@st.composite
def two_outputs(draw: st.DrawFn) -> Pair:
    """The batch of the first output as the case, that of the second as `altered`."""
    loss_weights, extra = draw(st.sampled_from(MODELS))
    signature = Signature(
        LossSpec.of("mse"), "sum_over_batch_size", "float32", _SHAPE, _SHAPE[:2], "bool"
    )
    kinds = tuple(kind for kind in MASK_KINDS if kind != "none")
    left, right = (
        fed(draw(cases(bucketed=[signature], mask_kinds=kinds, edges=False))) for _ in range(2)
    )
    return Pair(left, right, {"loss_weights": loss_weights, "extra": extra})
