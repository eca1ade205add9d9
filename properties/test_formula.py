"""Conformance: the subject does exactly what its family's formula says."""

import pytest
from hypothesis import given

from maskgate.engines.examination import Examination
from maskgate.strategies import Pair, pairs
from maskgate.strategies.alterations import modest

pytestmark = pytest.mark.conformance


@given(pair=pairs(given=modest, empty_batch=True, long=True))
def test_loss_value(subject: Examination, pair: Pair) -> None:
    """The value of every loss, under every mask, weight and reduction, is the family's."""
    subject.conforms(pair)


@given(pair=pairs())
def test_loss_gradient(subject: Examination, pair: Pair) -> None:
    """Every component of the gradient with respect to y_pred is the analytic one."""
    subject.conforms(pair, gradient=True)
