"""The history of Keras's masked, weighted loss, formula by formula.

Element losses `l`, a mask `m` (1 where valid), weights `w`. Every family is linear in the element
losses, so each also gives the coefficient of every element loss: what a gradient is made of.

The order of operations is the order of the releases: in float16 it decides what is infinite.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from maskgate.case import AnyArray
from maskgate.oracle.alignment import ALIGNMENTS, broadcast_shape, product, sum_to
from maskgate.oracle.arithmetic import arithmetic
from maskgate.oracle.ball import DoesNotFit
from maskgate.oracle.rounding import EXACT, Rounded, constant, count, count_valid, terms_of
from maskgate.oracle.selection import divide_no_nan, where, where_nonzero
from maskgate.oracle.semantics import Generation, Semantics, check_reduction

MEANS = ("sum_over_batch_size", "mean")


@dataclass(frozen=True)
class Reduced:
    """A reduced loss and how it depends on the element losses.

    Attributes:
        loss: the value, in the shape the subject returns.
        coefficients: gives, of the shape of the element losses, the derivative of the loss (of
            its sum where it is no scalar) by each of them.
    """

    loss: Rounded
    coefficients: Callable[[], Rounded]


@dataclass(frozen=True)
class Situation:
    """What a family reduces.

    Attributes:
        losses: element losses.
        mask: the mask that the loss object applies, in the dtype of the losses, or None: that of
            `y_pred`, that of `ignore_class`, or both, as the generation looks at them.
        model_mask: the mask of `y_pred`, which a compiled model of Keras 2 folds into the weights.
        weight: sample weights in the dtype of the losses, or None.
        reduction: one of `REDUCTIONS`.
        semantics: the release.
        batch: length of the first axis of the predictions.
        selects: whether a mask of 0 stops even an infinite weight, as it does where XLA turns a
            product with a boolean mask into a selection.
    """

    losses: Rounded
    mask: Rounded | None
    model_mask: Rounded | None
    weight: Rounded | None
    reduction: str
    semantics: Semantics
    batch: int
    selects: bool = False

    @property
    def rules(self) -> Generation:
        """The generation that reduces."""
        return self.semantics.rules

    @property
    def epsilon(self) -> Rounded:
        """The fuzz factor as the format holds it."""
        return constant(self.semantics.epsilon, self.losses.arithmetic)


def objective(s: Situation) -> Reduced:
    """Keras 0.3.3 - 2.2.4, the seed's function without its epsilon.

    `mean(tailmean(l * m / mean(m)) * w / mean(w != 0))`, weights of 1 per sample where none are
    given (2.2.4 `engine/training_utils.py`, `weighted_masked_objective`).
    """
    mask = s.model_mask
    return _objective(s, None if mask is None else _share_of(mask))


def objective_epsilon(s: Situation) -> Reduced:
    """Keras 2.2.5, the seed's function: `l * m / (mean(m) + epsilon)`, then weights as before."""
    mask = s.model_mask
    return _objective(s, None if mask is None else _share_of(mask) + s.epsilon)


def all_elements(s: Situation) -> Reduced:
    """Keras 2.3.0 - 2.10.0: `sum(w m l) / size(l)`, masked elements counted too.

    A loss called directly does not see the mask of `y_pred`; 2.10.0 rescales by the mask of
    `ignore_class` alone (2.10.0 `utils/losses_utils.py`, `apply_valid_mask`).
    """
    weight = _folded(s) if s.semantics.path == "compiled" else s.weight
    if s.mask is None:
        return _reduced(s, weight)
    return _reduced(s, _merged(s, _times(s, s.mask, _inverse_share(s, s.mask)), weight))


def valid_twice(s: Situation) -> Reduced:
    """Keras 2.11.0 - 2.15.0 and tf_keras: `sum(w m l) * (M / V) / N` with no guard for V = 0.

    A compiled model folds the mask into the weights before the loss object does so again: m * m.
    """
    weight = _folded(s) if s.semantics.path == "compiled" else s.weight
    if s.mask is None:
        return _reduced(s, weight)
    return _reduced(s, _merged(s, _times(s, s.mask, _inverse_share(s, s.mask)), weight))


def valid_epsilon(s: Situation) -> Reduced:
    """Keras 3.0.0 - 3.12.4: `sum(w m l) * (M / (V + epsilon)) / N`: all masked gives 0.

    In float16 it does not: `M / epsilon` overflows, and 0 * inf is NaN.
    """
    mask = s.mask
    if mask is not None and s.reduction in MEANS:
        total, valid = count(mask.size, mask.arithmetic), count_valid(mask)
        mask = _times(s, mask, total / (valid + s.epsilon))
    return _reduced(s, _merged(s, mask, s.weight))


def valid_no_nan(s: Situation) -> Reduced:
    """Keras 3.13.0 - 3.14.1: `sum(w m l) * divide_no_nan(M, V) / N`."""
    mask = s.mask
    if mask is not None and s.reduction in MEANS:
        total, valid = count(mask.size, mask.arithmetic), count_valid(mask)
        mask = _times(s, mask, divide_no_nan(total, valid))
    return _reduced(s, _merged(s, mask, s.weight))


def valid_where(s: Situation) -> Reduced:
    """Keras 3.15.0 on: `sum(w * where(m != 0, divide_no_nan(M, V), 0) * l) / N`.

    V is the sum of the mask as floats, so a soft mask gives weights above 1.
    """
    mask = s.mask
    if mask is not None and s.reduction in MEANS:
        total, valid = count(mask.size, mask.arithmetic), count_valid(mask)
        mask = where_nonzero(mask, divide_no_nan(total, valid))
    return _reduced(s, _merged(s, mask, s.weight))


