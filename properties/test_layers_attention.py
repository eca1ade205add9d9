"""Law of attention: what is masked is not seen."""

import pytest
from hypothesis import given

from maskgate.engines.layer_calls_examination import LayerCallsExamination
from maskgate.strategies import Pair, with_corners
from maskgate.strategies.layer_calls import masked_batches, masked_corners

pytestmark = pytest.mark.law


@pytest.mark.whole_models(examination=LayerCallsExamination)
@with_corners(masked_corners())
@given(pair=masked_batches())
def test_attention_padding(subject: LayerCallsExamination, pair: Pair) -> None:
    """Masked keys and values change no output of attention; without a valid one it is finite."""
    subject.ignores_masked_keys(pair)
