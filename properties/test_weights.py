"""Laws about sample weights, alone and together with a mask."""

import numpy as np
import pytest
from hypothesis import given

from maskgate.engines.examination import Examination
from maskgate.strategies import ALIGNED_WEIGHTS, MASKED, WEIGHTED, Pair, pairs
from maskgate.strategies.alterations import (
    TINY_WEIGHT,
    some_valid,
    unweighted,
    weight_off_zero,
    weights_scaled,
    weights_spread,
    weights_zeroed_under_mask,
)
from maskgate.verdicts.relations import Gives

pytestmark = pytest.mark.law

COUNTED = ("sum_over_batch_size", "mean", "sum", "none")


@given(
    pair=pairs(
        given=some_valid,
        weight_values=("all-zero",),
        weight_kinds=WEIGHTED,
        mask_ranks=("equal",),
    )
)
def test_zero_weights(subject: Examination, pair: Pair) -> None:
    """Weights that are all zero: a finite loss, and a gradient of zero."""
    relation = Gives(pair.case, finite=True, wanted_gradient=np.zeros_like, or_refused=True)
    subject.holds(pair, lambda _mode: relation)


@given(
    pair=pairs(
        unweighted,
        weight_values=("one",),
        weight_kinds=tuple(kind for kind in ALIGNED_WEIGHTS if kind != "none"),
        mask_ranks=("equal",),
        max_rank=3,
    )
)
def test_unit_weights(subject: Examination, pair: Pair) -> None:
    """Weights of 1 change nothing."""
    subject.close(pair)


@given(pair=pairs(weights_scaled, weight_kinds=WEIGHTED))
def test_weight_homogeneity(subject: Examination, pair: Pair) -> None:
    """The loss is of degree 1 in the weights, negative ones too; a weighted mean of degree 0."""
    weighted_mean = pair.case.reduction == "mean_with_sample_weight"
    subject.close(pair, factor=1.0 if weighted_mean else pair.details["factor"])


@given(
    pair=pairs(
        weight_off_zero,
        weight_kinds=WEIGHTED,
        weight_values=("zero",),
        dtypes=("float32", "float64"),
        reductions=COUNTED,
        mask_ranks=("equal",),
    )
)
def test_weight_continuity(subject: Examination, pair: Pair) -> None:
    """There is no jump at weight 0."""
    elements = subject.element_sum(pair.case)
    subject.requires(elements is not None)
    # A weight can weigh into a mean by at most all element losses, each over a count of 1 or more.
    # The generations' element losses differ by an epsilon of 1e-7 inside logarithms: hence twice.
    slack = 2 * TINY_WEIGHT * elements
    subject.close(pair, slack=slack, gradient=False)


@given(
    pair=pairs(
        weights_zeroed_under_mask,
        mask_kinds=MASKED,
        mask_ranks=("equal",),
        weight_kinds=ALIGNED_WEIGHTS,
        max_rank=3,
    )
)
def test_mask_times_weight(subject: Examination, pair: Pair) -> None:
    """Weight 0 at masked positions changes nothing: a mask applied twice is a mask."""
    subject.close(pair)


@given(pair=pairs(weights_spread, weight_kinds=("(B,)",), mask_ranks=("equal",), min_rank=3))
def test_weight_broadcast(subject: Examination, pair: Pair) -> None:
    """A weight of rank 1 is per sample, whatever the other axes are; else a clear error."""
    subject.close(pair, or_refused=True)
