"""What a subject of given semantics must answer to a case, and how far off it may be."""

from __future__ import annotations

from functools import partial

import numpy as np

from maskgate.case import AnyArray, Case, Format
from maskgate.oracle.alignment import broadcast_shape, sum_to
from maskgate.oracle.arithmetic import Arithmetic, arithmetic
from maskgate.oracle.ball import Ball, DoesNotFit, Expected, Refused
from maskgate.oracle.definition import Definition
from maskgate.oracle.elementwise import ELEMENT_LOSSES, aligned_labels
from maskgate.oracle.families import FAMILY_FORMULAS, Situation, combined_mask
from maskgate.oracle.measured import Measured
from maskgate.oracle.probability import valid_classes
from maskgate.oracle.rounding import Rounded, held
from maskgate.oracle.semantics import Semantics, check_reduction


def expect(
    case: Case,
    semantics: Semantics,
    *,
    gradient: bool = True,
    traced: bool = False,
    excess_precision: bool = False,
    elements: Measured | None = None,
) -> Expected | Refused:
    """The loss, and its gradient by the predictions, with the error allowed to the case's dtype.

    Args:
        case: the input, as the subject saw it.
        semantics: the release: `ledger.lookup` gives it.
        gradient: whether the gradient is wanted.
        traced: the subject may fold constants as an optimiser of graphs does: `(1 - p) + epsilon`
            into `(1 + epsilon) - p`, `100 mean(x)` into `mean(100 x)`, `w (100 sum(x) / n)` into
            `100 w sum(x) / n`, which may overflow, as its gradient may.
        excess_precision: the subject may compute as XLA does: keep intermediates of half formats
            in float32, select by a mask where the formula multiplies. What is infinite or NaN
            only with or only without that is then left open.
        elements: element losses of the case in place of the formula's: a user's own loss.

    Returns:
        The values in float64 with a radius each, or `Refused` where the formula cannot be
        applied: ranks that do not fit, a reduction the release does not have.
    """
    lost = semantics.loses_mask and (gradient or traced)
    if lost:
        case = case.with_(mask=None)
    evaluate = partial(_evaluate, case, semantics, gradient, elements, lost=lost)
    try:
        with np.errstate(all="ignore"):
            expected = evaluate()
            ways = (
                (traced, {"folded": True}),
                (excess_precision, {"wide": True}),
                (semantics.narrows and case.dtype == "float64", {"narrow": True}),
                (traced and case.loss.name == "mape", {"folded": True, "hoisted": True}),
            )
            for allowed, how in ways:
                if allowed:
                    expected = _either(expected, evaluate(**how))
            return expected
    except DoesNotFit as problem:
        return Refused(str(problem))


def _evaluate(
    case: Case,
    semantics: Semantics,
    gradient: bool,
    elements: Measured | None,
    *,
    wide: bool = False,
    folded: bool = False,
    narrow: bool = False,
    lost: bool = False,
    hoisted: bool = False,
) -> Expected:
    model = arithmetic(case.dtype, wide=wide, narrow=narrow)
    check_reduction(case.reduction, semantics.rules)
    definition = Definition(case.loss, semantics, model, wide, folded)
    given = held(case.y_pred, model)
    if elements is not None:
        return _of_measured(case, definition, elements, gradient)
    labels, predictions = aligned_labels(held(case.y_true, model), given, definition)
    element = ELEMENT_LOSSES[case.loss.name]
    losses = element.value(labels, predictions, definition)
    if not definition.keras_2:
        losses = losses.to(model)
    terms = case.y_pred.shape[-1] if hoisted and case.y_pred.ndim else 1
    if terms > 1:
        losses = losses * float(terms)
    out_mask = None if lost else _out_mask(case, labels, definition)
    situation = _situation(case, definition, losses, out_mask)
    reduced = FAMILY_FORMULAS[semantics.family](situation)
    loss = reduced.loss / float(terms) if terms > 1 else reduced.loss
    value = _ball(loss, loss.arithmetic.format)
    if not gradient:
        return Expected(value, None)
    # Hoisted, the divisions by the number of elements come last.
    last = float(case.y_pred.size) if hoisted else 1.0
    coefficients = reduced.coefficients() * last if hoisted else reduced.coefficients()
    slope = element.gradient(coefficients, labels, predictions, definition)
    slope = slope.broadcast_to(broadcast_shape(slope.shape, predictions.shape))
    slope = sum_to(slope, predictions.shape).reshape(given.shape)
    slope = slope / last if hoisted else slope
    return Expected(value, _ball(slope, model.format))


