"""Laws of training steps: how samples are put into parts is no part of the step."""

import pytest
from hypothesis import given

from maskgate.engines.step_examination import StepExamination
from maskgate.strategies import Pair, with_corners
from maskgate.strategies.steps import divided_batches, divided_corners

pytestmark = pytest.mark.law


@pytest.mark.whole_models(examination=StepExamination)
@with_corners(divided_corners())
@given(pair=divided_batches())
def test_accumulation_split(subject: StepExamination, pair: Pair) -> None:
    """A step whose gradient is accumulated over parts is the step on all samples."""
    subject.accumulates(pair)
