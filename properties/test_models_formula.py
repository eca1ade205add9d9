"""Conformance of whole models: the trainer reports what its family's formula says."""

import pytest
from hypothesis import given

from maskgate.engines.model_examination import ModelExamination
from maskgate.strategies import Pair, trained_batches, weighted_corners, with_corners

pytestmark = pytest.mark.conformance


@pytest.mark.whole_models
@with_corners(weighted_corners())
@given(pair=trained_batches())
def test_compiled_loss_value(subject: ModelExamination, pair: Pair) -> None:
    """Every entry point of the trainer reports the family's loss of the batch."""
    subject.trains_by_formula(pair)
