"""Laws of whole models: the mask reaches the loss, whatever layers it goes through, and what it
covers moves no weight."""

import pytest
from hypothesis import given

from maskgate.engines.model_examination import ModelExamination
from maskgate.strategies import (
    Pair,
    empty_batches,
    empty_corners,
    nonfinite_corners,
    question_corners,
    trained_pairs,
    with_corners,
)
from maskgate.strategies.alterations import repadded

pytestmark = pytest.mark.law


@pytest.mark.whole_models
@with_corners(question_corners())
@given(pair=trained_pairs(repadded("y_true", "finite")))
def test_mask_reaches_loss(subject: ModelExamination, pair: Pair) -> None:
    """Masked labels change neither the loss of a training step nor the weights after it."""
    subject.steps_alike(pair)


@pytest.mark.whole_models
@with_corners(nonfinite_corners())
@given(pair=trained_pairs(repadded("y_true", "non-finite")))
def test_training_on_nonfinite_padding(subject: ModelExamination, pair: Pair) -> None:
    """NaN and infinite labels under the mask change no training step either."""
    subject.steps_alike(pair)


@pytest.mark.whole_models
@with_corners(empty_corners())
@given(pair=empty_batches())
def test_training_on_an_empty_mask(subject: ModelExamination, pair: Pair) -> None:
    """A training step on nothing but masked steps has a loss of 0 and moves no weight."""
    subject.step_changes_nothing(pair)
