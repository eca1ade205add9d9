"""Laws about the form of a mask, and about the order of the samples."""

import numpy as np
import pytest
from hypothesis import given

from maskgate.engines.examination import Examination
from maskgate.strategies import ALIGNED_WEIGHTS, MASKED, Pair, pairs
from maskgate.strategies.alterations import mask_aligned, mask_cast, permuted

pytestmark = pytest.mark.law


@given(
    pair=pairs(
        mask_aligned,
        mask_kinds=MASKED,
        mask_ranks=("lower", "column", "higher"),
        weight_kinds=("none", "scalar"),
    )
)
def test_mask_rank(subject: Examination, pair: Pair) -> None:
    """A mask of another rank means the same or is refused; never a silent wrong broadcast."""
    subject.close(pair, or_refused=True)


@given(pair=pairs(mask_cast, mask_kinds=MASKED))
def test_mask_dtype(subject: Examination, pair: Pair) -> None:
    """A mask of another dtype means the same."""
    subject.identical(pair)


@given(pair=pairs(permuted, mask_ranks=("equal",), weight_kinds=ALIGNED_WEIGHTS, max_rank=3))
def test_batch_permutation(subject: Examination, pair: Pair) -> None:
    """The order of the samples does not matter."""
    order = np.array(pair.details["order"], int)
    subject.close(pair, of_case=lambda array: array[order])
