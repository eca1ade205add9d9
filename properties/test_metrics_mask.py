"""Laws of metrics: what is masked does not count, and a metric is the loss of its name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskgate.engines.metric_examination import MetricExamination
from maskgate.strategies import Pair, with_corners
from maskgate.strategies.metrics import (
    PREDICTIONS,
    metric_and_loss,
    metric_and_loss_corners,
    metric_batches,
    metric_pair_corners,
)

pytestmark = pytest.mark.law


@pytest.mark.whole_models(examination=MetricExamination, light=True)
@with_corners(metric_pair_corners())
@given(
    pair=st.one_of(
        *(metric_batches(padded_with=kind) for kind in ("finite", "nonfinite", PREDICTIONS))
    )
)
def test_metric_under_mask(subject: MetricExamination, pair: Pair) -> None:
    """No metric depends on labels or predictions of masked steps."""
    subject.metrics_alike(pair)


@pytest.mark.whole_models(examination=MetricExamination)
@with_corners(metric_and_loss_corners())
@given(pair=metric_and_loss())
def test_loss_matches_metric(subject: MetricExamination, pair: Pair) -> None:
    """The same function as loss and as metric gives one number of one batch."""
    subject.metric_is_loss(pair)
