"""Shape classes: one word for a case that stays while its example shrinks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fake_subject import case, deviations, examination, loaded, plus, run_property
from hypothesis import HealthCheck, given, settings

from maskgate.case import Case, LossSpec
from maskgate.strategies import Pair, cases, pairs
from maskgate.verdicts.shapes import shape_class


def shaped(
    y_pred: tuple[int, ...], mask: Any = None, weight: Any = None, loss: str = "mse"
) -> Case:
    return Case(
        loss=LossSpec.of(loss),
        reduction="sum",
        dtype="float32",
        y_true=np.zeros(y_pred),
        y_pred=np.zeros(y_pred),
        mask=None if mask is None else np.ones(mask, bool),
        sample_weight=None if weight is None else np.ones(weight),
    )


@pytest.mark.parametrize(
    ("made", "word"),
    [
        (shaped((2, 3, 1)), "plain"),
        (shaped((2, 3, 1), mask=(2, 3), weight=(2, 3)), "plain"),
        (shaped((2, 3, 1), mask=(2, 3, 1), weight=(2, 3, 1)), "plain"),
        (shaped((2, 3, 1), weight=()), "plain"),
        (shaped((0, 3, 1), mask=(0, 3)), "empty-batch"),
        (shaped((2, 3, 1), weight=(2,)), "weight-rank-lower"),
        (shaped((3, 3, 1), weight=(3,)), "weight-rank-lower-coincident"),
        (shaped((2, 3, 1), mask=(2,)), "mask-rank-lower"),
        (shaped((2, 1, 1), mask=(2,)), "mask-rank-lower-coincident"),
        (shaped((2, 3), mask=(2, 3)), "mask-rank-higher"),
        (shaped((3, 3), mask=(3, 3)), "mask-rank-higher-coincident"),
        (shaped((2, 3, 1), mask=(2,), weight=(2,)), "weight-rank-lower"),
        (shaped((65505, 1)), "past-65504"),
        (shaped((65504, 1)), "plain"),
    ],
)
def test_each_class_has_its_cases(made: Case, word: str) -> None:
    assert shape_class(made) == word


def test_class_ids_of_images_are_a_class_of_their_own_for_element_losses_alone() -> None:
    image = shaped((2, 3, 4, 5), loss="sparse_cce")
    assert shape_class(image, stage="elementwise") == "classes-of-images"
    assert shape_class(image) == "plain"
    assert shape_class(shaped((2, 3, 5), loss="sparse_cce"), stage="elementwise") == "plain"
    logits = image.with_(loss=LossSpec.of("sparse_cce", from_logits=True))
    assert shape_class(logits, stage="elementwise") == "plain"


def test_an_empty_mask_is_a_class_of_its_own_for_modes_alone() -> None:
    empty = case(mask=((0, 0, 0),))
    assert shape_class(empty, stage="mode") == "all-masked"
    assert shape_class(empty) == "plain"
    assert shape_class(case(), stage="mode") == "plain"


@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
def test_labels_that_hinges_convert_in_one_of_the_two_cases_alone_are_a_class(loss: str) -> None:
    zero = shaped((2, 3, 1), loss=loss)
    two = zero.with_(y_true=np.full((2, 3, 1), 2.0))
    assert shape_class(zero, two) == "label-conversion"
    assert shape_class(zero, zero) == "plain"
    assert shape_class(two, two) == "plain"
    assert shape_class(zero.with_(loss=LossSpec.of("mse")), two) == "plain"


@settings(deadline=None, max_examples=100, suppress_health_check=list(HealthCheck))
@given(case=cases(losses=["mse", "cce"]))
def test_the_class_does_not_depend_on_values_dtype_or_reduction(case: Case) -> None:
    """What shrinks most: numbers towards zero and masks towards False."""
    simpler = case.with_(
        y_true=np.zeros_like(case.y_true),
        y_pred=np.zeros_like(case.y_pred),
        mask=None if case.mask is None else np.zeros(case.mask.shape, bool),
        sample_weight=None if case.sample_weight is None else np.zeros(case.sample_weight.shape),
        dtype="float32",
        reduction="sum",
    )
    assert shape_class(simpler) == shape_class(case)


def test_what_a_run_reports_is_of_the_class_that_it_is_reported_under() -> None:
    """One fault that shows in every class: each finding's shrunk case is of its own class."""
    # NaN shows beside numbers of any size.
    nan_where_weighted = plus(float("nan"), when=lambda each: each.sample_weight is not None)
    examined = examination(nan_where_weighted)

    def said(pair: Pair) -> None:
        examined.conforms(pair)

    choices = {"losses": ["mse"], "weight_kinds": ("(B,)", "(B,T)"), "reductions": ["sum"]}
    found = [
        each.finding
        for each in deviations(
            run_property(said, pairs(compiled=False, mask_ranks=("equal",), **choices))
        )
    ]
    words = [each.identity["shape_class"] for each in found]
    assert words == [shape_class(*loaded(each)) for each in found]
    assert {"plain", "weight-rank-lower-coincident"} <= set(words)
    assert len(words) == len(set(words))
