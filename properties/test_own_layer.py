"""Laws of a layer of the user's: what is masked is not there."""

import pytest
from hypothesis import given

from maskgate.engines.own_layer_examination import OwnLayerExamination
from maskgate.strategies import Pair
from maskgate.strategies.own_layers import (
    layer_batches,
    nonfinite_content,
    other_content,
    other_mask_dtype,
    other_order,
    padded,
    with_holes,
)

pytestmark = pytest.mark.law

own_layer = pytest.mark.whole_models(examination=OwnLayerExamination, light=True)


@own_layer
@given(pair=layer_batches(other_content))
def test_layer_under_mask(subject: OwnLayerExamination, pair: Pair) -> None:
    """Outputs of a layer at valid steps do not depend on what lies at masked steps."""
    subject.sees_no_content(pair)


@own_layer
@given(pair=layer_batches(nonfinite_content))
def test_layer_under_mask_nonfinite(subject: OwnLayerExamination, pair: Pair) -> None:
    """Nor do they where NaN or infinity lies there."""
    subject.sees_no_nonfinite(pair)


@own_layer
@given(pair=layer_batches(padded))
def test_layer_padding(subject: OwnLayerExamination, pair: Pair) -> None:
    """Masked steps at the end of a batch are to a layer as if the batch were shorter."""
    subject.ignores_padding(pair)


@own_layer
@given(pair=layer_batches(empty_row=True))
def test_layer_empty_row(subject: OwnLayerExamination, pair: Pair) -> None:
    """A row that is masked altogether gives finite outputs."""
    subject.stays_finite(pair)


@own_layer
@given(pair=layer_batches(other_mask_dtype))
def test_layer_mask_dtype(subject: OwnLayerExamination, pair: Pair) -> None:
    """A layer understands a mask of 0 and 1 as the mask of bools, or refuses it."""
    subject.takes_any_mask_dtype(pair)


@own_layer
@given(pair=layer_batches())
def test_layer_mask_handed_on(subject: OwnLayerExamination, pair: Pair) -> None:
    """A layer whose output has steps hands its mask on, warns or refuses."""
    subject.hands_the_mask_on(pair)


@own_layer
@given(pair=layer_batches(other_order))
def test_layer_batch_permutation(subject: OwnLayerExamination, pair: Pair) -> None:
    """Each row of a layer's output belongs to its row of the batch, whatever their order."""
    subject.keeps_rows_apart(pair)


@own_layer
@given(pair=layer_batches(with_holes, masked=False))
def test_layer_compaction(subject: OwnLayerExamination, pair: Pair) -> None:
    """A layer that says it skips masked steps gives what it gives of the valid steps alone."""
    subject.skips_masked_steps(pair)
