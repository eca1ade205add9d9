"""Laws about how much is masked: valid elements alone make the loss."""

import numpy as np
import pytest
from hypothesis import given

from maskgate.engines.examination import Examination
from maskgate.oracle import Expected
from maskgate.strategies import (
    ALIGNED_WEIGHTS,
    MASKED,
    Pair,
    along_last_axis,
    pairs,
)
from maskgate.strategies.alterations import (
    compacted,
    constant,
    masked_places,
    one_element,
    padded,
    some_valid,
    unmasked,
    without_a_masked_row,
)
from maskgate.verdicts.relations import Gives

pytestmark = pytest.mark.law

MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")
ALIGNED = {
    "losses": along_last_axis(),
    "mask_ranks": ("equal",),
    "weight_kinds": ALIGNED_WEIGHTS,
    "max_rank": 3,
}


@given(pair=pairs(padded, given=some_valid, mask_kinds=MASKED, min_rank=3, **ALIGNED))
def test_padding_invariance(subject: Examination, pair: Pair) -> None:
    """Adding masked steps, left or right, changes nothing; nor does their number."""
    left, steps = pair.details["left"], pair.case.loss_shape[1]
    subject.close(pair, of_altered=lambda array: array[:, left : left + steps])


@given(pair=pairs(compacted, given=some_valid, mask_kinds=MASKED, reductions=MEANS, **ALIGNED))
def test_compaction(subject: Examination, pair: Pair) -> None:
    """The loss of a padded batch is the unmasked loss of its valid elements laid end to end."""
    valid = ~masked_places(pair.case)
    subject.close(pair, of_case=lambda array: array[valid])


@given(
    pair=pairs(
        one_element,
        given=constant,
        mask_kinds=MASKED,
        reductions=MEANS,
        **{**ALIGNED, "weight_kinds": ("none",)},
    )
)
def test_constant_loss(subject: Examination, pair: Pair) -> None:
    """Equal element losses c give c under every mask with a valid element."""
    assert pair.altered is not None
    alone = subject.expect(pair.altered, gradient=False)
    subject.requires(not isinstance(alone, Expected) or bool(np.isfinite(alone.value.value).all()))
    subject.close(pair, gradient=False)


@given(pair=pairs(unmasked, mask_kinds=("all-true",), **ALIGNED))
def test_full_mask_is_no_mask(subject: Examination, pair: Pair) -> None:
    """A mask that is True everywhere changes nothing."""
    subject.close(pair)


@given(pair=pairs(mask_kinds=("all-false",), **ALIGNED))
def test_empty_mask(subject: Examination, pair: Pair) -> None:
    """All masked: the loss is 0 and the gradient is 0. This is where an epsilon matters."""
    relation = Gives(pair.case, value=np.zeros_like, wanted_gradient=np.zeros_like)
    subject.holds(pair, lambda _mode: relation)


@given(pair=pairs(without_a_masked_row, mask_kinds=("empty-row",), min_rank=3, **ALIGNED))
def test_empty_row(subject: Examination, pair: Pair) -> None:
    """One fully masked row among others changes nothing."""
    row = pair.details["row"]
    subject.close(pair, of_case=lambda array: np.delete(array, row, axis=0))
