"""Conformance: the subject does exactly what its family's formula says."""

import pytest
from hypothesis import given

from maskgate.engines.examination import Examination
from maskgate.strategies import (
    MASK_KINDS,
    SOFT_MASK,
    Pair,
    compiled_corners,
    mask_corners,
    pairs,
    value_corners,
    weight_corners,
    with_corners,
)
from maskgate.strategies.alterations import modest

pytestmark = pytest.mark.conformance


EVERY_MASK = (*MASK_KINDS, SOFT_MASK)


@with_corners(compiled_corners(), weight_corners(), mask_corners(), value_corners())
@given(pair=pairs(given=modest, mask_kinds=EVERY_MASK, empty_batch=True, long=True))
def test_loss_value(subject: Examination, pair: Pair) -> None:
    """The value of every loss, under every mask, weight and reduction, is the family's."""
    subject.conforms(pair)


@with_corners(weight_corners(), mask_corners(), value_corners())
@given(pair=pairs(mask_kinds=EVERY_MASK))
def test_loss_gradient(subject: Examination, pair: Pair) -> None:
    """Every component of the gradient with respect to y_pred is the analytic one."""
    subject.conforms(pair, gradient=True)
