"""Law of recurrent layers: a masked step is as if it were not there."""

import pytest
from hypothesis import given

from maskgate.engines.layer_examination import LayerExamination
from maskgate.strategies import Pair, with_corners
from maskgate.strategies.recurrent import recurrent_batches, recurrent_corners

pytestmark = pytest.mark.law


@pytest.mark.whole_models(examination=LayerExamination)
@with_corners(recurrent_corners())
@given(pair=recurrent_batches(sequences=True))
def test_recurrent_compaction(subject: LayerExamination, pair: Pair) -> None:
    """Outputs at valid steps are those of the sequence with its masked steps cut out."""
    subject.cuts_out_masked_steps(pair)
