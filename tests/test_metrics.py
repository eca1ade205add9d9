"""Metrics, class weights and several outputs: their oracle, their batches, planted faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faults import keras_3_15_metrics
from faults.planting import Fault, plant
from hypothesis import HealthCheck, assume, given, settings
from test_planted_faults import check, installed, judge

from maskgate.case import AnyArray, Case, LossSpec
from maskgate.engines.metric_examination import MetricExamination
from maskgate.oracle import Semantics
from maskgate.oracle.metric_rules import MetricRules, metric_rules
from maskgate.oracle.metrics import MEANS, OTHERS, RANKED, WRAPPED, expect_metric
from maskgate.strategies import Pair
from maskgate.strategies.class_weights import classified_batches, classified_corners, looked_up
from maskgate.strategies.metrics import (
    COUNTING,
    MEAN_METRICS,
    PREDICTIONS,
    metric_batches,
    metric_corners,
    metric_pair_corners,
)
from maskgate.strategies.metrics import RANKED as RANKED_BY_LOSS

LOSSES = np.array([[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]])
MASK = np.array([[True, False, True], [True, False, False]])
WEIGHTS = np.array([[2.0, 5.0, 3.0], [0.0, 1.0, 1.0]])
KERAS_3 = Semantics("valid-where")
ASKED = set(COUNTING).union(*MEAN_METRICS.values(), *RANKED_BY_LOSS.values())


def batch(
    y_true: AnyArray, y_pred: AnyArray, mask: AnyArray | None, weight: AnyArray | None = None
) -> Case:
    spec = LossSpec.of("mae")
    return Case(spec, "sum_over_batch_size", "float32", y_true, y_pred, mask, weight)


def value(name: str, case: Case, rules: MetricRules, *, weighted: bool = False) -> float:
    return float(expect_metric(name, case, KERAS_3, rules, weighted=weighted).value)


# -- the oracle


@pytest.mark.parametrize(
    ("release", "masked", "both"),
    [("2.3.1", 8 / 3, 3.4), ("2.15.0", 8 / 3, 3.4), ("3.11.3", 3.5, 3.4), ("3.12.0", 8 / 3, 3.4)],
)
def test_a_mean_of_worked_numbers(release: str, masked: float, both: float) -> None:
    rules = metric_rules("keras", release)
    case = batch(np.zeros((2, 3, 1)), LOSSES[..., None], MASK, WEIGHTS)
    assert value("MeanAbsoluteError", case, rules) == pytest.approx(masked, rel=1e-12)
    said = value("MeanAbsoluteError", case, rules, weighted=True)
    assert said == pytest.approx(both, rel=1e-12)


def test_a_mean_over_no_weight() -> None:
    case = batch(np.zeros((2, 3, 1)), LOSSES[..., None], np.zeros((2, 3), bool))
    assert np.isnan(value("MeanAbsoluteError", case, metric_rules("keras", "2.3.1")))
    assert value("MeanAbsoluteError", case, metric_rules("keras", "2.15.0")) == 0.0
    assert value("MeanAbsoluteError", case, metric_rules("tf_keras", "2.21.0")) == 0.0


def test_rates_of_worked_numbers() -> None:
    """Valid: a hit and a miss; masked: a false alarm."""
    y_true = np.array([[[1.0], [1.0], [0.0]]])
    y_pred = np.array([[[0.75], [0.25], [0.75]]])
    case = batch(y_true, y_pred, np.array([[True, True, False]]))
    sees, not_seen = metric_rules("keras", "2.15.0"), metric_rules("keras", "3.15.1")
    expected = {
        "Precision": (1.0, 0.5),
        "Recall": (0.5, 0.5),
        "TruePositives": (1.0, 1.0),
        "FalsePositives": (0.0, 1.0),
        "FalseNegatives": (1.0, 1.0),
        "TrueNegatives": (0.0, 0.0),
        "BinaryIoU": (0.25, 1 / 6),
        "RootMeanSquaredError": (np.sqrt(0.3125), np.sqrt((0.0625 + 0.5625 + 0.5625) / 3)),
    }
    for name, (masked, unmasked) in expected.items():
        assert value(name, case, sees) == pytest.approx(masked, rel=1e-12), name
        assert value(name, case, not_seen) == pytest.approx(unmasked, rel=1e-12), name


def test_an_accuracy_of_class_ids() -> None:
    """Two of the three valid steps are right; the masked one is not."""
    y_true = np.array([[0, 1], [1, 0]], np.int32)
    y_pred = np.array([[[0.75, 0.25], [0.25, 0.75]], [[0.75, 0.25], [0.25, 0.75]]])
    case = Case(
        LossSpec.of("sparse_cce"), "sum_over_batch_size", "float32", y_true, y_pred, None, None
    ).with_(mask=np.array([[True, True], [True, False]]))
    rules = metric_rules("keras", "2.15.0")
    assert value("SparseCategoricalAccuracy", case, rules) == pytest.approx(2 / 3, rel=1e-12)
    log_2 = -(np.log(0.75) * 2 + np.log(0.25)) / 3
    assert value("SparseCategoricalCrossentropy", case, rules) == pytest.approx(log_2, rel=1e-6)


def ranked(labels: list[int], y_pred: AnyArray, mask: list[bool], **given: Any) -> Case:
    """One sample of steps, by class ids."""
    return Case(
        LossSpec.of("sparse_cce"),
        "sum_over_batch_size",
        "float32",
        np.array([labels], np.int32),
        np.asarray(y_pred, np.float32)[None],
        np.array([mask]),
        **given,
    )


def test_a_top_k_accuracy_of_worked_numbers() -> None:
    """Of seven classes in order the last five are the first five: a miss, two hits, masked ones."""
    y_pred = np.tile(np.arange(7.0), (5, 1))
    case = ranked([1, 2, 6, 0, 5], y_pred, [True, True, True, False, False])
    of_rows = case.with_(loss=LossSpec.of("cce"), y_true=np.eye(7)[np.asarray(case.y_true)])
    weight = np.array([[1.0, 4.0, 0.0, 2.0, 3.0]])
    for release, masked, both in (("2.15.0", 2 / 3, 0.8), ("3.11.3", 3 / 5, 0.8)):
        rules = metric_rules("keras", release)
        for name, each in (
            ("SparseTopKCategoricalAccuracy", case),
            ("TopKCategoricalAccuracy", of_rows),
        ):
            assert value(name, each, rules) == pytest.approx(masked, rel=1e-12)
            weighted = each.with_(sample_weight=weight)
            said = value(name, weighted, rules, weighted=True)
            assert said == pytest.approx(both, rel=1e-12)


@pytest.mark.parametrize(
    ("label", "low", "high"),
    [(6, 1.0, 1.0), (2, 0.0, 1.0), (1, 0.0, 1.0), (0, 0.0, 0.0)],
)
def test_a_tie_over_the_last_place_is_either(label: int, low: float, high: float) -> None:
    # Four classes stand before two alike, of which one has the fifth place.
    case = ranked([label], np.array([[0.0, 1.0, 1.0, 2.0, 3.0, 4.0, 5.0]]), [True])
    rules = metric_rules("keras", "3.15.1")
    ball = expect_metric("SparseTopKCategoricalAccuracy", case, KERAS_3, rules, weighted=False)
    # A mean of one: what is not open has the roundings of a mean.
    assert float(ball.value - ball.radius) == pytest.approx(low, abs=1e-6)
    assert float(ball.value + ball.radius) == pytest.approx(high, abs=1e-6)


@pytest.mark.parametrize("name", ["SparseTopKCategoricalAccuracy", "SparseCategoricalAccuracy"])
def test_no_number_at_a_masked_step_spares_an_accuracy(name: str) -> None:
    y_pred = np.tile(np.arange(7.0), (2, 1))
    y_pred[1] = np.nan
    case = ranked([6, 6], y_pred, [True, False])
    seen = expect_metric(name, case, KERAS_3, metric_rules("keras", "3.15.1"), weighted=False)
    assert float(seen.value) == 1.0
    assert float(seen.radius) < 1e-6
    # Where the mask is not looked at, nothing is said of such a step.
    unseen = expect_metric(name, case, KERAS_3, metric_rules("keras", "3.0.5"), weighted=False)
    assert float(unseen.radius) >= 0.25


@pytest.mark.parametrize(
    ("release", "of_rows", "of_ids", "of_bare_ids"),
    [
        ("2.2.5", False, False, False),
        ("2.3.1", False, False, False),
        ("2.8.0", False, False, True),
        ("2.9.0", True, True, True),
        ("3.0.5", True, True, True),
    ],
)
def test_old_top_k_accuracies_take_no_steps(
    release: str, *, of_rows: bool, of_ids: bool, of_bare_ids: bool
) -> None:
    rules = metric_rules("keras", release)
    assert rules.takes_steps(sparse=False, weighted=False) == of_rows
    assert rules.takes_steps(sparse=True, weighted=True) == of_ids
    assert rules.takes_steps(sparse=True, weighted=False) == of_bare_ids
    assert metric_rules("tf_keras", "2.16.0").takes_steps(sparse=True, weighted=True)


def test_keras_2_3_divides_by_the_weights_of_samples_as_they_are_given() -> None:
    case = batch(np.zeros((2, 3, 1)), LOSSES[..., None], None, np.array([1.0, 3.0]))
    by_step = value("MeanAbsoluteError", case, metric_rules("keras", "2.15.0"), weighted=True)
    as_given = value("MeanAbsoluteError", case, metric_rules("keras", "2.3.1"), weighted=True)
    assert as_given == pytest.approx(3 * by_step, rel=1e-12)


def test_the_area_under_a_curve_is_the_share_of_pairs_in_order() -> None:
    """With distinct predictions: how often a positive is above a negative."""
    y_true = np.array([[1.0], [0.0], [1.0], [0.0], [0.0]])
    y_pred = np.array([[0.875], [0.125], [0.375], [0.625], [0.25]])
    case = batch(y_true, y_pred, None)
    assert value("AUC", case, metric_rules("keras", "3.15.1")) == pytest.approx(5 / 6, rel=1e-12)


def test_the_bound_of_a_metric_is_a_few_roundings() -> None:
    case = batch(np.zeros((2, 3, 1)), LOSSES[..., None], MASK, WEIGHTS)
    rules = metric_rules("keras", "3.15.1")
    for name in (*WRAPPED, *OTHERS):
        of_classes = name.startswith("Sparse")
        asked = case.with_(y_true=np.zeros((2, 3), np.int32)) if of_classes else case
        ball = expect_metric(name, asked, KERAS_3, rules, weighted=True)
        # Counts are exact; an area is a sum over 200 thresholds.
        largest = 2e-3 if name == "AUC" else 1e-4
        assert 0.0 <= ball.radius <= largest * max(1.0, abs(float(ball.value))), name


# -- the batches


@settings(max_examples=60, deadline=None)
@given(pair=metric_batches(padded_with="finite"))
def test_only_masked_labels_of_a_metric_differ(pair: Pair) -> None:
    assert pair.altered is not None
    assert set(pair.details["metrics"]) <= ASKED
    valid = np.asarray(pair.case.mask)
    assert np.array_equal(pair.case.y_true[valid], pair.altered.y_true[valid])
    assert np.array_equal(pair.case.y_pred, pair.altered.y_pred)


@settings(max_examples=60, deadline=None)
@given(pair=metric_batches(padded_with=PREDICTIONS))
def test_predictions_that_are_no_numbers_are_masked(pair: Pair) -> None:
    assert pair.altered is not None
    valid = np.asarray(pair.case.mask)
    assert np.array_equal(pair.case.y_true, pair.altered.y_true)
    assert np.array_equal(pair.case.y_pred[valid], pair.altered.y_pred[valid])
    assert not np.isfinite(pair.altered.y_pred[~valid]).any()
    # The batch itself is one of numbers.
    assert np.isfinite(pair.case.y_pred).all()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(pair=metric_batches())
def test_no_two_ranked_classes_are_alike(pair: Pair) -> None:
    assume(set(pair.details["metrics"]) & set(RANKED))
    x = pair.case.y_pred
    assert all(len(np.unique(step)) == x.shape[-1] for step in x.reshape(-1, x.shape[-1]))
    assert len(pair.details["metrics"]) == 1


def test_the_corners_have_hits_and_misses_on_either_side_of_the_mask() -> None:
    for pair in metric_corners():
        (name,) = pair.details["metrics"]
        rules = metric_rules("keras", "3.15.1")
        said = expect_metric(name, pair.case, KERAS_3, rules, weighted=False)
        assert float(said.value) == pytest.approx(2 / 3, rel=1e-12)
        bare = pair.case.with_(mask=None, sample_weight=None)
        assert value(name, bare, rules) == pytest.approx(3 / 6, rel=1e-12)
    assert {name for pair in metric_corners() for name in pair.details["metrics"]} == set(RANKED)


def test_the_first_corner_under_the_mask_is_an_error_of_no_number() -> None:
    first = metric_pair_corners()[0]
    assert first.altered is not None
    assert np.isnan(first.altered.y_pred[~np.asarray(first.case.mask)]).all()
    assert "MeanSquaredError" in first.details["metrics"]


def test_each_kind_of_metric_is_asked() -> None:
    assert set(OTHERS) <= ASKED
    assert set(RANKED) <= ASKED
    assert len(set(MEANS) & ASKED) >= 10


@settings(max_examples=60, deadline=None)
@given(pair=classified_batches())
def test_class_weights_are_looked_up_by_label(pair: Pair) -> None:
    weights = looked_up(pair)
    assert weights.shape == pair.case.loss_shape
    assert set(np.unique(weights)) <= set(pair.details["weights"])


def test_the_corners_of_class_weights_hold_every_class() -> None:
    for pair in classified_corners():
        assert len(np.unique(looked_up(pair))) > 1


# -- the suite can fail


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, id=fault.name, marks=[] if number == 0 else pytest.mark.slow)
        for number, fault in enumerate(keras_3_15_metrics.FAULTS)
    ],
)
def test_a_fault_in_metrics_or_weights_is_killed(fault: Fault, tmp_path: Path) -> None:
    path = plant(fault, installed("keras"), tmp_path)
    judge(fault, *check(fault.killed_by, path=path, profile="default"))


@pytest.mark.slow
def test_the_installed_framework_has_its_metrics_as_listed() -> None:
    assert MetricExamination.__doc__
    for name in ("metric-*", "loss-matches-metric", "class-weight", "own-mask-per-output"):
        status, report = check(name, profile="smoke")
        assert status == 0, [each["title"] for each in report["findings"]]
