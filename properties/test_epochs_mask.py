"""Laws of epochs: how samples are put into batches is no part of their loss."""

import pytest
from hypothesis import given

from maskgate.engines.epoch_examination import EpochExamination
from maskgate.strategies import Pair, with_corners
from maskgate.strategies.epochs import epoch_corners, epochs

pytestmark = pytest.mark.law


@pytest.mark.whole_models(examination=EpochExamination)
@with_corners(epoch_corners())
@given(pair=epochs(weighted=False))
def test_batch_split(subject: EpochExamination, pair: Pair) -> None:
    """The loss of a masked epoch does not depend on the batch size."""
    subject.split_is_free(pair)
