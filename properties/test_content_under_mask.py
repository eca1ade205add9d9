"""Laws about what lies under the mask: it must not matter."""

import numpy as np
import pytest
from hypothesis import given

from maskgate.engines.examination import Examination
from maskgate.strategies import ALIGNED_WEIGHTS, MASKED, Pair, pairs
from maskgate.strategies.alterations import masked_predictions, repadded, some_valid
from maskgate.verdicts.relations import Gives

pytestmark = pytest.mark.law

PLAIN = {
    # What a batch with nothing valid gives is the topic of `empty-mask`.
    "given": some_valid,
    "mask_kinds": MASKED,
    "mask_ranks": ("equal",),
    "weight_kinds": ALIGNED_WEIGHTS,
    "max_rank": 3,
}


@given(pair=pairs(repadded("y_true", "finite"), **PLAIN))
def test_labels_under_mask(subject: Examination, pair: Pair) -> None:
    """Changing masked labels to any finite values changes neither loss nor gradient."""
    subject.identical(pair)


@given(pair=pairs(repadded("y_true", "non-finite"), **PLAIN))
def test_labels_under_mask_nonfinite(subject: Examination, pair: Pair) -> None:
    """Nor do NaN, infinities, 1e20 or class ids that no class has: padding is often such."""
    subject.identical(pair)


@given(pair=pairs(repadded("y_pred", "finite"), **PLAIN))
def test_predictions_under_mask(subject: Examination, pair: Pair) -> None:
    """Changing masked predictions to finite values changes neither loss nor gradient."""
    subject.identical(pair)


@given(pair=pairs(repadded("y_pred", "non-finite"), **PLAIN))
def test_predictions_under_mask_nonfinite(subject: Examination, pair: Pair) -> None:
    """Nor do NaN, infinities or 1e20 in the predictions at masked positions."""
    subject.identical(pair)


@given(pair=pairs(**PLAIN))
def test_gradient_under_mask(subject: Examination, pair: Pair) -> None:
    """The gradient is exactly zero at masked positions."""
    masked = masked_predictions(pair.case)
    relation = Gives(pair.case, wanted_gradient=lambda seen: np.where(masked, 0.0, seen))
    subject.holds(pair, lambda _mode: relation)
