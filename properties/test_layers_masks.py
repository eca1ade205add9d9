"""Conformance: what each layer that the framework exports does with a mask."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskgate.engines.zoo_examination import ZooExamination
from maskgate.strategies import Pair, masked_sequences

pytestmark = pytest.mark.conformance


@pytest.mark.whole_models(examination=ZooExamination)
@given(pair=st.just(masked_sequences()))
def test_layer_mask(subject: ZooExamination, pair: Pair) -> None:
    """Each layer keeps, changes, uses up or drops a mask as is listed for its release."""
    subject.emits_what_is_listed(pair)
