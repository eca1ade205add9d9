"""Conformance: the masked forward pass of layers."""

import pytest
from hypothesis import given

from maskgate.engines.layer_calls_examination import LayerCallsExamination
from maskgate.strategies import Pair, with_corners
from maskgate.strategies.recurrent import recurrent_batches, recurrent_corners

pytestmark = pytest.mark.conformance


@pytest.mark.whole_models(examination=LayerCallsExamination)
@with_corners(recurrent_corners(traced=True))
@given(pair=recurrent_batches())
def test_layer_forward(subject: LayerCallsExamination, pair: Pair) -> None:
    """Layers give what their definition gives of a masked batch."""
    subject.runs_forward(pair)
