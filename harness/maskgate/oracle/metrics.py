"""Metrics of masked, weighted batches, from their definitions.

A metric is a mean, a count or a rate over elements, each with a weight: that of the mask, that of
the user, their product, or none, as the release hands them on (`metric_rules`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from maskgate.case import AnyArray, Case, LossSpec
from maskgate.oracle.arithmetic import Arithmetic, arithmetic
from maskgate.oracle.ball import Ball
from maskgate.oracle.definition import Definition
from maskgate.oracle.elementwise import ELEMENT_LOSSES
from maskgate.oracle.metric_rules import MetricRules
from maskgate.oracle.rounding import EXACT, Rounded, constant, count, held
from maskgate.oracle.selection import divide_no_nan
from maskgate.oracle.semantics import Semantics

THRESHOLD = 0.5
AUC_THRESHOLDS = 200

Rate = Callable[["Confusion"], Rounded]


@dataclass(frozen=True)
class Confusion:
    """Weights of elements by label and by what is predicted, added up."""

    true_positive: Rounded
    false_positive: Rounded
    false_negative: Rounded
    true_negative: Rounded


def _precision(c: Confusion) -> Rounded:
    return divide_no_nan(c.true_positive, c.true_positive + c.false_positive)


def _recall(c: Confusion) -> Rounded:
    return divide_no_nan(c.true_positive, c.true_positive + c.false_negative)


def _intersection_over_union(c: Confusion) -> Rounded:
    """Of both classes, those that neither occur nor are predicted left out of the mean."""
    wrong = c.false_positive + c.false_negative
    unions = (c.true_negative + wrong, c.true_positive + wrong)
    parts = [
        divide_no_nan(hit, union)
        for hit, union in zip((c.true_negative, c.true_positive), unions, strict=True)
    ]
    present = float(sum(bool(union.value != 0.0) for union in unions))
    return divide_no_nan(parts[0] + parts[1], constant(present, parts[0].arithmetic))


RATES: dict[str, Rate] = {
    "Precision": _precision,
    "Recall": _recall,
    "TruePositives": lambda c: c.true_positive,
    "FalsePositives": lambda c: c.false_positive,
    "FalseNegatives": lambda c: c.false_negative,
    "TrueNegatives": lambda c: c.true_negative,
    "BinaryIoU": _intersection_over_union,
}
# Metrics that are the mean of an element loss; the cosine without its sign.
MEANS: dict[str, str] = {
    "MeanSquaredError": "mse",
    "MeanAbsoluteError": "mae",
    "MeanAbsolutePercentageError": "mape",
    "MeanSquaredLogarithmicError": "msle",
    "BinaryCrossentropy": "bce",
    "CategoricalCrossentropy": "cce",
    "SparseCategoricalCrossentropy": "sparse_cce",
    "KLDivergence": "kld",
    "Poisson": "poisson",
    "Hinge": "hinge",
    "SquaredHinge": "squared_hinge",
    "CategoricalHinge": "categorical_hinge",
    "CosineSimilarity": "cosine",
}
# Of k = 5, as they are made without arguments: the label is among the five likeliest classes.
TOP = 5
RANKED = ("TopKCategoricalAccuracy", "SparseTopKCategoricalAccuracy")
ACCURACIES = ("BinaryAccuracy", "CategoricalAccuracy", "SparseCategoricalAccuracy", *RANKED)
# What the framework wraps as a mean of values; what sees a mask there is decided in one place.
WRAPPED = (*MEANS, *ACCURACIES)
OTHERS = ("RootMeanSquaredError", "AUC", *RATES)


def expect_metric(
    name: str, case: Case, semantics: Semantics, rules: MetricRules, *, weighted: bool
) -> Ball:
    """What a metric must say of one batch, and how far off a float32 subject may be.

    Args:
        name: one of `WRAPPED` or `OTHERS`.
        case: the batch; its `loss` and `reduction` play no part. Predictions of the metrics that
            count must have one feature.
        semantics: the release, for the element losses.
        rules: what the release's metrics see of mask and weights.
        weighted: whether the sample weights are handed to the metric (`weighted_metrics`, or a
            direct call with them).

    Returns:
        A 0-d ball.
    """
    weight = _weight(case, rules, name, weighted=weighted)
    model = arithmetic("float32")
    with np.errstate(all="ignore"):
        if name in RATES:
            said = RATES[name](_confusion(case, weight, model, THRESHOLD))
        elif name == "AUC":
            said = _area(case, weight, model)
        else:
            values = _values(name, case, semantics, model)
            given = case.sample_weight if rules.counts_given and case.mask is None else None
            said = _mean(values, weight, rules, given if weighted else None)
            if name == "RootMeanSquaredError":
                said = _root(said)
        # Adding to an accumulator of zero is exact.
        return Ball(said.value, np.broadcast_to(said.error, said.value.shape).copy())


def _weight(case: Case, rules: MetricRules, name: str, *, weighted: bool) -> AnyArray | None:
    """The weight of each element, mask and user's weights multiplied, or None."""
    own = case.sample_weight if weighted else None
    seen = rules.sees_mask(weighted=own is not None, wrapped=name in WRAPPED)
    mask = case.mask if seen else None
    shape = case.loss_shape
    parts = [
        np.broadcast_to(each.reshape(each.shape + (1,) * (len(shape) - each.ndim)), shape)
        for each in (mask, own)
        if each is not None
    ]
    if not parts:
        return None
    weight = np.ones(shape, np.float64)
    for each in parts:
        weight = weight * each.astype(np.float64)
    return weight


