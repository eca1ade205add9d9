"""Law of layers: what destroys a mask says so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskgate.engines.zoo_examination import ZooExamination
from maskgate.strategies import Pair, masked_sequences

pytestmark = pytest.mark.law


@pytest.mark.whole_models(examination=ZooExamination)
@given(pair=st.just(masked_sequences()))
def test_mask_loss_is_loud(subject: ZooExamination, pair: Pair) -> None:
    """A layer that destroys a mask warns or refuses."""
    subject.loses_no_mask_silently(pair)
