"""A law of class weights: they are sample weights, looked up by label."""

import pytest
from hypothesis import given

from maskgate.engines.class_weight_examination import ClassWeightExamination
from maskgate.strategies import Pair, with_corners
from maskgate.strategies.class_weights import classified_batches, classified_corners

pytestmark = pytest.mark.law


@pytest.mark.whole_models(examination=ClassWeightExamination)
@with_corners(classified_corners())
@given(pair=classified_batches())
def test_class_weight(subject: ClassWeightExamination, pair: Pair) -> None:
    """class_weight is the sample weight looked up by label, or a clear error."""
    subject.class_weights_by_label(pair)
