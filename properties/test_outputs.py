"""A law of models with several outputs: each is masked by its own mask."""

import pytest
from hypothesis import given

from maskgate.engines.output_examination import OutputExamination
from maskgate.strategies import Pair
from maskgate.strategies.outputs import two_outputs

pytestmark = pytest.mark.law


@pytest.mark.whole_models(examination=OutputExamination)
@given(pair=two_outputs())
def test_own_mask_per_output(subject: OutputExamination, pair: Pair) -> None:
    """Each output is masked by its own mask; what a model adds to its loss is not scaled by it."""
    subject.masks_each_output(pair)
