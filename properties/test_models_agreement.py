"""Agreement of whole models: one batch, one answer."""

import pytest
from hypothesis import given

from maskgate.engines.model_examination import ModelExamination
from maskgate.strategies import Pair, trained_batches

pytestmark = pytest.mark.agreement


@pytest.mark.whole_models
@given(pair=trained_batches())
def test_api_paths(subject: ModelExamination, pair: Pair) -> None:
    """Every entry point of the trainer reports the same loss of the batch."""
    subject.paths_agree(pair)
