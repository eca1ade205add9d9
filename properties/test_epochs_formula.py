"""Conformance of epochs: what the trainer reports of several batches."""

import pytest
from hypothesis import given

from maskgate.engines.epoch_examination import EpochExamination
from maskgate.strategies import Pair, with_corners
from maskgate.strategies.epochs import epoch_corners, epochs, held_out_corners

pytestmark = pytest.mark.conformance


@pytest.mark.whole_models(examination=EpochExamination)
@with_corners((*epoch_corners(), *held_out_corners()))
@given(pair=epochs())
def test_epoch_value(subject: EpochExamination, pair: Pair) -> None:
    """`evaluate` and `fit` report the mean of their batches' losses, also of a partial last one, of
    a shuffled batch and of samples held out to validate."""
    subject.epoch_conforms(pair)
