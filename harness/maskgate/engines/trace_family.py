"""What a compiled loss divides by, and how far a longer batch may change it, by the oracle."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from maskgate.case import KINDS, REDUCTIONS, AnyArray, Case, FloatArray, LossSpec
from maskgate.engines.trace_found import FamilySeen
from maskgate.oracle import FAMILIES, Expected, Semantics, expect, ledger
from maskgate.subjects.protocol import Description

IGNORED = "mask-ignored"
_DENOMINATORS = {"all-elements": "every step, padding included", IGNORED: "every step"}
_FUNCTIONS = {
    "mean_squared_error": "mse",
    "mean_absolute_error": "mae",
    "mean_absolute_percentage_error": "mape",
    "mean_squared_logarithmic_error": "msle",
    "huber": "huber",
    "huber_loss": "huber",
    "log_cosh": "log_cosh",
    "logcosh": "log_cosh",
    "binary_crossentropy": "bce",
    "categorical_crossentropy": "cce",
    "sparse_categorical_crossentropy": "sparse_cce",
    "kullback_leibler_divergence": "kld",
    "kl_divergence": "kld",
    "poisson": "poisson",
    "hinge": "hinge",
    "squared_hinge": "squared_hinge",
    "categorical_hinge": "categorical_hinge",
    "cosine_similarity": "cosine",
}
_CLASSES = {kind.keras_class: name for name, kind in KINDS.items()}


class NoFormulaError(Exception):
    """The oracle has no formula for a loss. The message is one clause."""


def case_of(
    loss: Mapping[str, Any], labels: AnyArray, predictions: AnyArray, mask: AnyArray | None
) -> Case:
    """One output's loss as a case.

    Args:
        loss: `name`, `built_in`, `reduction` and `config` as the subject has them.
        labels: of the batch, as the user gave them.
        predictions: of shape `(batch, steps, ...)`.
        mask: the mask that reaches the loss, or None.

    Raises:
        NoFormulaError: where the oracle does not know the loss.
    """
    name = _FUNCTIONS.get(loss["name"]) or _CLASSES.get(loss["name"])
    if name is None or not loss["built_in"]:
        raise NoFormulaError(f"{loss['name'] or 'its loss'} has no formula here")
    reduction = re.sub(r"^.*\.", "", str(loss["reduction"])).lower()
    reduction = "sum_over_batch_size" if reduction == "auto" else reduction
    if reduction not in REDUCTIONS:
        raise NoFormulaError(f"reduction {reduction} has no formula here")
    known = KINDS[name].parameters
    given = {key: value for key, value in loss["config"].items() if key in known}
    sparse = KINDS[name].labels == "sparse"
    if sparse:
        labels = labels.reshape(predictions.shape[:-1])
    try:
        return Case(
            loss=LossSpec.of(name, **given),
            reduction=reduction,
            dtype=predictions.dtype.name,
            y_true=labels.astype(np.int32 if sparse else predictions.dtype),
            y_pred=predictions,
            mask=mask,
        )
    except ValueError as problem:
        raise NoFormulaError(str(problem)) from problem


def own_semantics(who: Description) -> Semantics:
    """The formula of the subject's release, for a compiled model."""
    entry = ledger.lookup(who.distribution, who.keras)
    return replace(entry.semantics, path="compiled", epsilon=who.epsilon)


def family_of(case: Case, gradient: AnyArray, loss_weight: float, who: Description) -> FamilySeen:
    """The families whose gradient is the measured one.

    Args:
        case: the output's loss, with the mask that says which steps are padding.
        gradient: of the compiled loss by the predictions, of their shape.
        loss_weight: what the output's loss is multiplied by in the compiled loss.
        who: the subject.
    """
    own = own_semantics(who)
    ways = {family: (case, _semantics(family, own)) for family in FAMILIES}
    ways = {own.family: ways[own.family], **ways, IGNORED: (case.with_(mask=None), own)}
    observed = np.asarray(gradient, np.float64)
    distances = {
        name: distance
        for name, (asked, semantics) in ways.items()
        if (distance := _distance(asked, semantics, observed, loss_weight)) is not None
    }
    if not distances:
        return FamilySeen(skipped="no family's formula takes this batch")
    fits = tuple(name for name, (off, _) in distances.items() if off <= 1.0)
    nearest = fits[0] if fits else min(distances, key=lambda name: distances[name][1])
    return FamilySeen(fits, nearest, _denominator(nearest, case))


def _semantics(family: str, own: Semantics) -> Semantics:
    if family == own.family:
        return own
    other = Semantics(family, path="compiled", epsilon=own.epsilon)
    return replace(other, elements=own.elements or own.generation)


def _distance(
    case: Case, semantics: Semantics, observed: FloatArray, loss_weight: float
) -> tuple[float, float] | None:
    """How far a gradient is from a formula: as a multiple of the bound, and relative to it."""
    expected = expect(case, semantics, traced=True)
    if not isinstance(expected, Expected) or expected.gradient is None:
        return None
    value = expected.gradient.value * loss_weight
    # The product with the loss's weight rounds once more.
    radius = expected.gradient.radius * abs(loss_weight) + np.abs(value) * case.format.unit_roundoff
    off = np.abs(observed - value)
    off = np.where(np.isnan(value) & np.isnan(observed), 0.0, off)
    if not np.isfinite(off).all():
        return np.inf, np.inf
    bounded = np.divide(off, radius, out=np.where(off > 0, np.inf, 0.0), where=radius > 0)
    scale = float(np.abs(value).max()) or 1.0
    return float(bounded.max(initial=0.0)), float(off.max(initial=0.0)) / scale


def _denominator(family: str, case: Case) -> str:
    if case.reduction == "sum":
        return "nothing (it is a sum)"
    if case.reduction == "none":
        return "nothing (it is not reduced)"
    return _DENOMINATORS.get(family, "the valid steps")


def value_radius(case: Case, who: Description) -> float | None:
    """The error that the oracle allows the loss of a case; None where it has no formula for it."""
    expected = expect(case, own_semantics(who), gradient=False, traced=True)
    if not isinstance(expected, Expected) or expected.value.value.ndim:
        return None
    return float(expected.value.radius)


def sum_radius(count: int, loss: float, dtype: str) -> float:
    """The error of a mean of `count` non-negative numbers, rounded at each step."""
    unit = float(np.finfo(dtype).eps) / 2
    return (count + 1) * unit / (1 - (count + 1) * unit) * abs(loss)
