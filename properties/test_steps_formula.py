"""Conformance of training steps: the weights move as the loss's gradient says."""

import pytest
from hypothesis import given

from maskgate.engines.step_examination import StepExamination
from maskgate.strategies import Pair, weighted_corners, with_corners
from maskgate.strategies.steps import stepped_batches

pytestmark = pytest.mark.conformance


@pytest.mark.whole_models(examination=StepExamination)
@with_corners(weighted_corners())
@given(pair=stepped_batches())
def test_training_step(subject: StepExamination, pair: Pair) -> None:
    """One training step leaves the weights that the gradient of the family's loss makes of them."""
    subject.steps_by_formula(pair)