def _values(name: str, case: Case, semantics: Semantics, model: Arithmetic) -> Rounded:
    """What a metric is the mean of, one value an element."""
    if name == "BinaryAccuracy":
        right = (case.y_pred > THRESHOLD) == (case.y_true == 1.0)
        return Rounded(right.astype(np.float64), EXACT, model).mean(-1)
    if name in ACCURACIES:
        labels = case.y_true if name.startswith("Sparse") else np.argmax(case.y_true, -1)
        if name in RANKED:
            return _among_the_first(labels, case.y_pred, model)
        return _decided(
            labels == np.argmax(case.y_pred, -1), np.isfinite(case.y_pred).all(-1), model
        )
    spec = LossSpec.of("mse" if name == "RootMeanSquaredError" else MEANS[name])
    definition = Definition(spec, semantics, model)
    element = ELEMENT_LOSSES[spec.name].value
    losses = element(held(case.y_true, model), held(case.y_pred, model), definition)
    return -losses if name == "CosineSimilarity" else losses


def _among_the_first(labels: AnyArray, y_pred: AnyArray, model: Arithmetic) -> Rounded:
    """Whether fewer than `TOP` classes are likelier than the label.

    The definition leaves open what counts where classes of one likelihood lie on either side of the
    last place, and where the label's is no number: 0 and 1 are right there.
    """
    own = np.take_along_axis(y_pred, labels[..., None].astype(int), -1)
    likelier, alike = (y_pred > own).sum(-1), (y_pred == own).sum(-1)
    hit, miss = likelier + alike <= TOP, likelier >= TOP
    return _decided(hit, (hit | miss) & np.isfinite(y_pred).all(-1), model)


def _decided(hit: Any, decided: Any, model: Arithmetic) -> Rounded:
    """1 for a hit and 0 for a miss; either where the definition decides nothing."""
    return Rounded(
        np.where(decided, np.asarray(hit, np.float64), 0.5), np.where(decided, 0.0, 0.5), model
    )


def _mean(
    values: Rounded, weight: AnyArray | None, rules: MetricRules, given: AnyArray | None
) -> Rounded:
    """`sum(w v) / sum(w)`; by way of a mean for each sample, where the release takes that way.

    `given` are the weights whose sum is the divisor, where those are others.
    """
    model = values.arithmetic
    weights = None if weight is None else held(weight, model)
    total = values if weights is None else values * weights
    share = weights
    terms = 1 if share is None or share.ndim < 2 else share.size // max(len(share.value), 1)
    if rules.samplewise and values.ndim > 1:
        within = tuple(range(1, values.ndim))
        total = total.mean(within)
        if share is not None and terms > 1:
            share = share.mean(within)
    counted = count(total.size, model) if share is None else share.sum()
    if given is not None:
        counted = held(given, model).sum()
    divide = divide_no_nan if rules.guards_empty else lambda a, b: a / b
    return divide(total.sum(), counted)


def _root(mean: Rounded) -> Rounded:
    """The square root: half the relative error, and a rounding."""
    root = np.sqrt(mean.value)
    low = np.sqrt(np.maximum(mean.value - mean.error, 0.0))
    high = np.sqrt(mean.value + mean.error)
    error = np.maximum(high - root, root - low) + 2.0 * mean.arithmetic.roundoff * high
    return Rounded(root, error, mean.arithmetic)


def _confusion(
    case: Case, weight: AnyArray | None, model: Arithmetic, threshold: float
) -> Confusion:
    label = case.y_true[..., 0] != 0.0
    positive = case.y_pred[..., 0] > threshold
    weights = held(np.ones(label.shape) if weight is None else weight, model)

    def added(chosen: AnyArray) -> Rounded:
        return Rounded(np.where(chosen, weights.value, 0.0), weights.error, model).sum()

    return Confusion(
        added(label & positive),
        added(~label & positive),
        added(label & ~positive),
        added(~label & ~positive),
    )


def _area(case: Case, weight: AnyArray | None, model: Arithmetic) -> Rounded:
    """Area under the curve of the rates at 200 thresholds from 0 to 1, by trapezoids."""
    inner = np.arange(1, AUC_THRESHOLDS - 1) / (AUC_THRESHOLDS - 1)
    thresholds = (-1e-7, *inner, 1.0 + 1e-7)
    tables = [_confusion(case, weight, model, each) for each in thresholds]
    hits = [_recall(each) for each in tables]
    alarms = [
        divide_no_nan(each.false_positive, each.false_positive + each.true_negative)
        for each in tables
    ]
    area = constant(0.0, model)
    for i in range(len(tables) - 1):
        width = alarms[i] - alarms[i + 1]
        area = area + width * ((hits[i] + hits[i + 1]) / 2.0)
    return area
