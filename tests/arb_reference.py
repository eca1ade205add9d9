"""A second oracle in rigorous ball arithmetic (python-flint's arb), sharing no code with the first.

Plain formulas over NumPy arrays of `arb`; gradients by central differences at 400 bits, so that no
rule of differentiation is used twice. It knows ordinary cases only: labels of the predictions'
shape, masks and weights that broadcast to the element losses, no NaN, no infinity, no empty array.
"""

from __future__ import annotations

import functools
from typing import Any

import flint
import numpy as np

from maskgate.case import Case

flint.ctx.prec = 400
Balls = Any  # an object array of arb
STEP = flint.arb(2) ** -100


def balls(values: Any) -> Balls:
    """Floats as exact balls."""
    array = np.asarray(values, dtype=np.float64)
    made = np.empty(array.shape, dtype=object)
    for index in np.ndindex(array.shape):
        made[index] = flint.arb(float(array[index]))
    return made


def each(function: Any) -> Any:
    """A function of one ball, over arrays."""

    def mapped(values: Balls) -> Balls:
        made = np.empty(np.shape(values), dtype=object)
        for index in np.ndindex(made.shape):
            made[index] = function(values[index])
        return made

    return mapped


log, exp, absolute = each(lambda x: x.log()), each(lambda x: x.exp()), each(abs)
root = each(lambda x: x.sqrt())
positive = each(lambda x: x if x > 0 else flint.arb(0))
softplus = each(lambda x: x.exp().log1p())


def clip(values: Balls, low: flint.arb, high: flint.arb) -> Balls:
    return each(lambda x: low if x < low else (high if x > high else x))(values)


def constant(number: float, dtype: str) -> flint.arb:
    """A number as a format holds it, by a cast of NumPy's."""
    if dtype == "bfloat16":
        bits = np.array(number, np.float32).view(np.uint32).astype(np.uint64)
        bits = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16 << 16
        return flint.arb(float(bits.astype(np.uint32).view(np.float32)))
    return flint.arb(float(np.array(number).astype(dtype)))


