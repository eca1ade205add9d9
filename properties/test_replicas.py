"""Law of replicas: how many share a batch is no part of the step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskgate.engines.replica_examination import ReplicaExamination
from maskgate.strategies import Pair
from maskgate.strategies.replicas import shared_batches

pytestmark = pytest.mark.law


@pytest.mark.whole_models(examination=ReplicaExamination)
@given(pair=st.sampled_from(shared_batches()))
def test_replica_split(subject: ReplicaExamination, pair: Pair) -> None:
    """A training step that two replicas share has the loss and the weights of one on all
    samples."""
    subject.shares(pair)
