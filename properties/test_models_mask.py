"""Laws of whole models: the mask reaches the loss, whatever layers it goes through."""

import pytest
from hypothesis import given

from maskgate.engines.model_examination import ModelExamination
from maskgate.strategies import Pair, question_corners, trained_pairs, with_corners
from maskgate.strategies.alterations import repadded

pytestmark = pytest.mark.law


@pytest.mark.whole_models
@with_corners(question_corners())
@given(pair=trained_pairs(repadded("y_true", "finite")))
def test_mask_reaches_loss(subject: ModelExamination, pair: Pair) -> None:
    """Masked labels change neither the loss of a training step nor the weights after it."""
    subject.steps_alike(pair)