class Formulas:
    """Element losses of one dialect (`keras-2` or `keras-3`) and format."""

    def __init__(self, case: Case, dialect: str) -> None:
        self.case, self.old = case, dialect == "keras-2"
        self.loss = case.loss

    def held(self, number: float) -> flint.arb:
        return constant(number, self.case.dtype)

    @functools.cached_property
    def epsilon(self) -> flint.arb:
        return self.held(1e-7)

    @functools.cached_property
    def below_one(self) -> flint.arb:
        return self.held(1.0 - 1e-7)

    def value(self, y: Balls, p: Balls) -> Balls:
        return getattr(self, self.loss.name)(y, p)

    def mse(self, y: Balls, p: Balls) -> Balls:
        return ((y - p) ** 2).mean(-1)

    def mae(self, y: Balls, p: Balls) -> Balls:
        return absolute(y - p).mean(-1)

    def mape(self, y: Balls, p: Balls) -> Balls:
        floor = each(lambda x: x if x > self.epsilon else self.epsilon)(absolute(y))
        return 100 * absolute((y - p) / floor).mean(-1)

    def msle(self, y: Balls, p: Balls) -> Balls:
        # Keras 3 makes epsilon a float32 tensor, and with it the whole loss where that is wider.
        dtype = self.case.dtype if self.old else "float32"
        epsilon = constant(1e-7, dtype)
        floor = each(lambda x: x if x > epsilon else epsilon)
        return ((log(floor(p) + 1) - log(floor(y) + 1)) ** 2).mean(-1)

    def huber(self, y: Balls, p: Balls) -> Balls:
        delta = constant(float(self.loss["delta"]), "float32" if self.old else self.case.dtype)

        def one(error: flint.arb) -> flint.arb:
            size = abs(error)
            return size**2 / 2 if size <= delta else delta * size - delta**2 / 2

        return each(one)(p - y).mean(-1)

    def log_cosh(self, y: Balls, p: Balls) -> Balls:
        x = p - y
        # The constant is a float32 tensor before it is cast.
        log_2 = self.held(float(constant(float(np.log(2.0)), "float32")))
        return (x + softplus(-2 * x) - log_2).mean(-1)

    def poisson(self, y: Balls, p: Balls) -> Balls:
        return (p - y * log(p + self.epsilon)).mean(-1)

    def kld(self, y: Balls, p: Balls) -> Balls:
        one = flint.arb(1)
        y, p = clip(y, self.epsilon, one), clip(p, self.epsilon, one)
        return (y * log(y / p)).sum(-1)

    def cosine(self, y: Balls, p: Balls) -> Balls:
        axis = int(self.loss["axis"])
        scale = root((y * y).sum(axis) * (p * p).sum(axis))
        return -(y * p).sum(axis) / scale

    def _signed(self, y: Balls) -> Balls:
        return 2 * y - 1 if all(label in (0, 1) for label in y.reshape(-1)) else y

    def hinge(self, y: Balls, p: Balls) -> Balls:
        return positive(1 - self._signed(y) * p).mean(-1)

    def squared_hinge(self, y: Balls, p: Balls) -> Balls:
        return (positive(1 - self._signed(y) * p) ** 2).mean(-1)

    def categorical_hinge(self, y: Balls, p: Balls) -> Balls:
        others = (1 - y) * p
        largest = np.array([max(row) for row in others.reshape(-1, p.shape[-1])], dtype=object)
        return positive(largest.reshape(p.shape[:-1]) - (y * p).sum(-1) + 1)

    def _smoothing(self) -> tuple[flint.arb, flint.arb]:
        """One less the smoothing, and the smoothing, as the format holds them."""
        given = float(self.loss["label_smoothing"] or 0.0)
        kept = flint.arb(1) - self.held(given) if self.old else self.held(1.0 - given)
        return kept, self.held(given)

    def _binary_labels(self, y: Balls) -> Balls:
        kept, smoothing = self._smoothing()
        return y * kept + smoothing / 2 if smoothing > 0 else y

    def _binary(self, y: Balls, p: Balls) -> Balls:
        if self.loss["from_logits"]:
            return softplus(p) - p * y
        p = clip(p, self.epsilon, self.below_one)
        more = self.epsilon if self.old else 0
        return -(y * log(p + more) + (1 - y) * log(1 - p + more))

    def bce(self, y: Balls, p: Balls) -> Balls:
        return self._binary(self._binary_labels(y), p).mean(int(self.loss["axis"]))

    def binary_focal(self, y: Balls, p: Balls) -> Balls:
        y = self._binary_labels(y)
        chance = 1 / (1 + exp(-p)) if self.loss["from_logits"] else p
        miss = 1 - (y * chance + (1 - y) * (1 - chance))
        gamma = self.held(float(self.loss["gamma"]))
        value = each(lambda x: x**gamma)(miss) * self._binary(y, p)
        if self.loss["apply_class_balancing"]:
            alpha = float(self.loss["alpha"])
            value = value * (y * self.held(alpha) + (1 - y) * self.held(1.0 - alpha))
        return value.mean(int(self.loss["axis"]))

    def _class_labels(self, y: Balls) -> Balls:
        kept, smoothing = self._smoothing()
        return y * kept + smoothing / y.shape[-1] if smoothing > 0 else y

    def _log_softmax(self, p: Balls) -> Balls:
        return p - log(exp(p).sum(-1, keepdims=True))

    def cce(self, y: Balls, p: Balls) -> Balls:
        y = self._class_labels(y)
        if self.loss["from_logits"]:
            return -(y * self._log_softmax(p)).sum(-1)
        share = clip(p / p.sum(-1, keepdims=True), self.epsilon, self.below_one)
        return -(y * log(share)).sum(-1)

    def categorical_focal(self, y: Balls, p: Balls) -> Balls:
        y = self._class_labels(y)
        p = exp(self._log_softmax(p)) if self.loss["from_logits"] else p
        share = clip(p / p.sum(-1, keepdims=True), self.epsilon, self.below_one)
        gamma, alpha = (self.held(float(self.loss[name])) for name in ("gamma", "alpha"))
        return (alpha * each(lambda x: x**gamma)(1 - share) * -y * log(share)).sum(-1)

    def sparse_cce(self, y: Any, p: Balls) -> Balls:
        logits = p if self.loss["from_logits"] else log(clip(p, self.epsilon, self.below_one))
        scores = self._log_softmax(logits)
        kept = self.valid(y)
        ids = np.where(kept, y, 0)
        value = -np.take_along_axis(scores, ids[..., None], -1)[..., 0]
        return value * balls(kept.astype(float))

    def valid(self, y: Any) -> Any:
        ignored = self.loss["ignore_class"]
        return np.ones(y.shape, bool) if ignored is None else y != ignored


