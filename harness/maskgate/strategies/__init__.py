"""Floor 3: Hypothesis strategies for cases and their parts.

from hypothesis import given
from maskgate.strategies import cases

@given(cases(losses=["mse"], mask_ranks=["equal"]))
def test_my_loss(case): ...
"""

from maskgate.strategies.cases import cases
from maskgate.strategies.contents import DOMAINS, DTYPES, WEIGHT_VALUES, contents
from maskgate.strategies.corners import (
    compiled_corners,
    corners_of,
    mask_corners,
    value_corners,
    weight_corners,
    with_corners,
)
from maskgate.strategies.layers import masked_sequences
from maskgate.strategies.losses import LOSS_NAMES, PARAMETER_VALUES, losses
from maskgate.strategies.masks import MASK_DTYPES, MASK_KINDS, MASK_RANKS, SOFT_MASK, masks
from maskgate.strategies.models import (
    QUESTION,
    STACKS,
    empty_batches,
    empty_corners,
    nonfinite_corners,
    question_corners,
    trained_batches,
    trained_pairs,
    weighted_corners,
)
from maskgate.strategies.paddings import PADDING_KINDS, padding, repaddings
from maskgate.strategies.pairs import Pair, along_last_axis, pairs, spend_signatures
from maskgate.strategies.scope import NotTaken, Scope, draw_only
from maskgate.strategies.shapes import LONG_SIDES, shapes
from maskgate.strategies.signatures import SIGNATURE_SHAPES, Signature, signatures
from maskgate.strategies.weights import WEIGHT_KINDS, weights

# The kinds that most laws are about: some mask; some weights; weights that broadcast to a loss
# of one or two axes as one would expect.
MASKED = tuple(kind for kind in MASK_KINDS if kind != "none")
WEIGHTED = tuple(kind for kind in WEIGHT_KINDS if kind != "none")
ALIGNED_WEIGHTS = ("none", "scalar", "(B,1)", "(B,T)", "(B,T,1)")

__all__ = [
    "ALIGNED_WEIGHTS",
    "DOMAINS",
    "DTYPES",
    "LONG_SIDES",
    "LOSS_NAMES",
    "MASKED",
    "MASK_DTYPES",
    "MASK_KINDS",
    "MASK_RANKS",
    "PADDING_KINDS",
    "PARAMETER_VALUES",
    "QUESTION",
    "SIGNATURE_SHAPES",
    "SOFT_MASK",
    "STACKS",
    "WEIGHTED",
    "WEIGHT_KINDS",
    "WEIGHT_VALUES",
    "NotTaken",
    "Pair",
    "Scope",
    "Signature",
    "along_last_axis",
    "cases",
    "compiled_corners",
    "contents",
    "corners_of",
    "draw_only",
    "empty_batches",
    "empty_corners",
    "losses",
    "mask_corners",
    "masked_sequences",
    "masks",
    "nonfinite_corners",
    "padding",
    "pairs",
    "question_corners",
    "repaddings",
    "shapes",
    "signatures",
    "spend_signatures",
    "trained_batches",
    "trained_pairs",
    "value_corners",
    "weight_corners",
    "weighted_corners",
    "weights",
    "with_corners",
]
