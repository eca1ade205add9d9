"""Law of layers that count steps: a masked step is not one of them."""

import pytest
from hypothesis import given

from maskgate.engines.layer_calls_examination import LayerCallsExamination
from maskgate.strategies import Pair, with_corners
from maskgate.strategies.layer_calls import masked_batches, masked_corners

pytestmark = pytest.mark.law


@pytest.mark.whole_models(examination=LayerCallsExamination)
@with_corners(masked_corners())
@given(pair=masked_batches())
def test_statistics_under_mask(subject: LayerCallsExamination, pair: Pair) -> None:
    """Pooling and normalisation do not depend on masked steps."""
    subject.counts_valid_steps(pair)