FAMILY_FORMULAS: dict[str, Callable[[Situation], Reduced]] = {
    "objective": objective,
    "objective-epsilon": objective_epsilon,
    "all-elements": all_elements,
    "valid-twice": valid_twice,
    "valid-epsilon": valid_epsilon,
    "valid-no-nan": valid_no_nan,
    "valid-where": valid_where,
}


def _share_of(mask: Rounded) -> Rounded:
    """The mean of a mask."""
    valid = count_valid(mask)
    return valid / count(mask.size, mask.arithmetic) if valid.error is EXACT else mask.mean()


def _objective(s: Situation, share: Rounded | None) -> Reduced:
    score, model = s.losses, s.losses.arithmetic
    if s.model_mask is not None and share is not None:
        score = _masked(s, score, s.model_mask) / share
    weight = s.weight
    if weight is None:
        weight = Rounded(np.ones(s.batch), EXACT, model)
    masked_shape = score.shape
    tail = tuple(range(weight.ndim, score.ndim))
    averaged = score.mean(tail)
    used = _share_of(where_nonzero(weight, constant(1.0, model)))
    weighted = product(averaged, weight) / used

    def coefficients() -> Rounded:
        each = constant(1.0, model) / count(weighted.size, model)
        each = each.broadcast_to(weighted.shape) / used * weight
        each = sum_to(each, averaged.shape) / count(terms_of(masked_shape, tail), model)
        each = each.reshape(averaged.shape + (1,) * len(tail)).broadcast_to(masked_shape)
        if s.model_mask is not None and share is not None:
            each = sum_to(each / share * s.model_mask, s.losses.shape)
        return each

    return Reduced(weighted.mean(), coefficients)


def _folded(s: Situation) -> Rounded | None:
    """What a compiled model of Keras 2 does before it calls the loss: weights times the mask."""
    weight = s.weight
    if weight is not None and weight.ndim == 1 and s.losses.ndim == 1:
        # Predictions of rank 2 make weights (B,) into (B, 1).
        weight = weight.reshape((*weight.shape, 1))
    return _merged(s, s.model_mask, weight)


def _inverse_share(s: Situation, mask: Rounded) -> Rounded | None:
    """`M / V`, for the reductions that it is meant for."""
    if s.reduction not in MEANS:
        return None
    return count(mask.size, mask.arithmetic) / count_valid(mask)


def _times(s: Situation, mask: Rounded, factor: Rounded | None) -> Rounded:
    return mask if factor is None else _masked(s, factor, mask)


def _masked(s: Situation, values: Rounded, mask: Rounded) -> Rounded:
    """`values * mask`."""
    masked = product(values, mask)
    return where(mask.value != 0.0, masked, 0.0) if s.selects else masked


def _merged(s: Situation, mask: Rounded | None, weight: Rounded | None) -> Rounded | None:
    """Mask and weights as one array, their ranks aligned as the generation does."""
    if mask is None or weight is None:
        return weight if mask is None else mask
    mask, weight = ALIGNMENTS[s.rules.alignment](mask, weight)
    if s.semantics.in_place and broadcast_shape(weight.shape, mask.shape) != weight.shape:
        raise DoesNotFit("weights that broadcast against the mask cannot be multiplied in place")
    return _masked(s, weight, mask)


def _reduced(s: Situation, weight: Rounded | None) -> Reduced:
    """Weigh the element losses and reduce them."""
    check_reduction(s.reduction, s.rules)
    losses = s.losses
    if s.rules.reduces_in is not None:
        losses = losses.to(arithmetic(s.rules.reduces_in))
    values = losses
    if weight is not None:
        weight = weight.to(losses.arithmetic)
        values, weight = ALIGNMENTS[s.rules.alignment](losses, weight)
        aligned = values.shape
        values = product(values, weight)
    loss, each = _reduce(values, weight, s)

    def coefficients() -> Rounded:
        slope = each()
        if weight is not None:
            slope = sum_to(slope * weight, aligned)
        elif slope.shape != values.shape:
            slope = slope.broadcast_to(values.shape)
        return slope.reshape(s.losses.shape).to(s.losses.arithmetic)

    return Reduced(loss.to(s.losses.arithmetic), coefficients)


def _reduce(
    values: Rounded, weight: Rounded | None, s: Situation
) -> tuple[Rounded, Callable[[], Rounded]]:
    """The loss, and its derivative by the weighted values (of their shape, or a scalar)."""
    model, rules = values.arithmetic, s.rules
    one = constant(1.0, model)
    short = rules.returns_short and values.shape in ((), (0,))
    if s.reduction == "none" or short:
        return values, lambda: one.broadcast_to(values.shape)
    total = values.sum()
    if s.reduction == "sum":
        return total, lambda: one.broadcast_to(values.shape)
    if s.reduction == "mean_with_sample_weight" and weight is not None:
        divisor = weight.sum()
    else:
        divisor = count(values.size, model)
    divide = divide_no_nan if rules.guards_empty else _divide

    def share() -> Rounded:
        each = divide(one, divisor)
        if s.semantics.nan_where_divided:
            each = where(divisor.value != 0.0, each, np.nan)
        return each.broadcast_to(values.shape)

    return divide(total, divisor), share


def _divide(a: Rounded, b: Rounded) -> Rounded:
    return a / b


def combined_mask(mask: AnyArray, out_mask: AnyArray, semantics: Semantics) -> AnyArray:
    """`mask & out_mask`, bit by bit: of floats nowhere, of integers on some backends."""
    if mask.dtype.kind not in ("bi" if semantics.joins_integer_masks else "b"):
        raise DoesNotFit(f"a mask of {mask.dtype} cannot be combined with that of ignore_class")
    broadcast_shape(mask.shape, out_mask.shape)
    return np.asarray(mask & out_mask)