def total(values: Balls) -> flint.arb:
    return sum(values.reshape(-1), flint.arb(0))


def mean(values: Balls) -> flint.arb:
    return total(values) / values.size


def reduce(
    losses: Balls, mask: Any, weight: Any, case: Case, family: str, *, compiled: bool = False
) -> Balls:
    """The loss of a family; `mask` and `weight` are arrays of floats or None."""
    m = None if mask is None else balls(mask)
    w = None if weight is None else balls(weight)
    epsilon = constant(1e-7, case.dtype)
    if family.startswith("objective"):
        return _objective(losses, m, w, epsilon if family == "objective-epsilon" else flint.arb(0))
    factor = balls(np.ones(losses.shape))
    rescaled = case.reduction in ("sum_over_batch_size", "mean")
    if m is not None and family != "all-elements":
        valid, size = total(m), flint.arb(m.size)
        if family == "valid-where":
            m_used = balls(np.asarray(mask != 0.0, float)) if rescaled else m
        else:
            m_used = m * m if family == "valid-twice" and compiled else m
        if family == "valid-epsilon":
            valid = valid + epsilon
        scale = flint.arb(0) if valid == 0 else size / valid
        factor = m_used * (scale if rescaled else 1)
    elif m is not None and compiled:
        factor = m
    factor = factor * (1 if w is None else w)
    values = losses * factor
    if case.reduction == "none":
        return values
    if case.reduction == "sum":
        return np.array(total(values))
    divisor = flint.arb(values.size)
    if case.reduction == "mean_with_sample_weight" and not (m is None and w is None):
        divisor = total(factor)
    return np.array(flint.arb(0) if divisor == 0 else total(values) / divisor)


def _objective(l: Balls, m: Balls | None, w: Balls | None, epsilon: flint.arb) -> Balls:  # noqa: E741
    score = l if m is None else l * m / (mean(m) + epsilon)
    w = balls(np.ones(score.shape[:1])) if w is None else w
    tail = tuple(range(w.ndim, score.ndim))
    for axis in reversed(tail):
        score = score.sum(axis) / score.shape[axis]
    used = mean(balls(np.array([float(x != 0) for x in w.reshape(-1)])))
    return np.array(mean(score * w / used))


def loss(case: Case, family: str, dialect: str, p: Balls, *, compiled: bool = False) -> Balls:
    """The whole loss of a case at predictions `p`."""
    formulas = Formulas(case, dialect)
    sparse = case.loss.name == "sparse_cce"
    y = np.asarray(case.y_true) if sparse else balls(case.y_true)
    losses = formulas.value(y, p)
    mask = None if case.mask is None else np.asarray(case.mask, np.float64)
    if sparse and case.loss["ignore_class"] is not None and not family.startswith(("obj", "all")):
        seen = formulas.valid(y).astype(float)
        mask = seen if mask is None else seen * mask
    weight = None if case.sample_weight is None else np.asarray(case.sample_weight, np.float64)
    return reduce(losses, mask, weight, case, family, compiled=compiled)


def gradient(case: Case, family: str, dialect: str, *, compiled: bool = False) -> Balls:
    """Derivative of the sum of the loss by every prediction: central differences."""
    p = balls(case.y_pred)
    made = np.empty(p.shape, dtype=object)
    for index in np.ndindex(p.shape):
        ends = []
        for sign in (1, -1):
            moved = p.copy()
            moved[index] = p[index] + sign * STEP
            ends.append(total(np.asarray(loss(case, family, dialect, moved, compiled=compiled))))
        made[index] = (ends[0] - ends[1]) / (2 * STEP)
    return made


def distance(value: Any, ball: Balls) -> Any:
    """Upper bound on |value - ball|, element by element, as floats."""
    value, ball = np.asarray(value), np.asarray(ball, dtype=object)
    made = np.empty(value.shape)
    for index in np.ndindex(value.shape):
        made[index] = float(abs(flint.arb(float(value[index])) - ball[index]).upper())
    return made