def _of_measured(
    case: Case, definition: Definition, elements: Measured, gradient: bool
) -> Expected:
    """What the family makes of element losses of which no formula is known."""
    model = definition.model
    losses = Rounded(elements.value, elements.error, model)
    reduced = FAMILY_FORMULAS[definition.semantics.family](
        _situation(case, definition, losses, None)
    )
    value = _ball(reduced.loss, model.format)
    if not gradient:
        return Expected(value, None)
    each = reduced.coefficients().broadcast_to(case.loss_shape).reshape((*case.loss_shape, 1))
    slope = Rounded(elements.slope, elements.slope_error, model)
    return Expected(value, _ball(each * slope, model.format))


def _situation(
    case: Case, definition: Definition, losses: Rounded, out_mask: AnyArray | None
) -> Situation:
    """What the family reduces: masks and weights in the format of the element losses."""
    model, rules = losses.arithmetic, definition.semantics.rules
    mask = _seen_mask(case.mask, out_mask, definition)
    if mask is not None and not rules.casts_weights:
        _check_uncast(case.sample_weight, model, definition)
    return Situation(
        losses=losses,
        mask=None if mask is None else held(mask, model),
        model_mask=None if case.mask is None else held(case.mask, model),
        weight=None if case.sample_weight is None else held(case.sample_weight, model),
        reduction=case.reduction,
        semantics=definition.semantics,
        batch=case.y_pred.shape[0] if case.y_pred.ndim else 1,
        selects=definition.wide,
    )


def _out_mask(case: Case, labels: Rounded, definition: Definition) -> AnyArray | None:
    """The mask that a loss with `ignore_class` sets on its element losses."""
    if case.loss.name != "sparse_cce" or not definition.semantics.rules.out_mask:
        return None
    return valid_classes(labels, definition)


def _seen_mask(
    mask: AnyArray | None, out_mask: AnyArray | None, definition: Definition
) -> AnyArray | None:
    """The mask that the loss object itself applies."""
    if not definition.semantics.rules.own_mask:
        return out_mask
    if mask is not None and out_mask is not None:
        return combined_mask(mask, out_mask, definition.semantics)
    return out_mask if mask is None else mask


def _check_uncast(weight: AnyArray | None, model: Arithmetic, definition: Definition) -> None:
    """Keras 2.10 and 2.11 multiply mask and weights in the dtypes they come in.

    A compiled model has cast the weights before.
    """
    if weight is None or definition.semantics.path == "compiled":
        return
    if weight.dtype.kind != "f" or model.format != definition.model.format:
        raise DoesNotFit(f"weights of {weight.dtype} are not cast to {model.format.name}")


def _ball(x: Rounded, fmt: Format) -> Ball:
    """Exact values and radii, with what overflows the format of the answer as infinity."""
    strict = arithmetic(fmt.name)
    value, radius = np.asarray(x.value), np.array(x.errors)
    if x.arithmetic.limit <= strict.limit or x.arithmetic.format != fmt:
        return Ball(value, radius)
    over = np.abs(value) - radius >= strict.limit
    near = ~over & np.isfinite(value) & (np.abs(value) + radius >= strict.limit)
    value = np.where(over, np.copysign(np.inf, value), value)
    return Ball(value, np.where(over, 0.0, np.where(near, np.inf, radius)))


def _either(one: Expected, other: Expected) -> Expected:
    """What is allowed to a subject that may do either, operation by operation."""
    gradient = None
    if one.gradient is not None and other.gradient is not None:
        gradient = _hull(one.gradient, other.gradient)
    return Expected(_hull(one.value, other.value), gradient)


def _hull(one: Ball, other: Ball) -> Ball:
    """One ball around both; of infinite radius where one is NaN or infinite and the other not."""
    same = (one.value == other.value) | (np.isnan(one.value) & np.isnan(other.value))
    apart = np.where(same, 0.0, np.abs(one.value - other.value))
    radius = np.maximum(one.radius, other.radius) + np.where(np.isnan(apart), np.inf, apart)
    return Ball(one.value, np.asarray(radius))
