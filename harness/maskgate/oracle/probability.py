"""Element losses of probabilities and logits, each with its derivative by the predictions.

Conventions as in `regression`. Source of the formulas: Keras 3.15.1 `losses/losses.py` and
`backend/tensorflow/nn.py`, TensorFlow 2.15 `keras/backend.py`.
"""

from __future__ import annotations

import numpy as np

from maskgate.case import AnyArray
from maskgate.oracle.ball import DoesNotFit
from maskgate.oracle.definition import Definition, repeat, spread
from maskgate.oracle.functions import (
    exp,
    log,
    log1p,
    logarithm_gradient,
    power,
    sigmoid,
    within,
)
from maskgate.oracle.rounding import EXACT, Rounded, constant, count
from maskgate.oracle.selection import clip, largest, maximum, no_less, picked, where


def kld(y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """`sum(y log(y / p))`, both held between epsilon and 1."""
    y, p = clip(y, d.epsilon, 1.0), clip(p, d.epsilon, 1.0)
    return (y * log(y / p)).sum(-1)


def kld_gradient(g: Rounded, y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """`-y / p`, 0 where `p` is held."""
    y, held = clip(y, d.epsilon, 1.0), clip(p, d.epsilon, 1.0)
    upstream = logarithm_gradient(repeat(g, p) * y, y / held)
    return within(upstream * (-y / held / held), p, d.epsilon, 1.0)


def bce(y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """The mean of the binary cross-entropies of one axis."""
    return _binary(_smoothed_binary(y, d), p, d).mean(d.axis)


def bce_gradient(g: Rounded, y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """`((1 - y) / (1 - p) - y / p) / n`, or `(sigmoid(x) - y) / n` of logits."""
    return _binary_gradient(spread(g, p, d.axis), _smoothed_binary(y, d), p, d)


def _smoothed_binary(y: Rounded, d: Definition) -> Rounded:
    """Labels drawn towards 1/2."""
    smoothing = d.number("label_smoothing")
    if not smoothing:
        return y
    d.check_constants(typed=d.rules.typed_smoothing)
    return y * _complement(smoothing, y, d) + 0.5 * smoothing


def _complement(smoothing: float, y: Rounded, d: Definition) -> Rounded:
    """`1 - smoothing`, which Keras 2 computes in the format of the predictions."""
    if d.keras_2:
        return 1.0 - constant(smoothing, y.arithmetic)
    return constant(1.0 - smoothing, y.arithmetic)


def _binary(y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """Binary cross-entropy of each prediction, nothing reduced."""
    if d.flag("from_logits"):
        return _from_logits(y, p, d)
    if d.rules.entropy_by_logits:
        return _from_logits(y, log(_odds(p, d)), d)
    return _from_probabilities(y, p, d)


def _binary_gradient(g: Rounded, y: Rounded, p: Rounded, d: Definition) -> Rounded:
    if d.flag("from_logits"):
        return _from_logits_gradient(g, y, p)
    if d.rules.entropy_by_logits:
        return _by_logits_gradient(g, y, p, d)
    return _from_probabilities_gradient(g, y, p, d)


def _odds(p: Rounded, d: Definition) -> Rounded:
    held = clip(p, d.epsilon, 1.0 - d.epsilon)
    return held / (1.0 - held)


def _by_logits_gradient(g: Rounded, y: Rounded, p: Rounded, d: Definition) -> Rounded:
    odds, rest = _odds(p, d), 1.0 - clip(p, d.epsilon, 1.0 - d.epsilon)
    slope = logarithm_gradient(_from_logits_gradient(g, y, log(odds)), odds)
    return within(slope / rest + slope * (odds / rest), p, d.epsilon, 1.0 - d.epsilon)


def _from_probabilities(y: Rounded, p: Rounded, d: Definition) -> Rounded:
    first, second = _binary_arguments(p, d)
    return -(y * log(first) + (1.0 - y) * log(second))


def _from_probabilities_gradient(g: Rounded, y: Rounded, p: Rounded, d: Definition) -> Rounded:
    first, second = _binary_arguments(p, d)
    slope = logarithm_gradient(-g * y, first) - logarithm_gradient(-g * (1.0 - y), second)
    return within(slope, p, d.epsilon, 1.0 - d.epsilon)


def _binary_arguments(p: Rounded, d: Definition) -> tuple[Rounded, Rounded]:
    """Arguments of both logarithms; Keras 2 adds epsilon there once more."""
    held = clip(p, d.epsilon, 1.0 - d.epsilon)
    if d.keras_2 and d.folded:
        one = constant(1.0, p.arithmetic)
        return held + d.epsilon, (one + d.epsilon) - held
    if d.keras_2:
        return held + d.epsilon, 1.0 - held + d.epsilon
    # Rounding keeps the order, so that what is clipped stays away from 0, and so does the rest.
    least, most = constant(d.epsilon, p.arithmetic), constant(1.0 - d.epsilon, p.arithmetic)
    return no_less(held, least), no_less(1.0 - held, 1.0 - most)


def _from_logits(y: Rounded, x: Rounded, d: Definition) -> Rounded:
    """`max(x, 0) - x y + log(1 + exp(-|x|))`; on JAX and torch the 1 is added and rounded.

    On torch it is `(1 - y) x` less the logarithm of the sigmoid: two large terms cancel.
    """
    decay = exp(-abs(x))
    tail = log(1.0 + decay) if d.semantics.narrows else log1p(decay)
    if d.semantics.by_log_sigmoid:
        return (1.0 - y) * x + (maximum(-x, 0.0) + tail)
    return maximum(x, 0.0) - x * y + tail


def _from_logits_gradient(g: Rounded, y: Rounded, x: Rounded) -> Rounded:
    """`sigmoid(x) - y`, as the derivatives of the three terms."""
    positive = x.value >= 0.0
    decay = exp(-abs(x))
    tail = g * (1.0 / (1.0 + decay)) * decay
    none = constant(0.0, x.arithmetic)
    slope = where(positive, g.broadcast_to(x.shape), none) - g * y + where(positive, -tail, tail)
    doubtful = (np.abs(x.value) <= x.error) & (x.error > 0.0)
    # Either side of 0 gives one derivative; the branches part by less than the error of x.
    either = np.where(doubtful, np.abs(g.value) * x.error, 0.0)
    return Rounded(slope.value, slope.error + either, x.arithmetic) if doubtful.any() else slope


def binary_focal(y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """Of logits, the cross-entropy is that of logits too on TensorFlow, in every generation.

    On JAX and torch it is that of the probabilities, clipped.
    """
    y = _smoothed_binary(y, d)
    probability = sigmoid(p) if d.flag("from_logits") else p
    factor = power(1.0 - _of_truth(y, probability), d.number("gamma"))
    clipped = d.flag("from_logits") and d.semantics.narrows
    loss = factor * (_from_probabilities(y, probability, d) if clipped else _binary(y, p, d))
    return (_class_balance(y, d) * loss if d.flag("apply_class_balancing") else loss).mean(d.axis)


def binary_focal_gradient(g: Rounded, y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """By the product rule: the focal factor, then the cross-entropy."""
    y, gamma = _smoothed_binary(y, d), d.number("gamma")
    logits = d.flag("from_logits")
    probability = sigmoid(p) if logits else p
    each = spread(g, p, d.axis)
    if d.flag("apply_class_balancing"):
        each = each * _class_balance(y, d)
    miss = 1.0 - _of_truth(y, probability)
    clipped = logits and d.semantics.narrows
    entropy = _from_probabilities(y, probability, d) if clipped else _binary(y, p, d)
    by_factor = each * entropy * gamma * power(miss, gamma - 1.0)
    slope = by_factor * (1.0 - y) - by_factor * y
    by_entropy = each * power(miss, gamma)
    if clipped:
        slope = slope + _from_probabilities_gradient(by_entropy, y, probability, d)
    if logits:
        slope = slope * (probability * (1.0 - probability))
    return slope if clipped else slope + _binary_gradient(by_entropy, y, p, d)


def _of_truth(y: Rounded, p: Rounded) -> Rounded:
    """The probability given to the true class."""
    return y * p + (1.0 - y) * (1.0 - p)


def _class_balance(y: Rounded, d: Definition) -> Rounded:
    alpha = d.number("alpha")
    return y * alpha + (1.0 - y) * (1.0 - alpha)


def cce(y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """`-sum(y log(p / sum(p)))`, or the softmax cross-entropy of logits."""
    y = _smoothed_classes(y, d)
    if d.flag("from_logits"):
        return _softmax_entropy(y, p, d)
    held = clip(_normalised(p, d), d.epsilon, 1.0 - d.epsilon)
    return -(y * log(held)).sum(d.axis)


def cce_gradient(g: Rounded, y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """`softmax(x) - y` of logits; else back through logarithm, clip and division."""
    y = _smoothed_classes(y, d)
    if d.flag("from_logits"):
        return _softmax_entropy_gradient(g, y, p, d)
    normal = _normalised(p, d)
    held = clip(normal, d.epsilon, 1.0 - d.epsilon)
    upstream = logarithm_gradient(repeat(-g, p, d.axis) * y, held)
    return _normalised_gradient(within(upstream, normal, d.epsilon, 1.0 - d.epsilon), p, d)


def _smoothed_classes(y: Rounded, d: Definition) -> Rounded:
    """Labels drawn towards the uniform distribution."""
    smoothing = d.number("label_smoothing")
    if not smoothing:
        return y
    d.check_constants(typed=d.rules.typed_smoothing)
    axis = {"axis": d.axis, "second": 1, "last": -1}[d.rules.smoothing_axis]
    if d.spec.name == "categorical_focal":  # it has never looked at its axis for that
        axis = -1
    classes = count(y.shape[axis], y.arithmetic)
    return y * _complement(smoothing, y, d) + constant(smoothing, y.arithmetic) / classes


def _normalised(p: Rounded, d: Definition) -> Rounded:
    """Predictions over their sum."""
    return p / p.sum(d.axis, keepdims=True)


def _normalised_gradient(g: Rounded, p: Rounded, d: Definition) -> Rounded:
    total = p.sum(d.axis, keepdims=True)
    if d.semantics.squares_divisors:
        by_total = g * (1.0 / (total * total)) * -p
    else:
        by_total = g * (-p / total / total)
    return g / total + by_total.sum(d.axis, keepdims=True)


def categorical_focal(y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """`sum(alpha (1 - p)**gamma * -y log(p))` of predictions over their sum."""
    y, gamma = _smoothed_classes(y, d), d.number("gamma")
    probability = _softmax(p, d) if d.flag("from_logits") else p
    held = clip(_normalised(probability, d), d.epsilon, 1.0 - d.epsilon)
    weight = power(1.0 - held, gamma) * d.number("alpha")
    return (weight * (-y * log(held))).sum(d.axis)


def categorical_focal_gradient(g: Rounded, y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """By the product rule, back through clip, division and softmax."""
    y, gamma, alpha = _smoothed_classes(y, d), d.number("gamma"), d.number("alpha")
    probability = _softmax(p, d) if d.flag("from_logits") else p
    normal = _normalised(probability, d)
    held = clip(normal, d.epsilon, 1.0 - d.epsilon)
    each, miss = repeat(g, p, d.axis), 1.0 - held
    entropy = -y * log(held)
    by_weight = each * entropy * alpha * gamma * power(miss, gamma - 1.0)
    by_entropy = logarithm_gradient(each * (power(miss, gamma) * alpha) * -y, held)
    slope = within(by_entropy - by_weight, normal, d.epsilon, 1.0 - d.epsilon)
    upstream = _normalised_gradient(slope, probability, d)
    if not d.flag("from_logits"):
        return upstream
    return (upstream - (upstream * probability).sum(d.axis, keepdims=True)) * probability


def sparse_cce(y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """Less the logarithm of the softmax at the label; 0 where the label is ignored.

    TensorFlow clips probabilities and takes the softmax of their logarithms; on JAX and torch they
    are divided by their sum before they are clipped.
    """
    valid = valid_classes(y, d)
    if _divides(d):
        normal = _normalised(_with_ones_for_ignored(p, valid), d)
        loss = -picked(log(clip(normal, d.epsilon, 1.0 - d.epsilon)), _classes(y, valid, p))
    else:
        kept = _without_ignored(p, valid, d)
        logits = kept if d.flag("from_logits") else log(clip(kept, d.epsilon, 1.0 - d.epsilon))
        shifted, total = _shifted_exponentials(logits.to(d.precise), -1)
        loss = log(total) - picked(shifted, _classes(y, valid, p))
    flat = d.rules.flat_classes and p.ndim > 3
    loss = loss.reshape((-1,) if flat else loss.shape[:-1]).to(p.arithmetic)
    return loss if valid is None else where(valid, loss, 0.0)


def sparse_cce_gradient(g: Rounded, y: Rounded, p: Rounded, d: Definition) -> Rounded:
    """`softmax(x) - onehot(y)`, 0 in the rows of ignored labels."""
    valid = valid_classes(y, d)
    g = g.reshape(p.shape[:-1]) if d.rules.flat_classes else g
    kept = _without_ignored(p, valid, d)
    hot = (_classes(y, valid, p) == np.arange(p.shape[-1])).astype(np.float64)
    labels = Rounded(hot, EXACT, p.arithmetic)
    upstream = g if valid is None else where(valid, g, 0.0)
    if d.flag("from_logits"):
        slope = _softmax_entropy_gradient(upstream, labels, kept, d)
        return _of_kept(slope, valid, d)
    if _divides(d):
        slope = _sparse_gradient_of_shares(upstream, labels, _with_ones_for_ignored(p, valid), d)
        if valid is not None and d.semantics.nan_where_ignored:
            return where(valid[..., None], slope, np.nan)
        return _of_kept(slope, valid, d)
    held = clip(kept, d.epsilon, 1.0 - d.epsilon)
    slope = _softmax_entropy_gradient(upstream, labels, log(held), d)
    if d.rules.ignoring == "gather":
        slope = _of_kept(slope, valid, d)
        return within(logarithm_gradient(slope, held), p, d.epsilon, 1.0 - d.epsilon)
    slope = within(logarithm_gradient(slope, held), kept, d.epsilon, 1.0 - d.epsilon)
    return _of_kept(slope, valid, d)


def _divides(d: Definition) -> bool:
    """Whether predictions of classes by their ids are divided by their sum: on JAX and torch."""
    return d.semantics.narrows and not d.flag("from_logits")


def _with_ones_for_ignored(p: Rounded, valid: AnyArray | None) -> Rounded:
    """Predictions with shares that can be divided where the label is ignored: no loss is there."""
    return p if valid is None else where(valid[..., None], p, 1.0)


def _sparse_gradient_of_shares(g: Rounded, labels: Rounded, p: Rounded, d: Definition) -> Rounded:
    """Back through logarithm, clip and division."""
    normal = _normalised(p, d)
    held = clip(normal, d.epsilon, 1.0 - d.epsilon)
    upstream = logarithm_gradient(repeat(-g, p, -1) * labels, held)
    return _normalised_gradient(within(upstream, normal, d.epsilon, 1.0 - d.epsilon), p, d)


def valid_classes(y: Rounded, d: Definition) -> AnyArray | None:
    """Which labels are not the ignored class; None where no class is ignored."""
    ignored = d.spec["ignore_class"]
    return None if ignored is None else np.asarray(y.value != float(ignored))


def _without_ignored(p: Rounded, valid: AnyArray | None, d: Definition) -> Rounded:
    """Predictions with those of ignored labels out of the way.

    Keras 2 takes the rows out, and only after the logarithm.
    """
    if valid is None or (d.rules.ignoring == "gather" and not d.flag("from_logits")):
        return p
    return _of_kept(p, valid, d)


def _of_kept(x: Rounded, valid: AnyArray | None, d: Definition) -> Rounded:
    """`x` with 0 in the rows of ignored labels; where Keras multiplies by 0, NaN stays."""
    if valid is None:
        return x
    rows = valid[..., None]
    if d.rules.ignoring == "multiply":
        return x * Rounded(rows.astype(np.float64), EXACT, x.arithmetic)
    return where(rows, x, 0.0)


def _classes(y: Rounded, valid: AnyArray | None, p: Rounded) -> AnyArray:
    """Labels as class ids with a last axis of 1, 0 in place of ignored ones."""
    labels = y.value if valid is None else np.where(valid, y.value, 0.0)
    if labels.shape != p.shape[:-1]:
        raise DoesNotFit(f"labels {labels.shape} do not fit predictions {p.shape}")
    if not ((labels > -1.0) & (labels < p.shape[-1])).all():
        raise DoesNotFit(f"a label is none of the {p.shape[-1]} classes")
    return labels.astype(np.int64)[..., None]


def _softmax_entropy(y: Rounded, x: Rounded, d: Definition) -> Rounded:
    """Cross-entropy of labels and logits, computed in float32 for the half formats."""
    shifted, total = _shifted_exponentials(x.to(d.precise), d.axis)
    labels = y.to(d.precise)
    terms = (log(total) - shifted) * labels
    return terms.narrow_sum(d.axis).to(x.arithmetic)


def _softmax_entropy_gradient(g: Rounded, y: Rounded, x: Rounded, d: Definition) -> Rounded:
    """`softmax(x) - y`; where the framework differentiates the sum itself, as JAX and torch do, the
    softmax is multiplied by the sum of the labels, which smoothing may make another number than 1.
    """
    precise, labels = x.to(d.precise), y.to(d.precise)
    if d.semantics.narrows:
        shifted, total = _shifted_exponentials(precise, d.axis)
        shares = exp(shifted - log(total)) * labels.sum(d.axis, keepdims=True)
    else:
        shares = _softmax(precise, d)
    slope = shares - labels
    return (repeat(g, x, d.axis).to(d.precise) * slope).to(x.arithmetic)


def _softmax(x: Rounded, d: Definition) -> Rounded:
    shifted, total = _shifted_exponentials(x, d.axis)
    return exp(shifted) / total


def _shifted_exponentials(x: Rounded, axis: int) -> tuple[Rounded, Rounded]:
    """Logits less their largest, and the sum of their exponentials."""
    shifted = x - largest(x, axis)
    return shifted, exp(shifted).narrow_sum(axis, keepdims=True)
