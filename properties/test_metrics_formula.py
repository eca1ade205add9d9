"""Conformance of metrics: what their definition says, for what the release hands them."""

import pytest
from hypothesis import given

from maskgate.engines.metric_examination import MetricExamination
from maskgate.strategies import Pair, with_corners
from maskgate.strategies.metrics import metric_batches, metric_corners

pytestmark = pytest.mark.conformance


@pytest.mark.whole_models(examination=MetricExamination, light=True)
@with_corners(metric_corners())
@given(pair=metric_batches())
def test_metric_value(subject: MetricExamination, pair: Pair) -> None:
    """Metrics and weighted metrics are what their definition says of the weights they are given."""
    subject.metrics_by_formula(pair)
