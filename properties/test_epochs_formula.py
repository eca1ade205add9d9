"""Conformance of epochs: what the trainer reports of several batches."""

import pytest
from hypothesis import given

from maskgate.engines.epoch_examination import EpochExamination
from maskgate.strategies import Pair, with_corners
from maskgate.strategies.epochs import epoch_corners, epochs

pytestmark = pytest.mark.conformance


@pytest.mark.whole_models(examination=EpochExamination)
@with_corners(epoch_corners())
@given(pair=epochs())
def test_epoch_value(subject: EpochExamination, pair: Pair) -> None:
    """`evaluate` and `fit` report the mean of their batches' losses, also of a partial last one."""
    subject.epoch_conforms(pair)
